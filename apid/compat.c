/* The door of ntopng's API: arguments, envelope, walks over the store. */
#include "compat.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "door.h"
#include "json.h"
#include "problem.h"

#define ASK_MS    12000
#define PAGE      1000 /* records: others are served between two */
#define MAX_WHY   512 /* bytes of the reason of an error */

static unsigned walking;

/* -- paths -- */

bool compat_is_path(const char *path)
{
	return strncmp(path, "/lua/", 5) == 0;
}

size_t compat_body(const char *method)
{
	return strcmp(method, "POST") == 0 ? COMPAT_MAX_BODY : 0;
}

/* What is behind the prefix; NULL if it has none that we know. */
static const char *behind_prefix(const char *path)
{
	static const char *const prefixes[] = { "/lua/rest/v2/", "/lua/pro/rest/v2/", "/lua/" };
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0)
			return path + strlen(prefixes[i]);
	return NULL;
}

bool compat_writes(const char *path)
{
	static const char *const verbs[] = { "acknowledge/", "add/", "bind/", "change/", "create/", "delete/", "disable/", "edit/",
					     "enable/", "exec/", "import/", "reset/", "set/", "trigger/" };
	const char *rest = behind_prefix(path);
	for (size_t i = 0; rest && i < sizeof verbs / sizeof *verbs; i++)
		if (strncmp(rest, verbs[i], strlen(verbs[i])) == 0)
			return true;
	return false;
}

static const struct compat_row *find_row(const char *path)
{
	const char *rest = behind_prefix(path);
	size_t len = rest ? strlen(rest) : 0;
	if (len > 4 && strcmp(rest + len - 4, ".lua") == 0)
		len -= 4;
	for (size_t i = 0; rest && i < n_compat_rows; i++)
		if (strlen(compat_rows[i].path) == len && memcmp(compat_rows[i].path, rest, len) == 0)
			return &compat_rows[i];
	return NULL;
}

bool compat_takes_cookies(const char *path)
{
	const struct compat_row *row = find_row(path);
	return !compat_writes(path) || (row && row->handle == compat_session);
}

/* -- arguments: of the query, and over them those of the body -- */

/* Scalars become text, so that "0", 0 and true mean the same wherever they come from; null is absent. */
static void put_arg(json_t *args, const char *name, json_t *v)
{
	char text[40];
	if (json_is_string(v))
		json_object_set(args, name, v);
	else if (json_is_integer(v))
		snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_real(v))
		snprintf(text, sizeof text, "%.17g", json_real_value(v));
	else if (json_is_boolean(v))
		snprintf(text, sizeof text, "%s", json_is_true(v) ? "true" : "false");
	if (json_is_number(v) || json_is_boolean(v))
		json_object_set_new(args, name, json_string(text));
}

static bool read_form(json_t *args, const char *body)
{
	struct uri u;
	char *target = xasprintf("/?%s", body);
	bool good = uri_parse(&u, target) == 0;
	for (size_t i = 0; good && i < u.n; i++)
		json_object_set_new(args, u.params[i].name, json_string(u.params[i].value));
	uri_release(&u);
	free(target);
	return good;
}

static bool read_args(struct compat *c)
{
	const struct uri *u = request_uri(c->r);
	size_t len;
	const char *body = request_body(c->r, &len), *key;
	json_t *v;
	for (size_t i = 0; i < u->n; i++)
		json_object_set_new(c->args, u->params[i].name, json_string(u->params[i].value));
	if (len == 0)
		return true;
	const char *type = request_header(c->r, "Content-Type");
	if (type && strncmp(type, "application/x-www-form-urlencoded", 33) == 0 && *body != '{')
		return read_form(c->args, body);
	json_t *doc = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	bool good = json_is_object(doc);
	json_object_foreach(good ? doc : NULL, key, v)
		put_arg(c->args, key, v);
	json_decref(doc);
	return good;
}

const char *compat_arg(const struct compat *c, const char *name)
{
	const char *s = json_string_value(json_object_get(c->args, name));
	return s && *s ? s : NULL;
}

long compat_number(const struct compat *c, const char *name, long otherwise)
{
	const char *s = compat_arg(c, name);
	char *end;
	long n = s ? strtol(s, &end, 10) : otherwise;
	return s && (*end || end == s) ? otherwise : n;
}

bool compat_flag(const struct compat *c, const char *name, bool otherwise)
{
	const char *s = compat_arg(c, name);
	if (!s)
		return otherwise;
	if (strcasecmp(s, "true") == 0 || strcmp(s, "1") == 0)
		return true;
	return strcasecmp(s, "false") == 0 || strcmp(s, "0") == 0 ? false : otherwise;
}

uint64_t compat_epoch(const struct compat *c, const char *name)
{
	const char *s = compat_arg(c, name);
	uint64_t t = 0;
	return s && route_time(s, &t) ? t : 0;
}

const struct topo_sensor *compat_sensor(struct compat *c)
{
	const struct topo *t = c->k->c->topo;
	long n = compat_number(c, "ifid", -1);
	if (n >= 0 && (size_t)n < t->n_sensors)
		return &t->sensors[n];
	compat_fail(c, RC_INVALID_INTERFACE, "ifid names none of the sensors");
	return NULL;
}

bool compat_host(struct compat *c, struct addr *ip, unsigned *vlan)
{
	const char *s = compat_arg(c, "host");
	size_t n = s ? strcspn(s, "@") : 0;
	*vlan = (unsigned)(s && s[n] ? strtoul(s + n + 1, NULL, 10) : (unsigned long)compat_number(c, "vlan", 0));
	if (s && addr_parse(s, n, ip) == 0)
		return true;
	compat_fail(c, RC_INVALID_HOST, "host is no address");
	return false;
}

/* -- answers -- */

/* What a handler that has ended its call still asks for (compat_sensor and an argument in one go) is there until it returns. */
static void end_call(struct compat *c)
{
	c->over = true;
	if (c->handled)
		return;
	if (c->free_state)
		c->free_state(c->state);
	json_decref(c->args);
	json_decref(c->beside);
	json_decref(c->acc);
	free(c);
}

static void reply(struct compat *c, unsigned status, json_t *doc)
{
	struct buf b = { 0 };
	char *text = json_dumps(doc, JSON_COMPACT | JSON_ENCODE_ANY);
	buf_adds(&b, text ? text : "{}");
	buf_addc(&b, '\n');
	free(text);
	json_decref(doc);
	request_reply(c->r, status, "application/json", &b);
	end_call(c);
}

/* Lua cannot tell an empty object from an empty array: clients expect [] for both. */
static json_t *as_lua(json_t *rsp)
{
	if (!json_is_object(rsp) || json_object_size(rsp))
		return rsp;
	json_decref(rsp);
	return json_array();
}

static json_t *envelope(struct compat *c, int rc, const char *name, const char *words, json_t *rsp)
{
	json_t *doc = json_pack("{s:i,s:s,s:s,s:o}", "rc", rc, "rc_str", name, "rc_str_hr", words, "rsp", as_lua(rsp));
	if (c->beside)
		json_object_update(doc, c->beside);
	return doc;
}

void compat_ok(struct compat *c, json_t *rsp)
{
	reply(c, 200, envelope(c, RC_OK, "OK", "Success", rsp));
}

static const char records_member[] = "\"records\":[";

/* Where the records of an answer are to stand: nothing before them has such a member. */
static size_t place_of_records(const char *text)
{
	return (size_t)(strstr(text, records_member) - text) + sizeof records_member - 1;
}

void compat_records_begin(struct compat *c, struct buf *out)
{
	json_t *doc = envelope(c, RC_OK, "OK", "Success", json_pack("{s:[]}", "records"));
	char *text = json_dumps(doc, JSON_COMPACT);
	buf_reset(out);
	buf_add(out, text, place_of_records(text));
	free(text);
	json_decref(doc);
}

void compat_records_add(struct buf *out, json_t *record)
{
	char *text = json_dumps(record, JSON_COMPACT);
	if (buf_cstr(out)[out->len - 1] != '[')
		buf_addc(out, ',');
	buf_adds(out, text);
	free(text);
	json_decref(record);
}

void compat_records_end(struct compat *c, struct buf *out, json_t *stats)
{
	json_t *doc = envelope(c, RC_OK, "OK", "Success", json_pack("{s:[],s:o}", "records", "stats", stats));
	char *text = json_dumps(doc, JSON_COMPACT);
	buf_adds(out, text + place_of_records(text));
	buf_addc(out, '\n');
	free(text);
	json_decref(doc);
	request_reply(c->r, 200, "application/json", out);
	end_call(c);
}

void compat_bare(struct compat *c, json_t *doc)
{
	reply(c, 200, doc);
}

void compat_fail(struct compat *c, enum compat_rc rc, const char *why)
{
	static const struct {
		enum compat_rc rc;
		const char *name;
		unsigned status;
	} codes[] = {
		{ RC_NOT_FOUND, "NOT_FOUND", 404 },
		{ RC_INVALID_INTERFACE, "INVALID_INTERFACE", 400 },
		{ RC_NOT_GRANTED, "NOT_GRANTED", 403 },
		{ RC_INVALID_HOST, "INVALID_HOST", 400 },
		{ RC_INVALID_ARGUMENTS, "INVALID_ARGUMENTS", 400 },
		{ RC_BAD_FORMAT, "BAD_FORMAT", 400 },
		{ RC_USER_ALREADY_EXISTING, "USER_ALREADY_EXISTING", 409 },
		{ RC_NOT_IMPLEMENTED, "NOT_IMPLEMENTED", 501 },
		{ RC_INTERNAL_ERROR, "INTERNAL_ERROR", 500 },
	};
	size_t i = 0;
	while (codes[i].rc != rc && codes[i].rc != RC_INTERNAL_ERROR)
		i++;
	struct buf clean = { 0 }; /* it may quote what was asked, in part */
	str_put(&clean, why, strlen(why), MAX_WHY);
	json_decref(c->beside);
	c->beside = NULL;
	reply(c, codes[i].status, envelope(c, rc, codes[i].name, buf_cstr(&clean), json_array()));
	buf_release(&clean);
}

void compat_request(struct apid *k, struct request *r)
{
	const struct compat_row *row = find_row(request_uri(r)->path);
	const char *method = request_method(r);
	if (strcmp(method, "GET") != 0 && strcmp(method, "POST") != 0 && strcmp(method, "HEAD") != 0) {
		request_header_add(r, "Allow", "GET, HEAD, POST");
		request_problem(r, 405, "this path has other methods", NULL);
		return;
	}
	if (!row) {
		request_problem(r, 404, "there is nothing at this path; /api/v1/compat lists what there is", NULL);
		return;
	}
	if (row->heavy && !door_heavy(k, r))
		return;
	struct compat *c = xcalloc(1, sizeof *c);
	*c = (struct compat){ .k = k, .r = r, .row = row, .args = json_object(), .handled = true };
	if (!read_args(c))
		compat_fail(c, RC_BAD_FORMAT, "the body is no JSON object");
	else
		row->handle(c);
	c->handled = false;
	if (c->over)
		end_call(c);
}

void compat_empty(struct compat *c)
{
	compat_ok(c, json_loads(c->row->empty, JSON_DECODE_ANY, NULL));
}

void compat_no_write(struct compat *c)
{
	compat_fail(c, RC_NOT_IMPLEMENTED, c->row->note);
}

/* -- walks over the store -- */

struct step {
	struct compat *c;
	struct compat_walk w;
	char cursor[160];
	uint32_t seen;
};

static void ask(struct step *s);

static void end_walk(struct step *s, bool more)
{
	struct compat *c = s->c;
	void (*done)(struct compat *, bool) = s->w.done;
	buf_release(&s->w.filter);
	free(s);
	walking--;
	done(c, more);
}

static void fail_walk(struct step *s, const struct g_answer *a, const char *base)
{
	struct compat *c = s->c;
	char why[256] = "alertd does not answer";
	enum compat_rc rc = a && a->status == 400 ? RC_INVALID_ARGUMENTS : RC_INTERNAL_ERROR;
	if (a)
		str_copy(why, sizeof why, base, a->error);
	buf_release(&s->w.filter);
	free(s);
	walking--;
	compat_fail(c, rc, why);
}

static enum rtype type_of(const struct compat_walk *w)
{
	if (strncmp(w->what, "series", 6) == 0)
		return R_SAMPLE;
	return w->by ? R_TOP : strcmp(w->what, "alerts") == 0 ? R_ALERT : R_FLOW;
}

static void on_page(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	static union {
		struct r_alert alert;
		struct r_flow flow;
		struct r_top top;
		struct r_sample sample;
	} rec;
	struct step *s = arg;
	enum rtype type = type_of(&s->w);
	bool enough = false;
	s->c->k->asked--;
	if (!a || a->status != 200) {
		fail_walk(s, a, r ? r->base : NULL);
		return;
	}
	s->c->k->alertd.heard = mono_ns();
	if (s->w.total && !*s->cursor)
		*s->w.total = a->total;
	for (uint32_t i = 0; i < a->count && !enough && codec_peek(r) == type && codec_read(r, &rec) == 1; i++) {
		s->seen++;
		enough = !s->w.row(s->c, &rec, r->base) || s->seen >= s->w.max;
	}
	str_copy(s->cursor, sizeof s->cursor, r->base, a->next);
	if (enough || !*s->cursor)
		end_walk(s, *s->cursor != '\0');
	else
		ask(s);
}

static void ask(struct step *s)
{
	struct buf strs = { 0 };
	uint32_t left = s->w.max - s->seen;
	bool whole = type_of(&s->w) == R_SAMPLE; /* a series has no pages */
	struct r_query q = { .query = { .limit = left < PAGE || whole ? left : PAGE, .start = s->w.start, .end = s->w.end,
					.step = s->w.step, .count = s->w.total && !*s->cursor } };
	const struct {
		struct str *to;
		const char *text;
	} texts[] = { { &q.query.what, s->w.what }, { &q.query.sort, s->w.sort }, { &q.query.cursor, s->cursor },
		      { &q.query.by, s->w.by },     { &q.query.key, s->w.key } };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].text)
			*texts[i].to = str_put_raw(&strs, texts[i].text, strlen(texts[i].text));
	q.query.filter = str_put_raw(&strs, s->w.filter.p, s->w.filter.len);
	s->c->k->asked++;
	if (link_ask(s->c->k->c->loop, s->c->k->query_url, R_QUERY, &q, strs.p, ASK_MS, on_page, s) < 0)
		on_page(s, NULL, NULL);
	buf_release(&strs);
}

void compat_walk(struct compat *c, const struct compat_walk *w)
{
	struct step *s = xcalloc(1, sizeof *s);
	*s = (struct step){ .c = c, .w = *w };
	if (!s->w.max || s->w.max > COMPAT_MAX_ROWS)
		s->w.max = COMPAT_MAX_ROWS;
	if (!s->w.sort)
		s->w.sort = "";
	if (walking >= COMPAT_MAX_WALKS) {
		buf_release(&s->w.filter);
		free(s);
		compat_fail(c, RC_INTERNAL_ERROR, "too many questions to the store at once");
		return;
	}
	walking++;
	ask(s);
}

/* How much of a text there is room for in whole characters: JSON has no parts of them. */
static int fitting(const char *text, size_t len, size_t size)
{
	size_t n = len < size ? len : size - 1;
	while (n && n < len && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return (int)n;
}

const char *compat_key(const struct r_top *t, const char *base, size_t *pos, char *out, size_t size)
{
	const char *p = str_ptr(base, t->top.key) + *pos;
	size_t left = t->top.key.len > *pos ? t->top.key.len - *pos : 0;
	const char *nl = left ? memchr(p, '\n', left) : NULL;
	size_t n = nl ? (size_t)(nl - p) : left;
	snprintf(out, size, "%.*s", fitting(p, n, size), left ? p : "");
	*pos += n + (nl != NULL);
	return out;
}

/* -- pieces -- */

json_t *jstr(const char *base, struct str s)
{
	json_t *j = json_stringn(s.len ? base + s.off : "", s.len);
	return j ? j : json_string("");
}

json_t *jaddr(const struct addr *a)
{
	char text[ADDR_STRLEN];
	return json_string(addr_str(a, text));
}

json_t *jsec(uint64_t ns)
{
	return json_integer((json_int_t)(ns / 1000000000u));
}

void jadd(json_t *obj, const char *key, json_int_t n)
{
	json_t *old = json_object_get(obj, key);
	if (old)
		json_integer_set(old, json_integer_value(old) + n);
	else
		json_object_set_new(obj, key, json_integer(n));
}

const char *str_copy(char *out, size_t size, const char *base, struct str s)
{
	const char *text = s.len ? base + s.off : "";
	snprintf(out, size, "%.*s", fitting(text, s.len, size), text);
	return out;
}


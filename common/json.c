#include "json.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "timestamp.h"

/* -- strings and numbers -- */

/*
 * Characters that are valid UTF-8 and yet change how the text around them reads: line separators and the directional
 * controls (U+2028-202E, U+2066-2069). They are escaped like controls.
 */
static bool is_trick(const uint8_t *p)
{
	return p[0] == 0xe2 && ((p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
				(p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

static void json_escape(struct buf *out, unsigned c)
{
	switch (c) {
	case '\n':
		buf_adds(out, "\\n");
		break;
	case '\t':
		buf_adds(out, "\\t");
		break;
	case '\r':
		buf_adds(out, "\\r");
		break;
	default:
		buf_addf(out, "\\u%04x", c);
	}
}

/* Valid text, with what JSON wants escaped. */
static void add_escaped(struct buf *out, const uint8_t *p, size_t len)
{
	size_t from = 0;
	for (size_t i = 0; i < len; i++) {
		bool quote = p[i] == '"' || p[i] == '\\', trick = p[i] == 0xe2 && i + 2 < len && is_trick(p + i);
		if (!quote && !trick)
			continue;
		buf_add(out, p + from, i - from);
		from = i;
		if (quote) {
			buf_addc(out, '\\');
		} else {
			json_escape(out, 0x2000u | (p[i + 1] & 1u) << 6 | (p[i + 2] & 0x3fu));
			i += 2;
			from = i + 1;
		}
	}
	buf_add(out, p + from, len - from);
}

static void string_body(struct buf *out, const char *s, size_t len)
{
	size_t i = 0;
	while (i < len) {
		size_t n = utf8_span(s + i, len - i, false);
		add_escaped(out, (const uint8_t *)s + i, n);
		i += n;
		if (i == len)
			break;
		uint8_t c = (uint8_t)s[i++];
		if (c < 0x20 || c == 0x7f)
			json_escape(out, c);
		else
			buf_adds(out, "\xef\xbf\xbd");
	}
}

void json_quote(struct buf *out, const char *s, size_t len)
{
	buf_addc(out, '"');
	string_body(out, s, len);
	buf_addc(out, '"');
}

static void add_real(struct buf *out, double d)
{
	char t[32];
	if (!isfinite(d)) {
		buf_adds(out, "null");
		return;
	}
	/* The shortest text that reads back as the same number. */
	for (int digits = 6; digits <= 17; digits++) {
		snprintf(t, sizeof t, "%.*g", digits, d);
		if (strtod(t, NULL) == d)
			break;
	}
	buf_adds(out, t);
}

void json_time(struct buf *out, uint64_t ns)
{
	buf_addc(out, '"');
	timestamp_print(out, ns);
	buf_addc(out, '"');
}

static void add_duration(struct buf *out, uint64_t ns)
{
	buf_add_uint(out, ns / 1000000000u, 0);
	buf_addc(out, '.');
	buf_add_uint(out, ns % 1000000000u, 9);
	while (out->p[out->len - 1] == '0' && out->p[out->len - 2] != '.')
		out->len--;
}

/* -- lists and maps -- */

static void json_list(struct buf *out, const char *base, struct str list)
{
	size_t pos = 0, n;
	const char *item;
	buf_addc(out, '[');
	while (list_next(base, list, &pos, &item, &n)) {
		if (item != base + list.off)
			buf_addc(out, ',');
		json_quote(out, item, n);
	}
	buf_addc(out, ']');
}

/* A number as JSON allows it (RFC 8259 section 6), so that it can stand unquoted. */
static bool is_number(const char *s, size_t n)
{
	size_t i = n && *s == '-', digits = i;
	while (i < n && s[i] >= '0' && s[i] <= '9')
		i++;
	if (i == digits || (i - digits > 1 && s[digits] == '0') || n > 18)
		return false;
	if (i < n && s[i] == '.') {
		size_t point = ++i;
		while (i < n && s[i] >= '0' && s[i] <= '9')
			i++;
		if (i == point)
			return false;
	}
	return i == n;
}

static void json_map(struct buf *out, const char *base, struct str map)
{
	size_t pos = 0, n;
	const char *item;
	buf_addc(out, '{');
	while (list_next(base, map, &pos, &item, &n)) {
		const char *eq = memchr(item, '=', n);
		size_t key = eq ? (size_t)(eq - item) : n;
		const char *v = eq ? eq + 1 : item + n;
		size_t vn = n - (size_t)(v - item);
		if (item != base + map.off)
			buf_addc(out, ',');
		json_quote(out, item, key);
		buf_addc(out, ':');
		if (is_number(v, vn))
			buf_add(out, v, vn);
		else
			json_quote(out, v, vn);
	}
	buf_addc(out, '}');
}

static void add_hex(struct buf *out, const char *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		buf_addc(out, digit[(uint8_t)p[i] >> 4]);
		buf_addc(out, digit[p[i] & 15]);
	}
}

/* -- values -- */

static bool is_absent(const struct field *f, const void *v)
{
	switch (f->type) {
	case FT_ADDR:
		return !addr_is_set(v);
	case FT_MAC:
		return !mac_is_set(v);
	case FT_ID:
		return !id_is_set(*(const struct id *)v);
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
	case FT_BIN:
		return ((const struct str *)v)->len == 0;
	case FT_TIME:
		return *(const uint64_t *)v == 0;
	case FT_F64:
		return (f->flags & F_OPT) && *(const double *)v == 0;
	case FT_ENUM:
		return *enum_name(f->names, *(const uint8_t *)v) == '\0' ||
		       ((f->flags & F_OPT) && *(const uint8_t *)v == 0);
	default:
		return (f->flags & F_OPT) && field_uint(f, v) == 0;
	}
}

/* Text of the types that need no quoting of their own; NULL for the others. */
static const char *word(const struct field *f, const void *v, char buf[static ADDR_STRLEN])
{
	switch (f->type) {
	case FT_ADDR:
		return addr_str(v, buf);
	case FT_MAC:
		return mac_str(v, buf);
	case FT_ID:
		return id_str(*(const struct id *)v, buf);
	case FT_ENUM:
		return enum_name(f->names, *(const uint8_t *)v);
	case FT_PROTO:
		return proto_name(*(const uint8_t *)v, buf);
	case FT_TCPFLAGS:
		return tcpflags_str(*(const uint8_t *)v, buf);
	default:
		return NULL;
	}
}

void json_value(struct buf *out, const struct field *f, const void *v, const char *base)
{
	char tmp[ADDR_STRLEN];
	const char *w = word(f, v, tmp);
	const struct str *s = v;
	if (w) {
		buf_addc(out, '"');
		buf_adds(out, w);
		buf_addc(out, '"');
		return;
	}
	switch (f->type) {
	case FT_FLAG:
		buf_adds(out, *(const uint8_t *)v ? "true" : "false");
		break;
	case FT_F64:
		add_real(out, *(const double *)v);
		break;
	case FT_TIME:
		json_time(out, *(const uint64_t *)v);
		break;
	case FT_DUR:
		add_duration(out, *(const uint64_t *)v);
		break;
	case FT_STR:
		json_quote(out, base + s->off, s->len);
		break;
	case FT_LIST:
		json_list(out, base, *s);
		break;
	case FT_MAP:
		json_map(out, base, *s);
		break;
	case FT_BIN:
		buf_addc(out, '"');
		add_hex(out, base + s->off, s->len);
		buf_addc(out, '"');
		break;
	default:
		buf_add_uint(out, field_uint(f, v), 0);
	}
}

void text_value(struct buf *out, const struct field *f, const void *v, const char *base)
{
	char tmp[ADDR_STRLEN];
	if (is_absent(f, v))
		return;
	const char *w = word(f, v, tmp);
	const struct str *s = v;
	if (w) {
		buf_adds(out, w);
		return;
	}
	switch (f->type) {
	case FT_TIME:
		timestamp_print(out, *(const uint64_t *)v);
		break;
	case FT_STR:
		buf_add(out, base + s->off, s->len);
		break;
	case FT_LIST:
	case FT_MAP:
		for (uint32_t i = 0; i < s->len; i++)
			buf_addc(out, base[s->off + i] == '\n' ? ',' : base[s->off + i]);
		break;
	case FT_BIN:
		add_hex(out, base + s->off, s->len);
		break;
	default:
		json_value(out, f, v, base);
	}
}

/* -- records -- */

/*
 * How a record type is laid out in JSON: a tree of names, made once. Nodes are in the order of the rows, which is the
 * order of the output.
 */
struct node {
	char *key;
	const struct field *field; /* NULL for an object */
	const char *full;          /* public name of the field */
	unsigned off;
	struct node *child, *next;
};

static struct node *plans[64];
static pthread_mutex_t plans_lock = PTHREAD_MUTEX_INITIALIZER;

static struct node *find_node(struct node **list, const char *key, size_t len)
{
	struct node **p = list;
	for (; *p; p = &(*p)->next)
		if (strlen((*p)->key) == len && strncmp((*p)->key, key, len) == 0)
			return *p;
	*p = xcalloc(1, sizeof **p);
	(*p)->key = xstrndup(key, len);
	return *p;
}

static void plan_field(struct node **list, const char *name, const struct field *f, unsigned off)
{
	const char *dot;
	while ((dot = strchr(name, '.')) != NULL) {
		struct node *n = find_node(list, name, (size_t)(dot - name));
		if (n->field) { /* a value of that name is there already: it becomes "name" of the object */
			struct node *inner = find_node(&n->child, "name", 4);
			inner->field = n->field;
			inner->full = n->full;
			inner->off = n->off;
			n->field = NULL;
		}
		list = &n->child;
		name = dot + 1;
	}
	struct node *n = find_node(list, name, strlen(name));
	if (n->child)
		n = find_node(&n->child, "name", 4);
	if (!n->field) { /* the first group that has the name wins */
		n->field = f;
		n->full = f->name;
		n->off = off;
	}
}

/* The object that a group of an alert goes into; NULL = the alert itself. */
static const char *group_object(enum rtype type, const struct rgroup *g)
{
	if (type != R_ALERT)
		return NULL;
	return strncmp(g->name, "flow_", 5) == 0 ? "flow" : strcmp(g->name, "host") == 0 ? "host" : NULL;
}

static struct node *plan_make(const struct rdesc *rd)
{
	struct node *root = xcalloc(1, sizeof *root);
	for (unsigned i = 0; i < rd->n_groups; i++) {
		const struct rgroup *g = &rd->groups[i];
		const char *object = group_object(rd->type, g);
		struct node **list = object ? &find_node(&root->child, object, strlen(object))->child : &root->child;
		for (unsigned k = 0; k < g->n_fields; k++)
			plan_field(list, g->fields[k].name, &g->fields[k], g->off + g->fields[k].off);
	}
	return root;
}

static const struct node *plan_get(enum rtype type)
{
	pthread_mutex_lock(&plans_lock);
	if (!plans[type])
		plans[type] = plan_make(rdesc_get(type));
	const struct node *n = plans[type];
	pthread_mutex_unlock(&plans_lock);
	return n;
}

static bool is_wanted(const char *const *fields, const char *name)
{
	for (; *fields; fields++)
		if (strcmp(*fields, name) == 0)
			return true;
	return false;
}

struct writer {
	struct buf *out;
	const char *rec, *base;
	unsigned flags;
	const char *const *fields;
	const char *object; /* the object of an alert that we are in, "" for none */
};

static bool write_nodes(struct writer *w, const struct node *n, bool any);

static void write_key(struct writer *w, const char *key, bool any)
{
	if (any)
		buf_addc(w->out, ',');
	buf_addc(w->out, '"');
	buf_adds(w->out, key);
	buf_adds(w->out, "\":");
}

static bool write_object(struct writer *w, const struct node *n, bool any)
{
	if (w->flags & JSON_FLAT)
		return write_nodes(w, n->child, any);
	size_t before = w->out->len;
	write_key(w, n->key, any);
	buf_addc(w->out, '{');
	if (!write_nodes(w, n->child, false)) {
		w->out->len = before;
		return any;
	}
	buf_addc(w->out, '}');
	return true;
}

static bool write_nodes(struct writer *w, const struct node *n, bool any)
{
	for (; n; n = n->next) {
		if (!n->field) {
			any = write_object(w, n, any);
			continue;
		}
		const void *v = w->rec + n->off;
		if (is_absent(n->field, v) || (n->field->type == FT_BIN && (w->flags & JSON_NO_BIN)))
			continue;
		char full[64] = "";
		if (w->fields || (w->flags & JSON_FLAT)) /* else nobody looks at it, and it costs more than all the rest */
			snprintf(full, sizeof full, "%s%s", w->object, n->full);
		if (w->fields && !is_wanted(w->fields, full))
			continue;
		write_key(w, w->flags & JSON_FLAT ? full : n->key, any);
		json_value(w->out, n->field, v, w->base);
		any = true;
	}
	return any;
}

/*
 * The object of an alert that a name stands for, as the prefix of its fields; NULL if the alert has none: when there
 * is no flow or host, their zeros would be noise.
 */
static const char *object_prefix(enum rtype type, const void *rec, const char *key)
{
	const struct r_alert *a = rec;
	if (type != R_ALERT)
		return "";
	if (strcmp(key, "flow") == 0)
		return id_is_set(a->flow.id) ? "flow." : NULL;
	if (strcmp(key, "host") == 0)
		return addr_is_set(&a->host.ip) ? "host." : NULL;
	return "";
}

void json_record(struct buf *out, enum rtype type, const void *rec, const char *base, unsigned flags,
		 const char *const *fields)
{
	struct writer w = { .out = out, .rec = rec, .base = base, .flags = flags, .fields = fields };
	bool any = false;
	buf_addc(out, '{');
	if (flags & JSON_TYPE) {
		buf_addf(out, "\"type\":\"%s\"", rdesc_get(type)->name);
		any = true;
	}
	for (const struct node *n = plan_get(type)->child; n; n = n->next) {
		w.object = object_prefix(type, rec, n->key);
		if (!w.object)
			continue;
		struct node one = *n;
		one.next = NULL;
		any = write_nodes(&w, &one, any);
	}
	buf_addc(out, '}');
}

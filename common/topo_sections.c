/* The sections of weir.yaml that are more than values: sensors, links, checks, recipients. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "checkdef.h"
#include "match.h"
#include "suggest.h"
#include "topo_keys.h"

#define MAX_SENSORS    64
#define MAX_RECIPIENTS 256
#define MAX_CHECKS     1024
#define MAX_NAME       31

/* Names become parts of socket paths and stream names. */
static bool good_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
	return n > 0 && n <= MAX_NAME && s[n] == '\0' && *s != '.' && *s != '-';
}

bool topo_good_member(struct topo_parser *p, const struct ynode *n, const char *what, const char *example)
{
	if (!good_name(n->key))
		topo_report_key(p, n, "'%.60s' is no name of a %s: 1 to %d letters, digits, '_', '-' and '.'", n->key, what,
				MAX_NAME);
	else if (n->kind != Y_MAP)
		topo_report_value(p, n, "%s '%s': a map was expected, such as %s", what, n->key, example);
	else
		return true;
	return false;
}

/* -- sensors -- */

static const struct topo_key *input_row(const char *key)
{
	for (const struct topo_key *k = topo_sensor_keys; k->name; k++)
		if (k->kind == K_INPUT && strcmp(k->name, key) == 0)
			return k;
	return NULL;
}

static bool good_input(struct topo_parser *p, const struct topo_key *k, const struct ynode *n)
{
	struct buf why = { 0 };
	bool many = strcmp(k->name, "files") == 0, good = n->kind == Y_SCALAR ? *n->value != '\0' : many && n->child;
	for (const struct ynode *c = n->child; c; c = c->next)
		good &= n->kind == Y_LIST && c->kind == Y_SCALAR && *c->value;
	if (!good)
		topo_report_value(p, n, "%s: a text%s was expected", k->name, many ? " or a list of texts" : "");
	else if (k->min == SRC_STDIN && strcmp(n->value, "-") != 0 && strcasecmp(n->value, "yes") != 0 &&
		 strcasecmp(n->value, "true") != 0)
		topo_report_value(p, n, "stdin: yes was expected"), good = false;
	else if (k->good && !(good = k->good(n->value, &why)))
		topo_report_value(p, n, "%s: '%.60s': %s", k->name, n->value, buf_cstr(&why));
	buf_release(&why);
	return good;
}

static bool sensor_key(struct topo_parser *p, void *obj, const struct ynode *n)
{
	struct topo_sensor *s = obj;
	const struct topo_key *k = input_row(n->key);
	if (!k)
		return false;
	if (n->null)
		return true;
	if (s->inputs)
		topo_report_key(p, n, "sensor '%s' has two inputs", s->name);
	/* What is no good is an input all the same: one message is enough. */
	topo_list_free(s->inputs);
	s->inputs = NULL;
	s->source = (enum topo_source)k->min;
	if (!good_input(p, k, n) || s->source == SRC_STDIN) {
		s->inputs = xcalloc(2, sizeof *s->inputs);
		s->inputs[0] = xstrdup("-");
	} else {
		s->inputs = topo_list_copy(n);
	}
	return true;
}

/* A sensor starts with the values of 'flow'; texts are not shared. */
static struct topo_sensor sensor_from(const struct topo_sensor *flow)
{
	struct topo_sensor s = *flow;
	s.filter = flow->filter ? xstrdup(flow->filter) : NULL;
	return s;
}

static void read_sensor(struct topo_parser *p, const struct ynode *n)
{
	struct topo *t = p->t;
	char where[64];
	t->sensors = xrealloc(t->sensors, (t->n_sensors + 1) * sizeof *t->sensors);
	struct topo_sensor *s = &t->sensors[t->n_sensors++];
	*s = sensor_from(&p->flow);
	s->name = xstrdup(n->key);
	s->line = n->line;
	snprintf(where, sizeof where, " of sensor '%s'", s->name);
	topo_read_map(p, topo_sensor_keys, s, n, where, sensor_key);
	if (!s->inputs)
		topo_report_key(p, n, "sensor '%s' has no input: interface, file, files, directory, follow or stdin", s->name);
	if (s->head_first > s->head_second)
		topo_report_key(p, n, "sensor '%s': head_first is later than head_second", s->name);
}

/* Without a good one the file is wrong; the message is left to the sensors that are there. */
void topo_read_sensors(struct topo_parser *p, const struct ynode *map)
{
	for (const struct ynode *n = map->child; n; n = n->next) {
		if (!topo_good_member(p, n, "sensor", "{interface: eth0}") || topo_sensor(p->t, n->key))
			continue;
		if (p->t->n_sensors == MAX_SENSORS) {
			topo_report_key(p, n, "more than %d sensors", MAX_SENSORS);
			return;
		}
		read_sensor(p, n);
	}
}

/* -- links -- */

static const struct {
	const char *name;
	const char *consumer; /* durable by default */
} link_defaults[] = { { "packets", "classify" }, { "flows", "checks" }, { "alerts", "alertd" }, { "history", "alertd" },
		      { "deliveries", "notify" } };

void topo_default_links(struct topo *t)
{
	t->n_links = sizeof link_defaults / sizeof *link_defaults;
	t->links = xcalloc(t->n_links, sizeof *t->links);
	for (size_t i = 0; i < t->n_links; i++) {
		t->links[i].name = xstrdup(link_defaults[i].name);
		t->links[i].durable = xcalloc(2, sizeof(char *));
		t->links[i].durable[0] = xstrdup(link_defaults[i].consumer);
		topo_defaults(topo_link_keys, &t->links[i]);
	}
}

void topo_read_links(struct topo_parser *p, const struct ynode *map)
{
	for (const struct ynode *n = map->child; n; n = n->next) {
		struct topo_link *l = (struct topo_link *)topo_link(p->t, n->key);
		char where[64];
		if (!l) {
			topo_report_key(p, n, "no link is named '%.60s': there are packets, flows, alerts, history and deliveries",
					n->key);
			continue;
		}
		if (n->kind != Y_MAP) {
			topo_report_value(p, n, "link '%s': a map was expected, such as {bytes: 64M}", n->key);
			continue;
		}
		l->line = n->line;
		snprintf(where, sizeof where, " of link '%s'", l->name);
		topo_read_map(p, topo_link_keys, l, n, where, NULL);
	}
}

/* -- checks -- */

static bool is_missing(const char *dir, const char *name)
{
	char path[1024];
	snprintf(path, sizeof path, "%s/%s.lua", dir, name);
	return topo_is_missing(path);
}

static bool lua_check_exists(const struct topo *t, const char *name)
{
	if (!is_missing(t->checks.lua_shipped, name))
		return true;
	for (char **d = t->checks.lua_paths; d && *d; d++)
		if (!is_missing(*d, name))
			return true;
	return false;
}

static void unknown_check(struct topo_parser *p, const struct ynode *n, bool at_key, const char *name)
{
	void (*report)(struct topo_parser *p, const struct ynode *n, const char *fmt, ...) __attribute__((format(printf, 3, 4))) =
		at_key ? topo_report_key : topo_report_value;
	struct suggest s = { .wrong = name };
	for (size_t i = 0; i < n_checkdefs; i++)
		suggest_offer(&s, checkdefs[i].key);
	if (s.best)
		report(p, n, "no check is named '%.60s'; did you mean '%s'?", name, s.best);
	else
		report(p, n, "no check is named '%.60s' ('weir checks' lists them; a Lua check has a file of its name)", name);
}

static const struct checkdef_param *def_param(const struct checkdef *d, const char *name)
{
	for (const struct checkdef_param *p = d->params; p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

/* A threshold, with the suffixes that its unit has: 1G of bytes, 12h of seconds, 5 %. */
static bool parse_threshold(const struct checkdef_param *dp, const char *s, double *ret)
{
	size_t digits = strspn(s, "0123456789.");
	char *end;
	uint64_t v;
	int rc;
	if (digits && (!s[digits] || (strcmp(dp->unit, "%") == 0 && strcmp(s + digits, "%") == 0))) {
		*ret = strtod(s, &end);
		return end == s + digits;
	}
	if (strncmp(dp->unit, "bytes", 5) == 0)
		rc = topo_size(s, &v);
	else if (strcmp(dp->unit, "seconds") == 0)
		rc = topo_duration(s, &v);
	else
		rc = topo_count(s, &v);
	*ret = strcmp(dp->unit, "seconds") == 0 ? (double)v / 1e9 : (double)v;
	return rc == 0;
}

/* The value as it is kept, a plain number; NULL after saying why not. */
static char **number_value(struct topo_parser *p, const struct checkdef_param *dp, const struct ynode *n)
{
	double v = 0;
	if (n->kind != Y_SCALAR) {
		topo_report_value(p, n, "%s: a number was expected, not a %s", n->key, n->kind == Y_MAP ? "map" : "list");
	} else if (!parse_threshold(dp, n->value, &v)) {
		topo_report_value(p, n, "%s: a number was expected, not '%.60s'", n->key, n->value);
	} else if (v < dp->min || v > dp->max) {
		topo_report_value(p, n, "%s: %.15g is not between %.15g and %.15g (%s)", n->key, v, dp->min, dp->max,
				  dp->unit);
	} else {
		char **list = xcalloc(2, sizeof *list);
		list[0] = xasprintf("%.15g", v);
		return list;
	}
	return NULL;
}

/* What is wrong with an item of a list, NULL if nothing is. */
static const char *item_fault(enum param_kind kind, const char *s)
{
	struct cidr net;
	int rc = kind == PARAM_NETS ? cidr_parse(s, strlen(s), &net) : 0;
	if (rc)
		return rc == -2 ? "has bits set beyond its prefix" : "is neither an address nor a network";
	if (kind == PARAM_NUMBERS && (!*s || s[strspn(s, "0123456789")]))
		return "is not a whole number";
	return NULL;
}

/* Texts; of a native check, what its parameter is a list of. NULL after saying why not. */
static char **list_value(struct topo_parser *p, enum param_kind kind, const struct ynode *n)
{
	bool good = n->kind != Y_MAP;
	for (const struct ynode *c = n->kind == Y_SCALAR ? n : n->child; c && good; c = n->kind == Y_SCALAR ? NULL : c->next) {
		if (c->kind != Y_SCALAR || c->null) {
			good = false;
			break;
		}
		const char *fault = item_fault(kind, c->value);
		if (!fault)
			continue;
		topo_report_value(p, c, "%s: '%.60s' %s", n->key, c->value, fault);
		return NULL;
	}
	if (good)
		return topo_list_copy(n);
	topo_report_value(p, n, "%s: a text or a list of texts was expected", n->key);
	return NULL;
}

static void read_param(struct topo_parser *p, const struct checkdef *d, struct topo_check *c, const struct ynode *n)
{
	const struct checkdef_param *dp = d ? def_param(d, n->key) : NULL;
	struct suggest s = { .wrong = n->key };
	if (d && !dp) {
		for (dp = d->params; dp->name; dp++)
			suggest_offer(&s, dp->name);
		topo_report_key(p, n, s.best ? "check '%s' has no parameter '%.60s'; did you mean '%s'?"
					     : "check '%s' has no parameter '%.60s'", c->name, n->key, s.best);
		return;
	}
	if (!good_name(n->key)) {
		topo_report_key(p, n, "'%.60s' is no name of a parameter", n->key);
		return;
	}
	if (n->null || topo_check_param(c, n->key))
		return;
	char **values = dp && !dp->list ? number_value(p, dp, n) : list_value(p, dp ? dp->kind : PARAM_TEXTS, n);
	if (!values)
		return;
	c->params = xrealloc(c->params, (c->n_params + 1) * sizeof *c->params);
	c->params[c->n_params++] = (struct topo_param){ .name = xstrdup(n->key), .values = values, .line = n->line,
							.column = n->column };
}

static void read_check(struct topo_parser *p, const struct ynode *map)
{
	struct topo *t = p->t;
	const struct checkdef *d = checkdef_find(map->key, ENT_OTHER);
	if (!d && (!good_name(map->key) || !lua_check_exists(t, map->key))) {
		unknown_check(p, map, true, map->key);
		return;
	}
	if (t->checks.n == MAX_CHECKS) {
		topo_report_key(p, map, "more than %d checks", MAX_CHECKS);
		return;
	}
	t->checks.list = xrealloc(t->checks.list, (t->checks.n + 1) * sizeof *t->checks.list);
	struct topo_check *c = &t->checks.list[t->checks.n++];
	*c = (struct topo_check){ .name = xstrdup(map->key), .line = map->line, .column = map->column };
	for (const struct ynode *n = map->child; n; n = n->next) {
		if (strcmp(n->key, topo_check_keys[0].name) != 0) {
			read_param(p, d, c, n);
			continue;
		}
		c->enabled_set = !n->null;
		topo_read_key(p, &topo_check_keys[0], c, n);
	}
}

void topo_read_checks(struct topo_parser *p, const struct ynode *map)
{
	for (const struct ynode *n = map->child; n; n = n->next) {
		if (n->kind != Y_MAP && !n->null)
			topo_report_value(p, n, "check '%.60s': a map was expected, such as {enabled: yes}", n->key);
		else if (!topo_check(p->t, n->key))
			read_check(p, n);
	}
}

/* -- recipients -- */

const struct ynode *topo_member(const struct ynode *map, const char *key)
{
	for (const struct ynode *n = map->child; n; n = n->next)
		if (strcmp(n->key, key) == 0 && !n->null)
			return n;
	return map;
}

/* ${file:/path} and ${cred:name} stay as they are; notify puts the secret in. */
static void check_references(struct topo_parser *p, const char *s, const struct ynode *n)
{
	while ((s = strstr(s, "${")) != NULL) {
		size_t len = strcspn(s, "}");
		const char *close = s[len] ? s + len : NULL;
		bool file = strncmp(s, "${file:/", 8) == 0 && close > s + 8;
		bool cred = strncmp(s, "${cred:", 7) == 0 && close > s + 7 && s[7] != '.' && !memchr(s, '/', len);
		if (!file && !cred) {
			topo_report_value(p, n, "%s: a secret is ${file:/PATH} or ${cred:NAME}", n->key);
			return;
		}
		s = close;
	}
}

/* Does the text hold a secret itself: a header that lets one in, a password in a URL? */
static bool is_secret_header(const char *s)
{
	static const char *const words[] = { "authorization", "cookie", "token", "secret", "key", "password" };
	size_t n = strcspn(s, ":");
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t len = strlen(words[i]);
		for (size_t at = 0; at + len <= n; at++)
			if (strncasecmp(s + at, words[i], len) == 0)
				return !strstr(s, "${");
	}
	return false;
}

static bool is_secret_url(const char *s)
{
	const char *host = strstr(s, "://");
	size_t n = host ? strcspn(host + 3, "/?#") : 0;
	const char *at = n ? memchr(host + 3, '@', n) : NULL;
	return at && !strstr(s, "${");
}

static void refuse_exposed(struct topo_parser *p, const struct ynode *n)
{
	topo_report_value(p, n, "%s: a secret is written here and others may read this file: use ${file:/PATH} or chmod o-r it",
			  n->key);
}

static void check_secrets(struct topo_parser *p, const struct topo_recipient *r, const struct ynode *map)
{
	const struct ynode *url = topo_member(map, "webhook"), *secret = topo_member(map, "secret"), *headers = topo_member(map, "headers");
	if (r->secret)
		check_references(p, r->secret, secret);
	if (r->url)
		check_references(p, r->url, url);
	for (char **h = r->headers; h && *h; h++)
		check_references(p, *h, headers);
	if (!p->exposed)
		return;
	if (r->secret && strncmp(r->secret, "${", 2) != 0)
		refuse_exposed(p, secret);
	if (r->url && is_secret_url(r->url))
		refuse_exposed(p, url);
	for (char **h = r->headers; h && *h; h++)
		if (is_secret_header(*h)) {
			refuse_exposed(p, headers);
			break;
		}
}

/* Of weir, or a list, a rule or a script of the topology. */
static bool names_a_check(const void *topo, const char *name)
{
	const struct topo *t = topo;
	return checkdef_find(name, ENT_OTHER) || topo_policy_names(t, name) || lua_check_exists(t, name);
}

void topo_check_match(struct topo_parser *p, const char *text, enum rtype type, const struct ynode *n)
{
	struct match_error e;
	struct match *m = match_parse(text, type, &e);
	const char *name = m && type == R_ALERT ? match_unknown(m, "check", names_a_check, p->t) : NULL;
	if (!m)
		topo_report_text(p, n, &e);
	else if (name)
		unknown_check(p, n, false, name);
	match_free(m);
}

static void check_recipient(struct topo_parser *p, struct topo_recipient *r, const struct ynode *n)
{
	const char *other = r->argv ? r->url ? "webhook" : r->headers ? "headers" : r->secret ? "secret" : NULL
			    : r->user ? "user" : NULL;
	r->type = r->url ? RCP_WEBHOOK : RCP_EXEC;
	if (!r->argv && !r->url && topo_member(n, "exec") == n && topo_member(n, "webhook") == n)
		topo_report_key(p, n, "recipient '%s' needs exec or webhook", r->name);
	else if (other)
		topo_report_key(p, topo_member(n, other), "recipient '%s': %s does not go with %s", r->name, other,
				r->argv ? "exec" : "webhook");
	if (r->argv && (!r->argv[0] || r->argv[0][0] != '/'))
		topo_report_value(p, topo_member(n, "exec"), "exec: the absolute path of a program was expected");
	if (r->on && !r->on[0])
		topo_report_value(p, topo_member(n, "on"), "on: empty, so that nothing would ever be delivered");
	if (r->retry_min > r->retry_max)
		topo_report_key(p, n, "recipient '%s': retry_min is longer than retry_max", r->name);
	check_secrets(p, r, n);
	if (r->match)
		topo_check_match(p, r->match, R_ALERT, topo_member(n, "match"));
}

static bool known_recipient(const struct topo *t, const char *name)
{
	for (size_t i = 0; i < t->n_recipients; i++)
		if (strcmp(t->recipients[i].name, name) == 0)
			return true;
	return false;
}

void topo_read_recipients(struct topo_parser *p, const struct ynode *map)
{
	struct topo *t = p->t;
	for (const struct ynode *n = map->child; n; n = n->next) {
		char where[64];
		if (!topo_good_member(p, n, "recipient", "{exec: [/path/to/program]}") || known_recipient(t, n->key))
			continue;
		if (t->n_recipients == MAX_RECIPIENTS) {
			topo_report_key(p, n, "more than %d recipients", MAX_RECIPIENTS);
			return;
		}
		t->recipients = xrealloc(t->recipients, (t->n_recipients + 1) * sizeof *t->recipients);
		struct topo_recipient *r = &t->recipients[t->n_recipients++];
		*r = (struct topo_recipient){ .name = xstrdup(n->key), .line = n->line, .column = n->column };
		topo_defaults(topo_recipient_keys, r);
		snprintf(where, sizeof where, " of recipient '%s'", r->name);
		topo_read_map(p, topo_recipient_keys, r, n, where, NULL);
		check_recipient(p, r, n);
	}
}

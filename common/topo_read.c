/* The loops that read maps by the tables of topo_keys.c. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "suggest.h"
#include "timestamp.h"
#include "topo_keys.h"

#define MAX_PROBLEMS 200 /* that are told; nobody reads more */

/* -- problems -- */

static void report(struct topo_parser *p, int line, int column, const char *fmt, va_list ap)
{
	char text[512];
	if (++p->problems > MAX_PROBLEMS)
		return;
	if (p->problems == MAX_PROBLEMS)
		snprintf(text, sizeof text, "too many problems: what follows is not told");
	else
		vsnprintf(text, sizeof text, fmt, ap);
	for (char *nl = text; (nl = strpbrk(nl, "\n\t")) != NULL;)
		*nl = ' ';
	buf_addf(p->err, "%s:%d:%d: %s\n", p->path, line, column, text);
}

void topo_report(struct topo_parser *p, int line, int column, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	report(p, line, column, fmt, ap);
	va_end(ap);
}

void topo_report_key(struct topo_parser *p, const struct ynode *n, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	report(p, n->line, n->column, fmt, ap);
	va_end(ap);
}

void topo_report_value(struct topo_parser *p, const struct ynode *n, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	report(p, n->value_line, n->value_column, fmt, ap);
	va_end(ap);
}

/* Counted in characters, as editors do. */
void topo_report_text(struct topo_parser *p, const struct ynode *n, const struct match_error *e)
{
	int column = n->value_column;
	for (size_t i = 0; n->verbatim && i + 1 < e->column && n->value[i]; i++)
		column += (n->value[i] & 0xc0) != 0x80;
	topo_report(p, n->value_line, column, "%s, character %zu: %s", n->key, e->column, e->text);
}

void topo_report_twice(struct topo_parser *p, const struct ynode *n)
{
	for (const struct ynode *c = n->child; c; c = c->next) {
		const struct ynode *first = n->child;
		while (n->kind == Y_MAP && strcmp(first->key, c->key) != 0)
			first = first->next;
		if (n->kind == Y_MAP && first != c)
			topo_report_key(p, c, "key '%.60s' is there twice (first in line %d)", c->key, first->line);
		topo_report_twice(p, c);
	}
}

/* -- values -- */

static int parse_bool(const char *s, bool *ret)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };
	for (unsigned i = 0; i < 6; i++)
		if (strcasecmp(s, words[i]) == 0) {
			*ret = i & 1;
			return 0;
		}
	return -1;
}

static int parse_speed(const char *s, double *ret)
{
	char *end;
	if (strcmp(s, "max") == 0) {
		*ret = 0;
		return 0;
	}
	double n = strtod(s, &end);
	if (!isdigit((unsigned char)*s) || s[strspn(s, "0123456789.")] || *end || n < 0.001 || n > 1e6)
		return -1;
	*ret = n;
	return 0;
}

static const char *const kind_text[] = {
	[K_STR] = "a text",
	[K_TEXT] = "a text",
	[K_BOOL] = "yes or no",
	[K_U32] = "a number",
	[K_COUNT] = "a number, maybe with K, M or G",
	[K_SIZE] = "a size such as 64M",
	[K_DUR] = "a duration such as 10s, 5m or 1h",
	[K_SPEED] = "a number from 0.001 to 1000000, or max",
	[K_LIST] = "a text or a list of texts",
	[K_LEVEL] = "error, warning, notice, info or debug",
	[K_TIME] = "a date or time such as 2027-01-31 or 2027-01-31T12:00:00Z",
	[K_NETS] = "a network or a list of networks",
	[K_INPUT] = "a text",
	[K_SECTION] = "a map",
};

static int set_number(const struct topo_key *k, void *at, const char *s, struct buf *why)
{
	void (*print)(struct buf *out, uint64_t v) = topo_print_count;
	uint64_t v;
	int rc;
	if (k->kind == K_SIZE) {
		rc = topo_size(s, &v);
		print = topo_print_size;
	} else if (k->kind == K_DUR) {
		rc = topo_duration(s, &v);
		print = topo_print_duration;
	} else {
		rc = topo_count(s, &v);
	}
	if (rc < 0)
		return -1;
	if (v < k->min || v > (k->max ? k->max : UINT64_MAX)) {
		buf_addf(why, "'%.60s' is not between ", s);
		print(why, k->min);
		buf_adds(why, " and ");
		print(why, k->max);
		return -1;
	}
	if (k->kind == K_U32)
		*(uint32_t *)at = (uint32_t)v;
	else
		*(uint64_t *)at = v;
	return 0;
}

static int set_text(const struct topo_key *k, char **at, const char *s, struct buf *why)
{
	size_t n = strlen(s);
	if (k->kind == K_TEXT) /* YAML's blocks end in a line feed */
		while (n && isspace((unsigned char)s[n - 1]))
			n--;
	if (n == 0 || (k->kind == K_STR && strpbrk(s, "\n\t")))
		return -1;
	if (k->good && !k->good(s, why))
		return -1;
	free(*at);
	*at = xstrndup(s, n);
	return 0;
}

/* Stores a scalar. -1 if it does not fit; why stays empty if it is not even of the kind. */
static int set_scalar(const struct topo_key *k, void *obj, const char *s, struct buf *why)
{
	void *at = (char *)obj + k->off;
	int level;
	switch (k->kind) {
	case K_STR:
	case K_TEXT:
		return set_text(k, at, s, why);
	case K_BOOL:
		return parse_bool(s, at);
	case K_U32:
	case K_COUNT:
	case K_SIZE:
	case K_DUR:
		return set_number(k, at, s, why);
	case K_TIME:
		return timestamp_parse(s, at) ? 0 : -1;
	case K_SPEED:
		return parse_speed(s, at);
	case K_LEVEL:
		level = log_level_parse(s);
		if (level < 0)
			return -1;
		*(enum log_level *)at = (enum log_level)level;
		return 0;
	case K_LIST:
	case K_NETS:
	case K_INPUT:
	case K_SECTION:
		break;
	}
	return -1;
}

static char **split(const char *s)
{
	char **list = NULL;
	size_t n = 0;
	do {
		size_t len = strcspn(s, ",");
		list = xrealloc(list, (n + 2) * sizeof *list);
		list[n++] = xstrndup(s, len);
		list[n] = NULL;
		s += len;
	} while (*s++);
	return list;
}

void topo_defaults(const struct topo_key *keys, void *obj)
{
	struct buf why = { 0 };
	for (const struct topo_key *k = keys; k->name; k++) {
		if (!k->def)
			continue;
		if (k->kind == K_LIST)
			*(char ***)((char *)obj + k->off) = split(k->def);
		else if (set_scalar(k, obj, k->def, &why) < 0)
			fatalx("the default of %s is wrong: %s", k->name, buf_cstr(&why));
	}
}

/* -- lists -- */

char **topo_list_copy(const struct ynode *n)
{
	size_t len = 0;
	for (const struct ynode *c = n->child; c; c = c->next)
		len++;
	char **list = xcalloc(len + 2, sizeof *list);
	if (n->kind == Y_SCALAR)
		list[0] = xstrdup(n->value);
	len = 0;
	for (const struct ynode *c = n->child; c; c = c->next)
		list[len++] = xstrdup(c->value);
	return list;
}

void topo_list_free(char **list)
{
	for (char **s = list; s && *s; s++)
		free(*s);
	free(list);
}

/* One item of a list, or the scalar that stands for a list of one. */
static bool good_item(struct topo_parser *p, const struct topo_key *k, const struct ynode *n)
{
	struct buf why = { 0 };
	bool good = n->kind == Y_SCALAR && (*n->value || k->empty) && !n->null && !strchr(n->value, '\n');
	if (!good)
		topo_report_value(p, n, "%s: %s was expected", k->name, kind_text[k->kind]);
	else if (k->good && !(good = k->good(n->value, &why)))
		topo_report_value(p, n, "%s: '%.60s': %s", k->name, n->value, buf_cstr(&why));
	buf_release(&why);
	return good;
}

static bool good_list(struct topo_parser *p, const struct topo_key *k, const struct ynode *n)
{
	bool good = true;
	if (n->kind == Y_SCALAR)
		return good_item(p, k, n);
	if (n->kind == Y_MAP) {
		topo_report_value(p, n, "%s: %s was expected, not a map", k->name, kind_text[k->kind]);
		return false;
	}
	for (const struct ynode *c = n->child; c; c = c->next)
		good &= good_item(p, k, c);
	return good;
}

static void add_net(struct topo_parser *p, const struct topo_key *k, void *obj, const struct ynode *n)
{
	struct cidr net, **list = (struct cidr **)((char *)obj + k->off);
	size_t *count = (size_t *)(list + 1);
	int rc = cidr_parse(n->value, strlen(n->value), &net);
	if (rc < 0) {
		topo_report_value(p, n, "%s: '%.60s' %s", k->name, n->value,
				  rc == -2 ? "has bits set beyond its prefix" : "is not a network");
		return;
	}
	*list = xrealloc(*list, (*count + 1) * sizeof **list);
	(*list)[(*count)++] = net;
}

/* -- keys -- */

void topo_read_key(struct topo_parser *p, const struct topo_key *k, void *obj, const struct ynode *n)
{
	struct buf why = { 0 };
	if (n->null)
		return; /* stays at its default */
	if (k->kind == K_LIST) {
		if (!good_list(p, k, n))
			return;
		topo_list_free(*(char ***)((char *)obj + k->off));
		*(char ***)((char *)obj + k->off) = topo_list_copy(n);
	} else if (k->kind == K_NETS) {
		if (!good_list(p, k, n))
			return;
		if (n->kind == Y_SCALAR)
			add_net(p, k, obj, n);
		for (const struct ynode *c = n->child; c; c = c->next)
			add_net(p, k, obj, c);
	} else if (n->kind != Y_SCALAR) {
		topo_report_value(p, n, "%s: %s was expected, not a %s", k->name, kind_text[k->kind],
				  n->kind == Y_MAP ? "map" : "list");
	} else if (set_scalar(k, obj, n->value, &why) < 0) {
		if (why.len && (k->kind == K_STR || k->kind == K_TEXT))
			topo_report_value(p, n, "%s: '%.60s': %s", k->name, n->value, buf_cstr(&why));
		else if (why.len)
			topo_report_value(p, n, "%s: %s", k->name, buf_cstr(&why));
		else
			topo_report_value(p, n, "%s: %s was expected, not '%.60s'", k->name, kind_text[k->kind], n->value);
	}
	buf_release(&why);
}

static void unknown_key(struct topo_parser *p, const struct topo_key *keys, const char *full, const struct ynode *n,
			const char *where)
{
	struct suggest s = { .wrong = full };
	char section[64], best[64];
	for (const struct topo_key *k = keys; k->name; k++) {
		suggest_offer(&s, k->name);
		if (strchr(full, '.') || !strchr(k->name, '.'))
			continue;
		snprintf(section, sizeof section, "%.*s", (int)strcspn(k->name, "."), k->name);
		suggest_offer(&s, section);
		if (s.best == section) {
			memcpy(best, section, sizeof best);
			s.best = best;
		}
	}
	if (s.best)
		topo_report_key(p, n, "unknown key '%.60s'%s; did you mean '%s'?", full, where, s.best);
	else
		topo_report_key(p, n, "unknown key '%.60s'%s", full, where);
}

static const struct topo_key *find_key(const struct topo_key *keys, const char *full, bool *ret_prefix)
{
	size_t len = strlen(full);
	*ret_prefix = false;
	for (const struct topo_key *k = keys; k->name; k++) {
		if (strcmp(k->name, full) == 0)
			return k;
		if (strncmp(k->name, full, len) == 0 && k->name[len] == '.')
			*ret_prefix = true;
	}
	return NULL;
}

static void read_map(struct topo_parser *p, const struct topo_key *keys, void *obj, const struct ynode *map,
		     const char *prefix, const char *where, topo_other *other)
{
	for (const struct ynode *n = map->child; n; n = n->next) {
		bool is_prefix;
		char *full = xasprintf("%s%s", prefix, n->key), *inner = xasprintf("%s.", full);
		const struct topo_key *k = find_key(keys, full, &is_prefix);
		if (!*prefix && other && other(p, obj, n))
			;
		else if (k)
			topo_read_key(p, k, obj, n);
		else if (is_prefix && n->kind == Y_MAP)
			read_map(p, keys, obj, n, inner, where, NULL);
		else if (is_prefix && !n->null)
			topo_report_value(p, n, "%s: a map was expected", full);
		else if (!is_prefix)
			unknown_key(p, keys, full, n, where);
		free(full);
		free(inner);
	}
}

void topo_read_map(struct topo_parser *p, const struct topo_key *keys, void *obj, const struct ynode *map, const char *where,
		   topo_other *other)
{
	read_map(p, keys, obj, map, "", where, other);
}

void topo_free_keys(const struct topo_key *keys, void *obj)
{
	for (const struct topo_key *k = keys; k->name; k++) {
		void *at = (char *)obj + k->off;
		if (k->kind == K_STR || k->kind == K_TEXT || k->kind == K_NETS)
			free(*(void **)at);
		else if (k->kind == K_LIST)
			topo_list_free(*(char ***)at);
	}
}

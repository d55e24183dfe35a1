/* The loops that print by the tables of topo_keys.c, and what is printed of the sections. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checkdef.h"
#include "timestamp.h"
#include "topo_keys.h"

/* A YAML scalar that reads back as s. */
static void print_scalar(struct buf *out, const char *s)
{
	buf_addc(out, '"');
	for (; *s; s++) {
		if (*s == '\n' || *s == '\t') {
			buf_adds(out, *s == '\n' ? "\\n" : "\\t");
			continue;
		}
		if (*s == '"' || *s == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *s);
	}
	buf_addc(out, '"');
}

static void print_list(struct buf *out, char *const *list)
{
	buf_addc(out, '[');
	for (char *const *s = list; *s; s++) {
		if (s != list)
			buf_adds(out, ", ");
		print_scalar(out, *s);
	}
	buf_addc(out, ']');
}

static void print_nets(struct buf *out, const struct cidr *nets, size_t n)
{
	char text[CIDR_STRLEN];
	buf_addc(out, '[');
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%s\"%s\"", i ? ", " : "", cidr_str(&nets[i], text));
	buf_addc(out, ']');
}

static void print_value(struct buf *out, const struct topo_key *k, const void *at)
{
	static const char *const levels[] = { "error", "warning", "notice", "info", "debug" };
	switch (k->kind) {
	case K_STR:
	case K_TEXT:
		print_scalar(out, *(char *const *)at);
		break;
	case K_BOOL:
		buf_adds(out, *(const bool *)at ? "yes" : "no");
		break;
	case K_U32:
		buf_addf(out, "%" PRIu32, *(const uint32_t *)at);
		break;
	case K_COUNT:
		topo_print_count(out, *(const uint64_t *)at);
		break;
	case K_SIZE:
		topo_print_size(out, *(const uint64_t *)at);
		break;
	case K_DUR:
		topo_print_duration(out, *(const uint64_t *)at);
		break;
	case K_TIME:
		buf_addc(out, '"');
		timestamp_print(out, *(const uint64_t *)at);
		buf_addc(out, '"');
		break;
	case K_SPEED:
		if (*(const double *)at == 0)
			buf_adds(out, "max");
		else
			buf_addf(out, "%.17g", *(const double *)at);
		break;
	case K_LEVEL:
		buf_adds(out, levels[*(const enum log_level *)at]);
		break;
	case K_LIST:
		print_list(out, *(char *const *const *)at);
		break;
	case K_NETS:
		print_nets(out, *(struct cidr *const *)at, *(const size_t *)((struct cidr *const *)at + 1));
		break;
	case K_INPUT:
	case K_SECTION:
		break;
	}
}

static bool is_absent(const struct topo_key *k, const void *at)
{
	if (k->kind == K_TIME)
		return *(const uint64_t *)at == 0;
	return (k->kind == K_STR || k->kind == K_TEXT || k->kind == K_LIST || k->kind == K_NETS) && !*(void *const *)at;
}

static void print_input(struct buf *out, const struct topo_sensor *s, int indent)
{
	static const char *const keys[] = { "interface", "files", "directory", "follow", "stdin" };
	buf_addf(out, "%*s%s: ", indent, "", keys[s->source]);
	if (s->source == SRC_FILES)
		print_list(out, s->inputs);
	else if (s->source == SRC_STDIN)
		buf_adds(out, "yes");
	else
		print_scalar(out, s->inputs[0]);
	buf_addc(out, '\n');
}

void topo_print_keys(struct buf *out, const struct topo_key *keys, const void *obj, int indent)
{
	char section[64] = "";
	for (const struct topo_key *k = keys; k->name; k++) {
		const void *at = (const char *)obj + k->off;
		const char *dot = strchr(k->name, '.'), *leaf = dot ? dot + 1 : k->name;
		size_t n = dot ? (size_t)(dot - k->name) : 0;
		if (k->kind == K_SECTION || k->kind == K_INPUT)
			continue;
		if (n && (strlen(section) != n || strncmp(section, k->name, n) != 0)) {
			snprintf(section, sizeof section, "%.*s", (int)n, k->name);
			buf_addf(out, "%*s%s:\n", indent, "", section);
		}
		buf_addf(out, "%*s%s: ", indent + (n ? 2 : 0), "", leaf);
		if (is_absent(k, at))
			buf_addc(out, '~');
		else
			print_value(out, k, at);
		buf_addc(out, '\n');
	}
}

/* -- checks -- */

static void print_param(struct buf *out, const struct topo_param *p)
{
	if (p->values[0] && !p->values[1])
		print_scalar(out, p->values[0]);
	else
		print_list(out, p->values);
}

/* A list's default: items separated by spaces. */
static void print_items(struct buf *out, const char *items)
{
	buf_addc(out, '[');
	for (const char *s = items ? items : ""; *s; s += strspn(s, " ")) {
		char item[80];
		size_t n = strcspn(s, " ");
		snprintf(item, sizeof item, "%.*s", (int)n, s);
		if (s > items)
			buf_adds(out, ", ");
		print_scalar(out, item);
		s += n;
	}
	buf_addc(out, ']');
}

/* A check of the catalogue, with all that it has; defaults where the topology says nothing. */
static void print_native(struct buf *out, const struct checkdef *d, const struct topo_check *c)
{
	bool enabled = c && c->enabled_set ? c->enabled : d->enabled || c;
	buf_addf(out, "  %s: {enabled: %s", d->key, enabled ? "yes" : "no");
	for (const struct checkdef_param *dp = d->params; dp->name; dp++) {
		const struct topo_param *p = topo_check_param(c, dp->name);
		buf_addf(out, ", %s: ", dp->name);
		if (p && !dp->list)
			buf_adds(out, p->values[0]);
		else if (p)
			print_list(out, p->values);
		else if (dp->list)
			print_items(out, dp->items);
		else
			buf_addf(out, "%.15g", dp->def);
	}
	buf_adds(out, "}\n");
}

static void print_lua(struct buf *out, const struct topo_check *c)
{
	buf_addf(out, "  %s: {enabled: %s", c->name, !c->enabled_set || c->enabled ? "yes" : "no");
	for (size_t i = 0; i < c->n_params; i++) {
		buf_addf(out, ", %s: ", c->params[i].name);
		print_param(out, &c->params[i]);
	}
	buf_adds(out, "}\n");
}

static void print_checks(struct buf *out, const struct topo *t)
{
	buf_adds(out, "checks:\n");
	for (size_t i = 0; i < n_checkdefs; i++)
		if (checkdef_find(checkdefs[i].key, ENT_OTHER) == &checkdefs[i])
			print_native(out, &checkdefs[i], topo_check(t, checkdefs[i].key));
	for (size_t i = 0; i < t->checks.n; i++)
		if (!checkdef_find(t->checks.list[i].name, ENT_OTHER))
			print_lua(out, &t->checks.list[i]);
}

void topo_print_sections(struct buf *out, const struct topo *t)
{
	buf_adds(out, "sensors:\n");
	for (size_t i = 0; i < t->n_sensors; i++) {
		buf_addf(out, "  \"%s\":\n", t->sensors[i].name);
		print_input(out, &t->sensors[i], 4);
		topo_print_keys(out, topo_sensor_keys, &t->sensors[i], 4);
	}
	buf_adds(out, "links:\n");
	for (size_t i = 0; i < t->n_links; i++) {
		buf_addf(out, "  %s:\n", t->links[i].name);
		topo_print_keys(out, topo_link_keys, &t->links[i], 4);
	}
	print_checks(out, t);
	topo_print_policy(out, t);
	buf_addf(out, "recipients:%s\n", t->n_recipients ? "" : " {}");
	for (size_t i = 0; i < t->n_recipients; i++) {
		buf_addf(out, "  \"%s\":\n", t->recipients[i].name);
		topo_print_keys(out, topo_recipient_keys, &t->recipients[i], 4);
	}
}

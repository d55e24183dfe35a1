/* Files of lists to entries. */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "lists_priv.h"
#include "log.h"

static const char *trim(const char *s, size_t *len)
{
	while (*len && isspace((unsigned char)*s)) {
		s++;
		--*len;
	}
	while (*len && isspace((unsigned char)s[*len - 1]))
		--*len;
	return s;
}

static void bad_line(struct list *l, const char *what)
{
	if (l->bad++ == 0)
		log_warn("%s:%zu: %s; such lines are left out and counted", l->t->file, l->line, what);
}

static void take(struct list *l, const char *s, size_t len)
{
	static const char *const what[] = { "neither an address, a network nor a range", "not a domain", "not a URL",
					    "not a JA3 fingerprint" };
	s = trim(s, &len);
	if (len && !list_add(l, s, len))
		bad_line(l, what[l->kind]);
}

/* -- formats -- */

/* URLs may hold '#', so a comment begins a line there. */
static size_t without_comment(const struct list *l, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((s[i] == '#' || s[i] == ';') && (i == 0 || (l->kind != LIST_URL && isspace((unsigned char)s[i - 1]))))
			return i;
	return len;
}

static void read_plain(struct list *l, const char *s, size_t len)
{
	take(l, s, without_comment(l, s, len));
}

static void read_hosts(struct list *l, const char *s, size_t len)
{
	unsigned n = 0;
	len = without_comment(l, s, len);
	for (size_t i = 0; i < len;) {
		size_t w = 0;
		while (i < len && isspace((unsigned char)s[i]))
			i++;
		while (i + w < len && !isspace((unsigned char)s[i + w]))
			w++;
		if (w && n++ > 0 && !(w == 9 && memcmp(s + i, "localhost", 9) == 0))
			take(l, s + i, w);
		i += w;
	}
	if (n == 1)
		bad_line(l, "an address and no name");
}

static void read_csv(struct list *l, const char *s, size_t len, long *column)
{
	char separator = strcmp(l->t->separator, "tab") == 0 ? '\t' : *l->t->separator;
	struct buf field = { 0 };
	size_t pos = 0;
	long at = 1;
	bool found = false;
	if (len == 0 || (*s == '#' && *column > 0))
		return;
	for (; !found && csv_field(s, len, &pos, separator, &field); at++) {
		size_t n = field.len;
		const char *text = trim(buf_cstr(&field), &n);
		if (*column == 0 && strlen(l->t->column) == n - (n && *text == '#') &&
		    strncasecmp(text + (*text == '#'), l->t->column, n - (*text == '#')) == 0) {
			*column = at;
			found = true;
		} else if (at == *column) {
			take(l, text, n);
			found = true;
		}
	}
	if (*column == 0 && *s != '#') {
		log_error("%s:%zu: no column is named '%s'", l->t->file, l->line, l->t->column);
		*column = -1;
	} else if (*column > 0 && !found) {
		bad_line(l, "fewer columns than needed");
	}
	buf_release(&field);
}

static void read_json(struct list *l, const char *s, size_t len)
{
	s = trim(s, &len);
	if (!len)
		return;
	json_error_t e;
	json_t *root = json_loadb(s, len, JSON_REJECT_DUPLICATES, &e);
	const json_t *v = root;
	for (const char *p = l->t->column; v && *p; p += strcspn(p, ".") + (p[strcspn(p, ".")] == '.')) {
		char name[64];
		snprintf(name, sizeof name, "%.*s", (int)strcspn(p, "."), p);
		v = json_object_get(v, name);
	}
	if (!root)
		bad_line(l, "not JSON");
	else if (!json_is_string(v))
		bad_line(l, "no such member, or no text");
	else
		take(l, json_string_value(v), json_string_length(v));
	json_decref(root);
}

/* -- the file -- */

void list_read_from(struct list *l, FILE *f)
{
	char *line = NULL, *end;
	size_t cap = 0;
	ssize_t n;
	uint64_t bytes = 0;
	long column = strtol(l->t->column, &end, 10);
	if (*end || column < 1)
		column = 0; /* by name */
	while ((n = getline(&line, &cap, f)) >= 0) {
		size_t len = (size_t)n;
		l->line++;
		bytes += len;
		if (bytes > LISTS_MAX_BYTES || l->n_ranges > LISTS_MAX_ENTRIES || l->n_set > LISTS_MAX_ENTRIES) {
			log_error("%s:%zu: the list is too large: the rest of it is left out", l->t->file, l->line);
			break;
		}
		while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
			len--;
		if (strcmp(l->t->format, "hosts") == 0)
			read_hosts(l, line, len);
		else if (strcmp(l->t->format, "csv") == 0)
			read_csv(l, line, len, &column);
		else if (strcmp(l->t->format, "json") == 0)
			read_json(l, line, len);
		else
			read_plain(l, line, len);
	}
	free(line);
}

void list_read(struct list *l)
{
	FILE *f = fopen(l->t->file, "re");
	if (f)
		list_read_from(l, f);
	if (!f || ferror(f))
		log_error("list %s: %s: %s", l->t->named.name, l->t->file, strerror(errno));
	if (f)
		fclose(f);
}

#include "topo_yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct reader {
	yaml_parser_t parser;
	const char *path, *text;
	size_t len;
	struct buf *err;
	unsigned nodes;
};

static void report(struct reader *r, yaml_mark_t at, const char *text)
{
	buf_addf(r->err, "%s:%zu:%zu: %s\n", r->path, at.line + 1, at.column + 1, text);
}

/* What libyaml tells of text it cannot decode has an offset in bytes and no place. */
static void report_bytes(struct reader *r)
{
	size_t line = 1, column = 1;
	for (size_t i = 0; i < r->parser.problem_offset && i < r->len; i++) {
		column = r->text[i] == '\n' ? 1 : column + 1;
		line += r->text[i] == '\n';
	}
	buf_addf(r->err, "%s:%zu:%zu: %s\n", r->path, line, column, r->parser.problem);
}

static void report_syntax(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	char text[300];
	if (p->error == YAML_READER_ERROR && p->problem) {
		report_bytes(r);
		return;
	}
	snprintf(text, sizeof text, "%s", p->problem ? p->problem : "not YAML");
	if (p->context && p->context_mark.line != p->problem_mark.line)
		snprintf(text, sizeof text, "%s, %s that begins in line %zu", p->problem ? p->problem : "not YAML",
			 p->context, p->context_mark.line + 1);
	report(r, p->problem_mark, text);
}

static int next_event(struct reader *r, yaml_event_t *ev)
{
	if (yaml_parser_parse(&r->parser, ev))
		return 0;
	report_syntax(r);
	return -1;
}

/*
 * Control characters, and those that YAML could not print again as they are: C1, line and paragraph separator, byte order
 * mark, not-a-character. Tab and line feed are fine.
 */
static bool has_odd_character(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	for (size_t i = 0; i < len; i++) {
		size_t left = len - i;
		if ((p[i] < 0x20 && p[i] != '\t' && p[i] != '\n') || p[i] == 0x7f ||
		    (p[i] == 0xc2 && left > 1 && p[i + 1] < 0xa0) ||
		    (left > 2 && (memcmp(p + i, "\xe2\x80\xa8", 3) == 0 || memcmp(p + i, "\xe2\x80\xa9", 3) == 0 ||
				  memcmp(p + i, "\xef\xbb\xbf", 3) == 0 || memcmp(p + i, "\xef\xbf\xbe", 3) == 0 ||
				  memcmp(p + i, "\xef\xbf\xbf", 3) == 0)))
			return true;
	}
	return false;
}

/* Why the event cannot be taken, or NULL. */
static const char *refused(struct reader *r, const yaml_event_t *ev, unsigned depth)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;
	if (depth > YAML_MAX_DEPTH)
		return "nested too deep";
	if (++r->nodes > YAML_MAX_NODES)
		return "too many values in one file";
	switch (ev->type) {
	case YAML_ALIAS_EVENT:
		return "aliases are not allowed here";
	case YAML_SCALAR_EVENT:
		anchor = ev->data.scalar.anchor;
		tag = ev->data.scalar.tag;
		if (has_odd_character((const char *)ev->data.scalar.value, ev->data.scalar.length))
			return "control characters are not allowed here";
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = ev->data.sequence_start.anchor;
		tag = ev->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = ev->data.mapping_start.anchor;
		tag = ev->data.mapping_start.tag;
		break;
	default:
		return "a value was expected";
	}
	return anchor ? "anchors are not allowed here" : tag ? "tags are not allowed here" : NULL;
}

static struct ynode *node_new(enum ynode_kind kind, yaml_mark_t at)
{
	struct ynode *n = xcalloc(1, sizeof *n);
	n->kind = kind;
	n->line = n->value_line = (int)at.line + 1;
	n->column = n->value_column = (int)at.column + 1;
	return n;
}

static size_t characters(const char *s)
{
	size_t n = 0;
	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static struct ynode *read_scalar(const yaml_event_t *ev)
{
	struct ynode *n = node_new(Y_SCALAR, ev->start_mark);
	yaml_scalar_style_t style = ev->data.scalar.style;
	bool quoted = style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	n->value = xstrdup((const char *)ev->data.scalar.value);
	n->null = style == YAML_PLAIN_SCALAR_STYLE &&
		  (!*n->value || strcmp(n->value, "~") == 0 || strcmp(n->value, "null") == 0);
	n->value_column += quoted;
	n->verbatim = (quoted || style == YAML_PLAIN_SCALAR_STYLE) && ev->start_mark.line == ev->end_mark.line &&
		      characters(n->value) + (quoted ? 2 : 0) == ev->end_mark.column - ev->start_mark.column;
	return n;
}

static struct ynode *read_node(struct reader *r, yaml_event_t *ev, unsigned depth);

/* The key of a member; the event of its value comes next. */
static char *read_key(struct reader *r, yaml_event_t *ev, yaml_mark_t *ret_at)
{
	char *key = NULL;
	const char *why = ev->type == YAML_SCALAR_EVENT ? refused(r, ev, 0) : "a key was expected";
	*ret_at = ev->start_mark;
	if (!why && (!*ev->data.scalar.value || strchr((const char *)ev->data.scalar.value, '\n')))
		why = "a key was expected";
	if (why)
		report(r, ev->start_mark, why);
	else
		key = xstrdup((const char *)ev->data.scalar.value);
	yaml_event_delete(ev);
	return key;
}

static int read_members(struct reader *r, struct ynode *parent, yaml_event_type_t end, unsigned depth)
{
	struct ynode **last = &parent->child;
	for (unsigned count = 0;; count++) {
		yaml_event_t ev;
		yaml_mark_t at;
		char *key = NULL;
		if (next_event(r, &ev) < 0)
			return -1;
		if (ev.type == end) {
			yaml_event_delete(&ev);
			return 0;
		}
		at = ev.start_mark;
		if (parent->kind == Y_MAP) {
			key = read_key(r, &ev, &at);
			if (!key)
				return -1;
			if (count == YAML_MAX_MEMBERS) {
				report(r, at, "too many keys in one map");
				free(key);
				return -1;
			}
			if (next_event(r, &ev) < 0) {
				free(key);
				return -1;
			}
		}
		struct ynode *n = read_node(r, &ev, depth + 1);
		if (!n) {
			free(key);
			return -1;
		}
		n->key = key;
		n->line = (int)at.line + 1;
		n->column = (int)at.column + 1;
		*last = n;
		last = &n->next;
	}
}

/* Consumes ev. */
static struct ynode *read_node(struct reader *r, yaml_event_t *ev, unsigned depth)
{
	struct ynode *n = NULL;
	const char *why = refused(r, ev, depth);
	if (why) {
		report(r, ev->start_mark, why);
	} else if (ev->type == YAML_SCALAR_EVENT) {
		n = read_scalar(ev);
	} else {
		bool map = ev->type == YAML_MAPPING_START_EVENT;
		n = node_new(map ? Y_MAP : Y_LIST, ev->start_mark);
		if (read_members(r, n, map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT, depth) < 0) {
			ynode_free(n);
			n = NULL;
		}
	}
	yaml_event_delete(ev);
	return n;
}

static struct ynode *read_document(struct reader *r)
{
	yaml_event_t ev;
	struct ynode *root = NULL;
	for (;;) {
		if (next_event(r, &ev) < 0)
			goto bad;
		switch (ev.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (root) {
				report(r, ev.start_mark, "more than one document");
				yaml_event_delete(&ev);
				goto bad;
			}
			break;
		case YAML_STREAM_END_EVENT:
			yaml_event_delete(&ev);
			return root;
		default:
			root = read_node(r, &ev, 0);
			if (!root)
				return NULL;
			continue;
		}
		yaml_event_delete(&ev);
	}
bad:
	ynode_free(root);
	return NULL;
}

struct ynode *ynode_parse(const char *path, const char *text, size_t len, struct buf *err)
{
	struct reader r = { .path = path, .text = text, .len = len, .err = err };
	if (len > YAML_MAX_BYTES) {
		buf_addf(err, "%s:1:1: the file is larger than %u bytes\n", path, YAML_MAX_BYTES);
		return NULL;
	}
	if (!yaml_parser_initialize(&r.parser)) {
		buf_addf(err, "%s:1:1: no memory\n", path);
		return NULL;
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	size_t before = err->len;
	struct ynode *root = read_document(&r);
	if (root && root->kind == Y_SCALAR && root->null) {
		ynode_free(root); /* '---' alone */
		root = NULL;
	}
	if (!root && err->len == before)
		buf_addf(err, "%s:1:1: the file is empty\n", path);
	yaml_parser_delete(&r.parser);
	return root;
}

void ynode_free(struct ynode *n)
{
	while (n) {
		struct ynode *next = n->next;
		ynode_free(n->child);
		free(n->key);
		free(n->value);
		free(n);
		n = next;
	}
}

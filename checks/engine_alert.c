/* Alert records: their parts, their strings. */
#include "engine_priv.h"

#include <stdlib.h>

#include "codec.h"

#define LINE_MAX_BYTES 256

void pack_alert(struct engine *e, const struct alert_parts *p)
{
	const char *a = e->arena.p;
	const char *j = p->judge_base;
	const struct codec_part part[] = { { &p->alert, a },
					   { p->key, p->key_packed.len ? p->packed_base : p->key_base, p->key_packed },
					   { p->n, p->n_packed.len ? p->packed_base : a, p->n_packed },
					   { p->app, p->app_base, p->app_packed },
					   { p->judge, j },
					   { p->host, a },
					   { NULL, NULL } };
	buf_reset(&e->packed);
	codec_pack_parts(&e->packed, R_ALERT, part);
}

/* An alert has the severity of its last revision. */
static void count_told(struct engine *e, uint8_t *told, uint8_t severity)
{
	if (told && *told)
		e->told[(*told - 1) % TOLD_SEVERITIES]--;
	e->told[severity % TOLD_SEVERITIES]++;
	if (told)
		*told = (uint8_t)(severity + 1);
}

void emit_alert(struct engine *e, struct alert_parts *p)
{
	e->alerts++;
	count_told(e, p->told, p->alert.severity);
	pack_alert(e, p);
	e->ops.alert(e->arg, e->packed.p, e->packed.len);
	batch_alert(e, e->packed.p, e->packed.len);
}

struct str put_str(struct engine *e, const char *s)
{
	return str_put(&e->arena, s, strlen(s), TEXT_MAX_BYTES);
}

/* Is the text what put_lines would make of it, as nearly all are? */
static bool is_clean(const char *s, size_t len)
{
	if (!len || s[0] == '\n' || s[len - 1] == '\n' || utf8_span(s, len, true) != len)
		return false;
	for (const char *p = s, *end = s + len, *nl; len > LINE_MAX_BYTES && p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			nl = end;
		if (nl - p > LINE_MAX_BYTES)
			return false;
	}
	return true;
}

struct str clean_lines(struct engine *e, struct str lines, size_t longest)
{
	char *text = e->arena.p + lines.off;
	if (longest <= LINE_MAX_BYTES && utf8_span(text, lines.len, true) == lines.len)
		return lines;
	char *copy = xstrndup(text, lines.len);
	e->arena.len = lines.off;
	lines = put_lines(e, copy);
	free(copy);
	return lines;
}

struct str put_lines(struct engine *e, const char *s)
{
	struct str r = { (uint32_t)e->arena.len, 0 };
	size_t len = strlen(s);
	if (is_clean(s, len))
		return str_put_raw(&e->arena, s, len);
	while (*s) {
		size_t n = strcspn(s, "\n");
		if (e->arena.len > r.off)
			buf_addc(&e->arena, '\n');
		str_put(&e->arena, s, n, LINE_MAX_BYTES);
		s += n + (s[n] == '\n');
	}
	r.len = (uint32_t)e->arena.len - r.off;
	return r;
}

/* A text of a definition: those were cleaned when they were read, but may be long. */
static struct str put_own(struct engine *e, const char *s)
{
	size_t n = strlen(s);
	return n <= TEXT_MAX_BYTES ? str_put_raw(&e->arena, s, n) : str_put(&e->arena, s, n, TEXT_MAX_BYTES);
}

static struct def_texts put_texts(struct engine *e, const struct checkdef *d)
{
	return (struct def_texts){ put_own(e, d->key), put_own(e, d->title), put_own(e, d->mitre) };
}

static void fill(struct g_alert *a, const struct checkdef *d, const struct def_texts *t)
{
	a->check = t->key;
	a->title = t->title;
	a->category = (uint8_t)d->category;
	a->mitre = t->mitre;
	a->type_id = d->type_id;
	a->risk_id = d->risk_id;
	a->attention = d->attention;
}

void fill_def(struct engine *e, struct g_alert *a, const struct checkdef *d)
{
	struct def_texts t = put_texts(e, d);
	fill(a, d, &t);
}

void fill_check(struct engine *e, struct g_alert *a, unsigned check)
{
	fill(a, e->conf.checks[check].def, &e->texts[check]);
}

void fixed_texts(struct engine *e)
{
	e->texts = xcalloc(e->conf.n, sizeof *e->texts);
	for (size_t i = 0; i < e->conf.n; i++)
		e->texts[i] = put_texts(e, e->conf.checks[i].def);
	e->flow_text = put_str(e, "flow");
	e->arena_fixed = e->arena.len;
}

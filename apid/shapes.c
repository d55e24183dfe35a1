/* Lists in the shapes that dashboards take as they are: arrays of flat objects. */
#include <inttypes.h>
#include <string.h>

#include "codec.h"
#include "json.h"
#include "list.h"
#include "shapes.h"

static bool has_shape(const struct list *l, const char *shape)
{
	const char *asked = uri_param(request_uri(l->r), "shape");
	return asked && strcmp(asked, shape) == 0;
}

static void begin(struct list *l, const char *first, uint64_t time)
{
	buf_addf(&l->body, "%s{\"%s\":", l->n++ ? "," : "[", first);
	json_time(&l->body, time);
}

static void end_array(struct list *l, const char *next)
{
	list_end_bare(l, l->n ? "]\n" : "[]\n", next);
}

static void add_text(struct buf *out, const char *name, const char *base, struct str s)
{
	buf_addf(out, ",\"%s\":", name);
	json_quote(out, str_ptr(base, s), s.len);
}

/* -- alerts -- */

static void add_annotation(void *list, const void *rec, const char *base)
{
	struct list *l = list;
	const struct g_alert *a = &((const struct r_alert *)rec)->alert;
	begin(l, "time", a->time);
	buf_adds(&l->body, ",\"timeEnd\":");
	json_time(&l->body, a->end ? a->end : a->time);
	add_text(&l->body, "title", base, a->title);
	add_text(&l->body, "text", base, a->message);
	buf_adds(&l->body, ",\"tags\":[");
	json_quote(&l->body, str_ptr(base, a->check), a->check.len);
	buf_addf(&l->body, ",\"%s\",\"%s\"]}", enum_name(enum_severity, a->severity), enum_name(enum_category, a->category));
}

void shape_alerts(struct list *l)
{
	if (!has_shape(l, "annotations"))
		return;
	l->add = add_annotation;
	l->end = end_array;
}

/* -- series -- */

/* A member for each field that was grouped by. */
static void add_keys(struct list *l, const struct g_sample *s, const char *base)
{
	const char *name = l->p.by, *value;
	size_t pos = 0, len;
	while (*name && list_next(base, s->key, &pos, &value, &len)) {
		size_t n = strcspn(name, ",");
		buf_addc(&l->body, ',');
		json_quote(&l->body, name, n);
		buf_addc(&l->body, ':');
		json_quote(&l->body, value, len);
		name += n + (name[n] == ',');
	}
}

static void add_row(void *list, const void *rec, const char *base)
{
	struct list *l = list;
	const struct g_sample *s = &((const struct r_sample *)rec)->sample;
	begin(l, "time", s->time);
	add_keys(l, s, base);
	buf_addf(&l->body, ",\"bytes\":%" PRIu64 ",\"bytes_sent\":%" PRIu64 ",\"bytes_rcvd\":%" PRIu64 ",\"packets\":%" PRIu64
			   ",\"flows\":%" PRIu64 ",\"alerts\":%" PRIu64 ",\"score\":%" PRIu64 "}",
		 s->bytes, s->bytes_sent, s->bytes_rcvd, s->packets, s->flows, s->alerts, s->score);
}

void shape_series(struct list *l)
{
	if (!has_shape(l, "rows"))
		return;
	l->add = add_row;
	l->end = end_array;
}

/* What people add to alerts, and silences: handed to alertd, which keeps them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "door.h"
#include "hostnotes.h"
#include "list.h"
#include "problem.h"

#define WRITE_MS   12000
#define MAX_LABELS 16

struct write {
	struct apid *k;
	struct request *r;
	char op[16], id[ID_STRLEN];
	struct addr ip; /* of a host */
	uint16_t vlan;
	void (*done)(struct write *w); /* answers when alertd has done it */
};

static void on_written(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	struct write *w = arg;
	w->k->asked--;
	if (a)
		w->k->alertd.heard = mono_ns();
	if (a && a->status == 200)
		w->done(w);
	else
		request_refused(w->r, a, a ? r->base : NULL);
	free(w);
}

/* Has alertd do it, in the name of whoever asks; c's texts are in strs, which is released. */
static void hand_over(struct apid *k, struct request *r, const char *op, struct r_command *c, struct buf *strs,
		      void (*done)(struct write *w))
{
	struct write *w = xcalloc(1, sizeof *w);
	const char *actor = request_token(r)->name;
	*w = (struct write){ .k = k, .r = r, .ip = c->command.ip, .vlan = c->command.vlan, .done = done };
	snprintf(w->op, sizeof w->op, "%s", op);
	id_str(c->command.id, w->id);
	c->command.op = str_put_raw(strs, op, strlen(op));
	c->command.actor = str_put_raw(strs, actor, strlen(actor));
	k->asked++;
	if (link_ask(k->c->loop, k->query_url, R_COMMAND, c, strs->p, WRITE_MS, on_written, w) < 0)
		on_written(w, NULL, NULL);
	buf_release(strs);
}

static bool read_id(struct request *r, const char *text, struct id *ret)
{
	bool good = id_parse(text, strlen(text), ret) == 0;
	if (!good)
		request_problem(r, 404, "an id has 26 letters and digits", NULL);
	return good;
}

static struct str put_param(struct buf *strs, const struct request *r, const char *name)
{
	return put_text(strs, uri_param(request_uri(r), name));
}

/* -- notes on alerts -- */

static void say_done(struct write *w)
{
	struct buf b = { 0 };
	buf_addf(&b, "{\"id\":\"%s\",\"done\":\"%s\"}\n", w->id, w->op);
	request_reply(w->r, 200, "application/json", &b);
}

void post_note(void *arg, struct request *r, const struct route *rt, const char *id)
{
	struct buf strs = { 0 };
	struct r_command c = { 0 };
	if (!read_id(r, id, &c.command.id))
		return;
	c.command.text = put_param(&strs, r, "comment");
	hand_over(arg, r, strrchr(rt->path, '/') + 1, &c, &strs, say_done);
}

static void show_alert(struct write *w)
{
	list_stored(w->k, w->r, R_ALERT, "alerts", w->id, 200);
}

static bool good_label(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-");
	return n && n <= 64 && !s[n] && strcmp(s, "-") != 0;
}

/* "a,b" to "a\nb", "" to "-", as COMMAND has it; false if they are no such words. */
static bool read_labels(const char *text, struct buf *out)
{
	unsigned n = 0;
	for (const char *p = text; *p; n++) {
		size_t len = strcspn(p, ",");
		char *label = xstrndup(p, len);
		bool good = good_label(label) && n < MAX_LABELS;
		buf_addf(out, "%s%s", n ? "\n" : "", label);
		free(label);
		if (!good)
			return false;
		p += len + (p[len] == ',');
	}
	if (!n)
		buf_addc(out, '-');
	return true;
}

void patch_alert(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt;
	const struct uri *u = request_uri(r);
	const char *ack = uri_param(u, "acknowledged"), *labels = uri_param(u, "labels");
	struct buf strs = { 0 }, list = { 0 };
	struct r_command c = { 0 };
	if (!read_id(r, id, &c.command.id))
		return;
	if (!ack && !labels && !uri_param(u, "comment")) {
		request_bad_param(r, "body", "nothing to change: acknowledged, comment or labels");
	} else if (labels && !read_labels(labels, &list)) {
		request_bad_param(r, "labels", "up to 16 words of letters, digits and ._:-, of at most 64 bytes");
	} else {
		c.command.text = put_param(&strs, r, "comment");
		c.command.labels = str_put_raw(&strs, list.p, list.len);
		hand_over(arg, r, !ack ? "comment" : route_flag(ack) ? "ack" : "unack", &c, &strs, show_alert);
	}
	buf_release(&list);
}

/* -- hosts -- */

struct shown {
	struct apid *k;
	struct request *r;
	char host[ADDR_STRLEN + 8]; /* as in a path */
};

static void on_notes(void *arg, bool good)
{
	struct shown *s = arg;
	if (good)
		get_host(s->k, s->r, NULL, s->host);
	else
		request_problem(s->r, 504, "it is done; alertd does not say what all of it is now", NULL);
	free(s);
}

static void show_host(struct write *w)
{
	char ip[ADDR_STRLEN];
	struct shown *s = xmalloc(sizeof *s);
	*s = (struct shown){ .k = w->k, .r = w->r };
	snprintf(s->host, sizeof s->host, "%s@%u", addr_str(&w->ip, ip), w->vlan);
	hostnotes_load(w->k, on_notes, s);
}

void patch_host(void *arg, struct request *r, const struct route *rt, const char *id)
{
	struct apid *k = arg;
	const char *alias = uri_param(request_uri(r), "alias"), *notes = uri_param(request_uri(r), "notes");
	struct buf strs = { 0 };
	struct r_command c = { .command.number = (alias ? 1 : 0) | (notes ? 2 : 0) };
	unsigned long vlan;
	struct r_host like = { 0 };
	bool named = list_host(id, &like.host.ip, &vlan);
	like.host.vlan = (uint16_t)vlan;
	if (!named || !live_find(k->hosts, &like, NULL, NULL)) {
		get_host(k, r, rt, id); /* says that there is none */
		return;
	}
	if (!c.command.number) {
		request_bad_param(r, "body", "nothing to change: alias or notes");
		return;
	}
	c.command.ip = like.host.ip;
	c.command.vlan = like.host.vlan;
	c.command.alias = put_param(&strs, r, "alias");
	c.command.text = put_param(&strs, r, "notes");
	hand_over(k, r, "host", &c, &strs, show_host);
}

/* -- silences -- */

static void show_silence(struct write *w)
{
	char path[64];
	snprintf(path, sizeof path, "/api/v1/silences/%s", w->id);
	request_header_add(w->r, "Location", path);
	list_stored(w->k, w->r, R_SILENCE, "silences", w->id, 201);
}

/* From now on, unless it is said when; to a time, or for as long. */
static bool read_times(const struct uri *u, struct g_command *c)
{
	const char *start = uri_param(u, "start"), *end = uri_param(u, "end"), *duration = uri_param(u, "duration");
	if (start)
		route_time(start, &c->start);
	if (end)
		route_time(end, &c->end);
	else if (duration)
		c->end = (c->start ? c->start : wall_ns()) + strtoul(duration, NULL, 10) * 1000000000u;
	return c->end != 0 && !(end && duration);
}

/* False: the request is answered. */
static bool read_silence(struct request *r, struct g_command *c)
{
	const struct uri *u = request_uri(r);
	const char *expression = uri_param(u, "match"), *comment = uri_param(u, "comment"), *id = uri_param(u, "id");
	struct match_error e = { .text = "an expression over alerts is wanted, in the match language" };
	struct match *m = expression && *expression ? match_parse(expression, R_ALERT, &e) : NULL;
	match_free(m);
	if (!m)
		return request_bad_param(r, "match", e.text);
	if (!comment || !*comment)
		return request_bad_param(r, "comment", "why it is silenced is wanted");
	if (id && (id_parse(id, strlen(id), &c->id) < 0 || !id_is_set(c->id)))
		return request_bad_param(r, "id", "26 letters and digits, as it was given out");
	return read_times(u, c) || request_bad_param(r, "end", "the end is wanted: a time, or a duration instead");
}

void post_silence(void *arg, struct request *r, const struct route *rt, const char *none)
{
	(void)rt, (void)none;
	struct buf strs = { 0 };
	struct r_command c = { .command.id = id_random(wall_ns()) };
	char id[ID_STRLEN];
	if (!read_silence(r, &c.command))
		return;
	door_about(r, id_str(c.command.id, id));
	c.command.match = put_param(&strs, r, "match");
	c.command.text = put_param(&strs, r, "comment");
	hand_over(arg, r, "silence", &c, &strs, show_silence);
}

static void say_nothing(struct write *w)
{
	struct buf none = { 0 };
	request_reply(w->r, 204, "application/json", &none);
}

void delete_silence(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt;
	struct buf strs = { 0 };
	struct r_command c = { 0 };
	if (read_id(r, id, &c.command.id))
		hand_over(arg, r, "unsilence", &c, &strs, say_nothing);
}

/*
 * What weir replay prints: ended flows and hosts as they come, then each alert in its last revision, then a summary. Runs as
 * a process of its own because it speaks to links and the supervisor must not.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "link.h"
#include "log.h"
#include "options.h"
#include "verbs.h"

#define POLL_MS   10
#define MAX_POLLS 6000 /* a minute: a large import may lag behind */

struct alert_line {
	struct id id;
	uint32_t revision;
	size_t off, len; /* in the buffer of lines */
};

struct follow {
	struct loop *loop;
	bool quiet;    /* the summary is enough: all but the end is left out */
	bool text;
	int fail_on; /* severity, -1 = never */
	struct buf line, lines;
	struct alert_line *alerts;
	size_t n_alerts, cap_alerts;
	struct g_sensor_count count;
	struct g_totals totals;
	struct buf texts; /* of count and totals */
	unsigned ends; /* streams that have ended */
	int code;
	char *alertd;  /* url: the store must have it all before we leave; NULL: there is none */
	struct loop_timer *poll;
	unsigned polls;
};

union follow_record {
	struct r_flow flow;
	struct r_host host;
	struct r_alert alert;
	struct r_eos eos;
};

static void write_line(struct follow *w, const struct buf *b)
{
	if (fwrite(b->p, 1, b->len, stdout) != b->len)
		loop_stop(w->loop, EXIT_DONE); /* the reader has gone */
}

static void add_text(struct buf *out, const char *base, struct str s, int width)
{
	int n = (int)s.len < width ? (int)s.len : width;
	buf_addf(out, "%-*.*s ", width, n, base + s.off);
}

static void flow_text(struct buf *out, const struct r_flow *f, const char *base)
{
	char a[ADDR_STRLEN], b[ADDR_STRLEN], p[4], ends[120];
	json_time(out, f->key.first);
	snprintf(ends, sizeof ends, "%s:%u > %s:%u", addr_str(&f->key.client, a), f->key.client_port,
		 addr_str(&f->key.server, b), f->key.server_port);
	buf_addf(out, " flow  %-46s %-6s ", ends, proto_name(f->key.proto, p));
	add_text(out, base, f->app.app, 16);
	buf_addf(out, "%8" PRIu64 " > %8" PRIu64 " bytes  ", f->n.client_bytes, f->n.server_bytes);
	add_text(out, base, f->app.host, 40);
	buf_addc(out, '\n');
}

static void alert_text(struct buf *out, const struct r_alert *a, const char *base)
{
	json_time(out, a->alert.time);
	buf_addf(out, " alert %-9s score %3u  ", enum_name(enum_severity, a->alert.severity), a->alert.score);
	add_text(out, base, a->alert.check, 32);
	add_text(out, base, a->alert.message, 120);
	buf_addc(out, '\n');
}

static void to_json(struct buf *out, enum rtype type, const void *rec, const char *base)
{
	json_record(out, type, rec, base, JSON_TYPE | JSON_NO_BIN, NULL);
	buf_addc(out, '\n');
}

static void on_flow(struct follow *w, const struct r_flow *f, const char *base)
{
	if (f->n.end_reason == END_ACTIVE)
		return;
	buf_reset(&w->line);
	if (w->text)
		flow_text(&w->line, f, base);
	else
		to_json(&w->line, R_FLOW, f, base);
	write_line(w, &w->line);
}

static void on_host(struct follow *w, const struct r_host *h, const char *base)
{
	if (!h->host.final || w->text)
		return;
	buf_reset(&w->line);
	to_json(&w->line, R_HOST, h, base);
	write_line(w, &w->line);
}

static void on_alert(struct follow *w, const struct r_alert *a, const char *base)
{
	if (w->n_alerts == w->cap_alerts) {
		w->cap_alerts = w->cap_alerts ? 2 * w->cap_alerts : 256;
		w->alerts = xrealloc(w->alerts, w->cap_alerts * sizeof *w->alerts);
	}
	size_t off = w->lines.len;
	if (w->text)
		alert_text(&w->lines, a, base);
	else
		to_json(&w->lines, R_ALERT, a, base);
	w->alerts[w->n_alerts++] = (struct alert_line){ a->alert.id, a->alert.revision, off, w->lines.len - off };
}

static int by_id(const void *x, const void *y)
{
	const struct alert_line *a = x, *b = y;
	int c = id_cmp(a->id, b->id);
	return c ? c : a->revision < b->revision ? -1 : a->revision > b->revision;
}

static void put_map(struct follow *w, struct str s)
{
	struct field map = { .type = FT_MAP };
	json_value(&w->line, &map, &s, w->texts.p ? w->texts.p : "");
}

static void summary(struct follow *w)
{
	const struct g_sensor_count *n = &w->count;
	const struct g_totals *t = &w->totals;
	double seconds = t->last > t->first ? (double)(t->last - t->first) / 1e9 : 0;
	buf_reset(&w->line);
	if (w->text) {
		buf_addf(&w->line, "%" PRIu64 " packets (%" PRIu64 " not decoded), %" PRIu64 " flows, %" PRIu64
			 " hosts, %" PRIu64 " alerts in %.3f s of traffic\n", n->packets, n->undecoded, t->flows, t->hosts,
			 t->alerts, seconds);
	} else {
		buf_addf(&w->line, "{\"type\":\"summary\",\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64
			 ",\"packets_in_flows\":%" PRIu64 ",\"undecoded\":%" PRIu64 ",\"undecoded_by\":", n->packets,
			 n->bytes, n->in_flows, n->undecoded);
		put_map(w, n->undecoded_by);
		buf_addf(&w->line, ",\"flows\":%" PRIu64 ",\"hosts\":%" PRIu64 ",\"alerts\":%" PRIu64 ",\"alerts_by_severity\":",
			 t->flows, t->hosts, t->alerts);
		put_map(w, t->alerts_by);
		buf_addf(&w->line, ",\"duration\":%.6f,\"input_errors\":%" PRIu64 "}\n", seconds, n->input_errors);
	}
	write_line(w, &w->line);
}

/* Is there an alert as severe as that, or more? */
static bool has_severity(const struct follow *w, int least)
{
	double n;
	for (int i = least; enum_severity[i]; i++)
		if (field_member(&w->totals.alerts_by, w->texts.p, enum_severity[i], &n) && n > 0)
			return true;
	return false;
}

/* Everything is there: the alerts in the order of their ids, each as it was last. */
static void finish(struct follow *w)
{
	if (w->n_alerts)
		qsort(w->alerts, w->n_alerts, sizeof *w->alerts, by_id);
	for (size_t i = 0; i < w->n_alerts; i++) {
		const struct alert_line *a = &w->alerts[i];
		if (i + 1 < w->n_alerts && id_cmp(a->id, w->alerts[i + 1].id) == 0)
			continue;
		struct buf one = { .p = w->lines.p + a->off, .len = a->len };
		write_line(w, &one);
	}
	summary(w);
	fflush(stdout);
	w->code = w->count.input_errors ? EXIT_FAILED : w->fail_on >= 0 && has_severity(w, w->fail_on) ? 3 : EXIT_DONE;
	loop_set_timer(w->poll, 1, 0);
}

/* Asks alertd until it has stored the end of the input; then everything may stop. */
static void on_status(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	struct follow *w = arg;
	struct r_process p;
	bool stored = a && codec_peek(r) == R_PROCESS && codec_read(r, &p) == 1 &&
		      str_eq(r->base, p.process.state, "end of input");
	if (!stored && ++w->polls < MAX_POLLS) {
		loop_set_timer(w->poll, POLL_MS, 0);
		return;
	}
	if (!stored) {
		log_error("the store did not take everything");
		w->code = EXIT_FAILED;
	}
	loop_stop(w->loop, w->code);
}

static void on_poll(void *arg)
{
	struct follow *w = arg;
	struct r_status q = { 0 };
	if (!w->alertd)
		loop_stop(w->loop, w->code);
	else if (link_ask(w->loop, w->alertd, R_STATUS, &q, NULL, 5000, on_status, w) < 0)
		loop_stop(w->loop, EXIT_FAILED);
}

static void keep_text(struct follow *w, const char *base, struct str *s)
{
	*s = str_put_raw(&w->texts, str_ptr(base, *s), s->len);
}

static void on_end(struct follow *w, const struct r_eos *e, const char *base)
{
	w->count = e->n;
	w->totals = e->totals;
	buf_reset(&w->texts);
	keep_text(w, base, &w->count.undecoded_by);
	keep_text(w, base, &w->totals.alerts_by);
	if (++w->ends == (w->quiet ? 1 : 2))
		finish(w);
}

static uint32_t on_batch(void *arg, struct follower *f, const struct g_batch *b, struct codec_reader *r)
{
	struct follow *w = arg;
	static union follow_record u;
	for (uint32_t i = b->left_out; i < b->count; i++) {
		enum rtype type = codec_peek(r);
		bool used = type == R_FLOW || type == R_HOST || type == R_ALERT || type == R_EOS;
		size_t at, len;
		if ((used ? codec_read(r, &u) : codec_skip(r, &at, &len)) != 1) {
			log_error("record that cannot be read: %s", r->error ? r->error : "end");
			loop_stop(w->loop, EXIT_FAILED);
			return b->count;
		}
		if (type == R_FLOW)
			on_flow(w, &u.flow, r->base);
		else if (type == R_HOST)
			on_host(w, &u.host, r->base);
		else if (type == R_ALERT)
			on_alert(w, &u.alert, r->base);
		else if (type == R_EOS)
			on_end(w, &u.eos, r->base);
	}
	follower_set_durable(f, b->base + b->count);
	return b->count;
}

static bool on_gone(void *arg, struct follower *f, uint64_t tail)
{
	struct follow *w = arg;
	log_error("records %" PRIu64 " to %" PRIu64 " are gone", follower_next(f), tail - 1);
	loop_stop(w->loop, EXIT_FAILED);
	return false;
}

/* Is alertd one of those that must have all alerts? */
static bool stores(const struct topo *t)
{
	for (char **c = topo_link(t, "alerts")->durable; c && *c; c++)
		if (strcmp(*c, "alertd") == 0)
			return true;
	return false;
}

int verb_follow(int argc, char **argv)
{
	static const struct follower_ops ops = { .batch = on_batch, .gone = on_gone };
	struct follow w = { .text = isatty(STDOUT_FILENO), .fail_on = -1 };
	const char *file = NULL;
	const struct option_row options[] = { OPTION_FILE(&file), { NULL, 'q', OPTION_FLAG, &w.quiet } };
	int rc = OPTIONS_READ(argc, argv, options, "usage: weir follow-replay [-f FILE] [-q] [SEVERITY]\n");
	if (rc)
		return rc;
	if (optind < argc)
		w.fail_on = enum_value(enum_severity, argv[optind]);
	struct topo *t = config_load(file);
	if (!t)
		return EXIT_FAILED;
	w.loop = verb_loop(EXIT_INTERRUPTED);
	char *url = topo_url(t, "checks", NULL);
	w.alertd = stores(t) ? topo_url(t, "alertd", NULL) : NULL;
	w.poll = loop_add_timer(w.loop, on_poll, &w);
	for (int i = w.quiet; i < 2; i++) {
		static const char *const streams[] = { "history", "alerts" };
		struct follower *one = follower_new(w.loop, url, streams[i], "replay", &ops, &w);
		follower_set(one, 0, 1); /* from the first record on: one that was gone would be a hole */
		if (w.quiet)
			follower_only(one, 1ull << R_EOS);
		follower_resume(one);
	}
	link_leave(verb_printed(loop_run(w.loop)));
}

#include "pipeline.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "fault.h"
#include "hash.h"

#define ROOM      (1u << 20) /* below this nothing is taken in */
#define COPY_STEP 4096

/* -- output -- */

static void put_out(struct output *o, const char *rec, size_t len)
{
	uint32_t n = (uint32_t)len;
	FAULT("checks.publish.before");
	if (o->overflow.len == 0 && stream_append(o->stream, rec, len, NULL) == 0) {
		FAULT("checks.publish.after");
		return;
	}
	buf_add(&o->overflow, &n, sizeof n);
	buf_add(&o->overflow, rec, len);
}

static void drain(struct output *o)
{
	while (o->drained < o->overflow.len) {
		uint32_t n;
		memcpy(&n, o->overflow.p + o->drained, sizeof n);
		if (stream_append(o->stream, o->overflow.p + o->drained + sizeof n, n, NULL) < 0)
			return;
		o->drained += sizeof n + n;
	}
	buf_reset(&o->overflow);
	o->drained = 0;
}

bool pipeline_has_room(struct pipeline *p)
{
	drain(&p->alerts);
	drain(&p->history);
	return !p->alerts.overflow.len && !p->history.overflow.len && stream_has_room(p->alerts.stream, ROOM) &&
	       stream_has_room(p->history.stream, ROOM);
}

static void on_alert(void *arg, const char *rec, size_t len)
{
	put_out(&((struct pipeline *)arg)->alerts, rec, len);
}

static void on_history(void *arg, const char *rec, size_t len)
{
	put_out(&((struct pipeline *)arg)->history, rec, len);
}

static void put_both(struct pipeline *p, const char *rec, size_t len)
{
	put_out(&p->alerts, rec, len);
	put_out(&p->history, rec, len);
}

/* -- life -- */

static struct engine *make_engine(struct pipeline *p, const struct topo *t)
{
	return engine_new(t, &(struct engine_ops){ on_alert, on_history, p->guard.enter ? &p->guard : NULL }, p);
}

void pipeline_init(struct pipeline *p, const struct topo *t)
{
	p->n_positions = t->n_sensors;
	p->positions = xcalloc(p->n_positions ? p->n_positions : 1, sizeof *p->positions);
	for (size_t i = 0; i < p->n_positions; i++)
		p->positions[i].sensor = t->sensors[i].name;
	pipeline_reset(p, t);
}

void pipeline_reset(struct pipeline *p, const struct topo *t)
{
	if (!p->fresh || p->topo != t) {
		engine_free(p->engine);
		p->engine = make_engine(p, t);
		p->topo = t;
	}
	p->fresh = true;
	p->has_epoch = p->finished = false;
	p->nonce = p->records = p->unreadable = 0;
	for (size_t i = 0; i < p->n_positions; i++)
		p->positions[i] = (struct position){ .sensor = p->positions[i].sensor, .next = 1 };
	for (size_t i = 0; i < t->n_sensors; i++)
		if (t->sensors[i].source == SRC_INTERFACE)
			p->nonce = hash_key_random().k0;
	stream_restart(p->alerts.stream, 0, 1);
	stream_restart(p->history.stream, 0, 1);
	buf_reset(&p->alerts.overflow);
	buf_reset(&p->history.overflow);
	p->alerts.drained = p->history.drained = 0;
}

void pipeline_release(struct pipeline *p)
{
	engine_free(p->engine); /* a leak check cannot follow the pointers inside LuaJIT */
	buf_release(&p->alerts.overflow);
	buf_release(&p->history.overflow);
	free(p->positions);
}

/* -- entries -- */

uint64_t pipeline_make_epoch(const struct pipeline *p)
{
	uint64_t h = hash_content(&p->nonce, sizeof p->nonce, engine_conf_hash(p->engine));
	for (size_t i = 0; i < p->n_positions; i++)
		h = hash_content(&p->positions[i].epoch, sizeof h, h);
	return h ? h : 1;
}

void pipeline_begin(struct pipeline *p, uint64_t epoch, uint64_t nonce)
{
	p->fresh = false;
	p->has_epoch = true;
	p->nonce = nonce;
	engine_set_epoch(p->engine, epoch);
	stream_restart(p->alerts.stream, epoch, 1);
	stream_restart(p->history.stream, epoch, 1);
}

void pipeline_epoch(struct pipeline *p, unsigned lane, uint64_t epoch)
{
	struct position *l = &p->positions[lane];
	if (l->epoch && l->epoch != epoch) {
		log_warn("sensor %s began a new run: its open flows are lost", l->sensor);
		engine_lost(p->engine, l->sensor);
		l->next = 1;
		l->ended = false;
	}
	p->fresh = false;
	l->epoch = epoch;
	l->started = true;
}

void pipeline_lost(struct pipeline *p, unsigned lane, uint64_t next)
{
	struct position *l = &p->positions[lane];
	if (l->next > 1)
		log_warn("records %" PRIu64 " to %" PRIu64 " of sensor %s are gone", l->next, next - 1, l->sensor);
	engine_lost(p->engine, l->sensor);
	l->next = next;
}

/* The outputs end once, with the last sensor; what another one had in all is told as its last TICK. */
static void sensor_ended(struct pipeline *p, const struct r_eos *r, const char *base)
{
	struct buf text = { 0 }, out = { 0 };
	for (size_t i = 0; i < p->n_positions; i++)
		if (!p->positions[i].ended) {
			struct r_tick t = { .tick = r->tick, .n = r->n };
			codec_pack(&out, R_TICK, &t, base);
			put_both(p, out.p, out.len);
			buf_release(&out);
			return;
		}
	p->finished = true;
	engine_finish(p->engine);
	struct g_totals totals = engine_totals(p->engine, &text);
	const struct codec_part part[] = { { &r->tick, base }, { &r->n, base }, { &totals, text.p } };
	codec_pack_parts(&out, R_EOS, part);
	put_both(p, out.p, out.len);
	buf_release(&text);
	buf_release(&out);
	log_info("end of input");
}

union input {
	struct r_verdict verdict;
	struct r_update update;
	struct r_end end;
	struct r_tick tick;
	struct r_eos eos;
	struct r_gap gap;
	struct r_config config;
	struct r_arp arp;
};

/* Packets that crashed a process go to the store, on the stream that is never shed. */
static void put_quarantine(struct pipeline *p, const struct r_verdict *v, const char *base)
{
	struct r_quarantine q = { .key = v->key, .packets = v->packets };
	struct buf out = { 0 };
	codec_pack(&out, R_QUARANTINE, &q, base);
	put_out(&p->alerts, out.p, out.len);
	buf_release(&out);
}

/* Works on the record at r. 1 done, 0 end, -1 unreadable. */
static int one_record(struct pipeline *p, struct position *l, struct codec_reader *r)
{
	static union input u;
	struct codec_places places;
	enum rtype type = codec_peek(r);
	size_t at = r->pos, len;
	bool ours = type == R_VERDICT || type == R_UPDATE || type == R_END || type == R_TICK || type == R_EOS ||
		    type == R_GAP || type == R_CONFIG || type == R_ARP;
	int rc = ours ? codec_read_places(r, &u, &places) : codec_skip(r, &at, &len);
	if (rc != 1)
		return rc;
	const char *raw = r->base + at;
	len = r->pos - at;
	p->records++;
	switch (type) {
	case R_VERDICT:
		engine_verdict(p->engine, &u.verdict, r->base, &places);
		if (u.verdict.packets.data.len)
			put_quarantine(p, &u.verdict, r->base);
		break;
	case R_UPDATE:
		engine_update(p->engine, &u.update, r->base, &places);
		break;
	case R_END:
		engine_end(p->engine, &u.end, r->base, &places);
		break;
	case R_TICK:
		l->clock = u.tick.tick.to;
		engine_tick(p->engine, &u.tick, r->base);
		put_both(p, raw, len);
		break;
	case R_EOS:
		l->ended = true;
		engine_tick(p->engine, &(struct r_tick){ .tick = u.eos.tick, .n = u.eos.n }, r->base);
		sensor_ended(p, &u.eos, r->base);
		break;
	case R_GAP:
		engine_gap(p->engine, &u.gap, r->base);
		put_both(p, raw, len);
		break;
	case R_ARP:
		engine_arp(p->engine, &u.arp, r->base);
		break;
	case R_CONFIG:
		engine_config(p->engine, &u.config, r->base);
		put_both(p, raw, len);
		break;
	default:
		break;
	}
	return 1;
}

uint32_t pipeline_records(struct pipeline *p, unsigned lane, uint64_t base, uint32_t count, struct codec_reader *r,
			  bool (*go)(void *arg), void *arg)
{
	struct position *l = &p->positions[lane];
	uint32_t n = 0;
	p->fresh = false;
	while (n < count && (!go || go(arg))) {
		int rc = one_record(p, l, r);
		if (rc <= 0) {
			log_limited(&p->limit, "record %" PRIu64 " of sensor %s cannot be read: %s", base + n, l->sensor,
				    r->error ? r->error : "cut off");
			p->unreadable += count - n;
			r->pos = r->len;
			n = count;
			break;
		}
		n++;
	}
	l->next = base + n;
	return n;
}

/* -- health -- */

static const char *const health_names[] = { [HEALTH_SILENT] = "silent", [HEALTH_FULL] = "full", [HEALTH_FAILING] = "failing",
					    [HEALTH_DROPPED] = "dropped" };

void pipeline_pack_health(struct buf *out, const struct engine_health *h)
{
	struct buf text = { 0 };
	struct r_metric m = { .metric = { .value = h->value } };
	m.metric.process = str_put(&text, h->process, strlen(h->process), 64);
	m.metric.name = str_put_raw(&text, health_names[h->kind], strlen(health_names[h->kind]));
	codec_pack(out, R_METRIC, &m, text.p);
	buf_release(&text);
}

bool pipeline_health(struct pipeline *p, const char *rec, size_t len)
{
	struct codec_reader r = { .base = rec, .len = len };
	struct r_metric m;
	char process[64];
	if (codec_peek(&r) != R_METRIC || codec_read(&r, &m) != 1)
		return false;
	snprintf(process, sizeof process, "%.*s", (int)m.metric.process.len, str_ptr(rec, m.metric.process));
	for (unsigned i = 0; i < sizeof health_names / sizeof *health_names; i++) {
		struct engine_health h = { .process = process, .value = m.metric.value };
		h.kind = i;
		if (str_eq(rec, m.metric.name, health_names[i]))
			engine_health(p->engine, &h);
	}
	return true;
}

/* -- the journal -- */

static void map_lanes(struct pipeline *p, const char *names, size_t len)
{
	unsigned n = 0;
	memset(p->map, 0xff, sizeof p->map);
	while (len && n < 256) {
		const char *nl = memchr(names, '\n', len);
		size_t one = nl ? (size_t)(nl - names) : len;
		for (size_t i = 0; i < p->n_positions; i++)
			if (strlen(p->positions[i].sensor) == one && memcmp(p->positions[i].sensor, names, one) == 0)
				p->map[n] = (uint16_t)i;
		n++;
		names += one + (nl != NULL);
		len -= one + (nl != NULL);
	}
}

static void acknowledge(struct output *o, uint64_t seq)
{
	for (char **d = o->durable; d && *d; d++)
		stream_set_durable(o->stream, *d, seq);
	drain(o);
}

bool pipeline_apply(struct pipeline *p, const struct journal_entry *e)
{
	unsigned lane = e->lane < 256 ? p->map[e->lane] : UINT16_MAX;
	struct codec_reader r = { .base = e->body, .len = e->len };
	if (e->kind == JR_LANES) {
		map_lanes(p, e->body, e->len);
		return true;
	}
	if (e->kind == JR_BEGIN) {
		pipeline_begin(p, e->epoch, e->base);
		return true;
	}
	if (e->kind == JR_HEALTH)
		return pipeline_health(p, e->body, e->len);
	acknowledge(&p->alerts, e->durable[0]);
	acknowledge(&p->history, e->durable[1]);
	if (lane >= p->n_positions)
		return true; /* of a sensor that is there no longer */
	switch (e->kind) {
	case JR_EPOCH:
		pipeline_epoch(p, lane, e->epoch);
		return true;
	case JR_LOST:
		pipeline_lost(p, lane, e->base);
		return true;
	case JR_RECORDS:
		if (e->base != p->positions[lane].next)
			return false;
		return pipeline_records(p, lane, e->base, e->count, &r, NULL, NULL) == e->count;
	default:
		return false;
	}
}

/* -- snapshots -- */

void pipeline_save(const struct pipeline *p, struct buf *out)
{
	buf_addf(out, "run %d %d %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", p->has_epoch, p->finished, p->nonce, p->records,
		 p->unreadable);
	buf_addf(out, "alerts %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", stream_epoch(p->alerts.stream),
		 stream_head(p->alerts.stream), stream_clock(p->alerts.stream));
	buf_addf(out, "history %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", stream_epoch(p->history.stream),
		 stream_head(p->history.stream), stream_clock(p->history.stream));
	for (size_t i = 0; i < p->n_positions; i++) {
		const struct position *l = &p->positions[i];
		buf_addf(out, "sensor %" PRIu64 " %" PRIu64 " %" PRIu64 " %d %d %s\n", l->epoch, l->next, l->clock, l->started,
			 l->ended, l->sensor);
	}
}

static bool load_stream(struct stream *s, const char *numbers)
{
	uint64_t epoch, head, clock;
	if (sscanf(numbers, "%" SCNu64 " %" SCNu64 " %" SCNu64, &epoch, &head, &clock) != 3)
		return false;
	stream_restart(s, epoch, head);
	stream_set_clock(s, clock);
	return true;
}

static bool load_line(struct pipeline *p, const char *line)
{
	struct position l = { 0 };
	int started, ended, n = 0;
	if (strncmp(line, "run ", 4) == 0) {
		int has, fin;
		if (sscanf(line, "run %d %d %" SCNu64 " %" SCNu64 " %" SCNu64, &has, &fin, &p->nonce, &p->records, &p->unreadable) != 5)
			return false;
		p->has_epoch = has;
		p->finished = fin;
		return true;
	}
	if (strncmp(line, "alerts ", 7) == 0)
		return load_stream(p->alerts.stream, line + 7);
	if (strncmp(line, "history ", 8) == 0)
		return load_stream(p->history.stream, line + 8);
	if (strncmp(line, "sensor ", 7) != 0)
		return true; /* of a later version */
	if (sscanf(line, "sensor %" SCNu64 " %" SCNu64 " %" SCNu64 " %d %d %n", &l.epoch, &l.next, &l.clock, &started, &ended, &n) != 5 || !n)
		return false;
	for (size_t i = 0; i < p->n_positions; i++)
		if (strcmp(p->positions[i].sensor, line + n) == 0) {
			l.sensor = p->positions[i].sensor;
			l.started = started;
			l.ended = ended;
			p->positions[i] = l;
		}
	return true;
}

bool pipeline_load(struct pipeline *p, const char *text, size_t len)
{
	char *copy = xstrndup(text, len), *save = NULL;
	bool good = true;
	p->fresh = false;
	for (char *line = strtok_r(copy, "\n", &save); line && good; line = strtok_r(NULL, "\n", &save))
		good = load_line(p, line);
	free(copy);
	return good;
}

bool pipeline_switch(struct pipeline *p, const struct topo *t)
{
	struct buf copy = { 0 };
	struct engine *e = make_engine(p, t);
	engine_copy_begin(p->engine, &copy);
	while (engine_copy_step(p->engine, COPY_STEP, &copy))
		;
	bool good = engine_load(e, copy.p, copy.len) && engine_load_end(e);
	buf_release(&copy);
	if (good) {
		engine_free(p->engine);
		p->engine = e;
		p->topo = t;
	} else {
		engine_free(e);
	}
	return good;
}

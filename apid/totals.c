#include "totals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define MAX_SENSORS 256
#define MAX_NAMES   200   /* of a family and a sensor; more are "other" */
#define SLOTS       (2 * TOTALS_ROWS)

/* Families of rows, and what their labels are called. */
enum family { APPS, CATEGORIES, L4, ALERTS };

struct row {
	enum family family;
	char names[3][40];
	uint64_t n[3]; /* apps: bytes received, transmitted, flows */
	bool used;
};

struct engaged {
	struct id id;
	uint8_t severity, entity;
	uint16_t sensor;
	bool used;
};

struct totals {
	struct totals_sensor sensors[MAX_SENSORS];
	unsigned n_sensors;
	struct row *rows; /* SLOTS of them, hashed */
	unsigned n_rows, names[MAX_SENSORS][L4 + 1];
	struct engaged *engaged; /* 2 * TOTALS_ENGAGED slots, hashed by id */
	unsigned n_engaged;
	uint64_t engaged_by[SEV_EMERGENCY + 1][ENT_OTHER + 1];
	struct hash_key seed;
};

struct totals *totals_new(void)
{
	struct totals *t = xcalloc(1, sizeof *t);
	t->rows = xcalloc(SLOTS, sizeof *t->rows);
	t->engaged = xcalloc(2 * TOTALS_ENGAGED, sizeof *t->engaged);
	t->seed = hash_key_random();
	return t;
}

void totals_free(struct totals *t)
{
	if (!t)
		return;
	free(t->rows);
	free(t->engaged);
	free(t);
}

static unsigned sensor_of(struct totals *t, const char *base, struct str name)
{
	unsigned i = 0;
	while (i < t->n_sensors && !str_eq(base, name, t->sensors[i].name))
		i++;
	if (i == MAX_SENSORS)
		return MAX_SENSORS - 1;
	if (i == t->n_sensors)
		snprintf(t->sensors[t->n_sensors++].name, sizeof t->sensors->name, "%.*s", (int)name.len, str_ptr(base, name));
	return i;
}

const struct totals_sensor *totals_sensor(const struct totals *t, const char *name)
{
	static const struct totals_sensor none;
	for (unsigned i = 0; i < t->n_sensors; i++)
		if (strcmp(t->sensors[i].name, name) == 0)
			return &t->sensors[i];
	return &none;
}

/* -- rows -- */

/* The row, or a free place for it. */
static struct row *slot_of(const struct totals *t, const struct row *r)
{
	char key[sizeof r->names + 1];
	memcpy(key, r->names, sizeof r->names);
	key[sizeof r->names] = (char)r->family;
	for (uint64_t i = hash_sip13(t->seed, key, sizeof key);; i++) {
		struct row *at = &t->rows[i % SLOTS];
		if (!at->used || (at->family == r->family && memcmp(at->names, r->names, sizeof r->names) == 0))
			return at;
	}
}

/* sensor: NULL if the family has none, else whose names are counted. */
static struct row *row_of(struct totals *t, const struct row *r, const unsigned *sensor)
{
	struct row *at = slot_of(t, r);
	if (at->used)
		return at;
	if (t->n_rows >= TOTALS_ROWS - MAX_SENSORS * (L4 + 1) || (sensor && t->names[*sensor][r->family] >= MAX_NAMES)) {
		struct row other = *r;
		for (unsigned i = sensor ? 1 : 0; i < 3; i++) {
			memset(other.names[i], 0, sizeof other.names[i]);
			snprintf(other.names[i], sizeof other.names[i], "%s", i < 2 || !sensor ? "other" : "");
		}
		at = slot_of(t, &other);
		if (at->used)
			return at;
		*at = other;
	} else {
		*at = *r;
		if (sensor)
			t->names[*sensor][r->family]++;
	}
	at->used = true;
	t->n_rows++;
	return at;
}

static void set_name(struct row *r, unsigned i, const char *text, size_t len)
{
	snprintf(r->names[i], sizeof r->names[i], "%.*s", (int)(len < sizeof r->names[i] ? len : sizeof r->names[i] - 1), text);
}

/* -- flows -- */

static uint64_t more(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

struct amounts {
	uint64_t rx, tx; /* bytes */
	uint64_t flows;
};

static void add_row(struct totals *t, enum family family, unsigned sensor, const char *name, size_t len, const struct amounts *a)
{
	struct row r = { .family = family };
	set_name(&r, 0, t->sensors[sensor].name, strlen(t->sensors[sensor].name));
	set_name(&r, 1, len ? name : "Unknown", len ? len : 7);
	struct row *at = row_of(t, &r, &sensor);
	at->n[0] += a->rx;
	at->n[1] += a->tx;
	at->n[2] += a->flows;
}

static unsigned severity_group(uint8_t severity)
{
	return severity >= SEV_ERROR ? 2 : severity == SEV_WARNING ? 1 : 0;
}

static void count_flow(struct totals *t, const struct r_flow *f, const char *base, bool there)
{
	uint64_t sign = there ? 1 : UINT64_MAX;
	if (!f)
		return;
	struct totals_sensor *s = &t->sensors[sensor_of(t, base, f->key.sensor)];
	if (f->judge.client_local && !f->judge.server_local) {
		s->live.local2remote += sign * f->n.client_bytes;
		s->live.remote2local += sign * f->n.server_bytes;
	}
	if (f->n.end_reason != END_ACTIVE)
		return;
	s->live.flows += sign;
	s->live.flows_by[f->judge.client_local != 0][f->judge.server_local != 0] += sign;
	if (f->judge.score)
		s->alerted[severity_group(f->judge.severity)] += sign;
}

void totals_flow(struct totals *t, const struct live_change *c)
{
	count_flow(t, c->before, c->before_base, false);
	count_flow(t, c->now, c->now_base, true);
}

void totals_traffic(struct totals *t, const struct live_change *c)
{
	static const struct r_flow nothing;
	const struct r_flow *f = c->now, *b = c->before ? c->before : &nothing;
	if (!f)
		return;
	unsigned sensor = sensor_of(t, c->now_base, f->key.sensor);
	struct totals_sensor *s = &t->sensors[sensor];
	uint64_t cb = more(f->n.client_bytes, b->n.client_bytes), sb = more(f->n.server_bytes, b->n.server_bytes);
	uint64_t cp = more(f->n.client_packets, b->n.client_packets), sp = more(f->n.server_packets, b->n.server_packets);
	struct amounts a = { .flows = !c->before && !f->n.part };
	*(f->judge.client_local ? &a.tx : &a.rx) += cb;
	*(f->judge.server_local ? &a.tx : &a.rx) += sb;
	s->sum.rx_bytes += a.rx;
	s->sum.tx_bytes += a.tx;
	*(f->judge.client_local ? &s->sum.tx_packets : &s->sum.rx_packets) += cp;
	*(f->judge.server_local ? &s->sum.tx_packets : &s->sum.rx_packets) += sp;
	s->retrans += more(f->n.client_retrans, b->n.client_retrans) + more(f->n.server_retrans, b->n.server_retrans);
	s->ooo += more(f->n.client_ooo, b->n.client_ooo) + more(f->n.server_ooo, b->n.server_ooo);
	s->lost += more(f->n.client_lost, b->n.client_lost) + more(f->n.server_lost, b->n.server_lost);
	char number[4];
	const char *proto = proto_name(f->key.proto, number);
	add_row(t, APPS, sensor, str_ptr(c->now_base, f->app.app), f->app.app.len, &a);
	add_row(t, CATEGORIES, sensor, str_ptr(c->now_base, f->app.category), f->app.category.len, &a);
	add_row(t, L4, sensor, proto, strlen(proto), &a);
}

/* -- hosts -- */

static void count_host(struct totals *t, const struct r_host *r, const char *base, bool there)
{
	const struct g_host *h = r ? &r->host : NULL;
	uint64_t one = there ? 1 : UINT64_MAX;
	if (!h)
		return;
	struct totals_sensor *s = &t->sensors[sensor_of(t, base, h->sensor)];
	bool device = mac_is_set(&h->mac), receiver = !h->packets_sent;
	s->live.hosts += one;
	s->live.local += h->local ? one : 0;
	s->live.devices += device ? one : 0;
	s->live.receivers += receiver ? one : 0;
	s->live.local_receivers += receiver && h->local ? one : 0;
	if (h->engaged.len)
		*(h->local ? &s->live.anomalies : &s->live.remote_anomalies) += one;
	if (h->final)
		return;
	*(h->local ? &s->local_hosts : &s->remote_hosts) += one;
	s->devices += device ? one : 0;
}

void totals_host(struct totals *t, const struct live_change *c)
{
	count_host(t, c->before, c->before_base, false);
	count_host(t, c->now, c->now_base, true);
}

void totals_clear_live(struct totals *t)
{
	for (struct totals_sensor *s = t->sensors; s < t->sensors + t->n_sensors; s++) {
		s->local_hosts = s->remote_hosts = s->devices = 0;
		memset(s->alerted, 0, sizeof s->alerted);
		s->live = (struct totals_live){ 0 };
	}
}

/* -- rates -- */

void totals_sample(struct totals *t, uint64_t now)
{
	for (struct totals_sensor *s = t->sensors; s < t->sensors + t->n_sensors; s++) {
		s->n++;
		s->samples[s->n % TOTALS_SAMPLES] = s->sum;
		s->times[s->n % TOTALS_SAMPLES] = now;
	}
}

struct traffic totals_rate(const struct totals_sensor *s, unsigned back)
{
	struct traffic r = { 0 };
	const unsigned span = 5;
	if (s->n <= back + span || back + span >= TOTALS_SAMPLES)
		return r;
	uint64_t last = (s->n - back) % TOTALS_SAMPLES, first = (s->n - back - span) % TOTALS_SAMPLES;
	const struct traffic *a = &s->samples[first], *b = &s->samples[last];
	double seconds = (double)(s->times[last] - s->times[first]) / 1e9;
	if (seconds <= 0)
		return r;
	r.rx_bytes = (uint64_t)((double)(b->rx_bytes - a->rx_bytes) / seconds);
	r.tx_bytes = (uint64_t)((double)(b->tx_bytes - a->tx_bytes) / seconds);
	r.rx_packets = (uint64_t)((double)(b->rx_packets - a->rx_packets) / seconds);
	r.tx_packets = (uint64_t)((double)(b->tx_packets - a->tx_packets) / seconds);
	return r;
}

/* -- alerts -- */

static struct engaged *engaged_slot(const struct totals *t, const struct id *id)
{
	for (uint64_t i = id->lo;; i++) {
		struct engaged *e = &t->engaged[i % (2 * TOTALS_ENGAGED)];
		if (!e->used || memcmp(&e->id, id, sizeof *id) == 0)
			return e;
	}
}

static void count_engaged(struct totals *t, const struct engaged *e, bool there)
{
	uint64_t one = there ? 1 : UINT64_MAX;
	t->engaged_by[e->severity][e->entity] += one;
	t->sensors[e->sensor].engaged[severity_group(e->severity)] += one;
	t->n_engaged += there ? 1u : UINT32_MAX;
}

/* Takes an entry out; those that were pushed on by it move up. */
static void remove_engaged(struct totals *t, struct engaged *e)
{
	count_engaged(t, e, false);
	e->used = false;
	for (size_t i = (size_t)(e - t->engaged) + 1;; i++) {
		struct engaged *at = &t->engaged[i % (2 * TOTALS_ENGAGED)], moved = *at;
		if (!at->used)
			return;
		at->used = false;
		*engaged_slot(t, &moved.id) = moved;
	}
}

void totals_alert(struct totals *t, const struct r_alert *a, const char *base)
{
	const struct g_alert *g = &a->alert;
	const char *severity = enum_name(enum_severity, g->severity), *entity = enum_name(enum_entity, g->entity);
	struct engaged *e = engaged_slot(t, &g->id);
	if (g->severity > SEV_EMERGENCY || g->entity > ENT_OTHER)
		return;
	if (g->revision == 1) {
		struct row r = { .family = ALERTS };
		set_name(&r, 0, str_ptr(base, g->check), g->check.len);
		set_name(&r, 1, severity, strlen(severity));
		set_name(&r, 2, entity, strlen(entity));
		row_of(t, &r, NULL)->n[0]++;
	}
	if (e->used)
		remove_engaged(t, e);
	if ((g->action != ACT_ENGAGE && g->action != ACT_UPDATE) || t->n_engaged == TOTALS_ENGAGED)
		return;
	e = engaged_slot(t, &g->id);
	*e = (struct engaged){ .id = g->id, .severity = g->severity, .entity = g->entity,
			       .sensor = (uint16_t)sensor_of(t, base, g->sensor), .used = true };
	count_engaged(t, e, true);
}

void totals_no_engaged(struct totals *t)
{
	for (unsigned i = 0; i < t->n_sensors; i++)
		memset(t->sensors[i].engaged, 0, sizeof t->sensors[i].engaged);
	memset(t->engaged, 0, 2 * TOTALS_ENGAGED * sizeof *t->engaged);
	memset(t->engaged_by, 0, sizeof t->engaged_by);
	t->n_engaged = 0;
}

/* -- printing -- */

static void print_sensor(const struct totals_sensor *s, struct prom *p)
{
	static const char *const localities[2][2] = { { "remote", "remote_to_local" }, { "local_to_remote", "local" } };
	const struct {
		const char *family, *help;
		uint64_t value;
	} counters[] = {
		{ "weir_interface_receive_bytes", "Bytes sent by hosts that are not local.", s->sum.rx_bytes },
		{ "weir_interface_transmit_bytes", "Bytes sent by local hosts.", s->sum.tx_bytes },
		{ "weir_interface_receive_packets", "Packets sent by hosts that are not local.", s->sum.rx_packets },
		{ "weir_interface_transmit_packets", "Packets sent by local hosts.", s->sum.tx_packets },
		{ "weir_tcp_retransmissions", "TCP segments sent again.", s->retrans },
		{ "weir_tcp_out_of_order", "TCP segments that filled a hole late.", s->ooo },
		{ "weir_tcp_lost_segments", "TCP segments that were never seen.", s->lost },
	};
	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
		prom_add(p, PROM_COUNTER, counters[i].family, counters[i].help, (double)counters[i].value, "interface", s->name, PROM_END);
	prom_add(p, PROM_GAUGE, "weir_hosts_active", "Hosts that are not idle.", (double)s->local_hosts, "interface", s->name,
		 "locality", "local", PROM_END);
	prom_add(p, PROM_GAUGE, "weir_hosts_active", "Hosts that are not idle.", (double)s->remote_hosts, "interface", s->name,
		 "locality", "remote", PROM_END);
	for (int i = 0; i < 4; i++)
		prom_add(p, PROM_GAUGE, "weir_flows_active", "Open flows, by where client and server are.",
			 (double)s->live.flows_by[i / 2][i % 2], "interface", s->name, "locality", localities[i / 2][i % 2], PROM_END);
	prom_add(p, PROM_GAUGE, "weir_devices_active", "Hosts whose MAC address is known.", (double)s->devices, "interface",
		 s->name, PROM_END);
}

static void print_row(const struct row *r, struct prom *p)
{
	const char *a = r->names[0], *b = r->names[1];
	switch (r->family) {
	case APPS:
		prom_add(p, PROM_COUNTER, "weir_app_bytes", "Bytes by application.", (double)r->n[0], "interface", a, "app", b,
			 "direction", "receive", PROM_END);
		prom_add(p, PROM_COUNTER, "weir_app_bytes", "Bytes by application.", (double)r->n[1], "interface", a, "app", b,
			 "direction", "transmit", PROM_END);
		prom_add(p, PROM_COUNTER, "weir_app_flows", "Flows by the application they were known as at first.",
			 (double)r->n[2], "interface", a, "app", b, PROM_END);
		break;
	case CATEGORIES:
		prom_add(p, PROM_COUNTER, "weir_category_bytes", "Bytes by category of application.",
			 (double)(r->n[0] + r->n[1]), "interface", a, "category", b, PROM_END);
		break;
	case L4:
		prom_add(p, PROM_COUNTER, "weir_l4_bytes", "Bytes by IP protocol.", (double)(r->n[0] + r->n[1]), "interface", a,
			 "proto", b, PROM_END);
		break;
	case ALERTS:
		prom_add(p, PROM_COUNTER, "weir_alerts", "Alerts raised.", (double)r->n[0], "type", a, "severity", b, "entity",
			 r->names[2], PROM_END);
		break;
	}
}

void totals_print(const struct totals *t, struct prom *p)
{
	for (unsigned i = 0; i < t->n_sensors; i++)
		print_sensor(&t->sensors[i], p);
	for (size_t i = 0; i < SLOTS; i++)
		if (t->rows[i].used)
			print_row(&t->rows[i], p);
	for (unsigned s = SEV_NONE; s <= SEV_EMERGENCY; s++)
		for (unsigned e = 0; e <= ENT_OTHER; e++)
			if (t->engaged_by[s][e] || (s == SEV_ERROR && e == ENT_HOST))
				prom_add(p, PROM_GAUGE, "weir_alerts_engaged", "Alerts that go on.", (double)t->engaged_by[s][e],
					 "severity", enum_name(enum_severity, (unsigned)s), "entity",
					 enum_name(enum_entity, (unsigned)e), PROM_END);
}

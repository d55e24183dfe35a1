#include "engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "codec.h"
#include "flowstate.h"
#include "hash.h"
#include "hll.h"
#include "id.h"
#include "log.h"

#define SECOND        1000000000ull
#define MINUTE        (60 * SECOND)
#define UPDATE_CHANGE 0.5 /* an engaged alert is told again when its value has grown by this share */
#define SNAPSHOT_BYTES (256u << 10)
#define MAX_SENSORS   64

enum { TCP = 6, UDP = 17, ICMP = 1, ICMPV6 = 58 };
enum { FIN = 1, SYN = 2, ACK = 16 };
enum { APP_DNS = 5, APP_NTP = 9, APP_SMTP = 3, APP_SMTPS = 29 };

struct sensor {
	char *name;
	struct str str; /* in names */
	struct g_sensor_count at_minute; /* totals at the last minute run */
	struct g_sensor_count now;
	uint64_t gap_packets;
	struct engaged *blind;
};

struct engine {
	struct conf conf;
	const struct topo *topo;
	struct engine_ops ops;
	void *arg;
	uint64_t epoch;
	struct lua *lua;
	struct flow_table *flows;
	struct host_table *hosts;
	/* Native flow checks that are on, by hook: what runs for each record lies close together. */
	struct flow_slot {
		uint16_t index; /* in conf */
		const struct flow_check *check;
	} on_hook[3][CONF_MAX_CHECKS];
	unsigned n_on_hook[3];
	const struct host_check *host_fn[CONF_MAX_CHECKS];
	uint16_t risk_check[64];  /* index in conf of the check of each risk, CONF_MAX_CHECKS = none */
	uint16_t dangerous, blind;
	uint64_t clock, minute;   /* minute: the last that was run */
	struct buf names;         /* of sensors: what stored keys refer to */
	struct sensor sensors[MAX_SENSORS];
	unsigned n_sensors;
	struct buf packed, arena;
	uint64_t alerts, evaluations, flows_seen, hosts_idle;
	struct log_limit limit;
};

/* -- sensors -- */

static struct sensor *sensor_get(struct engine *e, const char *name, size_t len)
{
	for (unsigned i = 0; i < e->n_sensors; i++)
		if (strlen(e->sensors[i].name) == len && memcmp(e->sensors[i].name, name, len) == 0)
			return &e->sensors[i];
	if (e->n_sensors == MAX_SENSORS)
		return &e->sensors[0];
	struct sensor *s = &e->sensors[e->n_sensors++];
	s->name = xstrndup(name, len);
	s->str = str_put_raw(&e->names, name, len);
	return s;
}

/* -- alerts: the record -- */

struct alert_parts {
	struct g_alert alert;
	const struct g_flow_key *key;
	const struct g_flow_count *n;
	const struct g_flow_app *app;
	const char *key_base, *app_base;
	const struct g_flow_judge *judge;
	const struct g_host *host;
};

/* Strings of alert, judge and host are in e->arena. */
static void emit_alert(struct engine *e, struct alert_parts *p)
{
	const char *a = e->arena.p;
	const struct codec_part part[] = { { &p->alert, a },         { p->key, p->key_base }, { p->n, a },
					   { p->app, p->app_base },  { p->judge, a },         { p->host, a },
					   { NULL, NULL } };
	e->alerts++;
	buf_reset(&e->packed);
	codec_pack_parts(&e->packed, R_ALERT, part);
	e->ops.alert(e->arg, e->packed.p, e->packed.len);
}

static struct str put(struct engine *e, const char *s)
{
	return str_put(&e->arena, s, strlen(s), 512);
}

/* A text of 'name=value' lines: each line is cleaned by itself. */
static struct str put_lines(struct engine *e, const char *s)
{
	struct str r = { (uint32_t)e->arena.len, 0 };
	while (*s) {
		size_t n = strcspn(s, "\n");
		if (e->arena.len > r.off)
			buf_addc(&e->arena, '\n');
		str_put(&e->arena, s, n, 256);
		s += n + (s[n] == '\n');
	}
	r.len = (uint32_t)e->arena.len - r.off;
	return r;
}

static void fill_def(struct engine *e, struct g_alert *a, const struct checkdef *d)
{
	a->check = put(e, d->key);
	a->title = put(e, d->title);
	a->category = (uint8_t)d->category;
	a->mitre = put(e, d->mitre);
	a->type_id = d->type_id;
	a->risk_id = d->risk_id;
	a->attention = d->attention;
}

/* -- flows -- */

struct flow_run {
	struct engine *e;
	struct openflow *f;
	struct flow_view v;
	struct r_verdict verdict; /* decoded, strings in f->verdict */
	bool fired;               /* something new */
	struct finding top;       /* of the predominant check */
	const struct checkdef *top_def;
};

static void view_init(struct engine *e, struct flow_run *run, struct openflow *f, enum check_hook hook)
{
	*run = (struct flow_run){ .e = e, .f = f };
	if (f->verdict) {
		struct codec_reader r = { .base = f->verdict, .len = f->verdict_len };
		if (codec_read(&r, &run->verdict) != 1)
			memset(&run->verdict, 0, sizeof run->verdict);
	}
	run->v = (struct flow_view){
		.key = &f->key, .n = &f->n, .app = &run->verdict.app, .app_base = f->verdict ? f->verdict : "",
		.client_local = conf_is_local(&e->conf, &f->key.client),
		.server_local = conf_is_local(&e->conf, &f->key.server),
		.final = run->verdict.app.final || hook == HOOK_END, .ended = hook == HOOK_END, .hook = hook,
	};
}

static struct host *host_of(struct engine *e, const struct openflow *f, bool server)
{
	return host_find(e->hosts, server ? &f->key.server : &f->key.client, f->key.vlan);
}

/* Adds (or takes back) the flow's score on its hosts. */
static void book_score(struct engine *e, const struct openflow *f, int client, int server)
{
	struct host *c = host_of(e, f, false), *s = host_of(e, f, true);
	if (c)
		c->score[0] = (uint32_t)((int64_t)c->score[0] + client > 0 ? (int64_t)c->score[0] + client : 0);
	if (s)
		s->score[1] = (uint32_t)((int64_t)s->score[1] + server > 0 ? (int64_t)s->score[1] + server : 0);
}

static uint16_t add_score(uint16_t a, unsigned b)
{
	return a + b > UINT16_MAX ? UINT16_MAX : (uint16_t)(a + b);
}

/* A check fired on the flow for the first time. index: in conf, or CONF_MAX_CHECKS for a Lua check. */
static void flow_fired(struct flow_run *run, const struct checkdef *d, unsigned index, const struct finding *found)
{
	struct engine *e = run->e;
	struct openflow *f = run->f;
	if (f->alert_revision == 0 && !run->fired) {
		struct host *c = host_of(e, f, false), *s = host_of(e, f, true);
		if (c) {
			c->flows_alerted++;
			c->alerts++;
		}
		if (s) {
			s->flows_alerted++;
			s->alerts++;
		}
	}
	run->fired = true;
	if (index < CONF_MAX_CHECKS) {
		f->fired[index / 64] |= 1ull << (index % 64);
		e->conf.checks[index].alerts++;
	} else {
		char *all = xasprintf("%s%s%s", f->lua_alerts ? f->lua_alerts : "", f->lua_alerts ? "\n" : "", d->key);
		free(f->lua_alerts);
		f->lua_alerts = all;
	}
	f->score = add_score(f->score, d->score);
	f->client_score = add_score(f->client_score, d->client_score);
	f->server_score = add_score(f->server_score, (unsigned)(d->score - d->client_score));
	book_score(e, f, d->client_score, d->score - d->client_score);
	if (d->score > f->top_score || !run->top_def) {
		if (d->score >= f->top_score) {
			f->top_score = d->score;
			f->predominant = (uint16_t)index;
		}
		if (!run->top_def || d->score > run->top_def->score) {
			run->top = *found;
			run->top_def = d;
		}
	}
}

static bool has_fired(const struct openflow *f, unsigned index)
{
	return f->fired[index / 64] >> (index % 64) & 1;
}

/* What the verdict says of a risk: the line of risk.details that begins with its key. */
static void risk_finding(const struct flow_run *run, const struct checkdef *d, struct finding *out)
{
	const struct str s = run->verdict.app.risk_details;
	const char *p = run->v.app_base + s.off, *end = p + s.len;
	size_t n = strlen(d->key);
	snprintf(out->message, sizeof out->message, "%s", d->title);
	snprintf(out->values, sizeof out->values, "risk=%u", d->risk_id);
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = nl ? (size_t)(nl - p) : (size_t)(end - p);
		if (len > n + 2 && memcmp(p, d->key, n) == 0 && p[n] == ':')
			snprintf(out->message, sizeof out->message, "%s: %.*s", d->title, (int)(len - n - 2), p + n + 2);
		p += len + 1;
	}
}

static void run_risks(struct flow_run *run)
{
	struct engine *e = run->e;
	for (uint64_t bits = run->verdict.app.risk_bits; bits; bits &= bits - 1) {
		unsigned index = e->risk_check[__builtin_ctzll(bits)];
		struct finding found;
		if (index == CONF_MAX_CHECKS || !e->conf.checks[index].enabled || has_fired(run->f, index))
			continue;
		risk_finding(run, e->conf.checks[index].def, &found);
		flow_fired(run, e->conf.checks[index].def, index, &found);
	}
}

static unsigned hook_place(enum check_hook hook)
{
	return hook == HOOK_DETECTED ? 0 : hook == HOOK_PERIODIC ? 1 : 2;
}

static void run_native(struct flow_run *run)
{
	struct engine *e = run->e;
	unsigned place = hook_place(run->v.hook), n = e->n_on_hook[place];
	struct finding found;
	for (unsigned i = 0; i < n; i++) {
		const struct flow_slot *slot = &e->on_hook[place][i];
		const struct check_conf *k = &e->conf.checks[slot->index];
		if (has_fired(run->f, slot->index))
			continue;
		*found.message = *found.values = '\0';
		if (slot->check->fires(&run->v, k, &found))
			flow_fired(run, k->def, slot->index, &found);
	}
	e->evaluations += n;
}

static void lua_fired(void *arg, const struct lua_finding *lf)
{
	struct flow_run *run = arg;
	struct finding found = { "", "" };
	const char *have = run->f->lua_alerts;
	size_t n = strlen(lf->def->key);
	for (const char *p = have; p && *p; p += strcspn(p, "\n") + (p[strcspn(p, "\n")] == '\n'))
		if (strcspn(p, "\n") == n && memcmp(p, lf->def->key, n) == 0)
			return;
	snprintf(found.message, sizeof found.message, "%s", lf->message);
	flow_fired(run, lf->def, CONF_MAX_CHECKS, &found);
}

static void fill_judge(struct engine *e, const struct flow_run *run, struct g_flow_judge *j)
{
	const struct openflow *f = run->f;
	const struct host *c = host_of(e, f, false), *s = host_of(e, f, true);
	*j = (struct g_flow_judge){ .score = f->score, .client_score = f->client_score, .server_score = f->server_score,
				    .severity = (uint8_t)severity_of_score(f->score),
				    .client_local = run->v.client_local, .server_local = run->v.server_local,
				    .revision = f->revision };
	if (f->score && f->predominant < e->conf.n)
		j->alert = put(e, e->conf.checks[f->predominant].def->key);
	j->alerts.off = (uint32_t)e->arena.len;
	for (unsigned i = 0; f->score && i < e->conf.n; i++)
		if (has_fired(f, i))
			buf_addf(&e->arena, "%s%s", e->arena.len > j->alerts.off ? "\n" : "", e->conf.checks[i].def->key);
	if (f->lua_alerts)
		buf_addf(&e->arena, "%s%s", e->arena.len > j->alerts.off ? "\n" : "", f->lua_alerts);
	j->alerts.len = (uint32_t)e->arena.len - j->alerts.off;
	if (c)
		j->client_name = put(e, host_name(c));
	if (s)
		j->server_name = put(e, host_name(s));
}

/* The scripts see the whole record, with all strings in one place. */
static void run_lua(struct flow_run *run)
{
	struct engine *e = run->e;
	struct r_flow r = { .key = run->f->key, .n = run->f->n };
	struct buf one = { 0 };
	if (!lua_has(e->lua, run->v.hook))
		return;
	e->arena.len = 0;
	fill_judge(e, run, &r.judge);
	const struct codec_part part[] = { { &run->f->key, e->names.p }, { &run->f->n, NULL },
					   { &run->verdict.app, run->v.app_base }, { &r.judge, e->arena.p } };
	codec_pack_parts(&one, R_FLOW, part);
	struct codec_reader rd = { .base = one.p, .len = one.len };
	if (codec_read(&rd, &r) == 1)
		lua_run(e->lua, run->v.hook, R_FLOW, &r, one.p, lua_fired, run);
	buf_release(&one);
}

/*
 * One alert per flow: the first check makes it, later ones raise its revision. People are told of a flow once or twice and
 * not once per check, and nothing is left out: other_checks names them all.
 */
static void flow_alert(struct flow_run *run)
{
	struct engine *e = run->e;
	struct openflow *f = run->f;
	const struct checkdef *d = run->top_def;
	struct g_flow_judge judge;
	struct alert_parts p = { .key = &f->key, .n = &f->n, .app = &run->verdict.app, .key_base = e->names.p,
				 .app_base = run->v.app_base, .judge = &judge };
	struct g_alert *a = &p.alert;
	e->arena.len = 0;
	/* Told is the check with the highest score, also when a lesser one fired only now. */
	if (f->predominant < e->conf.n && e->conf.checks[f->predominant].def->score > d->score) {
		d = e->conf.checks[f->predominant].def;
		snprintf(run->top.message, sizeof run->top.message, "%s", d->title);
		risk_finding(run, d, &run->top);
	}
	fill_def(e, a, d);
	fill_judge(e, run, &judge);
	a->id = id_make(f->key.first, e->epoch ^ 1, &f->id, sizeof f->id);
	a->revision = ++f->alert_revision;
	a->action = f->alert_revision == 1 ? ACT_STORE : ACT_UPDATE;
	a->entity = ENT_FLOW;
	a->entity_val = put(e, "flow");
	a->severity = (uint8_t)severity_of_score(f->score);
	a->score = f->score;
	a->client_score = f->client_score;
	a->server_score = f->server_score;
	a->time = f->key.first;
	a->end = f->n.last > f->key.first ? f->n.last : f->key.first;
	a->decided = e->clock;
	a->attacker = d->client_attacker ? f->key.client : d->server_attacker ? f->key.server : (struct addr){ { 0 } };
	a->victim = d->server_victim ? f->key.server : d->client_victim ? f->key.client : (struct addr){ { 0 } };
	a->sensor = str_put_raw(&e->arena, str_ptr(e->names.p, f->key.sensor), f->key.sensor.len);
	a->message = put(e, run->top.message);
	a->values = put_lines(e, run->top.values);
	a->others = judge.alerts;
	emit_alert(e, &p);
}

static void run_flow_checks(struct flow_run *run)
{
	if (run->v.hook == HOOK_DETECTED || run->v.hook == HOOK_END)
		run_risks(run);
	run_native(run);
	run_lua(run);
	if (run->fired)
		flow_alert(run);
}

static void emit_flow(struct engine *e, struct flow_run *run)
{
	struct g_flow_judge judge;
	run->f->revision++;
	e->arena.len = 0;
	fill_judge(e, run, &judge);
	const struct codec_part part[] = { { &run->f->key, e->names.p }, { &run->f->n, NULL },
					   { &run->verdict.app, run->v.app_base }, { &judge, e->arena.p } };
	buf_reset(&e->packed);
	codec_pack_parts(&e->packed, R_FLOW, part);
	e->ops.history(e->arg, e->packed.p, e->packed.len);
}

/* -- flows to hosts -- */

static void learn_server(struct host *h, uint8_t *reg, uint64_t hash)
{
	if (h)
		hll_add(reg, HOST_SERVERS, hash);
}

/* What a host did by opening this flow. Once per flow. */
static void count_flow(struct engine *e, struct openflow *f)
{
	struct sensor *sensor = sensor_get(e, str_ptr(e->names.p, f->key.sensor), f->key.sensor.len);
	struct host *c = host_get(e->hosts, &f->key.client, f->key.vlan, f->key.first);
	struct host *s = host_get(e->hosts, &f->key.server, f->key.vlan, f->key.first);
	f->counted = true;
	e->flows_seen++;
	/* Making the second may have evicted the first, when the table is full. */
	c = host_of(e, f, false);
	if (c) {
		uint64_t peer = hash_content(&f->key.server, 16, 1);
		c->local = conf_is_local(&e->conf, &f->key.client);
		if (c->local)
			c->mac = f->key.client_mac;
		if (!*c->sensor)
			snprintf(c->sensor, sizeof c->sensor, "%s", sensor->name);
		c->flows_client++;
		c->flows_active++;
		window_add(&c->minute.flows[0], f->key.first, 1);
		hll_add(c->peers, HOST_PEERS, peer);
		hll_add(c->minute.contacts, HOST_CONTACTS, peer);
		hll_add(c->ports, HOST_PORTS, hash_content(&f->key.server_port, 2, 2));
	}
	if (s) {
		s->local = conf_is_local(&e->conf, &f->key.server);
		if (s->local)
			s->mac = f->key.server_mac;
		if (!*s->sensor)
			snprintf(s->sensor, sizeof s->sensor, "%s", sensor->name);
		s->flows_server++;
		s->flows_active++;
		window_add(&s->minute.flows[1], f->key.first, 1);
	}
}

/* The flow is no longer open: takes back what it weighed on its hosts. */
static void uncount_flow(struct engine *e, struct openflow *f)
{
	struct host *c = host_of(e, f, false), *s = host_of(e, f, true);
	if (!f->counted)
		return;
	book_score(e, f, -(int)f->client_score, -(int)f->server_score);
	if (c && c->flows_active)
		c->flows_active--;
	if (s && s->flows_active)
		s->flows_active--;
	if (c && f->remote && c->remote_flows)
		c->remote_flows--;
}

static uint32_t icmp_rate(uint64_t packets, uint64_t ns)
{
	double seconds = ns > SECOND ? (double)ns / 1e9 : 1;
	return (uint32_t)((double)packets / seconds);
}

/* What the flow carried since the last record of it. */
static void count_traffic(struct engine *e, struct openflow *f, const struct g_flow_count *n, const struct g_flow_app *app,
			  const char *base)
{
	const struct g_flow_count zero = { .start = n->start, .last = n->start }, *old = f->n.part == n->part ? &f->n : &zero;
	uint64_t out_b = n->client_bytes - old->client_bytes, in_b = n->server_bytes - old->server_bytes;
	uint64_t out_p = n->client_packets - old->client_packets, in_p = n->server_packets - old->server_packets;
	struct host *c = host_of(e, f, false), *s = host_of(e, f, true);
	bool dns = app->app_id == APP_DNS || app->master_id == APP_DNS;
	const char *name = app->app.len ? str_ptr(base, app->app) : "Unknown";
	size_t len = app->app.len ? app->app.len : 7;
	bool icmp = f->key.proto == ICMP || f->key.proto == ICMPV6;
	uint64_t span = n->last > old->last ? n->last - old->last : 0;
	for (int side = 0; side < 2; side++) {
		struct host *h = side ? s : c;
		if (!h)
			continue;
		host_touch(e->hosts, h, n->last);
		h->bytes_sent += side ? in_b : out_b;
		h->bytes_rcvd += side ? out_b : in_b;
		h->packets_sent += side ? in_p : out_p;
		h->packets_rcvd += side ? out_p : in_p;
		h->minute.packets += out_p + in_p;
		if (dns)
			h->minute.dns_bytes += out_b + in_b;
		host_add_app(h, name, len, out_b + in_b);
		if (icmp) {
			uint32_t sent = icmp_rate(side ? in_p : out_p, span), rcvd = icmp_rate(side ? out_p : in_p, span);
			if (sent > h->minute.icmp_rate[0])
				h->minute.icmp_rate[0] = sent;
			if (rcvd > h->minute.icmp_rate[1])
				h->minute.icmp_rate[1] = rcvd;
		}
	}
	uint32_t crst = n->client_rsts - old->client_rsts, srst = n->server_rsts - old->server_rsts;
	if (c && (crst || srst)) {
		window_add(&c->minute.rsts[0], n->last, crst);
		window_add(&c->minute.rsts[1], n->last, srst);
	}
	if (s && (crst || srst)) {
		window_add(&s->minute.rsts[0], n->last, srst);
		window_add(&s->minute.rsts[1], n->last, crst);
	}
	f->n = *n;
}

/* What the end of a flow says of its sides: scans show in flows that led to nothing. */
static void count_end(struct engine *e, const struct openflow *f)
{
	const struct g_flow_count *n = &f->n;
	struct host *c = host_of(e, f, false), *s = host_of(e, f, true);
	bool payload = n->client_payload || n->server_payload, incomplete = false;
	if (f->key.proto == TCP && !f->key.midstream) {
		bool answered = (n->server_flags & (SYN | ACK)) == (SYN | ACK);
		incomplete = !answered || !payload;
		if (!answered && n->client_syns) {
			if (c)
				c->minute.syns[0] += n->client_syns;
			if (s)
				s->minute.syns[1] += n->client_syns;
		}
	} else if (f->key.proto == UDP) {
		incomplete = n->server_packets == 0 && s;
	}
	if (f->key.proto == TCP && f->key.midstream && (n->client_flags & (FIN | SYN | ACK)) == FIN && !payload) {
		if (c)
			c->minute.fins[0]++;
		if (s)
			s->minute.fins[1]++;
	}
	if (incomplete && c)
		c->minute.incomplete++;
}

/* What a verdict tells of the hosts: names, servers asked, systems. */
static void learn_verdict(struct engine *e, struct openflow *f, const struct r_verdict *r, const char *base)
{
	struct host *c = host_of(e, f, false), *s = host_of(e, f, true);
	const struct g_flow_app *a = &r->app;
	uint64_t server = hash_content(&f->key.server, 16, 3);
	bool dns = a->app_id == APP_DNS || a->master_id == APP_DNS;
	if (c && dns)
		learn_server(c, c->dns_servers, server);
	if (c && a->app_id == APP_NTP)
		learn_server(c, c->ntp_servers, server);
	if (c && (a->app_id == APP_SMTP || a->app_id == APP_SMTPS))
		learn_server(c, c->smtp_servers, server);
	if (s && a->state == VERDICT_DPI) {
		s->is_dns |= dns && a->dns_reply;
		s->is_ntp |= a->app_id == APP_NTP;
		s->is_smtp |= a->app_id == APP_SMTP || a->app_id == APP_SMTPS;
	}
	if (c && a->host.len)
		hll_add(c->minute.names, HOST_NAMES, hash_content(str_ptr(base, a->host), a->host.len, 4));
	if (c) {
		host_set_name(c, NAME_DHCP, str_ptr(base, a->dhcp_name), a->dhcp_name.len);
		host_set_name(c, NAME_NETBIOS, str_ptr(base, a->netbios_name), a->netbios_name.len);
		if (a->http_os.len)
			snprintf(c->os, sizeof c->os, "%.*s", (int)a->http_os.len, str_ptr(base, a->http_os));
	}
	/* A name that DNS gave for an address names that host; an SNI or Host header never does. */
	const char *p = str_ptr(base, a->dns_addresses), *end = p + a->dns_addresses.len;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl ? (size_t)(nl - p) : (size_t)(end - p);
		struct addr ip;
		struct host *h = addr_parse(p, n, &ip) == 0 ? host_find(e->hosts, &ip, f->key.vlan) : NULL;
		if (h)
			host_set_name(h, a->mdns_name.len ? NAME_MDNS : NAME_DNS, str_ptr(base, a->dns_query),
				      a->dns_query.len);
		p += n + 1;
	}
	if (c && !f->remote && flow_is_remote_access(a) &&
	    !(conf_is_local(&e->conf, &f->key.client) && conf_is_local(&e->conf, &f->key.server))) {
		f->remote = true;
		c->remote_flows++;
	}
}

/* -- records of a flow -- */

static struct openflow *open_flow(struct engine *e, const struct g_flow_key *key, const char *base)
{
	bool made;
	struct openflow *f = flow_get(e->flows, key->id, &made);
	struct sensor *s = sensor_get(e, str_ptr(base, key->sensor), key->sensor.len);
	f->key = *key;
	f->key.sensor = s->str;
	if (made) {
		f->predominant = CONF_MAX_CHECKS;
		f->n.start = f->n.last = f->periodic = key->first;
	}
	if (!f->counted)
		count_flow(e, f);
	flow_touch(e->flows, f);
	return f;
}

void engine_verdict(struct engine *e, const struct r_verdict *r, const char *base, const char *raw, size_t raw_len)
{
	struct flow_run run;
	if (!id_is_set(r->key.id))
		return;
	struct openflow *f = open_flow(e, &r->key, base);
	free(f->verdict);
	f->verdict = xmalloc(raw_len);
	memcpy(f->verdict, raw, raw_len);
	f->verdict_len = (uint32_t)raw_len;
	learn_verdict(e, f, r, base);
	view_init(e, &run, f, HOOK_DETECTED);
	run_flow_checks(&run);
}

static void close_flow(struct engine *e, struct openflow *f)
{
	uncount_flow(e, f);
	flow_remove(e->flows, f);
}

void engine_update(struct engine *e, const struct r_update *r, const char *base)
{
	struct flow_run run;
	struct openflow *f = open_flow(e, &r->key, base);
	view_init(e, &run, f, HOOK_PERIODIC);
	count_traffic(e, f, &r->n, &run.verdict.app, run.v.app_base);
	if (r->n.last >= f->periodic + MINUTE) {
		f->periodic = r->n.last;
		run_flow_checks(&run);
	}
	emit_flow(e, &run);
}

void engine_end(struct engine *e, const struct r_end *r, const char *base)
{
	struct flow_run run;
	struct openflow *f = open_flow(e, &r->key, base);
	bool over = r->n.end_reason != END_TIMEOUT;
	view_init(e, &run, f, over ? HOOK_END : HOOK_PERIODIC);
	count_traffic(e, f, &r->n, &run.verdict.app, run.v.app_base);
	if (over)
		count_end(e, f);
	run_flow_checks(&run);
	emit_flow(e, &run);
	if (over)
		close_flow(e, f);
}

/* -- host alerts -- */

static void host_entity(const struct host *h, char *out, size_t size)
{
	char a[ADDR_STRLEN];
	if (h->vlan)
		snprintf(out, size, "%s@%u", addr_str(&h->ip, a), h->vlan);
	else
		snprintf(out, size, "%s", addr_str(&h->ip, a));
}

static void host_alert(struct engine *e, struct host *h, struct engaged *g, const struct checkdef *d, enum action action,
		       enum endcause cause, double threshold)
{
	char entity[ADDR_STRLEN + 8], values[128];
	struct g_host host;
	struct alert_parts p = { .host = &host };
	struct g_alert *a = &p.alert;
	e->arena.len = 0;
	host_entity(h, entity, sizeof entity);
	fill_def(e, a, d);
	host_record(h, &e->conf, e->clock, false, &host, &e->arena);
	a->id = g->id;
	a->revision = ++g->revision;
	a->action = (uint8_t)action;
	a->entity = ENT_HOST;
	a->entity_val = put(e, entity);
	a->severity = (uint8_t)severity_of_score(d->score);
	a->score = d->score;
	a->client_score = g->client_score;
	a->server_score = g->server_score;
	a->time = g->time;
	a->end = action == ACT_RELEASE ? e->clock : 0;
	a->release_cause = (uint8_t)cause;
	a->decided = e->clock;
	if (g->attacker)
		a->attacker = h->ip;
	else
		a->victim = h->ip;
	a->sensor = put(e, h->sensor);
	a->granularity = 60;
	a->message = put(e, g->message);
	snprintf(values, sizeof values, "value=%.15g\nthreshold=%.15g", g->value, threshold);
	a->values = put_lines(e, values);
	g->told = g->value;
	g->told_at = e->clock;
	emit_alert(e, &p);
}

static struct engaged *find_engaged(struct host *h, unsigned check)
{
	for (struct engaged *g = h->engaged; g; g = g->next)
		if (g->check == check)
			return g;
	return NULL;
}

static void engage(struct engine *e, struct host *h, unsigned index, const struct checkdef *d, const struct host_finding *f)
{
	char entity[ADDR_STRLEN + 8], name[160];
	struct engaged *g = xcalloc(1, sizeof *g);
	host_entity(h, entity, sizeof entity);
	int n = snprintf(name, sizeof name, "%s %s %" PRIu64, d->key, entity, e->clock);
	g->id = id_make(e->clock, e->epoch, name, (size_t)n);
	g->time = e->clock;
	g->check = (uint16_t)index;
	g->attacker = f->attacker;
	g->value = f->value;
	g->client_score = f->attacker ? d->score : 0;
	g->server_score = f->attacker ? 0 : d->score;
	g->message = xstrdup(f->message);
	g->seen = true;
	g->next = h->engaged;
	h->engaged = g;
	h->alerts++;
	h->score[0] += g->client_score;
	h->score[1] += g->server_score;
	if (index < e->conf.n)
		e->conf.checks[index].alerts++;
	host_alert(e, h, g, d, ACT_ENGAGE, CAUSE_NONE, f->threshold);
}

static void release(struct engine *e, struct host *h, struct engaged *g, enum endcause cause)
{
	const struct check_conf *k = &e->conf.checks[g->check];
	h->score[0] -= g->client_score < h->score[0] ? g->client_score : h->score[0];
	h->score[1] -= g->server_score < h->score[1] ? g->server_score : h->score[1];
	host_alert(e, h, g, k->def, ACT_RELEASE, cause, k->number[0]);
	for (struct engaged **p = &h->engaged; *p; p = &(*p)->next)
		if (*p == g) {
			*p = g->next;
			break;
		}
	free(g->message);
	free(g);
}

static void release_all(struct engine *e, struct host *h, enum endcause cause)
{
	while (h->engaged)
		release(e, h, h->engaged, cause);
}

static void host_fires(struct engine *e, struct host *h, unsigned index, const struct host_finding *f)
{
	const struct checkdef *d = e->conf.checks[index].def;
	struct engaged *g = find_engaged(h, index);
	if (!g) {
		engage(e, h, index, d, f);
		return;
	}
	g->seen = true;
	g->value = f->value;
	if (g->attacker == f->attacker && f->value > g->told * (1 + UPDATE_CHANGE)) {
		free(g->message);
		g->message = xstrdup(f->message);
		host_alert(e, h, g, d, ACT_UPDATE, CAUSE_NONE, f->threshold);
	}
}

struct lua_host_run {
	struct engine *e;
	struct host *h;
};

/* Host checks in Lua tell single events: they have no condition that could end. Once per host and message. */
static void lua_host_fired(void *arg, const struct lua_finding *lf)
{
	struct lua_host_run *run = arg;
	struct engine *e = run->e;
	char name[400], entity[ADDR_STRLEN + 8];
	struct g_host host;
	struct alert_parts p = { .host = &host };
	struct g_alert *a = &p.alert;
	host_entity(run->h, entity, sizeof entity);
	int n = snprintf(name, sizeof name, "%s %s %" PRIu64, lf->def->key, entity, e->minute);
	e->arena.len = 0;
	fill_def(e, a, lf->def);
	host_record(run->h, &e->conf, e->clock, false, &host, &e->arena);
	a->id = id_make(e->clock, e->epoch, name, (size_t)n);
	a->revision = 1;
	a->action = ACT_STORE;
	a->entity = ENT_HOST;
	a->entity_val = put(e, entity);
	a->score = lf->def->score;
	a->client_score = lf->def->client_score;
	a->server_score = (uint16_t)(lf->def->score - lf->def->client_score);
	a->severity = (uint8_t)severity_of_score(a->score);
	a->time = a->end = a->decided = e->clock;
	a->granularity = 60;
	a->message = put(e, lf->message);
	run->h->alerts++;
	emit_alert(e, &p);
}

static void run_lua_host(struct engine *e, struct host *h)
{
	struct lua_host_run run = { e, h };
	struct r_host r;
	struct buf arena = { 0 };
	if (!h->changed || !lua_has(e->lua, HOOK_HOST_MINUTE))
		return;
	host_record(h, &e->conf, e->clock, false, &r.host, &arena);
	lua_run(e->lua, HOOK_HOST_MINUTE, R_HOST, &r, arena.p, lua_host_fired, &run);
	buf_release(&arena);
}

static void emit_host(struct engine *e, struct host *h, bool final)
{
	struct r_host r;
	e->arena.len = 0;
	host_record(h, &e->conf, e->clock, final, &r.host, &e->arena);
	buf_reset(&e->packed);
	codec_pack(&e->packed, R_HOST, &r, e->arena.p);
	e->ops.history(e->arg, e->packed.p, e->packed.len);
}

static void host_minute(struct engine *e, struct host *h)
{
	for (struct engaged *g = h->engaged; g; g = g->next)
		g->seen = false;
	if (e->dangerous < e->conf.n) {
		double high = e->conf.checks[e->dangerous].number[0];
		bool is_high = h->score[0] + h->score[1] > high;
		h->high_minutes = is_high ? (uint8_t)(h->high_minutes + (h->high_minutes < UINT8_MAX)) : 0;
	}
	for (unsigned i = 0; i < e->conf.n; i++) {
		struct host_finding f = { 0 };
		if (!e->host_fn[i] || !e->conf.checks[i].enabled)
			continue;
		e->evaluations++;
		if (e->host_fn[i]->fires(h, &e->conf.checks[i], &f))
			host_fires(e, h, i, &f);
	}
	run_lua_host(e, h);
	for (struct engaged *g = h->engaged, *next; g; g = next) {
		next = g->next;
		if (!g->seen)
			release(e, h, g, CAUSE_CLEARED);
	}
	if (h->changed)
		emit_host(e, h, false);
	h->changed = false;
	memset(&h->minute, 0, sizeof h->minute);
}

static void run_hosts(struct engine *e)
{
	for (struct host *h = host_oldest(e->hosts), *next; h; h = next) {
		next = host_newer(e->hosts, h);
		/* Nothing new and nothing engaged: nothing can have come true. */
		if (h->changed || h->engaged || h->high_minutes)
			host_minute(e, h);
		if (!h->flows_active && h->last + e->topo->checks.host_idle <= e->clock) {
			release_all(e, h, CAUSE_IDLE);
			emit_host(e, h, true);
			e->hosts_idle++;
			host_remove(e->hosts, h);
		}
	}
}

/* -- sensor alerts -- */

static void sensor_alert(struct engine *e, struct sensor *s, enum action action, double lost, double threshold,
			 enum endcause cause)
{
	const struct checkdef *d = e->conf.checks[e->blind].def;
	char text[160];
	struct alert_parts p = { 0 };
	struct g_alert *a = &p.alert;
	struct engaged *g = s->blind;
	e->arena.len = 0;
	fill_def(e, a, d);
	a->id = g->id;
	a->revision = ++g->revision;
	a->action = (uint8_t)action;
	a->entity = ENT_INTERFACE;
	a->entity_val = put(e, s->name);
	a->sensor = put(e, s->name);
	a->score = d->score;
	a->client_score = d->score;
	a->severity = (uint8_t)severity_of_score(d->score);
	a->time = g->time;
	a->end = action == ACT_RELEASE ? e->clock : 0;
	a->decided = e->clock;
	a->granularity = 60;
	a->release_cause = (uint8_t)cause;
	snprintf(text, sizeof text, "Sensor %s lost %.2f %% of the packets of the last minute", s->name, lost);
	a->message = put(e, text);
	snprintf(text, sizeof text, "value=%.4g\nthreshold=%g", lost, threshold);
	a->values = put_lines(e, text);
	emit_alert(e, &p);
}

static void sensor_minute(struct engine *e, struct sensor *s)
{
	if (e->blind >= e->conf.n || !e->conf.checks[e->blind].enabled)
		return;
	const struct check_conf *k = &e->conf.checks[e->blind];
	double seen = (double)(s->now.packets - s->at_minute.packets);
	double drops = (double)((s->now.kernel_drops - s->at_minute.kernel_drops) +
				(s->now.if_drops - s->at_minute.if_drops) +
				(s->now.shed_packets - s->at_minute.shed_packets));
	double lost = seen + drops > 0 ? 100.0 * drops / (seen + drops) : 0;
	s->at_minute = s->now;
	if (lost > k->number[0] && !s->blind) {
		char name[96];
		int n = snprintf(name, sizeof name, "%s %s %" PRIu64, k->def->key, s->name, e->clock);
		s->blind = xcalloc(1, sizeof *s->blind);
		s->blind->id = id_make(e->clock, e->epoch, name, (size_t)n);
		s->blind->time = e->clock;
		sensor_alert(e, s, ACT_ENGAGE, lost, k->number[0], CAUSE_NONE);
	} else if (lost <= k->number[0] && s->blind) {
		sensor_alert(e, s, ACT_RELEASE, lost, k->number[0], CAUSE_CLEARED);
		free(s->blind);
		s->blind = NULL;
	}
}

/* -- time -- */

static void run_minute(struct engine *e)
{
	run_hosts(e);
	for (unsigned i = 0; i < e->n_sensors; i++)
		sensor_minute(e, &e->sensors[i]);
}

void engine_tick(struct engine *e, const struct r_tick *r, const char *base)
{
	struct sensor *s = sensor_get(e, str_ptr(base, r->tick.sensor), r->tick.sensor.len);
	s->now = r->n;
	if (r->tick.to > e->clock)
		e->clock = r->tick.to;
	/* A gap of years is one tick and one run. */
	uint64_t minute = e->clock / MINUTE;
	if (!e->minute)
		e->minute = minute;
	if (minute > e->minute) {
		e->minute = minute;
		run_minute(e);
	}
}

void engine_gap(struct engine *e, const struct r_gap *r, const char *base)
{
	struct sensor *s = sensor_get(e, str_ptr(base, r->gap.sensor), r->gap.sensor.len);
	s->gap_packets += r->gap.packets;
	if (r->gap.cause == GAP_RESTART)
		engine_lost(e, s->name);
}

void engine_config(struct engine *e, const struct r_config *r, const char *base)
{
	conf_add_local(&e->conf, str_ptr(base, r->config.networks), r->config.networks.len);
}

static void lose_flow(struct engine *e, struct openflow *f)
{
	struct flow_run run;
	f->n.end_reason = END_LOST;
	view_init(e, &run, f, HOOK_END);
	emit_flow(e, &run);
	uncount_flow(e, f);
}

void engine_lost(struct engine *e, const char *sensor)
{
	for (struct openflow *f = flow_oldest(e->flows), *next; f; f = next) {
		next = flow_newer(e->flows, f);
		if (!str_eq(e->names.p, f->key.sensor, sensor))
			continue;
		lose_flow(e, f);
		flow_remove(e->flows, f);
	}
}

void engine_finish(struct engine *e)
{
	run_hosts(e);
	for (struct host *h = host_oldest(e->hosts); h; h = host_newer(e->hosts, h)) {
		release_all(e, h, CAUSE_END_OF_INPUT);
		emit_host(e, h, true);
	}
	for (unsigned i = 0; i < e->n_sensors; i++) {
		struct sensor *s = &e->sensors[i];
		if (s->blind)
			sensor_alert(e, s, ACT_RELEASE, 0, 0, CAUSE_END_OF_INPUT);
		free(s->blind);
		s->blind = NULL;
	}
}

/* -- all of it -- */

static void on_host_evicted(void *arg, struct host *h)
{
	struct engine *e = arg;
	release_all(e, h, CAUSE_EVICTED);
	emit_host(e, h, true);
}

static void on_flow_evicted(void *arg, struct openflow *f)
{
	lose_flow(arg, f);
}

static void add_to_hooks(struct engine *e, unsigned index, const struct flow_check *check)
{
	static const enum check_hook hooks[] = { HOOK_DETECTED, HOOK_PERIODIC, HOOK_END };
	for (int i = 0; i < 3; i++) {
		unsigned place = hook_place(hooks[i]);
		if (e->conf.checks[index].def->hooks & hooks[i])
			e->on_hook[place][e->n_on_hook[place]++] = (struct flow_slot){ (uint16_t)index, check };
	}
}

static void find_functions(struct engine *e)
{
	e->dangerous = e->blind = CONF_MAX_CHECKS;
	for (unsigned i = 0; i < 64; i++)
		e->risk_check[i] = CONF_MAX_CHECKS;
	for (unsigned i = 0; i < e->conf.n; i++) {
		const struct checkdef *d = e->conf.checks[i].def;
		if (d->risk_id && d->risk_id < 64)
			e->risk_check[d->risk_id] = (uint16_t)i;
		for (size_t k = 0; d->entity == ENT_FLOW && k < n_flow_checks; k++)
			if (strcmp(flow_checks[k].key, d->key) == 0 && e->conf.checks[i].enabled)
				add_to_hooks(e, i, &flow_checks[k]);
		for (size_t k = 0; d->entity == ENT_HOST && k < n_host_checks; k++)
			if (strcmp(host_checks[k].key, d->key) == 0)
				e->host_fn[i] = &host_checks[k];
		if (strcmp(d->key, "dangerous_host") == 0)
			e->dangerous = (uint16_t)i;
		if (strcmp(d->key, "too_many_drops") == 0)
			e->blind = (uint16_t)i;
	}
}

struct engine *engine_new(const struct topo *t, const struct engine_ops *ops, void *arg)
{
	struct engine *e = xcalloc(1, sizeof *e);
	e->topo = t;
	e->ops = *ops;
	e->arg = arg;
	conf_init(&e->conf, t);
	find_functions(e);
	e->lua = lua_new(t);
	e->flows = flow_table_new(t->checks.max_flows, on_flow_evicted, e);
	e->hosts = host_table_new(t->checks.max_hosts, on_host_evicted, e);
	buf_reserve(&e->arena, 4096);
	buf_reserve(&e->names, 256);
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	for (unsigned i = 0; i < e->n_sensors; i++) {
		free(e->sensors[i].name);
		free(e->sensors[i].blind);
	}
	flow_table_free(e->flows);
	host_table_free(e->hosts);
	lua_free(e->lua);
	conf_release(&e->conf);
	buf_release(&e->names);
	buf_release(&e->arena);
	buf_release(&e->packed);
	free(e);
}

void engine_set_epoch(struct engine *e, uint64_t epoch)
{
	e->epoch = epoch;
}

uint64_t engine_conf_hash(const struct engine *e)
{
	uint64_t h = lua_hash(e->lua);
	for (unsigned i = 0; i < e->conf.n; i++) {
		const struct check_conf *k = &e->conf.checks[i];
		h = hash_content(k->def->key, strlen(k->def->key), h);
		h = hash_content(&k->enabled, sizeof k->enabled, h);
		h = hash_content(k->number, sizeof k->number, h);
		h = hash_content(k->nets, k->n_nets * sizeof *k->nets, h);
	}
	h = hash_content(e->conf.local, e->conf.n_local * sizeof *e->conf.local, h);
	return hash_content(&e->topo->checks.host_idle, sizeof e->topo->checks.host_idle, h);
}

/* The cursor counts records of the list as it stands: what comes and goes meanwhile is in the stream. */
uint32_t engine_snapshot(struct engine *e, bool hosts, uint64_t *cursor, struct buf *out)
{
	uint64_t at = 0, skip = *cursor;
	uint32_t n = 0;
	struct flow_run run;
	if (hosts) {
		for (struct host *h = host_oldest(e->hosts); h; h = host_newer(e->hosts, h), at++) {
			struct r_host r;
			if (at < skip)
				continue;
			e->arena.len = 0;
			host_record(h, &e->conf, e->clock, false, &r.host, &e->arena);
			codec_pack(out, R_HOST, &r, e->arena.p);
			n++;
			if (out->len > SNAPSHOT_BYTES) {
				*cursor = at + 1;
				return n;
			}
		}
	} else {
		for (struct openflow *f = flow_oldest(e->flows); f; f = flow_newer(e->flows, f), at++) {
			struct g_flow_judge judge;
			if (at < skip)
				continue;
			view_init(e, &run, f, HOOK_PERIODIC);
			e->arena.len = 0;
			fill_judge(e, &run, &judge);
			const struct codec_part part[] = { { &f->key, e->names.p }, { &f->n, NULL },
							   { &run.verdict.app, run.v.app_base }, { &judge, e->arena.p } };
			codec_pack_parts(out, R_FLOW, part);
			n++;
			if (out->len > SNAPSHOT_BYTES) {
				*cursor = at + 1;
				return n;
			}
		}
	}
	*cursor = 0;
	return n;
}

uint64_t engine_clock(const struct engine *e)
{
	return e->clock;
}

void engine_metrics(struct engine *e, struct metrics *m)
{
	metrics_put(m, "flows_open", NULL, "flows", false, (double)flow_count(e->flows));
	metrics_put(m, "flows_max", NULL, "flows", false, (double)e->topo->checks.max_flows);
	metrics_put(m, "flows_evicted", NULL, "flows", true, (double)flow_evicted(e->flows));
	metrics_put(m, "flows_seen", NULL, "flows", true, (double)e->flows_seen);
	metrics_put(m, "hosts", NULL, "hosts", false, (double)host_count(e->hosts));
	metrics_put(m, "hosts_max", NULL, "hosts", false, (double)e->topo->checks.max_hosts);
	metrics_put(m, "hosts_evicted", NULL, "hosts", true, (double)host_evicted(e->hosts));
	metrics_put(m, "hosts_idle", NULL, "hosts", true, (double)e->hosts_idle);
	metrics_put(m, "alert_records", NULL, "records", true, (double)e->alerts);
	metrics_put(m, "check_evaluations", NULL, "calls", true, (double)e->evaluations);
	metrics_put(m, "lua_errors", NULL, "errors", true, (double)lua_errors(e->lua));
	for (unsigned i = 0; i < e->conf.n; i++)
		if (e->conf.checks[i].alerts)
			metrics_put(m, "check_alerts", e->conf.checks[i].def->key, "alerts", true,
				    (double)e->conf.checks[i].alerts);
}

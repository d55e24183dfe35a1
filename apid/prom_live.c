#include "prom_live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat_sums.h"
#include "door.h"
#include "revision.h"
#include "sensors.h"
#include "totals.h"

/* -- hosts -- */

/* What labels say of a host. */
struct labels {
	char ip[ADDR_STRLEN], vlan[8], name[128], sensor[64], mac[MAC_STRLEN];
};

struct walk {
	struct prom *p;
	struct host_sums_set *sums; /* ntopng's names */
};

static void read_labels(const struct g_host *g, const char *base, struct labels *l)
{
	addr_str(&g->ip, l->ip);
	mac_str(&g->mac, l->mac);
	snprintf(l->vlan, sizeof l->vlan, "%u", g->vlan);
	snprintf(l->name, sizeof l->name, "%.*s", (int)g->name.len, str_ptr(base, g->name));
	snprintf(l->sensor, sizeof l->sensor, "%.*s", (int)g->sensor.len, str_ptr(base, g->sensor));
}

/* The busiest ones. */
static void each_host(const struct apid *k, uint32_t max, void (*cb)(void *arg, const void *rec, const char *base), void *arg)
{
	char next[LIVE_CURSOR];
	uint64_t total;
	struct live_query q = { .limit = max };
	if (max && live_sort_parse(R_HOST, "-bytes", &q.sort))
		live_page(k->hosts, &q, cb, arg, next, &total);
}

static void add_host(void *arg, const void *rec, const char *base)
{
	struct walk *w = arg;
	const struct g_host *g = &((const struct r_host *)rec)->host;
	struct labels l;
	read_labels(g, base, &l);
	const struct {
		const char *family, *help;
		enum prom_kind kind;
		uint64_t value;
	} rows[] = {
		{ "weir_host_receive_bytes", "Bytes that the host received.", PROM_COUNTER, g->bytes_rcvd },
		{ "weir_host_transmit_bytes", "Bytes that the host sent.", PROM_COUNTER, g->bytes_sent },
		{ "weir_host_receive_packets", "Packets that the host received.", PROM_COUNTER, g->packets_rcvd },
		{ "weir_host_transmit_packets", "Packets that the host sent.", PROM_COUNTER, g->packets_sent },
		{ "weir_host_flows_active", "Open flows of the host.", PROM_GAUGE, g->flows_active },
		{ "weir_host_score", "Score of the host.", PROM_GAUGE, g->score },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		prom_add(w->p, rows[i].kind, rows[i].family, rows[i].help, (double)rows[i].value, "ip", l.ip, "vlan", l.vlan, "name",
			 l.name, "interface", l.sensor, PROM_END);
}

void prom_hosts(const struct apid *k, struct prom *p, uint32_t max)
{
	struct walk w = { .p = p };
	each_host(k, max, add_host, &w);
}

/* -- ntopng's exporter: hosts -- */

static void want_host(void *arg, const void *rec, const char *base)
{
	(void)base;
	struct walk *w = arg;
	const struct g_host *g = &((const struct r_host *)rec)->host;
	host_sums_want(w->sums, &g->ip, g->vlan);
}

#define THEIR_LABELS "ip", l->ip, "ifname", l->sensor, "mac", l->mac, "name", l->name, "vlan", l->vlan

static void add_their_dns(struct prom *p, const struct host_sums *s, const struct labels *l)
{
	static const char *const directions[] = { "sent", "rcvd" };
	static const char queries[] = "ntopng_host_total_dns_queries", replies[] = "ntopng_host_total_dns_replies";
	for (unsigned d = SENT; d <= RCVD; d++) {
		prom_add(p, PROM_COUNTER, queries, NULL, (double)s->dns[d].queries, THEIR_LABELS, "direction", directions[d], PROM_END);
		prom_add(p, PROM_COUNTER, replies, NULL, (double)s->dns[d].ok, THEIR_LABELS, "direction", directions[d], "status",
			 "ok", PROM_END);
		prom_add(p, PROM_COUNTER, replies, NULL, (double)s->dns[d].failed, THEIR_LABELS, "direction", directions[d],
			 "status", "error", PROM_END);
		for (unsigned t = 0; t < DNS_KINDS; t++)
			prom_add(p, PROM_COUNTER, "ntopng_host_dns_queries_by_type", NULL, (double)s->dns[d].by_kind[t], THEIR_LABELS,
				 "direction", directions[d], "record_type", host_sums_dns_kind(t), PROM_END);
	}
}

static void add_their_host(void *arg, const void *rec, const char *base)
{
	struct walk *w = arg;
	const struct g_host *g = &((const struct r_host *)rec)->host;
	const struct host_sums *s = host_sums_find(w->sums, &g->ip, g->vlan);
	struct labels labels, *l = &labels;
	read_labels(g, base, l);
	const struct {
		const char *family;
		enum prom_kind kind;
		uint64_t value;
	} rows[] = {
		{ "ntopng_host_active_client_flows", PROM_GAUGE, (uint64_t)s->as_client },
		{ "ntopng_host_active_server_flows", PROM_GAUGE, (uint64_t)s->as_server },
		{ "ntopng_host_bytes_rcvd", PROM_COUNTER, g->bytes_rcvd },
		{ "ntopng_host_bytes_sent", PROM_COUNTER, g->bytes_sent },
		{ "ntopng_host_packets_rcvd", PROM_COUNTER, g->packets_rcvd },
		{ "ntopng_host_packets_sent", PROM_COUNTER, g->packets_sent },
		{ "ntopng_host_num_alerts", PROM_GAUGE, g->alerts },
		{ "ntopng_host_total_alerts", PROM_COUNTER, g->alerts },
		{ "ntopng_host_total_client_flows", PROM_COUNTER, g->flows_client },
		{ "ntopng_host_total_server_flows", PROM_COUNTER, g->flows_server },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		prom_add(w->p, rows[i].kind, rows[i].family, NULL, (double)rows[i].value, THEIR_LABELS, PROM_END);
	add_their_dns(w->p, s, l);
}

/* -- ntopng's exporter: interfaces -- */

static void add_their_interface(struct prom *p, const struct totals_sensor *s, const char *ifid, const char *ifname,
				const struct prom *all)
{
	double drops = prom_sum(all, "weir_interface_packets_dropped", "interface", ifname);
	double speed = prom_sum(all, "weir_interface_speed_bytes_per_second", "interface", ifname) / MBIT_BYTES;
	const struct traffic now = totals_rate(s, 0);
	const struct {
		const char *family, *label, *value;
		enum prom_kind kind;
		double n;
	} rows[] = {
		{ "bytes_rcvd", NULL, NULL, PROM_COUNTER, (double)s->sum.rx_bytes },
		{ "bytes_sent", NULL, NULL, PROM_COUNTER, (double)s->sum.tx_bytes },
		{ "packets_rcvd", NULL, NULL, PROM_COUNTER, (double)s->sum.rx_packets },
		{ "packets_sent", NULL, NULL, PROM_COUNTER, (double)s->sum.tx_packets },
		{ "drops", NULL, NULL, PROM_COUNTER, drops },
		{ "num_hosts", NULL, NULL, PROM_GAUGE, (double)(s->local_hosts + s->remote_hosts) },
		{ "num_local_hosts", NULL, NULL, PROM_GAUGE, (double)s->local_hosts },
		{ "num_devices", NULL, NULL, PROM_GAUGE, (double)s->devices },
		{ "speed", NULL, NULL, PROM_GAUGE, speed },
		{ "alerted_flows", NULL, NULL, PROM_GAUGE, (double)(s->alerted[0] + s->alerted[1] + s->alerted[2]) },
		{ "alerted_notice_flows", NULL, NULL, PROM_GAUGE, (double)s->alerted[0] },
		{ "alerted_warning_flows", NULL, NULL, PROM_GAUGE, (double)s->alerted[1] },
		{ "alerted_error_flows", NULL, NULL, PROM_GAUGE, (double)s->alerted[2] },
		{ "tcp_packet_stats", "type", "retransmissions", PROM_COUNTER, (double)s->retrans },
		{ "tcp_packet_stats", "type", "out_of_order", PROM_COUNTER, (double)s->ooo },
		{ "tcp_packet_stats", "type", "lost", PROM_COUNTER, (double)s->lost },
		{ "current_throughput_bps", "direction", "download", PROM_GAUGE, (double)now.rx_bytes },
		{ "current_throughput_bps", "direction", "upload", PROM_GAUGE, (double)now.tx_bytes },
		{ "current_throughput_pps", "direction", "download", PROM_GAUGE, (double)now.rx_packets },
		{ "current_throughput_pps", "direction", "upload", PROM_GAUGE, (double)now.tx_packets },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char family[64];
		snprintf(family, sizeof family, "ntopng_interface_%s", rows[i].family);
		prom_add(p, rows[i].kind, family, NULL, rows[i].n, "ifid", ifid, "ifname", ifname, rows[i].label, rows[i].value, PROM_END);
	}
}

void prom_ntopng(const struct apid *k, const struct prom *all, struct prom *p, uint32_t max)
{
	const struct topo *t = k->c->topo;
	struct walk w = { .p = p, .sums = host_sums_new(false) };
	for (size_t i = 0; i < t->n_sensors; i++) {
		char ifid[24];
		const char *name = t->sensors[i].name;
		snprintf(ifid, sizeof ifid, "%zu", i);
		add_their_interface(p, totals_sensor(k->totals, name), ifid, name, all);
	}
	each_host(k, max, want_host, &w);
	host_sums_walk(w.sums, k->flows);
	each_host(k, max, add_their_host, &w);
	host_sums_free(w.sums);
}

/* -- the rest -- */

void prom_live(const struct apid *k, struct prom *p)
{
	const struct topo *t = k->c->topo;
	char ndpi[64]; /* empty while classify does not answer, which is as if there were no such label */
	prom_label(p, PROM_NDPI, "version", ndpi, sizeof ndpi);
	prom_add(p, PROM_GAUGE, "weir_build_info", "Version of the program, the commit it was built from, and of nDPI.", 1, "version",
		 WEIR_VERSION, "revision", WEIR_REVISION, "ndpi", ndpi, PROM_END);
	prom_add(p, PROM_GAUGE, "weir_http_streams_active", "Event streams.", events_clients(k->events), PROM_END);
	totals_print(k->totals, p);
	door_print(k, p);
	for (size_t i = 0; i < t->n_sensors; i++) {
		double last = prom_sum(p, "weir_last_packet_timestamp_seconds", "interface", t->sensors[i].name);
		if (t->sensors[i].source == SRC_INTERFACE && last > 0)
			prom_add(p, PROM_GAUGE, "weir_capture_lag_seconds", "Time since the last packet.", (double)wall_ns() / 1e9 - last,
				 "interface", t->sensors[i].name, PROM_END);
	}
}

/* interface/data: what a sensor has carried, and how it is. Asks capture for its counters. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compat.h"
#include "totals.h"

#define ASK_MS 1500
#define CHART  30

/* Directions and counts, from the live view. */
struct view {
	const char *sensor;
	uint64_t hosts, local, devices, receivers, local_receivers, anomalies, remote_anomalies;
	uint64_t local2remote, remote2local, flows;
};

static bool add_host(void *arg, const void *rec, const char *base)
{
	struct view *v = arg;
	const struct g_host *h = &((const struct r_host *)rec)->host;
	if (!str_eq(base, h->sensor, v->sensor))
		return true;
	v->hosts++;
	v->local += h->local;
	v->devices += mac_is_set(&h->mac);
	v->receivers += !h->packets_sent;
	v->local_receivers += h->local && !h->packets_sent;
	v->anomalies += h->local && h->engaged.len;
	v->remote_anomalies += !h->local && h->engaged.len;
	return true;
}

static bool add_flow(void *arg, const void *rec, const char *base)
{
	struct view *v = arg;
	const struct r_flow *f = rec;
	if (!str_eq(base, f->key.sensor, v->sensor))
		return true;
	if (f->judge.client_local && !f->judge.server_local) {
		v->local2remote += f->n.client_bytes;
		v->remote2local += f->n.server_bytes;
	}
	v->flows += f->n.end_reason == END_ACTIVE;
	return true;
}

/* A document being put together; several sensors when all are asked for. */
struct asked {
	struct compat *c;
	const struct topo_sensor *s;
	json_t *docs; /* of all sensors by ifid, or NULL: only s is asked for */
};

static void ask_capture(struct asked *a);

static void put(json_t *o, const char *name, uint64_t n)
{
	json_object_set_new(o, name, json_integer((json_int_t)n));
}

static void put_counts(json_t *o, const struct view *v, const struct totals_sensor *s, uint64_t packets, uint64_t bytes, uint64_t drops)
{
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = {
		{ "packets", packets }, { "bytes", bytes }, { "drops", drops }, { "tot_pkt_drops", drops },
		{ "packets_since_reset", packets }, { "bytes_since_reset", bytes },
		{ "bytes_upload", s->sum.tx_bytes }, { "bytes_download", s->sum.rx_bytes }, { "packets_upload", s->sum.tx_packets },
		{ "packets_download", s->sum.rx_packets }, { "bytes_upload_since_reset", s->sum.tx_bytes },
		{ "bytes_download_since_reset", s->sum.rx_bytes }, { "packets_upload_since_reset", s->sum.tx_packets },
		{ "packets_download_since_reset", s->sum.rx_packets }, { "local2remote", v->local2remote },
		{ "remote2local", v->remote2local }, { "num_flows", v->flows }, { "num_hosts", v->hosts },
		{ "num_local_hosts", v->local }, { "num_devices", v->devices }, { "num_rcvd_only_hosts", v->receivers },
		{ "num_local_rcvd_only_hosts", v->local_receivers }, { "engaged_alerts", s->engaged[0] + s->engaged[1] + s->engaged[2] },
		{ "engaged_alerts_notice", s->engaged[0] }, { "engaged_alerts_warning", s->engaged[1] },
		{ "engaged_alerts_error", s->engaged[2] },
		{ "alerted_flows", s->alerted[0] + s->alerted[1] + s->alerted[2] },
		{ "alerted_flows_notice", s->alerted[0] }, { "alerted_flows_warning", s->alerted[1] }, { "alerted_flows_error", s->alerted[2] },
		{ "num_local_hosts_anomalies", v->anomalies }, { "num_remote_hosts_anomalies", v->remote_anomalies },
		{ "dropped_alerts", 0 }, { "host_dropped_alerts", 0 }, { "flow_dropped_alerts", 0 }, { "other_dropped_alerts", 0 },
		{ "tot_nprobe_pkts", 0 }, { "speed", 0 }, { "periodic_stats_update_frequency_secs", 5 }, { "num_live_captures", 0 },
		{ "remote_bps", 0 }, { "remote_pps", 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		put(o, rows[i].name, rows[i].n);
}

/* "bps" are bytes here, as ntopng has it. */
static json_t *rates(const struct totals_sensor *s)
{
	struct traffic r = totals_rate(s, 0);
	return json_pack("{s:I,s:I,s:{s:{s:I,s:I},s:{s:I,s:I}}}", "throughput_bps", (json_int_t)(r.rx_bytes + r.tx_bytes),
			 "throughput_pps", (json_int_t)(r.rx_packets + r.tx_packets), "throughput", "download", "bps",
			 (json_int_t)r.rx_bytes, "pps", (json_int_t)r.rx_packets, "upload", "bps", (json_int_t)r.tx_bytes, "pps",
			 (json_int_t)r.tx_packets);
}

/* Oldest first; zeros before there was anything. */
static json_t *chart(const struct totals_sensor *s)
{
	json_t *up = json_array(), *down = json_array();
	for (unsigned back = CHART; back-- > 0;) {
		struct traffic r = totals_rate(s, back);
		json_array_append_new(up, json_integer((json_int_t)r.tx_bytes));
		json_array_append_new(down, json_integer((json_int_t)r.rx_bytes));
	}
	return json_pack("{s:o,s:o}", "download", down, "upload", up);
}

static json_t *document(struct asked *a, uint64_t packets, uint64_t bytes, uint64_t drops)
{
	struct compat *c = a->c;
	const struct topo *t = c->k->c->topo;
	struct view v = { .sensor = a->s->name };
	unsigned ifid = compat_ifid(c, a->s);
	char id[12], local[32] = "", up[48];
	time_t now = (time_t)(wall_ns() / 1000000000u);
	uint64_t uptime = (wall_ns() - c->k->c->self->started) / 1000000000u;
	struct tm tm;
	live_each(c->k->hosts, NULL, add_host, &v);
	live_each(c->k->flows, NULL, add_flow, &v);
	const struct totals_sensor *s = totals_sensor(c->k->totals, a->s->name);
	json_t *o = json_object();
	put_counts(o, &v, s, packets, bytes, drops);
	json_object_update_new(o, rates(s));
	snprintf(id, sizeof id, "%u", ifid);
	snprintf(up, sizeof up, "%02" PRIu64 ":%02" PRIu64 " sec", uptime / 60, uptime % 60);
	if (localtime_r(&now, &tm))
		strftime(local, sizeof local, "%H:%M:%S %z", &tm);
	json_object_update_new(o, json_pack("{s:s,s:s,s:I,s:s,s:s,s:I,s:b,s:b}", "ifid", id, "ifname", a->s->name, "epoch",
					    (json_int_t)now, "localtime", local, "uptime", up, "uptime_sec", (json_int_t)uptime,
					    "is_view", 0, "active_discovery_active", 0));
	json_object_update_new(o, json_pack("{s:f,s:f,s:f}", "hosts_pctg", 1 + 100.0 * (double)v.hosts / (double)t->checks.max_hosts,
					    "flows_pctg", 1 + 100.0 * (double)v.flows / (double)t->checks.max_flows,
					    "macs_pctg", 1 + 100.0 * (double)v.devices / (double)t->checks.max_hosts));
	json_object_update_new(o, json_pack("{s:{s:I,s:I,s:I},s:o,s:o}", "tcpPacketStats", "retransmissions",
					    (json_int_t)s->retrans, "out_of_order", (json_int_t)s->ooo, "lost", (json_int_t)s->lost,
					    "download_upload_chart", chart(s), "system_host_stats", compat_host_health(c)));
	return o;
}

static void on_capture(void *arg, const struct g_answer *answer, struct codec_reader *r)
{
	static union {
		struct r_process process;
		struct r_metric metric;
	} rec;
	struct asked *a = arg;
	struct compat *c = a->c;
	const struct topo *t = c->k->c->topo;
	double packets = 0, bytes = 0, drops = 0;
	for (uint32_t i = 0; answer && answer->status == 200 && i < answer->count; i++) {
		enum rtype type = codec_peek(r);
		if ((type != R_PROCESS && type != R_METRIC) || codec_read(r, &rec) != 1)
			break;
		if (type == R_PROCESS)
			drops = (double)rec.process.process.drops;
		else if (str_eq(r->base, rec.metric.metric.name, "packets"))
			packets += rec.metric.metric.value;
		else if (str_eq(r->base, rec.metric.metric.name, "bytes"))
			bytes += rec.metric.metric.value;
	}
	json_t *o = document(a, (uint64_t)packets, (uint64_t)bytes, (uint64_t)drops);
	if (!a->docs) {
		free(a);
		compat_ok(c, o);
		return;
	}
	json_object_set(a->docs, json_string_value(json_object_get(o, "ifid")), o);
	json_decref(o);
	if (++a->s < t->sensors + t->n_sensors) {
		ask_capture(a);
		return;
	}
	o = a->docs;
	free(a);
	compat_ok(c, o);
}

static void ask_capture(struct asked *a)
{
	static const struct r_status q = { .hello = { .metrics = true } };
	char *url = topo_url(a->c->k->c->topo, "capture", a->s->name);
	if (link_ask(a->c->k->c->loop, url, R_STATUS, &q, NULL, ASK_MS, on_capture, a) < 0)
		on_capture(a, NULL, NULL);
	free(url);
}

void compat_interface_data(struct compat *c)
{
	const char *filter = compat_arg(c, "iffilter");
	bool all = filter && strcmp(filter, "all") == 0 && c->k->c->topo->n_sensors;
	const struct topo_sensor *s = all ? c->k->c->topo->sensors : compat_sensor(c);
	if (!s)
		return;
	struct asked *a = xcalloc(1, sizeof *a);
	*a = (struct asked){ .c = c, .s = s, .docs = all ? json_object() : NULL };
	ask_capture(a);
}

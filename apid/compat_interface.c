/* interface/data: what a sensor has carried, and how it is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compat.h"
#include "sensors.h"

#define CHART 30

static void put(json_t *o, const char *name, uint64_t n)
{
	json_object_set_new(o, name, json_integer((json_int_t)n));
}

static void put_counts(json_t *o, const struct sensor_facts *f)
{
	const struct totals_sensor *s = f->totals;
	const struct totals_live *v = &s->live;
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = {
		{ "packets", f->packets }, { "bytes", f->bytes }, { "drops", f->drops }, { "tot_pkt_drops", f->drops },
		{ "packets_since_reset", f->packets }, { "bytes_since_reset", f->bytes },
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
		{ "tot_nprobe_pkts", 0 }, { "speed", f->speed / MBIT_BYTES },
		{ "periodic_stats_update_frequency_secs", 5 }, { "num_live_captures", 0 },
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

static json_t *document(struct compat *c, const struct sensor_facts *f)
{
	const struct topo *t = c->k->c->topo;
	const struct totals_sensor *s = f->totals;
	char id[12], local[32] = "", up[48];
	time_t now = (time_t)(wall_ns() / 1000000000u);
	uint64_t uptime = (wall_ns() - c->k->c->self->started) / 1000000000u;
	struct tm tm;
	json_t *o = json_object();
	put_counts(o, f);
	json_object_update_new(o, rates(s));
	snprintf(id, sizeof id, "%u", f->id);
	snprintf(up, sizeof up, "%02" PRIu64 ":%02" PRIu64 " sec", uptime / 60, uptime % 60);
	if (localtime_r(&now, &tm))
		strftime(local, sizeof local, "%H:%M:%S %z", &tm);
	json_object_update_new(o, json_pack("{s:s,s:s,s:I,s:s,s:s,s:I,s:b,s:b}", "ifid", id, "ifname", f->sensor->name, "epoch",
					    (json_int_t)now, "localtime", local, "uptime", up, "uptime_sec", (json_int_t)uptime,
					    "is_view", 0, "active_discovery_active", 0));
	json_object_update_new(o, json_pack("{s:f,s:f,s:f}", "hosts_pctg", 1 + 100.0 * (double)s->live.hosts / (double)t->checks.max_hosts,
					    "flows_pctg", 1 + 100.0 * (double)s->live.flows / (double)t->checks.max_flows,
					    "macs_pctg", 1 + 100.0 * (double)s->live.devices / (double)t->checks.max_hosts));
	json_object_update_new(o, json_pack("{s:{s:I,s:I,s:I},s:o,s:o}", "tcpPacketStats", "retransmissions",
					    (json_int_t)s->retrans, "out_of_order", (json_int_t)s->ooo, "lost", (json_int_t)s->lost,
					    "download_upload_chart", chart(s), "system_host_stats", compat_host_health(c)));
	return o;
}

/* A document being put together: several sensors when all are asked for. */
struct asked {
	struct compat *c;
	json_t *docs; /* by ifid, or NULL: one is asked for */
	json_t *one;
};

static void add_document(void *arg, const struct sensor_facts *f)
{
	struct asked *a = arg;
	if (f && a->docs) {
		json_t *o = document(a->c, f);
		json_object_set_new(a->docs, json_string_value(json_object_get(o, "ifid")), o);
	} else if (f) {
		a->one = document(a->c, f);
	} else {
		compat_ok(a->c, a->docs ? a->docs : a->one);
		free(a);
	}
}

void compat_interface_data(struct compat *c)
{
	const struct topo *t = c->k->c->topo;
	const char *filter = compat_arg(c, "iffilter");
	bool all = filter && strcmp(filter, "all") == 0 && t->n_sensors;
	const struct topo_sensor *s = all ? t->sensors : compat_sensor(c);
	if (!s)
		return;
	struct asked *a = xcalloc(1, sizeof *a);
	*a = (struct asked){ .c = c, .docs = all ? json_object() : NULL };
	sensors_ask(c->k, (size_t)(s - t->sensors), all ? t->n_sensors : 1, add_document, a);
}

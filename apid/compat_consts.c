/* Enumerations: severities, alert types, protocols, applications, categories; what this program is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "checkdef.h"
#include "compat.h"
#include "loop.h"
#include "ndpi_names.h"

void compat_version(struct compat *c)
{
	compat_bare(c, json_pack("{s:i,s:s,s:s,s:{s:s,s:[{s:s}]}}", "rc", 0, "rc_str", "OK", "rc_str_hr", "Success", "rsp",
				 "current_version", "v2", "supported_versions", "version", "v2"));
}

void compat_about(struct compat *c)
{
	compat_ok(c, json_pack("{s:s,s:s,s:s,s:s}", "version", WEIR_VERSION, "release", "weir " WEIR_VERSION, "edition",
			       "weir", "license", "ISC"));
}

void compat_limits(struct compat *c)
{
	const struct topo *t = c->k->c->topo;
	compat_ok(c, json_pack("{s:{s:I,s:I},s:{s:I,s:I},s:{s:I,s:i}}", "flows", "current", (json_int_t)live_count(c->k->flows),
			       "max", (json_int_t)t->checks.max_flows, "hosts", "current", (json_int_t)live_count(c->k->hosts),
			       "max", (json_int_t)t->checks.max_hosts, "interfaces", "current", (json_int_t)t->n_sensors, "max",
			       65535));
}

void compat_session(struct compat *c)
{
	char header[512], id[33];
	if (strcmp(request_method(c->r), "POST") != 0) {
		compat_fail(c, RC_INVALID_ARGUMENTS, "a session is opened by POST");
		return;
	}
	long seconds = compat_number(c, "auth_session_duration", LOGIN_MAX_SECONDS);
	const char *authorization = request_header(c->r, "Authorization"), *cookie = request_header(c->r, "Cookie");
	if (!login_header(c->k->logins, authorization, cookie, mono_ns(), header, sizeof header))
		*header = '\0'; /* over the unix socket: a session for it is good there only */
	if (!login_open(c->k->logins, header, seconds > 0 ? (unsigned)seconds : 0, mono_ns(), id))
		compat_fail(c, RC_INTERNAL_ERROR, "no random numbers");
	else
		compat_ok(c, json_pack("{s:s}", "session", id));
	explicit_bzero(header, sizeof header);
}

void compat_interfaces(struct compat *c)
{
	const struct topo *t = c->k->c->topo;
	json_t *a = json_array();
	for (size_t i = 0; i < t->n_sensors; i++) {
		const struct topo_sensor *s = &t->sensors[i];
		bool live = s->source == SRC_INTERFACE;
		json_array_append_new(a, json_pack("{s:i,s:s,s:s,s:b,s:b,s:b}", "ifid", (int)i, "ifname",
						   live && s->inputs && s->inputs[0] ? s->inputs[0] : s->name, "name", s->name,
						   "is_packet_interface", 1, "is_pcap_interface", !live, "is_zmq_interface", 0));
	}
	compat_ok(c, a);
}

void compat_alert_severities(struct compat *c)
{
	json_t *a = json_array();
	for (int i = 0; enum_severity[i]; i++)
		if (i != SEV_ALERT)
			json_array_append_new(a, json_pack("{s:s,s:i}", "severity", enum_severity[i], "id", i));
	compat_ok(c, a);
}

static void add_alert_type(json_t *a, enum entity entity, const char *key, unsigned id)
{
	char *name = xasprintf("%s_alert_%s", enum_name(enum_entity, entity), key);
	json_array_append_new(a, json_pack("{s:s,s:i}", "type", name, "key", (int)id));
	free(name);
}

void compat_alert_types(struct compat *c)
{
	json_t *a = json_array();
	for (size_t i = 0; i < n_checkdefs; i++)
		add_alert_type(a, checkdefs[i].entity, checkdefs[i].key, checkdefs[i].type_id);
	/* The types of all that scripts raise. */
	add_alert_type(a, ENT_FLOW, "custom_lua_script", 87);
	add_alert_type(a, ENT_HOST, "custom_lua_script", 24);
	compat_ok(c, a);
}

void compat_l4_consts(struct compat *c)
{
	/* IANA's numbers; ntopng's order and names. */
	static const struct {
		const char *name, *other;
		int id;
	} rows[] = { { "TCP", "tcp", 6 },       { "UDP", "udp", 17 },       { "ICMP", "icmp", 1 },      { "IGMP", "igmp", 2 },
		     { "IP", "ip", 0 },         { "GRE", "gre", 47 },       { "ESP", "esp", 50 },       { "AH", "ah", 51 },
		     { "IPv6", "ipv6", 41 },    { "IPv6-ICMP", "icmpv6", 58 }, { "EIGRP", "eigrp", 88 }, { "OSPF", "ospf", 89 },
		     { "PIM", "pim", 103 },     { "VRRP", "vrrp", 112 },    { "SCTP", "sctp", 132 },    { "HIP", "hip", 139 },
		     { "UDPLite", "udplite", 136 }, { "RSVP", "rsvp", 46 }, { "Other IP", "other_ip", -1 } };
	json_t *a = json_array();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		json_array_append_new(a, json_pack("{s:s,s:s,s:i}", "name", rows[i].name, "other", rows[i].other, "id", rows[i].id));
	compat_ok(c, a);
}

void compat_l7_apps(struct compat *c)
{
	json_t *a = json_array();
	for (size_t i = 0; i < n_ndpi_apps; i++)
		json_array_append_new(a, json_pack("{s:s,s:i,s:i}", "name", ndpi_apps[i].name, "appl_id", ndpi_apps[i].id, "cat_id",
						   ndpi_apps[i].category));
	compat_ok(c, a);
}

void compat_l7_categories(struct compat *c)
{
	json_t *a = json_array();
	for (size_t i = 0; i < n_ndpi_categories; i++) {
		json_t *list = json_array();
		char id[12];
		for (size_t k = 0; k < n_ndpi_apps; k++)
			if (ndpi_apps[k].category == ndpi_categories[i].id) {
				snprintf(id, sizeof id, "%d", ndpi_apps[k].id);
				json_array_append_new(list, json_pack("{s:s,s:s}", "name", ndpi_apps[k].name, "id", id));
			}
		json_array_append_new(a, json_pack("{s:s,s:i,s:o}", "name", ndpi_categories[i].name, "cat_id", ndpi_categories[i].id,
						   "app_list", list));
	}
	compat_ok(c, a);
}

void compat_networks(struct compat *c)
{
	const struct topo *t = c->k->c->topo;
	json_t *a = json_array();
	for (size_t i = 0; i < t->n_local; i++) {
		char text[ADDR_STRLEN + 4];
		cidr_str(&t->local[i], text);
		json_array_append_new(a, json_pack("{s:i,s:s,s:s}", "id", (int)i, "network", text, "name", text));
	}
	compat_ok(c, a);
}

void compat_pools(struct compat *c)
{
	const struct topo *t = c->k->c->topo;
	json_t *a = json_array();
	json_array_append_new(a, json_pack("{s:i,s:s,s:i,s:[]}", "pool_id", 0, "name", "Default", "num_members", 0, "members"));
	for (size_t i = 0; i < t->n_pools; i++) {
		json_t *members = json_array();
		char text[ADDR_STRLEN + 4];
		for (size_t k = 0; k < t->pools[i].n_nets; k++) {
			cidr_str(&t->pools[i].nets[k], text);
			json_array_append_new(members, json_string(text));
		}
		for (char **m = t->pools[i].macs; m && *m; m++)
			json_array_append_new(members, json_string(*m));
		int n = (int)json_array_size(members);
		json_array_append_new(a, json_pack("{s:i,s:s,s:i,s:o}", "pool_id", (int)i + 1, "name", t->pools[i].named.name,
						   "num_members", n, "members", members));
	}
	compat_ok(c, a);
}

static bool add_check(void *families, const void *rec, const char *base)
{
	const struct g_check *c = &((const struct r_check *)rec)->check;
	const char *family = enum_name(enum_entity, c->entity);
	json_t *f = json_object_get(families, family);
	if (!f) {
		f = json_object();
		json_object_set_new(families, family, f);
	}
	json_object_setn_new(f, str_ptr(base, c->key), c->key.len, json_pack("{s:{s:b,s:{s:i}}}", "all", "enabled", c->enabled,
									      "script_conf", "severity", (int)c->severity));
	return true;
}

/* Checks by family, in the shape that ntopng exports. */
void compat_checks_config(struct compat *c)
{
	json_t *families = json_object();
	struct live *table = catalogue_table(c->k);
	live_each(table, NULL, add_check, families);
	live_free(table);
	compat_ok(c, json_pack("{s:{s:{s:o}}}", "0", "config", "config", families));
}

static json_t *memory(void)
{
	static const struct {
		const char *kernel, *name;
	} rows[] = { { "MemTotal", "mem_total" },   { "MemFree", "mem_free" }, { "Buffers", "mem_buffers" },
		     { "Cached", "mem_cached" },    { "Shmem", "mem_shmem" },  { "SReclaimable", "mem_sreclaimable" } };
	json_t *o = json_object();
	char line[128], name[64];
	unsigned long kb;
	FILE *fp = fopen("/proc/meminfo", "re");
	for (size_t i = 0; i < 6; i++)
		json_object_set_new(o, rows[i].name, json_integer(i == 0));
	while (fp && fgets(line, sizeof line, fp))
		if (sscanf(line, "%63[^:]: %lu", name, &kb) == 2)
			for (size_t i = 0; i < 6; i++)
				if (strcmp(name, rows[i].kernel) == 0)
					json_object_set_new(o, rows[i].name, json_integer((json_int_t)kb));
	if (fp)
		fclose(fp);
	json_int_t total = json_integer_value(json_object_get(o, "mem_total"));
	json_object_set_new(o, "mem_used", json_integer(total - json_integer_value(json_object_get(o, "mem_free")) -
							json_integer_value(json_object_get(o, "mem_buffers")) -
							json_integer_value(json_object_get(o, "mem_cached"))));
	return o;
}

/* The machine, as far as a confined process sees it: what it does not is 0. */
json_t *compat_host_health(const struct compat *c)
{
	json_t *o = memory();
	double load = 0, user = 0, nice_ = 0, sys = 0, idle = 0, iowait = 0;
	FILE *fp = fopen("/proc/loadavg", "re");
	if (fp && fscanf(fp, "%lf", &load) != 1)
		load = 0;
	if (fp)
		fclose(fp);
	fp = fopen("/proc/stat", "re");
	if (fp && fscanf(fp, "cpu %lf %lf %lf %lf %lf", &user, &nice_, &sys, &idle, &iowait) != 5)
		idle = 0;
	if (fp)
		fclose(fp);
	double all = user + nice_ + sys + idle + iowait, part = all > 0 ? 100 / all : 0;
	json_object_set_new(o, "cpu_load", json_real(load));
	json_object_set_new(o, "cpu_states", json_pack("{s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "user", user * part, "system",
						       sys * part, "nice", nice_ * part, "idle", idle * part, "iowait",
						       iowait * part, "irq", 0.0, "softirq", 0.0, "steal", 0.0, "guest", 0.0,
						       "guest_nice", 0.0));
	json_object_set_new(o, "mem_ntopng_resident", json_integer((json_int_t)(c->k->c->self->memory / 1024)));
	json_object_set_new(o, "mem_ntopng_virtual", json_integer((json_int_t)(c->k->c->self->memory / 1024)));
	json_object_update_new(o, json_pack("{s:i,s:i,s:i,s:{s:{s:{s:f}}}}", "alerts_queries", 0, "written_alerts", 0,
					    "dropped_alerts", 0, "alerts_stats", "alert_queues", "internal_alerts_queue",
					    "pct_not_enqueued", 0.0));
	return o;
}

void compat_system_status(struct compat *c)
{
	compat_ok(c, compat_host_health(c));
}

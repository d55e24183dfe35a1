/* Every path of ntopng's API that is answered. GET /api/v1/compat prints this. */
#include "compat.h"

#define EPOCHS "ifid,epoch_begin,epoch_end"
#define ALERTS EPOCHS ",status,alert_id,alert_type,alert_category,severity,alert_severity,tstamp,score,ip,cli_ip,srv_ip,cli_port," \
	       "srv_port,cli_name,srv_name,cli_country,srv_country,vlan_id,l4proto,l7proto,ip_version,info,description,row_id"
#define LISTS ALERTS ",start,length,sort,order,draw"
#define FLOWS "ifid,currentPage,perPage,start,length,sortColumn,sortOrder,host,client,server,port,application,category,l4proto," \
	      "version,vlan,asn,username,flowhosts_type,flow_status,traffic_type,tcp_flow_state,verbose"
#define HOSTS "ifid,currentPage,perPage,start,length,sortColumn,sortOrder,mode,version,vlan,country,asn,mac,network_cidr," \
	      "traffic_type,all"
#define NOT_BY "not by network, pool, exporter, DSCP and kind of alert"
#define PIE "ifid,host,vlan"
#define CLAUSES "select_clause,where_clause,group_by_clause,order_by_clause,maxhits_clause"
#define SETTINGS "settings are in weir.yaml: edit it, check it with weir config check, and reload"
#define PAGE "{\"records\":[],\"stats\":{\"query\":\"\",\"num_records_processed\":\"0\",\"query_duration_msec\":0}}"

enum { ALL, FLOW, HOST, MAC, IFACE, NET, SYS, USER, AM };

#define FAMILY(name, v) \
	{ "get/" name "/alert/list", compat_alert_list, HAS_ALL, LISTS, NULL, NULL, v }, \
	{ "get/" name "/alert/ts", compat_alert_ts, HAS_ALL, ALERTS ",by_24h", NULL, "always by day and hour", v }, \
	{ "get/" name "/alert/top", compat_alert_top, HAS_ALL, ALERTS, NULL, NULL, v }, \
	{ "acknowledge/" name "/alerts", compat_acknowledge, HAS_PART, "row_id,label", NULL, "one alert, by POST", v }, \
	{ "delete/" name "/alerts", compat_no_write, HAS_NO_WRITE, NULL, NULL, "alerts end by store.max_alerts and max_age", v }

const struct compat_row compat_rows[] = {
	{ "connect/test", compat_empty, HAS_ALL, NULL, "[]", NULL, 0 },
	{ "rest/version", compat_version, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "create/ntopng/session", compat_session, HAS_ALL, "auth_session_duration", NULL, NULL, 0 },
	{ "get/ntopng/about", compat_about, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "get/ntopng/limits", compat_limits, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "get/ntopng/interfaces", compat_interfaces, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "get/interface/list", compat_interfaces, HAS_ALL, NULL, NULL, "a name that clients use and ntopng lacks", 0 },

	{ "get/alert/type/consts", compat_alert_types, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "get/alert/severity/consts", compat_alert_severities, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "get/alert/type/counters", compat_alert_counters, HAS_ALL, ALERTS, NULL, NULL, 0 },
	{ "get/alert/severity/counters", compat_alert_counters, HAS_ALL, ALERTS, NULL, NULL, 1 },
	{ "get/alert/top", compat_alert_top, HAS_ALL, ALERTS, NULL, NULL, ALL },
	{ "get/alert/list/alerts", compat_alert_rows, HAS_ALL, EPOCHS ",alert_family," CLAUSES, NULL, NULL, 0, true },
	{ "get/alert/list/engaged", compat_alert_list, HAS_ALL, LISTS, NULL, "a name that clients use and ntopng lacks", ALL },
	FAMILY("all", ALL),
	FAMILY("flow", FLOW),
	FAMILY("host", HOST),
	FAMILY("mac", MAC),
	FAMILY("interface", IFACE),
	FAMILY("network", NET),
	FAMILY("system", SYS),
	FAMILY("user", USER),
	FAMILY("am_host", AM),

	{ "get/interface/data", compat_interface_data, HAS_PART, "ifid,iffilter", NULL,
	  "exporters are 0", 0 },
	{ "get/interface/address", compat_empty, HAS_NOTHING, "ifid", "{\"addresses\":[]}", "addresses of interfaces are not asked", 0 },
	{ "get/interface/bcast_domains", compat_empty, HAS_NOTHING, "ifid", "{\"bcast_domains\":[]}",
	  "broadcast domains are not learned", 0 },
	{ "get/interface/l7/stats", compat_interface_l7_stats, HAS_ALL, "ifid,ndpistats_mode,breed,ndpi_category,all_values,max_values,"
	  "collapse_stats", NULL, NULL, 0 },
	{ "get/interface/l7/data", compat_interface_l7_data, HAS_ALL, "ifid", NULL, NULL, 0 },
	{ "get/interface/top/applications", compat_interface_l7_stats, HAS_ALL, "ifid,ndpistats_mode", NULL, NULL, 0 },
	{ "get/interface/dscp/stats", compat_dscp_stats, HAS_ALL, "ifid", NULL, NULL, 0 },
	{ "get/interface/top/local/talkers", compat_talkers, HAS_ALL, "ifid", NULL, NULL, 1 },
	{ "get/interface/top/remote/talkers", compat_talkers, HAS_ALL, "ifid", NULL, NULL, 0 },
	{ "get/interface/top/hosts", compat_top_hosts, HAS_ALL, "ifid,perPage", NULL, NULL, 0 },
	{ "get/interface/arp", compat_arp, HAS_ALL, "ifid", NULL, NULL, 0 },

	{ "get/host/active", compat_host_active, HAS_PART, HOSTS, NULL, "no broadcast domains; not by pool, network and system", 0 },
	{ "get/host/list", compat_host_active, HAS_PART, HOSTS, NULL, "a name that clients use and ntopng lacks", 0 },
	{ "get/host/active_list", compat_host_active, HAS_PART, HOSTS, NULL, NULL, 1 },
	{ "get/host/data", compat_host_data, HAS_PART, "ifid,host,vlan", NULL, "DNS and HTTP by flow: the last query of each", 0 },
	{ "get/host/interfaces", compat_host_interfaces, HAS_ALL, "host,vlan", NULL, NULL, 0 },
	{ "get/host/l7/stats", compat_host_l7_stats, HAS_PART, "ifid,host,vlan,collapse_stats", NULL, "by application only", 0 },
	{ "get/host/dscp/stats", compat_dscp_stats, HAS_ALL, "ifid,host,vlan,direction", NULL, NULL, 1 },
	{ "get/host/custom_data", compat_host_custom_data, HAS_PART, "ifid,host,field_alias", NULL,
	  "at most 10000 hosts, 1000 with ndpi, dscp or used_ports", 0 },
	{ "get/host/find", compat_host_find, HAS_ALL, "ifid,query", NULL, NULL, 0 },
	{ "get/host/top/ts_stats", compat_host_top_protocols, HAS_PART, "ts_query,epoch_begin,epoch_end", NULL, "applications", 0, true },
	{ "get/host/pools", compat_pools, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "get/host/pool/pools", compat_pools, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "get/pools", compat_pools, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "host_stats", compat_host_stats_page, HAS_PART, "host,vlan", NULL, "without the envelope", 0 },

	{ "get/flow/active", compat_flow_active, HAS_PART, FLOWS, NULL, NOT_BY, 0 },
	{ "get/flow/active_list", compat_flow_active, HAS_PART, FLOWS, NULL, NOT_BY, 1 },
	{ "get/flow/l4/counters", compat_flow_l4_counters, HAS_ALL, "ifid", NULL, NULL, 0 },
	{ "get/flow/l7/counters", compat_flow_l7_counters, HAS_ALL, "ifid", NULL, NULL, 0 },
	{ "get/flow/aggregated_live_flows", compat_flow_peers, HAS_PART, "ifid,host,aggregation_criteria", NULL,
	  "by client or server", 0 },
	{ "iface_flows_sankey", compat_sankey, HAS_ALL, NULL, NULL, "without the envelope", 0 },

	{ "get/l4/protocol/consts", compat_l4_consts, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "get/l7/application/consts", compat_l7_apps, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "get/l7/category/consts", compat_l7_categories, HAS_ALL, NULL, NULL, NULL, 0 },

	{ "get/db/flows", compat_db_flows, HAS_ALL, EPOCHS "," CLAUSES, NULL, NULL, 0, true },
	{ "get/db/topk_flows", compat_db_topk, HAS_ALL, "ifid,begin_time_clause,end_time_clause,where_clause,maxhits_clause", NULL,
	  NULL, 0, true },
	{ "get/db/historical_db_search", compat_db_search, HAS_PART, EPOCHS ",ip,start,length", NULL, "top conversations", 0, true },
	{ "get/db/ts", compat_db_ts, HAS_PART, EPOCHS, NULL, "all flows of the sensor, by day and hour", 0, true },
	{ "get/timeseries/ts", compat_timeseries, HAS_PART, "ts_schema,ts_query,epoch_begin,epoch_end,limit", NULL,
	  "below a minute a point, and scores, made from flows, whose bytes are spread evenly over their time", 0, true },
	{ "get/timeseries/type/consts", compat_timeseries_types, HAS_ALL, "query", NULL, NULL, 0 },

	{ "get/ntopng/applications", compat_l7_apps, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "get/category/list", compat_l7_categories, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "get/network/networks", compat_networks, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "get/checks/config", compat_checks_config, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "export/checks/config", compat_checks_config, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "get/system/status", compat_system_status, HAS_PART, NULL, NULL, "what a confined process sees of the machine", 0 },
	{ "get/system/health/stats", compat_system_status, HAS_PART, NULL, NULL, "what a confined process sees of the machine", 0 },

	{ "get/ntopng/users", compat_empty, HAS_NOTHING, NULL, "[]", "there are tokens and no users", 0 },
	{ "get/syslog/producer/consts", compat_empty, HAS_NOTHING, NULL, "[]", "no syslog is collected", 0 },
	{ "get/network/discovery/discover", compat_empty, HAS_NOTHING, "ifid", "[]", "weir never sends a packet", 0 },
	{ "get/snmp/device/alert/list", compat_empty, HAS_NOTHING, "ifid", PAGE, "no SNMP", 0 },
	{ "get/snmp/device/list", compat_empty, HAS_NOTHING, NULL, "[]", "no SNMP", 0 },
	{ "get/flowdevices/stats", compat_empty, HAS_NOTHING, "ifid", "[]", "no exporters", 0 },
	{ "get/interface/nprobes/data", compat_empty, HAS_NOTHING, "ifid", "[]", "no probes", 0 },
	{ "get/system/health/redis", compat_empty, HAS_NOTHING, NULL, "[]", "no Redis", 0 },
	{ "get/system/health/influxdb", compat_empty, HAS_NOTHING, NULL, "[]", "no InfluxDB", 0 },
	{ "get/system/health/clickhouse", compat_empty, HAS_NOTHING, NULL, "[]", "no ClickHouse", 0 },

	{ "enable/check", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "disable/check", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "add/alert/exclusion", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "add/host/pool", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "edit/host/pool", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "delete/host/pool", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "set/host/alias", compat_host_note, HAS_ALL, "host,vlan,custom_name", NULL, NULL, 0 },
	{ "create/ntopng/user", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "add/ntopng/user", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },

	{ "get/host/l4/proto_data", compat_host_pie, HAS_ALL, PIE, NULL, NULL, 0 },
	{ "get/host/l4/traffic_data", compat_host_pie, HAS_ALL, PIE, NULL, NULL, 1 },
	{ "get/host/port/cli_port_data", compat_host_pie, HAS_ALL, PIE, NULL, "ports of servers that the host asked", 2 },
	{ "get/host/port/srv_port_data", compat_host_pie, HAS_ALL, PIE, NULL, NULL, 3 },
	{ "get/host/l4/contacted_hosts_data", compat_host_pie, HAS_PART, PIE, NULL, "flows by the role of the host", 4 },
	{ "get/host/top/local/sites", compat_host_pie, HAS_ALL, PIE, NULL, NULL, 5 },
	{ "get/host/l4/data", compat_host_table, HAS_PART, PIE, NULL, "bytes only", 0 },
	{ "get/host/open_ports", compat_host_table, HAS_PART, PIE, NULL, "ports that flows went to", 1 },
	{ "get/host/port/table_port_data", compat_host_table, HAS_PART, PIE, NULL, "ports that flows went to", 1 },
	{ "get/host/fingerprint/data", compat_host_fingerprints, HAS_PART, PIE ",fingerprint_type", NULL, "JA3 and HASSH", 0 },
	{ "get/interface/top/sites", compat_sites, HAS_ALL, "ifid", NULL, NULL, 0 },
	{ "get/interface/top/l7_stats", compat_interface_l7_stats, HAS_ALL, "ifid,ndpistats_mode", NULL, NULL, 0 },
	{ "get/interface/top/realtime_traffic", compat_top_hosts, HAS_PART, "ifid,perPage", NULL, "by all their traffic", 0 },
	{ "get/interface/top/score", compat_top_hosts, HAS_ALL, "ifid,perPage", NULL, NULL, 1 },
	{ "get/interface/top_ts_stats", compat_host_top_protocols, HAS_PART, "ifid,ts_query,epoch_begin,epoch_end", NULL, "applications",
	  0, true },
	{ "get/flow/traffic_stats", compat_traffic_stats, HAS_PART, FLOWS, NULL, "bytes and flows", 0 },
	{ "get/db/columns_info", compat_columns_info, HAS_ALL, NULL, NULL, NULL, 0 },
	{ "get/asn/get_as_data", compat_as_data, HAS_PART, "asn", NULL, "hosts of the live view added up", 0 },
	{ "get/asn/asn_info", compat_as_data, HAS_PART, "asn", NULL, "hosts of the live view added up", 0 },
	{ "get/asn/asn_name", compat_as_data, HAS_PART, "asn", NULL, "of those whose hosts are in the live view", 1 },
	{ "get/host/pool/members", compat_pools, HAS_PART, NULL, NULL, "all pools with their members", 0 },
	{ "export/pool/config", compat_pools, HAS_PART, NULL, NULL, "all pools with their members", 0 },
	{ "get/host/packets/arp_data", compat_empty, HAS_NOTHING, NULL, "[]", "packets are not counted by kind", 0 },
	{ "get/host/packets/rcvd_data", compat_empty, HAS_NOTHING, NULL, "[]", "packets are not counted by size", 0 },
	{ "get/host/packets/sent_data", compat_empty, HAS_NOTHING, NULL, "[]", "packets are not counted by size", 0 },
	{ "get/host/packets/tcp_flags_data", compat_empty, HAS_NOTHING, NULL, "[]", "packets are not counted by flags", 0 },
	{ "get/host/ports_by_nmap", compat_empty, HAS_NOTHING, NULL, "[]", "weir never sends a packet", 0 },
	{ "get/host/inactive_host", compat_empty, HAS_NOTHING, NULL, "[]", "hosts that went idle are in the history of flows only", 0 },
	{ "get/host/pool_by_member", compat_empty, HAS_NOTHING, NULL, "[]", "a pool is in each host's record", 0 },
	{ "get/dns/resolve", compat_empty, HAS_NOTHING, NULL, "[]", "weir never asks for names", 0 },
	{ "get/geo_map/hosts", compat_empty, HAS_NOTHING, NULL, "[]", "countries are known, places are not", 0 },
	{ "get/flowdevice/stats", compat_empty, HAS_NOTHING, NULL, "[]", "no exporters", 0 },
	{ "get/pcap/extraction/tasks", compat_empty, HAS_NOTHING, NULL, "[]", "packets are not kept", 0 },
	{ "get/pcap/extraction/data", compat_empty, HAS_NOTHING, NULL, "[]", "packets are not kept", 0 },
	{ "get/pcap/live_extraction", compat_empty, HAS_NOTHING, NULL, "[]", "packets are not kept", 0 },
	{ "get/pcap/live_traffic", compat_empty, HAS_NOTHING, NULL, "[]", "packets are not kept", 0 },
	{ "get/ntopng/get_preferences", compat_empty, HAS_NOTHING, NULL, "[]", "settings are in weir.yaml", 0 },
	{ "export/snmp/config", compat_empty, HAS_NOTHING, NULL, "[]", "no SNMP", 0 },
	{ "export/snmp_data/config", compat_empty, HAS_NOTHING, NULL, "[]", "no SNMP", 0 },
	{ "export/infrastructure/config", compat_empty, HAS_NOTHING, NULL, "[]", "no other instances", 0 },
	{ "export/notifications/config", compat_empty, HAS_NOTHING, NULL, "[]", "recipients are in weir.yaml", 0 },
	{ "export/active_monitoring/config", compat_empty, HAS_NOTHING, NULL, "[]", "weir never sends a packet", 0 },
	{ "export/all/config", compat_checks_config, HAS_PART, NULL, NULL, "checks; all of it is weir.yaml", 0 },
	{ "export/pool/policy", compat_empty, HAS_NOTHING, NULL, "[]", "there are no policies", 0 },
	{ "get/alert/filter/consts", compat_empty, HAS_NOTHING, NULL, "[]", "filters are told by openapi.json", 0 },
	{ "get/db/filter/bpf", compat_empty, HAS_NOTHING, NULL, "{\"bpf\":\"\"}", "packets are not kept", 0 },
	{ "get/system/health/interfaces", compat_empty, HAS_NOTHING, NULL, "[]", "see get/interface/data", 0 },
	{ "get/system/health/flow_collection", compat_empty, HAS_NOTHING, NULL, "[]", "no exporters", 0 },

	{ "acknowledge/snmp/device/alerts", compat_acknowledge, HAS_PART, "row_id,label", NULL, "one alert, by POST", 0 },
	{ "toggle_all_checks", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "import/checks/config", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "set/checks/config", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "import/all/config", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "import/pool/config", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "import/pool/host_pool/members", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "import/notifications/config", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "import/snmp/config", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "import/snmp_data/config", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "import/infrastructure/config", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "import/active_monitoring/config", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "set/device/alias", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "set/host/config", compat_host_note, HAS_PART, "host,vlan,custom_name,custom_notes", NULL,
	  "name and notes; pools are in weir.yaml", 0 },
	{ "set/host/notes", compat_host_note, HAS_ALL, "host,vlan,custom_notes", NULL, NULL, 0 },
	{ "set/interface/alias", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "set/network/alias", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "set/network/config", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "create/ntopng/api_token", compat_api_token, HAS_PART, "username", NULL, "a token of this name, which may read", 0 },
	{ "delete/ntopng/user", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "edit/ntopng/user", compat_no_write, HAS_NO_WRITE, NULL, NULL, SETTINGS, 0 },
	{ "trigger/host/alert", compat_no_write, HAS_NO_WRITE, NULL, NULL, "alerts come from checks only", 0 },
	{ "create/pcap/extraction/task", compat_no_write, HAS_NO_WRITE, NULL, NULL, "packets are not kept", 0 },
};
const size_t n_compat_rows = sizeof compat_rows / sizeof *compat_rows;

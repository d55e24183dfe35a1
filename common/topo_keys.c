#include "topo_keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS  1000000ull
#define MIN (60 * SECOND)
#define HOUR (60 * MIN)
#define DAY (24 * HOUR)
#define KB  1024ull
#define MB  (1024 * KB)
#define GB  (1024 * MB)
#define TB  (1024 * GB)

/* -- what texts have to be -- */

static bool good_runtime(const char *s, struct buf *why)
{
	if (strlen(s) <= TOPO_MAX_RUNTIME)
		return true;
	buf_addf(why, "longer than %zu bytes, so that paths of sockets in it would not fit", TOPO_MAX_RUNTIME);
	return false;
}

static bool is_number_up_to(const char *s, unsigned long max)
{
	size_t n = strspn(s, "0123456789");
	return n > 0 && n <= 10 && !s[n] && strtoul(s, NULL, 10) <= max;
}

/* "address:port", "[address]:port" or "unix:/path". */
static bool good_listen(const char *s, struct buf *why)
{
	const char *colon = strrchr(s, ':');
	struct addr a;
	if (strncmp(s, "unix:", 5) == 0) {
		if (s[5] == '/' && strlen(s + 5) < sizeof(((struct sockaddr_un *)0)->sun_path))
			return true;
		buf_adds(why, "unix: needs an absolute path short enough for a socket");
		return false;
	}
	if (colon && colon > s && is_number_up_to(colon + 1, 65535) && strtoul(colon + 1, NULL, 10) > 0) {
		size_t n = (size_t)(colon - s);
		bool six = *s == '[' && s[n - 1] == ']';
		if (six ? n > 2 && addr_parse(s + 1, n - 2, &a) == 0 && !addr_is_v4(&a)
			: addr_parse(s, n, &a) == 0 && addr_is_v4(&a))
			return true;
	}
	buf_adds(why, "neither ADDRESS:PORT, [ADDRESS]:PORT nor unix:PATH");
	return false;
}

bool topo_is_missing(const char *path)
{
	return access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

static bool good_directory(const char *s, struct buf *why)
{
	if (!topo_is_missing(s))
		return true;
	buf_adds(why, "no such directory");
	return false;
}

/* A machine without time zones (tzdata is not essential) takes any name that could be one. */
static bool good_timezone(const char *s, struct buf *why)
{
	char path[200];
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/");
	if (n && !s[n] && n < 100 && *s != '/') {
		snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", s);
		if (strcmp(s, "UTC") == 0 || topo_is_missing("/usr/share/zoneinfo") || !topo_is_missing(path))
			return true;
	}
	buf_adds(why, "no such time zone (tzselect(8) helps to find it)");
	return false;
}

/* pcap-filter(7) is libpcap's to read; this is what can be told without it. */
static bool (*filter_is_good)(const char *expression, struct buf *why);

void topo_check_filters(bool (*good)(const char *expression, struct buf *why))
{
	filter_is_good = good;
}

static bool good_filter(const char *s, struct buf *why)
{
	int depth = 0;
	if (filter_is_good)
		return filter_is_good(s, why);
	for (; *s && depth >= 0; s++)
		depth += *s == '(' ? 1 : *s == ')' ? -1 : 0;
	if (depth == 0)
		return true;
	buf_adds(why, "the parentheses do not match");
	return false;
}

static bool good_interface(const char *s, struct buf *why)
{
	if (strlen(s) < 64 && !strpbrk(s, "/ \t"))
		return true;
	buf_adds(why, "not the name of an interface");
	return false;
}

static bool good_url(const char *s, struct buf *why)
{
	size_t n = strncmp(s, "https://", 8) == 0 ? 8 : strncmp(s, "http://", 7) == 0 ? 7 : 0;
	if (n && s[n] && !strchr("/:?#", s[n]) && !strpbrk(s, " \t\\\""))
		return true;
	buf_adds(why, "not an http or https URL");
	return false;
}

static bool good_header(const char *s, struct buf *why)
{
	size_t n = strcspn(s, ":");
	if (n && s[n] && !strpbrk(s, "\n") && strcspn(s, " \t\"(),/;<=>?@[\\]{}") >= n)
		return true;
	buf_adds(why, "not a header 'Name: value'");
	return false;
}

static bool good_action(const char *s, struct buf *why)
{
	if (enum_value(enum_action, s) >= 0)
		return true;
	buf_adds(why, "not store, engage, update or release");
	return false;
}

static bool good_consumer(const char *s, struct buf *why)
{
	static const char *const names[] = { "classify", "checks", "alertd", "notify", "apid", "replay", "cat", "tail" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(s, names[i]) == 0)
			return true;
	if (strncmp(s, "x-", 2) == 0 && s[2] && strlen(s) < 32)
		return true;
	buf_adds(why, "no consumer has this name (a program of your own: x-NAME)");
	return false;
}

/* -- the tables -- */

#define T(member) offsetof(struct topo, member)
/* Retention of one kind of stored things. */
#define LIMITS(name, kind, def_age, def_bytes, what)                                                               \
	{ name ".max_age", K_DUR, T(store.kept[kind].age), def_age, "how long " what " are kept", SECOND, 36500 * DAY },  \
	{ name ".max_bytes", K_SIZE, T(store.kept[kind].bytes), def_bytes, "bound of " what ", the oldest go first", 64 * KB, 1024 * TB }

const struct topo_key topo_root_keys[] = {
	{ "runtime", K_STR, T(runtime), "/run/weir", "directory of the sockets", .good = good_runtime },
	{ "state", K_STR, T(state), "/var/lib/weir", "directory of what is kept" },
	{ "user", K_STR, T(user), NULL, "user to run as when started by root" },
	{ "group", K_STR, T(group), NULL, "group to run as; the user's if not set" },
	{ "log.level", K_LEVEL, T(log_level), "info", "error, warning, notice, info or debug" },
	{ "timezone", K_STR, T(timezone), "UTC", "time zone of what people read", .good = good_timezone },
	{ "networks.local", K_NETS, T(local), NULL, "local networks; found from the interface, or those of RFC 1918 and RFC 4193, if not set" },
	{ "flow", K_SECTION, 0, NULL, "settings of all sensors" },
	{ "sensors", K_SECTION, 0, NULL, "what is watched: name and settings of each" },
	{ "links", K_SECTION, 0, NULL, "bounds of the logs between the processes" },
	{ "classify.caches", K_BOOL, T(classify.caches), "no", "let nDPI carry knowledge from flow to flow" },
	{ "classify.watchdog", K_DUR, T(classify.watchdog), "5s", "time one record may take", 100 * MS, HOUR },
	{ "limits.hosts", K_COUNT, T(checks.max_hosts), "300K", "hosts that checks holds", 16, 100000000 },
	{ "limits.flows", K_COUNT, T(checks.max_flows), "1M", "open flows that checks holds", 16, 500000000 },
	{ "limits.host_idle", K_DUR, T(checks.host_idle), "1h", "packet time after which a silent host is forgotten", SECOND, 366 * DAY },
	{ "limits.rule_states", K_COUNT, T(max_rule_states), "100K", "windows that custom rules hold", 16, 100000000 },
	{ "lua.enabled", K_BOOL, T(checks.lua), "yes", "run Lua checks" },
	{ "lua.paths", K_LIST, T(checks.lua_paths), NULL, "directories of Lua checks, beside those shipped", .good = good_directory },
	{ "lua.watchdog", K_DUR, T(checks.watchdog), "5s", "time one batch may take", 100 * MS, HOUR },
	{ "lua.print", K_BOOL, T(checks.lua_print), "no", "log all that scripts print, not only the first lines of each in ten seconds" },
	{ "recovery.enabled", K_BOOL, T(checks.keep), "yes", "checks keeps its state over its death" },
	{ "recovery.sync", K_DUR, T(checks.journal_sync), "5s", "time between syncs of the journal: what loss of power can cost",
	  10 * MS, HOUR },
	{ "recovery.journal", K_SIZE, T(checks.journal_bytes), "128M", "journal after which a snapshot is taken", 4 * KB, 64 * GB },
	{ "recovery.journal_max", K_SIZE, T(checks.journal_max), "2G",
	  "journal held at most: nothing more is taken in until a snapshot has made room", 64 * KB, 1024 * GB },
	{ "checks", K_SECTION, 0, NULL, "switches and thresholds of the checks" },
	{ "databases.location", K_STR, T(databases.location), "/var/lib/location/database.db",
	  "country and autonomous system, by libloc; none = off" },
	{ "databases.mmdb", K_LIST, T(databases.mmdb), NULL, "files in MaxMind's format that are asked first" },
	{ "databases.vendors", K_STR, T(databases.vendors), "/usr/share/ieee-data", "directory of the IEEE's lists of vendors; none = off" },
	{ "pools", K_SECTION, 0, NULL, "hosts that belong together: name, networks and MAC addresses" },
	{ "lists", K_SECTION, 0, NULL, "lists of addresses, domains, URLs, fingerprints in files" },
	{ "exclusions", K_SECTION, 0, NULL, "findings that are not to become alerts" },
	{ "rules", K_SECTION, 0, NULL, "checks without code" },
	{ "recipients", K_SECTION, 0, NULL, "who is told of alerts: name and settings of each" },
	{ "store.path", K_STR, T(store.path), NULL, "directory of the databases; store below state if not set" },
	{ "store.flows", K_BOOL, T(store.flows), "yes", "keep ended flows" },
	{ "store.period", K_DUR, T(store.period), "1h", "time one file of flow history covers", SECOND, 366 * DAY },
	{ "store.max_age", K_DUR, T(store.kept[KEPT_FLOWS].age), "30d", "how long flows are kept, and alerts unless they have their own; from "
	  "the time of storage on, as all ages here", SECOND, 36500 * DAY },
	{ "store.max_bytes", K_SIZE, T(store.kept[KEPT_FLOWS].bytes), "10G", "bound of the flow history on disk; the oldest files go first",
	  64 * KB, 1024 * TB },
	{ "store.max_alerts", K_COUNT, T(store.max_alerts), "1M", "alerts kept", 1, 1000000000 },
	LIMITS("store.alerts", KEPT_ALERTS, NULL, "4G", "alerts"),
	LIMITS("store.series.1m", KEPT_MINUTES, "7d", "2G", "samples of a minute"),
	LIMITS("store.series.5m", KEPT_5MINUTES, "60d", "2G", "samples of five minutes"),
	LIMITS("store.series.1h", KEPT_HOURS, "366d", "1G", "samples of an hour"),
	LIMITS("store.series.1d", KEPT_DAYS, "3660d", "1G", "samples of a day"),
	LIMITS("store.quarantine", KEPT_QUARANTINE, "30d", "16M", "packets that crashed or hung a process"),
	{ "store.max_deliveries", K_COUNT, T(store.max_deliveries), "1M",
	  "alerts held for notify while it is away; the oldest make room", 1, 1000000000 },
	{ "api.listen", K_STR, T(api.listen), "127.0.0.1:8470", "address and port, or unix:PATH", .good = good_listen },
	{ "api.token_file", K_STR, T(api.token_file), NULL, "file of the token; api.token below state if not set" },
	{ "api.max_connections", K_U32, T(api.max_connections), "256", "connections at once", 1, 65536 },
	{ "api.hosts", K_LIST, T(api.hosts), NULL, "names accepted in the Host header beside the address" },
	{ "api.rate", K_U32, T(api.rate), "20",
	  "requests a second that a token, or an address without one, may make; 0 = any", 0, 1000000 },
	{ "api.burst", K_U32, T(api.burst), "100", "requests that may come at once after a pause", 1, 1000000 },
	{ "api.heavy_rate", K_U32, T(api.heavy_rate), "1", "the same for requests that search the history; 0 = any", 0, 1000000 },
	{ "api.heavy_burst", K_U32, T(api.heavy_burst), "30", "those of them that may come at once after a pause", 1, 1000000 },
	{ "api.heavy_at_once", K_U32, T(api.heavy_at_once), "2", "those of them that may be under way at a time; 0 = any", 0, 1000 },
	{ "api.max_streams", K_U32, T(api.max_streams), "16", "event streams that a token may have open", 1, 1000 },
	{ "api.audit_bytes", K_SIZE, T(api.audit_bytes), "16M",
	  "size at which audit.jsonl, below state, becomes audit.jsonl.1", 4 * KB, TB },
	{ "api.reply_bytes", K_SIZE, T(api.reply_bytes), "128M",
	  "replies that clients have not taken yet, all together; a single one may be larger", 64 * KB, TB },
	{ "notify.max_rows", K_COUNT, T(notify.max_rows), "100K", "deliveries kept for each recipient", 1, 100000000 },
	{ 0 },
};

#define S(member) offsetof(struct topo_sensor, member)
const struct topo_key topo_sensor_keys[] = {
	{ "interface", K_INPUT, S(inputs), NULL, "input: network interface", SRC_INTERFACE, .good = good_interface },
	{ "file", K_INPUT, S(inputs), NULL, "input: capture file", SRC_FILES },
	{ "files", K_INPUT, S(inputs), NULL, "input: capture files, in this order", SRC_FILES },
	{ "directory", K_INPUT, S(inputs), NULL, "input: all capture files of a directory, by name", SRC_DIRECTORY },
	{ "follow", K_INPUT, S(inputs), NULL, "input: capture file that grows, and whose name may go to the next one", SRC_FOLLOW },
	{ "stdin", K_INPUT, S(inputs), NULL, "input: capture on standard input; yes", SRC_STDIN },
	{ "filter", K_TEXT, S(filter), NULL, "which packets, see pcap-filter(7); all if not set", .good = good_filter },
	{ "snaplen", K_U32, S(snaplen), "0", "bytes kept of each packet, 0 = all", 0, 262144 },
	{ "promiscuous", K_BOOL, S(promiscuous), "yes", "interface: see packets of others too" },
	{ "buffer", K_SIZE, S(buffer), "64M", "interface: buffer in the kernel", 64 * KB, 2 * GB - 1 },
	{ "speed", K_SPEED, S(speed), "max", "files: 1 as recorded, 2 twice as fast, max" },
	{ "max_flows", K_COUNT, S(max_flows), "1M", "flows at once", 16, 500000000 },
	{ "idle_timeout", K_DUR, S(idle_timeout), "2m", "silence that ends a TCP flow", MS, 366 * DAY },
	{ "idle_timeout_udp", K_DUR, S(idle_timeout_udp), "1m", "silence that ends any other flow", MS, 366 * DAY },
	{ "idle_timeout_syn", K_DUR, S(idle_timeout_syn), "30s", "silence that ends a half-open TCP flow", MS, 366 * DAY },
	{ "active_timeout", K_DUR, S(active_timeout), "30m", "time after which a flow is reported in parts, 0 = never", 0, 366 * DAY },
	{ "update_interval", K_DUR, S(update_interval), "5s", "time between reports of a flow that goes on", MS, DAY },
	{ "linger", K_DUR, S(linger), "5s", "time a TCP flow stays after FIN or RST", 0, HOUR },
	{ "head_packets", K_U32, S(head_packets), "12", "packets with payload that nDPI gets", 1, 64 },
	{ "head_first", K_DUR, S(head_first), "1s", "nDPI's first look, after the first payload", 0, HOUR },
	{ "head_second", K_DUR, S(head_second), "5s", "nDPI's second look, after the first payload", 0, HOUR },
	{ "tunnels", K_BOOL, S(tunnels), "yes", "look inside GRE, VXLAN, GTP-U ..." },
	{ "fragments", K_BOOL, S(fragments), "yes", "count later IP fragments in their flow" },
	{ "log_bytes", K_SIZE, S(log_bytes), "64M", "bound of the records held for classify", 6 * MB, 1024 * GB },
	{ "max_jump", K_DUR, S(max_jump), "1h", "packet time ahead of all others that a lone packet is believed", SECOND, 366 * DAY },
	{ 0 },
};

#define L(member) offsetof(struct topo_link, member)
const struct topo_key topo_link_keys[] = {
	{ "bytes", K_SIZE, L(bytes), "64M", "bound of the records held", 4 * MB, 1024 * GB },
	{ "durable", K_LIST, L(durable), NULL, "consumers that nothing is dropped for", .good = good_consumer },
	{ 0 },
};

#define C(member) offsetof(struct topo_check, member)
const struct topo_key topo_check_keys[] = {
	{ "enabled", K_BOOL, C(enabled), NULL, "run the check; yes for a check that is named, else as 'weir checks' tells" },
	{ 0 },
};

#define R(member) offsetof(struct topo_recipient, member)
const struct topo_key topo_recipient_keys[] = {
	{ "exec", K_LIST, R(argv), NULL, "program and arguments; the alert is on its standard input", .empty = true },
	{ "user", K_STR, R(user), NULL, "exec: user to run as" },
	{ "webhook", K_STR, R(url), NULL, "URL to POST to", .good = good_url },
	{ "headers", K_LIST, R(headers), NULL, "webhook: more headers, 'Name: value'", .good = good_header },
	{ "secret", K_STR, R(secret), NULL, "webhook: shared secret, ${file:PATH} or ${cred:NAME}" },
	{ "match", K_TEXT, R(match), NULL, "which alerts, see weir-match(7); all if not set" },
	{ "on", K_LIST, R(on), "store,engage,release", "store, engage, update, release", .good = good_action },
	{ "timeout", K_DUR, R(timeout), "30s", "time one attempt may take", 100 * MS, HOUR },
	{ "max_age", K_DUR, R(max_age), "1d", "age at which a delivery is given up", SECOND, 366 * DAY },
	{ "max_attempts", K_U32, R(max_attempts), "10", "attempts after which a delivery is given up", 1, 1000 },
	{ "concurrency", K_U32, R(concurrency), "4", "deliveries at once", 1, 256 },
	{ "retry_min", K_DUR, R(retry_min), "1s", "wait before the second attempt", MS, DAY },
	{ "retry_max", K_DUR, R(retry_max), "10m", "longest wait between attempts", MS, 31 * DAY },
	{ "heartbeat", K_DUR, R(heartbeat), "0s", "time between signs of life while alerts would be sent, 0 = none", 0, 31 * DAY },
	{ 0 },
};

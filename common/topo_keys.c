#include "topo_keys.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define T(member) offsetof(struct topo, member)
const struct topo_key topo_root_keys[] = {
	{ "runtime", K_STR, T(runtime), "/run/weir", "directory of the sockets" },
	{ "state", K_STR, T(state), "/var/lib/weir", "directory of what is kept" },
	{ "user", K_STR, T(user), NULL, "user to run as when started by root" },
	{ "group", K_STR, T(group), NULL, "group to run as, default the user's" },
	{ "log.level", K_LEVEL, T(log_level), "info", "error, warning, info or debug" },
	{ "timezone", K_STR, T(timezone), "UTC", "time zone of what people read" },
	{ "classify.caches", K_BOOL, T(classify.caches), "no", "let nDPI carry knowledge from flow to flow" },
	{ "classify.watchdog", K_DUR, T(classify.watchdog), "5s", "time one record may take" },
	{ "limits.hosts", K_COUNT, T(checks.max_hosts), "300K", "hosts that checks holds" },
	{ "limits.flows", K_COUNT, T(checks.max_flows), "1M", "open flows that checks holds" },
	{ "limits.host_idle", K_DUR, T(checks.host_idle), "1h", "packet time after which a silent host is forgotten" },
	{ "lua.enabled", K_BOOL, T(checks.lua), "yes", "run Lua checks" },
	{ "lua.paths", K_LIST, T(checks.lua_paths), NULL, "directories of Lua checks, beside those shipped" },
	{ "lua.watchdog", K_DUR, T(checks.watchdog), "5s", "time one batch may take" },
	{ "store.path", K_STR, T(store.path), NULL, "directory of the databases, default store below state" },
	{ "store.flows", K_BOOL, T(store.flows), "yes", "keep ended flows" },
	{ "store.period", K_DUR, T(store.period), "1h", "time one file of flow history covers" },
	{ "store.max_age", K_DUR, T(store.max_age), "30d", "how long alerts and flows are kept" },
	{ "store.max_bytes", K_SIZE, T(store.max_bytes), "10G", "bound of the flow history on disk" },
	{ "store.max_alerts", K_COUNT, T(store.max_alerts), "1M", "alerts kept" },
	{ "store.max_deliveries", K_COUNT, T(store.max_deliveries), "1M",
	  "alerts held for notify while it is away; the oldest make room" },
	{ "api.listen", K_STR, T(api.listen), "127.0.0.1:8470", "address and port, or unix:PATH" },
	{ "api.token_file", K_STR, T(api.token_file), NULL, "file of the token, default api.token below state" },
	{ "api.max_connections", K_U32, T(api.max_connections), "256", "connections at once" },
	{ "api.hosts", K_LIST, T(api.hosts), NULL, "names accepted in the Host header beside the address" },
	{ "notify.max_rows", K_COUNT, T(notify.max_rows), "100K", "deliveries kept for each recipient" },
	{ NULL, 0, 0, NULL, NULL },
};

#define S(member) offsetof(struct topo_sensor, member)
const struct topo_key topo_sensor_keys[] = {
	{ "filter", K_STR, S(filter), NULL, "BPF expression, see pcap-filter(7)" },
	{ "snaplen", K_U32, S(snaplen), "0", "bytes kept of each packet, 0 = all" },
	{ "promiscuous", K_BOOL, S(promiscuous), "yes", "see packets of others too" },
	{ "buffer", K_SIZE, S(buffer), "64M", "kernel buffer of an interface" },
	{ "speed", K_SPEED, S(speed), "max", "files: 1 as recorded, 2 twice as fast, max" },
	{ "max_flows", K_COUNT, S(max_flows), "1M", "flows at once" },
	{ "idle_timeout", K_DUR, S(idle_timeout), "2m", "silence that ends a TCP flow" },
	{ "idle_timeout_udp", K_DUR, S(idle_timeout_udp), "1m", "silence that ends any other flow" },
	{ "idle_timeout_syn", K_DUR, S(idle_timeout_syn), "30s", "silence that ends a half-open TCP flow" },
	{ "active_timeout", K_DUR, S(active_timeout), "30m", "time after which a flow is reported in parts, 0 = never" },
	{ "update_interval", K_DUR, S(update_interval), "5s", "time between reports of a flow that goes on" },
	{ "linger", K_DUR, S(linger), "5s", "time a TCP flow stays after FIN or RST" },
	{ "head_packets", K_U32, S(head_packets), "12", "packets with payload that nDPI gets" },
	{ "head_first", K_DUR, S(head_first), "1s", "first look, after the first payload" },
	{ "head_second", K_DUR, S(head_second), "5s", "second look, after the first payload" },
	{ "tunnels", K_BOOL, S(tunnels), "yes", "look inside GRE, VXLAN, GTP-U ..." },
	{ "fragments", K_BOOL, S(fragments), "yes", "count later IP fragments in their flow" },
	{ "log_bytes", K_SIZE, S(log_bytes), "64M", "bound of the records held for classify" },
	{ "max_jump", K_DUR, S(max_jump), "1h", "packet time ahead of all others that a lone packet is believed" },
	{ NULL, 0, 0, NULL, NULL },
};

#define L(member) offsetof(struct topo_link, member)
const struct topo_key topo_link_keys[] = {
	{ "bytes", K_SIZE, L(bytes), "64M", "bound of the records held" },
	{ "durable", K_LIST, L(durable), NULL, "consumers that nothing is dropped for" },
	{ NULL, 0, 0, NULL, NULL },
};

#define R(member) offsetof(struct topo_recipient, member)
const struct topo_key topo_recipient_keys[] = {
	{ "exec", K_LIST, R(argv), NULL, "program and arguments; the alert is on its standard input" },
	{ "user", K_STR, R(user), NULL, "exec: user to run as" },
	{ "webhook", K_STR, R(url), NULL, "URL to POST to" },
	{ "headers", K_LIST, R(headers), NULL, "webhook: more headers, 'Name: value'" },
	{ "secret", K_STR, R(secret), NULL, "webhook: shared secret, ${file:PATH} or ${cred:NAME}" },
	{ "match", K_STR, R(match), NULL, "which alerts, see weir-match(7); all if absent" },
	{ "on", K_LIST, R(on), NULL, "store, engage, update, release; default all but update" },
	{ "timeout", K_DUR, R(timeout), "30s", "time one attempt may take" },
	{ "max_age", K_DUR, R(max_age), "24h", "age at which a delivery is given up" },
	{ "max_attempts", K_U32, R(max_attempts), "10", "attempts after which a delivery is given up" },
	{ "concurrency", K_U32, R(concurrency), "4", "deliveries at once" },
	{ "retry_min", K_DUR, R(retry_min), "1s", "wait before the second attempt" },
	{ "retry_max", K_DUR, R(retry_max), "10m", "longest wait between attempts" },
	{ NULL, 0, 0, NULL, NULL },
};

void topo_report(struct topo_parser *p, int line, int column, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_addf(p->err, "%s:%d:%d: %s\n", p->path, line, column, text);
	p->bad = true;
}

/* -- scalars -- */

static int parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = { "yes", "true", "on" }, *const no[] = { "no", "false", "off" };
	for (int i = 0; i < 3; i++) {
		if (strcasecmp(s, yes[i]) == 0)
			return *ret = true, 0;
		if (strcasecmp(s, no[i]) == 0)
			return *ret = false, 0;
	}
	return -1;
}

static int parse_u32(const char *s, uint32_t *ret)
{
	uint64_t n;
	if (topo_count(s, &n) < 0 || n > UINT32_MAX)
		return -1;
	*ret = (uint32_t)n;
	return 0;
}

static int parse_speed(const char *s, double *ret)
{
	char *end;
	if (strcmp(s, "max") == 0)
		return *ret = 0, 0;
	double n = strtod(s, &end);
	if (!isdigit((unsigned char)*s) || s[strspn(s, "0123456789.")] || *end || n <= 0)
		return -1;
	*ret = n;
	return 0;
}

static const char *const kind_text[] = {
	[K_STR] = "a text",
	[K_BOOL] = "yes or no",
	[K_U32] = "a number",
	[K_COUNT] = "a number, maybe with K, M or G",
	[K_SIZE] = "a size such as 64M",
	[K_DUR] = "a duration such as 10s, 5m or 1h",
	[K_SPEED] = "a number above 0, or max",
	[K_LIST] = "a text or a list of texts",
	[K_LEVEL] = "error, warning, info or debug",
};

/* Stores a scalar; -1 if it does not fit the kind. */
static int set_scalar(const struct topo_key *k, void *obj, const char *s)
{
	void *at = (char *)obj + k->off;
	int level;
	switch (k->kind) {
	case K_STR:
		if (!*s || strpbrk(s, "\n"))
			return -1;
		free(*(char **)at);
		*(char **)at = xstrdup(s);
		return 0;
	case K_BOOL:
		return parse_bool(s, at);
	case K_U32:
		return parse_u32(s, at);
	case K_COUNT:
		return topo_count(s, at);
	case K_SIZE:
		return topo_size(s, at);
	case K_DUR:
		return topo_duration(s, at);
	case K_SPEED:
		return parse_speed(s, at);
	case K_LEVEL:
		level = log_level_parse(s);
		if (level < 0)
			return -1;
		*(enum log_level *)at = (enum log_level)level;
		return 0;
	case K_LIST:
		break;
	}
	return -1;
}

void topo_defaults(const struct topo_key *keys, void *obj)
{
	for (const struct topo_key *k = keys; k->name; k++)
		if (k->def)
			set_scalar(k, obj, k->def);
}

/* -- maps -- */

char **topo_list_copy(const struct ynode *n)
{
	size_t len = 0;
	char **list;
	if (n->kind == Y_SCALAR) {
		list = xcalloc(2, sizeof *list);
		list[0] = xstrdup(n->value);
		return list;
	}
	for (const struct ynode *c = n->child; c; c = c->next)
		len++;
	list = xcalloc(len + 1, sizeof *list);
	len = 0;
	for (const struct ynode *c = n->child; c; c = c->next)
		list[len++] = xstrdup(c->value ? c->value : "");
	return list;
}

void topo_list_free(char **list)
{
	for (char **s = list; s && *s; s++)
		free(*s);
	free(list);
}

static void set_key(struct topo_parser *p, const struct topo_key *k, void *obj, const struct ynode *n)
{
	if (k->kind == K_LIST) {
		for (const struct ynode *c = n->child; c; c = c->next)
			if (n->kind == Y_MAP || c->kind != Y_SCALAR) {
				topo_report(p, c->line, c->column, "%s: %s was expected", k->name, kind_text[K_LIST]);
				return;
			}
		topo_list_free(*(char ***)((char *)obj + k->off));
		*(char ***)((char *)obj + k->off) = topo_list_copy(n);
		return;
	}
	if (n->kind != Y_SCALAR)
		topo_report(p, n->line, n->column, "%s: %s was expected, not a %s", k->name, kind_text[k->kind],
			    n->kind == Y_MAP ? "map" : "list");
	else if (set_scalar(k, obj, n->value) < 0)
		topo_report(p, n->line, n->column, "%s: %s was expected, not '%.60s'", k->name, kind_text[k->kind],
			    n->value);
}

/* Edit distance up to 2, for 'did you mean'. */
static bool is_near(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned row[64];
	if (la >= 60 || lb >= 60)
		return false;
	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned diag = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned best = diag + (a[i - 1] != b[j - 1]);
			diag = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb] <= 2 && row[lb] < lb;
}

static void unknown_key(struct topo_parser *p, const struct topo_key *keys, const char *full, const struct ynode *n,
			const char *where)
{
	for (const struct topo_key *k = keys; k->name; k++)
		if (is_near(full, k->name)) {
			topo_report(p, n->line, n->column, "unknown key '%s'%s; did you mean '%s'?", full, where, k->name);
			return;
		}
	topo_report(p, n->line, n->column, "unknown key '%s'%s", full, where);
}

static const struct topo_key *find_key(const struct topo_key *keys, const char *full, bool *ret_prefix)
{
	size_t len = strlen(full);
	*ret_prefix = false;
	for (const struct topo_key *k = keys; k->name; k++) {
		if (strcmp(k->name, full) == 0)
			return k;
		if (strncmp(k->name, full, len) == 0 && k->name[len] == '.')
			*ret_prefix = true;
	}
	return NULL;
}

static void read_map(struct topo_parser *p, const struct topo_key *keys, void *obj, const struct ynode *map,
		     const char *prefix, const char *where,
		     bool (*other)(struct topo_parser *p, void *obj, const struct ynode *n))
{
	for (const struct ynode *n = map->child; n; n = n->next) {
		char full[128];
		bool is_prefix;
		for (const struct ynode *m = map->child; m != n; m = m->next)
			if (strcmp(m->key, n->key) == 0) {
				topo_report(p, n->line, n->column, "key '%s' is there twice (first in line %d)", n->key,
					    m->line);
				break;
			}
		snprintf(full, sizeof full, "%s%s", prefix, n->key);
		const struct topo_key *k = find_key(keys, full, &is_prefix);
		if (k) {
			set_key(p, k, obj, n);
		} else if (other && !*prefix && other(p, obj, n)) {
			continue;
		} else if (is_prefix) {
			if (n->kind != Y_MAP) {
				topo_report(p, n->line, n->column, "%s: a map was expected", full);
				continue;
			}
			char inner[130];
			snprintf(inner, sizeof inner, "%s.", full);
			read_map(p, keys, obj, n, inner, where, NULL);
		} else {
			unknown_key(p, keys, full, n, where);
		}
	}
}

void topo_read_map(struct topo_parser *p, const struct topo_key *keys, void *obj, const struct ynode *map,
		   const char *where, bool (*other)(struct topo_parser *p, void *obj, const struct ynode *n))
{
	read_map(p, keys, obj, map, "", where, other);
}

/* -- print -- */

void topo_print_scalar(struct buf *out, const char *s)
{
	buf_addc(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *s);
	}
	buf_addc(out, '"');
}

static void print_duration(struct buf *out, uint64_t ns)
{
	if (ns % 1000000000u == 0)
		buf_addf(out, "%" PRIu64 "s", ns / 1000000000u);
	else
		buf_addf(out, "%" PRIu64 "ns", ns);
}

static void print_value(struct buf *out, const struct topo_key *k, const void *at)
{
	static const char *const levels[] = { "error", "warning", "info", "debug" };
	switch (k->kind) {
	case K_STR:
		topo_print_scalar(out, *(char *const *)at);
		break;
	case K_BOOL:
		buf_adds(out, *(const bool *)at ? "yes" : "no");
		break;
	case K_U32:
		buf_addf(out, "%" PRIu32, *(const uint32_t *)at);
		break;
	case K_COUNT:
	case K_SIZE:
		buf_addf(out, "%" PRIu64, *(const uint64_t *)at);
		break;
	case K_DUR:
		print_duration(out, *(const uint64_t *)at);
		break;
	case K_SPEED:
		if (*(const double *)at == 0)
			buf_adds(out, "max");
		else
			buf_addf(out, "%.17g", *(const double *)at);
		break;
	case K_LEVEL:
		buf_adds(out, levels[*(const enum log_level *)at]);
		break;
	case K_LIST:
		buf_addc(out, '[');
		for (char *const *s = *(char *const *const *)at; s && *s; s++) {
			if (s != *(char *const *const *)at)
				buf_adds(out, ", ");
			topo_print_scalar(out, *s);
		}
		buf_addc(out, ']');
		break;
	}
}

static bool is_absent(const struct topo_key *k, const void *at)
{
	return (k->kind == K_STR || k->kind == K_LIST) && !*(void *const *)at;
}

void topo_print_keys(struct buf *out, const struct topo_key *keys, const void *obj, int indent)
{
	char section[64] = "";
	for (const struct topo_key *k = keys; k->name; k++) {
		const void *at = (const char *)obj + k->off;
		const char *dot = strchr(k->name, '.'), *leaf = dot ? dot + 1 : k->name;
		size_t n = dot ? (size_t)(dot - k->name) : 0;
		if (is_absent(k, at))
			continue;
		if (n && (strlen(section) != n || strncmp(section, k->name, n) != 0)) {
			snprintf(section, sizeof section, "%.*s", (int)n, k->name);
			buf_addf(out, "%*s%s:\n", indent, "", section);
		}
		buf_addf(out, "%*s%s: ", indent + (n ? 2 : 0), "", leaf);
		print_value(out, k, at);
		buf_addc(out, '\n');
	}
}

void topo_free_keys(const struct topo_key *keys, void *obj)
{
	for (const struct topo_key *k = keys; k->name; k++) {
		void *at = (char *)obj + k->off;
		if (k->kind == K_STR)
			free(*(char **)at);
		else if (k->kind == K_LIST)
			topo_list_free(*(char ***)at);
	}
}

/*
 * The topology: weir.yaml parsed into one struct, validated, then used by every process. weir.yaml(5) has the keys; the
 * table that drives parsing, printing and the manual's list is in topo_keys.c.
 */
#ifndef WEIR_TOPO_H
#define WEIR_TOPO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "buf.h"
#include "log.h"
#include "record.h"
#include "retention.h"

/* name: value pairs in the order of the file: parameters of a check, labels. Values are text as written. */
struct topo_param {
	char *name;
	char **values; /* one for a scalar, n for a sequence; NULL-terminated */
	int line, column;
};

enum topo_source { SRC_INTERFACE, SRC_FILES, SRC_DIRECTORY, SRC_FOLLOW, SRC_STDIN };

struct topo_sensor {
	char *name;
	enum topo_source source;
	char **inputs;       /* interface name, files in order, directory, or growing file; NULL-terminated */
	char *filter;        /* BPF expression or NULL */
	uint32_t snaplen;    /* 0 = whole packets */
	bool promiscuous;
	uint64_t buffer;     /* kernel buffer of an interface, bytes */
	double speed;        /* files: 1 = as recorded, 0 = as fast as possible */
	uint64_t max_flows;
	uint64_t idle_timeout;      /* ns of packet time, established TCP and others */
	uint64_t idle_timeout_udp;
	uint64_t idle_timeout_syn;  /* half-open TCP */
	uint64_t active_timeout;    /* 0 = never */
	uint64_t update_interval;
	uint64_t linger;            /* after FIN or RST */
	uint32_t head_packets;      /* with payload: so many fill a HEAD */
	uint64_t head_first, head_second; /* ns after the first payload */
	bool tunnels;               /* decode them */
	bool fragments;             /* attribute later fragments to their flow */
	uint64_t log_bytes;         /* bound of its packets stream */
	uint64_t max_jump;          /* ns ahead of the clock that a lone packet is believed */
	int line;
};

struct topo_link {
	char *name;      /* packets, flows, alerts, history, deliveries */
	uint64_t bytes;  /* bound of the log */
	char **durable;  /* consumers that hold the log back */
	int line;
};

struct topo_check {
	char *name;
	bool enabled, enabled_set;
	struct topo_param *params;
	size_t n_params;
	int line, column;
};

enum topo_recipient_type { RCP_EXEC, RCP_WEBHOOK };

struct topo_recipient {
	char *name;
	enum topo_recipient_type type;
	char **argv;              /* exec */
	char *user;               /* exec: run as, NULL = the notify user */
	char *url;                /* webhook */
	char **headers;           /* webhook: 'Name: value' */
	char *secret;             /* webhook: ${file:...} or ${cred:...} resolved at use */
	char *match;              /* expression in the match language, NULL = all */
	char **on;                /* engage, update, release, store; NULL = engage, release, store */
	uint64_t timeout;         /* ns an attempt may take */
	uint64_t max_age;         /* ns after which a delivery expires */
	uint32_t max_attempts;
	uint32_t concurrency;
	uint64_t retry_min, retry_max; /* ns, backoff */
	uint64_t heartbeat;       /* ns between signs of life, 0 = none */
	int line, column;
};

/* What has a name of its own and a row of keys; topo_policy.c reads, prints and frees these by tables. */
struct topo_named {
	char *name;
	int line, column;
};

/* Hosts that belong together. */
struct topo_pool {
	struct topo_named named;
	struct cidr *nets;
	size_t n_nets;
	char **macs;
};

/* A list of addresses, domains, URLs or JA3 fingerprints, kept in a file. */
struct topo_list {
	struct topo_named named;
	char *file;
	char *kind;      /* address, domain, url, ja3 */
	char *format;    /* plain, hosts, csv, json */
	char *column;    /* csv: number from 1 or name in the header; json: name of the member */
	char *separator; /* csv */
	bool allow;      /* what is on it is good: no other list says otherwise */
	uint32_t score;  /* of the alert on a flow with what is on it; 0 = none, only the field 'lists' */
};

/* Findings that are not to become alerts. */
struct topo_exclusion {
	struct topo_named named;
	char *match;      /* over alert records, as for recipients */
	char *comment;
	uint64_t expires; /* ns since 1970, packet time; 0 = never */
};

#define TOPO_MAX_LISTS 64
#define TOPO_MAX_RULES 200

/* A check without code: when 'value' of what matches is above or below a threshold. */
struct topo_rule {
	struct topo_named named;
	char *entity;      /* flow, host, sensor */
	char *match;       /* over flow records; of a host rule, over host records */
	char *value;       /* expression; NULL: a match is enough */
	char *above, *below; /* threshold, a number */
	uint64_t window;   /* ns: growth of the value within it; 0 = the value itself */
	bool rate;         /* per second of the window */
	uint64_t hold;     /* ns it has to be true before it fires */
	char *when;        /* times of the week */
	uint32_t score;
	char *category, *title, *message, *mitre;
};

struct topo {
	char *path;         /* of the file, as given */
	char *hash;         /* of the effective configuration, 16 hex digits */
	char *runtime;      /* directory of the sockets */
	char *state;        /* directory of what is kept */
	char *user, *group; /* to run as when started by root; NULL = stay */
	enum log_level log_level;
	char *timezone;     /* TZ name for what people read; records stay UTC */
	struct cidr *local; /* local networks; none: found from the interface, or RFC 1918 and ULA for captures */
	size_t n_local;

	struct topo_sensor *sensors;
	size_t n_sensors;
	struct topo_link *links;
	size_t n_links;

	struct {
		bool caches;             /* nDPI's caches between flows */
		uint64_t watchdog;       /* ns a record may take */
	} classify;
	struct {
		uint64_t max_hosts, max_flows;
		char *lua_shipped;       /* directory of the Lua checks that come with weir; no key sets it */
		char **lua_paths;        /* further ones */
		bool lua;
		bool lua_print;          /* all that scripts print */
		uint64_t host_idle;      /* ns of packet time */
		struct topo_check *list;
		size_t n;
		uint64_t watchdog;
		bool keep;               /* journal and snapshots */
		uint64_t journal_sync;   /* ns between syncs of the journal */
		uint64_t journal_bytes;  /* journal that makes a snapshot due */
		uint64_t journal_max;    /* journal that is held at most, all segments */
	} checks;
	struct {
		char *path;              /* directory of the databases; NULL = state/store */
		uint64_t period;         /* ns one flow history file covers */
		struct retention kept[KEPT_KINDS];
		uint64_t max_alerts;
		uint64_t max_deliveries; /* alert revisions held for notify */
		bool flows;              /* keep ended flows */
	} store;
	struct {
		char *listen;            /* address:port, or unix:path */
		char *token_file;
		uint32_t max_connections;
		char **hosts;            /* Host headers accepted beside the address itself */
		uint32_t rate, burst;    /* requests of a token, or of an address without one; rate: a second, 0 = any */
		uint32_t heavy_rate, heavy_burst, heavy_at_once; /* likewise, those that search the store */
		uint32_t max_streams;    /* of one token */
		uint64_t audit_bytes;    /* of audit.jsonl, and of each of its predecessors */
		uint64_t reply_bytes;    /* made and not yet taken */
	} api;
	struct {
		uint64_t max_rows;       /* deliveries kept per recipient */
	} notify;
	struct topo_recipient *recipients;
	size_t n_recipients;

	struct {
		char *location;          /* database of libloc: country and autonomous system; "none" = off */
		char **mmdb;             /* files of MaxMind's format, asked before it */
		char *vendors;           /* directory of the IEEE's lists; "none" = off */
	} databases;
	struct topo_pool *pools;
	size_t n_pools;
	struct topo_list *lists;
	size_t n_lists;
	struct topo_exclusion *exclusions;
	size_t n_exclusions;
	struct topo_rule *rules;
	size_t n_rules;
	uint64_t max_rule_states;        /* windows that rules hold */
};

/*
 * Parses and validates. On success returns the topology, which the caller frees. On failure returns NULL. In both cases
 * messages are appended to err, one per line, 'file:line:column: text'; all problems, not only the first.
 */
struct topo *topo_load(const char *path, struct buf *err);
/* From now on filters of packets are looked at by this, which says why one is no good; for programs that know libpcap. */
void topo_check_filters(bool (*good)(const char *expression, struct buf *why));
/* The same from memory; path is used in messages. */
struct topo *topo_parse(const char *path, const char *text, size_t len, struct buf *err);
void topo_free(struct topo *t);
/* Appends the effective configuration as YAML, every key with its value. topo_parse of it gives the same topology. */
void topo_show(const struct topo *t, struct buf *out);

const struct topo_sensor *topo_sensor(const struct topo *t, const char *name);
const struct topo_link *topo_link(const struct topo *t, const char *name);
const struct topo_check *topo_check(const struct topo *t, const char *name);
/* A check's parameter, or NULL. */
const struct topo_param *topo_check_param(const struct topo_check *c, const char *name);
/* Socket of a process: ipc://<runtime>/<process>[.<instance>].ipc. Returned string is the caller's. */
char *topo_url(const struct topo *t, const char *process, const char *instance);
/* Path of the socket that apid has beside an address, for members of the group. Likewise the caller's. */
char *topo_api_socket(const struct topo *t);

/* "10s", "5m", "1h", "7d", "250ms"; a bare number is seconds. Result in ns. -1 if it is none. */
int topo_duration(const char *s, uint64_t *ret_ns);
/* "64M", "1GiB", "4096": powers of 1024. -1 if it is none. */
int topo_size(const char *s, uint64_t *ret);
/* "300K", "1M", "4096": powers of 1000. -1 if it is none. */
int topo_count(const char *s, uint64_t *ret);

#endif

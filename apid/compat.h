/*
 * What ntopng's REST clients speak: /lua/rest/v2 and /lua/pro/rest/v2, GET and POST alike. One table (compat_table.c) of
 * paths, handlers and what weir has for each; handlers answer with a document inside ntopng's envelope, now or later.
 */
#ifndef WEIR_COMPAT_H
#define WEIR_COMPAT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "apid.h"
#include "checkdef.h"
#include "codec.h"

#define COMPAT_MAX_BODY (1u << 20)
#define COMPAT_MAX_WALKS 16   /* answers being made of stored records */
#define COMPAT_MAX_ROWS 50000 /* stored records that one answer is made from */

/* ntopng's return codes. */
enum compat_rc {
	RC_OK = 0,
	RC_NOT_FOUND = -1,
	RC_INVALID_INTERFACE = -2,
	RC_NOT_GRANTED = -3,
	RC_INVALID_HOST = -4,
	RC_INVALID_ARGUMENTS = -5,
	RC_INTERNAL_ERROR = -6,
	RC_BAD_FORMAT = -7,
	RC_USER_ALREADY_EXISTING = -23,
	RC_NOT_IMPLEMENTED = -100, /* ours: a setting that only the configuration has */
};

/* How much of what ntopng answers weir has. */
enum compat_has { HAS_ALL, HAS_PART, HAS_NOTHING, HAS_NO_WRITE };

struct compat;
struct compat_row {
	const char *path;      /* behind /lua/rest/v2/ or /lua/pro/rest/v2/ (or /lua/), without .lua */
	void (*handle)(struct compat *c);
	enum compat_has has;
	const char *params;    /* those that mean something here, joined by commas */
	const char *empty;     /* HAS_NOTHING: the answer, JSON */
	const char *note;      /* what is missing, and why */
	unsigned variant;      /* for handlers that serve several paths */
	bool heavy;            /* searches the history */
};
extern const struct compat_row compat_rows[];
extern const size_t n_compat_rows;

/* A request. */
struct compat {
	struct apid *k;
	struct request *r;
	const struct compat_row *row;
	json_t *args;   /* parameters and members of the body: text */
	json_t *beside; /* members beside rsp, or NULL */
	json_t *acc;    /* what a walk over the store gathers; freed with the call */
	void *state;    /* likewise, freed with free_state */
	void (*free_state)(void *state);
	bool handled, over; /* its handler is at work; it is answered */
};

/* -- compat.c -- */

bool compat_is_path(const char *path);
/* Bytes that the body of such a request may have. */
size_t compat_body(const char *method);
/* Does the path say that it changes something? */
bool compat_writes(const char *path);
/* Does a cookie open it? Not what changes something, but for a session. */
bool compat_takes_cookies(const char *path);
/* Answers a request to such a path. Whoever asks has been let in. */
void compat_request(struct apid *k, struct request *r);
/* -- compat_list.c -- */

/* Appends all paths as members of the OpenAPI document's paths, each after a comma; the schema that they name, as a member. */
void compat_describe(struct buf *out);
const char *compat_schema(void);
/* GET /api/v1/compat: the table. */
void get_compat(void *arg, struct request *r, const struct route *rt, const char *id);

/* End the call, which a handler may still look at until it returns. rsp is taken over. */
void compat_ok(struct compat *c, json_t *rsp);
void compat_bare(struct compat *c, json_t *doc); /* without the envelope */
/*
 * The same where there may be many records: rsp is {"records": [...], "stats": ...}, and each record is text from the moment it is
 * here, which takes a tenth of the memory. Between begin and end the call may still fail. Records and stats are taken over, out is
 * at the end.
 */
void compat_records_begin(struct compat *c, struct buf *out);
void compat_records_add(struct buf *out, json_t *record);
void compat_records_end(struct compat *c, struct buf *out, json_t *stats);
void compat_fail(struct compat *c, enum compat_rc rc, const char *why);

/* Arguments; NULL or the default if absent or empty. Numbers that are none are the default. */
const char *compat_arg(const struct compat *c, const char *name);
long compat_number(const struct compat *c, const char *name, long otherwise);
bool compat_flag(const struct compat *c, const char *name, bool otherwise);
/* Seconds since 1970 as ns, 0 if absent. */
uint64_t compat_epoch(const struct compat *c, const char *name);
/* The sensor that ifid names; the call is over if it returns NULL. */
const struct topo_sensor *compat_sensor(struct compat *c);
/* "host=IP[@VLAN]&vlan=": false after ending the call. */
bool compat_host(struct compat *c, struct addr *ip, unsigned *vlan);

/* Walks over stored alerts or flows, or over their sums: row for each, then done. The call ends if the store fails. */
struct compat_walk {
	const char *what; /* alerts, flows; top.alerts, top.flows: rows are TOP records, one for each value of by;
			     series, series.alerts: SAMPLE */
	const char *by;   /* fields, joined by commas */
	const char *key;  /* series: which one, or NULL */
	uint64_t step;    /* series: ns */
	struct buf filter;
	const char *sort;
	uint64_t start, end;
	uint32_t max;
	uint64_t *total;  /* gets how many there are beyond max, too; NULL = they are not counted */
	bool (*row)(struct compat *c, const void *rec, const char *base); /* false: enough */
	void (*done)(struct compat *c, bool more);
};
/* Takes the filter over. */
void compat_walk(struct compat *c, const struct compat_walk *w);

/* Takes the next of a TOP record's values; "" when there is no more. */
const char *compat_key(const struct r_top *t, const char *base, size_t *pos, char *out, size_t size);

/* Pieces of JSON. */
json_t *jstr(const char *base, struct str s);
json_t *jaddr(const struct addr *a);
json_t *jsec(uint64_t ns);
/* Adds to a number in an object. */
void jadd(json_t *obj, const char *key, json_int_t n);
/* Adds n to the hour of a time (ns) in {"<midnight>": [24 numbers]}. */
void compat_count_hour(json_t *days, uint64_t time, json_int_t n);
const char *str_copy(char *out, size_t size, const char *base, struct str s);

/* -- shared between the files of handlers -- */

/* ntopng's name for an order, and the field that the live view sorts by. */
struct compat_order {
	const char *name, *field;
};
/*
 * A page of a live table as perPage, currentPage, sortColumn and sortOrder say (also length and start): rsp in ntopng's
 * shape. orders ends with a NULL name; its last row's field is the order when nothing known is asked for.
 */
json_t *compat_page(struct compat *c, const struct live *live, enum rtype type, const struct match *m,
		    const struct compat_order *orders,
		    json_t *(*row)(struct compat *c, const void *rec, const char *base), uint64_t *total);
/* Ends the call with such a page; with a variant, in the shape that the tables of the web interface ask for. */
void compat_active(struct compat *c, const struct live *live, enum rtype type, const struct match *m,
		   const struct compat_order *orders, json_t *(*row)(struct compat *c, const void *rec, const char *base));
/* Adds "and field = value" for an argument that is there; a value that does not fit the field selects nothing. */
void filter_arg(const struct compat *c, struct buf *b, const char *arg, const char *field);
void filter_text(struct buf *b, const char *field, const char *value);
void filter_add(struct buf *b, const char *expression);
/* Adds what the value of an argument means; of one that is not in the table, nothing. The table ends with a NULL argument. */
struct compat_choice {
	const char *arg, *value, *expression;
};
void filter_choices(const struct compat *c, struct buf *b, const struct compat_choice *choices);
/* "and the host is at either end": an address; what follows ';' or '@' does not count. */
void filter_either(struct buf *b, const char *host);
/* Parses it; one that is wrong matches nothing. */
struct match *filter_parse(struct buf *b, enum rtype type);
/* An object of label -> number as ntopng's pies have it, largest first; rows below fold percent of all become "Other". */
json_t *compat_pie(json_t *sums, double fold, long max, bool always_other);

bool compat_names_host(const struct r_flow *f, const struct addr *ip);
uint64_t flow_bytes(const struct r_flow *f);
const char *proto_upper(uint8_t proto, char out[8]);
const char *dscp_name(uint8_t tos);
json_t *compat_host_health(const struct compat *c);

/* -- handlers -- */
#define COMPAT_HANDLERS(X) \
	X(empty) X(no_write) X(version) X(about) X(limits) X(session) X(interfaces) X(interface_data) X(interface_l7_stats) \
	X(interface_l7_data) X(dscp_stats) X(talkers) X(top_hosts) X(host_active) X(host_data) X(host_stats_page) \
	X(host_interfaces) X(host_l7_stats) X(host_custom_data) X(host_find) X(flow_active) X(flow_l4_counters) \
	X(flow_l7_counters) X(flow_peers) X(sankey) X(alert_types) X(alert_severities) X(l4_consts) X(l7_apps) X(l7_categories) \
	X(alert_counters) X(alert_list) X(alert_ts) X(alert_top) X(alert_rows) X(db_flows) X(db_topk) X(db_search) X(db_ts) \
	X(host_top_protocols) X(timeseries) X(timeseries_types) X(networks) X(pools) X(checks_config) X(system_status) X(arp) \
	X(acknowledge) X(host_note) X(api_token) X(host_pie) X(host_table) X(host_fingerprints) X(sites) \
	X(columns_info) X(as_data) X(traffic_stats)
#define X(name) void compat_##name(struct compat *c);
COMPAT_HANDLERS(X)
#undef X

#endif

/* What the parts of the engine share. Only engine*.c includes this. */
#ifndef WEIR_ENGINE_PRIV_H
#define WEIR_ENGINE_PRIV_H

#include "check.h"
#include "engine.h"
#include "enrich.h"
#include "exclude.h"
#include "flowstate.h"
#include "learn.h"
#include "lists.h"
#include "log.h"
#include "rules.h"
#include "pack.h"

#define MINUTE        (60 * SECOND)
#define MAX_SENSORS   64
#define TOLD_SEVERITIES 16

struct sensor {
	char *name;
	struct str str; /* in names */
	uint64_t gap_packets;
	struct place place;
};

/* A device that is connected and not allowed. */
struct stranger {
	struct mac mac;
	uint16_t vlan;
	uint64_t last;           /* 0 = free */
	char sensor[32];
	struct engaged *engaged; /* list */
};
#define MAX_STRANGERS 128

enum learn_kind {
	LEARN_EDGES,   /* client, server, service: local hosts that used one another */
	LEARN_NAMES,   /* client and name */
	LEARN_PACES,   /* client, server, service: value is struct pace */
	LEARN_ORDERS,  /* one message after another */
	LEARN_PORTS,   /* services that local hosts have */
	LEARN_OWNERS,  /* address: value is the MAC that announces it; also when something was told */
	LEARN_DEVICES, /* MAC: value is a sketch of the remote addresses behind it */
	LEARN_SETS
};

/* The rows of the catalogue as bits. */
#define CATALOGUE_WORDS 4

struct engine {
	struct conf conf;
	const struct topo *topo;
	struct engine_ops ops;
	void *arg;
	uint64_t epoch;
	struct lua *lua;
	struct enrich *enrich;
	struct batch *batch;
	struct exclude *exclude;
	struct lists *lists;
	struct rules *rules;
	unsigned first_list, first_rule, first_script; /* their first ones in conf */
	uint16_t *script_check; /* index in conf of each script that looks at hosts, CONF_MAX_CHECKS = it does not */
	struct flow_table *flows;
	struct host_table *hosts;
	/* Native flow checks to ask, by index, at each hook and for each set of conditions that a flow may meet. */
	uint64_t asked[3][1u << CHECKDEF_IFS][CATALOGUE_WORDS];
	/* Checks of hosts, and of networks, sensors and weir, that are on, by period. */
	uint16_t host_run[PERIODS][CONF_MAX_CHECKS], place_run[PERIODS][CONF_MAX_CHECKS];
	unsigned n_host_run[PERIODS], n_place_run[PERIODS];
	uint16_t risk_check[64];  /* index in conf of the check of each risk, CONF_MAX_CHECKS = none */
	/* Rows that the engine itself works for, CONF_MAX_CHECKS = none; and parameters of such. */
	unsigned dangerous, device_check, new_device, reassigned, too_large, lease;
	unsigned contacts[2]; /* checks with lists of addresses of their own */
	unsigned pace_times;
	double ports_learning, stale_after;
	struct cost_meter meter;
	uint64_t clock, minute;   /* minute: the last that was run */
	uint64_t since;           /* first packet time: learning began */
	struct learn_set learned[LEARN_SETS];
	struct place networks[CONF_MAX_NETWORKS]; /* by conf_network_of(); entity is set where one is in use */
	struct place self;        /* weir as a whole */
	struct stranger strangers[MAX_STRANGERS];
	uint64_t strangers_missed;
	struct buf names;         /* of sensors: what stored keys refer to */
	struct sensor sensors[MAX_SENSORS];
	unsigned n_sensors;
	struct buf packed;
	struct buf arena;         /* begins with the texts of conf, the same all the time: arena_begin() */
	size_t arena_fixed;
	struct def_texts {
		struct str key, title, mitre;
	} *texts;                 /* of each check in conf */
	struct str flow_text;     /* "flow" */
	struct buf why;           /* reasons of the flow whose checks run */
	uint64_t alerts, evaluations, flows_seen, hosts_idle;
	struct g_totals totals;
	uint64_t told[TOLD_SEVERITIES]; /* alerts, by severity of the last revision */
	/* engine_save.c */
	bool copying, load_whole;
	struct buf copied;                    /* not yet handed out */
	uint64_t n_copied, load_evicted[2];   /* hosts and flows */
	uint16_t load_check[CONF_MAX_CHECKS]; /* where the checks of what is loaded are now */
};

/* Empties the arena. */
static inline void arena_begin(struct engine *e)
{
	e->arena.len = e->arena_fixed;
}

/* -- engine_alert.c: the record. Strings of alert, judge and host are in e->arena. -- */

struct alert_parts {
	struct g_alert alert;
	const struct g_flow_key *key;
	const struct g_flow_count *n;
	const struct g_flow_app *app;
	const char *key_base, *app_base, *judge_base, *packed_base;
	struct str app_packed; /* in app_base; len 0: it is not there */
	struct str key_packed, n_packed; /* in packed_base, likewise */
	const struct g_flow_judge *judge;
	const struct g_host *host;
	uint8_t *told; /* severity + 1 of the revision before, 0 = there was none; is set. NULL: there is but one */
};

/* Into e->packed. */
void pack_alert(struct engine *e, const struct alert_parts *p);
void emit_alert(struct engine *e, struct alert_parts *p);
/* Cut to TEXT_MAX_BYTES, clean. */
#define TEXT_MAX_BYTES 512
struct str put_str(struct engine *e, const char *s);
/* A text of 'name=value' lines: each line is cleaned by itself. */
struct str put_lines(struct engine *e, const char *s);
/* The same of such a text that is the last in e->arena and has no empty line. longest: its longest line. */
struct str clean_lines(struct engine *e, struct str lines, size_t longest);
/* With the texts of the definition, which are copied; or with those of a check in conf. */
void fill_def(struct engine *e, struct g_alert *a, const struct checkdef *d);
void fill_check(struct engine *e, struct g_alert *a, unsigned check);
/* What all alerts have in common, at the beginning of the arena. When conf is complete. */
void fixed_texts(struct engine *e);

/* -- engine_judge.c: the checks of a flow -- */

struct flow_run {
	struct engine *e;
	struct openflow *f;
	struct flow_view v;
	struct g_flow_app app;    /* of the verdict, strings in v.app_base */
	struct str app_packed;    /* and where it is packed there */
	struct g_flow_judge ends; /* what is known of client and server: judge_ends() */
	struct g_flow_judge judge; /* that, and what was found: flow_run_judge() */
	bool judged;              /* judge is as things are */
	struct buf *texts;        /* the strings of both */
	struct str key_packed, n_packed; /* in packed_in, once it is known: flow_run_packed() */
	const struct buf *packed_in;
	bool fired;               /* something new: */
	struct {
		unsigned score, client; /* in all, and of it the client's */
	} more;
};

/* For one flow at a time: texts are in e->arena, which is emptied. */
void flow_run_init(struct engine *e, struct flow_run *run, struct openflow *f, enum check_hook hook);
/* With run->app filled in already, whose strings are in base. */
void flow_run_begin(struct engine *e, struct flow_run *run, struct openflow *f, enum check_hook hook, const char *base);
/* With a copy of f->app that is not the flow's own any more; it must outlive the run. */
void flow_run_init_from(struct engine *e, struct flow_run *run, struct openflow *f, enum check_hook hook, const char *app);
/* What is known of both ends; does not change until the run is over. Strings go into texts, which outlives the run. */
void judge_ends(struct flow_run *run, struct buf *texts);
/* run->judge, as things are now. Strings go into run->texts. */
const struct g_flow_judge *flow_run_judge(struct flow_run *run);
unsigned hook_place(enum check_hook hook);
/* Runs what belongs to the hook; what a Lua check found; tells if something fired. In this order. */
void judge_native(struct flow_run *run);
void judge_lua(struct flow_run *run, const struct lua_finding *f);
void judge_end(struct flow_run *run);

/* Key of the predominant check; NULL = no alert. */
const char *flow_top(const struct engine *e, const struct openflow *f);
bool flow_has_fired(const struct openflow *f, unsigned index);
/* A check fires on the flow for the first time, unless an exclusion says no. index: in conf, CONF_MAX_CHECKS for Lua. */
void flow_fired(struct flow_run *run, const struct checkdef *d, unsigned index, const struct finding *found);

/* -- engine_policy.c: exclusions, lists, rules -- */

struct subject;

/* Texts of lines that flows keep; NULL is one without lines. */
void add_line(char **text, const char *line);
/* Does a line begin with this, and end there or with the separator? */
bool has_line(const char *text, const char *begin, char separator);
void policy_new(struct engine *e, const struct topo *t);
void policy_free(struct engine *e);
void policy_metrics(const struct engine *e, struct metrics *m);
/* Is the finding not to become an alert? Remembered with the flow. */
bool flow_excluded(struct flow_run *run, const struct checkdef *d);
bool subject_excluded(struct engine *e, const struct subject *s, const struct checkdef *d, bool attacker);
/* What databases and lists say of a host; asked once. */
void know_host(struct engine *e, struct host *h);
/* Lists and rules, at any hook; update: at none, the flow only goes on. */
void run_flow_policy(struct flow_run *run, bool update);
/* At the minute run. */
void run_host_policy(struct engine *e, struct host *h);
/* At every tick: their windows may be short. */
void run_sensor_policy(struct engine *e);

/* -- engine_flow.c: records of a flow -- */

/* Packs what the flow's record and its alert have in common, once, unless it came packed. */
void flow_run_packed(struct flow_run *run);

/* Packs the flow as a FLOW record into out. */
void pack_flow(struct flow_run *run, struct buf *out);
void emit_flow(struct engine *e, struct flow_run *run);
void close_flow(struct engine *e, struct openflow *f);
/* Ends the flow as lost; the caller takes it out of the table. */
void lose_flow(struct engine *e, struct openflow *f);

/* -- engine_batch.c: flows that wait to be judged -- */

struct batch *batch_new(const struct lua *lua);
void batch_free(struct batch *b);
bool batch_empty(const struct batch *b);
/*
 * A place for a record of a flow: the flow is as it is now, but for its counters. Then batch_put, after they were counted:
 * run the checks of the hook, tell the history, close the flow. Flushes if the batch is full.
 */
struct batch_in {
	const char *base;
	struct str key, n;            /* where the flow's key and counters are packed in base; len 0: they are packed anew */
	struct str app_at;            /* the same of what f->app is a copy of, if app is set */
	const struct g_flow_app *app; /* f->app as the caller has just read it; NULL: it is read */
};
struct flow_run *batch_add(struct engine *e, struct openflow *f, enum check_hook hook, const struct batch_in *in);
enum { BATCH_JUDGE = 1, BATCH_TELL = 2, BATCH_OVER = 4 };
void batch_put(struct engine *e, unsigned what);
/* Does all of this now. Before time goes on, before flows are lost. */
void batch_flush(struct engine *e);
/* Alerts that scripts want to see are collected, and shown at the end of a flush or of a group of hosts. */
void batch_alert(struct engine *e, const char *rec, size_t len);
void batch_alerts(struct engine *e);

/* -- engine_lua.c: what scripts say of hosts -- */

/* Adds the scripts that look at hosts to conf: what they find has episodes. */
void lua_checks_new(struct engine *e);
/* An alert that a script raised for a host, which need not be known. */
void lua_event(struct engine *e, const struct addr *ip, uint16_t vlan, const struct lua_finding *f);
/* Runs the host functions of scripts on hosts[0..n). hooks: those that are due. */
void lua_hosts(struct engine *e, struct host *const *hosts, unsigned n, unsigned hooks);

/* -- engine_count.c: what flows say of hosts -- */

/* With the first packet, of whatever kind it is. */
static inline void begin_learning(struct engine *e, uint64_t time)
{
	if (!e->since)
		e->since = time;
}

/* NULL: it has none, or it made room. */
struct host *host_of(struct engine *e, struct openflow *f, bool server);
/* Adds (or takes back) the flow's score on its hosts. */
void book_score(struct engine *e, struct openflow *f, int client, int server);
/* What a host did by opening this flow. Once per flow. */
void count_flow(struct engine *e, struct openflow *f);
/* The flow is no longer open: takes back what it weighed on its hosts. */
void uncount_flow(struct engine *e, struct openflow *f);
/* What the flow carried since the last record of it. */
void count_traffic(struct engine *e, struct openflow *f, const struct g_flow_count *n, const struct g_flow_app *a,
		   const char *base);
/* What the end of a flow says of its sides: scans show in flows that led to nothing. */
void count_end(struct engine *e, struct openflow *f, const struct g_flow_app *app);
/* What a verdict tells of the hosts: names, servers asked, systems. */
void learn_verdict(struct engine *e, struct openflow *f, const struct r_verdict *r, const char *base);

/* -- engine_subject.c: alerts with a beginning and an end -- */

struct subject {
	enum entity entity;
	char name[80];
	const char *sensor;
	const struct addr *ip;  /* attacker or victim; may be NULL */
	struct host *host;      /* NULL: no host */
	struct engaged **list;  /* of its episodes */
};

/* How alerts name a host: its address, with its VLAN where it is in one. */
#define HOST_KEY_STRLEN (ADDR_STRLEN + 8)
void host_key(const struct addr *ip, uint16_t vlan, char out[HOST_KEY_STRLEN]);
void host_subject(struct host *h, struct subject *s);
/* A check ran: what follows. */
void subject_run(struct engine *e, const struct subject *s, unsigned check, enum period p, bool holds,
		 const struct observation *o);
/* Ends what belongs to checks that are off. */
void subject_sweep(struct engine *e, const struct subject *s);
void subject_release_all(struct engine *e, const struct subject *s, enum endcause cause);
/* A single event, without a list. */
void subject_event(struct engine *e, const struct subject *s, const struct checkdef *d, unsigned granularity,
		   const struct observation *o);

/* -- engine_host.c -- */

void release_all(struct engine *e, struct host *h, enum endcause cause);
void emit_host(struct engine *e, struct host *h, bool final);
/* due: hooks of the periods that are over. more: the input goes on. */
void run_hosts(struct engine *e, unsigned due, bool more);

/* -- engine_place.c: local networks, sensors, weir -- */

void places_init(struct engine *e);
void place_subject(struct place *w, struct subject *s);
void places_release(struct engine *e);
/* Found or made. */
struct sensor *sensor_get(struct engine *e, const char *name, size_t len);
struct sensor *sensor_of(struct engine *e, const struct openflow *f);
struct place *network_get(struct engine *e, unsigned i);
void run_places(struct engine *e, unsigned due, bool more);
/* The input is over. */
void places_finish(struct engine *e);

/* -- engine_learn.c -- */

void learn_init_all(struct engine *e);
void learn_release_all(struct engine *e);
void learn_metrics(const struct engine *e, struct metrics *m);
/* When its last verdict is known, or it ends: services and destinations that are new. */
void learn_flow(struct engine *e, struct flow_run *run);
/* When it begins. */
void learn_pace(struct engine *e, struct openflow *f);
/* list: numbers of messages in their order; kind tells protocols apart. */
void learn_orders(struct engine *e, struct openflow *f, struct str list, const char *base, char kind);
/* n: the counters that are about to replace f->n. */
void learn_service(struct engine *e, struct openflow *f, struct host *s, const struct g_flow_count *n);
void learn_query(struct openflow *f, struct host *c, const struct g_flow_app *a, const char *base);
void learn_kind(struct host *c, const struct g_flow_app *a, const char *base);

/* -- engine_device.c: MAC addresses, ARP, DHCP -- */

void device_seen(struct engine *e, const struct mac *m, uint16_t vlan, const struct addr *ip, bool local, const char *sensor,
		 uint64_t time);
/* Does its MAC pass on packets of remote hosts? */
bool device_routes(const struct engine *e, const struct host *h);
void run_devices(struct engine *e);
void end_devices(struct engine *e, bool tell);
void see_lease(struct engine *e, struct openflow *f, const struct addr *ip);

/* -- engine_save.c: members that are kept. A test looks that none is missing. -- */

extern const struct member flow_members[], host_members[];
extern const size_t n_flow_members, n_host_members;

#endif

/*
 * alertd: the store. Wiring: stream "alerts" -> alerts and delivery log in one transaction, here; stream "history" -> flow files
 * and samples, in a thread (history.c); queries and commands, in another (service.c); what may take long, in a third (upkeep.c);
 * delivery log -> stream "deliveries" (outbox.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ageclock.h"
#include "codec.h"
#include "hash.h"
#include "history.h"
#include "io.h"
#include "log.h"
#include "mailbox.h"
#include "outbox.h"
#include "proc.h"
#include "quarantine.h"
#include "service.h"
#include "upkeep.h"

#define COMMIT_MS 20
#define FORGET_MS 1000

struct alertd {
	struct proc_ctx *c;
	struct intake *alerts;
	struct history *history;
	struct service *service;
	struct upkeep *upkeep;
	struct outbox *outbox;
	struct mailbox *mailbox; /* what other threads want done here */
	struct loop_timer *load, *forget;
	struct ageclock *age;
	char *checks_url;
	bool cancel;
	uint64_t revision; /* of alerts.db; random at first, so that none of another life is taken for one of this */
};

/* -- the delivery log -- */

static void load_outbox(struct alertd *k)
{
	struct store *s = intake_store(k->alerts);
	if (s && outbox_load(k->outbox, s))
		loop_set_timer(k->load, 1, 0);
	server_wake(k->c->server, outbox_stream(k->outbox));
}

static void on_load(void *arg)
{
	load_outbox(arg);
}

static void on_committed(void *arg)
{
	load_outbox(arg);
}

static void on_forget(void *arg)
{
	struct alertd *k = arg;
	struct store *s = intake_store(k->alerts);
	if (!s)
		return;
	outbox_forget(k->outbox, s);
	load_outbox(k); /* what was forgotten has made room */
}

/* -- commands: handed over by the service's thread, carried out here -- */

static unsigned make_silence(struct service_job *j, struct store *s, uint64_t now)
{
	struct buf strs = { 0 };
	struct g_silence x = { .id = j->id, .start = j->start ? j->start : now, .end = j->end, .updated = now };
	x.match = str_put_raw(&strs, j->match, strlen(j->match));
	x.comment = str_put_raw(&strs, j->text, strlen(j->text));
	x.author = str_put_raw(&strs, j->actor, strlen(j->actor));
	unsigned status = store_sqlite.silence(s, &x, strs.p, &j->error);
	buf_release(&strs);
	return status;
}

/* number: 1 = the alias is to change, 2 = the notes are, 3 = both. */
static unsigned note_host(struct service_job *j, struct store *s, uint64_t now)
{
	const struct store_host h = { .ip = j->ip, .vlan = j->vlan, .actor = j->actor, .alias = j->number & 1 ? j->alias : NULL,
				      .notes = j->number & 2 ? j->text : NULL };
	return store_sqlite.host(s, &h, now, &j->error);
}

/* What goes to the store of alerts. Returns an HTTP status, and why in j->error. */
static unsigned change(struct service_job *j, struct store *s)
{
	struct store_note n = { j->op, j->actor, j->text, j->labels };
	uint64_t now = wall_ns();
	if (strcmp(j->op, "silence") == 0)
		return make_silence(j, s, now);
	if (strcmp(j->op, "unsilence") == 0)
		return store_sqlite.unsilence(s, j->id, j->actor, now, &j->error);
	if (strcmp(j->op, "host") == 0)
		return note_host(j, s, now);
	return store_sqlite.note(s, j->id, &n, now, &j->error);
}

static void do_change(struct service_job *j, struct alertd *k)
{
	struct store *s = intake_store(k->alerts);
	char id[ID_STRLEN];
	unsigned status = 503;
	if (!*j->actor) {
		free(j->actor);
		j->actor = xstrdup("unknown");
	}
	if (s) {
		status = change(j, s);
	} else {
		char why[600];
		intake_trouble(k->alerts, why, sizeof why);
		buf_addf(&j->error, "the store does not work: %s", why);
	}
	log_info("%s id=%s by=%s: %s", j->op, id_str(j->id, id), j->actor, status == 200 ? "done" : buf_cstr(&j->error));
	service_answer(j, status);
}

struct order {
	struct alertd *k;
	struct service_job *j;
	struct store_pruned did;
};

static void add_result(struct order *o, const struct store_pruned *did, const char *error)
{
	struct service_job *j = o->j;
	for (unsigned i = 0; i < KEPT_KINDS; i++) {
		o->did.n[i] += did->n[i];
		j->total += did->n[i];
	}
	if (error)
		buf_addf(&j->error, "%s%s", j->error.len ? "; " : "", error);
}

/* What went of each kind, as metrics. */
static void answer_pruned(struct order *o)
{
	struct service_job *j = o->j;
	for (unsigned i = 0; i < KEPT_KINDS; i++) {
		store_put_metric(&j->body, "pruned", store_kinds[i], "", true, (double)o->did.n[i]);
		j->count++;
	}
	service_answer(j, j->error.len ? 503 : 200);
	free(o);
}

/* One after the other, each in its own thread. */
static void upkeep_pruned_all(void *arg, const struct store_pruned *did, const char *error)
{
	add_result(arg, did, error);
	answer_pruned(arg);
}

static void history_pruned(void *arg, const struct store_pruned *did, const char *error)
{
	struct order *o = arg;
	add_result(o, did, error);
	upkeep_prune_now(o->k->upkeep, upkeep_pruned_all, o);
}

static void alerts_pruned(void *arg, const struct store_pruned *did, const char *error)
{
	struct order *o = arg;
	add_result(o, did, error);
	history_prune_now(o->k->history, history_pruned, o);
}

static void do_command(void *arg)
{
	struct order *o = arg;
	if (strcmp(o->j->op, "prune") == 0) {
		intake_prune(o->k->alerts, alerts_pruned, o);
		return;
	}
	do_change(o->j, o->k);
	free(o);
}

static void on_command(void *arg, struct service_job *j)
{
	struct alertd *k = arg;
	struct order *o = xcalloc(1, sizeof *o);
	*o = (struct order){ .k = k, .j = j };
	mailbox_post(k->mailbox, do_command, o);
}

/* -- status -- */

static void on_fetched(void *arg, struct stream *s)
{
	struct proc_ctx *c = arg;
	struct alertd *k = c->state;
	(void)s;
	if (k->outbox && *outbox_backlog(k->outbox))
		load_outbox(k);
}

static uint64_t get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static bool trouble(struct alertd *k, char *text, size_t size)
{
	intake_trouble(k->alerts, text, size);
	if (!*text)
		history_trouble(k->history, text, size);
	return *text != '\0';
}

static void status(struct proc_ctx *c, char *state, size_t size)
{
	struct alertd *k = c->state;
	const struct intake_count *a = intake_count(k->alerts), *h = history_count(k->history);
	char why[200];
	c->self->lag = get(&a->lag) + get(&h->lag);
	c->self->queue = stream_bytes(outbox_stream(k->outbox));
	c->self->queue_max = stream_max(outbox_stream(k->outbox));
	c->self->drops = get(&a->rejected) + get(&a->gone) + get(&h->rejected) + get(&h->gone);
	c->self->clock = get(&a->clock);
	if (trouble(k, why, sizeof why))
		snprintf(state, size, "cannot store, trying again: %s", why);
	else if (!get(&a->up))
		snprintf(state, size, "waiting for checks");
	else
		snprintf(state, size, get(&a->ended) && get(&h->ended) ? "end of input" : "running");
}

static void put_counts(struct metrics *m, const char *label, const struct intake_count *n)
{
	metrics_put(m, "stored", label, "records", true, (double)get(&n->stored));
	metrics_put(m, "known", label, "records", true, (double)get(&n->known));
	metrics_put(m, "rejected", label, "records", true, (double)get(&n->rejected));
	metrics_put(m, "gone", label, "records", true, (double)get(&n->gone));
	metrics_put(m, "commits", label, "transactions", true, (double)get(&n->commits));
	metrics_put(m, "commit_failures", label, "transactions", true, (double)get(&n->failures));
	metrics_put(m, "commit_time", label, "seconds", true, (double)get(&n->commit_ns) / 1e9);
	metrics_put(m, "commit_time_max", label, "seconds", false, (double)get(&n->commit_max_ns) / 1e9);
	metrics_put(m, "lag", label, "records", false, (double)get(&n->lag));
	metrics_put(m, "trouble", label, "", false, (double)get(&n->in_trouble));
	metrics_put(m, "prune_time_max", label, "seconds", false, (double)get(&n->prune_max_ns) / 1e9);
}

/* What can be there at a time; checks tells when one of them is gone. */
static size_t totals_max(const struct topo *t)
{
	return (size_t)t->checks.max_flows + t->checks.max_hosts + t->n_sensors;
}

static void put_bounds(const struct alertd *k, struct metrics *m)
{
	const struct topo *t = k->c->topo;
	metrics_bound(m, "alerts_max", NULL, "alerts", (double)t->store.max_alerts);
	for (unsigned i = 0; i < KEPT_KINDS; i++)
		metrics_bound(m, "stored_max", store_kinds[i], "bytes", (double)t->store.kept[i].bytes);
	metrics_bound(m, "silences_max", NULL, "silences", STORE_SILENCES);
	metrics_bound(m, "delivery_log_max", NULL, "records", (double)t->store.max_deliveries);
	metrics_bound(m, "log_max", "deliveries", "bytes", (double)stream_max(outbox_stream(k->outbox)));
	metrics_bound(m, "commit_max", NULL, "records", INTAKE_ROWS);
	metrics_bound(m, "sample_totals_max", NULL, "totals", (double)totals_max(t));
	metrics_bound(m, "noted_hosts_max", NULL, "hosts", STORE_NOTED);
	metrics_bound(m, "groups_max", NULL, "groups", STORE_GROUPS);
}

static void on_metrics(void *arg, struct metrics *m)
{
	struct alertd *k = arg;
	const struct intake_count *a = intake_count(k->alerts), *h = history_count(k->history);
	put_counts(m, "alerts", a);
	put_counts(m, "history", h);
	for (unsigned i = 0; i < KEPT_KINDS; i++)
		metrics_put(m, "pruned", store_kinds[i], "", true,
			    (double)(i == KEPT_FLOWS ? upkeep_pruned(k->upkeep) : get(&a->pruned[i]) + get(&h->pruned[i])));
	metrics_put(m, "sample_totals_evicted", NULL, "totals", true, (double)get(&h->totals_evicted));
	put_bounds(k, m);
}

/* -- start and stop -- */

static void init_outbox(struct alertd *k)
{
	struct proc_ctx *c = k->c;
	k->outbox = outbox_new(&store_sqlite, topo_link(c->topo, "deliveries"));
	server_add_stream(c->server, outbox_stream(k->outbox));
	k->load = loop_add_timer(c->loop, on_load, k);
	k->forget = loop_add_timer(c->loop, on_forget, k);
	loop_set_timer(k->forget, FORGET_MS, FORGET_MS);
	metrics_gauge(c->metrics, "delivery_log", NULL, "records", outbox_backlog(k->outbox));
	metrics_counter(c->metrics, "delivery_log_dropped", NULL, "records", outbox_dropped(k->outbox));
}

/* Before the store is opened: its file tells when it was written last. */
static struct ageclock *open_ageclock(const struct topo *t)
{
	char *path = xasprintf("%s/alertd.clock", t->state), *store = xasprintf("%s/alerts.db", t->store.path);
	struct ageclock *age = ageclock_new(path, store, wall_ns(), mono_ns());
	free(path);
	free(store);
	return age;
}

/* Two that write into one store would take each other's new files away. What else is wrong with the directory the store tells. */
static bool claim_store(const char *dir)
{
	if ((mkdir(dir, 0750) < 0 && errno != EEXIST) || io_claim_dir(dir) >= 0 || errno != EWOULDBLOCK)
		return true;
	log_error("%s: another weir is writing into this store", dir);
	return false;
}

static int init(struct proc_ctx *c)
{
	struct alertd *k = c->state;
	const struct topo *t = c->topo;
	struct intake_conf conf = { .loop = c->loop, .stream = "alerts", .ops = &store_sqlite, .role = STORE_ALERTS,
				    .commit_ms = COMMIT_MS, .totals_max = totals_max(t), .committed = on_committed, .arg = k };
	if (!claim_store(t->store.path))
		return -1;
	conf.store = (struct store_conf){ .dir = t->store.path, .period = t->store.period, .max_alerts = t->store.max_alerts,
					  .max_deliveries = t->store.max_deliveries, .deliveries = t->n_recipients > 0,
					  .cancel = &k->cancel, .revision = &k->revision };
	conf.quarantine = xasprintf("%s/quarantine", t->state); /* stays */
	conf.store.quarantine = conf.quarantine;
	memcpy(conf.store.kept, t->store.kept, sizeof conf.store.kept);
	struct service_conf service = { .ops = &store_sqlite, .store = conf.store, .handle = on_command, .arg = k };
	k->c = c;
	k->revision = hash_key_random().k0 | 1;
	/* What SQLite sorts on disk it sorts here: the sandbox knows no other place. */
	setenv("SQLITE_TMPDIR", t->state, 1);
	conf.age = k->age = open_ageclock(t);
	conf.url = k->checks_url = topo_url(t, "checks", NULL);
	k->mailbox = mailbox_new(c->loop);
	init_outbox(k);
	k->alerts = intake_new(&conf);
	conf.quarantine = NULL;
	conf.committed = NULL;
	conf.discard = !t->store.flows;
	k->history = history_start(&conf);
	char *url = topo_url(t, "alertd", "query");
	service.url = url;
	k->upkeep = upkeep_start(&store_sqlite, &conf.store, k->age);
	k->service = service_start(&service);
	free(url);
	metrics_source(c->metrics, on_metrics, k);
	return k->service && k->history && k->upkeep ? 0 : -1;
}

static void stop(struct proc_ctx *c)
{
	struct alertd *k = c->state;
	__atomic_store_n(&k->cancel, true, __ATOMIC_RELAXED);
	history_stop(k->history);
	upkeep_stop(k->upkeep);
	service_stop(k->service);
	intake_free(k->alerts);
	mailbox_free(k->mailbox);
	outbox_free(k->outbox);
	ageclock_free(k->age);
	free(k->checks_url);
	proc_exit(c, 0);
}

int main(int argc, char **argv)
{
	static struct alertd k;
	return proc_main(argc, argv, &(struct proc){ .name = "alertd", .state = &k, .init = init,
						     .ops = { .fetched = on_fetched }, .status = status, .stop = stop });
}

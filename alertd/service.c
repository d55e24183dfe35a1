#include "service.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "codec.h"
#include "log.h"
#include "loop.h"
#include "mailbox.h"
#include "searchers.h"

#define MAX_TEXT   4096 /* of a comment, or of an expression */
#define MAX_LABELS 2048
#define MAX_NAME   1024

struct service {
	struct service_conf conf;
	pthread_t thread;
	struct loop *loop;
	struct mailbox *mailbox;
	struct server *server;
	struct searchers *searchers;
	struct service_job *copying; /* one backup at a time, in a thread of its own */
	pthread_t copier;
};

/* -- answers -- */

static void free_job(struct service_job *j)
{
	free(j->op);
	free(j->text);
	free(j->actor);
	free(j->match);
	free(j->labels);
	free(j->alias);
	buf_release(&j->error);
	buf_release(&j->body);
	free(j);
}

static void send_answer(void *arg)
{
	struct service_job *j = arg;
	struct g_answer a = { .status = (uint16_t)j->status, .total = j->total, .count = j->count,
			      .error = { 0, (uint32_t)j->error.len } };
	link_reply(j->req, &a, buf_cstr(&j->error), j->count ? &j->body : NULL);
	free_job(j);
}

void service_answer(struct service_job *j, unsigned status)
{
	j->status = status;
	mailbox_post(j->service->mailbox, send_answer, j);
}

/* -- queries -- */

static void send_found(void *arg)
{
	struct search *f = arg;
	struct buf strs = { 0 };
	struct g_answer a = { .status = (uint16_t)f->status };
	if (a.status == 200) {
		a.count = f->page.count;
		a.total = f->page.total;
		a.scanned = f->page.scanned;
		a.revision = f->revision;
		a.next = str_put_raw(&strs, f->page.next, strlen(f->page.next));
	}
	a.error = str_put(&strs, buf_cstr(&f->err), f->err.len, 2048);
	link_reply(f->req, &a, strs.p, a.status == 200 ? &f->body : NULL);
	buf_release(&strs);
	search_free(f);
}

static void on_found(void *arg, struct search *found)
{
	mailbox_post(((struct service *)arg)->mailbox, send_found, found);
}

static void on_query(struct service *s, struct link_req *q, const struct r_query *rec, const char *base)
{
	uint64_t have = rec->query.have;
	if (have && have == searchers_revision(s->searchers, &rec->query, base))
		link_reply(q, &(struct g_answer){ .status = 304, .revision = have }, NULL, NULL);
	else
		searchers_ask(s->searchers, q, rec, base);
}

/* -- commands -- */

static void end_copy(void *arg)
{
	struct service *s = arg;
	struct service_job *j = s->copying;
	pthread_join(s->copier, NULL);
	s->copying = NULL;
	log_info("backup to %s: %s", j->text, j->status == 200 ? "done" : buf_cstr(&j->error));
	send_answer(j);
}

static void *copy(void *arg)
{
	struct service_job *j = arg;
	struct service *s = j->service;
	struct store *store = s->conf.ops->open(&s->conf.store, STORE_READ, &j->error);
	j->status = store ? s->conf.ops->backup(store, j->text, j->number == 0, &j->error) : 503;
	if (store)
		s->conf.ops->close(store);
	mailbox_post(s->mailbox, end_copy, s);
	return NULL;
}

/* The copy is made below our own directory, the only place we may write; number 1: without flows. */
static void begin_copy(struct service *s, struct service_job *j)
{
	const char *dir = s->conf.store.dir;
	size_t n = strlen(dir);
	if (strncmp(j->text, dir, n) != 0 || j->text[n] != '/' || strstr(j->text, "/..") || !j->text[n + 1] ||
	    strchr(j->text + n + 1, '/')) {
		buf_addf(&j->error, "backup: the place must be a new name in %s", dir);
		j->status = 400;
	} else if (s->copying) {
		buf_adds(&j->error, "a backup is being made already");
		j->status = 409;
	} else {
		s->copying = j;
		if (pthread_create(&s->copier, NULL, copy, j) == 0)
			return;
		s->copying = NULL;
		buf_adds(&j->error, "cannot start a thread");
		j->status = 503;
	}
	send_answer(j);
}

/* The texts of a command, whole: what is too long is refused, for its end may be what it means. */
static void take_texts(struct service_job *j, const struct g_command *c, const char *base)
{
	const struct {
		const char *name;
		struct str s;
		size_t max;
		char **to;
	} texts[] = {
		{ "op", c->op, MAX_NAME, &j->op },          { "comment", c->text, MAX_TEXT, &j->text },
		{ "actor", c->actor, MAX_NAME, &j->actor }, { "match", c->match, MAX_TEXT, &j->match },
		{ "labels", c->labels, MAX_LABELS, &j->labels }, { "alias", c->alias, MAX_NAME, &j->alias },
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		*texts[i].to = xstrndup(str_ptr(base, texts[i].s), texts[i].s.len);
		if (texts[i].s.len <= texts[i].max || j->status)
			continue;
		buf_addf(&j->error, "%s: at most %zu bytes", texts[i].name, texts[i].max);
		j->status = 400;
	}
}

static bool is_one_of(const char *op, const char *const *ops)
{
	for (; *ops; ops++)
		if (strcmp(op, *ops) == 0)
			return true;
	return false;
}

static void on_command(struct service *s, struct link_req *q, const struct g_command *c, const char *base)
{
	static const char *const handed_over[] = { "ack", "unack", "comment", "silence", "unsilence", "host", "prune", NULL };
	struct service_job *j = xcalloc(1, sizeof *j);
	j->service = s;
	j->req = q;
	take_texts(j, c, base);
	j->ip = c->ip;
	j->vlan = c->vlan;
	j->id = c->id;
	j->number = c->number;
	j->start = c->start;
	j->end = c->end;
	if (j->status) {
		send_answer(j);
	} else if (strcmp(j->op, "backup") == 0) {
		begin_copy(s, j);
	} else if (is_one_of(j->op, handed_over)) {
		s->conf.handle(s->conf.arg, j);
	} else {
		buf_addf(&j->error, "there is no command '%s': ack, unack, comment, silence, unsilence, host, backup, prune", j->op);
		j->status = 400;
		send_answer(j);
	}
}

static void on_request(void *arg, struct link_req *q, enum rtype type, const void *rec, const char *base)
{
	struct service *s = arg;
	if (type == R_QUERY)
		on_query(s, q, rec, base);
	else if (type == R_COMMAND)
		on_command(s, q, &((const struct r_command *)rec)->command, base);
	else
		link_reply_status(q, 404, "not served here");
}

/* -- the thread -- */

static void *run(void *arg)
{
	struct service *s = arg;
	loop_run(s->loop);
	server_free(s->server);
	return NULL;
}

struct service *service_start(const struct service_conf *conf)
{
	static const struct server_ops ops = { .request = on_request };
	struct service *s = xcalloc(1, sizeof *s);
	s->conf = *conf;
	s->conf.url = NULL; /* the caller's */
	s->loop = loop_new();
	s->server = server_new(s->loop, conf->url, 0660, &ops, s);
	if (!s->server) {
		log_error("cannot listen on %s: %s", conf->url, strerror(errno));
		loop_free(s->loop);
		free(s);
		return NULL;
	}
	s->mailbox = mailbox_new(s->loop);
	s->searchers = searchers_start(conf->ops, &conf->store, on_found, s);
	if (s->searchers && pthread_create(&s->thread, NULL, run, s) == 0)
		return s;
	log_error("cannot start a thread");
	searchers_stop(s->searchers);
	server_free(s->server);
	mailbox_free(s->mailbox);
	loop_free(s->loop);
	free(s);
	return NULL;
}

static void do_stop(void *arg)
{
	loop_stop(((struct service *)arg)->loop, 0);
}

void service_stop(struct service *s)
{
	if (!s)
		return;
	mailbox_post(s->mailbox, do_stop, s);
	pthread_join(s->thread, NULL);
	searchers_stop(s->searchers);
	if (s->copying) { /* the store's cancel flag is set: it ends soon */
		pthread_join(s->copier, NULL);
		free_job(s->copying);
	}
	mailbox_free(s->mailbox);
	loop_free(s->loop);
	free(s);
}

#include "service.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "codec.h"
#include "link.h"
#include "log.h"
#include "loop.h"

struct service {
	pthread_t thread;
	struct store_conf conf;
	char *url;
	struct loop *loop;
	struct server *server;
	struct store *store;
	int stop_fd;
	struct loop_fd *stop_lfd;
};

static void answer_text(struct link_req *q, unsigned status, struct buf *err)
{
	link_reply_status(q, status, err->len ? buf_cstr(err) : NULL);
}

static void on_query(struct service *s, struct link_req *q, const struct g_query *query, const char *base)
{
	struct buf body = { 0 }, err = { 0 };
	struct store_page page;
	unsigned status = store_query(s->store, query, base, &body, &page, &err);
	if (status == 200) {
		struct g_answer a = { .status = 200, .count = page.count, .total = query->count ? page.total : 0,
				      .scanned = page.scanned };
		a.next.len = (uint32_t)strlen(page.next);
		link_reply(q, &a, page.next, &body);
	} else {
		answer_text(q, status, &err);
	}
	buf_release(&body);
	buf_release(&err);
}

static void answer_stats(struct service *s, struct link_req *q)
{
	struct store_stats st;
	char text[300];
	store_stats(s->store, &st);
	/* A handful of numbers for people: told as metrics, like those of a process. */
	const struct {
		const char *name, *unit;
		uint64_t value;
	} rows[] = { { "alerts", "alerts", st.alerts },
		     { "alerts_bytes", "bytes", st.alerts_bytes },
		     { "flow_files", "files", st.flows_files },
		     { "flow_bytes", "bytes", st.flows_bytes },
		     { "delivery_log", "records", st.deliveries } };
	struct buf body = { 0 };
	struct g_answer a = { .status = 200 };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++, a.count++) {
		int n = snprintf(text, sizeof text, "alertd%s%s", rows[i].name, rows[i].unit);
		uint32_t name = (uint32_t)strlen(rows[i].name);
		struct r_metric m = { .metric = { .process = { 0, 6 }, .name = { 6, name },
						  .unit = { 6 + name, (uint32_t)n - 6 - name },
						  .value = (double)rows[i].value } };
		codec_pack(&body, R_METRIC, &m, text);
	}
	link_reply(q, &a, NULL, &body);
	buf_release(&body);
}

static void on_command(struct service *s, struct link_req *q, const struct g_command *c, const char *base)
{
	char *op = xstrndup(str_ptr(base, c->op), c->op.len), *text = xstrndup(str_ptr(base, c->text), c->text.len);
	char *actor = xstrndup(str_ptr(base, c->actor), c->actor.len);
	struct buf err = { 0 };
	unsigned status = 400;
	if (strcmp(op, "ack") == 0 || strcmp(op, "unack") == 0 || strcmp(op, "comment") == 0) {
		status = store_note(s->store, c->id, op, actor, text, wall_ns(), &err);
		log_info("%s of alert by %s: %s", op, actor, status == 200 ? "done" : buf_cstr(&err));
	} else if (strcmp(op, "backup") == 0) {
		if (*text != '/')
			buf_adds(&err, "backup needs an absolute path");
		else if (store_backup(s->store, text) == 0)
			status = 200;
		else
			buf_adds(&err, store_error(s->store));
	} else if (strcmp(op, "prune") == 0) {
		status = store_prune(s->store, wall_ns()) < 0 ? 503 : 200;
		if (status != 200)
			buf_adds(&err, store_error(s->store));
	} else {
		buf_addf(&err, "there is no command '%.40s': ack, unack, comment, backup, prune", op);
	}
	answer_text(q, status, &err);
	buf_release(&err);
	free(op);
	free(text);
	free(actor);
}

static void on_request(void *arg, struct link_req *q, enum rtype type, const void *rec, const char *base)
{
	struct service *s = arg;
	if (type == R_QUERY && str_eq(base, ((const struct r_query *)rec)->query.what, "stats"))
		answer_stats(s, q);
	else if (type == R_QUERY)
		on_query(s, q, &((const struct r_query *)rec)->query, base);
	else if (type == R_COMMAND)
		on_command(s, q, &((const struct r_command *)rec)->command, base);
	else
		link_reply_status(q, 404, "not served here");
}

static void on_stop(void *arg, uint32_t events)
{
	(void)events;
	loop_stop(((struct service *)arg)->loop, 0);
}

static void *run(void *arg)
{
	struct service *s = arg;
	loop_run(s->loop);
	server_free(s->server);
	store_close(s->store);
	loop_del_fd(s->stop_lfd);
	loop_free(s->loop);
	return NULL;
}

struct service *service_start(const struct store_conf *conf, const char *url)
{
	static const struct server_ops ops = { .request = on_request };
	struct service *s = xcalloc(1, sizeof *s);
	struct buf err = { 0 };
	s->conf = *conf;
	s->url = xstrdup(url);
	s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->store = store_open(conf, false, &err);
	if (!s->store) {
		log_error("store: %s", buf_cstr(&err));
		goto bad;
	}
	s->loop = loop_new();
	s->stop_lfd = loop_add_fd(s->loop, s->stop_fd, EPOLLIN, on_stop, s);
	s->server = server_new(s->loop, url, 0660, &ops, s);
	if (!s->server) {
		log_error("cannot listen on %s: %s", url, strerror(errno));
		goto bad;
	}
	if (pthread_create(&s->thread, NULL, run, s) == 0)
		return s;
	log_error("cannot start a thread");
bad:
	buf_release(&err);
	store_close(s->store);
	free(s->url);
	free(s);
	return NULL;
}

void service_stop(struct service *s)
{
	uint64_t one = 1;
	if (!s)
		return;
	if (write(s->stop_fd, &one, sizeof one) == sizeof one)
		pthread_join(s->thread, NULL);
	close(s->stop_fd);
	free(s->url);
	free(s);
}

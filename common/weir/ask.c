#include "ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verbs.h"

#define ASK_MS 30000
#define PAGE   1000

int ask_process(const struct topo *t, const char *process, const char *instance, enum rtype type, const void *rec,
		const char *base, struct buf *body, struct g_answer *a, struct codec_reader *r)
{
	char *url = topo_url(t, process, instance);
	int rc = link_ask_sync(url, type, rec, base, ASK_MS, body, a, r);
	free(url);
	if (rc < 0) {
		fprintf(stderr, "weir: %s does not answer: %s\n", process, strerror(errno));
		return EXIT_UNREACHABLE;
	}
	if (a->status != 200) {
		fprintf(stderr, "weir: %s: %.*s\n", process, (int)a->error.len, str_ptr(r->base, a->error));
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

int ask_pages(const struct topo *t, const struct ask_pages *p, void *arg)
{
	struct buf strs = { 0 }, body = { 0 }, cursor = { 0 };
	uint32_t left = p->most;
	int code, done;
	do {
		struct r_query q = { .query = { .limit = left < PAGE ? left : PAGE } };
		struct g_answer a;
		struct codec_reader r;
		buf_reset(&strs);
		q.query.what = str_put_raw(&strs, p->what, strlen(p->what));
		if (p->filter)
			q.query.filter = str_put_raw(&strs, p->filter->p, p->filter->len);
		q.query.cursor = str_put_raw(&strs, cursor.p, cursor.len);
		code = ask_process(t, p->process, p->instance, R_QUERY, &q, strs.p, &body, &a, &r);
		if (code != EXIT_DONE)
			break;
		buf_reset(&cursor);
		buf_add(&cursor, str_ptr(r.base, a.next), a.next.len);
		done = p->page(arg, a.count, &r);
		if (done < 0)
			code = EXIT_FAILED;
		if (done < (int)a.count)
			break;
		left -= a.count < left ? a.count : left;
	} while (cursor.len && left);
	buf_release(&strs);
	buf_release(&body);
	buf_release(&cursor);
	return code;
}

bool ask_record(struct codec_reader *r, enum rtype type, void *rec)
{
	if (codec_peek(r) == type && codec_read(r, rec) == 1)
		return true;
	fprintf(stderr, "weir: answer that cannot be read: %s\n", r->error ? r->error : "wrong record");
	return false;
}

const char *ask_actor(void)
{
	const char *user = getenv("USER");
	return user && *user ? user : "cli";
}

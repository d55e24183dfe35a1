#include "ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verbs.h"

#define ASK_MS 30000

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

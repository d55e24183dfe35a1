/* weir cat LINK: the records of a link as JSON lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "link.h"
#include "log.h"
#include "options.h"
#include "verbs.h"

struct cat {
	struct loop *loop;
	bool follow, any;
	uint64_t left;           /* records still to print, 0 = no end */
	bool limited;
	unsigned flags;
	struct buf line;
};

/* Room for the struct of any record. */
union any_record {
#define RECORD(NAME, number, name, doc, groups) struct r_##name name;
#include "records/records.def"
#undef RECORD
};

static bool print_one(struct cat *k, enum rtype type, const void *rec, const char *base)
{
	buf_reset(&k->line);
	json_record(&k->line, type, rec, base, JSON_TYPE | k->flags, NULL);
	buf_addc(&k->line, '\n');
	if (fwrite(k->line.p, 1, k->line.len, stdout) != k->line.len) {
		loop_stop(k->loop, EXIT_DONE); /* the reader has gone */
		return false;
	}
	if (k->limited && --k->left == 0) {
		loop_stop(k->loop, EXIT_DONE);
		return false;
	}
	return true;
}

static uint32_t on_batch(void *arg, struct follower *f, const struct g_batch *b, struct codec_reader *r)
{
	(void)f;
	static union any_record rec;
	struct cat *k = arg;
	bool eos = false;
	k->any = true;
	for (uint32_t i = 0; i < b->count; i++) {
		enum rtype type = codec_peek(r);
		size_t at, len;
		if (!rdesc_get(type)) {
			if (codec_skip(r, &at, &len) == 1)
				continue;
			log_warn("record that cannot be read: %s", r->error);
			break;
		}
		if (codec_read(r, &rec) != 1) {
			log_warn("record that cannot be read: %s", r->error);
			break;
		}
		if (!print_one(k, type, &rec, r->base))
			return b->count;
		eos = type == R_EOS;
	}
	fflush(stdout);
	if (eos || (!k->follow && b->base + b->count >= b->head))
		loop_stop(k->loop, EXIT_DONE);
	return b->count;
}

static void on_idle(void *arg, struct follower *f, const struct g_batch *b)
{
	(void)f;
	(void)b;
	struct cat *k = arg;
	if (!k->follow)
		loop_stop(k->loop, EXIT_DONE);
}

static bool on_gone(void *arg, struct follower *f, uint64_t tail)
{
	(void)arg;
	log_warn("records %llu to %llu are gone", (unsigned long long)follower_next(f), (unsigned long long)tail - 1);
	return true;
}

/* Numbers of one run say nothing of another. */
static bool on_epoch(void *arg, struct follower *f, uint64_t epoch)
{
	(void)arg;
	log_warn("another run has begun: going on from its start");
	follower_set(f, epoch, 0);
	return true;
}

static void on_timeout(void *arg)
{
	struct cat *k = arg;
	if (!k->any) {
		log_error("nobody answers there");
		loop_stop(k->loop, EXIT_UNREACHABLE);
	}
}

/* 'packets' alone means the only sensor's; 'packets/lan' names one. */
static char *link_place(const struct topo *t, const char *link, char **ret_url)
{
	static const struct {
		const char *link, *process;
		bool per_sensor;
	} links[] = { { "packets", "capture", true }, { "flows", "classify", true }, { "alerts", "checks", false },
		      { "history", "checks", false }, { "deliveries", "alertd", false } };
	const char *slash = strchr(link, '/');
	size_t n = slash ? (size_t)(slash - link) : strlen(link);
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		if (strlen(links[i].link) != n || strncmp(links[i].link, link, n) != 0)
			continue;
		if (!links[i].per_sensor) {
			*ret_url = topo_url(t, links[i].process, NULL);
			return xstrdup(links[i].link);
		}
		const char *sensor = slash ? slash + 1 : t->n_sensors == 1 ? t->sensors[0].name : NULL;
		if (!sensor || !topo_sensor(t, sensor)) {
			log_error("%s/SENSOR, the sensors are:", links[i].link);
			for (size_t s = 0; s < t->n_sensors; s++)
				log_error("  %s", t->sensors[s].name);
			return NULL;
		}
		*ret_url = topo_url(t, links[i].process, strcmp(links[i].process, "capture") == 0 ? sensor : NULL);
		return xasprintf("%s/%s", links[i].link, sensor);
	}
	log_error("no link is named '%s': packets, flows, alerts, history or deliveries", link);
	return NULL;
}

int verb_cat(int argc, char **argv)
{
	static const struct follower_ops ops = { .batch = on_batch, .idle = on_idle, .gone = on_gone, .epoch = on_epoch };
	struct cat k = { 0 };
	static const char usage[] = "usage: weir cat [-f FILE] [-F] [-b] [-n COUNT] [-s SEQUENCE] LINK\n";
	const char *file = NULL;
	uint64_t from = 0;
	bool binary = false;
	const struct option_row options[] = {
		OPTION_FILE(&file),
		{ NULL, 'F', OPTION_FLAG, &k.follow },
		{ NULL, 'n', OPTION_NUMBER, &k.left },
		{ NULL, 's', OPTION_NUMBER, &from },
		{ NULL, 'b', OPTION_FLAG, &binary },
	};
	int rc = OPTIONS_READ(argc, argv, options, usage);
	if (rc)
		return rc;
	if (optind + 1 != argc)
		return options_usage(usage);
	k.limited = k.left > 0;
	k.flags = binary ? 0 : JSON_NO_BIN;
	struct topo *t = config_load(file);
	char *url = NULL, *stream = t ? link_place(t, argv[optind], &url) : NULL;
	int code = EXIT_FAILED;
	if (stream) {
		k.loop = verb_loop(EXIT_DONE);
		struct loop_timer *timeout = loop_add_timer(k.loop, on_timeout, &k);
		loop_set_timer(timeout, 3000, 0);
		struct follower *f = follower_new(k.loop, url, stream, "cat", &ops, &k);
		follower_set(f, 0, from);
		follower_resume(f);
		code = loop_run(k.loop);
	}
	buf_release(&k.line);
	free(stream);
	free(url);
	topo_free(t);
	link_leave(verb_printed(code));
}

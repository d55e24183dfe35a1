/* weir status: every process, asked one by one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link.h"
#include "options.h"
#include "output.h"
#include "verbs.h"

#define ASK_MS 3000

/* Returns whether it answered. */
static bool one_process(struct output *o, const struct topo *t, const char *name, const char *instance, bool metrics)
{
	struct r_status q = { .hello = { .metrics = metrics } };
	struct buf body = { 0 };
	struct g_answer a;
	struct codec_reader r;
	char *url = topo_url(t, name, instance);
	/* Without a socket there is nobody to wait for. */
	bool there = access(url + strlen("ipc://"), F_OK) == 0 &&
		     link_ask_sync(url, R_STATUS, &q, NULL, ASK_MS, &body, &a, &r) == 0 && a.status == 200;
	if (!there) {
		struct r_process p = { 0 };
		char text[120];
		int n = snprintf(text, sizeof text, "%s%s%s", name, instance ? "/" : "", instance ? instance : "");
		int m = snprintf(text + n, sizeof text - (size_t)n, "not running");
		p.process.process = (struct str){ 0, (uint32_t)n };
		p.process.state = (struct str){ (uint32_t)n, (uint32_t)m };
		if (!metrics)
			output_record(o, R_PROCESS, &p, text);
	}
	for (uint32_t i = 0; there && i < a.count; i++) {
		static union {
			struct r_process process;
			struct r_metric metric;
		} rec;
		enum rtype type = codec_peek(&r);
		if ((type != R_PROCESS && type != R_METRIC) || codec_read(&r, &rec) != 1)
			break;
		/* A table has one kind of row; JSON lines may mix. */
		if (o->form == OUT_JSON || (type == R_METRIC) == metrics)
			output_record(o, type, &rec, r.base);
	}
	free(url);
	buf_release(&body);
	return there;
}

int verb_status(int argc, char **argv)
{
	static const char *const others[] = { "classify", "checks", "alertd", "notify", "apid" };
	struct output o = { 0 };
	const char *file = NULL;
	bool metrics = false, all = true;
	const struct option_row options[] = {
		OPTION_FILE(&file),
		{ NULL, 'm', OPTION_FLAG, &metrics },
		{ NULL, 'o', OPTION_FORM, &o.form },
	};
	int rc = OPTIONS_READ(argc, argv, options, "usage: weir status [-f FILE] [-m] [-o table|json|tsv]\n");
	if (rc)
		return rc;
	struct topo *t = config_load(file);
	if (!t)
		return EXIT_FAILED;
	output_begin(&o, t->timezone);
	for (size_t i = 0; i < t->n_sensors; i++)
		all &= one_process(&o, t, "capture", t->sensors[i].name, metrics);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		all &= one_process(&o, t, others[i], NULL, metrics);
	output_release(&o);
	topo_free(t);
	return all ? EXIT_DONE : EXIT_UNREACHABLE;
}

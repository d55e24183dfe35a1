/* weir config check|show */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "verbs.h"

int verb_config(int argc, char **argv)
{
	static const char usage[] = "usage: weir config [-f FILE] check|show [FILE]\n";
	const char *file = NULL;
	const struct option_row options[] = { OPTION_FILE(&file) };
	int rc = OPTIONS_READ(argc, argv, options, usage);
	if (rc)
		return rc;
	const char *what = optind < argc ? argv[optind] : "";
	bool show = strcmp(what, "show") == 0;
	if ((!show && strcmp(what, "check") != 0) || optind + 2 < argc)
		return options_usage(usage);
	if (optind + 1 < argc)
		file = argv[optind + 1];
	struct topo *t = config_load(file);
	if (!t)
		return EXIT_FAILED;
	if (show) {
		struct buf out = { 0 };
		topo_show(t, &out);
		fputs(buf_cstr(&out), stdout);
		buf_release(&out);
	} else {
		printf("%s: ok, %zu sensor%s, configuration %s\n", t->path, t->n_sensors, t->n_sensors == 1 ? "" : "s",
		       t->hash);
	}
	topo_free(t);
	return EXIT_DONE;
}

/* The verbs of weir(1), one file each. */
#ifndef WEIR_VERBS_H
#define WEIR_VERBS_H

#include "loop.h"
#include "topo.h"

enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3, /* a process does not answer */
	EXIT_INTERRUPTED = 130 /* by SIGINT, as shells tell it */
};

/* argv[0] is the verb. */
int verb_run(int argc, char **argv);
int verb_replay(int argc, char **argv);
int verb_follow(int argc, char **argv); /* internal: what replay prints */
int verb_cat(int argc, char **argv);
int verb_config(int argc, char **argv);
int verb_alerts(int argc, char **argv);
int verb_history(int argc, char **argv);
int verb_series(int argc, char **argv);
int verb_store(int argc, char **argv);
int verb_export(int argc, char **argv);
int verb_status(int argc, char **argv);
int verb_tail(int argc, char **argv);
int verb_checks(int argc, char **argv);
int verb_live(int argc, char **argv); /* flows, hosts, apps, ifaces, top */
int verb_checks_why(int argc, char **argv);   /* of verb_checks */
int verb_checks_test(int argc, char **argv);  /* of verb_checks */
int verb_follow_check(int argc, char **argv); /* internal: what it prints */
int verb_deliveries(int argc, char **argv);
int verb_token(int argc, char **argv);
int verb_silence(int argc, char **argv);

/* Path of the topology: -f's argument if not NULL, else $WEIR_CONFIG, else /etc/weir/weir.yaml. */
const char *config_path(const char *option);
/* Somebody named one, or the last of these can be read. */
bool config_given(const char *option);
/* Loads it, printing what is wrong; NULL on failure. */
struct topo *config_load(const char *option);
/*
 * A loop that SIGINT and SIGTERM end with an exit code. They are blocked for it: before the first use of a link, whose threads
 * would take them.
 */
struct loop *verb_loop(int code);
/* At the end of a verb: what it printed must have arrived, unless nobody reads any more. The code to leave with. */
int verb_printed(int code);

#endif

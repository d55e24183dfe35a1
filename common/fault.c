#include "fault.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"

#define MAX_FAULTS 8

bool fault_armed;

static const struct {
	const char *name;
	int signal; /* sent to ourselves, or 0 */
	int error;  /* for calls that can fail, or 0 */
} actions[] = {
	{ "kill", SIGKILL, 0 }, { "stop", SIGSTOP, 0 },	  { "crash", SIGSEGV, 0 },
	{ "hang", 0, 0 },	{ "enospc", 0, ENOSPC },  { "eio", 0, EIO },
};

static struct fault {
	char *point;
	unsigned long at, passed, times;
	unsigned action;
} faults[MAX_FAULTS];
static unsigned n_faults;

static int action_of(const char *name)
{
	for (unsigned i = 0; i < sizeof actions / sizeof *actions; i++)
		if (strcmp(actions[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* "point:3=stop"; text is cut up. */
static void add_fault(char *text, unsigned long times)
{
	struct fault *f = &faults[n_faults];
	char *action = strchr(text, '='), *at = strchr(text, ':');
	if (action)
		*action++ = '\0';
	if (at)
		*at++ = '\0';
	int a = action_of(action ? action : "kill");
	if (a < 0 || n_faults == MAX_FAULTS) {
		log_error("WEIR_FAULT: %s", a < 0 ? "no such action" : "too many points");
		return;
	}
	*f = (struct fault){ .point = xstrdup(text), .at = at ? strtoul(at, NULL, 10) : 1, .action = (unsigned)a, .times = times };
	n_faults++;
}

void fault_init(void)
{
	const char *env = getenv("WEIR_FAULT"), *times = getenv("WEIR_FAULT_TIMES");
	char *text, *save = NULL;
	if (!env || !*env)
		return;
	text = xstrdup(env);
	for (char *p = strtok_r(text, ",", &save); p; p = strtok_r(NULL, ",", &save))
		add_fault(p, times ? strtoul(times, NULL, 10) : 1);
	free(text);
	fault_armed = n_faults > 0;
}

static struct fault *due(const char *point, bool can_fail)
{
	for (unsigned i = 0; i < n_faults; i++) {
		struct fault *f = &faults[i];
		if (strcmp(f->point, point) != 0 || (actions[f->action].error != 0) != can_fail)
			continue;
		f->passed++;
		if (f->passed >= f->at && f->passed < f->at + f->times)
			return f;
	}
	return NULL;
}

void fault_hit(const char *point)
{
	struct fault *f = due(point, false);
	if (!f)
		return;
	log_warn("fault: %s at %s", actions[f->action].name, point);
	if (actions[f->action].signal)
		raise(actions[f->action].signal);
	else
		for (;;)
			sleep(1);
}

void fault_record(const char *point, uint64_t seq)
{
	char name[64];
	snprintf(name, sizeof name, "%s.%llu", point, (unsigned long long)seq);
	fault_hit(name);
}

bool fault_fails(const char *point)
{
	struct fault *f = due(point, true);
	if (f) {
		log_warn("fault: %s at %s", actions[f->action].name, point);
		errno = actions[f->action].error;
	}
	return f != NULL;
}

#include "sink_exec.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "codec.h"
#include "spawner.h"

#define EX_TEMPFAIL 75 /* sysexits.h: try again later */

struct sink_exec {
	struct sink sink;
	struct spawner *sp;
	unsigned recipient;
};

static void add(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, "%s=%s", name, value);
	buf_addc(b, '\0');
}

/* Nothing here comes from a packet: ids are ours, names are those of weir and of the topology. */
static int exec_send(struct sink *base, const struct sink_job *j)
{
	struct sink_exec *s = (struct sink_exec *)base;
	struct buf env = { 0 };
	char text[ID_STRLEN];
	add(&env, "ALERT_ID", id_str(j->alert, text));
	add(&env, "ALERT_DELIVERY_ID", id_str(j->delivery, text));
	snprintf(text, sizeof text, "%u", j->revision);
	add(&env, "ALERT_REVISION", text);
	snprintf(text, sizeof text, "%u", j->attempt);
	add(&env, "ALERT_ATTEMPT", text);
	add(&env, "ALERT_MAYBE_DUPLICATE", j->maybe_duplicate ? "1" : "0");
	add(&env, "ALERT_ACTION", j->action);
	add(&env, "ALERT_SEVERITY", j->severity);
	add(&env, "ALERT_RECIPIENT", j->recipient);
	int rc = spawner_run(s->sp, j->job, s->recipient, env.p, env.len, j->document, j->len);
	buf_release(&env);
	return rc;
}

static void exec_free(struct sink *base)
{
	free(base);
}

struct sink *sink_exec_new(struct spawner *sp, unsigned recipient)
{
	static const struct sink_ops ops = { exec_send, exec_free };
	struct sink_exec *s = xcalloc(1, sizeof *s);
	s->sink.ops = &ops;
	s->sp = sp;
	s->recipient = recipient;
	return &s->sink;
}

/* The last line that is not empty: what programs say before they give up. */
static void add_output(struct sink_result *out, const struct spawn_result *r)
{
	struct buf b = { 0 };
	size_t end = r->len, start;
	while (end && (r->text[end - 1] == '\n' || r->text[end - 1] == ' '))
		end--;
	for (start = end; start && r->text[start - 1] != '\n'; start--)
		;
	struct str s = str_put(&b, r->text + start, end - start, 256);
	size_t used = strlen(out->text);
	if (s.len)
		snprintf(out->text + used, sizeof out->text - used, ": %.*s", (int)s.len, b.p + s.off);
	buf_release(&b);
}

/* Ended from outside (shutdown, out of memory): that is not the program's verdict. */
static bool is_outside(int signo)
{
	return signo == SIGTERM || signo == SIGKILL || signo == SIGINT || signo == SIGHUP || signo == SIGQUIT;
}

void sink_exec_result(const struct spawn_result *r, struct sink_result *out)
{
	*out = (struct sink_result){ .job = r->job, .verdict = SINK_RETRY };
	switch (r->end) {
	case SPAWN_EXITED:
		out->verdict = r->code == 0 ? SINK_SENT : r->code == EX_TEMPFAIL ? SINK_RETRY : SINK_DEAD;
		if (r->code) {
			snprintf(out->text, sizeof out->text, "exit status %d", r->code);
			add_output(out, r);
		}
		break;
	case SPAWN_KILLED:
		out->verdict = is_outside(r->code) ? SINK_RETRY : SINK_DEAD;
		out->maybe_arrived = true;
		snprintf(out->text, sizeof out->text, "killed by signal %d (%s)", r->code, strsignal(r->code));
		add_output(out, r);
		break;
	case SPAWN_TIMEOUT:
		out->maybe_arrived = true;
		snprintf(out->text, sizeof out->text, "not done in time, ended");
		add_output(out, r);
		break;
	case SPAWN_REFUSED:
		snprintf(out->text, sizeof out->text, "not run: %.*s", (int)r->len, r->text);
		break;
	}
}

/* What people add to alerts: handed to alertd, which keeps it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apid.h"
#include "codec.h"
#include "json.h"
#include "problem.h"

#define NOTE_MS 12000

struct note {
	struct apid *k;
	struct request *r;
	char op[16], id[ID_STRLEN];
};

static void on_noted(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	struct note *n = arg;
	char text[300] = "alertd does not answer";
	n->k->asked--;
	if (a) {
		n->k->alertd.heard = mono_ns();
		snprintf(text, sizeof text, "%.*s", (int)a->error.len, a->error.len ? str_ptr(r->base, a->error) : "");
	}
	if (a && a->status == 200) {
		struct buf b = { 0 };
		buf_addf(&b, "{\"id\":\"%s\",\"done\":\"%s\"}\n", n->id, n->op);
		request_reply(n->r, 200, "application/json", &b);
	} else {
		request_problem(n->r, a && a->status >= 400 && a->status < 600 ? a->status : 504, text, NULL);
	}
	free(n);
}

void post_note(void *arg, struct request *r, const struct route *rt, const char *id)
{
	struct apid *k = arg;
	const char *op = strrchr(rt->path, '/') + 1, *comment = uri_param(request_uri(r), "comment");
	const char *actor = request_token(r)->name;
	struct buf strs = { 0 };
	struct r_command c = { 0 };
	if (id_parse(id, strlen(id), &c.command.id) < 0) {
		request_problem(r, 404, "an id has 26 letters and digits", NULL);
		return;
	}
	struct note *n = xcalloc(1, sizeof *n);
	*n = (struct note){ .k = k, .r = r };
	snprintf(n->op, sizeof n->op, "%s", op);
	id_str(c.command.id, n->id);
	c.command.op = str_put_raw(&strs, op, strlen(op));
	c.command.text = str_put(&strs, comment ? comment : "", comment ? strlen(comment) : 0, 4096);
	c.command.actor = str_put_raw(&strs, actor, strlen(actor));
	k->asked++;
	if (link_ask(k->c->loop, k->query_url, R_COMMAND, &c, strs.p, NOTE_MS, on_noted, n) < 0)
		on_noted(n, NULL, NULL);
	buf_release(&strs);
}

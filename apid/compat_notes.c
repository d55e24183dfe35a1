/* Alerts that somebody marks as handled. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "door.h"

#define NOTE_MS 12000

static void on_noted(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	struct compat *c = arg;
	char text[256] = "alertd does not answer";
	c->k->asked--;
	if (a)
		str_copy(text, sizeof text, r->base, a->error);
	if (a && a->status == 200)
		compat_ok(c, json_array());
	else
		compat_fail(c, a && a->status == 404 ? RC_NOT_FOUND : RC_INTERNAL_ERROR, text);
}

/*
 * row_id, as alert/list has it, and label, the comment. ntopng also acknowledges all that a filter finds, without saying how
 * many: here it is one, by POST, with the right to do so.
 */
void compat_acknowledge(struct compat *c)
{
	const char *row = compat_arg(c, "row_id"), *comment = compat_arg(c, "label");
	struct r_command q = { 0 };
	struct buf strs = { 0 };
	if (strcmp(request_method(c->r), "POST") != 0) {
		compat_fail(c, RC_INVALID_ARGUMENTS, "what changes something is a POST");
		return;
	}
	if (!token_may(request_token(c->r), SCOPE_WRITE_ALERTS)) {
		compat_fail(c, RC_NOT_GRANTED, "the token lacks the right write:alerts");
		return;
	}
	if (!row || id_parse(row, strcspn(row, ";"), &q.command.id) < 0) {
		compat_fail(c, RC_INVALID_ARGUMENTS, "row_id names one alert, as alert/list has it");
		return;
	}
	const char *actor = request_token(c->r)->name;
	door_about(c->r, row);
	q.command.op = str_put_raw(&strs, "ack", 3);
	q.command.text = str_put(&strs, comment ? comment : "", comment ? strlen(comment) : 0, 4096);
	q.command.actor = str_put_raw(&strs, actor, strlen(actor));
	c->k->asked++;
	if (link_ask(c->k->c->loop, c->k->query_url, R_COMMAND, &q, strs.p, NOTE_MS, on_noted, c) < 0)
		on_noted(c, NULL, NULL);
	buf_release(&strs);
}

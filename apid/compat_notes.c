/* What clients may change: notes on alerts and hosts, which alertd keeps, and tokens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "door.h"
#include "hostnotes.h"
#include "tokens.h"

#define NOTE_MS  12000

/* It is a POST, by somebody who has the right to it; false: the call is over. */
static bool may_change(struct compat *c, enum scope right)
{
	char why[80];
	snprintf(why, sizeof why, "the token lacks the right %s", scope_names[right]);
	if (strcmp(request_method(c->r), "POST") != 0)
		compat_fail(c, RC_INVALID_ARGUMENTS, "what changes something is a POST");
	else if (!token_may(request_token(c->r), right))
		compat_fail(c, RC_NOT_GRANTED, why);
	else
		return true;
	return false;
}

/* Has alertd done it? false: the call is over. */
static bool is_done(struct compat *c, const struct g_answer *a, const struct codec_reader *r)
{
	char text[256] = "alertd does not answer";
	enum compat_rc rc = RC_INTERNAL_ERROR;
	c->k->asked--;
	if (a && a->status == 200)
		return true;
	if (a)
		str_copy(text, sizeof text, r->base, a->error);
	if (a && (a->status == 404 || a->status == 400))
		rc = a->status == 404 ? RC_NOT_FOUND : RC_INVALID_ARGUMENTS;
	compat_fail(c, rc, text);
	return false;
}

/* In the name of whoever asks; releases strs, which q's texts are in. */
static void hand_over(struct compat *c, const char *op, struct r_command *q, struct buf *strs,
		      void (*done)(void *arg, const struct g_answer *a, struct codec_reader *r))
{
	const char *actor = request_token(c->r)->name;
	q->command.op = str_put_raw(strs, op, strlen(op));
	q->command.actor = str_put_raw(strs, actor, strlen(actor));
	c->k->asked++;
	if (link_ask(c->k->c->loop, c->k->query_url, R_COMMAND, q, strs->p, NOTE_MS, done, c) < 0)
		done(c, NULL, NULL);
	buf_release(strs);
}

static void on_acknowledged(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	if (is_done(arg, a, r))
		compat_ok(arg, json_array());
}

/*
 * row_id, as alert/list has it, and label, the comment. ntopng also acknowledges all that a filter finds, without saying how
 * many: here it is one.
 */
void compat_acknowledge(struct compat *c)
{
	const char *row = compat_arg(c, "row_id");
	struct r_command q = { 0 };
	struct buf strs = { 0 };
	if (!may_change(c, SCOPE_WRITE_ALERTS))
		return;
	if (!row || id_parse(row, strcspn(row, ";"), &q.command.id) < 0) {
		compat_fail(c, RC_INVALID_ARGUMENTS, "row_id names one alert, as alert/list has it");
		return;
	}
	door_about(c->r, row);
	q.command.text = put_text(&strs, compat_arg(c, "label"));
	hand_over(c, "ack", &q, &strs, on_acknowledged);
}

static void on_notes(void *arg, bool good)
{
	if (good)
		compat_ok(arg, json_array());
	else
		compat_fail(arg, RC_INTERNAL_ERROR, "it is done; alertd does not say what all of it is now");
}

static void on_host_noted(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	struct compat *c = arg;
	if (is_done(c, a, r))
		hostnotes_load(c->k, on_notes, c); /* whoever asks next is told of it */
}

/* custom_name and custom_notes; an empty one takes it away. The host need not be there now. */
void compat_host_note(struct compat *c)
{
	const char *alias = json_string_value(json_object_get(c->args, "custom_name"));
	const char *notes = json_string_value(json_object_get(c->args, "custom_notes"));
	struct r_command q = { .command.number = (alias ? 1 : 0) | (notes ? 2 : 0) };
	struct buf strs = { 0 };
	unsigned vlan;
	if (!may_change(c, SCOPE_WRITE_CONFIG) || !compat_host(c, &q.command.ip, &vlan))
		return;
	if (!q.command.number) {
		compat_fail(c, RC_INVALID_ARGUMENTS, "nothing to change: custom_name or custom_notes");
		return;
	}
	door_about(c->r, compat_arg(c, "host"));
	q.command.vlan = (uint16_t)vlan;
	q.command.alias = put_text(&strs, alias);
	q.command.text = put_text(&strs, notes);
	hand_over(c, "host", &q, &strs, on_host_noted);
}

/* There are no users here: the name is that of a token, which may read. */
void compat_api_token(struct compat *c)
{
	const char *name = compat_arg(c, "username");
	struct token t = { 0 };
	struct buf err = { 0 };
	char secret[TOKEN_SECRET + 1], none[40];
	if (!may_change(c, SCOPE_ADMIN))
		return;
	if (!name || !token_good_name(name)) {
		compat_fail(c, RC_INVALID_ARGUMENTS, "username: letters, digits, '.', '-' and '_', at most 40");
		return;
	}
	memcpy(t.name, name, strlen(name) + 1);
	token_scopes("read", &t.scopes, none);
	door_about(c->r, name);
	enum token_change rc = tokens_make(c->k, &t, secret, &err);
	if (rc == TOKEN_DONE)
		compat_ok(c, json_pack("{s:s}", "api_token", secret));
	else
		compat_fail(c, rc == TOKEN_EXISTS ? RC_USER_ALREADY_EXISTING : RC_INTERNAL_ERROR, buf_cstr(&err));
	buf_release(&err);
	explicit_bzero(secret, sizeof secret);
}

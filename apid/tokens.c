/* Tokens as a resource: made and shown once, listed without their secrets, removed. The door learns of it at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "door.h"
#include "json.h"
#include "loop.h"
#include "problem.h"
#include "tokens.h"

static void add_token(struct buf *out, const struct token *t, const char *secret)
{
	bool any = false;
	buf_addf(out, "{\"name\":\"%s\"", t->name);
	if (secret)
		buf_addf(out, ",\"token\":\"%s\"", secret);
	buf_adds(out, ",\"scopes\":[");
	for (int s = SCOPE_OPEN + 1; s < N_SCOPES; s++)
		if (t->scopes >> s & 1) {
			buf_addf(out, "%s\"%s\"", any ? "," : "", scope_names[s]);
			any = true;
		}
	buf_adds(out, "],\"expires\":");
	if (t->expires)
		json_time(out, t->expires * 1000000000u);
	else
		buf_adds(out, "null");
	buf_addc(out, '}');
}

/* Answers with why not. */
static void failed(struct request *r, enum token_change rc, struct buf *err)
{
	if (rc == TOKEN_BUSY)
		request_header_add(r, "Retry-After", "1");
	request_problem(r, rc == TOKEN_EXISTS ? 409 : rc == TOKEN_NONE ? 404 : 503, buf_cstr(err), NULL);
	buf_release(err);
}

void get_tokens(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	struct apid *k = arg;
	struct buf b = { 0 }, err = { 0 };
	struct token *t;
	size_t n;
	if (token_load(door_tokens(k), &t, &n, &err) < 0) {
		failed(r, TOKEN_FAILED, &err);
		return;
	}
	buf_adds(&b, "{\"data\":[");
	for (size_t i = 0; i < n; i++) {
		buf_adds(&b, i ? "," : "");
		add_token(&b, &t[i], NULL);
	}
	free(t);
	buf_adds(&b, "]}\n");
	request_reply(r, 200, "application/json", &b);
}

/* What is asked for; false: *e says what is wrong. */
static bool read_token(const struct uri *u, struct token *t, struct param_error *e)
{
	const char *name = uri_param(u, "name"), *scopes = uri_param(u, "scopes"), *expires = uri_param(u, "expires");
	char bad[40];
	uint64_t at = 0;
	if (!name || !token_good_name(name)) {
		*e = (struct param_error){ "name", "letters, digits, '.', '-' and '_', at most 40" };
		return false;
	}
	memcpy(t->name, name, strlen(name) + 1);
	if (!token_scopes(scopes ? scopes : "read", &t->scopes, bad)) {
		*e = (struct param_error){ .param = "scopes" };
		snprintf(e->reason, sizeof e->reason, "there is no right '%s'", bad);
		return false;
	}
	if (expires && (!route_time(expires, &at) || at <= wall_ns())) {
		*e = (struct param_error){ "expires", "a time to come" };
		return false;
	}
	t->expires = at / 1000000000u;
	return true;
}

enum token_change tokens_make(struct apid *k, struct token *t, char secret[static TOKEN_SECRET + 1], struct buf *err)
{
	if (!token_make(secret)) {
		buf_adds(err, "no random numbers");
		return TOKEN_FAILED;
	}
	token_hash(secret, TOKEN_SECRET, t->hash);
	enum token_change rc = token_add(door_tokens(k), t, false, err);
	if (rc == TOKEN_DONE)
		door_reload(k);
	return rc;
}

void post_token(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	struct token t = { 0 };
	struct param_error e;
	struct buf b = { 0 }, err = { 0 };
	char secret[TOKEN_SECRET + 1];
	if (!read_token(request_uri(r), &t, &e)) {
		request_problem(r, 400, PROBLEM_PARAM, &e);
		return;
	}
	door_about(r, t.name);
	enum token_change rc = tokens_make(arg, &t, secret, &err);
	if (rc == TOKEN_DONE) {
		add_token(&b, &t, secret);
		buf_addc(&b, '\n');
		request_reply(r, 201, "application/json", &b);
	} else {
		failed(r, rc, &err);
	}
	explicit_bzero(secret, sizeof secret);
}

void delete_token(void *arg, struct request *r, const struct route *rt, const char *name)
{
	(void)rt;
	struct apid *k = arg;
	struct buf none = { 0 }, err = { 0 };
	enum token_change rc = token_remove(door_tokens(k), name, false, &err);
	if (rc != TOKEN_DONE) {
		failed(r, rc, &err);
		return;
	}
	door_reload(k);
	request_reply(r, 204, "application/json", &none);
}

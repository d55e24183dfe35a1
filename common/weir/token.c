/* weir token add|list|remove: tokens of the API beside the first one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "options.h"
#include "token.h"
#include "verbs.h"

#define NEVER UINT64_MAX

static const char usage[] = "usage: weir token [-f FILE] list\n"
			    "       weir token [-f FILE] [-s SCOPES] [-e 30d] add NAME\n"
			    "       weir token [-f FILE] remove NAME\n"
			    "SCOPES: read, ack, silence, admin, or single ones such as read:stats, joined by commas; read if absent\n";

static int failed(struct buf *err)
{
	fprintf(stderr, "weir: %s\n", buf_cstr(err));
	buf_release(err);
	return EXIT_FAILED;
}

static int add(const char *path, const char *name, struct token *t)
{
	char secret[TOKEN_SECRET + 1];
	struct buf err = { 0 };
	if (!token_good_name(name)) {
		fprintf(stderr, "weir: '%s' is no name: letters, digits, '.', '-' and '_', at most 40\n", name);
		return EXIT_FAILED;
	}
	if (!token_make(secret)) {
		fputs("weir: no random numbers\n", stderr);
		return EXIT_FAILED;
	}
	memcpy(t->name, name, strlen(name) + 1);
	token_hash(secret, TOKEN_SECRET, t->hash);
	bool done = token_add(path, t, true, &err) == TOKEN_DONE;
	if (done)
		printf("%s\n", secret); /* this once: only its hash is kept */
	explicit_bzero(secret, sizeof secret);
	return done ? EXIT_DONE : failed(&err);
}

static int drop(const char *path, const char *name)
{
	struct buf err = { 0 };
	return token_remove(path, name, true, &err) == TOKEN_DONE ? EXIT_DONE : failed(&err);
}

static int list(const char *path)
{
	struct buf err = { 0 };
	struct token *t;
	size_t n;
	if (token_load(path, &t, &n, &err) < 0)
		return failed(&err);
	for (size_t i = 0; i < n; i++) {
		struct buf b = { 0 };
		char until[32] = "never";
		time_t at = (time_t)t[i].expires;
		struct tm tm;
		if (at)
			strftime(until, sizeof until, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
		token_print_scopes(t[i].scopes, &b);
		printf("%-20s %-10s expires %s\n", t[i].name, buf_cstr(&b), until);
		buf_release(&b);
	}
	free(t);
	return EXIT_DONE;
}

static int carry_out(const char *path, struct token *t, int argc, char **argv)
{
	const char *op = argc > 0 ? argv[0] : "";
	if (argc == 1 && strcmp(op, "list") == 0)
		return list(path);
	if (argc == 2 && strcmp(op, "add") == 0)
		return add(path, argv[1], t);
	if (argc == 2 && strcmp(op, "remove") == 0)
		return drop(path, argv[1]);
	return options_usage(usage);
}

int verb_token(int argc, char **argv)
{
	struct token new = { 0 };
	const char *file = NULL, *scopes = "read";
	char bad[40];
	uint64_t age = NEVER;
	const struct option_row options[] = {
		OPTION_FILE(&file),
		{ NULL, 's', OPTION_TEXT, &scopes },
		{ NULL, 'e', OPTION_DURATION, &age },
	};
	int rc = OPTIONS_READ(argc, argv, options, usage);
	if (rc)
		return rc;
	if (age != NEVER)
		new.expires = (uint64_t)time(NULL) + age / 1000000000u;
	if (!token_scopes(scopes, &new.scopes, bad)) {
		fprintf(stderr, "weir: there is no right '%s'\n", bad);
		return EXIT_USAGE;
	}
	struct topo *t = config_load(file);
	if (!t)
		return EXIT_FAILED;
	char *path = xasprintf("%s/api.tokens", t->state);
	int code = carry_out(path, &new, argc - optind, argv + optind);
	free(path);
	topo_free(t);
	return code;
}

/* weir token add|list|remove: tokens of the API beside the first one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "token.h"
#include "verbs.h"

static const char usage[] = "usage: weir token [-f FILE] list\n"
			    "       weir token [-f FILE] [-s SCOPES] [-e 30d] add NAME\n"
			    "       weir token [-f FILE] remove NAME\n"
			    "SCOPES: read, ack, silence, admin, or single ones such as read:stats, joined by commas; read if absent\n";

struct tokens {
	char *path;
	struct token *t;
	size_t n;
	uint32_t scopes;
	uint64_t expires;
};

static size_t find(const struct tokens *k, const char *name)
{
	size_t i = 0;
	while (i < k->n && strcmp(k->t[i].name, name) != 0)
		i++;
	return i;
}

static int save(const struct tokens *k)
{
	struct buf err = { 0 };
	int rc = token_save(k->path, k->t, k->n, &err);
	if (rc < 0)
		fprintf(stderr, "weir: %s\n", buf_cstr(&err));
	buf_release(&err);
	return rc < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int add(struct tokens *k, const char *name)
{
	struct token t = { .scopes = k->scopes, .expires = k->expires };
	char secret[TOKEN_SECRET + 1];
	if (!token_good_name(name) || find(k, name) < k->n) {
		fprintf(stderr, "weir: '%s' %s\n", name, token_good_name(name) ? "is there already: remove it first" :
			"is no name: letters, digits, '.', '-' and '_', at most 40");
		return EXIT_FAILED;
	}
	if (!token_make(secret)) {
		fputs("weir: no random numbers\n", stderr);
		return EXIT_FAILED;
	}
	memcpy(t.name, name, strlen(name) + 1);
	token_hash(secret, TOKEN_SECRET, t.hash);
	k->t = xrealloc(k->t, (k->n + 1) * sizeof *k->t);
	k->t[k->n++] = t;
	int code = save(k);
	if (code == EXIT_DONE)
		printf("%s\n", secret); /* this once: only its hash is kept */
	explicit_bzero(secret, sizeof secret);
	return code;
}

static int drop(struct tokens *k, const char *name)
{
	size_t i = find(k, name);
	if (i == k->n) {
		fprintf(stderr, "weir: there is no token '%s'\n", name);
		return EXIT_FAILED;
	}
	memmove(&k->t[i], &k->t[i + 1], (--k->n - i) * sizeof *k->t);
	return save(k);
}

static int list(const struct tokens *k)
{
	for (size_t i = 0; i < k->n; i++) {
		struct buf b = { 0 };
		char until[32] = "never";
		time_t at = (time_t)k->t[i].expires;
		struct tm tm;
		if (at)
			strftime(until, sizeof until, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
		token_print_scopes(k->t[i].scopes, &b);
		printf("%-20s %-10s expires %s\n", k->t[i].name, buf_cstr(&b), until);
		buf_release(&b);
	}
	return EXIT_DONE;
}

static int carry_out(struct tokens *k, int argc, char **argv)
{
	const char *op = argc > 0 ? argv[0] : "";
	if (argc == 1 && strcmp(op, "list") == 0)
		return list(k);
	if (argc == 2 && strcmp(op, "add") == 0)
		return add(k, argv[1]);
	if (argc == 2 && strcmp(op, "remove") == 0)
		return drop(k, argv[1]);
	fputs(usage, stderr);
	return EXIT_USAGE;
}

int verb_token(int argc, char **argv)
{
	struct tokens k = { 0 };
	const char *file = NULL, *scopes = "read";
	struct buf err = { 0 };
	char bad[40];
	uint64_t age;
	int opt, code = EXIT_FAILED;
	while ((opt = getopt(argc, argv, "+f:s:e:")) != -1) {
		if (opt == 'f') {
			file = optarg;
		} else if (opt == 's') {
			scopes = optarg;
		} else if (opt == 'e' && topo_duration(optarg, &age) == 0) {
			k.expires = (uint64_t)time(NULL) + age / 1000000000u;
		} else {
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (!token_scopes(scopes, &k.scopes, bad)) {
		fprintf(stderr, "weir: there is no right '%s'\n", bad);
		return EXIT_USAGE;
	}
	struct topo *t = config_load(file);
	if (!t)
		return EXIT_FAILED;
	k.path = xasprintf("%s/api.tokens", t->state);
	if (token_load(k.path, &k.t, &k.n, &err) == 0)
		code = carry_out(&k, argc - optind, argv + optind);
	else
		fprintf(stderr, "weir: %s\n", buf_cstr(&err));
	buf_release(&err);
	free(k.path);
	free(k.t);
	topo_free(t);
	return code;
}

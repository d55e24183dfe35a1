/*
 * weir checks list|explain KEY|why ID|test SCRIPT CAPTURE...: the checks of the catalogue, the rules of the topology and the scripts
 * that checks has loaded; what decided an alert; a Lua check tried out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "checkrec.h"
#include "effective.h"
#include "options.h"
#include "output.h"
#include "verbs.h"

#define ASK_MS 2000 /* the catalogue is wanted where nothing runs, too */

struct options {
	const char *file, *fields;
	struct output out;
	struct topo *t;
};

/* Without a configuration there is nobody to be asked, and without an answer the others are still worth knowing. */
static void each_script(const struct options *o, void (*cb)(void *arg, const struct r_check *rec, const char *base), void *arg)
{
	static const char what[] = "scripts";
	const struct r_snapshot q = { .snapshot.what = { 0, sizeof what - 1 } };
	struct buf body = { 0 };
	struct g_answer a;
	struct codec_reader r;
	struct r_check rec;
	if (!o->t->checks.lua || !config_given(o->file))
		return;
	char *url = topo_url(o->t, "checks", NULL);
	if (link_ask_sync(url, R_SNAPSHOT, &q, what, ASK_MS, &body, &a, &r) < 0 || a.status != 200)
		fputs("weir: checks does not answer: scripts are left out\n", stderr);
	else
		for (uint32_t i = 0; i < a.count && ask_record(&r, R_CHECK, &rec); i++)
			cb(arg, &rec, r.base);
	free(url);
	buf_release(&body);
}

static void print_record(void *arg, const struct r_check *rec, const char *base)
{
	output_record(arg, R_CHECK, rec, base);
}

static int list(struct options *o)
{
	if (o->fields && !output_fields(&o->out, R_CHECK, o->fields))
		return EXIT_USAGE;
	output_begin(&o->out, NULL);
	checkrec_each(o->t, print_record, &o->out);
	each_script(o, print_record, &o->out);
	return EXIT_DONE;
}

/* -- explain -- */

/* The names of the bits that are set. */
static void print_bits(const char *title, unsigned bits, const char *const *names)
{
	struct buf text = { 0 };
	checkdef_names(&text, ", ", bits, names);
	if (bits)
		printf("%s%s\n", title, buf_cstr(&text));
	buf_release(&text);
}

/* A list of lines, each indented. */
static void print_lines(const char *title, const char *base, struct str lines)
{
	const char *item;
	size_t pos = 0, n;
	if (lines.len)
		printf("%s", title);
	while (list_next(base, lines, &pos, &item, &n))
		printf("  %.*s\n", (int)n, item);
}

static void explain_param(const struct checkdef_param *p, const struct topo_check *set)
{
	const struct topo_param *own = set ? topo_check_param(set, p->name) : NULL;
	if (p->list)
		printf("\n  %s: a list, default %s", p->name, checkdef_items(p));
	else
		printf("\n  %s: %.15g %s (from %.15g to %.15g)", p->name, p->def, p->unit, p->min, p->max);
	for (char **v = own ? own->values : NULL; v && *v; v++)
		printf("%s%s", v == own->values ? "; here " : ", ", *v);
	printf("\n    %s\n", p->doc);
}

static void explain(const struct checkdef *d, const struct topo_check *set)
{
	printf("%s: %s\n\n%s\n\n", d->key, d->title, d->description);
	printf("about     %s\ncategory  %s\nscore     %u (client or attacker %u, server or victim %u), %s\ndefault   %s\n",
	       enum_name(enum_entity, d->entity), enum_name(enum_category, d->category), d->score, d->client_score,
	       (unsigned)(d->score - d->client_score), enum_name(enum_severity, severity_of_score(d->score)), d->enabled ? "on" : "off");
	if (set && set->enabled_set)
		printf("here      %s\n", set->enabled ? "on" : "off");
	print_bits("runs      ", d->hooks, checkdef_hook_names);
	print_bits("of flows  ", d->ifs, checkdef_if_names);
	if (d->type_id)
		printf("type id   %u\n", d->type_id);
	if (d->client_attacker || d->server_attacker)
		printf("attacker  %s\n", d->client_attacker ? "client" : "server");
	if (d->client_victim || d->server_victim)
		printf("victim    %s\n", d->client_victim ? "client" : "server");
	if (*d->mitre)
		printf("mitre     %s\n", d->mitre);
	if (d->risk_id)
		printf("risk      nDPI %u\n", d->risk_id);
	for (const struct checkdef_param *p = d->params; p->name; p++)
		explain_param(p, set);
}

struct search {
	const char *key;
	bool found;
};

/* A rule or a script. */
static void explain_record(void *arg, const struct r_check *rec, const char *base)
{
	const struct g_check *c = &rec->check;
	struct search *s = arg;
	if (!str_eq(base, c->key, s->key))
		return;
	printf("%s%s: %.*s\n\n", s->found ? "\n" : "", s->key, (int)c->title.len, str_ptr(base, c->title));
	if (c->description.len)
		printf("%.*s\n\n", (int)c->description.len, str_ptr(base, c->description));
	printf("source    %.*s\nabout     %s\ncategory  %s\nscore     %u, %s\nhere      %s\n", (int)c->source.len,
	       str_ptr(base, c->source), enum_name(enum_entity, c->entity), enum_name(enum_category, c->category), c->score,
	       enum_name(enum_severity, c->severity), c->enabled ? "on" : "off");
	if (c->mitre.len)
		printf("mitre     %.*s\n", (int)c->mitre.len, str_ptr(base, c->mitre));
	print_lines("runs\n", base, c->when);
	print_lines("parameters\n", base, c->params);
	s->found = true;
}

static int explain_key(const struct options *o, const char *key)
{
	const struct checkdef *d = checkdef_find(key, ENT_OTHER);
	struct search s = { .key = key, .found = d != NULL };
	if (d)
		explain(d, topo_check(o->t, key));
	else
		checkrec_each(o->t, explain_record, &s);
	if (!s.found)
		each_script(o, explain_record, &s);
	if (!s.found)
		fprintf(stderr, "weir: no check is named '%s', see weir checks list\n", key);
	return s.found ? EXIT_DONE : EXIT_FAILED;
}

/* -- the verb -- */

static const char usage[] =
	"usage: weir checks list [-f FILE] [-o table|wide|json|tsv] [--fields A,B]\n"
	"                   explain [-f FILE] KEY | why ID | test SCRIPT CAPTURE ...\n";

/* argv[0] is list or explain. */
static int known(int argc, char **argv)
{
	struct options o = { 0 };
	bool one = strcmp(argv[0], "explain") == 0;
	const struct option_row options[] = {
		OPTION_FILE(&o.file),
		{ NULL, 'o', OPTION_FORM, &o.out.form },
		{ "fields", 0, OPTION_TEXT, &o.fields },
	};
	int code = OPTIONS_READ(argc, argv, options, usage);
	if (code != EXIT_DONE)
		return code;
	if (argc - optind != one)
		return options_usage(usage);
	o.t = effective_base(o.file);
	if (!o.t)
		return EXIT_FAILED;
	code = one ? explain_key(&o, argv[optind]) : list(&o);
	output_release(&o.out);
	topo_free(o.t);
	return code;
}

int verb_checks(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} verbs[] = { { "list", known }, { "explain", known }, { "why", verb_checks_why }, { "test", verb_checks_test } };
	for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	return options_usage(usage);
}

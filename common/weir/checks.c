/*
 * weir checks list|explain KEY|why ID|test SCRIPT CAPTURE...: the catalogue of native checks; what decided an alert; a Lua check
 * tried out.
 */
#include <stdio.h>
#include <string.h>

#include "checkdef.h"
#include "verbs.h"

static void list(void)
{
	printf("%-38s %-9s %-9s %5s %-3s %s\n", "CHECK", "ENTITY", "SEVERITY", "SCORE", "ON", "TITLE");
	for (size_t i = 0; i < n_checkdefs; i++) {
		const struct checkdef *d = &checkdefs[i];
		printf("%-38s %-9s %-9s %5u %-3s %s\n", d->key, enum_name(enum_entity, d->entity),
		       enum_name(enum_severity, severity_of_score(d->score)), d->score, d->enabled ? "yes" : "no", d->title);
	}
}

static void print_hooks(unsigned hooks)
{
	bool first = true;
	for (unsigned bit = 0; bit < CHECKDEF_HOOKS; bit++)
		if (hooks >> bit & 1) {
			printf("%s%s", first ? "" : ", ", checkdef_hook_names[bit]);
			first = false;
		}
	putchar('\n');
}

static void explain(const struct checkdef *d)
{
	printf("%s: %s\n\n%s\n\n", d->key, d->title, d->description);
	printf("about     %s\ncategory  %s\nscore     %u (client or attacker %u, server or victim %u), %s\ndefault   %s\n",
	       enum_name(enum_entity, d->entity), enum_name(enum_category, d->category), d->score, d->client_score,
	       (unsigned)(d->score - d->client_score), enum_name(enum_severity, severity_of_score(d->score)), d->enabled ? "on" : "off");
	printf("runs      ");
	print_hooks(d->hooks);
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
	for (const struct checkdef_param *p = d->params; p->name; p++) {
		if (p->list)
			printf("\n  %s: a list, default %s\n    %s\n", p->name, p->items ? p->items : "empty", p->doc);
		else
			printf("\n  %s: %.15g %s (from %.15g to %.15g)\n    %s\n", p->name, p->def, p->unit, p->min, p->max, p->doc);
	}
}

int verb_checks(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		list();
		return EXIT_DONE;
	}
	if (argc == 3 && strcmp(argv[1], "explain") == 0) {
		const struct checkdef *d = checkdef_find(argv[2], ENT_OTHER);
		if (d)
			explain(d);
		else
			fprintf(stderr, "weir: no check is named '%s', see weir checks list\n", argv[2]);
		return d ? EXIT_DONE : EXIT_FAILED;
	}
	if (argc >= 2 && strcmp(argv[1], "why") == 0)
		return verb_checks_why(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "test") == 0)
		return verb_checks_test(argc - 1, argv + 1);
	fputs("usage: weir checks list | explain KEY | why ID | test SCRIPT CAPTURE ...\n", stderr);
	return EXIT_USAGE;
}

/* weir checks list|explain KEY|test SCRIPT CAPTURE...: the catalogue of native checks; a Lua check tried out. */
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

static void explain(const struct checkdef *d)
{
	printf("%s: %s\n\n%s\n\n", d->key, d->title, d->description);
	printf("about     %s\ncategory  %s\nscore     %u (client or attacker %u, server or victim %u), %s\ndefault   %s\n",
	       enum_name(enum_entity, d->entity), enum_name(enum_category, d->category), d->score, d->client_score,
	       (unsigned)(d->score - d->client_score), enum_name(enum_severity, severity_of_score(d->score)), d->enabled ? "on" : "off");
	if (*d->mitre)
		printf("mitre     %s\n", d->mitre);
	if (d->risk_id)
		printf("risk      nDPI %u\n", d->risk_id);
	for (const struct checkdef_param *p = d->params; p->name; p++) {
		if (p->list)
			printf("\n  %s: a list, default empty\n    %s\n", p->name, p->doc);
		else
			printf("\n  %s: %g %s (from %g to %g)\n    %s\n", p->name, p->def, p->unit, p->min, p->max, p->doc);
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
	if (argc >= 2 && strcmp(argv[1], "test") == 0)
		return verb_checks_test(argc - 1, argv + 1);
	fputs("usage: weir checks list | explain KEY | test SCRIPT CAPTURE ...\n", stderr);
	return EXIT_USAGE;
}

/* weir checks why ID: the values and thresholds that decided, as the alert in the store has them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "checkdef.h"
#include "options.h"
#include "record.h"
#include "timestamp.h"
#include "verbs.h"

struct value {
	const char *name, *text;
	int name_len, text_len;
};

/* The next 'name=value' line; false at the end. */
static bool next_value(const char **p, const char *end, struct value *v)
{
	if (*p >= end)
		return false;
	const char *nl = memchr(*p, '\n', (size_t)(end - *p));
	const char *stop = nl ? nl : end, *eq = memchr(*p, '=', (size_t)(stop - *p));
	v->name = *p;
	v->name_len = (int)((eq ? eq : stop) - *p);
	v->text = eq ? eq + 1 : stop;
	v->text_len = (int)(stop - v->text);
	*p = stop + (nl != NULL);
	return true;
}

/* The threshold that belongs to a value: 'lost' and 'lost_threshold', 'check.count' and 'check.threshold'. */
static bool threshold_of(const char *list, const char *end, const struct value *of, struct value *ret)
{
	int prefix = of->name_len;
	while (prefix > 0 && of->name[prefix - 1] != '.')
		prefix--;
	for (int loose = 0; loose < 2; loose++)
		for (const char *p = list; next_value(&p, end, ret);) {
			int own = loose ? prefix : of->name_len;
			const char *tail = loose ? "threshold" : "_threshold";
			if (ret->name_len == own + (int)strlen(tail) && memcmp(ret->name, of->name, (size_t)own) == 0 &&
			    memcmp(ret->name + own, tail, strlen(tail)) == 0)
				return true;
		}
	return false;
}

static bool is_threshold(const struct value *v)
{
	static const char word[] = "threshold";
	int n = (int)sizeof word - 1;
	return v->name_len >= n && memcmp(v->name + v->name_len - n, word, (size_t)n) == 0;
}

static bool is_number(const struct value *v)
{
	char text[40], *end;
	snprintf(text, sizeof text, "%.*s", v->text_len, v->text);
	strtod(text, &end);
	return v->text_len > 0 && v->text_len < (int)sizeof text && !*end;
}

/* How long an episode lasted is told beside what decided, and has no threshold. */
static bool is_duration(const struct value *v)
{
	return v->name_len == 8 && memcmp(v->name, "duration", 8) == 0;
}

static void print_values(const char *list, size_t len)
{
	struct value v, t;
	const char *end = list + len;
	for (const char *p = list; next_value(&p, end, &v);) {
		if (is_threshold(&v))
			continue;
		printf("  %-36.*s %.*s", v.name_len, v.name, v.text_len, v.text);
		if (is_duration(&v))
			fputs(" s", stdout);
		else if (is_number(&v) && threshold_of(list, end, &v, &t))
			printf("   (threshold %.*s)", t.text_len, t.text);
		putchar('\n');
	}
}

/* Of a script: what weir.yaml changes. Its own text has the rest. */
static void print_script_parameters(const struct topo_check *c)
{
	if (!c || !c->n_params)
		return;
	puts("\nset now, in weir.yaml:");
	for (size_t i = 0; i < c->n_params; i++) {
		printf("  %-36s ", c->params[i].name);
		for (char **v = c->params[i].values; *v; v++)
			printf("%s%s", *v, v[1] ? ", " : "\n");
	}
}

/* What the check is set to now, which may differ from what it was then. */
static void print_parameters(const struct topo *t, const struct checkdef *d)
{
	const struct topo_check *c = topo_check(t, d->key);
	if (d->params[0].name)
		puts("\nset now, in weir.yaml or by default:");
	for (const struct checkdef_param *p = d->params; p->name; p++) {
		const struct topo_param *set = topo_check_param(c, p->name);
		printf("  %-36s ", p->name);
		if (!p->list && set)
			printf("%s %s\n", set->values[0], p->unit);
		else if (!p->list)
			printf("%.15g %s (default)\n", p->def, p->unit);
		for (char **v = set && p->list ? set->values : NULL; v && *v; v++)
			printf("%s%s", *v, v[1] ? ", " : "\n");
		if (p->list && !set)
			printf("%s (default)\n", p->items ? p->items : "empty");
	}
}

static void print_text(const char *what, const char *base, struct str s)
{
	if (s.len)
		printf("%-12s %.*s\n", what, (int)s.len, base + s.off);
}

static void print_list(const char *what, const char *base, struct str s)
{
	const char *item;
	size_t pos = 0, n;
	while (list_next(base, s, &pos, &item, &n)) {
		printf("%-12s %.*s\n", what, (int)n, item);
		what = "";
	}
}

static void print_time(const char *what, uint64_t ns)
{
	struct buf text = { 0 };
	if (!ns)
		return;
	timestamp_print(&text, ns);
	printf("%-12s %s\n", what, buf_cstr(&text));
	buf_release(&text);
}

static void print_address(const char *what, const struct addr *a)
{
	char text[ADDR_STRLEN];
	if (addr_is_set(a))
		printf("%-12s %s\n", what, addr_str(a, text));
}

static void print_subject(const struct r_alert *r, const char *base)
{
	const struct g_alert *a = &r->alert;
	char client[ADDR_STRLEN], server[ADDR_STRLEN], proto[4];
	if (a->entity == ENT_FLOW)
		printf("%-12s flow %s port %u to %s port %u, %s %.*s\n", "about", addr_str(&r->flow.client, client),
		       r->flow.client_port, addr_str(&r->flow.server, server), r->flow.server_port,
		       proto_name(r->flow.proto, proto), (int)r->flow_app.app.len, str_ptr(base, r->flow_app.app));
	else
		printf("%-12s %s %.*s\n", "about", enum_name(enum_entity, a->entity), (int)a->entity_val.len,
		       base + a->entity_val.off);
	print_address("attacker", &a->attacker);
	print_address("victim", &a->victim);
}

static void print_alert(const struct topo *t, const struct r_alert *r, const char *base)
{
	const struct g_alert *a = &r->alert;
	char key[80];
	printf("%.*s (%.*s), %s, score %u: client or attacker %u, server or victim %u\n\n", (int)a->title.len,
	       base + a->title.off, (int)a->check.len, base + a->check.off, enum_name(enum_severity, a->severity), a->score,
	       a->client_score, a->server_score);
	print_text("because", base, a->message);
	print_subject(r, base);
	print_time(a->action == ACT_STORE ? "when" : "since", a->time);
	print_time("until", a->end);
	if (a->granularity)
		printf("%-12s every %u s\n", "looked at", a->granularity);
	print_list("checks", base, a->others);
	print_list("lists", base, r->flow_judge.lists);
	print_list("kept out by", base, r->flow_judge.excluded);
	if (a->values.len)
		puts("\nwhat decided:");
	print_values(base + a->values.off, a->values.len);
	snprintf(key, sizeof key, "%.*s", (int)a->check.len, base + a->check.off);
	const struct checkdef *d = checkdef_find(key, (enum entity)a->entity);
	if (d)
		print_parameters(t, d);
	else
		print_script_parameters(topo_check(t, key));
}

static int show(const struct topo *t, const char *id)
{
	struct buf strs = { 0 }, body = { 0 };
	struct r_query q = { .query = { .limit = 1 } };
	struct g_answer a;
	struct codec_reader r;
	static struct r_alert alert;
	int code;
	q.query.what = str_put_raw(&strs, "alerts", 6);
	q.query.filter.off = (uint32_t)strs.len;
	buf_addf(&strs, "id = %s", id);
	q.query.filter.len = (uint32_t)strs.len - q.query.filter.off;
	code = ask_process(t, "alertd", "query", R_QUERY, &q, strs.p, &body, &a, &r);
	if (code == EXIT_DONE && (!a.count || codec_peek(&r) != R_ALERT || codec_read(&r, &alert) != 1)) {
		fprintf(stderr, "weir: no alert has the id %s\n", id);
		code = EXIT_FAILED;
	} else if (code == EXIT_DONE) {
		print_alert(t, &alert, r.base);
	}
	buf_release(&strs);
	buf_release(&body);
	return code;
}

int verb_checks_why(int argc, char **argv)
{
	static const char usage[] = "usage: weir checks why [-f FILE] ID\n";
	const char *file = NULL;
	const struct option_row options[] = { OPTION_FILE(&file) };
	struct id id;
	int rc = OPTIONS_READ(argc, argv, options, usage);
	if (rc)
		return rc;
	if (optind + 1 != argc)
		return options_usage(usage);
	if (id_parse(argv[optind], strlen(argv[optind]), &id) < 0) {
		fprintf(stderr, "weir: '%s' is no id of an alert\n", argv[optind]);
		return EXIT_USAGE;
	}
	struct topo *t = config_load(file);
	int code = t ? show(t, argv[optind]) : EXIT_FAILED;
	topo_free(t);
	return code;
}

/*
 * The sections that say what is what and what is wanted: pools, lists, exclusions, rules. Each names things of one kind that
 * are read, printed and freed by a table of keys; what goes beyond single values is in a check function of the kind.
 */
#include <stdlib.h>
#include <string.h>

#include "checkdef.h"
#include "expr.h"
#include "schedule.h"
#include "topo_keys.h"

#define DAY (86400 * SECOND)

/* -- what texts have to be -- */

static bool one_of(const char *s, const char *const *words, struct buf *why)
{
	for (size_t i = 0; words[i]; i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	buf_adds(why, "not ");
	for (size_t i = 0; words[i]; i++)
		buf_addf(why, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
	return false;
}

static bool good_kind(const char *s, struct buf *why)
{
	static const char *const words[] = { "address", "domain", "url", "ja3", NULL };
	return one_of(s, words, why);
}

static bool good_format(const char *s, struct buf *why)
{
	static const char *const words[] = { "plain", "hosts", "csv", "json", NULL };
	return one_of(s, words, why);
}

static bool good_entity(const char *s, struct buf *why)
{
	static const char *const words[] = { "flow", "host", "sensor", NULL };
	return one_of(s, words, why);
}

static bool good_category(const char *s, struct buf *why)
{
	return one_of(s, enum_category, why);
}

static bool good_separator(const char *s, struct buf *why)
{
	if (strlen(s) == 1 || strcmp(s, "tab") == 0)
		return true;
	buf_adds(why, "not one character, nor 'tab'");
	return false;
}

static bool good_mac(const char *s, struct buf *why)
{
	struct mac m;
	if (mac_parse(s, strlen(s), &m) == 0)
		return true;
	buf_adds(why, "not a MAC address");
	return false;
}

static bool good_number(const char *s, struct buf *why)
{
	double v;
	if (expr_number(s, &v))
		return true;
	buf_adds(why, "not a number, maybe with K, M, G or Ki, Mi, Gi");
	return false;
}

static bool good_when(const char *s, struct buf *why)
{
	struct schedule schedule;
	return schedule_parse(s, &schedule, why);
}

static bool good_file(const char *s, struct buf *why)
{
	if (!topo_is_missing(s))
		return true;
	buf_adds(why, "no such file");
	return false;
}

/* -- the tables -- */

#define P(member) offsetof(struct topo_pool, member)
static const struct topo_key pool_keys[] = {
	{ "networks", K_NETS, P(nets), NULL, "networks and addresses of the pool" },
	{ "macs", K_LIST, P(macs), NULL, "MAC addresses of the pool", .good = good_mac },
	{ 0 },
};

#define L(member) offsetof(struct topo_list, member)
static const struct topo_key list_keys[] = {
	{ "file", K_STR, L(file), NULL, "where the list is", .good = good_file },
	{ "kind", K_STR, L(kind), "address", "what is on it: address, domain, url or ja3", .good = good_kind },
	{ "format", K_STR, L(format), "plain", "plain (one a line), hosts, csv or json (one object a line)", .good = good_format },
	{ "column", K_STR, L(column), "1", "csv: number or name of the column; json: name of the member" },
	{ "separator", K_STR, L(separator), ",", "csv: between two columns; tab", .good = good_separator },
	{ "allow", K_BOOL, L(allow), "no", "what is on it is good, whatever other lists say" },
	{ "score", K_U32, L(score), "100", "score of the alert on a flow with what is on it; 0 = none", 0, 1000 },
	{ 0 },
};

#define X(member) offsetof(struct topo_exclusion, member)
static const struct topo_key exclusion_keys[] = {
	{ "match", K_TEXT, X(match), NULL, "which findings, see weir-match(7)" },
	{ "comment", K_TEXT, X(comment), NULL, "why" },
	{ "expires", K_TIME, X(expires), NULL, "packet time from which it is void" },
	{ 0 },
};

#define R(member) offsetof(struct topo_rule, member)
static const struct topo_key rule_keys[] = {
	{ "entity", K_STR, R(entity), "flow", "what is looked at: flow, host or sensor (all its flows together)", .good = good_entity },
	{ "match", K_TEXT, R(match), NULL, "which of them, see weir-match(7); all if not set" },
	{ "value", K_TEXT, R(value), NULL, "number to look at, an expression over fields" },
	{ "above", K_STR, R(above), NULL, "fires when the value is larger", .good = good_number },
	{ "below", K_STR, R(below), NULL, "fires when the value is smaller", .good = good_number },
	{ "window", K_DUR, R(window), "0", "look at what the value grew by within this time", 0, 366 * DAY },
	{ "rate", K_BOOL, R(rate), "no", "per second of the window" },
	{ "for", K_DUR, R(hold), "0", "time it has to be so before it fires", 0, 366 * DAY },
	{ "when", K_STR, R(when), NULL, "times of the week, such as 'outside mon-fri 08:00-18:00'", .good = good_when },
	{ "score", K_U32, R(score), "50", "score of the alert", 1, 1000 },
	{ "category", K_STR, R(category), "security", "category of the alert", .good = good_category },
	{ "title", K_TEXT, R(title), NULL, "title of the alert; the rule's name if not set" },
	{ "message", K_TEXT, R(message), NULL, "sentence with fields in braces: '{client.ip} sent {value} bytes'" },
	{ "mitre", K_STR, R(mitre), NULL, "MITRE ATT&CK technique" },
	{ 0 },
};

/* -- what goes beyond single values -- */

static void check_pool(struct topo_parser *p, void *obj, const struct ynode *n)
{
	const struct topo_pool *pool = obj;
	if (!pool->n_nets && !pool->macs)
		topo_report_key(p, n, "pool '%s' has neither networks nor macs", pool->named.name);
}

static void check_list(struct topo_parser *p, void *obj, const struct ynode *n)
{
	const struct topo_list *l = obj;
	if (!l->file && topo_member(n, "file") == n)
		topo_report_key(p, n, "list '%s' has no file", l->named.name);
}

static void check_exclusion(struct topo_parser *p, void *obj, const struct ynode *n)
{
	const struct topo_exclusion *x = obj;
	if (x->match)
		topo_check_match(p, x->match, R_ALERT, topo_member(n, "match"));
	else if (topo_member(n, "match") == n)
		topo_report_key(p, n, "exclusion '%s' has no match: it would exclude everything", x->named.name);
}

/* Every {field} of a message is one. */
static void check_message(struct topo_parser *p, const char *s, enum rtype type, const struct ynode *n)
{
	char name[96];
	unsigned off;
	while ((s = strchr(s, '{')) != NULL) {
		size_t len = strcspn(++s, "}");
		if (!s[len] || len >= sizeof name) {
			topo_report_value(p, n, "message: a '}' is missing");
			return;
		}
		memcpy(name, s, len);
		name[len] = '\0';
		if (strcmp(name, "value") != 0 && strcmp(name, "threshold") != 0 && !rdesc_field(rdesc_get(type), name, &off))
			topo_report_value(p, n, "message: %s records have no field '%s'", rdesc_get(type)->name, name);
	}
}

static void check_rule(struct topo_parser *p, void *obj, const struct ynode *n)
{
	const struct topo_rule *r = obj;
	enum rtype type = strcmp(r->entity, "host") == 0 ? R_HOST : R_FLOW;
	struct match_error e;
	struct expr *x = NULL;
	if (r->match)
		topo_check_match(p, r->match, type, topo_member(n, "match"));
	if (r->value && !(x = expr_parse(r->value, type, &e)))
		topo_report_text(p, topo_member(n, "value"), &e);
	expr_free(x);
	if (r->message)
		check_message(p, r->message, type, topo_member(n, "message"));
	if (r->value && !r->above == !r->below)
		topo_report_key(p, n, "rule '%s': one of above and below was expected beside value", r->named.name);
	if (!r->value && (r->above || r->below || r->window || r->rate))
		topo_report_key(p, n, "rule '%s' has no value that could be compared", r->named.name);
	if (!r->value && !r->match)
		topo_report_key(p, n, "rule '%s' has neither match nor value: it would always fire", r->named.name);
	if (r->rate && !r->window)
		topo_report_key(p, topo_member(n, "rate"), "rule '%s': a rate needs a window", r->named.name);
	if (strcmp(r->entity, "sensor") == 0 && !r->window)
		topo_report_key(p, n, "rule '%s': a sensor's flows are looked at together within a window", r->named.name);
	if (checkdef_find(r->named.name, ENT_OTHER))
		topo_report_key(p, n, "a check is named '%s' already", r->named.name);
}

/* -- the kinds -- */

struct kind {
	const char *section, *what, *example;
	const struct topo_key *keys;
	size_t size;       /* of a member; it begins with struct topo_named */
	size_t off, off_n; /* of the array and its length in struct topo */
	unsigned max;
	void (*check)(struct topo_parser *p, void *obj, const struct ynode *n);
};

#define T(member) offsetof(struct topo, member)
enum { POOLS, LISTS, EXCLUSIONS, RULES, N_KINDS };
static const struct kind kinds[] = {
	[POOLS] = { "pools", "pool", "{networks: [192.168.7.0/24]}", pool_keys, sizeof(struct topo_pool), T(pools), T(n_pools), 1000,
		    check_pool },
	[LISTS] = { "lists", "list", "{file: /etc/weir/blocked.netset}", list_keys, sizeof(struct topo_list), T(lists),
		    T(n_lists), TOPO_MAX_LISTS, check_list },
	[EXCLUSIONS] = { "exclusions", "exclusion", "{match: \"check = syn_scan and host = 10.0.0.7\"}", exclusion_keys,
			 sizeof(struct topo_exclusion), T(exclusions), T(n_exclusions), 1000, check_exclusion },
	[RULES] = { "rules", "rule", "{match: \"app = BitTorrent\"}", rule_keys, sizeof(struct topo_rule), T(rules), T(n_rules), TOPO_MAX_RULES,
		    check_rule },
};

static char **array_of(const struct kind *k, const struct topo *t)
{
	return (char **)((char *)t + k->off);
}

static size_t *count_of(const struct kind *k, const struct topo *t)
{
	return (size_t *)((char *)t + k->off_n);
}

static void *member_at(const struct kind *k, const struct topo *t, size_t i)
{
	return *array_of(k, t) + i * k->size;
}

static bool is_known(const struct kind *k, const struct topo *t, const char *name)
{
	for (size_t i = 0; i < *count_of(k, t); i++)
		if (strcmp(((struct topo_named *)member_at(k, t, i))->name, name) == 0)
			return true;
	return false;
}

bool topo_policy_names(const struct topo *t, const char *name)
{
	return is_known(&kinds[LISTS], t, name) || is_known(&kinds[RULES], t, name);
}

static void read_kind(struct topo_parser *p, const struct kind *k, const struct ynode *map)
{
	size_t *count = count_of(k, p->t);
	for (const struct ynode *n = map->child; n; n = n->next) {
		char *where;
		if (!topo_good_member(p, n, k->what, k->example) || is_known(k, p->t, n->key))
			continue;
		if (*count == k->max) {
			topo_report_key(p, n, "more than %u %s", k->max, k->section);
			return;
		}
		*array_of(k, p->t) = xrealloc(*array_of(k, p->t), (*count + 1) * k->size);
		struct topo_named *obj = member_at(k, p->t, (*count)++);
		memset(obj, 0, k->size);
		*obj = (struct topo_named){ xstrdup(n->key), n->line, n->column };
		topo_defaults(k->keys, obj);
		where = xasprintf(" of %s '%s'", k->what, n->key);
		topo_read_map(p, k->keys, obj, n, where, NULL);
		k->check(p, obj, n);
		free(where);
	}
}

void topo_read_pools(struct topo_parser *p, const struct ynode *map)
{
	read_kind(p, &kinds[POOLS], map);
}

void topo_read_lists(struct topo_parser *p, const struct ynode *map)
{
	read_kind(p, &kinds[LISTS], map);
}

void topo_read_exclusions(struct topo_parser *p, const struct ynode *map)
{
	read_kind(p, &kinds[EXCLUSIONS], map);
}

void topo_read_rules(struct topo_parser *p, const struct ynode *map)
{
	read_kind(p, &kinds[RULES], map);
}

void topo_print_policy(struct buf *out, const struct topo *t)
{
	for (const struct kind *k = kinds; k < kinds + N_KINDS; k++) {
		size_t n = *count_of(k, t);
		buf_addf(out, "%s:%s\n", k->section, n ? "" : " {}");
		for (size_t i = 0; i < n; i++) {
			buf_addf(out, "  \"%s\":\n", ((struct topo_named *)member_at(k, t, i))->name);
			topo_print_keys(out, k->keys, member_at(k, t, i), 4);
		}
	}
}

const struct topo_key *topo_keys_of(const char *name)
{
	static const struct {
		const char *name;
		const struct topo_key *keys;
	} others[] = { { "root", topo_root_keys }, { "sensor", topo_sensor_keys }, { "link", topo_link_keys },
		       { "recipient", topo_recipient_keys } };
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strcmp(others[i].name, name) == 0)
			return others[i].keys;
	for (const struct kind *k = kinds; k < kinds + N_KINDS; k++)
		if (strcmp(k->what, name) == 0)
			return k->keys;
	return NULL;
}

static void free_kind(const struct kind *k, struct topo *t)
{
	for (size_t i = 0; i < *count_of(k, t); i++) {
		topo_free_keys(k->keys, member_at(k, t, i));
		free(((struct topo_named *)member_at(k, t, i))->name);
	}
	free(*array_of(k, t));
	*array_of(k, t) = NULL;
	*count_of(k, t) = 0;
}

void topo_forget_exclusions(struct topo *t)
{
	free_kind(&kinds[EXCLUSIONS], t);
}

void topo_free_policy(struct topo *t)
{
	for (const struct kind *k = kinds; k < kinds + N_KINDS; k++)
		free_kind(k, t);
}

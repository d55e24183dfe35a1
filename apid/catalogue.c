/* What checks there are: those of the catalogue and the rules of weir.yaml, as they are set here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkdef.h"
#include "codec.h"
#include "list.h"
#include "problem.h"

static struct str put(struct buf *b, const char *s)
{
	return s ? str_put_raw(b, s, strlen(s)) : (struct str){ 0, 0 };
}

static struct str put_hooks(struct buf *strs, unsigned hooks)
{
	struct buf b = { 0 };
	for (unsigned bit = 0; bit < CHECKDEF_HOOKS; bit++)
		if (hooks >> bit & 1)
			buf_addf(&b, "%s%s", b.len ? "\n" : "", checkdef_hook_names[bit]);
	struct str s = str_put_raw(strs, b.p, b.len);
	buf_release(&b);
	return s;
}

/* Parameters that are numbers: what the topology says, else what the catalogue does. */
static struct str put_params(struct buf *strs, const struct checkdef *d, const struct topo_check *set)
{
	struct buf b = { 0 };
	for (const struct checkdef_param *p = d->params; p->name; p++) {
		const struct topo_param *own = set ? topo_check_param(set, p->name) : NULL;
		if (p->list)
			continue;
		buf_addf(&b, "%s%s=", b.len ? "\n" : "", p->name);
		if (own)
			buf_adds(&b, own->values[0]);
		else
			buf_addf(&b, "%.15g", p->def);
	}
	struct str s = str_put_raw(strs, b.p, b.len);
	buf_release(&b);
	return s;
}

static void add_native(struct live *table, const struct topo *t, const struct checkdef *d)
{
	const struct topo_check *set = topo_check(t, d->key);
	struct buf strs = { 0 };
	char name[160];
	struct r_check c = { .check = {
		.entity = (uint8_t)d->entity, .category = (uint8_t)d->category, .severity = (uint8_t)severity_of_score(d->score),
		.score = d->score, .type_id = d->type_id, .risk_id = d->risk_id, .changed = set && set->line,
		.enabled = set && set->enabled_set ? set->enabled : d->enabled } };
	c.check.key = put(&strs, d->key);
	c.check.title = put(&strs, d->title);
	c.check.description = put(&strs, d->description);
	c.check.mitre = put(&strs, d->mitre);
	c.check.source = put(&strs, "native");
	c.check.when = put_hooks(&strs, d->hooks);
	c.check.params = put_params(&strs, d, set);
	/* An alert key may exist for a flow and for a host. */
	int n = snprintf(name, sizeof name, "%s %s", enum_name(enum_entity, d->entity), d->key);
	live_put_named(table, name, (size_t)n, &c, strs.p);
	buf_release(&strs);
}

static void add_rule(struct live *table, const struct topo_rule *rule)
{
	struct buf strs = { 0 };
	int entity = enum_value(enum_entity, strcmp(rule->entity, "sensor") == 0 ? "interface" : rule->entity);
	int category = rule->category ? enum_value(enum_category, rule->category) : CAT_OTHER;
	struct r_check c = { .check = { .entity = entity < 0 ? ENT_OTHER : (uint8_t)entity,
					.category = category < 0 ? CAT_OTHER : (uint8_t)category, .enabled = true, .changed = true,
					.severity = (uint8_t)severity_of_score(rule->score), .score = (uint16_t)rule->score } };
	c.check.key = put(&strs, rule->named.name);
	c.check.title = put(&strs, rule->title ? rule->title : rule->named.name);
	c.check.mitre = put(&strs, rule->mitre);
	c.check.source = put(&strs, "rule");
	live_put_named(table, rule->named.name, strlen(rule->named.name), &c, strs.p);
	buf_release(&strs);
}

static struct live *make_table(const struct topo *t)
{
	struct live *table = live_new(R_CHECK, n_checkdefs + t->n_rules + 1);
	for (size_t i = 0; i < n_checkdefs; i++)
		add_native(table, t, &checkdefs[i]);
	for (size_t i = 0; i < t->n_rules; i++)
		add_rule(table, &t->rules[i]);
	return table;
}

static void answer(struct apid *k, struct request *r, const char *fields)
{
	struct list *l = list_read(k, r, R_CHECK);
	if (!l)
		return;
	if (fields && !l->p.fields)
		params_fields(&l->p, fields);
	struct live *table = make_table(k->c->topo);
	list_live(l, table, "key");
	live_free(table);
}

void get_checks(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	answer(arg, r, NULL);
}

void get_alert_types(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	answer(arg, r, "key,entity,title,description,category,severity,score,mitre,type_id,risk_id");
}

/* Of two with one key, that of flows. */
void get_check(void *arg, struct request *r, const struct route *rt, const char *key)
{
	(void)rt;
	struct apid *k = arg;
	struct buf expression = { 0 };
	struct live *table = make_table(k->c->topo);
	buf_adds(&expression, "key = ");
	match_quote(&expression, key, strlen(key));
	list_one(list_new(k, r, R_CHECK, true), table, buf_cstr(&expression), "-entity");
	buf_release(&expression);
	live_free(table);
}

/* The file of the configuration is the one place that has it: what a check did is to be found there, and in its history. */
void patch_check(void *arg, struct request *r, const struct route *rt, const char *key)
{
	(void)arg, (void)rt, (void)key;
	request_header_add(r, "Allow", "GET, HEAD");
	request_problem(r, 405, "checks are set in weir.yaml, see checks in weir.yaml(5), and take effect with a reload", NULL);
}

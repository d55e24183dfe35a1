#include "checkrec.h"

#include <string.h>

#include "codec.h"

static struct str put(struct buf *b, const char *s)
{
	return s ? str_put_raw(b, s, strlen(s)) : (struct str){ 0, 0 };
}

static struct str put_hooks(struct buf *strs, unsigned hooks)
{
	struct buf b = { 0 };
	checkdef_names(&b, "\n", hooks, checkdef_hook_names);
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

void checkrec_def(struct g_check *ret, struct buf *strs, const struct checkdef *d, const struct topo_check *set, const char *source)
{
	*ret = (struct g_check){ .entity = (uint8_t)d->entity, .category = (uint8_t)d->category,
				 .severity = (uint8_t)severity_of_score(d->score), .score = d->score, .type_id = d->type_id,
				 .risk_id = d->risk_id, .changed = set && set->line,
				 .enabled = set && set->enabled_set ? set->enabled : d->enabled };
	ret->key = put(strs, d->key);
	ret->title = put(strs, d->title);
	ret->description = put(strs, d->description);
	ret->mitre = put(strs, d->mitre);
	ret->source = put(strs, source);
	ret->when = put_hooks(strs, d->hooks);
	ret->params = put_params(strs, d, set);
}

void checkrec_rule(struct g_check *ret, struct buf *strs, const struct topo_rule *rule)
{
	int entity = enum_value(enum_entity, strcmp(rule->entity, "sensor") == 0 ? "interface" : rule->entity);
	int category = rule->category ? enum_value(enum_category, rule->category) : CAT_OTHER;
	*ret = (struct g_check){ .entity = entity < 0 ? ENT_OTHER : (uint8_t)entity,
				 .category = category < 0 ? CAT_OTHER : (uint8_t)category, .enabled = true, .changed = true,
				 .severity = (uint8_t)severity_of_score(rule->score), .score = (uint16_t)rule->score };
	ret->key = put(strs, rule->named.name);
	ret->title = put(strs, rule->title ? rule->title : rule->named.name);
	ret->mitre = put(strs, rule->mitre);
	ret->source = put(strs, "rule");
}

void checkrec_each(const struct topo *t, void (*cb)(void *arg, const struct r_check *rec, const char *base), void *arg)
{
	struct buf strs = { 0 };
	struct r_check r;
	for (size_t i = 0; i < n_checkdefs + t->n_rules; i++) {
		buf_reset(&strs);
		if (i < n_checkdefs)
			checkrec_def(&r.check, &strs, &checkdefs[i], topo_check(t, checkdefs[i].key), "native");
		else
			checkrec_rule(&r.check, &strs, &t->rules[i - n_checkdefs]);
		cb(arg, &r, strs.p);
	}
	buf_release(&strs);
}

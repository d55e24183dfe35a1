#include "catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkrec.h"
#include "codec.h"
#include "list.h"
#include "problem.h"

#define ASK_MS      2000
#define MAX_SCRIPTS 4096 /* more than checks loads */

/* An alert key may exist for a flow and for a host. */
static void put(void *table, const struct r_check *rec, const char *base)
{
	char name[160];
	int n = snprintf(name, sizeof name, "%s %.*s", enum_name(enum_entity, rec->check.entity), (int)rec->check.key.len,
			 str_ptr(base, rec->check.key));
	live_put_named(table, name, (size_t)n < sizeof name ? (size_t)n : sizeof name - 1, rec, base);
}

static bool put_script(void *table, const void *rec, const char *base)
{
	put(table, rec, base);
	return true;
}

struct live *catalogue_table(const struct apid *k)
{
	const struct topo *t = k->c->topo;
	struct live *table = live_new(R_CHECK, n_checkdefs + t->n_rules + MAX_SCRIPTS);
	checkrec_each(t, put, table);
	if (k->scripts)
		live_each(k->scripts, NULL, put_script, table);
	return table;
}

/* -- scripts: what checks has loaded -- */

static void on_scripts(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	struct apid *k = arg;
	struct r_check rec;
	k->asking_scripts = false;
	if (!a || a->status != 200)
		return;
	live_free(k->scripts);
	k->scripts = live_new(R_CHECK, MAX_SCRIPTS);
	for (uint32_t i = 0; i < a->count && codec_peek(r) == R_CHECK && codec_read(r, &rec) == 1; i++)
		put(k->scripts, &rec, r->base);
}

void catalogue_refresh(struct apid *k)
{
	static const char what[] = "scripts";
	const struct r_snapshot q = { .snapshot.what = { 0, sizeof what - 1 } };
	if (k->asking_scripts || mono_ns() - k->checks.heard > HEARD_NS)
		return;
	k->asking_scripts = link_ask(k->c->loop, k->checks_url, R_SNAPSHOT, &q, what, ASK_MS, on_scripts, k) == 0;
}

/* -- resources -- */

static void answer(struct apid *k, struct request *r, const char *fields)
{
	struct list *l = list_read(k, r, R_CHECK);
	if (!l)
		return;
	if (fields && !l->p.fields)
		params_fields(&l->p, fields);
	struct live *table = catalogue_table(k);
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
	struct live *table = catalogue_table(k);
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

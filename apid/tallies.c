/* Applications, categories, autonomous systems and networks: the live view added up by what its flows or hosts have in common. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "hash.h"
#include "list.h"
#include "ndpi_names.h"

/* Sums, each found by its key. */
struct tallies {
	struct r_tally *rows;
	uint32_t *buckets; /* index of a row + 1; 0 = free. Twice as many as there is room for rows. */
	uint32_t n, room;
	struct buf strs;   /* of the rows */
	enum tally { BY_APP, BY_CATEGORY, BY_ASN, BY_NETWORK } by;
};

static uint32_t *bucket_of(struct tallies *t, const char *key, size_t len)
{
	uint32_t mask = 2 * t->room - 1, i = (uint32_t)hash_content(key, len, 0) & mask;
	while (t->buckets[i]) {
		struct str k = t->rows[t->buckets[i] - 1].tally.key;
		if (k.len == len && memcmp(str_ptr(t->strs.p, k), key, len) == 0)
			break;
		i = (i + 1) & mask;
	}
	return &t->buckets[i];
}

static void grow(struct tallies *t)
{
	t->room = t->room ? 2 * t->room : 256;
	t->rows = xrealloc(t->rows, t->room * sizeof *t->rows);
	free(t->buckets);
	t->buckets = xcalloc(2ull * t->room, sizeof *t->buckets);
	for (uint32_t i = 0; i < t->n; i++) {
		struct str key = t->rows[i].tally.key;
		*bucket_of(t, str_ptr(t->strs.p, key), key.len) = i + 1;
	}
}

/* The row of a key, made if there is none. Good until the next call. */
static struct g_tally *tally_of(struct tallies *t, const char *key, size_t len)
{
	if (t->n == t->room)
		grow(t);
	uint32_t *b = bucket_of(t, key, len);
	if (!*b) {
		t->rows[t->n] = (struct r_tally){ .tally.key = str_put_raw(&t->strs, key, len) };
		*b = ++t->n;
	}
	return &t->rows[*b - 1].tally;
}

static void set_text(struct tallies *t, struct str *to, const char *base, struct str text)
{
	if (!to->len && text.len)
		*to = str_put_raw(&t->strs, str_ptr(base, text), text.len);
}

/* -- from the live view -- */

static bool add_flow(void *arg, const void *rec, const char *base)
{
	struct tallies *t = arg;
	const struct r_flow *f = rec;
	struct str key = t->by == BY_APP ? f->app.app : f->app.category;
	struct g_tally *x = key.len ? tally_of(t, str_ptr(base, key), key.len) : tally_of(t, "Unknown", 7);
	if (t->by == BY_APP) {
		x->number = f->app.app_id;
		set_text(t, &x->category, base, f->app.category);
		set_text(t, &x->breed, base, f->app.breed);
	} else {
		x->number = f->app.category_id;
	}
	x->flows++;
	x->alerted += f->judge.score > 0;
	x->bytes_sent += f->n.client_bytes;
	x->bytes_rcvd += f->n.server_bytes;
	x->bytes = x->bytes_sent + x->bytes_rcvd;
	x->packets += f->n.client_packets + f->n.server_packets;
	x->score += f->judge.score;
	x->last = f->n.last > x->last ? f->n.last : x->last;
	return true;
}

static bool add_host(void *arg, const void *rec, const char *base)
{
	struct tallies *t = arg;
	const struct g_host *h = &((const struct r_host *)rec)->host;
	char asn[12];
	int len = snprintf(asn, sizeof asn, "%" PRIu32, h->asn);
	bool by_asn = t->by == BY_ASN;
	if (by_asn ? !h->asn : !h->network.len)
		return true;
	struct g_tally *x = by_asn ? tally_of(t, asn, (size_t)len) : tally_of(t, str_ptr(base, h->network), h->network.len);
	if (by_asn) {
		x->number = h->asn;
		set_text(t, &x->name, base, h->as_name);
	}
	x->hosts++;
	x->flows += h->flows_active;
	x->alerted += h->alerts;
	x->bytes_sent += h->bytes_sent;
	x->bytes_rcvd += h->bytes_rcvd;
	x->bytes = x->bytes_sent + x->bytes_rcvd;
	x->packets += h->packets_sent + h->packets_rcvd;
	x->score += h->score;
	x->last = h->last > x->last ? h->last : x->last;
	return true;
}

/* -- what is known without having been seen -- */

static void add_apps(struct tallies *t)
{
	for (size_t i = 0; i < n_ndpi_apps; i++) {
		const char *category = ndpi_category_name(ndpi_apps[i].category);
		struct g_tally *x = tally_of(t, ndpi_apps[i].name, strlen(ndpi_apps[i].name));
		x->number = (uint32_t)ndpi_apps[i].id;
		x->category = str_put_raw(&t->strs, category, strlen(category));
	}
}

static void add_categories(struct tallies *t)
{
	for (size_t i = 0; i < n_ndpi_categories; i++)
		tally_of(t, ndpi_categories[i].name, strlen(ndpi_categories[i].name))->number = (uint32_t)ndpi_categories[i].id;
}

static void add_networks(struct tallies *t, const struct topo *topo)
{
	char text[ADDR_STRLEN + 4];
	for (size_t i = 0; i < topo->n_local; i++) {
		cidr_str(&topo->local[i], text);
		tally_of(t, text, strlen(text));
	}
}

/* -- the answer -- */

static struct match *of_sensor(const char *name, enum rtype type)
{
	struct match_error e;
	struct buf b = { 0 };
	buf_adds(&b, "sensor = ");
	match_quote(&b, name, strlen(name));
	struct match *m = match_parse(buf_cstr(&b), type, &e);
	buf_release(&b);
	return m;
}

static void add_seen(struct tallies *t, const struct apid *k, const char *sensor)
{
	bool flows = t->by <= BY_CATEGORY;
	struct match *m = sensor ? of_sensor(sensor, flows ? R_FLOW : R_HOST) : NULL;
	live_each(flows ? k->flows : k->hosts, m, flows ? add_flow : add_host, t);
	match_free(m);
}

void get_tally(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)id;
	static const char *const names[] = { [BY_APP] = "apps", [BY_CATEGORY] = "categories", [BY_ASN] = "asns", [BY_NETWORK] = "networks" };
	struct apid *k = arg;
	struct list *l = list_read(k, r, R_TALLY);
	struct tallies t = { .by = BY_APP };
	if (!l)
		return;
	const char *sensor = uri_param(request_uri(r), "sensor");
	if (sensor && !topo_sensor(k->c->topo, sensor)) {
		list_bad_param(l, "sensor", "there is none of this name");
		return;
	}
	while (strcmp(names[t.by], strrchr(rt->path, '/') + 1) != 0)
		t.by++;
	if (t.by == BY_APP)
		add_apps(&t);
	else if (t.by == BY_CATEGORY)
		add_categories(&t);
	else if (t.by == BY_NETWORK)
		add_networks(&t, k->c->topo);
	add_seen(&t, k, sensor);
	struct live *table = live_new(R_TALLY, t.n + 1);
	for (uint32_t i = 0; i < t.n; i++)
		live_put_named(table, str_ptr(t.strs.p, t.rows[i].tally.key), t.rows[i].tally.key.len, &t.rows[i], t.strs.p);
	list_live(l, table, "-bytes");
	live_free(table);
	free(t.rows);
	free(t.buckets);
	buf_release(&t.strs);
}

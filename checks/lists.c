#include "lists.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "lists_priv.h"
#include "log.h"

#define MAX_TEXT 2048

struct lists {
	struct list *list;
	unsigned n;
};

/* -- entries -- */

static bool is_hex(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isxdigit((unsigned char)s[i]))
			return false;
	return true;
}

static size_t lower(const char *s, size_t len, char *out, size_t upto)
{
	for (size_t i = 0; i < len; i++)
		out[i] = i < upto ? (char)tolower((unsigned char)s[i]) : s[i];
	return len;
}

static bool is_domain(const char *s, size_t len)
{
	size_t label = 0;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '.' ? label == 0 : !(isalnum((unsigned char)s[i]) || s[i] == '-' || s[i] == '_' || (unsigned char)s[i] >= 0x80))
			return false;
		label = s[i] == '.' ? 0 : label + 1;
		if (label > 63) /* RFC 1035 section 2.3.4 */
			return false;
	}
	return len > 0 && len < 254 && label > 0;
}

/* Lower case, without scheme, leading '*.' or trailing dot, as the kind compares. Length in out, 0 if it is none. */
static size_t normalise(enum list_kind kind, const char *s, size_t len, char *out, size_t size)
{
	const char *scheme;
	switch (kind) {
	case LIST_DOMAIN:
		if (len > 2 && s[0] == '*' && s[1] == '.')
			s += 2, len -= 2;
		else if (len > 1 && s[0] == '.')
			s++, len--;
		if (len && s[len - 1] == '.')
			len--;
		return len < size && is_domain(s, len) ? lower(s, len, out, len) : 0;
	case LIST_URL:
		scheme = memmem(s, len, "://", 3);
		if (scheme && scheme < s + 10) {
			len -= (size_t)(scheme + 3 - s);
			s = scheme + 3;
		}
		const char *slash = memchr(s, '/', len);
		if (!slash || slash == s || len >= size)
			return 0;
		return lower(s, len, out, (size_t)(slash - s));
	case LIST_JA3:
		return len == 32 && size > 32 && is_hex(s, len) ? lower(s, len, out, len) : 0;
	case LIST_ADDRESS:
		break;
	}
	return 0;
}

static struct digest digest_of(const char *s, size_t len)
{
	uint64_t h[2];
	hash_content128(s, len, 0, h);
	return (struct digest){ h[0] | 1, h[1] };
}

static struct digest *slot_of(const struct list *l, struct digest d)
{
	size_t i = (size_t)d.b & (l->cap_set - 1);
	while (l->set[i].a && (l->set[i].a != d.a || l->set[i].b != d.b))
		i = (i + 1) & (l->cap_set - 1);
	return &l->set[i];
}

static bool has_digest(const struct list *l, struct digest d)
{
	return l->n_set && slot_of(l, d)->a;
}

static void grow(struct list *l)
{
	struct digest *old = l->set;
	size_t n = l->cap_set;
	l->cap_set = n ? 2 * n : 256;
	l->set = xcalloc(l->cap_set, sizeof *l->set);
	for (size_t i = 0; i < n; i++)
		if (old[i].a)
			*slot_of(l, old[i]) = old[i];
	free(old);
}

static void add_digest(struct list *l, struct digest d)
{
	if (2 * (l->n_set + 1) > l->cap_set)
		grow(l);
	struct digest *s = slot_of(l, d);
	l->n_set += !s->a;
	*s = d;
}

/* The addresses of a network, a range or one address. */
static bool read_range(const char *s, size_t len, struct range *r)
{
	const char *dash = memchr(s, '-', len);
	struct cidr net;
	if (dash) {
		size_t n = (size_t)(dash - s), m = len - n - 1;
		while (n && s[n - 1] == ' ')
			n--;
		for (dash++; m && *dash == ' '; m--)
			dash++;
		return addr_parse(s, n, &r->lo) == 0 && addr_parse(dash, m, &r->hi) == 0 &&
		       addr_is_v4(&r->lo) == addr_is_v4(&r->hi) && addr_cmp(&r->lo, &r->hi) <= 0;
	}
	/* Feeds are not always tidy: 10.0.0.1/8 is the network it lies in. */
	int rc = cidr_parse(s, len, &net);
	if (rc == -2) {
		const char *slash = memchr(s, '/', len);
		unsigned bits = (unsigned)strtoul(slash + 1, NULL, 10);
		if (addr_parse(s, (size_t)(slash - s), &net.addr) < 0)
			return false;
		net.bits = (uint8_t)(addr_is_v4(&net.addr) ? 96 + bits : bits);
	} else if (rc < 0) {
		return false;
	}
	r->lo = r->hi = net.addr;
	for (unsigned bit = net.bits; bit < 128; bit++) {
		r->lo.b[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
		r->hi.b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
	return true;
}

bool list_add(struct list *l, const char *s, size_t len)
{
	char text[MAX_TEXT];
	struct range r;
	if (l->kind == LIST_ADDRESS) {
		size_t n = 0;
		while (n < len && !isspace((unsigned char)s[n])) /* 'address score': what follows is the feed's own */
			n++;
		if (memchr(s, '-', len))
			n = len;
		if (!read_range(s, n, &r))
			return false;
		if (l->n_ranges == l->cap_ranges) {
			l->cap_ranges = l->cap_ranges ? 2 * l->cap_ranges : 256;
			l->ranges = xrealloc(l->ranges, l->cap_ranges * sizeof *l->ranges);
		}
		l->ranges[l->n_ranges++] = r;
		return true;
	}
	size_t n = normalise(l->kind, s, len, text, sizeof text);
	if (n)
		add_digest(l, digest_of(text, n));
	return n > 0;
}

static int by_start(const void *a, const void *b)
{
	return addr_cmp(&((const struct range *)a)->lo, &((const struct range *)b)->lo);
}

/* Sorted, and what overlaps is one. */
void list_tidy(struct list *l)
{
	size_t n = 0;
	if (l->n_ranges)
		qsort(l->ranges, l->n_ranges, sizeof *l->ranges, by_start);
	for (size_t i = 0; i < l->n_ranges; i++) {
		struct range *last = n ? &l->ranges[n - 1] : NULL;
		if (!last || addr_cmp(&l->ranges[i].lo, &last->hi) > 0)
			l->ranges[n++] = l->ranges[i];
		else if (addr_cmp(&l->ranges[i].hi, &last->hi) > 0)
			last->hi = l->ranges[i].hi;
	}
	l->n_ranges = n;
}

static bool has_addr(const struct list *l, const struct addr *a)
{
	size_t lo = 0, hi = l->n_ranges;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (addr_cmp(&l->ranges[mid].hi, a) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n_ranges && addr_cmp(&l->ranges[lo].lo, a) <= 0;
}

/* The name or one of those it lies below. */
static bool has_domain(const struct list *l, const char *s, size_t len)
{
	while (l->n_set && len) {
		if (has_digest(l, digest_of(s, len)))
			return true;
		const char *dot = memchr(s, '.', len);
		if (!dot)
			return false;
		len -= (size_t)(dot + 1 - s);
		s = dot + 1;
	}
	return false;
}

static bool has_text(const struct list *l, const char *s, size_t len)
{
	char text[MAX_TEXT];
	struct addr a;
	if (l->kind == LIST_ADDRESS)
		return addr_parse(s, len, &a) == 0 && has_addr(l, &a);
	size_t n = normalise(l->kind, s, len, text, sizeof text);
	if (l->kind == LIST_DOMAIN)
		return has_domain(l, text, n);
	return n && has_digest(l, digest_of(text, n));
}

/* -- all lists -- */

void list_define(struct list *l, const struct topo_list *t)
{
	static const char *const kinds[] = { "address", "domain", "url", "ja3" };
	l->t = t;
	while (strcmp(kinds[l->kind], t->kind) != 0)
		l->kind++;
	l->def = (struct checkdef){
		.key = t->named.name,
		.entity = ENT_FLOW,
		.title = "On a list",
		.description = "An address, a name or a fingerprint of the flow is on a list of this site's configuration.",
		.category = CAT_SECURITY,
		.enabled = true,
		.score = (uint16_t)(t->allow ? 0 : t->score),
		.client_score = (uint16_t)(t->allow ? 0 : t->score),
		.attention = true,
		.hooks = HOOK_DETECTED,
		.mitre = "",
	};
}

void list_release(struct list *l)
{
	free(l->ranges);
	free(l->set);
}

struct lists *lists_new(const struct topo *t)
{
	struct lists *l = xcalloc(1, sizeof *l);
	l->n = (unsigned)t->n_lists;
	l->list = xcalloc(l->n ? l->n : 1, sizeof *l->list);
	for (unsigned i = 0; i < l->n; i++) {
		struct list *one = &l->list[i];
		list_define(one, &t->lists[i]);
		list_read(one);
		list_tidy(one);
		log_info("list %s: %zu entries, %llu lines left out", one->t->named.name, one->n_ranges + one->n_set,
			 (unsigned long long)one->bad);
	}
	return l;
}

void lists_free(struct lists *l)
{
	for (unsigned i = 0; l && i < l->n; i++)
		list_release(&l->list[i]);
	if (l)
		free(l->list);
	free(l);
}

unsigned lists_count(const struct lists *l)
{
	return l->n;
}

const struct checkdef *lists_def(const struct lists *l, unsigned list)
{
	return &l->list[list].def;
}

uint64_t lists_entries(const struct lists *l, unsigned list)
{
	return l->list[list].n_ranges + l->list[list].n_set;
}

uint64_t lists_hash(const struct lists *l)
{
	uint64_t h = l->n;
	for (unsigned i = 0; i < l->n; i++) {
		const struct list *one = &l->list[i];
		h = hash_content(one->t->named.name, strlen(one->t->named.name), h);
		h = hash_content(&one->def.score, sizeof one->def.score, h);
		h = hash_content(&one->t->allow, sizeof one->t->allow, h);
		h = hash_content(one->ranges, one->n_ranges * sizeof *one->ranges, h);
		/* The place of an entry depends on the order of the file: that may count too. */
		h = hash_content(one->set, one->cap_set * sizeof *one->set, h);
	}
	return h;
}

bool lists_has(const struct lists *l, unsigned list, const char *text)
{
	return has_text(&l->list[list], text, strlen(text));
}

/* -- flows -- */

/* What lists are asked about. */
struct asked {
	enum list_kind kind;
	const struct addr *addr; /* LIST_ADDRESS */
	const char *text;        /* all other kinds */
	size_t len;
	const char *prefix;      /* for the message */
};

static bool has_asked(const struct list *l, const struct asked *s)
{
	if (l->kind != s->kind)
		return false;
	if (s->kind == LIST_ADDRESS)
		return has_addr(l, s->addr);
	return s->kind == LIST_DOMAIN ? has_domain(l, s->text, s->len) : has_digest(l, digest_of(s->text, s->len));
}

static void say(const struct asked *s, char *out, size_t size)
{
	char a[ADDR_STRLEN];
	if (s->kind == LIST_ADDRESS)
		snprintf(out, size, "%s %s", s->prefix, addr_str(s->addr, a));
	else
		snprintf(out, size, "%s %.*s", s->prefix, (int)s->len, s->text);
}

bool lists_has_addr(const struct lists *l, const struct addr *a)
{
	bool listed = false;
	for (unsigned i = 0; i < l->n; i++)
		if (l->list[i].kind == LIST_ADDRESS && has_addr(&l->list[i], a)) {
			if (l->list[i].t->allow)
				return false;
			listed = true;
		}
	return listed;
}

struct asking {
	struct lists *l;
	uint64_t *told; /* bit per list */
	lists_cb *cb;
	void *arg;
};

static void ask(struct asking *q, const struct asked *s)
{
	for (unsigned i = 0; i < q->l->n; i++)
		if (q->l->list[i].t->allow && has_asked(&q->l->list[i], s)) {
			q->l->list[i].hits++;
			return;
		}
	for (unsigned i = 0; i < q->l->n; i++) {
		struct list *one = &q->l->list[i];
		char what[160];
		if (one->t->allow || q->told[i / 64] >> i % 64 & 1 || !has_asked(one, s))
			continue;
		q->told[i / 64] |= 1ull << i % 64;
		one->hits++;
		say(s, what, sizeof what);
		q->cb(q->arg, i, what);
	}
}

static bool has_kind(const struct lists *l, enum list_kind kind)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->list[i].kind == kind && l->list[i].n_set + l->list[i].n_ranges)
			return true;
	return false;
}

static void ask_text(struct asking *q, enum list_kind kind, const char *prefix, const char *p, size_t len)
{
	char text[MAX_TEXT];
	size_t n = normalise(kind, p, len, text, sizeof text);
	if (n)
		ask(q, &(struct asked){ .kind = kind, .text = text, .len = n, .prefix = prefix });
}

/* Of a request's path the host is what the header says. */
static void ask_url(struct asking *q, const struct r_flow *f, const char *base)
{
	char whole[MAX_TEXT];
	struct str url = f->app.http_url, host = f->app.http_host.len ? f->app.http_host : f->app.host;
	bool path = *str_ptr(base, url) == '/';
	int n = snprintf(whole, sizeof whole, "%.*s%.*s", path ? (int)host.len : 0, str_ptr(base, host), (int)url.len,
			 str_ptr(base, url));
	if (n > 0 && (size_t)n < sizeof whole)
		ask_text(q, LIST_URL, "URL", whole, (size_t)n);
}

void lists_flow(struct lists *l, const struct r_flow *f, const char *base, lists_cb *cb, void *arg)
{
	uint64_t told[(TOPO_MAX_LISTS + 63) / 64] = { 0 };
	struct asking q = { l, told, cb, arg };
	if (has_kind(l, LIST_ADDRESS)) {
		ask(&q, &(struct asked){ .kind = LIST_ADDRESS, .addr = &f->key.client, .prefix = "client" });
		ask(&q, &(struct asked){ .kind = LIST_ADDRESS, .addr = &f->key.server, .prefix = "server" });
	}
	if (f->app.host.len && has_kind(l, LIST_DOMAIN))
		ask_text(&q, LIST_DOMAIN, "name", str_ptr(base, f->app.host), f->app.host.len);
	if (f->app.http_url.len && has_kind(l, LIST_URL))
		ask_url(&q, f, base);
	if (has_kind(l, LIST_JA3)) {
		ask_text(&q, LIST_JA3, "client's JA3", str_ptr(base, f->app.tls_ja3c), f->app.tls_ja3c.len);
		ask_text(&q, LIST_JA3, "server's JA3", str_ptr(base, f->app.tls_ja3s), f->app.tls_ja3s.len);
	}
}

void lists_metrics(const struct lists *l, struct metrics *m)
{
	for (unsigned i = 0; i < l->n; i++) {
		const struct list *one = &l->list[i];
		metrics_put(m, "list_hits", one->t->named.name, "hits", true, (double)one->hits);
		metrics_put(m, "list_entries", one->t->named.name, "entries", false, (double)lists_entries(l, i));
		metrics_bound(m, "list_entries_max", one->t->named.name, "entries", LISTS_MAX_ENTRIES);
		metrics_put(m, "list_unreadable", one->t->named.name, "lines", false, (double)one->bad);
	}
}

#include "conf.h"

#include <stdlib.h>
#include <strings.h>

#include "buf.h"
#include "hash.h"
#include "log.h"

/* What counts as local when no networks are named. */
static const char *const default_networks[CONF_DEFAULT_NETWORKS] = {
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10",
};

static void add_net(struct cidr **list, size_t *n, const struct cidr *c)
{
	*list = xrealloc(*list, (*n + 1) * sizeof **list);
	(*list)[(*n)++] = *c;
}

static void add_item(struct check_conf *k, const struct checkdef_param *p, const char *s, size_t len)
{
	struct conf_list *l = &k->list;
	struct cidr net;
	if (p->kind == PARAM_NUMBERS) {
		l->numbers = xrealloc(l->numbers, (l->n_numbers + 1) * sizeof *l->numbers);
		l->numbers[l->n_numbers++] = (uint32_t)strtoul(s, NULL, 10);
	} else if (p->kind == PARAM_TEXTS) {
		l->texts = xrealloc(l->texts, (l->n_texts + 1) * sizeof *l->texts);
		l->texts[l->n_texts++] = xstrndup(s, len);
		l->n_pairs += memchr(s, '=', len) != NULL;
	} else if (cidr_parse(s, len, &net) == 0) {
		add_net(&l->nets, &l->n_nets, &net);
	} else {
		log_warn("check %s: %s: '%.*s' is not an address or network", k->def->key, p->name, (int)len, s);
	}
}

static void take_list(struct check_conf *k, const struct checkdef_param *p, const struct topo_param *tp)
{
	for (char **v = tp ? tp->values : NULL; v && *v; v++)
		add_item(k, p, *v, strlen(*v));
	for (const char *s = tp || !p->items ? "" : p->items; *s; s += strspn(s, " ")) {
		size_t n = strcspn(s, " ");
		add_item(k, p, s, n);
		s += n;
	}
}

/* The period whose threshold the parameter is, PERIODS if none. */
static enum period period_of(const char *param)
{
	static const char *const names[PERIODS] = { "minute", "five_minutes", "hour", "day" };
	enum period p = PER_MINUTE;
	while (p < PERIODS && strcmp(param, names[p]) != 0)
		p++;
	return p;
}

static void take_params(struct check_conf *k, const struct topo_check *tc)
{
	k->after = 1;
	k->clear = 100;
	for (unsigned i = 0; i < CHECKDEF_MAX_PARAMS && k->def->params[i].name; i++) {
		const struct checkdef_param *p = &k->def->params[i];
		const struct topo_param *tp = topo_check_param(tc, p->name);
		if (p->list) {
			take_list(k, p, tp);
			continue;
		}
		k->number[i] = tp && tp->values[0] ? strtod(tp->values[0], NULL) : p->def;
		if (strcmp(p->name, "after") == 0)
			k->after = (unsigned)k->number[i];
		else if (strcmp(p->name, "clear") == 0)
			k->clear = k->number[i];
		enum period period = period_of(p->name);
		if (period < PERIODS) {
			k->by_period = true;
			k->limit[period] = k->number[i];
		}
	}
}

void conf_init(struct conf *c, const struct topo *t)
{
	*c = (struct conf){ .local_default = t->n_local == 0 };
	for (unsigned i = 0; i < CONF_DEFAULT_NETWORKS; i++)
		cidr_parse(default_networks[i], strlen(default_networks[i]), &c->defaults[i]);
	if (n_checkdefs > CONF_MAX_CHECKS)
		fatalx("more than %d checks", CONF_MAX_CHECKS);
	for (size_t i = 0; i < n_checkdefs; i++) {
		struct check_conf *k = &c->checks[c->n++];
		const struct topo_check *tc = topo_check(t, checkdefs[i].key);
		k->def = &checkdefs[i];
		k->enabled = tc && tc->enabled_set ? tc->enabled : k->def->enabled || tc;
		take_params(k, tc);
	}
	for (size_t i = 0; i < t->n_local; i++)
		add_net(&c->local, &c->n_local, &t->local[i]);
}

unsigned conf_add(struct conf *c, const struct checkdef *def)
{
	if (c->n == CONF_MAX_CHECKS)
		fatalx("more than %d checks", CONF_MAX_CHECKS);
	c->checks[c->n] = (struct check_conf){ .def = def, .enabled = true, .after = 1, .clear = 100 };
	return (unsigned)c->n++;
}

void conf_release(struct conf *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct conf_list *l = &c->checks[i].list;
		for (size_t k = 0; k < l->n_texts; k++)
			free(l->texts[k]);
		free(l->texts);
		free(l->nets);
		free(l->numbers);
	}
	free(c->local);
}

void conf_add_local(struct conf *c, const char *list, size_t len)
{
	if (!c->local_default)
		return;
	while (len) {
		const char *nl = memchr(list, '\n', len);
		size_t n = nl ? (size_t)(nl - list) : len;
		struct cidr net;
		if (cidr_parse(list, n, &net) == 0)
			add_net(&c->local, &c->n_local, &net);
		list += n + (nl != NULL);
		len -= n + (nl != NULL);
	}
}

static int find_net(const struct cidr *list, size_t n, const struct addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (cidr_contains(&list[i], a))
			return (int)i;
	return -1;
}

bool conf_is_local(const struct conf *c, const struct addr *a)
{
	if (find_net(c->local, c->n_local, a) >= 0)
		return true;
	return c->local_default && (addr_is_private(a) || addr_is_link_local(a));
}

struct cidr conf_network(const struct conf *c, unsigned i)
{
	if (i < c->n_local)
		return c->local[i];
	return i - c->n_local < CONF_DEFAULT_NETWORKS ? c->defaults[i - c->n_local] : (struct cidr){ 0 };
}

int conf_network_of(const struct conf *c, const struct addr *a)
{
	int i = find_net(c->local, c->n_local, a);
	if (i < 0 && c->local_default && (addr_is_private(a) || addr_is_link_local(a)))
		for (unsigned k = 0; k < CONF_DEFAULT_NETWORKS && i < 0; k++)
			if (cidr_contains(&c->defaults[k], a))
				i = (int)(c->n_local + k);
	return i < CONF_MAX_NETWORKS ? i : -1;
}

unsigned conf_index(const struct conf *c, const char *key, enum entity entity)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->checks[i].def->entity == entity && strcmp(c->checks[i].def->key, key) == 0)
			return i;
	return CONF_MAX_CHECKS;
}

bool conf_can_fire(const struct check_conf *k)
{
	bool empty = !k->list.n_nets && !k->list.n_texts && !k->list.n_numbers, needed = false;
	for (const struct checkdef_param *p = k->def->params; p->name; p++)
		needed |= p->needed;
	return k->enabled && !(needed && empty);
}

bool conf_looks_at(const struct check_conf *k, enum period p)
{
	return conf_can_fire(k) && (k->def->hooks & period_hook(p)) && !(k->by_period && k->limit[p] <= 0);
}

bool conf_in_nets(const struct check_conf *k, const struct addr *a)
{
	return find_net(k->list.nets, k->list.n_nets, a) >= 0;
}

bool conf_has_number(const struct check_conf *k, uint32_t n)
{
	for (size_t i = 0; i < k->list.n_numbers; i++)
		if (k->list.numbers[i] == n)
			return true;
	return false;
}

bool conf_has_text(const struct check_conf *k, const char *s, size_t len)
{
	for (size_t i = 0; i < k->list.n_texts; i++)
		if (strlen(k->list.texts[i]) == len && strncasecmp(k->list.texts[i], s, len) == 0)
			return true;
	return false;
}

bool conf_has_domain(const struct check_conf *k, const char *s, size_t len)
{
	for (size_t i = 0; i < k->list.n_texts; i++) {
		const char *d = k->list.texts[i];
		size_t n = strlen(d);
		if (n <= len && strncasecmp(s + len - n, d, n) == 0 && (n == len || s[len - n - 1] == '.'))
			return true;
	}
	return false;
}

static uint64_t list_hash(const struct conf_list *l, uint64_t h)
{
	h = hash_content(l->nets, l->n_nets * sizeof *l->nets, h);
	h = hash_content(l->numbers, l->n_numbers * sizeof *l->numbers, h);
	for (size_t i = 0; i < l->n_texts; i++)
		h = hash_content(l->texts[i], strlen(l->texts[i]) + 1, h);
	return h;
}

uint64_t conf_hash(const struct conf *c, uint64_t h)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct check_conf *k = &c->checks[i];
		h = hash_content(k->def->key, strlen(k->def->key), h);
		h = hash_content(&k->enabled, sizeof k->enabled, h);
		h = hash_content(k->number, sizeof k->number, h);
		h = list_hash(&k->list, h);
	}
	return hash_content(c->local, c->n_local * sizeof *c->local, h);
}

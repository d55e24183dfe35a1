#include "conf.h"

#include <stdlib.h>

#include "buf.h"
#include "log.h"

static void add_net(struct cidr **list, size_t *n, const struct cidr *c)
{
	*list = xrealloc(*list, (*n + 1) * sizeof **list);
	(*list)[(*n)++] = *c;
}

static void take_params(struct check_conf *k, const struct topo_check *tc)
{
	for (unsigned i = 0; i < CHECKDEF_MAX_PARAMS && k->def->params[i].name; i++) {
		const struct checkdef_param *p = &k->def->params[i];
		const struct topo_param *tp = topo_check_param(tc, p->name);
		k->number[i] = p->def;
		if (tp && !p->list && tp->values[0])
			k->number[i] = strtod(tp->values[0], NULL);
		for (char **v = tp && p->list ? tp->values : NULL; v && *v; v++) {
			struct cidr net;
			if (cidr_parse(*v, strlen(*v), &net) == 0)
				add_net(&k->nets, &k->n_nets, &net);
			else
				log_warn("check %s: %s: '%s' is not an address or network", k->def->key, p->name, *v);
		}
	}
}

void conf_init(struct conf *c, const struct topo *t)
{
	*c = (struct conf){ .local_default = t->n_local == 0 };
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
	c->checks[c->n] = (struct check_conf){ .def = def, .enabled = true };
	return (unsigned)c->n++;
}

void conf_release(struct conf *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->checks[i].nets);
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

static bool in_list(const struct cidr *list, size_t n, const struct addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (cidr_contains(&list[i], a))
			return true;
	return false;
}

bool conf_is_local(const struct conf *c, const struct addr *a)
{
	if (in_list(c->local, c->n_local, a))
		return true;
	return c->local_default && (addr_is_private(a) || addr_is_link_local(a));
}

bool conf_in_nets(const struct check_conf *k, const struct addr *a)
{
	return in_list(k->nets, k->n_nets, a);
}

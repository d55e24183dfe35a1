#include "topo.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkdef.h"
#include "hash.h"
#include "match.h"
#include "topo_keys.h"
#include "topo_yaml.h"

#define MAX_SENSORS    64
#define MAX_RECIPIENTS 256

/* What the parser knows beside the topology itself. */
struct work {
	struct topo_parser p; /* first: callbacks get a pointer to it */
	struct topo *t;
	struct topo_sensor flow; /* defaults of the sensors */
};

static struct topo *topo_of(struct topo_parser *p)
{
	return ((struct work *)p)->t;
}

/* Names become parts of socket paths and stream names. */
static bool good_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
	return n > 0 && n <= 31 && s[n] == '\0' && *s != '.' && *s != '-';
}

/* -- sensors -- */

static bool sensor_key(struct topo_parser *p, void *obj, const struct ynode *n)
{
	static const struct {
		const char *key;
		enum topo_source source;
	} kinds[] = { { "interface", SRC_INTERFACE }, { "file", SRC_FILES },    { "files", SRC_FILES },
		      { "directory", SRC_DIRECTORY }, { "follow", SRC_FOLLOW }, { "stdin", SRC_STDIN } };
	struct topo_sensor *s = obj;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(n->key, kinds[i].key) != 0)
			continue;
		if (s->inputs) {
			topo_report(p, n->line, n->column, "sensor '%s' has two inputs", s->name);
			return true;
		}
		if (n->kind == Y_MAP || (n->kind == Y_LIST && kinds[i].source != SRC_FILES) ||
		    (n->kind == Y_LIST && !n->child) || (n->kind == Y_SCALAR && !*n->value)) {
			topo_report(p, n->line, n->column, "%s: a text%s was expected", n->key,
				    kinds[i].source == SRC_FILES ? " or a list of texts" : "");
			return true;
		}
		s->source = kinds[i].source;
		s->inputs = topo_list_copy(n);
		return true;
	}
	return false;
}

/* A sensor starts with the values of 'flow'; what the table says are texts must not be shared. */
static struct topo_sensor sensor_from(const struct topo_sensor *flow)
{
	struct topo_sensor s = *flow;
	s.filter = flow->filter ? xstrdup(flow->filter) : NULL;
	return s;
}

static void read_sensors(struct work *w, const struct ynode *map)
{
	struct topo *t = w->t;
	for (const struct ynode *n = map->child; n; n = n->next) {
		char where[64];
		if (n->kind != Y_MAP || !n->key || !good_name(n->key)) {
			topo_report(&w->p, n->line, n->column,
				    "a sensor is 'name: {interface: ... or file: ...}', the name of letters, digits, _ and -");
			continue;
		}
		if (topo_sensor(t, n->key)) {
			topo_report(&w->p, n->line, n->column, "two sensors are named '%s'", n->key);
			continue;
		}
		if (t->n_sensors == MAX_SENSORS) {
			topo_report(&w->p, n->line, n->column, "more than %d sensors", MAX_SENSORS);
			return;
		}
		t->sensors = xrealloc(t->sensors, (t->n_sensors + 1) * sizeof *t->sensors);
		struct topo_sensor *s = &t->sensors[t->n_sensors++];
		*s = sensor_from(&w->flow);
		s->name = xstrdup(n->key);
		s->line = n->line;
		snprintf(where, sizeof where, " of sensor '%s'", s->name);
		topo_read_map(&w->p, topo_sensor_keys, s, n, where, sensor_key);
		if (!s->inputs)
			topo_report(&w->p, n->line, n->column,
				    "sensor '%s' has no input: interface, file, files, directory, follow or stdin", s->name);
	}
}

/* -- links -- */

static const struct {
	const char *name;
	const char *consumer; /* durable by default */
} link_defaults[] = { { "packets", "classify" }, { "flows", "checks" }, { "alerts", "alertd" }, { "history", "alertd" },
		      { "deliveries", "notify" } };

static void default_links(struct topo *t)
{
	t->n_links = sizeof link_defaults / sizeof *link_defaults;
	t->links = xcalloc(t->n_links, sizeof *t->links);
	for (size_t i = 0; i < t->n_links; i++) {
		t->links[i].name = xstrdup(link_defaults[i].name);
		t->links[i].durable = xcalloc(2, sizeof(char *));
		t->links[i].durable[0] = xstrdup(link_defaults[i].consumer);
		topo_defaults(topo_link_keys, &t->links[i]);
	}
}

static bool known_consumer(const char *s)
{
	static const char *const names[] = { "classify", "checks", "alertd", "notify", "apid", "replay", "cat", "tail" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(s, names[i]) == 0)
			return true;
	return strncmp(s, "x-", 2) == 0; /* programs that people plug in */
}

static void read_links(struct work *w, const struct ynode *map)
{
	for (const struct ynode *n = map->child; n; n = n->next) {
		struct topo_link *l = n->key ? (struct topo_link *)topo_link(w->t, n->key) : NULL;
		if (!l || n->kind != Y_MAP) {
			topo_report(&w->p, n->line, n->column,
				    "links are packets, flows, alerts, history and deliveries, each a map");
			continue;
		}
		l->line = n->line;
		topo_read_map(&w->p, topo_link_keys, l, n, " of a link", NULL);
		for (char **c = l->durable; c && *c; c++)
			if (!known_consumer(*c))
				topo_report(&w->p, n->line, n->column,
					    "no consumer is named '%s' (a program of your own: x-NAME)", *c);
	}
}

/* -- networks -- */

static void read_networks(struct work *w, const struct ynode *map)
{
	struct topo *t = w->t;
	for (const struct ynode *n = map->child; n; n = n->next) {
		if (strcmp(n->key, "local") != 0 || n->kind != Y_LIST) {
			topo_report(&w->p, n->line, n->column, "networks has one key, local: a list of networks");
			continue;
		}
		for (const struct ynode *c = n->child; c; c = c->next) {
			struct cidr net;
			int rc = c->kind == Y_SCALAR ? cidr_parse(c->value, strlen(c->value), &net) : -1;
			if (rc < 0) {
				topo_report(&w->p, c->line, c->column,
					    rc == -2 ? "'%s' has bits set beyond its prefix" : "'%s' is not a network",
					    c->kind == Y_SCALAR ? c->value : "this");
				continue;
			}
			t->local = xrealloc(t->local, (t->n_local + 1) * sizeof *t->local);
			t->local[t->n_local++] = net;
		}
	}
}

/* -- checks -- */

static bool lua_check_exists(const struct topo *t, const char *name)
{
	char path[512];
	static const char *const shipped[] = { "checks/lua", WEIR_PREFIX "/share/weir/lua", NULL };
	for (int i = 0; i < 2; i++)
		for (char *const *d = i ? t->checks.lua_paths : (char *const *)shipped; d && *d; d++) {
			snprintf(path, sizeof path, "%s/%s.lua", *d, name);
			if (access(path, F_OK) == 0)
				return true;
		}
	return false;
}

static const struct checkdef_param *def_param(const struct checkdef *d, const char *name)
{
	for (const struct checkdef_param *p = d->params; p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

static void check_param_value(struct work *w, const struct checkdef_param *dp, const struct ynode *n)
{
	char *end;
	if (dp->list)
		return;
	if (n->kind != Y_SCALAR) {
		topo_report(&w->p, n->line, n->column, "%s: a number was expected", n->key);
		return;
	}
	double v = strtod(n->value, &end);
	if (end == n->value || *end)
		topo_report(&w->p, n->line, n->column, "%s: a number was expected, not '%.60s'", n->key, n->value);
	else if (v < dp->min || v > dp->max)
		topo_report(&w->p, n->line, n->column, "%s: %g is not between %g and %g %s", n->key, v, dp->min, dp->max,
			    dp->unit);
}

static void read_check(struct work *w, const struct ynode *map)
{
	struct topo *t = w->t;
	const struct checkdef *d = checkdef_find(map->key, ENT_OTHER);
	if (!d && !lua_check_exists(t, map->key)) {
		topo_report(&w->p, map->line, map->column, "no check is named '%s' (weir checks list)", map->key);
		return;
	}
	t->checks.list = xrealloc(t->checks.list, (t->checks.n + 1) * sizeof *t->checks.list);
	struct topo_check *c = &t->checks.list[t->checks.n++];
	*c = (struct topo_check){ .name = xstrdup(map->key), .line = map->line, .column = map->column };
	for (const struct ynode *n = map->child; n; n = n->next) {
		if (strcmp(n->key, "enabled") == 0) {
			bool yes = n->value && strspn(n->value, "yt") && *n->value;
			if (n->kind != Y_SCALAR || (strcmp(n->value, "yes") && strcmp(n->value, "no") &&
						    strcmp(n->value, "true") && strcmp(n->value, "false")))
				topo_report(&w->p, n->line, n->column, "enabled: yes or no was expected");
			c->enabled = yes;
			c->enabled_set = true;
			continue;
		}
		const struct checkdef_param *dp = d ? def_param(d, n->key) : NULL;
		if (d && !dp) {
			topo_report(&w->p, n->line, n->column, "check '%s' has no parameter '%s'", c->name, n->key);
			continue;
		}
		if (dp)
			check_param_value(w, dp, n);
		c->params = xrealloc(c->params, (c->n_params + 1) * sizeof *c->params);
		c->params[c->n_params++] = (struct topo_param){ .name = xstrdup(n->key), .values = topo_list_copy(n),
								.line = n->line, .column = n->column };
	}
}

static void read_checks(struct work *w, const struct ynode *map)
{
	for (const struct ynode *n = map->child; n; n = n->next) {
		if (n->kind != Y_MAP)
			topo_report(&w->p, n->line, n->column, "check '%s': a map of parameters was expected", n->key);
		else if (topo_check(w->t, n->key))
			topo_report(&w->p, n->line, n->column, "check '%s' is there twice", n->key);
		else
			read_check(w, n);
	}
}

/* -- recipients -- */

static void check_recipient(struct work *w, struct topo_recipient *r, const struct ynode *n)
{
	struct match_error e;
	if (!r->argv == !r->url) {
		topo_report(&w->p, n->line, n->column, "recipient '%s' needs either exec or webhook", r->name);
		return;
	}
	r->type = r->argv ? RCP_EXEC : RCP_WEBHOOK;
	if (r->argv && r->argv[0][0] != '/')
		topo_report(&w->p, n->line, n->column, "recipient '%s': exec needs an absolute path", r->name);
	if (r->url && strncmp(r->url, "http://", 7) != 0 && strncmp(r->url, "https://", 8) != 0)
		topo_report(&w->p, n->line, n->column, "recipient '%s': webhook needs an http or https URL", r->name);
	for (char **a = r->on; a && *a; a++)
		if (enum_value(enum_action, *a) < 0)
			topo_report(&w->p, n->line, n->column, "recipient '%s': on: '%s' is not store, engage, update or release",
				    r->name, *a);
	if (!r->match)
		return;
	struct match *m = match_parse(r->match, R_ALERT, &e);
	if (!m) {
		for (const struct ynode *c = n->child; c; c = c->next)
			if (strcmp(c->key, "match") == 0)
				topo_report(&w->p, c->line, c->column, "match, character %zu: %s", e.column, e.text);
	}
	match_free(m);
}

static void read_recipients(struct work *w, const struct ynode *map)
{
	struct topo *t = w->t;
	for (const struct ynode *n = map->child; n; n = n->next) {
		char where[64];
		if (n->kind != Y_MAP || !good_name(n->key)) {
			topo_report(&w->p, n->line, n->column, "a recipient is 'name: {exec: [...]}' or 'name: {webhook: URL}'");
			continue;
		}
		if (t->n_recipients == MAX_RECIPIENTS) {
			topo_report(&w->p, n->line, n->column, "more than %d recipients", MAX_RECIPIENTS);
			return;
		}
		t->recipients = xrealloc(t->recipients, (t->n_recipients + 1) * sizeof *t->recipients);
		struct topo_recipient *r = &t->recipients[t->n_recipients++];
		*r = (struct topo_recipient){ .name = xstrdup(n->key), .line = n->line, .column = n->column };
		topo_defaults(topo_recipient_keys, r);
		snprintf(where, sizeof where, " of recipient '%s'", r->name);
		topo_read_map(&w->p, topo_recipient_keys, r, n, where, NULL);
		check_recipient(w, r, n);
	}
}

/* -- the file -- */

static bool root_key(struct topo_parser *p, void *obj, const struct ynode *n)
{
	(void)obj;
	static const struct {
		const char *key;
		void (*read)(struct work *w, const struct ynode *map);
	} sections[] = { { "sensors", read_sensors }, { "links", read_links },           { "networks", read_networks },
			 { "checks", read_checks },   { "recipients", read_recipients } };
	if (strcmp(n->key, "flow") == 0)
		return true; /* read before all others */
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
		if (strcmp(n->key, sections[i].key) != 0)
			continue;
		if (n->kind == Y_MAP)
			sections[i].read((struct work *)p, n);
		else if (!(n->kind == Y_SCALAR && !*n->value)) /* an empty section is fine */
			topo_report(p, n->line, n->column, "%s: a map was expected", n->key);
		return true;
	}
	return false;
}

static void read_root(struct work *w, const struct ynode *root)
{
	const struct ynode *sensors = NULL;
	if (root->kind != Y_MAP) {
		topo_report(&w->p, root->line, root->column, "the file must be a map of keys");
		return;
	}
	for (const struct ynode *n = root->child; n; n = n->next) {
		if (strcmp(n->key, "flow") == 0 && n->kind == Y_MAP)
			topo_read_map(&w->p, topo_sensor_keys, &w->flow, n, " of flow", NULL);
		else if (strcmp(n->key, "flow") == 0)
			topo_report(&w->p, n->line, n->column, "flow: a map was expected");
		if (strcmp(n->key, "sensors") == 0)
			sensors = n;
	}
	topo_read_map(&w->p, topo_root_keys, w->t, root, "", root_key);
	if (!sensors)
		topo_report(&w->p, root->line, root->column, "no sensors: name at least one input under 'sensors'");
	else if (w->t->n_sensors == 0 && !w->p.bad)
		topo_report(&w->p, sensors->line, sensors->column, "no sensors: name at least one input");
}

static void finish(struct topo *t)
{
	struct buf text = { 0 };
	if (!t->store.path)
		t->store.path = xasprintf("%s/store", t->state);
	if (!t->api.token_file)
		t->api.token_file = xasprintf("%s/api.token", t->state);
	topo_show(t, &text);
	t->hash = xasprintf("%016" PRIx64, hash_content(text.p, text.len, 0));
	buf_release(&text);
}

struct topo *topo_parse(const char *path, const char *text, size_t len, struct buf *err)
{
	struct work w = { .p = { .path = path, .err = err } };
	struct ynode *root = ynode_parse(path, text, len, err);
	if (!root)
		return NULL;
	w.t = xcalloc(1, sizeof *w.t);
	w.t->path = xstrdup(path);
	topo_defaults(topo_root_keys, w.t);
	topo_defaults(topo_sensor_keys, &w.flow);
	default_links(w.t);
	read_root(&w, root);
	ynode_free(root);
	topo_free_keys(topo_sensor_keys, &w.flow);
	if (w.p.bad) {
		topo_free(w.t);
		return NULL;
	}
	finish(topo_of(&w.p));
	return w.t;
}

struct topo *topo_load(const char *path, struct buf *err)
{
	struct topo *t = NULL;
	struct buf text = { 0 };
	char chunk[16384];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		buf_addf(err, "%s: %s\n", path, strerror(errno));
		return NULL;
	}
	while ((n = read(fd, chunk, sizeof chunk)) > 0 && text.len <= YAML_MAX_BYTES)
		buf_add(&text, chunk, (size_t)n);
	struct stat st;
	if (n < 0)
		buf_addf(err, "%s: %s\n", path, strerror(errno));
	else
		t = topo_parse(path, text.len ? text.p : "", text.len, err);
	for (size_t i = 0; t && i < t->n_recipients; i++) {
		const struct topo_recipient *r = &t->recipients[i];
		if (r->secret && strncmp(r->secret, "${", 2) != 0 && fstat(fd, &st) == 0 && (st.st_mode & S_IROTH)) {
			buf_addf(err,
				 "%s:%d:%d: recipient '%s' has its secret written here, and others may read this file: "
				 "use ${file:PATH} or chmod o-r\n",
				 path, r->line, r->column, r->name);
			topo_free(t);
			t = NULL;
		}
	}
	buf_release(&text);
	close(fd);
	return t;
}

void topo_free(struct topo *t)
{
	if (!t)
		return;
	topo_free_keys(topo_root_keys, t);
	for (size_t i = 0; i < t->n_sensors; i++) {
		topo_free_keys(topo_sensor_keys, &t->sensors[i]);
		topo_list_free(t->sensors[i].inputs);
		free(t->sensors[i].name);
	}
	for (size_t i = 0; i < t->n_links; i++) {
		topo_free_keys(topo_link_keys, &t->links[i]);
		free(t->links[i].name);
	}
	for (size_t i = 0; i < t->checks.n; i++) {
		struct topo_check *c = &t->checks.list[i];
		for (size_t k = 0; k < c->n_params; k++) {
			free(c->params[k].name);
			topo_list_free(c->params[k].values);
		}
		free(c->params);
		free(c->name);
	}
	for (size_t i = 0; i < t->n_recipients; i++) {
		topo_free_keys(topo_recipient_keys, &t->recipients[i]);
		free(t->recipients[i].name);
	}
	free(t->sensors);
	free(t->links);
	free(t->checks.list);
	free(t->recipients);
	free(t->local);
	free(t->path);
	free(t->hash);
	free(t);
}

/* -- print -- */

static void show_list(struct buf *out, char *const *list)
{
	buf_addc(out, '[');
	for (char *const *s = list; *s; s++) {
		if (s != list)
			buf_adds(out, ", ");
		topo_print_scalar(out, *s);
	}
	buf_adds(out, "]\n");
}

static void show_input(struct buf *out, const struct topo_sensor *s)
{
	static const char *const key[] = { "interface", "files", "directory", "follow", "stdin" };
	buf_addf(out, "    %s: ", key[s->source]);
	if (s->source == SRC_FILES) {
		show_list(out, s->inputs);
	} else {
		topo_print_scalar(out, s->inputs[0]);
		buf_addc(out, '\n');
	}
}

void topo_show(const struct topo *t, struct buf *out)
{
	char net[CIDR_STRLEN];
	topo_print_keys(out, topo_root_keys, t, 0);
	if (t->n_local) {
		buf_adds(out, "networks:\n  local: [");
		for (size_t i = 0; i < t->n_local; i++)
			buf_addf(out, "%s\"%s\"", i ? ", " : "", cidr_str(&t->local[i], net));
		buf_adds(out, "]\n");
	}
	buf_adds(out, "sensors:\n");
	for (size_t i = 0; i < t->n_sensors; i++) {
		buf_addf(out, "  %s:\n", t->sensors[i].name);
		show_input(out, &t->sensors[i]);
		topo_print_keys(out, topo_sensor_keys, &t->sensors[i], 4);
	}
	buf_adds(out, "links:\n");
	for (size_t i = 0; i < t->n_links; i++) {
		buf_addf(out, "  %s:\n", t->links[i].name);
		topo_print_keys(out, topo_link_keys, &t->links[i], 4);
	}
	if (t->checks.n)
		buf_adds(out, "checks:\n");
	for (size_t i = 0; i < t->checks.n; i++) {
		const struct topo_check *c = &t->checks.list[i];
		buf_addf(out, "  %s:%s\n", c->name, c->enabled_set || c->n_params ? "" : " {}");
		if (c->enabled_set)
			buf_addf(out, "    enabled: %s\n", c->enabled ? "yes" : "no");
		for (size_t k = 0; k < c->n_params; k++) {
			buf_addf(out, "    %s: ", c->params[k].name);
			if (c->params[k].values[0] && !c->params[k].values[1]) {
				topo_print_scalar(out, c->params[k].values[0]);
				buf_addc(out, '\n');
			} else {
				show_list(out, c->params[k].values);
			}
		}
	}
	if (t->n_recipients)
		buf_adds(out, "recipients:\n");
	for (size_t i = 0; i < t->n_recipients; i++) {
		buf_addf(out, "  %s:\n", t->recipients[i].name);
		topo_print_keys(out, topo_recipient_keys, &t->recipients[i], 4);
	}
}

/* -- look up -- */

const struct topo_sensor *topo_sensor(const struct topo *t, const char *name)
{
	for (size_t i = 0; i < t->n_sensors; i++)
		if (strcmp(t->sensors[i].name, name) == 0)
			return &t->sensors[i];
	return NULL;
}

const struct topo_link *topo_link(const struct topo *t, const char *name)
{
	for (size_t i = 0; i < t->n_links; i++)
		if (strcmp(t->links[i].name, name) == 0)
			return &t->links[i];
	return NULL;
}

const struct topo_check *topo_check(const struct topo *t, const char *name)
{
	for (size_t i = 0; i < t->checks.n; i++)
		if (strcmp(t->checks.list[i].name, name) == 0)
			return &t->checks.list[i];
	return NULL;
}

const struct topo_param *topo_check_param(const struct topo_check *c, const char *name)
{
	for (size_t i = 0; c && i < c->n_params; i++)
		if (strcmp(c->params[i].name, name) == 0)
			return &c->params[i];
	return NULL;
}

char *topo_url(const struct topo *t, const char *process, const char *instance)
{
	return xasprintf("ipc://%s/%s%s%s.ipc", t->runtime, process, instance ? "." : "", instance ? instance : "");
}

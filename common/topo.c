#include "topo.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"
#include "installed.h"
#include "io.h"
#include "topo_keys.h"
#include "topo_yaml.h"

/* -- read -- */

/* In the order they are read in: what later ones look at comes first. */
static const struct {
	const char *key;
	void (*read)(struct topo_parser *p, const struct ynode *map);
} sections[] = {
	{ "sensors", topo_read_sensors },
	{ "links", topo_read_links },
	{ "checks", topo_read_checks }, /* looks for Lua files in lua.paths */
	{ "pools", topo_read_pools },
	{ "lists", topo_read_lists },
	{ "rules", topo_read_rules },
	{ "exclusions", topo_read_exclusions }, /* look for names of lists and rules */
	{ "recipients", topo_read_recipients },
};

#define N_SECTIONS (sizeof sections / sizeof *sections)

/* Sections have their turn after the plain keys. */
static bool section_key(struct topo_parser *p, void *obj, const struct ynode *n)
{
	(void)obj;
	for (const struct topo_key *k = topo_root_keys; k->name; k++) {
		if (k->kind != K_SECTION || strcmp(k->name, n->key) != 0)
			continue;
		if (n->kind != Y_MAP && !n->null)
			topo_report_value(p, n, "%s: a map was expected", n->key);
		return true;
	}
	return false;
}

static bool no_input(struct topo_parser *p, void *obj, const struct ynode *n)
{
	(void)obj;
	for (const struct topo_key *k = topo_sensor_keys; k->name; k++)
		if (k->kind == K_INPUT && strcmp(k->name, n->key) == 0) {
			topo_report_key(p, n, "'%s' belongs to a sensor: 'flow' has what all of them share", n->key);
			return true;
		}
	return false;
}

static const struct ynode *section(const struct ynode *root, const char *key)
{
	for (const struct ynode *n = root->child; n; n = n->next)
		if (strcmp(n->key, key) == 0 && n->kind == Y_MAP)
			return n;
	return NULL;
}

static void read_root(struct topo_parser *p, const struct ynode *root)
{
	if (root->kind != Y_MAP) {
		topo_report_value(p, root, "the file must be a map of keys");
		return;
	}
	topo_report_twice(p, root);
	topo_read_map(p, topo_root_keys, p->t, root, "", section_key);
	const struct ynode *flow = section(root, "flow"), *map;
	if (flow)
		topo_read_map(p, topo_sensor_keys, &p->flow, flow, " of flow", no_input);
	for (size_t i = 0; i < N_SECTIONS; i++)
		if ((map = section(root, sections[i].key)) != NULL)
			sections[i].read(p, map);
	map = section(root, "sensors");
	if (!map || !map->child)
		topo_report(p, map ? map->line : root->line, map ? map->column : root->column,
			    "no sensors: name at least one input, such as 'sensors: {lan: {interface: eth0}}'");
}

static void finish(struct topo *t)
{
	struct buf text = { 0 };
	if (!t->store.path)
		t->store.path = xasprintf("%s/store", t->state);
	if (!t->store.kept[KEPT_ALERTS].age)
		t->store.kept[KEPT_ALERTS].age = t->store.kept[KEPT_FLOWS].age;
	if (!t->api.token_file)
		t->api.token_file = xasprintf("%s/api.token", t->state);
	topo_show(t, &text);
	t->hash = xasprintf("%016" PRIx64, hash_content(text.p, text.len, 0));
	buf_release(&text);
}

static struct topo *parse(const char *path, const char *text, size_t len, bool exposed, struct buf *err)
{
	struct topo_parser p = { .path = path, .err = err, .exposed = exposed };
	struct ynode *root = ynode_parse(path, text, len, err);
	if (!root)
		return NULL;
	p.t = xcalloc(1, sizeof *p.t);
	p.t->path = xstrdup(path);
	p.t->checks.lua_shipped = installed_data("lua");
	topo_defaults(topo_root_keys, p.t);
	topo_defaults(topo_sensor_keys, &p.flow);
	topo_default_links(p.t);
	read_root(&p, root);
	ynode_free(root);
	topo_free_keys(topo_sensor_keys, &p.flow);
	if (p.problems) {
		topo_free(p.t);
		return NULL;
	}
	finish(p.t);
	return p.t;
}

struct topo *topo_parse(const char *path, const char *text, size_t len, struct buf *err)
{
	return parse(path, text, len, false, err);
}

struct topo *topo_load(const char *path, struct buf *err)
{
	struct topo *t = NULL;
	struct buf text = { 0 };
	struct stat st;
	char chunk[16384];
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		goto out;
	while ((n = io_read(fd, chunk, sizeof chunk)) > 0 && text.len <= YAML_MAX_BYTES)
		buf_add(&text, chunk, (size_t)n);
	if (n >= 0)
		t = parse(path, text.len ? text.p : "", text.len, (st.st_mode & S_IROTH) != 0, err);
out:
	if (n < 0)
		buf_addf(err, "%s: %s\n", path, strerror(errno));
	buf_release(&text);
	if (fd >= 0)
		close(fd);
	return t;
}

/* -- free -- */

static void free_check(struct topo_check *c)
{
	for (size_t i = 0; i < c->n_params; i++) {
		free(c->params[i].name);
		topo_list_free(c->params[i].values);
	}
	free(c->params);
	free(c->name);
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
	for (size_t i = 0; i < t->checks.n; i++)
		free_check(&t->checks.list[i]);
	for (size_t i = 0; i < t->n_recipients; i++) {
		topo_free_keys(topo_recipient_keys, &t->recipients[i]);
		free(t->recipients[i].name);
	}
	topo_free_policy(t);
	free(t->sensors);
	free(t->links);
	free(t->checks.list);
	free(t->checks.lua_shipped);
	free(t->recipients);
	free(t->path);
	free(t->hash);
	free(t);
}

/* -- print -- */

void topo_show(const struct topo *t, struct buf *out)
{
	topo_print_keys(out, topo_root_keys, t, 0);
	topo_print_sections(out, t);
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

char *topo_api_socket(const struct topo *t)
{
	return xasprintf("%s/api.sock", t->runtime);
}

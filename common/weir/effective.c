#include "effective.h"

#include <errno.h>
#include <ftw.h>
#include <grp.h>
#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topo_keys.h"
#include "verbs.h"

static char **copy_list(char *const *list)
{
	size_t n = 0;
	while (list[n])
		n++;
	char **copy = xcalloc(n + 1, sizeof *copy);
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(list[i]);
	return copy;
}

static void set(char **at, char *value)
{
	free(*at);
	*at = value;
}

void effective_sensor(struct topo *t, const char *name, enum topo_source source, char *const *inputs, double speed)
{
	for (size_t i = 1; i < t->n_sensors; i++) {
		topo_free_keys(topo_sensor_keys, &t->sensors[i]);
		topo_list_free(t->sensors[i].inputs);
		free(t->sensors[i].name);
	}
	t->n_sensors = 1;
	struct topo_sensor *s = &t->sensors[0];
	set(&s->name, xstrdup(name));
	topo_list_free(s->inputs);
	s->inputs = copy_list(inputs);
	s->source = source;
	if (speed >= 0)
		s->speed = speed;
}

int speed_parse(const char *text, double *ret)
{
	char *end;
	double v = strtod(text, &end);
	if (strcmp(text, "max") == 0)
		v = 0;
	else if (end == text || *end || !(v > 0) || !isfinite(v))
		return -1;
	*ret = v;
	return 0;
}

void effective_dir(struct topo *t, const char *dir)
{
	set(&t->runtime, xasprintf("%s/run", dir));
	set(&t->state, xasprintf("%s/state", dir));
	set(&t->store.path, xasprintf("%s/state/store", dir));
	set(&t->api.token_file, xasprintf("%s/state/api.token", dir));
	set(&t->user, NULL);
	set(&t->group, NULL);
}

void effective_not_durable(struct topo *t, const char *link)
{
	struct topo_link *l = (struct topo_link *)topo_link(t, link);
	topo_list_free(l->durable);
	l->durable = xcalloc(1, sizeof *l->durable); /* an empty list: none at all would be the default */
}

void effective_durable(struct topo *t, const char *link, const char *consumer)
{
	struct topo_link *l = (struct topo_link *)topo_link(t, link);
	size_t n = 0;
	while (l->durable && l->durable[n])
		n++;
	l->durable = xrealloc(l->durable, (n + 2) * sizeof *l->durable);
	l->durable[n] = xstrdup(consumer);
	l->durable[n + 1] = NULL;
}

void effective_log(struct topo *t, const char *link, uint64_t bytes)
{
	((struct topo_link *)topo_link(t, link))->bytes = bytes;
}

void effective_no_recipients(struct topo *t)
{
	for (size_t i = 0; i < t->n_recipients; i++) {
		topo_free_keys(topo_recipient_keys, &t->recipients[i]);
		free(t->recipients[i].name);
	}
	t->n_recipients = 0;
}

static int make_dirs(const char *path)
{
	char *p = xstrdup(path);
	int rc = 0;
	for (char *slash = strchr(p + 1, '/'); slash && rc == 0; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(p, 0755) < 0 && errno != EEXIST)
			rc = -1;
		*slash = '/';
	}
	if (rc == 0 && mkdir(p, 0750) < 0 && errno != EEXIST)
		rc = -1;
	free(p);
	return rc;
}

/* Whoever the processes become must be able to read it again: SIGHUP. */
static int give_to_group(const struct topo *t, int fd)
{
	struct passwd *pw = t->user && geteuid() == 0 ? getpwnam(t->user) : NULL;
	struct group *gr = pw && t->group ? getgrnam(t->group) : NULL;
	if (fchmod(fd, 0640) < 0)
		return -1;
	return pw ? fchown(fd, (uid_t)-1, gr ? gr->gr_gid : pw->pw_gid) : 0;
}

char *effective_write(struct topo *t)
{
	struct buf text = { 0 };
	char *path = xasprintf("%s/effective.yaml", t->runtime), *tmp = xasprintf("%s.new", path);
	FILE *fp = NULL;
	if (strlen(t->runtime) > TOPO_MAX_RUNTIME) {
		fprintf(stderr, "weir: %s is too long for sockets, %zu bytes are the most\n", t->runtime, TOPO_MAX_RUNTIME);
		goto bad;
	}
	if (make_dirs(t->runtime) < 0 || make_dirs(t->state) < 0 || access(t->state, W_OK) < 0 || !(fp = fopen(tmp, "we"))) {
		fprintf(stderr, "weir: cannot write below %s and %s: %s (be root, or choose a place with --dir DIR)\n",
			t->runtime, t->state, strerror(errno));
		goto bad;
	}
	topo_show(t, &text);
	size_t n = fwrite(text.p, 1, text.len, fp);
	int rc = give_to_group(t, fileno(fp));
	if (fclose(fp) != 0 || n != text.len || rc < 0 || rename(tmp, path) < 0) {
		fprintf(stderr, "weir: %s: %s\n", path, strerror(errno));
		goto bad;
	}
	buf_release(&text);
	free(tmp);
	return path;
bad:
	buf_release(&text);
	free(tmp);
	free(path);
	return NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void effective_remove(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct topo *effective_base(const char *file)
{
	static const char text[] = "sensors: { replay: { file: none } }\n";
	struct buf err = { 0 };
	if (config_given(file))
		return config_load(file);
	struct topo *t = topo_parse("built-in", text, strlen(text), &err);
	if (!t)
		fprintf(stderr, "%s", buf_cstr(&err));
	buf_release(&err);
	return t;
}

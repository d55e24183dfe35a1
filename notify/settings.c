#include "settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "secret.h"

static bool is_literal(const char *secret)
{
	return secret && *secret && !strstr(secret, "${");
}

/* A secret that stands in a topology that everybody can read is none. */
static void refuse_literal(const struct topo *t, const struct topo_recipient *rc, struct settings *s)
{
	struct stat st;
	if (is_literal(rc->secret) && stat(t->path, &st) == 0 && (st.st_mode & S_IROTH) && !s->broken)
		s->broken = xasprintf("its secret is written in %s, which everybody can read: use ${file:PATH}", t->path);
}

static char *expand(const char *text, struct settings *s)
{
	struct buf out = { 0 }, err = { 0 };
	char *ret = NULL;
	if (secret_expand(text, &out, &err) == 0)
		ret = xstrdup(buf_cstr(&out));
	else if (!s->broken)
		s->broken = xstrdup(buf_cstr(&err));
	buf_release(&out);
	buf_release(&err);
	return ret;
}

void settings_read(struct settings *s, const struct topo *t, const struct topo_recipient *rc)
{
	size_t n = 0;
	while (rc->headers && rc->headers[n])
		n++;
	s->headers = xcalloc(n + 1, sizeof *s->headers);
	s->url = expand(rc->url, s);
	for (size_t i = 0; i < n; i++)
		s->headers[i] = expand(rc->headers[i], s);
	if (rc->secret)
		s->secret = expand(rc->secret, s);
	refuse_literal(t, rc, s);
}

void settings_release(struct settings *s)
{
	free(s->url);
	free(s->secret);
	for (char **h = s->headers; h && *h; h++)
		free(*h);
	free(s->headers);
	free(s->broken);
}

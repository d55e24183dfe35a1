#include "uri.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "codec.h"
#include "hex.h"

/*
 * Decodes len bytes. Returns a new string, or NULL if there is a bad escape, a control character or no UTF-8. plus: '+' is
 * a space; slashes: an encoded one is allowed.
 */
static char *decode(const char *s, size_t len, bool plus, bool slashes)
{
	char *out = xmalloc(len + 1);
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		char c = s[i];
		if (c == '%') {
			bool whole = len - i > 2;
			int hi = whole ? hex_value(s[i + 1]) : -1, lo = whole ? hex_value(s[i + 2]) : -1;
			if (hi < 0 || lo < 0)
				goto bad;
			c = (char)(hi << 4 | lo);
			i += 2;
			if (!slashes && (c == '/' || c == '\\'))
				goto bad;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		out[n++] = c;
	}
	if (utf8_span(out, n, false) != n)
		goto bad;
	out[n] = '\0';
	return out;
bad:
	free(out);
	return NULL;
}

/* No empty segments but a last one, no '.' and '..'. */
static bool good_segments(const char *p)
{
	if (*p != '/' || strchr(p, '\\'))
		return false;
	while (*p) {
		const char *next = strchr(p + 1, '/');
		size_t n = next ? (size_t)(next - p) - 1 : strlen(p + 1);
		if ((n == 0 && next) || (n == 1 && p[1] == '.') || (n == 2 && p[1] == '.' && p[2] == '.'))
			return false;
		if (!next)
			return true;
		p = next;
	}
	return true;
}

static unsigned refuse(struct uri *u, unsigned status, const char *why)
{
	u->error = why;
	return status;
}

static unsigned parse_param(struct uri *u, const char *s, size_t len)
{
	const char *eq = memchr(s, '=', len);
	size_t name = eq ? (size_t)(eq - s) : len;
	if (u->n == URI_MAX_PARAMS)
		return refuse(u, 400, "too many parameters");
	struct uri_param *p = &u->params[u->n];
	p->name = decode(s, name, true, true);
	p->value = eq ? decode(eq + 1, len - name - 1, true, true) : xstrdup("");
	if (!p->name || !p->value || !*p->name) {
		free(p->name);
		free(p->value);
		return refuse(u, 400, "a parameter is not rightly encoded");
	}
	u->n++;
	return 0;
}

/* Returns where the path begins. https: a proxy that ends TLS before us passes on what it was sent. */
static const char *take_authority(struct uri *u, const char *raw)
{
	static const char *const schemes[] = { "http://", "https://" };
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		size_t n = strlen(schemes[i]);
		if (strncasecmp(raw, schemes[i], n) != 0)
			continue;
		u->authority = xstrndup(raw + n, strcspn(raw + n, "/?#"));
		return raw + n + strlen(u->authority);
	}
	return raw;
}

unsigned uri_parse(struct uri *u, const char *raw)
{
	*u = (struct uri){ 0 };
	raw = take_authority(u, raw);
	size_t path = strcspn(raw, "?");
	const char *q = raw[path] ? raw + path + 1 : raw + path;
	if (strncmp(raw, "//lua/", 6) == 0) { /* ntopng's clients put paths behind an URL that may end with a slash */
		raw++;
		path--;
	}
	if (path > URI_MAX_PATH || strlen(q) > URI_MAX_QUERY)
		return refuse(u, 414, "the path or its parameters are too long");
	if (strchr(raw, '#'))
		return refuse(u, 400, "the path is not one that this server has");
	if (u->authority && (!*u->authority || strchr(u->authority, '@')))
		return refuse(u, 400, "the target names no host, or somebody at it");
	u->path = u->authority && !path ? xstrdup("/") : decode(raw, path, false, false);
	if (!u->path || !good_segments(u->path))
		return refuse(u, 400, "the path is not rightly encoded");
	return uri_add_form(u, q);
}

unsigned uri_add_form(struct uri *u, const char *form)
{
	while (*form) {
		size_t n = strcspn(form, "&");
		unsigned status = n ? parse_param(u, form, n) : 0;
		if (status)
			return status;
		form += n + (form[n] == '&');
	}
	return 0;
}

bool uri_add(struct uri *u, const char *name, const char *value)
{
	if (u->n == URI_MAX_PARAMS || !*name || utf8_span(name, strlen(name), false) != strlen(name) ||
	    utf8_span(value, strlen(value), true) != strlen(value))
		return false;
	u->params[u->n].name = xstrdup(name);
	u->params[u->n++].value = xstrdup(value);
	return true;
}

void uri_release(struct uri *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->params[i].name);
		free(u->params[i].value);
	}
	free(u->authority);
	free(u->path);
	*u = (struct uri){ 0 };
}

const char *uri_param(const struct uri *u, const char *name)
{
	for (size_t i = 0; i < u->n; i++)
		if (strcmp(u->params[i].name, name) == 0)
			return u->params[i].value;
	return NULL;
}

void uri_encode(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || (*text >= '0' && *text <= '9') ||
		    strchr("-._~", *text))
			buf_addc(out, *text);
		else
			buf_addf(out, "%%%02X", (unsigned char)*text);
	}
}

/* The body of a request as parameters. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apid.h"
#include "codec.h"

static bool wrong(struct param_error *e, const char *param, const char *reason)
{
	snprintf(e->param, sizeof e->param, "%s", param);
	snprintf(e->reason, sizeof e->reason, "%s", reason);
	return false;
}

/* "a,b" of ["a", "b"]; NULL if it is no array of texts. */
static char *join(const json_t *list)
{
	struct buf b = { 0 };
	json_t *item;
	size_t i;
	json_array_foreach(list, i, item) {
		if (!json_is_string(item)) {
			buf_release(&b);
			return NULL;
		}
		buf_addf(&b, "%s%s", i ? "," : "", json_string_value(item));
	}
	char *text = xstrdup(buf_cstr(&b));
	buf_release(&b);
	return text;
}

/*
 * Text of a value, as it would be in a query; null is an empty text, which takes away what is there. The caller frees; NULL: an object,
 * or a list of anything but texts.
 */
static char *text_of(const json_t *v)
{
	if (json_is_array(v))
		return join(v);
	if (json_is_object(v))
		return NULL;
	if (json_is_string(v) || json_is_null(v))
		return xstrdup(json_is_null(v) ? "" : json_string_value(v));
	char *dump = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT), *text = xstrdup(dump ? dump : "");
	free(dump);
	return text;
}

static bool add_member(struct uri *u, const char *name, const json_t *value, struct param_error *e)
{
	char *text = text_of(value);
	bool good = text && uri_add(u, name, text);
	if (!good)
		wrong(e, name, text ? "not clean text, or too many members" : "a text, a number, true or false, or a list of texts");
	free(text);
	return good;
}

/* Does null take something away? A flag, a number or a time is not there then: it has no empty text. */
static bool is_absent(const struct route_param *p, const char *name, const json_t *value)
{
	while (p && p->name && strcmp(p->name, name) != 0)
		p++;
	return json_is_null(value) && p && p->name && p->type != PT_TEXT;
}

static bool add_json(struct uri *u, const struct route_param *params, const char *body, size_t len, struct param_error *e)
{
	json_error_t je;
	json_t *root = json_loadb(body, len, JSON_REJECT_DUPLICATES, &je), *value;
	const char *name;
	bool good = root && json_is_object(root);
	if (!good)
		wrong(e, "body", root ? "a JSON object is wanted" : je.text);
	json_object_foreach(good ? root : NULL, name, value)
		if (good && !is_absent(params, name, value))
			good = add_member(u, name, value, e);
	json_decref(root);
	return good;
}

bool body_params(struct request *r, const struct route_param *params, struct param_error *e)
{
	size_t len;
	const char *body = request_body(r, &len), *type = request_header(r, "Content-Type");
	struct uri *u = request_params(r);
	if (len == 0)
		return true;
	if (memchr(body, '\0', len))
		return wrong(e, "body", "a byte of it is zero");
	if (type && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0)
		return uri_add_form(u, body) == 0 || wrong(e, "body", u->error);
	return add_json(u, params, body, len, e);
}

struct str put_text(struct buf *strs, const char *text)
{
	char *line = xstrdup(text ? text : "");
	for (char *p = line; (p = strchr(p, '\n')) != NULL; p++)
		*p = ' ';
	struct str s = str_put(strs, line, strlen(line), APID_MAX_TEXT);
	free(line);
	return s;
}

#include "object.h"

#include <inttypes.h>
#include <string.h>

#include "json.h"

void object_key_n(struct object *o, const char *name, size_t len)
{
	buf_addc(o->b, o->any ? ',' : '{');
	o->any = true;
	json_quote(o->b, name, len);
	buf_addc(o->b, ':');
}

void object_key(struct object *o, const char *name)
{
	object_key_n(o, name, strlen(name));
}

void object_end(struct object *o)
{
	if (!o->any)
		buf_addc(o->b, '{');
	buf_addc(o->b, '}');
}

void object_int(struct object *o, const char *name, int64_t v)
{
	object_key(o, name);
	buf_addf(o->b, "%" PRId64, v);
}

void object_uint(struct object *o, const char *name, uint64_t v)
{
	object_key(o, name);
	buf_addf(o->b, "%" PRIu64, v);
}

void object_bool(struct object *o, const char *name, bool v)
{
	object_key(o, name);
	buf_adds(o->b, v ? "true" : "false");
}

void object_text(struct object *o, const char *name, const char *s)
{
	object_key(o, name);
	json_quote(o->b, s, strlen(s));
}

void object_str(struct object *o, const char *name, const char *base, struct str s)
{
	object_key(o, name);
	json_quote(o->b, base + s.off, s.len);
}

void object_opt_str(struct object *o, const char *name, const char *base, struct str s)
{
	if (s.len)
		object_str(o, name, base, s);
}

void object_opt_uint(struct object *o, const char *name, uint64_t v)
{
	if (v)
		object_uint(o, name, v);
}

void object_addr(struct object *o, const char *name, const struct addr *a)
{
	char text[ADDR_STRLEN];
	object_text(o, name, addr_str(a, text));
}

void object_opt_joined(struct object *o, const char *name, const char *base, struct str s)
{
	struct buf b = { 0 };
	if (!s.len)
		return;
	buf_add(&b, base + s.off, s.len);
	for (size_t i = 0; i < b.len; i++)
		if (b.p[i] == '\n')
			b.p[i] = ',';
	object_key(o, name);
	json_quote(o->b, b.p, b.len);
	buf_release(&b);
}

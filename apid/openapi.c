/* The interface described as an OpenAPI 3.1 document, made from the routing tables and the record tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "json.h"

static void quoted(struct buf *out, const char *s)
{
	json_quote(out, s, strlen(s));
}

/* -- records: JSON as json_record writes it -- */

static const char *type_of(const struct field *f)
{
	switch (f->type) {
	case FT_STR:
	case FT_ADDR:
	case FT_MAC:
	case FT_ID:
	case FT_TIME:
	case FT_ENUM:
	case FT_PROTO:
		return "{\"type\":\"string\"}";
	case FT_LIST:
		return "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}";
	case FT_MAP:
		return "{\"type\":\"object\"}";
	case FT_F64:
	case FT_DUR:
		return "{\"type\":\"number\"}";
	default:
		return "{}";
	}
}

/* Fields with a dot in their name become objects by their first word, and a field of that name joins them. */
static bool is_object(const struct rdesc *rd, const char *word, size_t n)
{
	for (unsigned g = 0; g < rd->n_groups; g++)
		for (unsigned i = 0; i < rd->groups[g].n_fields; i++) {
			const char *name = rd->groups[g].fields[i].name;
			if (strncmp(name, word, n) == 0 && name[n] == '.')
				return true;
		}
	return false;
}

/* Fields of the record, those of objects below them left open. */
static void add_record(struct buf *out, enum rtype type)
{
	const struct rdesc *rd = rdesc_get(type);
	struct buf seen = { 0 };
	char key[72];
	bool any = false;
	buf_adds(&seen, " ");
	buf_addf(out, "\"%s\":{\"type\":\"object\",\"description\":", rd->name);
	quoted(out, rd->doc);
	buf_adds(out, ",\"properties\":{");
	for (unsigned g = 0; g < rd->n_groups; g++)
		for (unsigned i = 0; i < rd->groups[g].n_fields; i++) {
			const struct field *f = &rd->groups[g].fields[i];
			size_t n = strcspn(f->name, ".");
			if (f->type == FT_BIN || (type == R_ALERT && g > 0 && strcmp(rd->groups[g].member, "note") != 0))
				continue;
			snprintf(key, sizeof key, " %.*s ", (int)(n < 60 ? n : 60), f->name);
			if (strstr(buf_cstr(&seen), key))
				continue;
			buf_adds(&seen, key + 1);
			buf_addf(out, "%s\"%.*s\":%s", any ? "," : "", (int)n, f->name,
				 is_object(rd, f->name, n) ? "{\"type\":\"object\"}" : type_of(f));
			any = true;
		}
	/* The flow or the host that an alert is about lies in it as a whole. */
	if (type == R_ALERT)
		buf_adds(out, ",\"flow\":{\"type\":\"object\"},\"host\":{\"type\":\"object\"}");
	buf_adds(out, "},\"additionalProperties\":false}");
	buf_release(&seen);
}

/* -- routes -- */

static const char *param_schema(const struct route_param *p)
{
	switch (p->type) {
	case PT_FLAG:
		return "{\"type\":\"string\",\"enum\":[\"\",\"true\",\"false\",\"1\",\"0\"]}";
	case PT_NUMBER:
		return "{\"type\":\"integer\"}";
	default:
		return "{\"type\":\"string\"}";
	}
}

static void add_query(struct buf *out, const struct route *rt)
{
	const char *brace = strchr(rt->path, '{');
	bool any = brace != NULL;
	buf_adds(out, ",\"parameters\":[");
	if (brace)
		buf_addf(out, "{\"name\":\"%.*s\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}}",
			 (int)strcspn(brace + 1, "}"), brace + 1);
	for (const struct route_param *p = rt->body ? NULL : rt->params; p && p->name; p++) {
		buf_addf(out, "%s{\"name\":\"%s\",\"in\":\"query\",\"description\":", any ? "," : "", p->name);
		quoted(out, p->doc);
		buf_addf(out, ",\"schema\":%s}", param_schema(p));
		any = true;
	}
	buf_adds(out, "]");
}

/* Parameters of what takes a body are its members. Values are texts, or the JSON values that print as such. */
static void add_body(struct buf *out, const struct route *rt)
{
	buf_adds(out, ",\"requestBody\":{\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\",\"properties\":{");
	for (const struct route_param *p = rt->params; p && p->name; p++) {
		buf_addf(out, "%s\"%s\":{\"description\":", p == rt->params ? "" : ",", p->name);
		quoted(out, p->doc);
		buf_addc(out, '}');
	}
	buf_addf(out, "},\"additionalProperties\":%s}}}}", rt->params ? "false" : "true");
}

static bool has_param(const struct route *rt, const char *name)
{
	for (const struct route_param *p = rt->params; p && p->name; p++)
		if (strcmp(p->name, name) == 0)
			return true;
	return false;
}

static void add_list_schema(struct buf *out, const char *record)
{
	buf_addf(out,
		 "{\"type\":\"object\",\"required\":[\"data\",\"next\",\"total\"],\"additionalProperties\":false,\"properties\":{"
		 "\"data\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/%s\"}},"
		 "\"next\":{\"type\":[\"string\",\"null\"]},\"total\":{\"type\":[\"integer\",\"null\"]}}}", record);
}

static void add_content(struct buf *out, const struct route *rt)
{
	const struct rdesc *rd = rdesc_get(route_answer(rt));
	bool shaped = has_param(rt, "shape");
	switch (rt->reply) {
	case REPLY_LIST:
		buf_addf(out, "\"application/json\":{\"schema\":%s", shaped ? "{\"anyOf\":[" : "");
		add_list_schema(out, rd->name);
		buf_addf(out, "%s},\"text/csv\":{},\"application/x-ndjson\":{}",
			 shaped ? ",{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"time\"]}}]}" : "");
		break;
	case REPLY_ONE:
		buf_addf(out, "\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}", rd->name);
		break;
	case REPLY_TEXT:
		buf_adds(out, "\"text/plain\":{},\"text/html\":{},\"application/openmetrics-text\":{}");
		break;
	case REPLY_EVENTS:
		buf_adds(out, "\"text/event-stream\":{},\"application/x-ndjson\":{}");
		break;
	default:
		buf_adds(out, "\"application/json\":{\"schema\":{\"type\":\"object\"}}");
	}
}

static void add_reply(struct buf *out, const struct route *rt)
{
	unsigned status = rt->status ? rt->status : 200;
	buf_adds(out, ",\"responses\":{");
	if (status < 400)
		buf_addf(out, "\"%u\":{\"description\":\"done\"", status);
	if (status < 400 && status != 204) {
		buf_adds(out, ",\"content\":{");
		add_content(out, rt);
		buf_addc(out, '}');
	}
	buf_adds(out, status < 400 ? "}," : "");
	buf_addf(out, "\"default\":{\"description\":\"a problem (RFC 9457)%s", rt->reply == REPLY_TEXT ? ", or what is missing" : "");
	buf_addf(out, "\",\"content\":{%s\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/problem\"}}}}}",
		 rt->reply == REPLY_TEXT ? "\"text/plain\":{}," : "");
}

static void add_operation(struct buf *out, const struct route *rt, const char *method, size_t len)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < len; i++)
		buf_addc(out, (char)(method[i] | 0x20));
	buf_adds(out, "\":{\"summary\":");
	quoted(out, rt->summary);
	if (rt->scope == SCOPE_OPEN)
		buf_adds(out, ",\"security\":[]");
	else
		buf_addf(out, ",\"security\":[{\"token\":[\"%s\"]}]", scope_names[rt->scope]);
	add_query(out, rt);
	if (rt->body)
		add_body(out, rt);
	add_reply(out, rt);
	buf_addc(out, '}');
}

/* Rows of one path are methods of one item; the first row of a path makes it. */
static bool is_first(const struct route_table *t, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(t->rows[i].path, t->rows[at].path) == 0)
			return false;
	return true;
}

static void add_path(struct buf *out, const struct route_table *t, size_t at, bool any)
{
	bool more = false;
	buf_addf(out, "%s\"%s\":{", any ? "," : "", t->rows[at].path);
	for (size_t i = at; i < t->n; i++)
		if (strcmp(t->rows[i].path, t->rows[at].path) == 0)
			for (const char *m = t->rows[i].method; *m;) {
				size_t n = strcspn(m, " ");
				if (more)
					buf_addc(out, ',');
				add_operation(out, &t->rows[i], m, n);
				more = true;
				m += n + (m[n] == ' ');
			}
	buf_addc(out, '}');
}

void get_openapi(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)arg, (void)rt, (void)id;
	static const enum rtype shapes[] = { R_FLOW, R_HOST, R_ALERT, R_TOP, R_SAMPLE, R_SILENCE, R_TALLY, R_CHECK, R_INTERFACE, R_RUN };
	struct buf b = { 0 };
	bool any = false;
	buf_addf(&b, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"weir\",\"version\":\"%s\"},\"paths\":{", WEIR_VERSION);
	for (size_t t = 0; t < n_route_tables; t++)
		for (size_t i = 0; i < route_tables[t].n; i++)
			if (is_first(&route_tables[t], i)) {
				add_path(&b, &route_tables[t], i, any);
				any = true;
			}
	compat_describe(&b);
	buf_adds(&b, "},\"components\":{\"securitySchemes\":{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}},\"schemas\":{"
		     "\"problem\":{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\",\"detail\",\"instance\"],"
		     "\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
		     "\"detail\":{\"type\":\"string\"},\"instance\":{\"type\":\"string\"},\"errors\":{\"type\":\"array\"}},"
		     "\"additionalProperties\":false}");
	buf_addf(&b, ",%s", compat_schema());
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		buf_addc(&b, ',');
		add_record(&b, shapes[i]);
	}
	buf_adds(&b, "}}}\n");
	request_reply(r, 200, "application/json", &b);
}

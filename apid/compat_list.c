/* What there is of ntopng's API, for people and programs: the table itself, and its part of the OpenAPI document. */
#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "json.h"

/* Two rows are pages of ntopng's web interface: no envelope is around them. */
static bool is_page(const struct compat_row *row)
{
	return !strchr(row->path, '/');
}

static char *path_of(const struct compat_row *row)
{
	bool rest = !is_page(row) && strncmp(row->path, "rest/", 5) != 0;
	return xasprintf("/lua/%s%s.lua", rest ? "rest/v2/" : "", row->path);
}

static const char *text(const char *s)
{
	return s ? s : "";
}

void get_compat(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)arg, (void)rt, (void)id;
	static const char *const has[] = { "all", "part", "nothing", "no_write" };
	struct buf b = { 0 };
	json_t *rows = json_array();
	for (size_t i = 0; i < n_compat_rows; i++) {
		const struct compat_row *row = &compat_rows[i];
		char *path = path_of(row);
		json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:s}", "path", path, "has", has[row->has], "params",
						      text(row->params), "note", text(row->note)));
		free(path);
	}
	json_t *doc = json_pack("{s:o}", "data", rows);
	char *dump = json_dumps(doc, JSON_COMPACT);
	buf_adds(&b, dump);
	buf_addc(&b, '\n');
	free(dump);
	json_decref(doc);
	request_reply(r, 200, "application/json", &b);
}

/* -- OpenAPI -- */

static void add_params(struct buf *out, const char *names)
{
	buf_adds(out, "\"parameters\":[");
	for (const char *p = names; *p;) {
		size_t n = strcspn(p, ",");
		buf_addf(out, "%s{\"name\":\"%.*s\",\"in\":\"query\",\"schema\":{\"type\":\"string\"}}", p == names ? "" : ",", (int)n, p);
		p += n + (p[n] == ',');
	}
	buf_addc(out, ']');
}

static void add_operation(struct buf *out, const struct compat_row *row, const char *method)
{
	const char *summary = row->note ? row->note : row->has == HAS_ALL ? "as ntopng answers it" : "";
	buf_addf(out, "\"%s\":{\"deprecated\":true,\"security\":[{\"token\":[\"read:stats\",\"read:flows\",\"read:alerts\"]}],"
		      "\"summary\":", method);
	json_quote(out, summary, strlen(summary));
	buf_addc(out, ',');
	add_params(out, text(row->params));
	/* Errors of a handler have the envelope; what happens before one runs is a problem. */
	buf_addf(out, ",\"responses\":{\"default\":{\"description\":\"an answer, or a problem\",\"content\":{"
		      "\"application/json\":{\"schema\":{%s}},"
		      "\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/problem\"}}}}}}",
		 is_page(row) ? "" : "\"$ref\":\"#/components/schemas/envelope\"");
}

void compat_describe(struct buf *out)
{
	for (size_t i = 0; i < n_compat_rows; i++) {
		char *path = path_of(&compat_rows[i]);
		buf_addf(out, ",\"%s\":{", path);
		add_operation(out, &compat_rows[i], "get");
		buf_addc(out, ',');
		add_operation(out, &compat_rows[i], "post");
		buf_addc(out, '}');
		free(path);
	}
}

const char *compat_schema(void)
{
	return "\"envelope\":{\"type\":\"object\",\"required\":[\"rc\",\"rc_str\",\"rc_str_hr\",\"rsp\"],\"properties\":{"
	       "\"rc\":{\"type\":\"integer\"},\"rc_str\":{\"type\":\"string\"},\"rc_str_hr\":{\"type\":\"string\"},"
	       "\"rsp\":{\"type\":[\"object\",\"array\"]},\"recordsTotal\":{\"type\":\"integer\"},"
	       "\"recordsFiltered\":{\"type\":\"integer\"},\"draw\":{\"type\":\"integer\"}},\"additionalProperties\":false}";
}

#include "problem.h"

#include <string.h>

#include "json.h"

/* RFC 9110 and RFC 6585. */
static const char *title_of(unsigned status)
{
	static const struct {
		unsigned status;
		const char *title;
	} titles[] = { { 400, "Bad Request" },          { 401, "Unauthorized" },
		       { 403, "Forbidden" },            { 404, "Not Found" },
		       { 405, "Method Not Allowed" },   { 409, "Conflict" },
		       { 410, "Gone" },                 { 413, "Content Too Large" },
		       { 414, "URI Too Long" },         { 421, "Misdirected Request" },
		       { 429, "Too Many Requests" },    { 431, "Request Header Fields Too Large" },
		       { 501, "Not Implemented" },      { 503, "Service Unavailable" },  { 504, "Gateway Timeout" } };
	for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Error";
}

/* instance names the request. */
static void write_document(struct buf *out, unsigned status, const char *detail, const char *instance, const struct param_error *e)
{
	/* The one problem that a program can do something about has a name; the others are what their status says. */
	buf_addf(out, "{\"type\":\"%s\",\"title\":\"%s\",\"status\":%u,\"detail\":",
		 status == 410 ? "cursor-expired" : "about:blank", title_of(status), status);
	json_quote(out, detail, strlen(detail));
	buf_adds(out, ",\"instance\":");
	json_quote(out, instance, strlen(instance));
	if (e) {
		buf_adds(out, ",\"errors\":[{\"param\":");
		json_quote(out, e->param, strlen(e->param));
		buf_adds(out, ",\"reason\":");
		json_quote(out, e->reason, strlen(e->reason));
		buf_adds(out, "}]");
	}
	buf_adds(out, "}\n");
}

void request_problem(struct request *r, unsigned status, const char *detail, const struct param_error *e)
{
	struct buf b = { 0 };
	write_document(&b, status, detail, request_id(r), e);
	if (status == 401)
		request_header_add(r, "WWW-Authenticate", "Bearer realm=\"weir\"");
	request_reply(r, status, "application/problem+json", &b);
}

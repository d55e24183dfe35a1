#include "problem.h"

#include <stdio.h>
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

/* "NAME: reason", which is what the store says of a parameter. */
static bool read_error(const char *text, struct param_error *e)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
	if (n == 0 || strncmp(text + n, ": ", 2) != 0)
		return false;
	snprintf(e->param, sizeof e->param, "%.*s", (int)n, text);
	snprintf(e->reason, sizeof e->reason, "%s", text + n + 2);
	return true;
}

bool request_bad_param(struct request *r, const char *param, const char *reason)
{
	struct param_error e;
	snprintf(e.param, sizeof e.param, "%s", param);
	snprintf(e.reason, sizeof e.reason, "%s", reason);
	request_problem(r, 400, PROBLEM_PARAM, &e);
	return false;
}

void request_refused(struct request *r, const struct g_answer *a, const char *base)
{
	struct param_error e;
	char text[300];
	if (!a) {
		request_problem(r, 504, "alertd does not answer", NULL);
		return;
	}
	snprintf(text, sizeof text, "%.*s", (int)a->error.len, a->error.len ? str_ptr(base, a->error) : "");
	if (a->status == 400 && read_error(text, &e))
		request_problem(r, 400, PROBLEM_PARAM, &e);
	else
		request_problem(r, a->status >= 400 && a->status < 600 ? a->status : 504, text, NULL);
}

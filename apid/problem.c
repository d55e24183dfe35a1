#include "problem.h"

#include <string.h>

#include "json.h"

static const char *title_of(unsigned status)
{
	static const struct {
		unsigned status;
		const char *title;
	} titles[] = { { 400, "Bad Request" },        { 401, "Unauthorized" },        { 403, "Forbidden" },
		       { 404, "Not Found" },          { 405, "Method Not Allowed" },  { 409, "Conflict" },
		       { 421, "Misdirected Request" }, { 429, "Too Many Requests" },  { 503, "Service Unavailable" },
		       { 504, "Gateway Timeout" } };
	for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Error";
}

void request_problem(struct request *r, unsigned status, const char *detail, const char *param, const char *reason)
{
	struct buf b = { 0 };
	buf_addf(&b, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"detail\":", title_of(status), status);
	json_quote(&b, detail, strlen(detail));
	if (param) {
		buf_adds(&b, ",\"errors\":[{\"param\":");
		json_quote(&b, param, strlen(param));
		buf_adds(&b, ",\"reason\":");
		json_quote(&b, reason, strlen(reason));
		buf_adds(&b, "}]");
	}
	buf_adds(&b, "}\n");
	if (status == 401)
		request_header_add(r, "WWW-Authenticate", "Bearer");
	request_reply(r, status, "application/problem+json", &b);
}

/* Golden tests of checks/flow_http.c. */
#include "golden.h"

HIT(ndpi_http_crawler_bot)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_agent = lab_text(&f, "Foobot/2.1 (compatible)");
	lab_run(&f);
}

MISS(ndpi_http_crawler_bot)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_agent = lab_text(&f, "Mozilla/5.0 (X11)");
	lab_run(&f);
}

HIT(ndpi_http_obsolete_server)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_server = lab_text(&f, "nginx/1.21.6");
	lab_run(&f);
}

MISS(ndpi_http_obsolete_server)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_server = lab_text(&f, "nginx/1.22.0");
	lab_run(&f);
}

HIT(ndpi_error_code_detected)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_status = 404;
	lab_run(&f);
}

MISS(ndpi_error_code_detected)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_status = 399;
	lab_run(&f);
}

HIT(ndpi_binary_data_transfer)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_type = lab_text(&f, "application/X-Own");
	lab_run(&f);
}

MISS(ndpi_binary_data_transfer)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_type = lab_text(&f, "application/x-other");
	lab_run(&f);
}

HIT(ndpi_url_possible_rce_injection)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_url = lab_text(&f, "/ping?host=1.1.1.1%3Bcat+/etc/passwd");
	lab_run(&f);
}

MISS(ndpi_url_possible_rce_injection)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_url = lab_text(&f, "/ping?host=cat+/etc/passwd");
	lab_run(&f);
}

static const struct golden table[] = {
    GOLDEN(ndpi_http_crawler_bot, ""),
    GOLDEN(ndpi_http_obsolete_server, ""),
    GOLDEN(ndpi_error_code_detected, ""),
    GOLDEN(ndpi_binary_data_transfer, "types: [application/x-own]"),
    GOLDEN(ndpi_url_possible_rce_injection, ""),
};
GOLDENS(flow_http, table);

/* HTTP: who asks, what answers, what is carried, and what a URL tries. */
#include <ctype.h>
#include <strings.h>

#include "flow_util.h"
#include "hex.h"

FLOW_CHECK(ndpi_http_crawler_bot)
{
	char agent[120];
	struct str s = v->app->http_agent;
	if (!s.len || (!flow_contains(v, s, "crawler") && !flow_contains(v, s, "bot") && !flow_contains(v, s, "+http:") &&
		       !flow_contains(v, s, " http:")))
		return false;
	flow_text(agent, sizeof agent, v, s);
	SAY(f, "The User-Agent '%s' is a crawler's", agent);
	VALUES(f, "user_agent=%s", agent);
	return true;
}

static bool older_than(const char *text, const char *product, unsigned major, unsigned minor)
{
	unsigned a, b, c;
	size_t n = strlen(product);
	if (strncasecmp(text, product, n) != 0 || sscanf(text + n, "/%u.%u.%u", &a, &b, &c) != 3)
		return false;
	return a < major || (a == major && b < minor);
}

FLOW_CHECK(ndpi_http_obsolete_server)
{
	char server[100];
	if (!v->app->http_server.len)
		return false;
	flow_text(server, sizeof server, v, v->app->http_server);
	if (!older_than(server, "Apache", 2, 4) && !older_than(server, "nginx", 1, 22))
		return false;
	SAY(f, "The web server says it is %s", server);
	VALUES(f, "server=%s", server);
	return true;
}

FLOW_CHECK(ndpi_error_code_detected)
{
	unsigned code = v->app->http_status >= 400 && v->app->http_status <= 509 ? v->app->http_status : v->app->dns_rcode;
	if (!code)
		return false;
	SAY(f, "The server answered with error %u", code);
	VALUES(f, "code=%u", code);
	return true;
}

/* What is binary by its name. Programs are binary_application_transfer's. */
static const char *const binary_types[] = { "application/octet-stream", "application/zip", "application/gzip",
					    "application/x-gzip", "application/x-tar", "application/x-7z-compressed",
					    "application/x-rar-compressed", "application/vnd.rar", "application/x-bzip2",
					    "application/x-iso9660-image", "application/vnd.android.package-archive",
					    "application/x-debian-package", "application/x-rpm" };

FLOW_CHECK(ndpi_binary_data_transfer)
{
	char type[80];
	if (!v->app->http_type.len)
		return false;
	flow_text(type, sizeof type, v, v->app->http_type);
	type[strcspn(type, "; ")] = '\0';
	bool binary = conf_has_text(k, type, strlen(type));
	for (size_t i = 0; !binary && i < sizeof binary_types / sizeof *binary_types; i++)
		binary = strcasecmp(type, binary_types[i]) == 0;
	if (!binary)
		return false;
	bool done = v->app->http_status >= 200 && v->app->http_status < 300;
	SAY(f, done ? "Binary data (%s) was transferred" : "Binary data (%s) was asked for", type);
	VALUES(f, "content_type=%s\nstatus=%u", type, v->app->http_status);
	return true;
}

/* -- commands in URLs: what nDPI looks for only when it is built with PCRE, which Debian's is not -- */

/* The query part of a URL, decoded (RFC 3986 section 2.1, '+' is a space), in lower case. */
static void decode_query(const char *s, size_t len, char *out, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < len && n + 1 < size; i++) {
		char c = s[i] == '+' ? ' ' : s[i];
		if (c == '%' && i + 2 < len && hex_value(s[i + 1]) >= 0 && hex_value(s[i + 2]) >= 0) {
			c = (char)(hex_value(s[i + 1]) << 4 | hex_value(s[i + 2]));
			i += 2;
		}
		out[n++] = (char)tolower((unsigned char)c);
	}
	out[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (!out[i])
			out[i] = ' ';
}

static const char *const commands[] = { "cat /etc/", "/bin/sh", "/bin/bash", "bash -", "sh -c", "wget http", "curl http",
					"nc -e", "ncat ", "chmod +x", "chmod 777", "uname -a", "whoami", "passthru(",
					"shell_exec(", "system(", "proc_open(", "popen(", "phpinfo(", "base64_decode(",
					"eval(", "powershell", "cmd.exe", "net user ", "ping -c ", "ping -n ", "/etc/passwd",
					"id;", "python -c", "perl -e", "rm -rf" };
static const char *const separators = ";|&`$\n(";

/* A command right behind what begins one in a shell or an interpreter. */
static const char *command_in(const char *query)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		for (const char *p = strstr(query, commands[i]); p; p = strstr(p + 1, commands[i])) {
			const char *before = p;
			while (before > query && (before[-1] == ' ' || before[-1] == '{' || before[-1] == '"' || before[-1] == '\''))
				before--;
			bool call = commands[i][strlen(commands[i]) - 1] == '(';
			if ((before > query && strchr(separators, before[-1])) || (call && (before == query || before[-1] == '=')))
				return commands[i];
		}
	return NULL;
}

FLOW_CHECK(ndpi_url_possible_rce_injection)
{
	char query[512];
	const char *url = str_ptr(v->app_base, v->app->http_url);
	const char *q = v->app->http_url.len ? memchr(url, '?', v->app->http_url.len) : NULL;
	if (!q)
		return false;
	decode_query(q + 1, v->app->http_url.len - (size_t)(q + 1 - url), query, sizeof query);
	const char *command = command_in(query);
	if (!command)
		return false;
	SAY(f, "The URL carries the command '%s'", command);
	VALUES(f, "command=%s\nstatus=%u", command, v->app->http_status);
	return true;
}

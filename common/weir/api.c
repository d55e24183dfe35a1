#include "api.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verbs.h"

#define TIMEOUT_S  20
#define MAX_ANSWER (64u << 20)

struct api {
	CURL *curl;
	struct curl_slist *headers;
	char *base;   /* without a slash at the end */
	struct buf body;
};

static size_t take(char *p, size_t size, size_t n, void *arg)
{
	struct buf *b = arg;
	if (b->len + size * n > MAX_ANSWER)
		return 0;
	buf_add(b, p, size * n);
	return size * n;
}

static bool add_token(struct api *a, const char *path)
{
	char token[512];
	FILE *fp = fopen(path, "re");
	size_t n = fp ? fread(token, 1, sizeof token - 1, fp) : 0;
	if (!fp || n == 0) {
		fprintf(stderr, "weir: cannot read the API's token from %s: %s\n", path, fp ? "it is empty" : strerror(errno));
		if (fp)
			fclose(fp);
		return false;
	}
	fclose(fp);
	token[n] = '\0';
	token[strcspn(token, " \t\r\n")] = '\0';
	char *header = xasprintf("Authorization: Bearer %s", token);
	a->headers = curl_slist_append(a->headers, header);
	free(header);
	return true;
}

/* The socket that asks for no token, if there is one that lets us in; NULL if not. The caller frees. */
static char *local_socket(const struct topo *t)
{
	if (strncmp(t->api.listen, "unix:", 5) == 0)
		return xstrdup(t->api.listen + 5);
	char *path = topo_api_socket(t);
	if (access(path, R_OK | W_OK) == 0)
		return path;
	free(path);
	return NULL;
}

struct api *api_open(const struct topo *t, const char *url, const char *token_file)
{
	struct api *a = xcalloc(1, sizeof *a);
	char *local = url || token_file || !t ? NULL : local_socket(t);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	a->curl = curl_easy_init();
	if (local) {
		a->base = xstrdup("http://localhost");
		curl_easy_setopt(a->curl, CURLOPT_UNIX_SOCKET_PATH, local);
		free(local);
	} else {
		a->base = url ? xstrdup(url) : xasprintf("http://%s", t->api.listen);
		const char *file = token_file ? token_file : t ? t->api.token_file : NULL;
		if (file && !add_token(a, file)) {
			api_close(a);
			return NULL;
		}
	}
	for (size_t n = strlen(a->base); n && a->base[n - 1] == '/'; n--)
		a->base[n - 1] = '\0';
	curl_easy_setopt(a->curl, CURLOPT_HTTPHEADER, a->headers);
	curl_easy_setopt(a->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(a->curl, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
	curl_easy_setopt(a->curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	curl_easy_setopt(a->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(a->curl, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(a->curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(a->curl, CURLOPT_WRITEDATA, &a->body);
	return a;
}

void api_close(struct api *a)
{
	if (!a)
		return;
	curl_easy_cleanup(a->curl);
	curl_slist_free_all(a->headers);
	buf_release(&a->body);
	free(a->base);
	free(a);
}

void api_param(struct api *a, struct buf *target, const char *name, const char *value)
{
	char *text = curl_easy_escape(a->curl, value, 0);
	buf_addf(target, "%s%s=%s", memchr(target->p, '?', target->len) ? "&" : "?", name, text ? text : "");
	curl_free(text);
}

/* What a problem document says, or ntopng's envelope, or the status alone. */
static void say_problem(const json_t *doc, long status)
{
	const char *detail = json_string_value(json_object_get(doc, json_object_get(doc, "rc") ? "rc_str_hr" : "detail"));
	const json_t *e = json_array_get(json_object_get(doc, "errors"), 0);
	const char *param = json_string_value(json_object_get(e, "param")), *reason = json_string_value(json_object_get(e, "reason"));
	fprintf(stderr, "weir: the API answers %ld%s%s", status, detail ? ": " : "", detail ? detail : "");
	if (param && reason)
		fprintf(stderr, " (%s: %s)", param, reason);
	fputc('\n', stderr);
}

json_t *api_get(struct api *a, const char *target, int *ret_code)
{
	char *url = xasprintf("%s%s", a->base, target);
	long status = 0;
	buf_reset(&a->body);
	curl_easy_setopt(a->curl, CURLOPT_URL, url);
	CURLcode rc = curl_easy_perform(a->curl);
	curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
	free(url);
	if (rc != CURLE_OK) {
		fprintf(stderr, "weir: the API at %s does not answer: %s\n", a->base, curl_easy_strerror(rc));
		*ret_code = EXIT_UNREACHABLE;
		return NULL;
	}
	json_t *doc = json_loadb(a->body.p ? a->body.p : "", a->body.len, 0, NULL);
	if (status == 200 && doc)
		return doc;
	say_problem(doc, status);
	*ret_code = status == 400 ? EXIT_USAGE : EXIT_FAILED;
	json_decref(doc);
	return NULL;
}

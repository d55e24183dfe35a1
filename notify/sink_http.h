/* Delivers by POST to a URL. The only file of notify that knows libcurl. */
#ifndef WEIR_SINK_HTTP_H
#define WEIR_SINK_HTTP_H

#include "loop.h"
#include "sink.h"

/* The HTTP client that all webhooks share; results go to done. */
struct http_client;
struct http_client *http_client_new(struct loop *l, sink_done *done, void *arg);
void http_client_free(struct http_client *c);

/* With their secrets put in; all are copied. headers: NULL-terminated, may be NULL. secret may be NULL. */
struct sink *sink_http_new(struct http_client *c, const char *url, char *const *headers, const char *secret,
			   uint64_t timeout_ns);

#endif

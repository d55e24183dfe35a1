/*
 * What the benchmarks of Lua checks measure on: flows, of which one in 64 passes the first test of a check (typical), or nearly
 * all pass all tests but the last (deep).
 */
#ifndef WEIR_LUA_ROWS_H
#define WEIR_LUA_ROWS_H

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "record.h"

#define N_FLOWS 16384
#define ROUNDS  40

static const char issuer[] = "C=US, O=Google Trust Services, CN=GTS CA 1C3";

struct flows {
	struct r_flow *f;
	struct buf text;
};

static inline struct str flows_text(struct buf *b, const char *s)
{
	struct str r = { (uint32_t)b->len, (uint32_t)strlen(s) };
	buf_adds(b, s);
	return r;
}

static inline void flows_make(struct flows *x, bool deep)
{
	uint32_t seed = 12345;
	x->f = xcalloc(N_FLOWS, sizeof *x->f);
	buf_reserve(&x->text, 4096);
	struct str yes = flows_text(&x->text, issuer), no = flows_text(&x->text, "C=DE, O=Example CA, CN=Example Root R3");
	struct str tls = flows_text(&x->text, "TLS"), sensor = flows_text(&x->text, "lan");
	for (unsigned i = 0; i < N_FLOWS; i++) {
		struct r_flow *f = &x->f[i];
		char ip[32];
		seed = seed * 1664525 + 1013904223;
		unsigned r = seed >> 8;
		bool pass = deep || r % 64 == 0;
		snprintf(ip, sizeof ip, "10.0.%u.%u", pass ? 0 : r % 7 + 1, pass ? 1 : r % 199 + 2);
		addr_parse(ip, strlen(ip), &f->key.client);
		addr_parse("192.0.2.80", 10, &f->key.server);
		f->key.id = (struct id){ 7, i };
		f->key.proto = 6;
		f->key.client_port = (uint16_t)(1024 + r % 60000);
		f->key.server_port = 443;
		f->key.sensor = sensor;
		f->app.app = f->app.master = tls;
		f->app.app_id = f->app.master_id = 91;
		f->app.tls_version_id = 0x303;
		/* The last test fails in 63 of 64: what is measured is the check, not the alert. */
		f->app.tls_issuer = r / 64 % 64 == 0 ? yes : no;
		f->n.client_bytes = pass ? 2000000 + r % 1000 : r % 1000;
		f->n.server_bytes = deep && r % 16 ? 400 + r % 100 : r % 2000000;
		f->n.client_packets = 2 + r % 50;
		f->n.server_packets = r / 64 % 64 == 0 ? 0 : 90;
	}
}

static inline double seconds_now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

#endif

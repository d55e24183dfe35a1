/* What golden tests of hosts share. */
#ifndef WEIR_TEST_GOLDEN_HOST_H
#define WEIR_TEST_GOLDEN_HOST_H

#include "golden.h"


/* A SYN that gets no answer, or a connection that does, from a client to a server and port. */
static inline void attempt(struct lab *l, double at, const char *client, const char *server, unsigned port,
			   bool answered)
{
	struct lab_flow f = lab_flow(l, at);
	f.key.client = lab_addr(client);
	f.key.server = lab_addr(server);
	f.key.server_port = (uint16_t)port;
	f.lasts = 0.01;
	if (!answered) {
		f.n = (struct g_flow_count){.client_packets = 1,
					    .client_bytes = 60,
					    .client_syns = 1,
					    .client_flags = 2,
					    .end_reason = END_IDLE};
		memset(&f.app, 0, sizeof f.app);
	}
	lab_run(&f);
}

static inline void attempts(struct lab *l, unsigned n, bool answered)
{
	for (unsigned i = 0; i < n; i++)
		attempt(l, 1 + i * 0.1, "10.0.0.1", "10.0.0.2", 1000 + i, answered);
}

static inline void carry(struct lab *l, double at, uint64_t bytes, unsigned app)
{
	struct lab_flow f = lab_udp(l, at, app, 5000);
	f.n.client_bytes = bytes;
	f.n.server_bytes = 0;
	f.n.client_packets = bytes / 1000;
	lab_run(&f);
}

#endif

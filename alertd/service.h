/*
 * The second socket of alertd: QUERY and COMMAND, in a thread of its own. Questions are for the searchers; what changes
 * something is handed over.
 */
#ifndef WEIR_SERVICE_H
#define WEIR_SERVICE_H

#include "link.h"
#include "store.h"

struct service;

/* A COMMAND that another thread carries out. Whoever has it answers with service_answer, once. */
struct service_job {
	struct service *service;
	struct link_req *req;
	char *op, *text, *actor, *match, *labels, *alias;
	struct addr ip;
	uint16_t vlan;
	struct id id;
	uint64_t number, start, end;
	/* the answer */
	unsigned status;
	uint64_t total;
	uint32_t count;   /* of records in body */
	struct buf error, body;
};

struct service_conf {
	const char *url;
	const struct store_ops *ops;
	struct store_conf store;
	/* Takes ack, unack, comment, silence, unsilence, host and prune; called in the service's thread. */
	void (*handle)(void *arg, struct service_job *j);
	void *arg;
};

/* Starts the thread. NULL after logging why. */
struct service *service_start(const struct service_conf *conf);
/* Nobody may answer any more after this. */
void service_stop(struct service *s);
/* From any thread. */
void service_answer(struct service_job *j, unsigned status);

#endif

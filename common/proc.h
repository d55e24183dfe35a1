/*
 * The frame that every process shares: options, log, topology, privileges, its link socket, the loop, the service
 * manager, exit. A process is one initializer and its callbacks.
 */
#ifndef WEIR_PROC_H
#define WEIR_PROC_H

#include <stdbool.h>
#include <stdint.h>

#include "link.h"
#include "loop.h"
#include "metrics.h"
#include "topo.h"

struct proc_ctx {
	const char *name;        /* "capture" */
	const char *instance;    /* -i, or NULL */
	const char *full_name;   /* "capture/lan" or "classify" */
	const struct topo *topo;
	struct loop *loop;
	struct server *server;   /* add streams to it in init */
	struct metrics *metrics;
	struct g_process *self;  /* lag, queue, drops, clock: the process keeps them up to date (or in .status) */
	struct poison *poison;   /* of a process that is guarded, or NULL */
	void *state;
};

struct proc {
	const char *name;
	bool instances;   /* needs -i */
	bool guarded;     /* records that crash or hang it are marked: poison.h */
	void *state;
	/* Opens what needs privileges. No nng here. Returns 0, or -1 after logging why. */
	int (*privileged)(struct proc_ctx *c);
	/* Everything else: streams, followers. Returns 0, or -1 after logging why. */
	int (*init)(struct proc_ctx *c);
	/* Requests that are neither FETCH nor STATUS; may be NULL. */
	struct server_ops ops;
	/* Brings c->self and *state up to date before a STATUS is answered. May be NULL. */
	void (*status)(struct proc_ctx *c, char *state, size_t size);
	/* SIGTERM or reload: flush. The loop goes on until proc_exit or 10 s have passed. NULL: exit at once. */
	void (*stop)(struct proc_ctx *c);
	/* What the sandbox leaves open beside files and local sockets. Default: nothing. */
	unsigned needs;
};
enum {
	PROC_NET = 1,    /* the network */
	PROC_JIT = 2,    /* executable memory */
	PROC_PACKET = 4, /* packet sockets, for a sensor that is an interface */
};

/*
 * Options: -f topology, -i instance, -n check the topology and exit, -d debug log, -V version. SIGHUP: validates the
 * topology; if it is good the process stops cleanly with exit code PROC_RELOAD and its supervisor starts it again;
 * if not it says why and goes on. SIGTERM, SIGINT: stop.
 */
int proc_main(int argc, char **argv, const struct proc *p);
void proc_exit(struct proc_ctx *c, int code);
/* Says what the process is doing, in weir status and systemctl status. */
void proc_state(struct proc_ctx *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define PROC_RELOAD 75 /* exit code: start me again */
#define PROC_CONFIG 78 /* exit code: the topology is not valid, starting again would not help; sysexits.h */

#endif

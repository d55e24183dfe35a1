/*
 * Runs the programs of recipients in a process of its own. A process that uses nng must not fork, and what suits an
 * interpreter is not what suits notify: so the spawner is forked off first, before nng, the sandbox and the change of
 * user, and gets its orders over a socket pair.
 *
 * It ends when notify does, and takes the programs with it. It becomes the topology's user unless a recipient names
 * another; then it keeps of root's capabilities only those to change to that user and to end its programs.
 */
#ifndef WEIR_SPAWNER_H
#define WEIR_SPAWNER_H

#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "topo.h"

#define SPAWN_OUTPUT 4096 /* bytes of a program's output that are kept */

struct spawner;

enum spawn_end {
	SPAWN_EXITED,  /* code: exit status */
	SPAWN_KILLED,  /* code: signal */
	SPAWN_TIMEOUT, /* it took too long and was ended */
	SPAWN_REFUSED, /* it was not run: text says why */
};

struct spawn_result {
	uint32_t job;
	enum spawn_end end;
	int code;
	const char *text; /* output of the program (not clean), or why it was refused; valid during the callback */
	size_t len;
};

struct spawner_ops {
	void (*done)(void *arg, const struct spawn_result *r);
	/* The spawner is gone: no result will come any more. */
	void (*died)(void *arg);
};

/* Forks the spawner. Call before threads, nng and the sandbox. NULL after logging why. */
struct spawner *spawner_start(const struct topo *t);
/* Takes part in the loop from now on. */
void spawner_attach(struct spawner *s, struct loop *l, const struct spawner_ops *ops, void *arg);
/*
 * Runs the program of recipient number n of the topology with doc on its standard input and env (strings one after the
 * other, each with its NUL) added to its environment. Never blocks. Returns 0, or -1 if the spawner is gone.
 */
int spawner_run(struct spawner *s, uint32_t job, unsigned n, const char *env, size_t env_len, const char *doc,
		size_t doc_len);
void spawner_free(struct spawner *s);

/* -- between the two sides -- */

#define SPAWN_MAX_DOC (4u << 20)
#define SPAWN_MAX_ENV 4096
#define SPAWN_MAX_RUNNING 256 /* programs */

struct spawn_order {
	uint32_t job, recipient, env_len, doc_len; /* then env, then doc */
};

struct spawn_report {
	uint32_t job, end;
	int32_t code;
	uint32_t len; /* then so many bytes of text */
};

/* The other side: runs until fd is closed at the other end. Never returns. */
void spawner_child(int fd, const struct topo *t) __attribute__((noreturn));

#endif

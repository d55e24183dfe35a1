/* The file of the deliveries (queue_file.c), for what is done with them (queue.c). */
#ifndef WEIR_QUEUE_PRIV_H
#define WEIR_QUEUE_PRIV_H

#include <sqlite3.h>

#include "queue.h"

#define DELIVERY_SEED 0x64656c6976657279u /* separates delivery ids from the other kinds */

/* The running totals of a recipient: in memory, and with each transaction on disk. */
struct account {
	char *name;
	struct queue_totals t, before; /* before: as it was when the transaction began */
	bool dirty;
};

/* Statements that are kept, by their text in queue_file.c. */
enum stmt {
	S_ADD, S_KNOWN, S_LOOKUP, S_SET_CURSOR, S_DUE, S_NEXT, S_START, S_FINISH, S_PRUNE, S_COALESCE, S_TOTALS, S_RETRY, S_DROP,
	S_LIST, S_EXPIRING, S_EXPIRE, S_SENDING, S_AHEAD, S_COUNT
};

struct queue {
	sqlite3 *db;
	sqlite3_stmt *s[S_COUNT];
	uint64_t max_rows;
	struct account *accounts;
	size_t n_accounts;
	struct position {
		bool known;
		uint64_t epoch, next;
	} cursor, cursor_before;
	char error[256];
	bool no_room; /* it was the disk that is full */
};

/* Sets what queue_error tells; returns -1. */
int queue_fail(struct queue *q, const char *what);
/* Runs a statement that returns no rows. */
int queue_step(struct queue *q, enum stmt n);

struct account *queue_account(struct queue *q, const char *recipient);
/* n rows of a recipient went from one state to another. NO_STATE: they are new, or there are no longer any. */
#define NO_STATE QUEUE_STATES
void queue_moved(struct queue *q, const char *recipient, unsigned from, unsigned to, uint64_t n);

void bind_id(sqlite3_stmt *s, int n, struct id id);
struct id column_id(sqlite3_stmt *s, int n);
const char *column_str(sqlite3_stmt *s, int n); /* "" for NULL */

static inline void bind_u64(sqlite3_stmt *s, int n, uint64_t v)
{
	sqlite3_bind_int64(s, n, (sqlite3_int64)v);
}

static inline uint64_t column_u64(sqlite3_stmt *s, int n)
{
	return (uint64_t)sqlite3_column_int64(s, n);
}

#endif

/*
 * Tokens of the API: what each may do, and the file that knows them. The file holds no token but its SHA-256, one a line:
 *
 *   name sha256-in-hex scope,scope expires
 *
 * expires: seconds since 1970, 0 = never. 'weir token' writes it, apid reads it again when it has changed.
 */
#ifndef WEIR_TOKEN_H
#define WEIR_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* Rights. A token has some; open paths need none. */
enum scope {
	SCOPE_OPEN,
	SCOPE_READ_STATS,   /* counters, names, how things are */
	SCOPE_READ_FLOWS,   /* hosts, flows, history */
	SCOPE_READ_ALERTS,
	SCOPE_READ_PCAP,
	SCOPE_WRITE_ALERTS, /* acknowledge, comment */
	SCOPE_WRITE_CONFIG, /* silences */
	SCOPE_ADMIN,        /* all of them */
	N_SCOPES
};
extern const char *const scope_names[N_SCOPES];

#define TOKEN_NAME   40
#define TOKEN_HASH   32
#define TOKEN_SECRET 64 /* hex digits of a token that we make */
#define TOKEN_ALL    (1u << SCOPE_ADMIN)

struct token {
	char name[TOKEN_NAME + 1];
	uint8_t hash[TOKEN_HASH];
	uint32_t scopes;  /* bit n: enum scope n */
	uint64_t expires; /* s since 1970, 0 = never */
};

bool token_may(const struct token *t, enum scope scope);
/* "read:flows,write:alerts", or the short "read", "ack", "silence", "admin". False: *bad is the word that is none. */
bool token_scopes(const char *list, uint32_t *ret, char bad[static 40]);
void token_print_scopes(uint32_t scopes, struct buf *out);
/* Letters, digits, '.', '-', '_', at most TOKEN_NAME. */
bool token_good_name(const char *name);
void token_hash(const char *secret, size_t len, uint8_t ret[static TOKEN_HASH]);
/* 256 random bits in hex; false if there are none. */
bool token_make(char secret[static TOKEN_SECRET + 1]);

/*
 * The file's tokens, one a line; the caller frees. Lines that are empty or begin with '#' are none. A file that is not there has
 * none. -1: cannot be read, or a line is wrong; why is appended to err.
 */
int token_load(const char *path, struct token **ret, size_t *n, struct buf *err);
/*
 * Adds one to the file, or removes one, with nobody else doing so meanwhile. wait: for those who do so now, else TOKEN_BUSY. If it
 * is not done, why is appended to err.
 */
enum token_change { TOKEN_DONE, TOKEN_EXISTS, TOKEN_NONE, TOKEN_BUSY, TOKEN_FAILED };
enum token_change token_add(const char *path, const struct token *t, bool wait, struct buf *err);
enum token_change token_remove(const char *path, const char *name, bool wait, struct buf *err);
/* Replaces the file at once, readable by the owner only. */
int token_save(const char *path, const struct token *t, size_t n, struct buf *err);

#endif

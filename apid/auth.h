/*
 * Who may come in: the bearer token, those who try tokens, and names of this server in the Host header. Pure but for the
 * token's file: time is an argument (monotonic, ns).
 */
#ifndef WEIR_AUTH_H
#define WEIR_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "buf.h"
#include "token.h"

#define AUTH_MAX_FAILURES 20          /* wrong tokens of an address ... */
#define AUTH_WINDOW_NS    60000000000 /* ... in this time, before it is told to wait */
#define AUTH_FAILING      512         /* such addresses remembered; the one that failed longest ago makes room */

struct auth;

enum auth_token { AUTH_READ, AUTH_MADE, AUTH_UNSAVED };
/*
 * Reads the token from a file, or makes one of 256 random bits and writes it there, for the owner only. *ret tells which. NULL after
 * appending to err why not. A full disk is no reason: the token is in force, though nobody can know it before auth_save has written
 * it; errno says what is full.
 */
struct auth *auth_open(const char *path, enum auth_token *ret, struct buf *err);
/* Writes what is not written yet: 1 when it was, 0 if there was nothing to do, -1 if there is still no room. */
int auth_save(struct auth *a, const char *path);
/* With a token given as text, at least 32 characters. */
struct auth *auth_new(const char *token);
void auth_free(struct auth *a);

enum auth_verdict {
	AUTH_GOOD,
	AUTH_NONE,    /* no token was given */
	AUTH_WRONG,
	AUTH_BLOCKED, /* wrong, and not the first one from there */
};
/*
 * header: value of Authorization (Bearer, Token, or Basic with the token as the password), may be NULL. A right token is good
 * however many wrong ones came from the address. *ret: whose it is, valid until the tokens are read again.
 */
enum auth_verdict auth_check(struct auth *a, const struct addr *from, const char *header, uint64_t now,
			     const struct token **ret);
/* The password of "user:password" in base64 (RFC 7617, RFC 4648 section 4), cut to what fits; "" if it is none. */
void auth_basic_password(const char *text, char *out, size_t size);
/* Tokens beside the first one, which may do all; taken over. wall: s since 1970, for those that expire. */
void auth_set_tokens(struct auth *a, struct token *tokens, size_t n);
void auth_set_time(struct auth *a, uint64_t wall);
/* The network of whoever has an address: of IPv6 the /64 around it. */
struct addr auth_neighbourhood(const struct addr *from);
/* Seconds until the address is listened to again. */
unsigned auth_wait(const struct auth *a, const struct addr *from, uint64_t now);

/*
 * Is a Host header one of this server? An address is (nobody can make a page's name be one), so are localhost, the host
 * part of the address that is listened on, and names. That keeps out pages of others whose name was made to point here.
 */
bool auth_host(const char *header, const char *listen_host, char *const *names);

#endif

/*
 * How ntopng's clients say who they are, turned into what our own do: Authorization: Token or Basic, a cookie with user and
 * password, a cookie with the session that one of those opened. The token is the password; user names mean nothing. Pure:
 * time is an argument (monotonic, ns).
 */
#ifndef WEIR_LOGIN_H
#define WEIR_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOGIN_SESSIONS    64 /* open at once; the one that ends first makes room */
#define LOGIN_MAX_SECONDS 86400

struct logins;

struct logins *logins_new(void);
void logins_free(struct logins *l);
/*
 * Writes "Bearer TOKEN" for what a request's headers (either may be NULL) offer. False if they offer nothing. Whether the
 * token is right is for auth_check to say; a session that is not known, or over, becomes a wrong one.
 */
bool login_header(const struct logins *l, const char *authorization, const char *cookie, uint64_t now, char *out, size_t size);
/* Opens a session for what login_header wrote. id: 32 hex digits. False without random numbers. */
bool login_open(struct logins *l, const char *header, unsigned seconds, uint64_t now, char id[static 33]);

#endif

/* Who logs in over telnet (RFC 854). Pure; any bytes may come. */
#ifndef WEIR_TELNET_H
#define WEIR_TELNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TELNET_MAX_USER 64
#define TELNET_PROMPT   24 /* bytes of what the server wrote last that are remembered */

/* Zeroed memory begins. */
struct telnet {
	char user[TELNET_MAX_USER]; /* whole once done */
	bool done, failed;          /* failed: the server refused */
	bool typing;                /* the server asked for a name, what the client sends is one */
	size_t n_user, n_prompt;
	char prompt[TELNET_PROMPT];
};

/* Bytes of one segment, in order. What is typed at any other prompt than that for a name is not looked at. */
void telnet_feed(struct telnet *t, bool from_server, const uint8_t *p, size_t len);

#endif

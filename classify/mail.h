/* Was a login to a mail server refused? POP3 (RFC 1939, 5034), IMAP (RFC 9051), SMTP (RFC 4954). Pure; any bytes may come. */
#ifndef WEIR_MAIL_H
#define WEIR_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAIL_MAX_TAG 32

enum mail_kind { MAIL_POP, MAIL_IMAP, MAIL_SMTP };

/* Zeroed memory but for the kind begins. */
struct mail {
	enum mail_kind kind;
	bool asked;  /* the client tried to log in and waits */
	bool failed; /* the server refused, once at least */
	char tag[MAIL_MAX_TAG]; /* IMAP: of what was asked */
	size_t n_tag;
};

/* Bytes of one segment, in order. Lines that are cut by its end are not put together; a client is expected to wait for answers. */
void mail_feed(struct mail *m, bool from_server, const uint8_t *p, size_t len);

#endif

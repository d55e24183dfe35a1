/*
 * Secrets in the settings of a recipient: ${file:PATH} is the content of a file, ${cred:NAME} that of a credential of the
 * service manager (systemd.exec(5), LoadCredential). Read once, before the sandbox closes.
 */
#ifndef WEIR_SECRET_H
#define WEIR_SECRET_H

#include "buf.h"

/*
 * Appends text with the secrets put in (without the newline at their end). Returns 0, or -1 after appending to err why
 * not: no such file, readable by everybody, too long, holds a line break.
 */
int secret_expand(const char *text, struct buf *out, struct buf *err);

#endif

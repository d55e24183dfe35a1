/* Tokens that are made over HTTP. */
#ifndef WEIR_APID_TOKENS_H
#define WEIR_APID_TOKENS_H

#include "apid.h"
#include "token.h"

/* Gives t a new secret and puts it into the file; the door knows it from now on. Else why is appended to err. */
enum token_change tokens_make(struct apid *k, struct token *t, char secret[static TOKEN_SECRET + 1], struct buf *err);

#endif

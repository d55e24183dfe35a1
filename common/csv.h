/* Lines of comma-separated values (RFC 4180, but that a value does not go on over the end of a line). Pure. */
#ifndef WEIR_CSV_H
#define WEIR_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/*
 * The value at *pos of a line, without its quotes, into out; *pos moves behind its separator. Begin with 0. False at the end:
 * a line has at least one value, which may be empty.
 */
bool csv_field(const char *s, size_t len, size_t *pos, char separator, struct buf *out);

#endif

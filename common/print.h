/*
 * printf for what is mostly printed, at a fraction of its cost: text, %c, %%, %s, %.*s, and %u, %d, %x and %X as int, l, ll or z with
 * a width of one digit, filled with spaces or zeros. Pure.
 */
#ifndef WEIR_PRINT_H
#define WEIR_PRINT_H

#include <stdarg.h>
#include <stddef.h>

/* As vsnprintf, or -1 if the format has something else, or a text is NULL: that is for vsnprintf. Then s is not terminated. */
int print_short(char *s, size_t size, const char *fmt, va_list ap);

#endif

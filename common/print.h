/*
 * printf for what is mostly printed, at a fraction of its cost: text, %c, %%, %s, %.*s, and %u, %d, %x and %X as int, l, ll or z with
 * a width of one digit, filled with spaces or zeros; %.0f to %.3f of numbers from 0 to 1e15, and %g of those that are whole and that it
 * prints without an exponent. Pure.
 *
 * It also stands before snprintf as it is where _FORTIFY_SOURCE is on (__snprintf_chk, LSB 4.1), for all of the process, libraries
 * too: nDPI makes a fingerprint with a call for each of its numbers. All that print_short does not do is for the C library.
 */
#ifndef WEIR_PRINT_H
#define WEIR_PRINT_H

#include <stdarg.h>
#include <stddef.h>

/* As vsnprintf, or -1 if the format has something else, or a text is NULL: that is for vsnprintf. Then s is not terminated. */
int print_short(char *s, size_t size, const char *fmt, va_list ap);

#endif

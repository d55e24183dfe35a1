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

#include <endian.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * The digits of v, less than 1e8, as 'u', 'd', 'x' or 'X' has them, with pad before them up to width, at most 8. 8 bytes of out are
 * written; returns how many of them count. They gather in a register: a load of all that were written one by one would wait for them.
 */
static inline size_t print_digits(char *out, char letter, uint64_t v, size_t width, char pad)
{
	uint64_t text = 0, tens = letter == 'X' ? 'A' - 10 : 'a' - 10;
	bool hex = letter == 'x' || letter == 'X';
	size_t n = 0;
	for (; n == 0 || v; n++) { /* the last one to come is the first, and the lowest */
		uint64_t digit = hex ? v % 16 : v % 10;
		text = text << 8 | (digit + (digit < 10 ? '0' : tens));
		v = hex ? v / 16 : v / 10;
	}
	for (; n < width; n++)
		text = text << 8 | (uint8_t)pad;
	text = htole64(text);
	memcpy(out, &text, sizeof text);
	return n;
}

/* As vsnprintf, or -1 if the format has something else, or a text is NULL: that is for vsnprintf. Then s is not terminated. */
int print_short(char *s, size_t size, const char *fmt, va_list ap);

#endif

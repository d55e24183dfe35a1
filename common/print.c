#include "print.h"

#include <endian.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "copy.h"

#define MAX_NUMBER 20 /* digits of one, or its sign and digits; a width is one digit */

/* Where it goes: room, and what has been printed, which may be more. */
struct out {
	char *p;
	size_t size, len;
};

/* What is between a '%' and its letter. */
struct spec {
	char pad, length; /* length: 'l', 'q' for ll, 'z', or 0 */
	uint8_t width;
	bool cut; /* by a precision that is an argument */
	int precision;
	bool fixed; /* the precision is in the format */
};

static inline void put(struct out *o, const char *s, size_t n)
{
	size_t room = o->len < o->size ? o->size - o->len : 0;
	if (room)
		copy_few(o->p + o->len, s, n < room ? n : room);
	o->len += n;
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Returns where the letter is. */
static inline const char *read_spec(const char *at, struct spec *f, va_list *ap)
{
	*f = (struct spec){ .pad = ' ' };
	if (*at == '0')
		f->pad = *at++;
	if (*at >= '1' && *at <= '9')
		f->width = (uint8_t)(*at++ - '0');
	if (at[0] == '.' && at[1] == '*') {
		f->precision = va_arg(*ap, int);
		f->cut = f->precision >= 0;
		at += 2;
	} else if (at[0] == '.' && is_digit(at[1])) {
		f->fixed = true;
		for (at++; is_digit(*at) && f->precision < 100; at++)
			f->precision = f->precision * 10 + (*at - '0');
	}
	if (*at == 'l' || *at == 'z')
		f->length = *at++;
	if (f->length == 'l' && *at == 'l') {
		f->length = 'q';
		at++;
	}
	return at;
}

static inline uint64_t unsigned_arg(char length, va_list *ap)
{
	switch (length) {
	case 'l':
		return va_arg(*ap, unsigned long);
	case 'q':
		return va_arg(*ap, unsigned long long);
	case 'z':
		return va_arg(*ap, size_t);
	default:
		return va_arg(*ap, unsigned);
	}
}

static inline int64_t signed_arg(char length, va_list *ap)
{
	switch (length) {
	case 'l':
		return va_arg(*ap, long);
	case 'q':
		return va_arg(*ap, long long);
	case 'z':
		return va_arg(*ap, ptrdiff_t);
	default:
		return va_arg(*ap, int);
	}
}

/* From the last digit to the first, backwards from end. Returns where it begins. */
static char *put_digits(char *end, uint64_t v, char letter)
{
	const char *digits = letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned base = letter == 'x' || letter == 'X' ? 16 : 10;
	do
		*--end = digits[v % base];
	while (v /= base);
	return end;
}

static void put_long(struct out *o, const struct spec *f, char letter, uint64_t v, bool minus)
{
	char t[MAX_NUMBER], *end = t + sizeof t, *p = put_digits(end, v, letter);
	if (minus)
		*--p = '-';
	while (end - p < f->width)
		*--p = f->pad;
	put(o, p, (size_t)(end - p));
}

static inline void put_number(struct out *o, const struct spec *f, char letter, uint64_t v, bool minus)
{
	if (v > 99999999 || minus || f->width > 8 || o->size < 8 || o->len > o->size - 8)
		put_long(o, f, letter, v, minus);
	else
		o->len += print_digits(o->p + o->len, letter, v, f->width, f->pad);
}

/* Is it a number whose digits are looked for here? Not -0, negative ones, NaN. */
static inline bool is_small(double v, double end)
{
	return v >= 0 && v < end && !signbit(v);
}

/*
 * A power of ten up to 1000 times v is exact where long double has the 53 bits of the one and the 10 of the other. What is rounded then
 * is what printf rounds, and to even as it does.
 */
static bool put_fixed(struct out *o, double v, unsigned decimals)
{
	static const unsigned powers[] = { 1, 10, 100, 1000 };
	if (LDBL_MANT_DIG < 63 || decimals >= sizeof powers / sizeof *powers || !is_small(v, 1e15))
		return false;
	uint64_t n = (uint64_t)llrintl((long double)v * powers[decimals]);
	put_number(o, &(struct spec){ .pad = ' ' }, 'u', n / powers[decimals], false);
	if (decimals) {
		put(o, ".", 1);
		put_number(o, &(struct spec){ .pad = '0', .width = (uint8_t)decimals }, 'u', n % powers[decimals], false);
	}
	return true;
}

/* A whole number with no more digits than the precision, 6 if there is none, has no exponent and no decimals. */
static bool put_whole(struct out *o, double v, const struct spec *f)
{
	static const double ends[] = { 1e1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
	unsigned digits = f->fixed ? (unsigned)f->precision : 6;
	if (!is_small(v, ends[digits < 15 ? digits : 15]) || v != (double)(uint64_t)v)
		return false;
	put_number(o, &(struct spec){ .pad = ' ' }, 'u', (uint64_t)v, false);
	return true;
}

static inline bool is_plain(const struct spec *f)
{
	return !f->width && !f->length && f->pad == ' ';
}

/* One directive, which begins behind its '%'. Returns where it ends, NULL if it is not one of ours. */
static inline const char *put_directive(struct out *o, const char *at, va_list *ap)
{
	struct spec f;
	const char *text;
	char one = '%';
	int64_t v;
	at = read_spec(at, &f, ap);
	if (*at == 'f' || *at == 'g') {
		if (f.cut || !is_plain(&f))
			return NULL;
		double d = va_arg(*ap, double);
		bool done = *at == 'g' ? put_whole(o, d, &f) : f.fixed && put_fixed(o, d, (unsigned)f.precision);
		return done ? at + 1 : NULL;
	}
	if (f.fixed)
		return NULL;
	switch (*at) {
	case 's':
		text = is_plain(&f) ? va_arg(*ap, const char *) : NULL;
		if (!text)
			return NULL;
		put(o, text, f.cut ? strnlen(text, (size_t)f.precision) : strlen(text));
		return at + 1;
	case 'u':
	case 'x':
	case 'X':
		if (f.cut)
			return NULL;
		put_number(o, &f, *at, unsigned_arg(f.length, ap), false);
		return at + 1;
	case 'd':
		v = signed_arg(f.length, ap);
		if (f.cut || (v < 0 && f.pad == '0')) /* the sign would be behind the zeros */
			return NULL;
		put_number(o, &f, *at, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0);
		return at + 1;
	case 'c':
	case '%':
		if (f.cut || !is_plain(&f))
			return NULL;
		if (*at == 'c')
			one = (char)va_arg(*ap, int);
		put(o, &one, 1);
		return at + 1;
	default:
		return NULL;
	}
}

int print_short(char *s, size_t size, const char *fmt, va_list ap)
{
	struct out o = { .p = s, .size = size };
	va_list args;
	va_copy(args, ap);
	while (fmt && *fmt) {
		if (*fmt == '%') {
			fmt = put_directive(&o, fmt + 1, &args);
		} else {
			const char *text = fmt;
			fmt = strchrnul(text, '%');
			put(&o, text, (size_t)(fmt - text));
		}
	}
	va_end(args);
	if (!fmt)
		return -1;
	if (size)
		s[o.len < size ? o.len : size - 1] = '\0';
	return (int)o.len;
}

int __snprintf_chk(char *s, size_t size, int flag, size_t room, const char *fmt, ...);
int __vsnprintf_chk(char *s, size_t size, int flag, size_t room, const char *fmt, va_list ap);

__attribute__((visibility("default"))) int __snprintf_chk(char *s, size_t size, int flag, size_t room, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = size <= room ? print_short(s, size, fmt, ap) : -1;
	if (n < 0)
		n = __vsnprintf_chk(s, size, flag, room, fmt, ap);
	va_end(ap);
	return n;
}

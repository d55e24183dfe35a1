#include "timestamp.h"

#include <ctype.h>
#include <time.h>

#define MAX_TIME_S 16725225600ull /* the year 2500: nanoseconds fit in 63 bits up to 2262, in 64 up to 2554 */

/* n decimal digits. */
static bool read_digits(const char **p, int n, int *ret)
{
	*ret = 0;
	for (; n; n--, (*p)++) {
		if (!isdigit((unsigned char)**p))
			return false;
		*ret = *ret * 10 + (**p - '0');
	}
	return true;
}

/* ".5", ".123456789": nanoseconds; what is finer is cut off. */
static bool read_fraction(const char **p, uint64_t *ret_ns)
{
	uint64_t scale = 100000000;
	*ret_ns = 0;
	if (**p != '.')
		return true;
	if (!isdigit((unsigned char)*++*p))
		return false;
	for (; isdigit((unsigned char)**p); (*p)++, scale /= 10)
		*ret_ns += scale * (uint64_t)(**p - '0');
	return true;
}

/* "Z", "+01:00" or nothing, which is UTC. */
static bool read_zone(const char **p, int *ret_seconds)
{
	int h, m, sign = **p == '-' ? -1 : 1;
	*ret_seconds = 0;
	if (**p == 'Z' || **p == 'z') {
		(*p)++;
		return true;
	}
	if (**p != '+' && **p != '-')
		return true;
	(*p)++;
	if (!read_digits(p, 2, &h) || *(*p)++ != ':' || !read_digits(p, 2, &m) || h > 23 || m > 59)
		return false;
	*ret_seconds = sign * (h * 60 + m) * 60;
	return true;
}

/* A date of RFC 3339 with or without a time of day. timegm would take 31 February for 3 March. */
static bool parse_date(const char *s, uint64_t *ret)
{
	struct tm tm = { 0 };
	uint64_t ns = 0;
	int zone = 0;
	if (!read_digits(&s, 4, &tm.tm_year) || *s++ != '-' || !read_digits(&s, 2, &tm.tm_mon) || *s++ != '-' ||
	    !read_digits(&s, 2, &tm.tm_mday))
		return false;
	if (*s == 'T' || *s == 't' || *s == ' ') {
		s++;
		if (!read_digits(&s, 2, &tm.tm_hour) || *s++ != ':' || !read_digits(&s, 2, &tm.tm_min))
			return false;
		if (*s == ':' && (s++, !read_digits(&s, 2, &tm.tm_sec) || !read_fraction(&s, &ns)))
			return false;
		if (!read_zone(&s, &zone))
			return false;
	}
	if (*s || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60 || tm.tm_mon < 1 || tm.tm_mon > 12)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	int day = tm.tm_mday, second = tm.tm_sec;
	tm.tm_sec = 0;
	time_t t = timegm(&tm);
	if (tm.tm_mday != day || t + second < zone || (uint64_t)(t + second - zone) > MAX_TIME_S)
		return false;
	*ret = (uint64_t)(t + second - zone) * 1000000000u + ns;
	return true;
}

bool timestamp_parse(const char *s, uint64_t *ret)
{
	uint64_t seconds = 0, ns;
	if (parse_date(s, ret))
		return true;
	if (!isdigit((unsigned char)*s))
		return false;
	for (; isdigit((unsigned char)*s) && seconds <= MAX_TIME_S; s++)
		seconds = seconds * 10 + (uint64_t)(*s - '0');
	if (!read_fraction(&s, &ns) || *s || seconds > MAX_TIME_S)
		return false;
	*ret = seconds * 1000000000u + ns;
	return true;
}

void timestamp_print(struct buf *out, uint64_t ns)
{
	time_t s = (time_t)(ns / 1000000000u);
	struct tm tm;
	gmtime_r(&s, &tm);
	const int parts[] = { tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec };
	buf_add_uint(out, (uint64_t)tm.tm_year + 1900, 4);
	for (unsigned i = 0; i < 5; i++) {
		buf_addc(out, "--T::"[i]);
		buf_add_uint(out, (uint64_t)parts[i], 2);
	}
	buf_addc(out, '.');
	buf_add_uint(out, ns % 1000000000u / 1000, 6);
	buf_addc(out, 'Z');
}

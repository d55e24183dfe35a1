#include "schedule.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DAY_MINUTES 1440

static const char *skip(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

static const char *read_day(const char *p, unsigned *ret)
{
	static const char *const days[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
	for (unsigned i = 0; i < 7; i++)
		if (strncasecmp(p, days[i], 3) == 0 && !isalpha((unsigned char)p[3])) {
			*ret = i;
			return p + 3;
		}
	return NULL;
}

/* "mon-fri" or "sat"; every day if there is none. */
static const char *read_days(const char *p, uint8_t *ret)
{
	unsigned from, to;
	const char *end = read_day(p, &from);
	*ret = 0x7f;
	if (!end)
		return isalpha((unsigned char)*p) ? NULL : p;
	to = from;
	if (*end == '-' && !(end = read_day(end + 1, &to)))
		return NULL;
	*ret = 0;
	for (unsigned d = from;; d = (d + 1) % 7) {
		*ret |= (uint8_t)(1u << d);
		if (d == to)
			return end;
	}
}

static const char *read_time(const char *p, uint16_t *ret)
{
	unsigned h, m;
	int n = 0;
	if (!isdigit((unsigned char)*p) || sscanf(p, "%2u:%2u%n", &h, &m, &n) != 2 || !n || m > 59 || h > 24 || h * 60 + m > DAY_MINUTES)
		return NULL;
	*ret = (uint16_t)(h * 60 + m);
	return p + n;
}

static const char *read_span(const char *p, struct schedule_span *s)
{
	const char *days = skip(p);
	p = read_days(days, &s->days);
	if (!p)
		return NULL;
	p = skip(p);
	s->from = 0;
	s->to = DAY_MINUTES;
	if (!isdigit((unsigned char)*p))
		return p == days ? NULL : p;
	p = read_time(p, &s->from);
	if (!p || *p != '-')
		return NULL;
	p = read_time(p + 1, &s->to);
	return p && s->from != s->to ? skip(p) : NULL;
}

bool schedule_parse(const char *text, struct schedule *s, struct buf *why)
{
	const char *p = skip(text);
	*s = (struct schedule){ 0 };
	if (strncasecmp(p, "outside", 7) == 0 && isspace((unsigned char)p[7])) {
		s->outside = true;
		p += 7;
	}
	for (;;) {
		if (s->n == SCHEDULE_SPANS) {
			buf_addf(why, "more than %d spans", SCHEDULE_SPANS);
			return false;
		}
		p = read_span(p, &s->span[s->n++]);
		if (!p) {
			buf_adds(why, "such as 'mon-fri 08:00-18:00, sat 09:00-12:00' was expected, maybe with 'outside' before it");
			return false;
		}
		if (!*p)
			return true;
		if (*p++ != ',') {
			buf_adds(why, "a ',' was expected between two spans");
			return false;
		}
	}
}

static bool in_span(const struct schedule_span *s, unsigned day, unsigned minute)
{
	if (s->from < s->to)
		return (s->days >> day & 1) && minute >= s->from && minute < s->to;
	return ((s->days >> day & 1) && minute >= s->from) || ((s->days >> (day + 6) % 7 & 1) && minute < s->to);
}

bool schedule_covers(const struct schedule *s, uint64_t time)
{
	time_t t = (time_t)(time / 1000000000);
	struct tm tm;
	if (!s->n)
		return true;
	localtime_r(&t, &tm);
	for (unsigned i = 0; i < s->n; i++)
		if (in_span(&s->span[i], (unsigned)tm.tm_wday, (unsigned)(tm.tm_hour * 60 + tm.tm_min)))
			return !s->outside;
	return s->outside;
}

/* Numbers with units: durations, sizes, counts; read and written. Whole numbers are exact up to 64 bits. */
#include <ctype.h>
#include <inttypes.h>
#include <strings.h>

#include "topo.h"
#include "topo_keys.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit durations[] = {
	{ "", 1000000000 },    { "ns", 1 },
	{ "us", 1000 },        { "ms", 1000000 },
	{ "s", 1000000000 },   { "m", 60000000000 },
	{ "min", 60000000000 },{ "h", 3600000000000 },
	{ "d", 86400000000000 },{ "w", 604800000000000 },
	{ NULL, 0 },
};

static const struct unit sizes[] = {
	{ "", 1 },         { "B", 1 },
	{ "K", 1 << 10 },  { "KB", 1 << 10 },  { "KiB", 1 << 10 },
	{ "M", 1 << 20 },  { "MB", 1 << 20 },  { "MiB", 1 << 20 },
	{ "G", 1 << 30 },  { "GB", 1 << 30 },  { "GiB", 1 << 30 },
	{ "T", 1ull << 40 },{ "TB", 1ull << 40 },{ "TiB", 1ull << 40 },
	{ NULL, 0 },
};

static const struct unit counts[] = {
	{ "", 1 }, { "K", 1000 }, { "M", 1000000 }, { "G", 1000000000 }, { NULL, 0 },
};

/* Digits, maybe a fraction of up to nine more, and a unit. Anything else, and what does not fit into 64 bits, is -1. */
static int parse(const char *s, const struct unit *u, bool fold, uint64_t *ret)
{
	uint64_t whole = 0, fraction = 0, scale = 1;
	if (!isdigit((unsigned char)*s))
		return -1;
	for (; isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, (uint64_t)(*s - '0'), &whole))
			return -1;
	if (*s == '.') {
		if (!isdigit((unsigned char)*++s))
			return -1;
		for (; isdigit((unsigned char)*s) && scale < 1000000000; s++, scale *= 10)
			fraction = fraction * 10 + (uint64_t)(*s - '0');
	}
	for (; u->name; u++)
		if ((fold ? strcasecmp : strcmp)(s, u->name) == 0)
			break;
	if (!u->name || __builtin_mul_overflow(whole, u->factor, &whole))
		return -1;
	fraction = (uint64_t)((double)fraction / (double)scale * (double)u->factor + 0.5);
	if (__builtin_add_overflow(whole, fraction, &whole))
		return -1;
	*ret = whole;
	return 0;
}

int topo_duration(const char *s, uint64_t *ret_ns)
{
	return parse(s, durations, false, ret_ns);
}

int topo_size(const char *s, uint64_t *ret)
{
	return parse(s, sizes, true, ret);
}

int topo_count(const char *s, uint64_t *ret)
{
	return parse(s, counts, true, ret);
}

/* The largest unit that leaves no remainder; names that only read are left out. */
static void print(struct buf *out, const struct unit *u, const char *const *names, uint64_t v)
{
	const struct unit *best = NULL;
	for (; u->name; u++)
		for (const char *const *n = names; *n; n++)
			if (strcmp(*n, u->name) == 0 && v % u->factor == 0 && (!best || u->factor > best->factor))
				best = u;
	if (v == 0 || !best)
		buf_addf(out, "%" PRIu64 "%s", v, names[0]);
	else
		buf_addf(out, "%" PRIu64 "%s", v / best->factor, best->name);
}

void topo_print_duration(struct buf *out, uint64_t ns)
{
	static const char *const names[] = { "s", "ns", "us", "ms", "m", "h", "d", NULL };
	print(out, durations, names, ns);
}

void topo_print_size(struct buf *out, uint64_t v)
{
	static const char *const names[] = { "", "K", "M", "G", "T", NULL };
	print(out, sizes, names, v);
}

void topo_print_count(struct buf *out, uint64_t v)
{
	static const char *const names[] = { "", "K", "M", "G", NULL };
	print(out, counts, names, v);
}

/* Texts that a record can hold. */
#include "codec.h"

/* Length of the clean character at p, 0 if it is not one (RFC 3629; C0, DEL and C1 controls are not clean). */
static size_t utf8_char(const uint8_t *p, size_t n)
{
	uint8_t c = p[0];
	if (c < 0x80)
		return c >= 0x20 && c != 0x7f;
	size_t len = c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
	if (len == 0 || n < len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xc2 && p[1] < 0xa0) || (c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] >= 0xa0) ||
	    (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] >= 0x90))
		return 0;
	return len;
}

#define ONES 0x0101010101010101u
#define TOPS 0x8080808080808080u

/* With a space in the place of each newline. */
static uint64_t without_newlines(uint64_t w)
{
	uint64_t x = w ^ ONES * '\n', at = ~(((x & ~TOPS) + ~TOPS) | x | ~TOPS); /* the top bit of each newline, exactly */
	return w + (at >> 7) * (' ' - '\n');
}

/* Are these eight bytes all printable ASCII, or newlines? */
static bool plain8(const uint8_t *p, bool lines)
{
	uint64_t w;
	memcpy(&w, p, sizeof w);
	if (lines)
		w = without_newlines(w);
	uint64_t del = w ^ ONES * 0x7f;
	return !((w | (w - ONES * 0x20) | (del - ONES)) & TOPS);
}

/* The same for 1 to 7 bytes; some are looked at twice. */
static bool plain_few(const uint8_t *p, size_t n, bool lines)
{
	uint8_t t[8];
	if (n >= 4) {
		memcpy(t, p, 4);
		memcpy(t + 4, p + n - 4, 4);
	} else {
		memset(t, p[0], sizeof t);
		t[1] = p[n / 2];
		t[2] = p[n - 1];
	}
	return plain8(t, lines);
}

size_t utf8_span(const char *s, size_t len, bool lines)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t i = 0;
	while (i < len) {
		if (len - i >= 8 && plain8(p + i, lines)) {
			i += 8;
			continue;
		}
		if (len - i < 8 && plain_few(p + i, len - i, lines))
			return len;
		/* One of these eight is not plain: they are looked at one by one. */
		for (size_t end = len - i < 8 ? len : i + 8; i < end;) {
			size_t n = utf8_char(p + i, len - i);
			if (n == 0 && !(lines && p[i] == '\n'))
				return i;
			i += n ? n : 1;
		}
	}
	return i;
}

struct str str_put_raw(struct buf *arena, const void *p, size_t len)
{
	struct str s = { (uint32_t)arena->len, (uint32_t)len };
	buf_add(arena, p, len);
	return s;
}

struct str str_put(struct buf *arena, const char *s, size_t len, size_t max)
{
	struct str r = { (uint32_t)arena->len, 0 };
	size_t i = 0;
	while (i < len && s[i] != '\0') {
		size_t room = max - r.len, clean = utf8_span(s + i, len - i < room ? len - i : room, false);
		buf_add(arena, s + i, clean);
		r.len += (uint32_t)clean;
		i += clean;
		if (i == len || s[i] == '\0')
			break;
		size_t n = utf8_char((const uint8_t *)s + i, len - i);
		if (r.len + (n ? n : 3) > max)
			break;
		buf_add(arena, n ? s + i : "\xef\xbf\xbd", n ? n : 3);
		r.len += n ? n : 3;
		i += n ? n : 1;
	}
	return r;
}

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

typedef signed char bytes16 __attribute__((vector_size(16)));
typedef uint64_t words2 __attribute__((vector_size(16)));

/* Are these 16 bytes all printable ASCII, or newlines? Bytes from 0x80 on are negative. */
static inline bool plain16(words2 w, bool lines)
{
	bytes16 v = (bytes16)w, bad = (v < 0x20) | (v == 0x7f);
	if (lines)
		bad &= v != '\n';
	w = (words2)bad;
	return !(w[0] | w[1]);
}

static inline uint64_t load8(const uint8_t *p)
{
	uint64_t w;
	memcpy(&w, p, sizeof w);
	return w;
}

static inline uint64_t load4(const uint8_t *p)
{
	uint32_t w;
	memcpy(&w, p, sizeof w);
	return w;
}

/* The same for 1 to 15 bytes; some are looked at twice. */
static inline bool plain_few(const uint8_t *p, size_t n, bool lines)
{
	if (n >= 8)
		return plain16((words2){ load8(p), load8(p + n - 8) }, lines);
	uint64_t w =
		n >= 4 ? load4(p) | load4(p + n - 4) << 32 : p[0] | p[n / 2] << 8 | p[n - 1] << 16 | (uint64_t)0x2020202020 << 24;
	return plain16((words2){ w, w }, lines);
}

static inline size_t span(const uint8_t *p, size_t len, bool lines)
{
	size_t i = 0;
	while (i < len) {
		if (len - i >= 16 && plain16((words2){ load8(p + i), load8(p + i + 8) }, lines)) {
			i += 16;
			continue;
		}
		if (len - i < 16 && plain_few(p + i, len - i, lines))
			return len;
		/* One of these 16 is not plain: they are looked at one by one. */
		for (size_t end = len - i < 16 ? len : i + 16; i < end;) {
			size_t n = utf8_char(p + i, len - i);
			if (n == 0 && !(lines && p[i] == '\n'))
				return i;
			i += n ? n : 1;
		}
	}
	return i;
}

size_t utf8_span(const char *s, size_t len, bool lines)
{
	const uint8_t *p = (const uint8_t *)s;
	return lines ? span(p, len, true) : span(p, len, false);
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

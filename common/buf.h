/* A growable byte buffer. Zeroed memory is an empty buffer. Running out of memory is fatal(). */
#ifndef WEIR_BUF_H
#define WEIR_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	char *p;
	size_t len;
	size_t cap;
};

/* Frees; the buffer is empty again. */
void buf_release(struct buf *b);
/* Makes room for n more bytes; buf_grow when there is less. */
void buf_grow(struct buf *b, size_t n);
static inline void buf_reserve(struct buf *b, size_t n)
{
	if (b->cap - b->len < n)
		buf_grow(b, n);
}
static inline void buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	buf_reserve(b, n);
	memcpy(b->p + b->len, p, n);
	b->len += n;
}
static inline void buf_addc(struct buf *b, char c)
{
	buf_reserve(b, 1);
	b->p[b->len++] = c;
}
static inline void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}
/* In decimal, with zeros before it up to width (at most 20). */
void buf_add_uint(struct buf *b, uint64_t v, unsigned width);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Always NUL-terminated (the NUL is not counted in len). */
const char *buf_cstr(struct buf *b);
static inline void buf_reset(struct buf *b)
{
	b->len = 0;
}

/* Like malloc, calloc, strdup, but no memory is fatal(). The caller frees. */
void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif

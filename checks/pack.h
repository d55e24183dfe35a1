/*
 * Structs to bytes and back, by tables of their members: what a snapshot is made of. A member is a number and its value
 * without the zeros: a struct may grow, members may widen, and one that is gone is skipped. Numbers are never used again.
 * What is read is checked: it comes from a file. Values are in the machine's byte order, which the file names.
 */
#ifndef WEIR_PACK_H
#define WEIR_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct member {
	uint8_t id; /* from 1 */
	bool part;  /* a pointer to a block of its own of that size, from calloc; NULL: as if all of it were zero */
	uint32_t off, size;
};
#define MEMBER(number, type, name) { number, false, offsetof(struct type, name), sizeof(((struct type *)0)->name) }
#define PART(number, type, name, n) { number, true, offsetof(struct type, name), (n) * sizeof *((struct type *)0)->name }
#define MEMBERS(table) table, sizeof table / sizeof *table

void pack_members(struct buf *out, const struct member *m, size_t n, const void *obj);
void pack_u64(struct buf *out, uint64_t v);
void pack_bytes(struct buf *out, const void *p, size_t len);

/* A reader of what the above wrote. failed once it is set stays set, and reads give zeros. */
struct unpack {
	const char *p, *end;
	bool failed;
};
/* obj has been zeroed. Its parts are the caller's to free, also when it failed. */
void unpack_members(struct unpack *u, const struct member *m, size_t n, void *obj);
/* These members of one object to another, which takes over its parts. */
void move_members(const struct member *m, size_t n, void *to, const void *from);
uint64_t unpack_u64(struct unpack *u);
/* Points into what is read. */
const char *unpack_bytes(struct unpack *u, size_t *ret_len);
/* A copy with a NUL behind it, NULL if empty. */
char *unpack_string(struct unpack *u);

/* Entries: a kind and a length around each, so that kinds not known can be skipped. */
size_t pack_begin(struct buf *out, uint8_t kind);
void pack_end(struct buf *out, size_t at);
/* The next one; false at the end, or with u->failed. */
bool unpack_entry(struct unpack *u, uint8_t *ret_kind, struct unpack *ret);

#endif

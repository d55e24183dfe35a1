/*
 * Records to msgpack and back, by their descriptors.
 *
 * Wire form: array [type, schema, group, group ...]; a group is an array of its fields in order, or nil when all of
 * it is absent. Trailing zero fields of a group are not written. The decoder takes longer and shorter arrays at
 * both levels: fields it does not know are skipped, fields that are missing are zero. So processes of different
 * versions can talk.
 *
 * What arrives is hostile: sizes, nesting, types and ranges are checked, strings must be UTF-8 without control
 * characters (but '\n' in lists and maps), and nothing is read beyond the end.
 */
#ifndef WEIR_CODEC_H
#define WEIR_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "record.h"

#define CODEC_MAX_RECORD (1u << 20) /* bytes; a HEAD of 13 jumbo frames is 120 KiB */
#define CODEC_MAX_DEPTH  8

/*
 * Appends a record to out. rec is the record's struct, base what its strings refer to.
 */
void codec_pack(struct buf *out, enum rtype type, const void *rec, const char *base);

/*
 * The same with each group from a place of its own: g[i].p may be NULL (group absent). For a record put together
 * from parts that came in different batches.
 */
struct codec_part {
	const void *p;
	const char *base;
	struct str packed; /* where in base the group is packed already: it is copied then. len 0: it is not */
};
void codec_pack_parts(struct buf *out, enum rtype type, const struct codec_part *g);
/* Appends one group of a record; where it is in out. For a group that goes into several records. */
struct str codec_pack_group(struct buf *out, enum rtype type, unsigned group, const void *values, const char *base);

/*
 * A reader over bytes [pos, len) of base. Strings of decoded records refer to base, which must outlive them. base
 * may be moved by realloc between calls if the caller updates it.
 */
struct codec_reader {
	const char *base;
	size_t len;
	size_t pos;
	const char *error; /* what was wrong, after a return of -1 */
};

/* Type of the next record without moving on; R_NONE at the end or if it is not a record. */
enum rtype codec_peek(const struct codec_reader *r);
/*
 * Decodes the next record into rec, which has room for the struct of the type that codec_peek told, and is zeroed
 * first. Returns 1, 0 at the end, -1 for bad input; then r->error is set and the reader cannot go on.
 */
int codec_read(struct codec_reader *r, void *rec);
/* Skips a record whole, checked only for form. Returns 1, 0, -1 as above; *ret_at and *ret_len tell where it was. */
int codec_skip(struct codec_reader *r, size_t *ret_at, size_t *ret_len);

/* Where in the reader's base the groups of a record are packed. len 0: the group is missing. */
struct codec_places {
	struct str group[RECORD_MAX_GROUPS];
};
/* The same as codec_read, and tells where the groups are: who passes them on need not pack them again. */
int codec_read_places(struct codec_reader *r, void *rec, struct codec_places *ret);
/*
 * Decodes a group that is packed at this place of base, which is one that codec_read_places told, or a copy of that. values has room
 * for the group's struct and is zeroed first. False if it cannot be read; values are zero then.
 */
bool codec_read_group(const char *base, struct str packed, enum rtype type, unsigned group, void *values);
/*
 * Reads these groups of the next record (bit g for group g of its type) into rec, and skips the others, which are checked for form
 * and not looked at: rec has room for the whole struct, and what is not read of it is left as it is. Returns as codec_read.
 */
int codec_read_some(struct codec_reader *r, enum rtype type, unsigned groups, void *rec);
/* The same, and tells where all groups are, unless ret is NULL: for what goes on into another record. */
int codec_read_parts(struct codec_reader *r, enum rtype type, unsigned groups, void *rec, struct codec_places *ret);
/*
 * Decodes one field of the next record, which is of this type, by the numbers of its group and in the group; what is before it is
 * stepped over, and the reader does not move. value has room for the field and is zero before; it stays so where the record does
 * not have the field, or cannot be read.
 */
void codec_read_field(const struct codec_reader *r, enum rtype type, unsigned group, unsigned field, void *value);
/*
 * A group's bytes were copied from 'by' to the beginning of another base: makes the strings of the decoded group refer to that.
 */
void codec_shift_group(enum rtype type, unsigned group, void *values, size_t by);

/*
 * Puts text into an arena as a string value a record can hold: invalid UTF-8 and control characters are replaced
 * by U+FFFD, cut at max bytes (on a character). Returns the place in the arena.
 */
struct str str_put(struct buf *arena, const char *s, size_t len, size_t max);
/* As it is: for what is known to be clean, and for blobs. */
struct str str_put_raw(struct buf *arena, const void *p, size_t len);
/* Length of the longest clean prefix of s: valid UTF-8 without control characters (but '\n' if lines). */
size_t utf8_span(const char *s, size_t len, bool lines);

#endif

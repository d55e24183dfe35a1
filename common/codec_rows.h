/* The quick way to read the groups that nearly all records are made of. Only the codec includes this. */
#ifndef WEIR_CODEC_ROWS_H
#define WEIR_CODEC_ROWS_H

#include "codec.h"

typedef unsigned rows_reader(struct codec_reader *r, uint64_t n, void *values);
/* By number of layout; NULL: the group has no such way. Complete before main. */
extern rows_reader *rows_readers[RECORD_MAX_LAYOUTS];

/*
 * Reads values of a group's first n rows, up to the first one that is not written as we write it or is too near to the end to be read
 * without looking at each byte; returns how many. What is wrong with the next one, if anything is, is for the careful way to say.
 */
static inline unsigned rows_read(struct codec_reader *r, const struct layout *l, uint64_t n, void *values)
{
	return rows_readers[l->number] ? rows_readers[l->number](r, n, values) : 0;
}

#endif

/*
 * Times of the week, as custom rules name them: 'mon-fri 08:00-18:00, sat 09:00-12:00', or 'outside' before it for the rest
 * of the week. A span that ends before it begins goes on into the next day; '24:00' is midnight at a day's end. Days alone
 * mean all of the day. Times are local: of TZ, which tzset(3) has read. Pure but for that.
 */
#ifndef WEIR_SCHEDULE_H
#define WEIR_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

#define SCHEDULE_SPANS 16

struct schedule {
	bool outside;
	unsigned n; /* 0: always */
	struct schedule_span {
		uint8_t days;      /* bit 0 = Sunday, as in struct tm */
		uint16_t from, to; /* minutes of the day; to may be 1440 */
	} span[SCHEDULE_SPANS];
};

/* False after appending to why what is wrong with it. */
bool schedule_parse(const char *text, struct schedule *s, struct buf *why);
/* time: ns since 1970 UTC. */
bool schedule_covers(const struct schedule *s, uint64_t time);

#endif

/* Packets that crashed or hung a process: one small capture per flow in a folder of bounded size. */
#ifndef WEIR_QUARANTINE_H
#define WEIR_QUARANTINE_H

#include "record.h"
#include "retention.h"

/*
 * Writes <flow id>.pcap (raw IP, nanoseconds) into dir, which is made. The same flow again replaces it. What cannot be written is
 * logged: it must not stop the store.
 */
void quarantine_put(const char *dir, const struct retention *keep, uint64_t now, const struct r_quarantine *q, const char *base);
/* Deletes captures that are older than may be, and the oldest of too many bytes, but never the newest. How many. */
unsigned quarantine_prune(const char *dir, const struct retention *keep, uint64_t now);
/* Their number and bytes. */
unsigned quarantine_size(const char *dir, uint64_t *ret_bytes);

#endif

/* Packets that crashed or hung a process: one small capture per flow in a folder of bounded size. */
#ifndef WEIR_QUARANTINE_H
#define WEIR_QUARANTINE_H

#include "record.h"

#define QUARANTINE_BYTES (16u << 20) /* of all captures; the oldest make room */

/*
 * Writes <flow id>.pcap (raw IP, nanoseconds) into dir, which is made. The same flow again replaces it. What cannot be written is
 * logged: it must not stop the store.
 */
void quarantine_put(const char *dir, const struct r_quarantine *q, const char *base);

#endif

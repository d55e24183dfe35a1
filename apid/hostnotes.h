/* What people say of hosts: alertd keeps it, here it is put beside what checks tells of them. */
#ifndef WEIR_APID_HOSTNOTES_H
#define WEIR_APID_HOSTNOTES_H

#include <stdbool.h>
#include <stddef.h>

struct apid;

/* Asks alertd for all of it. done hears when it is here, or that it is not; NULL: nobody waits. */
void hostnotes_load(struct apid *k, void (*done)(void *arg, bool good), void *arg);
/* Puts a HOST record, packed, into the live view with what is said of the host. old: as in live_put_old. */
void hostnotes_put(struct apid *k, const char *raw, size_t len, bool old);

#endif

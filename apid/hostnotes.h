/* What people say of hosts: alertd keeps it, here it is put beside what checks tells of them. */
#ifndef WEIR_APID_HOSTNOTES_H
#define WEIR_APID_HOSTNOTES_H

#include <stdbool.h>
#include <stddef.h>

struct apid;
struct request;

/* Asks alertd for all of it. r: then answered with this host, as named in a path; NULL: nobody waits. */
void hostnotes_load(struct apid *k, struct request *r, const char *host);
/* Puts a HOST record, packed, into the live view with what is said of the host. old: as in live_put_old. */
void hostnotes_put(struct apid *k, const char *raw, size_t len, bool old);

#endif

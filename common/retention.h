/* How long, and how much, is kept of each kind of stored things. */
#ifndef WEIR_RETENTION_H
#define WEIR_RETENTION_H

#include <stdint.h>

enum kept_kind { KEPT_ALERTS, KEPT_FLOWS, KEPT_MINUTES, KEPT_5MINUTES, KEPT_HOURS, KEPT_DAYS, KEPT_QUARANTINE, KEPT_KINDS };

struct retention {
	uint64_t age;   /* ns since it was stored */
	uint64_t bytes;
};

#endif

/*
 * What the history stream says, as samples: what each sensor, host and application did in each minute of packet time. Records
 * carry running totals; what has been counted of them is kept by the store in the transaction that has the samples, so that
 * whatever is read again after a death counts once. Pure.
 *
 * Kinds of samples and their keys, which SAMPLE.kind and SAMPLE.key have:
 *
 *   sensor        NAME                 all packets; sent and received: over the border of the local networks
 *   sensor,app    NAME, application    what its flows carried
 *   host          IP[@VLAN]
 *   host,app      IP[@VLAN], application
 *   check         KEY                  alerts raised
 */
#ifndef WEIR_SAMPLER_H
#define WEIR_SAMPLER_H

#include <stdbool.h>

#include "buf.h"
#include "keytab.h"
#include "record.h"

#define SAMPLE_SPAN 60000000000ull /* ns */

struct sampler {
	struct keytab samples; /* of the transaction: time, kind, key -> counters */
	struct keytab totals;  /* what has been counted: of each sensor, host, open flow; in the order of their last use */
	struct keytab changed; /* keys of totals since the last flush */
	size_t totals_max;
	uint64_t evicted;      /* totals that made room */
	struct buf key, arena;
	uint64_t clock;        /* packet time, of the last TICK */
};

/*
 * totals_max: more things than there are at a time, at least 2. Of one whose last record was shed nobody tells that it is gone: it is
 * the one not heard of for longest, and makes room. If it comes again after all, what it had counts once more.
 */
void sampler_init(struct sampler *s, size_t totals_max);
void sampler_release(struct sampler *s);
/* Another run: nothing has been counted. */
void sampler_restart(struct sampler *s, uint64_t clock);
/* Gives back what sampler_flush said of the run; len 0 is ignored. */
void sampler_restore(struct sampler *s, const void *key, size_t key_len, const void *value, size_t len);

/* FLOW, HOST, TICK, EOS of the history stream, ALERT of a first revision; others say nothing here. */
void sampler_record(struct sampler *s, enum rtype type, const void *rec, const char *base);
/* Records gathered are not stored: as if they had not come. Totals must be given back anew. */
void sampler_drop(struct sampler *s);
/*
 * Gives all samples since the last flush, which add to those of the same time, kind and key, and what has to be kept until
 * the run goes on; len 0: no longer. Callbacks return -1 to stop; then all of it is still there.
 */
struct sampler_ops {
	int (*sample)(void *arg, const struct r_sample *r, const char *base);
	int (*keep)(void *arg, const void *key, size_t key_len, const void *value, size_t len);
};
int sampler_flush(struct sampler *s, const struct sampler_ops *ops, void *arg);

#endif

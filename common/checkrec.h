/* Checks as records: those of the catalogue, the rules of the topology and scripts, as a site runs them. */
#ifndef WEIR_CHECKREC_H
#define WEIR_CHECKREC_H

#include "buf.h"
#include "checkdef.h"
#include "record.h"
#include "topo.h"

/* Texts of the record go to strs. set: what the topology says of this check, or NULL. source: "native", "lua". */
void checkrec_def(struct g_check *ret, struct buf *strs, const struct checkdef *d, const struct topo_check *set, const char *source);
void checkrec_rule(struct g_check *ret, struct buf *strs, const struct topo_rule *rule);
/* Calls cb for all checks of the catalogue and all rules of the topology. */
void checkrec_each(const struct topo *t, void (*cb)(void *arg, const struct r_check *rec, const char *base), void *arg);

#endif

/* What checks there are: those of the catalogue, the rules of weir.yaml and scripts, as they are set here. */
#ifndef WEIR_APID_CATALOGUE_H
#define WEIR_APID_CATALOGUE_H

#include "apid.h"

/* Asks checks what scripts it has loaded, if it is there; until it answers, what it said before is shown. */
void catalogue_refresh(struct apid *k);
/* All of them, CHECK records; the caller frees. */
struct live *catalogue_table(const struct apid *k);

#endif

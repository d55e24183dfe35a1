/* Takes a backup that alertd wrote out of its directory: alertd itself may write nowhere else. */
#ifndef WEIR_BACKUP_H
#define WEIR_BACKUP_H

#include "topo.h"

/* The directory alertd is to put it in; the caller frees the string. */
char *backup_place(const struct topo *t);
/*
 * Moves it to the directory path, which must not be there yet; copies when that is on another file system. 0, or -1 after
 * saying why.
 */
int backup_take(const char *place, const char *path);

#endif

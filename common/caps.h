/* Capabilities of the process: capabilities(7). */
#ifndef WEIR_CAPS_H
#define WEIR_CAPS_H

#include <sys/capability.h>

/*
 * Keeps of what the calling thread has those in keep, drops all others. To have nothing that must go is no error even where
 * capset(2) is forbidden, as by SystemCallFilter=~@privileged of systemd.exec(5). -1 with errno set.
 */
int caps_keep(const cap_value_t *keep, int n);

#endif

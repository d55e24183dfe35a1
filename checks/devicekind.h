/* What kind of device a host is, from what it says of itself. A guess: the topology may name the kind. Pure. */
#ifndef WEIR_DEVICEKIND_H
#define WEIR_DEVICEKIND_H

#include <stddef.h>

/*
 * "printer", "camera", "tv", "nas", "phone", "iot", or NULL if the text (a DHCP class or name, an mDNS, SSDP or NetBIOS name)
 * says nothing of it.
 */
const char *devicekind_of(const char *text, size_t len);

#endif

/* Declares the function of each row of the catalogue. A function without a row does not compile, a row without one not link. */
#ifndef WEIR_ROWS_H
#define WEIR_ROWS_H

#include "check.h"

#define RISK(...)
#define RISK_RULE(number, key, ...) flow_check_fn check_flow_##key;
#define FLOW(key, ...)    flow_check_fn check_flow_##key;
#define HOST(key, ...)    host_check_fn check_host_##key;
#define NETWORK(key, ...) place_check_fn check_network_##key;
#define IFACE(key, ...)   place_check_fn check_iface_##key;
#define SYSTEM(key, ...)  place_check_fn check_system_##key;
#define HOST_EVENT(...)
#define MAC(...)
#include "checks.def"
#undef RISK
#undef RISK_RULE
#undef FLOW
#undef HOST
#undef HOST_EVENT
#undef NETWORK
#undef IFACE
#undef SYSTEM
#undef MAC

#endif

/* The function of each row of the catalogue. */
#include "rows.h"

#define RISK(...)                   {0},
#define RISK_RULE(number, key, ...) { .flow = check_flow_##key },
#define FLOW(key, ...)              { .flow = check_flow_##key },
#define HOST(key, ...)              { .host = check_host_##key },
#define NETWORK(key, ...)           { .place = check_network_##key },
#define IFACE(key, ...)             { .place = check_iface_##key },
#define SYSTEM(key, ...)            { .place = check_system_##key },
#define HOST_EVENT(...)             {0},
#define MAC(...)                    {0},

const struct check_fn check_fns[] = {
#include "checks.def"
};

/* Golden tests of checks/flow_device.c. */
#include "golden.h"

HIT(device_protocol_not_allowed)
{
	struct lab_flow f = lab_flow(l, 1);
	lab_run(&f);
}

MISS(device_protocol_not_allowed)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("10.0.0.3");
	lab_run(&f);
}

static const struct golden table[] = {
    GOLDEN(device_protocol_not_allowed, "policy: [\"printer:client:Web\", \"10.0.0.1=printer\"]"),
};
GOLDENS(flow_device, table);

/* Golden tests of checks/flow_scada.c. */
#include "golden.h"

static void iec(struct lab *l, double at, const char *types)
{
	struct lab_flow f = lab_flow(l, at);
	f.app.iec_types = lab_text(&f, types);
	lab_run(&f);
}

static void command_again(struct lab *l)
{
	iec(l, 10, "13\n45\n13\n45");
}

static void command_once(struct lab *l)
{
	iec(l, 10, "13\n45\n13");
}

HIT(iec_unexpected_type_id)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.iec_types = lab_text(&f, "13\n45\n46");
	lab_run(&f);
}

MISS(iec_unexpected_type_id)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.iec_types = lab_text(&f, "13\n45\n13");
	lab_run(&f);
}

HIT(iec_invalid_command_transition)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.iec_types = lab_text(&f, "13\n45\n45\n45\n45");
	lab_run(&f);
}

MISS(iec_invalid_command_transition)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.iec_types = lab_text(&f, "13\n45\n45\n45\n70");
	lab_run(&f);
}

HIT(modbus_unexpected_function_code)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.modbus_codes = lab_text(&f, "3\n90");
	lab_run(&f);
}

MISS(modbus_unexpected_function_code)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.modbus_codes = lab_text(&f, "3\n3");
	lab_run(&f);
}

HIT(modbus_too_many_exceptions)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.modbus_errors = 3;
	lab_run(&f);
}

MISS(modbus_too_many_exceptions)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.modbus_errors = 2;
	lab_run(&f);
}

HIT(iec_invalid_transition)
{
	iec(l, 10, "13\n45\n13");
	iec(l, 200, "13\n13");
}

MISS(iec_invalid_transition)
{
	iec(l, 10, "13\n45\n13");
	iec(l, 200, "45\n13\n45");
}

static void modbus(struct lab *l, double at, const char *codes)
{
	struct lab_flow f = lab_flow(l, at);
	f.app.modbus_codes = lab_text(&f, codes);
	lab_run(&f);
}

HIT(modbus_invalid_transition)
{
	modbus(l, 10, "3\n3\n6");
	modbus(l, 200, "6\n3");
}

MISS(modbus_invalid_transition)
{
	modbus(l, 10, "3\n3\n6");
	modbus(l, 200, "3\n6");
}

static const struct golden table[] = {
    PARAM(iec_invalid_command_transition, "changes: 1", command_again, command_once),
    GOLDEN(iec_unexpected_type_id, "types: [13, 45]"),
    GOLDEN(iec_invalid_command_transition, "commands: 2"),
    GOLDEN(modbus_unexpected_function_code, "functions: [3]"),
    GOLDEN(modbus_too_many_exceptions, "exceptions: 2"),
    GOLDEN(iec_invalid_transition, "learning: 100"),
    GOLDEN(modbus_invalid_transition, "learning: 100"),
};
GOLDENS(flow_scada, table);

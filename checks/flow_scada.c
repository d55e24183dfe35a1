/* Industrial protocols: what the first messages of a flow say (classify/scada.c reads them). */
#include <stdlib.h>

#include "flow_util.h"

/* The next number of a list; false at the end. */
static bool next_number(const char **p, const char *end, unsigned *ret)
{
	if (*p >= end)
		return false;
	unsigned n = 0;
	while (*p < end && **p != '\n')
		n = n * 10 + (unsigned)(*(*p)++ - '0');
	*p += *p < end;
	*ret = n;
	return true;
}

static bool unlisted(const struct flow_view *v, const struct check_conf *k, struct str list, unsigned *ret)
{
	const char *p = str_ptr(v->app_base, list), *end = p + list.len;
	while (next_number(&p, end, ret))
		if (!conf_has_number(k, *ret))
			return true;
	return false;
}

FLOW_CHECK(iec_unexpected_type_id)
{
	unsigned type;
	if (!unlisted(v, k, v->app->iec_types, &type))
		return false;
	SAY(f, "A message has type %u, which is not expected", type);
	VALUES(f, "type=%u", type);
	return true;
}

FLOW_CHECK(modbus_unexpected_function_code)
{
	unsigned code;
	if (!unlisted(v, k, v->app->modbus_codes, &code))
		return false;
	SAY(f, "A request has function code %u, which is not expected", code);
	VALUES(f, "function=%u", code);
	return true;
}

/* IEC 60870-5-101 section 7.2.1: up to 40 the process tells, and 70 is the end of its initialisation; else it is told. */
static bool is_command(unsigned type)
{
	return type > 40 && type != 70;
}

FLOW_CHECK(iec_invalid_command_transition)
{
	const char *p = str_ptr(v->app_base, v->app->iec_types), *end = p + v->app->iec_types.len;
	unsigned last, type, to_command = 0, to_measure = 0, commands = 0;
	if (!next_number(&p, end, &last))
		return false;
	for (; next_number(&p, end, &type); last = type) {
		to_command += !is_command(last) && is_command(type);
		to_measure += is_command(last) && !is_command(type);
		commands += is_command(last) && is_command(type);
	}
	if (to_command <= k->number[0] && to_measure <= k->number[0] && commands <= k->number[1])
		return false;
	SAY(f, "%u changes to commands, %u back, %u commands after commands", to_command, to_measure, commands);
	VALUES(f, "to_command=%u\nto_measurement=%u\nchanges_threshold=%.15g\ncommands=%u\ncommands_threshold=%.15g", to_command,
	       to_measure, k->number[0], commands, k->number[1]);
	return true;
}

FLOW_CHECK(modbus_too_many_exceptions)
{
	if (v->app->modbus_errors <= k->number[0])
		return false;
	SAY(f, "The device refused %u requests", v->app->modbus_errors);
	VALUES(f, "exceptions=%u\nthreshold=%.15g", v->app->modbus_errors, k->number[0]);
	return true;
}

static bool new_order(const struct flow_view *v, const struct check_conf *k, struct finding *f, bool ours)
{
	if (!ours || !*v->facts->new_order || !flow_has_learned(v, k->number[0]))
		return false;
	SAY(f, "The order of messages %s was never seen before", v->facts->new_order);
	VALUES(f, "order=%s", v->facts->new_order);
	return true;
}

FLOW_CHECK(iec_invalid_transition)
{
	return new_order(v, k, f, v->app->iec_types.len > 0);
}

FLOW_CHECK(modbus_invalid_transition)
{
	return new_order(v, k, f, v->app->modbus_codes.len > 0);
}

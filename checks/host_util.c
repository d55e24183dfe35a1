#include "host_util.h"

#include <math.h>

/* The formats are constants of the files that call these, each with one conversion for a double. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static bool above(double value, const struct check_conf *k, struct observation *o, bool attacker, const char *text)
{
	o->attacker = attacker;
	o->value = value;
	o->threshold = k->number[0];
	if (value <= o->threshold)
		return false;
	TELL(o, text, value);
	return true;
}

bool two_sided(double attacker, double victim, const struct check_conf *k, struct observation *o, const char *as_a,
	       const char *as_v)
{
	bool is_attacker = attacker > k->number[0];
	return above(is_attacker ? attacker : victim, k, o, is_attacker, is_attacker ? as_a : as_v);
}

bool one_sided(double value, const struct check_conf *k, struct observation *o, const char *text)
{
	return above(value, k, o, true, text);
}

bool victim_sided(double value, const struct check_conf *k, struct observation *o, const char *text)
{
	return above(value, k, o, false, text);
}

bool in_period(double value, enum period p, const struct check_conf *k, struct observation *o, const char *unit)
{
	static const char *const names[PERIODS] = { "a minute", "five minutes", "an hour", "a day" };
	o->attacker = true;
	o->value = value;
	o->threshold = k->limit[p];
	if (value <= o->threshold)
		return false;
	TELL(o, "%.0f %s in %s, more than %.0f", value, unit, names[p], o->threshold);
	return true;
}

bool out_of_band(const struct forecast *fc, const struct check_conf *k, struct observation *o, const char *what)
{
	o->attacker = true;
	o->value = fc->value;
	o->threshold = fc->value > fc->high ? fc->high : fc->low;
	if (fc->n <= k->number[0] || fc->value <= k->number[1] || (fc->value <= fc->high && fc->value >= fc->low))
		return false;
	TELL(o, "%s is %.0f, and was expected between %.0f and %.0f", what, fc->value, fmax(fc->low, 0), fc->high);
	MORE(o, "lower_bound=%.6g\nupper_bound=%.6g", fc->low, fc->high);
	return true;
}

/* weir itself: its tables, its scripts, and what its processes tell of themselves. */
#include "host_util.h"

PLACE_CHECK(system, too_many_hosts)
{
	return one_sided((double)(w->evicted_hosts - w->evicted_hosts_at), k, o, "%.0f hosts were forgotten to make room");
}

PLACE_CHECK(system, not_purged)
{
	o->attacker = true;
	o->value = (double)w->stale_flows;
	o->threshold = k->number[1];
	if (o->value <= o->threshold)
		return false;
	TELL(o, "%.0f flows have had no news for more than %.15g s", o->value, k->number[0]);
	return true;
}

PLACE_CHECK(system, lua_check_failing)
{
	return one_sided((double)(w->lua_errors - w->lua_errors_at), k, o, "Lua checks failed %.0f times in the minute");
}

PLACE_CHECK(system, poison_record)
{
	return one_sided((double)(w->poisoned - w->poisoned_at), k, o,
			 "%.0f records crashed or hung a process twice and were skipped; see the quarantine");
}

PLACE_CHECK(system, lua_check_disabled)
{
	bool bad = one_sided((double)w->lua_disabled, k, o, "%.0f Lua checks are out of service");
	if (w->lua_disabled)
		MORE(o, "scripts=%s", w->lua_names);
	return bad;
}

/* Names the process in the message and beside the value. */
static bool of_process(const struct health *h, const struct check_conf *k, struct observation *o, const char *does,
		       const char *unit)
{
	if (*h->process)
		MORE(o, "process=%s", h->process);
	bool bad = one_sided(h->value, k, o, "");
	TELL(o, "%s %s %.0f %s", h->process, does, h->value, unit);
	return bad;
}

PLACE_CHECK(system, slow_consumer)
{
	return of_process(&w->full, k, o, "has a queue that is filled to", "%: its consumer does not keep up");
}

PLACE_CHECK(system, delivery_failing)
{
	return of_process(&w->failing, k, o, "failed to notify somebody", "times");
}

PLACE_CHECK(system, dropped_alerts)
{
	return of_process(&w->dropped, k, o, "dropped", "alerts in the minute");
}

PLACE_CHECK(system, system_error)
{
	return of_process(&w->silent, k, o, "has not answered for", "minutes");
}

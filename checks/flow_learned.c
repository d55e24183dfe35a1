/* What was not there while weir learned, and what keeps coming back. The facts are the engine's: engine_learn.c. */
#include "flow_util.h"

FLOW_CHECK(ndpi_periodic_flow)
{
	if (!v->facts->periodic || v->facts->times < k->number[0] || v->facts->period < k->number[1])
		return false;
	SAY(f, "The client comes back every %u s, %u times so far", v->facts->period, v->facts->times + 1);
	VALUES(f, "period=%u\ntimes=%u\nthreshold=%.15g", v->facts->period, v->facts->times, k->number[0]);
	return true;
}

FLOW_CHECK(periodicity_changed)
{
	if (!v->facts->pace || !flow_has_learned(v, k->number[0]))
		return false;
	SAY(f, v->facts->pace > 0 ? "The client began to come back every %u s" : "The client no longer comes back every %u s",
	    v->facts->period);
	VALUES(f, "period=%u\nperiodic=%s", v->facts->period, v->facts->pace > 0 ? "yes" : "no");
	return true;
}

FLOW_CHECK(lateral_movement)
{
	char app[40], p[4];
	if (!v->facts->new_edge || !flow_has_learned(v, k->number[0]))
		return false;
	flow_text(app, sizeof app, v, v->app->app);
	SAY(f, "The client used %s on this server for the first time", *app ? app : proto_name(v->key->proto, p));
	VALUES(f, "app=%s\nport=%u", app, v->key->server_port);
	return true;
}

FLOW_CHECK(rare_destination)
{
	char name[120];
	if (!v->facts->new_name || !flow_has_learned(v, k->number[0]))
		return false;
	flow_text(name, sizeof name, v, v->app->host);
	SAY(f, "The client asked for %s for the first time", name);
	VALUES(f, "name=%s", name);
	return true;
}

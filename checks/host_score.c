/* A host's score: the sum of what its open flows and engaged alerts weigh. */
#include "host_util.h"

HOST_CHECK(score_threshold)
{
	return two_sided(h->score[0], h->score[1], k, o, "The host's score as client is %.0f",
			 "The host's score as server is %.0f");
}

/* high_minutes is counted by the engine, which knows this check's threshold. */
HOST_CHECK(dangerous_host)
{
	o->attacker = true;
	o->value = h->high_minutes;
	o->threshold = k->number[1];
	if (o->value <= o->threshold)
		return false;
	TELL(o, "The host's score has been above %.15g for %.0f minutes", k->number[0], o->value);
	MORE(o, "score=%u\nscore_threshold=%.15g", h->score[0] + h->score[1], k->number[0]);
	return true;
}

static bool anomaly(const struct forecast *f, const struct check_conf *k, struct observation *o, const char *client,
		    const char *server)
{
	for (int side = 0; f && side < 2; side++)
		if (out_of_band(&f[side], k, o, side ? server : client)) {
			o->attacker = side == 0;
			return true;
		}
	return false;
}

HOST_CHECK(score_anomaly)
{
	return anomaly(h->score_forecast, k, o, "The host's score as client", "The host's score as server");
}

HOST_CHECK(flows_anomaly)
{
	return anomaly(h->flows_forecast, k, o, "The number of the host's open flows as client",
		       "The number of the host's open flows as server");
}

#include "restart.h"

#define FIRST_WAIT_MS 100
#define LAST_WAIT_MS  10000
#define MAX_FAILS     5

static bool lived_well(const struct restart *r, uint64_t lived_ms)
{
	return lived_ms >= LAST_WAIT_MS || (r->wait_ms && lived_ms >= 10ull * r->wait_ms);
}

static unsigned longer(unsigned wait_ms)
{
	if (wait_ms == 0)
		return FIRST_WAIT_MS;
	return wait_ms * 2 < LAST_WAIT_MS ? wait_ms * 2 : LAST_WAIT_MS;
}

enum restart_verdict restart_after(struct restart *r, enum restart_how how, int status, uint64_t lived_ms, bool ready)
{
	bool well = lived_well(r, lived_ms);
	r->ever_ready |= ready;
	r->wait_ms = longer(well ? 0 : r->wait_ms);
	r->fails = how == RESTART_EXIT && status != 0 && !ready ? r->fails + 1 : 0;
	if (well)
		r->crashes = 0;
	if (how != RESTART_KILLED)
		r->crashes++;
	if (r->fails >= MAX_FAILS && !r->ever_ready)
		return RESTART_HOPELESS;
	return r->limit && r->crashes >= r->limit ? RESTART_HOPELESS : RESTART_AGAIN;
}

/* Golden tests of checks/system_checks.c. */
#include "place.h"

static void hosts(struct lab *l, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char a[20];
		snprintf(a, sizeof a, "10.1.%u.%u", i / 250, i % 250 + 1);
		carry(l, 1, a, "192.0.2.1", 1, 1, APP_QUIC);
	}
	lab_tick(l, 61);
}

HIT(too_many_hosts)
{
	hosts(l, 5005);
}

MISS(too_many_hosts)
{
	hosts(l, 4990);
}

HIT(not_purged)
{
	weighed(l, 1, 6);
	lab_tick(l, 361);
}

MISS(not_purged)
{
	weighed(l, 1, 5);
	weighed(l, 100, 5);
	lab_tick(l, 361);
}

HIT(slow_consumer)
{
	health(l, HEALTH_FULL, 61);
}

MISS(slow_consumer)
{
	health(l, HEALTH_FULL, 60);
}

HIT(delivery_failing)
{
	health(l, HEALTH_FAILING, 4);
}

MISS(delivery_failing)
{
	health(l, HEALTH_FAILING, 3);
}

HIT(dropped_alerts)
{
	health(l, HEALTH_DROPPED, 1);
}

MISS(dropped_alerts)
{
	health(l, HEALTH_FAILING, 1);
}

HIT(system_error)
{
	health(l, HEALTH_SILENT, 3);
}

MISS(system_error)
{
	health(l, HEALTH_SILENT, 2);
}

static void crashed(struct lab *l, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct lab_flow f = lab_flow(l, 1);
		f.app.state = VERDICT_CRASHED;
		lab_run(&f);
	}
	lab_tick(l, 61);
}

HIT(poison_record)
{
	crashed(l, 3);
}

MISS(poison_record)
{
	crashed(l, 2);
}

static void most_hosts(struct lab *l)
{
	hosts(l, 5020);
}

static void some_hosts(struct lab *l)
{
	hosts(l, 5008);
}

static void six_dropped(struct lab *l)
{
	health(l, HEALTH_DROPPED, 6);
}

static void five_dropped(struct lab *l)
{
	health(l, HEALTH_DROPPED, 5);
}

static const struct golden table[] = {
    PARAM(too_many_hosts, "threshold: 15", most_hosts, some_hosts),
    PARAM(dropped_alerts, "threshold: 5", six_dropped, five_dropped),
    GOLDEN(too_many_hosts, ""),
    GOLDEN(not_purged, "silence: 5m, threshold: 5"),
    GOLDEN(slow_consumer, "threshold: 60"),
    GOLDEN(delivery_failing, "threshold: 3"),
    GOLDEN(dropped_alerts, ""),
    GOLDEN(poison_record, "threshold: 2"),
    GOLDEN(system_error, "minutes: 2"),
};
GOLDENS(place_system, table);

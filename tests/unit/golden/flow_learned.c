/* Golden tests of checks/flow_learned.c. */
#include "golden.h"

/* n flows from one client to one service, 'gap' seconds apart, from second 'at' on. */
static void series(struct lab *l, double at, unsigned n, double gap)
{
	for (unsigned i = 0; i < n; i++) {
		struct lab_flow f = lab_flow(l, at + i * gap);
		lab_run(&f);
	}
}

static void each_minute(struct lab *l)
{
	series(l, 10, 8, 60);
}

static void each_half_minute(struct lab *l)
{
	series(l, 10, 8, 30);
}

HIT(ndpi_periodic_flow)
{
	series(l, 10, 6, 60);
}

MISS(ndpi_periodic_flow)
{
	series(l, 10, 5, 60);
	series(l, 400, 1, 60); /* late */
}

HIT(periodicity_changed)
{
	series(l, 10, 12, 60);
	series(l, 5000, 2, 7);
}

MISS(periodicity_changed)
{
	series(l, 10, 12, 60);
}

/* A connection between local hosts. */
static void local(struct lab *l, double at, const char *server)
{
	struct lab_flow f = lab_flow(l, at);
	f.key.server = lab_addr(server);
	lab_run(&f);
}

HIT(lateral_movement)
{
	local(l, 10, "10.0.0.2");
	local(l, 200, "10.0.0.3");
}

MISS(lateral_movement)
{
	local(l, 10, "10.0.0.2");
	local(l, 90, "10.0.0.3");
	local(l, 200, "10.0.0.2");
	local(l, 201, "10.0.0.3");
}

static void named(struct lab *l, double at, const char *name)
{
	struct lab_flow f = lab_flow(l, at);
	f.app.host = lab_text(&f, name);
	lab_run(&f);
}

HIT(rare_destination)
{
	named(l, 10, "a.example");
	named(l, 200, "b.example");
}

MISS(rare_destination)
{
	named(l, 10, "a.example");
	named(l, 50, "b.example");
	named(l, 200, "a.example");
	named(l, 300, "b.example");
}

static const struct golden table[] = {
    PARAM(ndpi_periodic_flow, "period: 45", each_minute, each_half_minute),
    GOLDEN(ndpi_periodic_flow, "times: 4"),
    GOLDEN(periodicity_changed, "learning: 400"),
    GOLDEN(lateral_movement, "learning: 100"),
    GOLDEN(rare_destination, "learning: 100"),
};
GOLDENS(flow_learned, table);

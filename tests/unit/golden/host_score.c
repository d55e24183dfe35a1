/* Golden tests of checks/host_score.c. */
#include "golden.h"

/* Open flows with a risk of score 100, 90 of it on the client. */
static void risky(struct lab *l, unsigned n, double until)
{
	for (unsigned i = 0; i < n; i++) {
		struct lab_flow f = lab_flow(l, 1);
		struct r_verdict v = {.key = f.key, .app = f.app};
		v.app.risk_bits = 1ull << 6;
		v.key.first = lab_time(1);
		lab_verdict(l, &v, &f.text);
		buf_release(&f.text);
	}
	for (double at = 60; at <= until; at += 60)
		lab_tick(l, at + 1);
}

HIT(score_threshold)
{
	risky(l, 12, 60);
}

MISS(score_threshold)
{
	risky(l, 11, 60);
}

HIT(dangerous_host)
{
	risky(l, 12, 240);
}

MISS(dangerous_host)
{
	risky(l, 12, 120);
}

/* So many flows are open at the end of the five minutes. */
static void open_flows(struct lab *l, double at, double n)
{
	static uint64_t id = 1000000;
	static unsigned open;
	open = at < 60 ? 0 : open; /* the first of a series */
	for (; open < (unsigned)n; open++) {
		struct lab_flow f = lab_flow(l, at);
		struct r_verdict v = {.key = f.key, .app = f.app};
		v.key.id.lo = id + open;
		v.app.risk_bits = 1ull << 6;
		v.key.first = lab_time(at);
		lab_verdict(l, &v, &f.text);
		buf_release(&f.text);
	}
	for (; open > (unsigned)n; open--) {
		struct lab_flow f = lab_flow(l, at);
		struct r_end end = {.key = f.key, .n = f.n};
		end.key.id.lo = id + open - 1;
		end.key.first = end.n.start = end.n.last = lab_time(at);
		end.key.sensor = str_put_raw(&f.text, "s", 1);
		engine_end(l->e, &end, f.text.p, &lab_not_packed);
		buf_release(&f.text);
	}
}

HIT(flows_anomaly)
{
	lab_steady(l, 30, open_flows);
}

MISS(flows_anomaly)
{
	lab_steady(l, 6, open_flows);
}

HIT(score_anomaly)
{
	lab_steady(l, 30, open_flows);
}

MISS(score_anomaly)
{
	lab_steady(l, 6, open_flows);
}

static const struct golden table[] = {
    GOLDEN(score_threshold, "threshold: 1000"),
    GOLDEN(dangerous_host, "threshold: 1000, minutes: 3"),
    GOLDEN(score_anomaly, "learning: 10, floor: 200"),
    GOLDEN(flows_anomaly, "learning: 10, floor: 3"),
};
GOLDENS(host_score, table);

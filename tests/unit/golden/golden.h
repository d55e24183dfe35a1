/* What golden tests are made of; each family of checks has a file of them beside this one. */
#ifndef WEIR_TEST_GOLDEN_H
#define WEIR_TEST_GOLDEN_H

#include "../lab.h"

/*
 * A golden test: with the check's parameters as in yaml, what 'hit' does raises it, and what 'miss'
 * does, which is almost the same, does not. Nor does 'hit' when the check is off.
 */
struct golden {
	const char *key, *yaml;
	void (*hit)(struct lab *l);
	void (*miss)(struct lab *l);
};
#define HIT(key)  static void hit_##key(struct lab *l)
#define MISS(key) static void miss_##key(struct lab *l)
#define GOLDEN(key, yaml)                                                                          \
	{                                                                                          \
#key, yaml, hit_##key, miss_##key                                                  \
	}

/* A further one, for a parameter that the first does not change. */
#define PARAM(key, yaml, hit, miss)                                                                \
	{                                                                                          \
#key, yaml, hit, miss                                                              \
	}

/*
 * Checks with a threshold for each period: six and five units in one period are more than ten, in two of them they are not.
 * sample: so many units of what the check counts, at a second; seconds is the period's length.
 */
static inline void lab_twice(struct lab *l, unsigned seconds, bool apart,
			     void (*sample)(struct lab *l, double at, unsigned units, unsigned seconds))
{
	sample(l, 1, 6, seconds);
	if (apart)
		lab_tick(l, seconds + 1);
	sample(l, apart ? seconds + 5 : seconds - 5, 5, seconds);
	lab_tick(l, (apart ? 2 : 1) * (double)seconds + 1);
}
#define PERIOD_RUNS(sample, name, seconds)                                                         \
	static void sample##_in_a_##name(struct lab *l)                                            \
	{                                                                                          \
		lab_twice(l, seconds, false, sample);                                              \
	}                                                                                          \
	static void sample##_in_two_of_##name(struct lab *l)                                       \
	{                                                                                          \
		lab_twice(l, seconds, true, sample);                                               \
	}
#define ALL_PERIOD_RUNS(sample)                                                                    \
	PERIOD_RUNS(sample, minute, 60)                                                            \
	PERIOD_RUNS(sample, five_minutes, 300)                                                     \
	PERIOD_RUNS(sample, hour, 3600)                                                            \
	PERIOD_RUNS(sample, day, 86400)
#define PERIOD_GOLDEN(key, sample, name, limit)                                                    \
	PARAM(key, #name ": " limit, sample##_in_a_##name, sample##_in_two_of_##name)
#define PERIOD_GOLDENS(key, sample, limit)                                                         \
	PERIOD_GOLDEN(key, sample, minute, limit), PERIOD_GOLDEN(key, sample, five_minutes, limit), \
	    PERIOD_GOLDEN(key, sample, hour, limit), PERIOD_GOLDEN(key, sample, day, limit)

/* The golden tests of a family of checks: a file of its own, which ends with GOLDENS(). */
struct goldens {
	const struct golden *g;
	size_t n;
};
#define GOLDENS(family, table) const struct goldens goldens_##family = {table, sizeof table / sizeof *table}

extern const struct goldens goldens_flow_device, goldens_flow_dns, goldens_flow_http, goldens_flow_learned, goldens_flow_lists,
	goldens_flow_policy, goldens_flow_scada, goldens_flow_tcp, goldens_flow_tls, goldens_flow_traffic;
extern const struct goldens goldens_host_contacts, goldens_host_dhcp, goldens_host_scan, goldens_host_score, goldens_host_volume;
extern const struct goldens goldens_place_iface, goldens_place_mac, goldens_place_net, goldens_place_system;

/* Runs them all. families ends with NULL, as in golden_complete. */
void golden_test(const struct goldens *const *families);
/*
 * Every row of the catalogue that 'ours' picks must have its golden tests, and each of its parameters must make a difference in
 * one of them. What all episodes have, after and clear, is tested with one of them.
 */
void golden_complete(const struct goldens *const *families, bool (*ours)(const struct checkdef *d));

/* Names below one domain, in flow_dns.c. */
void dns_tunnel(struct lab *l, unsigned names, const char *pad);

#endif

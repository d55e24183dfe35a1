#include "checkdef.h"

#include <string.h>

enum { CA = 1, CV = 2, SA = 4, SV = 8 };

#define ROLES(r)                                                                                   \
	.client_attacker = ((r) & CA) != 0, .client_victim = ((r) & CV) != 0,                      \
	.server_attacker = ((r) & SA) != 0, .server_victim = ((r) & SV) != 0
#define P(p_name, p_unit, p_doc, p_def, p_min, p_max)                                              \
	{ .name = p_name, .unit = p_unit, .doc = p_doc, .def = p_def, .min = p_min, .max = p_max },
#define L(p_name, p_doc) { .name = p_name, .unit = "", .doc = p_doc, .list = true },

#define RISK(number, k, t, d, s, c, id, m, att, r)                                                 \
	{ .key = #k, .entity = ENT_FLOW, .title = t, .description = d, .category = CAT_SECURITY,   \
	  .enabled = true, .score = s, .client_score = c, .type_id = id, .risk_id = number,        \
	  .attention = att, ROLES(r), .hooks = HOOK_DETECTED, .mitre = m },
#define FLOW(k, t, d, cat, on, s, c, id, m, att, r, h, ...)                                        \
	{ .key = #k, .entity = ENT_FLOW, .title = t, .description = d, .category = cat,            \
	  .enabled = on, .score = s, .client_score = c, .type_id = id, .attention = att, ROLES(r), \
	  .hooks = h, .mitre = m, .params = { __VA_ARGS__ } },
#define HOST(k, t, d, cat, on, s, c, id, m, ...)                                                   \
	{ .key = #k, .entity = ENT_HOST, .title = t, .description = d, .category = cat,            \
	  .enabled = on, .score = s, .client_score = c, .type_id = id, .attention = true,          \
	  .hooks = HOOK_HOST_MINUTE, .mitre = m, .params = { __VA_ARGS__ } },
#define SENSOR(k, t, d, on, s, id, ...)                                                            \
	{ .key = #k, .entity = ENT_INTERFACE, .title = t, .description = d,                        \
	  .category = CAT_INTERNALS, .enabled = on, .score = s, .client_score = s, .type_id = id,  \
	  .attention = true, .hooks = HOOK_SENSOR_MINUTE, .mitre = "", .params = { __VA_ARGS__ } },

const struct checkdef checkdefs[] = {
#include "checks.def"
};
const size_t n_checkdefs = sizeof checkdefs / sizeof *checkdefs;

const struct checkdef *checkdef_find(const char *key, enum entity entity)
{
	for (size_t i = 0; i < n_checkdefs; i++)
		if (strcmp(checkdefs[i].key, key) == 0 && (entity == ENT_OTHER || checkdefs[i].entity == entity))
			return &checkdefs[i];
	return NULL;
}

const struct checkdef *checkdef_risk(unsigned risk_id)
{
	for (size_t i = 0; i < n_checkdefs; i++)
		if (risk_id && checkdefs[i].risk_id == risk_id)
			return &checkdefs[i];
	return NULL;
}

enum severity severity_of_score(unsigned score)
{
	static const struct {
		unsigned score;
		enum severity severity;
	} steps[] = { { 250, SEV_EMERGENCY }, { 200, SEV_CRITICAL }, { 100, SEV_ERROR },
		      { 50, SEV_WARNING },    { 10, SEV_NOTICE },    { 1, SEV_INFO } };
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (score >= steps[i].score)
			return steps[i].severity;
	return SEV_NONE;
}

#include "checkdef.h"

#include <string.h>

enum { CA = 1, CV = 2, SA = 4, SV = 8 };

#define ROLES(r)                                                                                   \
	.client_attacker = ((r) & CA) != 0, .client_victim = ((r) & CV) != 0,                      \
	.server_attacker = ((r) & SA) != 0, .server_victim = ((r) & SV) != 0
#define P(p_name, p_unit, p_doc, p_def, p_min, p_max)                                              \
	{ .name = p_name, .unit = p_unit, .doc = p_doc, .def = p_def, .min = p_min, .max = p_max },
#define LIST(p_name, p_doc, p_kind, p_items)                                                       \
	{ .name = p_name, .unit = "", .doc = p_doc, .list = true, .kind = p_kind, .items = p_items },
#define NETS(p_name, p_doc) LIST(p_name, p_doc, PARAM_NETS, NULL)
#define TEXTS(p_name, p_doc) LIST(p_name, p_doc, PARAM_TEXTS, NULL)
#define NEEDS(p_name, p_doc, p_kind)                                                               \
	{ .name = p_name, .unit = "", .doc = p_doc, .list = true, .needed = true, .kind = p_kind },
#define NEEDS_NETS(p_name, p_doc) NEEDS(p_name, p_doc, PARAM_NETS)
#define NEEDS_TEXTS(p_name, p_doc) NEEDS(p_name, p_doc, PARAM_TEXTS)
#define NEEDS_NUMBERS(p_name, p_doc) NEEDS(p_name, p_doc, PARAM_NUMBERS)
/* What every episode has: how long before it is raised, and how far down before it ends. */
#define EPISODE                                                                                    \
	P("after", "runs", "runs in a row above the threshold before it is raised", 1, 1, 1000)    \
	P("clear", "%", "share of the threshold that the value must fall to before it ends", 80, 0, 100)

#define RISK_RULE(number, k, t, d, s, c, id, m, att, r, i, ...)                                    \
	{ .key = #k, .entity = ENT_FLOW, .title = t, .description = d, .category = CAT_SECURITY,   \
	  .enabled = true, .score = s, .client_score = c, .type_id = id, .risk_id = number,        \
	  .attention = att, ROLES(r), .hooks = HOOK_DETECTED, .ifs = i, .mitre = m,                \
	  .params = { __VA_ARGS__ } },
#define RISK(number, k, t, d, s, c, id, m, att, r, ...)                                            \
	RISK_RULE(number, k, t, d, s, c, id, m, att, r, 0, __VA_ARGS__)
#define FLOW(k, t, d, cat, on, s, c, id, m, att, r, h, i, ...)                                     \
	{ .key = #k, .entity = ENT_FLOW, .title = t, .description = d, .category = cat,            \
	  .enabled = on, .score = s, .client_score = c, .type_id = id, .attention = att, ROLES(r), \
	  .hooks = h, .ifs = i, .mitre = m, .params = { __VA_ARGS__ } },
#define THING(ent, k, t, d, cat, on, s, c, id, m, h, ...)                                          \
	{ .key = #k, .entity = ent, .title = t, .description = d, .category = cat, .enabled = on,  \
	  .score = s, .client_score = c, .type_id = id, .attention = true, .hooks = h, .mitre = m, \
	  .params = { __VA_ARGS__ } },
#define HOST(...)    THING(ENT_HOST, __VA_ARGS__)
#define HOST_EVENT HOST
#define NETWORK(...) THING(ENT_NETWORK, __VA_ARGS__)
#define IFACE(...)   THING(ENT_INTERFACE, __VA_ARGS__)
#define MAC(...)     THING(ENT_MAC, __VA_ARGS__)
#define SYSTEM(...)  THING(ENT_SYSTEM, __VA_ARGS__)

const struct checkdef checkdefs[] = {
#include "checks.def"
};
const size_t n_checkdefs = sizeof checkdefs / sizeof *checkdefs;

const char *const checkdef_hook_names[CHECKDEF_HOOKS] = {
	"when the application is known", "each minute of a flow", "at the end of a flow", "each minute", "each five minutes",
	"each hour", "each day", "as it happens",
};

const char *const checkdef_if_names[CHECKDEF_IFS] = {
	"to one host", "over TCP", "over ICMP", "with a name", "of HTTP", "of TLS", "of DNS", "of industrial protocols",
	"that are new or have a pace",
};

unsigned period_seconds(enum period p)
{
	static const unsigned seconds[PERIODS] = { 60, 300, 3600, 86400 };
	return seconds[p];
}

void checkdef_names(struct buf *out, const char *separator, unsigned bits, const char *const *names)
{
	for (const char *before = ""; bits; bits &= bits - 1, before = separator) {
		buf_adds(out, before);
		buf_adds(out, names[__builtin_ctz(bits)]);
	}
}

const char *checkdef_items(const struct checkdef_param *p)
{
	return p->items ? p->items : p->needed ? "empty: then it never fires" : "empty";
}

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

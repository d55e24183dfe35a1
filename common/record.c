#include "record.h"
#include "record_kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define ENUM(name, ...) const char *const enum_##name[] = { __VA_ARGS__, NULL };
#include "records/enums.def"
#undef ENUM

#define ROW(kind, enum_names, the_name, the_unit, the_flags, the_doc, the_type, offset)            \
	{ .name = the_name, .unit = the_unit, .doc = the_doc, .type_name = #the_type,              \
	  .names = enum_names, .type = kind, .off = offset, .flags = the_flags }
#define ROW_(...) ROW(__VA_ARGS__)
#define FIELD(type, member, name, unit, flags, doc)                                                \
	ROW_(D_##type, name, unit, flags, doc, type, offsetof(struct G, member)),

#define G g_flow_key
static const struct field fields_flow_key[] = {
#include "records/flow_key.def"
};
#undef G
#define G g_flow_count
static const struct field fields_flow_count[] = {
#include "records/flow_count.def"
};
#undef G
#define G g_head
static const struct field fields_head[] = {
#include "records/head.def"
};
#undef G
#define G g_flow_app
static const struct field fields_flow_app[] = {
#include "records/flow_app.def"
};
#undef G
#define G g_flow_judge
static const struct field fields_flow_judge[] = {
#include "records/flow_judge.def"
};
#undef G
#define G g_host
static const struct field fields_host[] = {
#include "records/host.def"
};
#undef G
#define G g_alert
static const struct field fields_alert[] = {
#include "records/alert.def"
};
#undef G
#define G g_tick
static const struct field fields_tick[] = {
#include "records/tick.def"
};
#undef G
#define G g_sensor_count
static const struct field fields_sensor_count[] = {
#include "records/sensor_count.def"
};
#undef G
#define G g_totals
static const struct field fields_totals[] = {
#include "records/totals.def"
};
#undef G
#define G g_gap
static const struct field fields_gap[] = {
#include "records/gap.def"
};
#undef G
#define G g_config
static const struct field fields_config[] = {
#include "records/config.def"
};
#undef G
#define G g_metric
static const struct field fields_metric[] = {
#include "records/metric.def"
};
#undef G
#define G g_process
static const struct field fields_process[] = {
#include "records/process.def"
};
#undef G
#define G g_delivery
static const struct field fields_delivery[] = {
#include "records/delivery.def"
};
#undef G
#define G g_run
static const struct field fields_run[] = {
#include "records/run.def"
};
#undef G
#define G g_top
static const struct field fields_top[] = {
#include "records/top.def"
};
#undef G
#define G g_sample
static const struct field fields_sample[] = {
#include "records/sample.def"
};
#undef G
#define G g_silence
static const struct field fields_silence[] = {
#include "records/silence.def"
};
#undef G
#define G g_tally
static const struct field fields_tally[] = {
#include "records/tally.def"
};
#undef G
#define G g_check
static const struct field fields_check[] = {
#include "records/check.def"
};
#undef G
#define G g_interface
static const struct field fields_interface[] = {
#include "records/interface.def"
};
#undef G
#define G g_note
static const struct field fields_note[] = {
#include "records/note.def"
};
#undef G
#define G g_fetch
static const struct field fields_fetch[] = {
#include "records/fetch.def"
};
#undef G
#define G g_batch
static const struct field fields_batch[] = {
#include "records/batch.def"
};
#undef G
#define G g_query
static const struct field fields_query[] = {
#include "records/query.def"
};
#undef G
#define G g_command
static const struct field fields_command[] = {
#include "records/command.def"
};
#undef G
#define G g_answer
static const struct field fields_answer[] = {
#include "records/answer.def"
};
#undef G
#define G g_snapshot
static const struct field fields_snapshot[] = {
#include "records/snapshot.def"
};
#undef G
#define G g_hello
static const struct field fields_hello[] = {
#include "records/hello.def"
};
#undef G
#define G g_arp
static const struct field fields_arp[] = {
#include "records/arp.def"
};
#undef G
#define G g_packets
static const struct field fields_packets[] = {
#include "records/packets.def"
};
#undef G
#undef FIELD

#define GROUP(record, group, member)                                                               \
	{ #group, #member, fields_##group, sizeof fields_##group / sizeof *fields_##group,         \
	  offsetof(struct r_##record, member), sizeof(struct g_##group), { NULL, NULL, 0, 0 } },
#define RECORD(NAME, number, name, doc, groups) static struct rgroup groups_##name[] = { groups };
#include "records/records.def"
#undef RECORD
#undef GROUP

#define GROUP(record, group, member) +1
#define RECORD(NAME, number, rname, rdoc, rgroups)                                                 \
	{ .type = R_##NAME, .name = #rname, .doc = rdoc, .groups = groups_##rname,                 \
	  .n_groups = 0 rgroups, .size = sizeof(struct r_##rname) },
static const struct rdesc descs[] = {
#include "records/records.def"
};
#undef RECORD
#undef GROUP
#define RECORD(NAME, number, name, doc, groups) groups_##name,
static struct rgroup *const all_groups[] = {
#include "records/records.def"
};
#undef RECORD

#define N_DESCS (sizeof descs / sizeof *descs)

static const struct rdesc *by_number[64]; /* numbers are small and dense */

static uint8_t absent(enum ftype type)
{
	return type == FT_STR || type == FT_LIST || type == FT_MAP ? 0xa0 : type_refers(type) || type == FT_ADDR || type == FT_ID ? 0xc0 : 0;
}

#define MAX_ROWS    1024

static struct layout make_layout(const struct rgroup *g)
{
	static struct slot slot_pool[MAX_ROWS];
	static uint8_t text_pool[MAX_ROWS];
	static unsigned n_slots, n_texts;
	struct slot *slots = &slot_pool[n_slots];
	uint8_t *texts = &text_pool[n_texts];
	struct layout l = { .slots = slots, .texts = texts };
	n_slots += g->n_fields;
	if (n_slots > MAX_ROWS)
		abort();
	for (unsigned i = 0; i < g->n_fields; i++) {
		enum ftype type = g->fields[i].type;
		slots[i] = (struct slot){ type, absent(type), g->fields[i].off };
		if (type_refers(type))
			texts[l.n_texts++] = (uint8_t)i;
	}
	n_texts += l.n_texts;
	return l;
}

static const struct layout *layout_of(const struct rgroup *g)
{
	static struct {
		const struct field *fields;
		struct layout layout;
	} known[RECORD_MAX_LAYOUTS];
	static unsigned n;
	for (unsigned i = 0; i < n; i++)
		if (known[i].fields == g->fields)
			return &known[i].layout;
	if (n == RECORD_MAX_LAYOUTS)
		abort();
	known[n].fields = g->fields;
	known[n].layout = make_layout(g);
	known[n].layout.number = (uint8_t)n;
	return &known[n++].layout;
}

/* Before main: no thread sees half of it. */
static void __attribute__((constructor(RECORD_CONSTRUCTOR))) prepare(void)
{
	for (size_t i = 0; i < N_DESCS; i++) {
		by_number[descs[i].type] = &descs[i];
		for (unsigned g = 0; g < descs[i].n_groups; g++)
			all_groups[i][g].layout = *layout_of(&descs[i].groups[g]);
	}
}

const struct rdesc *rdesc_get(unsigned type)
{
	return type < 64 ? by_number[type] : NULL;
}

static const struct field *group_field(const struct rgroup *g, const char *name)
{
	for (unsigned i = 0; i < g->n_fields; i++)
		if (strcmp(g->fields[i].name, name) == 0)
			return &g->fields[i];
	return NULL;
}

/* Does prefix (len bytes) name the group: 'flow_key', or 'flow' for every group of the flow? */
static int names_group(const struct rgroup *g, const char *prefix, size_t len)
{
	return strncmp(g->name, prefix, len) == 0 && (g->name[len] == '\0' || g->name[len] == '_');
}

const struct field *rdesc_field(const struct rdesc *rd, const char *name, unsigned *ret_off)
{
	const char *dot = strchr(name, '.');
	for (unsigned i = 0; i < rd->n_groups; i++) {
		const struct rgroup *g = &rd->groups[i];
		const struct field *f = group_field(g, name);
		if (!f && dot && names_group(g, name, (size_t)(dot - name)))
			f = group_field(g, dot + 1);
		if (f) {
			*ret_off = g->off + f->off;
			return f;
		}
	}
	return NULL;
}

uint64_t field_uint(const struct field *f, const void *v)
{
	switch (f->type) {
	case FT_U16:
		return *(const uint16_t *)v;
	case FT_U32:
		return *(const uint32_t *)v;
	case FT_U64:
	case FT_TIME:
	case FT_DUR:
		return *(const uint64_t *)v;
	default:
		return *(const uint8_t *)v;
	}
}

bool field_member(const struct str *map, const char *base, const char *key, double *ret)
{
	const char *p;
	size_t klen = strlen(key), pos = 0, len;
	while (list_next(base, *map, &pos, &p, &len)) {
		if (klen < len && p[klen] == '=' && strncasecmp(p, key, klen) == 0) {
			char text[40];
			size_t n = len - klen - 1 < sizeof text - 1 ? len - klen - 1 : sizeof text - 1;
			memcpy(text, p + klen + 1, n);
			text[n] = '\0';
			*ret = strtod(text, NULL);
			return true;
		}
	}
	return false;
}

int enum_value(const char *const *names, const char *name)
{
	for (int i = 0; names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

const char *enum_name(const char *const *names, unsigned value)
{
	for (unsigned i = 0; names[i]; i++)
		if (i == value)
			return names[i];
	return "?";
}

/* IANA protocol numbers that traffic really has. */
static const struct {
	uint8_t number;
	const char *name;
} protos[] = {
	{ 0, "hopopt" }, { 1, "icmp" }, { 2, "igmp" }, { 4, "ipip" }, { 6, "tcp" }, { 8, "egp" }, { 17, "udp" },
	{ 33, "dccp" }, { 41, "ipv6" }, { 46, "rsvp" }, { 47, "gre" }, { 50, "esp" }, { 51, "ah" },
	{ 58, "icmpv6" }, { 88, "eigrp" }, { 89, "ospf" }, { 103, "pim" }, { 112, "vrrp" }, { 115, "l2tp" },
	{ 132, "sctp" }, { 136, "udplite" },
};

const char *proto_name(uint8_t proto, char buf[static 4])
{
	for (size_t i = 0; i < sizeof protos / sizeof *protos; i++)
		if (protos[i].number == proto)
			return protos[i].name;
	snprintf(buf, 4, "%u", proto);
	return buf;
}

int proto_value(const char *name)
{
	for (size_t i = 0; i < sizeof protos / sizeof *protos; i++)
		if (strcasecmp(protos[i].name, name) == 0)
			return protos[i].number;
	char *end;
	unsigned long n = strtoul(name, &end, 10);
	return *name >= '0' && *name <= '9' && *end == '\0' && n < 256 ? (int)n : -1;
}

const char *tcpflags_str(uint8_t flags, char buf[static 9])
{
	static const char letters[] = "FSRPAUEC";
	char *p = buf;
	for (int i = 0; i < 8; i++)
		if (flags & (1 << i))
			*p++ = letters[i];
	*p = '\0';
	return buf;
}

/*
 * The records that the processes exchange and keep, each declared once.
 *
 * records/<group>.def lists the fields of a group (one row per field), records/records.def the record types and
 * the groups each is made of, records/enums.def the enumerations. They are expanded here to C structs (struct
 * g_<group>, struct r_<record>) and in record.c to descriptors. Everything else (msgpack, JSON, SQL, Lua,
 * filters, weir-fields(7)) is a loop over the descriptors: to add a field, add a row at the end of its group
 * and the code that fills it.
 *
 * Records have a fixed size and hold no pointers. Variable-sized values are offsets into a base buffer that
 * belongs to the batch they came in (see codec.h): the decoder does not copy them.
 */
#ifndef WEIR_RECORD_H
#define WEIR_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "addr.h"
#include "id.h"

/* Schema version of the wire form; it changes only when the rules of codec.h do, not when rows are added. */
#define RECORD_SCHEMA 1

/* A string, list, map or blob: len bytes at base + off. len 0 = absent. */
struct str {
	uint32_t off;
	uint32_t len;
};

#define SECOND 1000000000ull /* ns, in which times and durations are */

/*
 * Kinds of values. List: items separated by '\n'. Map: 'name=value' items separated by '\n', values numeric
 * where they look so. Time: nanoseconds since 1970 UTC, 0 = absent. Dur: nanoseconds.
 */
enum ftype {
	FT_FLAG,
	FT_U8,
	FT_U16,
	FT_U32,
	FT_U64,
	FT_F64,
	FT_TIME,
	FT_DUR,
	FT_ADDR,
	FT_MAC,
	FT_ID,
	FT_STR,
	FT_LIST,
	FT_MAP,
	FT_BIN,
	FT_ENUM,     /* uint8_t, names in field.names */
	FT_PROTO,    /* uint8_t, IANA protocol */
	FT_TCPFLAGS, /* uint8_t, RFC 9293 section 3.1 */
};

/*
 * The next item of a list or map: where it is and its length. *pos is 0 at first and moves behind it. False at the end. The
 * empty item that would follow a last '\n' is none.
 */
static inline bool list_next(const char *base, struct str list, size_t *pos, const char **ret, size_t *ret_len)
{
	if (*pos >= list.len)
		return false;
	*ret = base + list.off + *pos;
	const char *nl = memchr(*ret, '\n', list.len - *pos);
	*ret_len = nl ? (size_t)(nl - *ret) : list.len - *pos;
	*pos += *ret_len + 1;
	return true;
}

/* C type of each type named in the .def files. */
typedef uint8_t ct_flag, ct_u8, ct_proto, ct_tcpflags;
typedef uint16_t ct_u16;
typedef uint32_t ct_u32;
typedef uint64_t ct_u64, ct_time, ct_dur;
typedef double ct_f64;
typedef struct addr ct_addr;
typedef struct mac ct_mac;
typedef struct id ct_id;
typedef struct str ct_str, ct_list, ct_map, ct_bin;
#define ENUM(name, ...) typedef uint8_t ct_##name;
#include "records/enums.def"
#undef ENUM

/* Flags of a row. */
#define F_OPT 1 /* zero means absent: left out of JSON */

#define FIELD(type, member, name, unit, flags, doc) ct_##type member;
struct g_flow_key {
#include "records/flow_key.def"
};
struct g_flow_count {
#include "records/flow_count.def"
};
struct g_head {
#include "records/head.def"
};
struct g_flow_app {
#include "records/flow_app.def"
};
struct g_flow_judge {
#include "records/flow_judge.def"
};
struct g_host {
#include "records/host.def"
};
struct g_alert {
#include "records/alert.def"
};
struct g_tick {
#include "records/tick.def"
};
struct g_sensor_count {
#include "records/sensor_count.def"
};
struct g_totals {
#include "records/totals.def"
};
struct g_gap {
#include "records/gap.def"
};
struct g_config {
#include "records/config.def"
};
struct g_metric {
#include "records/metric.def"
};
struct g_process {
#include "records/process.def"
};
struct g_delivery {
#include "records/delivery.def"
};
struct g_run {
#include "records/run.def"
};
struct g_top {
#include "records/top.def"
};
struct g_sample {
#include "records/sample.def"
};
struct g_note {
#include "records/note.def"
};
struct g_fetch {
#include "records/fetch.def"
};
struct g_batch {
#include "records/batch.def"
};
struct g_query {
#include "records/query.def"
};
struct g_command {
#include "records/command.def"
};
struct g_answer {
#include "records/answer.def"
};
struct g_snapshot {
#include "records/snapshot.def"
};
struct g_hello {
#include "records/hello.def"
};
struct g_arp {
#include "records/arp.def"
};
struct g_packets {
#include "records/packets.def"
};
struct g_silence {
#include "records/silence.def"
};
struct g_tally {
#include "records/tally.def"
};
struct g_check {
#include "records/check.def"
};
struct g_interface {
#include "records/interface.def"
};
#undef FIELD

#define GROUP(record, group, member) struct g_##group member;
#define RECORD(NAME, number, name, doc, groups)                                                    \
	struct r_##name {                                                                          \
		groups                                                                             \
	};
#include "records/records.def"
#undef RECORD
#undef GROUP

/* The groups of each record by number: RG_flow_key is 0, RG_flow_n 1. */
#define GROUP(record, group, member) RG_##record##_##member,
#define RECORD(NAME, number, name, doc, groups) enum { groups };
#include "records/records.def"
#undef RECORD
#undef GROUP

enum rtype {
	R_NONE = 0,
#define RECORD(NAME, number, name, doc, groups) R_##NAME = number,
#include "records/records.def"
#undef RECORD
};

/* Names for the values of the enumerations that code compares. Same order as enums.def. */
enum tunnel { TUN_NONE, TUN_GRE, TUN_ERSPAN, TUN_VXLAN, TUN_GENEVE, TUN_GTPU, TUN_IPIP, TUN_6IN4, TUN_PPPOE,
	      TUN_MPLS, TUN_L2TP, TUN_TEREDO, TUN_CAPWAP };
enum endreason { END_ACTIVE, END_IDLE, END_FIN, END_RST, END_TIMEOUT, END_EVICTED, END_EOF, END_LOST,
		 END_SHUTDOWN, END_REUSED };
enum tcpstate { TS_NONE, TS_SYN, TS_SYN_ACK, TS_ESTABLISHED, TS_HALF_CLOSED, TS_CLOSED, TS_RESET, TS_MIDSTREAM };
enum verdict { VERDICT_NONE, VERDICT_DPI, VERDICT_GUESSED, VERDICT_UNKNOWN, VERDICT_CRASHED, VERDICT_TIMED_OUT,
	       VERDICT_SHED };
enum severity { SEV_NONE, SEV_DEBUG, SEV_INFO, SEV_NOTICE, SEV_WARNING, SEV_ERROR, SEV_CRITICAL, SEV_ALERT,
		SEV_EMERGENCY };
enum category { CAT_OTHER, CAT_SECURITY, CAT_INTERNALS, CAT_NETWORK, CAT_SYSTEM, CAT_IDS_IPS, CAT_ACTIVE_MON,
		CAT_SNMP };
enum entity { ENT_INTERFACE, ENT_HOST, ENT_NETWORK, ENT_SNMP, ENT_FLOW, ENT_MAC, ENT_HOST_POOL, ENT_USER,
	      ENT_AM_HOST, ENT_SYSTEM, ENT_TEST, ENT_ASN, ENT_L7, ENT_MITRE, ENT_RESERVED, ENT_OTHER };
enum action { ACT_STORE, ACT_ENGAGE, ACT_UPDATE, ACT_RELEASE };
enum endcause { CAUSE_NONE, CAUSE_CLEARED, CAUSE_IDLE, CAUSE_DISABLED, CAUSE_END_OF_INPUT, CAUSE_LOST,
		CAUSE_EVICTED };
enum gapcause { GAP_RESTART, GAP_KERNEL_DROPS, GAP_SHED, GAP_INTERFACE_DOWN };
enum dstate { DLV_PENDING, DLV_SENDING, DLV_SENT, DLV_RETRY, DLV_DEAD, DLV_EXPIRED, DLV_SUPPRESSED,
	      DLV_SILENCED };
enum silstate { SIL_PENDING, SIL_ACTIVE, SIL_EXPIRED };
enum linkcode { LINK_BATCH, LINK_GONE, LINK_EPOCH, LINK_UNKNOWN };

/* A row, described. */
struct field {
	const char *name; /* public dotted name */
	const char *unit;
	const char *doc;
	const char *type_name;    /* as in the .def file */
	const char *const *names; /* FT_ENUM: name of each value, NULL-terminated */
	enum ftype type;
	uint16_t off; /* in the group's struct */
	uint8_t flags;
};

/* What a codec needs of a row, without the texts between: it goes over hundreds of them for a record. */
struct slot {
	uint8_t type;   /* enum ftype */
	uint8_t absent; /* msgpack of a value that is zero, where that is one byte: 0, "" or nil */
	uint16_t off;
};

/* A group's rows as a codec goes over them. Groups that are in several records share it. */
struct layout {
	const struct slot *slots; /* as many as fields */
	const uint8_t *texts;     /* numbers of the rows whose values are a struct str */
	uint16_t n_texts;
	uint8_t number;           /* of all layouts, below RECORD_MAX_LAYOUTS */
};
#define RECORD_MAX_LAYOUTS 64
#define RECORD_CONSTRUCTOR 200 /* descriptors are complete before constructors with a larger number */

struct rgroup {
	const char *name; /* file of the group */
	const char *member;
	const struct field *fields;
	uint16_t n_fields;
	uint16_t off; /* in the record's struct */
	uint16_t size; /* of the group's struct */
	struct layout layout;
};

struct rdesc {
	enum rtype type;
	const char *name;
	const char *doc;
	const struct rgroup *groups;
	uint16_t n_groups;
	uint16_t size;
};

#define RECORD_MAX_GROUPS 8

/* The descriptor of a record type, or NULL if there is no such type. */
const struct rdesc *rdesc_get(unsigned type);
/*
 * Finds a field by its public name. Where two groups have a field of that name (an alert has 'score' and so
 * has its flow) the first group wins; 'flow_judge.score' picks by group, 'flow.score' from all groups that begin with
 * 'flow_'. *ret_off is the offset in the record's struct. NULL if there is none.
 */
const struct field *rdesc_field(const struct rdesc *rd, const char *name, unsigned *ret_off);

/* Are values of the type a struct str? */
static inline bool type_refers(enum ftype type)
{
	return type == FT_STR || type == FT_LIST || type == FT_MAP || type == FT_BIN;
}

/* The value of a field that is a whole number, a time, a duration or an enumeration. v: the field's place. */
uint64_t field_uint(const struct field *f, const void *v);
/* The number that a map has for a key, told without case; false if it has none. */
bool field_member(const struct str *map, const char *base, const char *key, double *ret);

/* Value of an enumeration's name, or -1. names is NULL-terminated. */
int enum_value(const char *const *names, const char *name);
/* Name of a value; "?" beyond the end. */
const char *enum_name(const char *const *names, unsigned value);
#define ENUM(name, ...) extern const char *const enum_##name[];
#include "records/enums.def"
#undef ENUM

/* "tcp", "udp" ... for the protocols people know, else the number in buf. */
const char *proto_name(uint8_t proto, char buf[static 4]);
/* The reverse; -1 if it is neither a known name nor 0-255. */
int proto_value(const char *name);
/* "SAPF" style: one letter for each flag set, from FIN to CWR "FSRPAUEC"; buf holds 9. */
const char *tcpflags_str(uint8_t flags, char buf[static 9]);

static inline const char *str_ptr(const char *base, struct str s)
{
	return base + s.off;
}

static inline int str_eq(const char *base, struct str s, const char *lit)
{
	size_t n = strlen(lit);
	return s.len == n && memcmp(base + s.off, lit, n) == 0;
}

#endif

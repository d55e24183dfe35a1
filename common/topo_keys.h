/*
 * The keys of weir.yaml in tables: parsing, defaults, printing and the manual go by them. topo_keys.c has the tables,
 * topo_read.c and topo_print.c the loops over them, topo_sections.c what is more than a value: sensors, links, checks,
 * recipients.
 */
#ifndef WEIR_TOPO_KEYS_H
#define WEIR_TOPO_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

#include "match.h"
#include "topo.h"
#include "topo_yaml.h"

/* "<runtime>/capture.<31 bytes>.ipc" has to fit into the address of a socket. */
#define TOPO_MAX_RUNTIME (sizeof(((struct sockaddr_un *)0)->sun_path) - 46)

enum key_kind {
	K_STR,     /* char *, one line */
	K_TEXT,    /* char *, may have several lines */
	K_BOOL,    /* bool */
	K_U32,     /* uint32_t, with K, M, G */
	K_COUNT,   /* uint64_t, with K, M, G */
	K_SIZE,    /* uint64_t bytes */
	K_DUR,     /* uint64_t ns */
	K_TIME,    /* uint64_t ns since 1970, whole microseconds; 0 = not set */
	K_SPEED,   /* double; 'max' is 0 */
	K_LIST,    /* char **, NULL-terminated; a scalar is a list of one */
	K_LEVEL,   /* enum log_level */
	K_NETS,    /* struct cidr *, and size_t right behind it */
	K_INPUT,   /* of a sensor; min is the enum topo_source */
	K_SECTION, /* a map with a reader of its own */
};

struct topo_key {
	const char *name; /* dotted below the table's place */
	enum key_kind kind;
	size_t off;
	const char *def; /* as written in the file, lists joined by ','; NULL = not set */
	const char *doc;
	/* Numbers: bounds, both 0 = none. Durations in ns. */
	uint64_t min, max;
	/* Texts and items of lists: false after appending why not. NULL: anything goes. */
	bool (*good)(const char *s, struct buf *why);
	bool empty; /* items of the list may be empty */
};

/* All end with a NULL name. */
extern const struct topo_key topo_root_keys[];
extern const struct topo_key topo_sensor_keys[]; /* but for the inputs also below 'flow', as defaults for all sensors */
extern const struct topo_key topo_link_keys[];
extern const struct topo_key topo_check_keys[]; /* beside the check's parameters */
extern const struct topo_key topo_recipient_keys[];

/* A table by its name: root, sensor, link, recipient, pool, list, exclusion, rule; NULL if there is none. */
const struct topo_key *topo_keys_of(const char *name);

/* -- reading -- */

struct topo_parser {
	const char *path;
	struct buf *err;
	unsigned problems;
	bool exposed; /* others may read the file */
	struct topo *t;
	struct topo_sensor flow; /* defaults of the sensors */
};

/* What reads what a table cannot: false if it does not know the key. */
typedef bool topo_other(struct topo_parser *p, void *obj, const struct ynode *n);

void topo_report(struct topo_parser *p, int line, int column, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The same at a member's key and at its value. */
void topo_report_key(struct topo_parser *p, const struct ynode *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void topo_report_value(struct topo_parser *p, const struct ynode *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Keys that a map has twice, in the whole tree. */
void topo_report_twice(struct topo_parser *p, const struct ynode *n);
/* Sets all keys of a table to their defaults. */
void topo_defaults(const struct topo_key *keys, void *obj);
/* Reads the members of a map by the table; other, if not NULL, is asked first. */
void topo_read_map(struct topo_parser *p, const struct topo_key *keys, void *obj, const struct ynode *map, const char *where,
		   topo_other *other);
/* Reads one member by its row. */
void topo_read_key(struct topo_parser *p, const struct topo_key *k, void *obj, const struct ynode *n);
char **topo_list_copy(const struct ynode *n);
void topo_list_free(char **list);
/* Frees what the keys of a table own. */
void topo_free_keys(const struct topo_key *keys, void *obj);

/* Readers of the sections. map is never NULL. */
void topo_read_sensors(struct topo_parser *p, const struct ynode *map);
void topo_read_links(struct topo_parser *p, const struct ynode *map);
void topo_read_checks(struct topo_parser *p, const struct ynode *map);
void topo_read_recipients(struct topo_parser *p, const struct ynode *map);
void topo_default_links(struct topo *t);
void topo_read_pools(struct topo_parser *p, const struct ynode *map);
void topo_read_lists(struct topo_parser *p, const struct ynode *map);
void topo_read_exclusions(struct topo_parser *p, const struct ynode *map);
void topo_read_rules(struct topo_parser *p, const struct ynode *map); /* after checks: names must differ */
/* Is a list or a rule named so? What they raise has their name. */
bool topo_policy_names(const struct topo *t, const char *name);
void topo_print_policy(struct buf *out, const struct topo *t);
void topo_free_policy(struct topo *t);
void topo_forget_exclusions(struct topo *t);
/* The name of a member: good, and its value a map. False after saying why not. */
bool topo_good_member(struct topo_parser *p, const struct ynode *n, const char *what, const char *example);
/* The member that a message is about; the map itself if it has none, or one that says 'not set'. */
const struct ynode *topo_member(const struct ynode *map, const char *key);
/* Gone for sure; what may not be looked at could be there: the process that asks is not always the one that needs it. */
bool topo_is_missing(const char *path);
/* A mistake in an expression that is the value of n. */
void topo_report_text(struct topo_parser *p, const struct ynode *n, const struct match_error *e);
/* An expression of the match language, with the place of a mistake. Those of alerts come after all that has names of checks. */
void topo_check_match(struct topo_parser *p, const char *text, enum rtype type, const struct ynode *n);

/* -- printing -- */

/* Prints all keys of a table but its sections, indented. Of a sensor's inputs the one it has. */
void topo_print_keys(struct buf *out, const struct topo_key *keys, const void *obj, int indent);
/* The sections. */
void topo_print_sections(struct buf *out, const struct topo *t);
/* The same numbers as topo_duration, topo_size and topo_count read, in the largest unit that is exact. */
void topo_print_duration(struct buf *out, uint64_t ns);
void topo_print_size(struct buf *out, uint64_t v);
void topo_print_count(struct buf *out, uint64_t v);

#endif

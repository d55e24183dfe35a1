/*
 * The keys of weir.yaml in tables: parsing, defaults, printing and the manual go by them.
 */
#ifndef WEIR_TOPO_KEYS_H
#define WEIR_TOPO_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "topo.h"
#include "topo_yaml.h"

enum key_kind {
	K_STR,   /* char * */
	K_BOOL,  /* bool */
	K_U32,   /* uint32_t */
	K_COUNT, /* uint64_t, with K, M, G */
	K_SIZE,  /* uint64_t bytes */
	K_DUR,   /* uint64_t ns */
	K_SPEED, /* double; 'max' is 0 */
	K_LIST,  /* char **, NULL-terminated; a scalar is a list of one */
	K_LEVEL, /* enum log_level */
};

struct topo_key {
	const char *name; /* dotted below the table's place */
	enum key_kind kind;
	size_t off;
	const char *def; /* as written in the file; NULL = absent */
	const char *doc;
};

extern const struct topo_key topo_root_keys[];
extern const struct topo_key topo_sensor_keys[]; /* also below 'flow', as defaults for all sensors */
extern const struct topo_key topo_link_keys[];
extern const struct topo_key topo_recipient_keys[];

struct topo_parser {
	const char *path;
	struct buf *err;
	bool bad;
};

void topo_report(struct topo_parser *p, int line, int column, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Sets all keys of a table to their defaults. */
void topo_defaults(const struct topo_key *keys, void *obj);
/*
 * Reads the members of a map by the table. other, if not NULL, is asked for keys that the table does not have, and
 * returns false if it does not know them either.
 */
void topo_read_map(struct topo_parser *p, const struct topo_key *keys, void *obj, const struct ynode *map,
		   const char *where, bool (*other)(struct topo_parser *p, void *obj, const struct ynode *n));
/* Prints all keys of a table, indented. */
void topo_print_keys(struct buf *out, const struct topo_key *keys, const void *obj, int indent);
/* Frees what the keys of a table own. */
void topo_free_keys(const struct topo_key *keys, void *obj);
/* A YAML scalar that reads back as s. */
void topo_print_scalar(struct buf *out, const char *s);
/* The same numbers as topo_duration, topo_size and topo_count read, in the largest unit that is exact. */
void topo_print_duration(struct buf *out, uint64_t ns);
void topo_print_size(struct buf *out, uint64_t v);
void topo_print_count(struct buf *out, uint64_t v);
char **topo_list_copy(const struct ynode *n);
void topo_list_free(char **list);

#endif

#include "vendor.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "codec.h"
#include "csv.h"
#include "hex.h"
#include "log.h"

#define MAX_NAME 64

struct prefix {
	uint64_t bits; /* 48 bits, those beyond the prefix 0 */
	uint32_t name; /* in names */
	uint32_t len;
};

struct vendors {
	struct prefix *p; /* sorted by bits, then length */
	size_t n, cap;
	struct buf names;
};

static void add(struct vendors *v, uint64_t bits, uint32_t len, const char *name)
{
	if (v->n == v->cap) {
		v->cap = v->cap ? 2 * v->cap : 4096;
		v->p = xrealloc(v->p, v->cap * sizeof *v->p);
	}
	v->p[v->n++] = (struct prefix){ bits << (48 - len), (uint32_t)v->names.len, len };
	str_put(&v->names, name, strlen(name), MAX_NAME);
	buf_addc(&v->names, '\0');
}

/* The bits of 6 to 9 hexadecimal digits. */
static bool read_assignment(const struct buf *field, uint64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < field->len; i++) {
		int digit = hex_value(field->p[i]);
		if (digit < 0)
			return false;
		*ret = *ret << 4 | (unsigned)digit;
	}
	return field->len >= 6 && field->len <= 9;
}

/* Registry, assignment in hexadecimal, organisation, address. */
static void read_line(struct vendors *v, const char *line, size_t len, struct buf *field)
{
	size_t pos = 0;
	uint64_t bits;
	if (!csv_field(line, len, &pos, ',', field) || !csv_field(line, len, &pos, ',', field))
		return;
	bool known = read_assignment(field, &bits);
	uint32_t bit_count = (uint32_t)(4 * field->len);
	if (!known || !csv_field(line, len, &pos, ',', field) || !field->len)
		return; /* the first line, or none of ours */
	add(v, bits, bit_count, buf_cstr(field));
}

static void read_file(struct vendors *v, const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name), *line = NULL;
	struct buf field = { 0 };
	size_t cap = 0;
	ssize_t n;
	FILE *f = fopen(path, "re");
	if (!f)
		log_info("no vendors of MAC addresses: %s: %s", path, strerror(errno));
	while (f && (n = getline(&line, &cap, f)) >= 0)
		read_line(v, line, strcspn(line, "\r\n"), &field);
	buf_release(&field);
	free(line);
	free(path);
	if (f)
		fclose(f);
}

static int by_bits(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;
	if (x->bits != y->bits)
		return x->bits < y->bits ? -1 : 1;
	return x->len < y->len ? -1 : x->len > y->len;
}

struct vendors *vendors_new(const char *dir)
{
	static const char *const files[] = { "oui.csv", "mam.csv", "oui36.csv" };
	struct vendors *v = xcalloc(1, sizeof *v);
	if (!dir || strcmp(dir, "none") == 0)
		return v;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		read_file(v, dir, files[i]);
	if (v->n)
		qsort(v->p, v->n, sizeof *v->p, by_bits);
	return v;
}

void vendors_free(struct vendors *v)
{
	if (!v)
		return;
	free(v->p);
	buf_release(&v->names);
	free(v);
}

size_t vendors_count(const struct vendors *v)
{
	return v->n;
}

const char *vendors_find(const struct vendors *v, const struct mac *mac)
{
	static const uint32_t lengths[] = { 36, 28, 24 };
	uint64_t all = 0;
	if (!v->n || !mac_is_set(mac) || mac->b[0] & 2) /* the local bit */
		return "";
	for (int i = 0; i < 6; i++)
		all = all << 8 | mac->b[i];
	for (int i = 0; i < 3; i++) {
		struct prefix want = { .bits = all >> (48 - lengths[i]) << (48 - lengths[i]), .len = lengths[i] };
		const struct prefix *p = bsearch(&want, v->p, v->n, sizeof want, by_bits);
		if (p)
			return v->names.p + p->name;
	}
	return "";
}

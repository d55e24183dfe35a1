#include "locate.h"

#include <ctype.h>
#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libloc/libloc.h>
#include <libloc/as.h>
#include <libloc/database.h>
#include <libloc/network.h>

#include "buf.h"
#include "codec.h"
#include "log.h"

#define MAX_MMDB 8

struct locator {
	struct loc_ctx *ctx;
	struct loc_database *db;
	MMDB_s mmdb[MAX_MMDB];
	unsigned n_mmdb;
	uint64_t version;
	/* Names of autonomous systems that were met, by number: hosts refer to them. */
	struct as_name {
		uint32_t asn;
		char *name;
	} *names;
	uint32_t n_names, cap_names;
};

static void open_location(struct locator *l, const char *path)
{
	FILE *f = fopen(path, "re");
	if (!f) {
		log_info("no countries: %s: %s (package libloc-database)", path, strerror(errno));
		return;
	}
	if (loc_new(&l->ctx) < 0 || loc_database_new(l->ctx, &l->db, f) != 0) {
		log_warn("%s: not a database of libloc", path);
		l->db = NULL;
	} else {
		l->version ^= (uint64_t)loc_database_created_at(l->db);
	}
	fclose(f);
}

static void open_mmdb(struct locator *l, const char *path)
{
	if (l->n_mmdb == MAX_MMDB) {
		log_warn("%s: more than %d files", path, MAX_MMDB);
		return;
	}
	int rc = MMDB_open(path, MMDB_MODE_MMAP, &l->mmdb[l->n_mmdb]);
	if (rc != MMDB_SUCCESS)
		log_warn("%s: %s", path, rc == MMDB_IO_ERROR ? strerror(errno) : MMDB_strerror(rc));
	else
		l->version = l->version * 31 + l->mmdb[l->n_mmdb++].metadata.build_epoch;
}

struct locator *locator_new(const char *location, char *const *mmdb)
{
	struct locator *l = xcalloc(1, sizeof *l);
	for (; mmdb && *mmdb; mmdb++)
		open_mmdb(l, *mmdb);
	if (location && strcmp(location, "none") != 0)
		open_location(l, location);
	return l;
}

void locator_free(struct locator *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < l->n_mmdb; i++)
		MMDB_close(&l->mmdb[i]);
	if (l->db)
		loc_database_unref(l->db);
	if (l->ctx)
		loc_unref(l->ctx);
	for (uint32_t i = 0; i < l->cap_names; i++)
		free(l->names[i].name);
	free(l->names);
	free(l);
}

static struct as_name *as_slot(const struct locator *l, uint32_t asn)
{
	uint32_t i = asn * 2654435761u & (l->cap_names - 1);
	while (l->names[i].name && l->names[i].asn != asn)
		i = (i + 1) & (l->cap_names - 1);
	return &l->names[i];
}

static void copy_text(char *out, size_t size, const char *s, size_t len)
{
	snprintf(out, size, "%.*s", (int)(len < size ? len : size - 1), s);
}

/* The name as it is kept; the first one heard of a number stays. */
static const char *intern(struct locator *l, uint32_t asn, const char *name)
{
	if (2 * (l->n_names + 1) > l->cap_names) {
		struct as_name *old = l->names;
		uint32_t n = l->cap_names;
		l->cap_names = n ? 2 * n : 256;
		l->names = xcalloc(l->cap_names, sizeof *l->names);
		for (uint32_t i = 0; i < n; i++)
			if (old[i].name)
				*as_slot(l, old[i].asn) = old[i];
		free(old);
	}
	struct as_name *slot = as_slot(l, asn);
	if (!slot->name) {
		struct buf clean = { 0 };
		str_put(&clean, name, strlen(name), 512);
		*slot = (struct as_name){ asn, xstrdup(buf_cstr(&clean)) };
		buf_release(&clean);
		l->n_names++;
	}
	return slot->name;
}

/* What the library does for a name is half of what it does for an address: each number is asked for once. */
static const char *name_of(struct locator *l, uint32_t asn)
{
	struct loc_as *as = NULL;
	const char *name = l->cap_names ? as_slot(l, asn)->name : NULL;
	if (name)
		return name;
	if (loc_database_get_as(l->db, &as, asn) != 0 || !as)
		return "";
	name = loc_as_get_name(as);
	name = name ? intern(l, asn, name) : "";
	loc_as_unref(as);
	return name;
}

static void ask_location(struct locator *l, const struct addr *a, struct location *ret)
{
	struct in6_addr in6;
	struct loc_network *network = NULL;
	memcpy(&in6, a->b, sizeof in6);
	if (loc_database_lookup(l->db, &in6, &network) != 0 || !network)
		return;
	const char *country = loc_network_get_country_code(network);
	if (!*ret->country && country && strlen(country) == 2)
		copy_text(ret->country, sizeof ret->country, country, 2);
	if (!ret->asn && (ret->asn = loc_network_get_asn(network)) != 0)
		ret->as_name = name_of(l, ret->asn);
	loc_network_unref(network);
}

static bool mmdb_text(MMDB_entry_s *entry, const char *const *path, char *out, size_t size)
{
	MMDB_entry_data_s data;
	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return false;
	copy_text(out, size, data.utf8_string, data.data_size);
	return true;
}

/* GeoLite2, DB-IP and IPinfo name the same things differently. */
static void ask_mmdb(struct locator *l, MMDB_s *db, const struct addr *a, struct location *ret)
{
	static const char *const country[] = { "country", "iso_code", NULL }, *const flat[] = { "country_code", NULL },
			  *const code[] = { "country", NULL }, *const asn[] = { "autonomous_system_number", NULL },
			  *const as_text[] = { "asn", NULL }, *const org[] = { "autonomous_system_organization", NULL },
			  *const as_name[] = { "as_name", NULL };
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };
	MMDB_entry_data_s data;
	int rc = 0;
	memcpy(&sa.sin6_addr, a->b, 16);
	MMDB_lookup_result_s found = MMDB_lookup_sockaddr(db, (struct sockaddr *)&sa, &rc);
	if (rc != MMDB_SUCCESS || !found.found_entry)
		return;
	char text[64];
	if (!*ret->country)
		(void)(mmdb_text(&found.entry, country, ret->country, sizeof ret->country) ||
		       mmdb_text(&found.entry, flat, ret->country, sizeof ret->country) ||
		       mmdb_text(&found.entry, code, ret->country, sizeof ret->country));
	if (ret->asn)
		return;
	if (MMDB_aget_value(&found.entry, &data, asn) == MMDB_SUCCESS && data.has_data && data.type == MMDB_DATA_TYPE_UINT32)
		ret->asn = data.uint32;
	else if (mmdb_text(&found.entry, as_text, text, sizeof text) && strncmp(text, "AS", 2) == 0)
		ret->asn = (uint32_t)strtoul(text + 2, NULL, 10);
	if (ret->asn && (mmdb_text(&found.entry, org, text, sizeof text) || mmdb_text(&found.entry, as_name, text, sizeof text)))
		ret->as_name = intern(l, ret->asn, text);
}

bool locator_find(struct locator *l, const struct addr *a, struct location *ret)
{
	*ret = (struct location){ .as_name = "" };
	if (addr_is_private(a) || addr_is_link_local(a) || addr_is_loopback(a) || addr_is_multicast(a) || !addr_is_set(a))
		return false;
	for (unsigned i = 0; i < l->n_mmdb; i++)
		ask_mmdb(l, &l->mmdb[i], a, ret);
	if (l->db && (!*ret->country || !ret->asn))
		ask_location(l, a, ret);
	if (!isalpha((unsigned char)ret->country[0]) || !isalpha((unsigned char)ret->country[1]))
		*ret->country = '\0'; /* a file of the site may have anything there */
	return *ret->country || ret->asn;
}

uint64_t locator_version(const struct locator *l)
{
	return l->version;
}

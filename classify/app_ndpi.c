/* From packets to an application by nDPI 4.2, as Debian 12 and 13 have it. */
#include "app_ndpi.h"

#include "firstmsg.h"
#include "log.h"

struct app *app_new(void)
{
	NDPI_PROTOCOL_BITMASK all;
	struct app *a = xcalloc(1, sizeof *a);
	a->ndpi = ndpi_init_detection_module(ndpi_no_prefs);
	if (!a->ndpi) {
		log_error("nDPI does not start");
		free(a);
		return NULL;
	}
	NDPI_BITMASK_SET_ALL(all);
	ndpi_set_protocol_detection_bitmask2(a->ndpi, &all);
	ndpi_finalize_initialization(a->ndpi);
	quick_networks();
	a->flow = xcalloc(1, ndpi_detection_get_sizeof_ndpi_flow_struct());
	return a;
}

const char *app_version(void)
{
	return ndpi_revision();
}

/*
 * Gives nDPI packet after packet until it knows the application and wants no more, as ndpiReader does; what it does not
 * know at the end it may guess from port and address. False if it knows nothing.
 */
static bool detect(struct look *k)
{
	struct headpkt h;
	uint32_t pos = 0;
	const uint8_t *ip;
	while ((ip = headpkt_next(k->data, k->len, &pos, &h)) != NULL) {
		if (h.caplen < 20)
			continue;
		k->last_time = h.time;
		uint16_t len = h.caplen > UINT16_MAX ? UINT16_MAX : (uint16_t)h.caplen;
		k->proto = ndpi_detection_process_packet(k->a->ndpi, k->f, ip, len, h.time / 1000000);
		if (k->proto.app_protocol != NDPI_PROTOCOL_UNKNOWN && !ndpi_extra_dissection_possible(k->a->ndpi, k->f))
			break;
	}
	memcpy(k->detected, k->f->detected_protocol_stack, sizeof k->detected);
	if (!ip) {
		uint8_t guessed = 0;
		k->proto = ndpi_detection_giveup(k->a->ndpi, k->f, 1, &guessed);
	}
	return k->proto.app_protocol != NDPI_PROTOCOL_UNKNOWN || k->proto.master_protocol != NDPI_PROTOCOL_UNKNOWN;
}

static enum verdict verdict_of(ndpi_confidence_t c, bool known)
{
	if (!known)
		return VERDICT_UNKNOWN;
	return c == NDPI_CONFIDENCE_MATCH_BY_PORT || c == NDPI_CONFIDENCE_MATCH_BY_IP ? VERDICT_GUESSED : VERDICT_DPI;
}

/* nDPI's own names are clean texts. */
static struct str name(struct look *k, const char *s)
{
	return s ? str_put_raw(k->arena, s, strlen(s)) : (struct str){ 0, 0 };
}

static void fill_names(struct look *k, bool known)
{
	struct g_flow_app *o = k->out;
	struct ndpi_detection_module_struct *m = k->a->ndpi;
	uint16_t app = k->proto.app_protocol, master = k->proto.master_protocol;
	if (app == NDPI_PROTOCOL_UNKNOWN) {
		app = master;
		master = NDPI_PROTOCOL_UNKNOWN;
	}
	o->app_id = app;
	o->master_id = master;
	o->app = name(k, ndpi_get_proto_name(m, app));
	/* So that one name finds plain TLS and all that runs over it; the number stays nDPI's. */
	if (app != NDPI_PROTOCOL_UNKNOWN)
		o->master = name(k, ndpi_get_proto_name(m, master != NDPI_PROTOCOL_UNKNOWN ? master : app));
	o->category_id = (uint16_t)k->proto.category;
	o->category = name(k, ndpi_category_get_name(m, k->proto.category));
	o->breed = name(k, ndpi_get_proto_breed_name(m, ndpi_get_proto_breed(m, app)));
	o->confidence = name(k, ndpi_confidence_get_name(k->f->confidence));
	o->state = (uint8_t)verdict_of(k->f->confidence, known);
}

void app_classify(struct app *a, const struct g_flow_key *key, const void *data, uint32_t len, struct g_flow_app *out,
		  struct buf *arena)
{
	struct look k = { .a = a, .key = key, .out = out, .arena = arena, .f = a->flow, .data = data, .len = len };
	memset(a->flow, 0, ndpi_detection_get_sizeof_ndpi_flow_struct());
	memset(out, 0, sizeof *out);
	bool known = detect(&k);
	fill_names(&k, known);
	app_fill_metadata(&k);
	app_fill_risks(&k);
	firstmsg_fill(key, data, len, out, arena);
	ndpi_free_flow_data(a->flow);
}

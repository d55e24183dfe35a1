/*
 * The JSON document that a recipient gets: the members that ntopng's alert handlers read (flow, host, other entities; the
 * member 'json' is a text that holds a second document), and under "weir" everything weir knows about the alert and this
 * delivery. weir-notify(8) lists them. Pure.
 */
#ifndef WEIR_DOCUMENT_H
#define WEIR_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "record.h"

struct topo;

/* One attempt to deliver. */
struct document_delivery {
	struct id id;
	const char *recipient;
	uint32_t attempt; /* from 1 */
	bool maybe_duplicate;
};

/* Appends the document, one line without a newline. t gives numbers to sensors and local networks, and may be NULL. */
void document_write(struct buf *out, const struct r_alert *a, const char *base, const struct topo *t,
		    const struct document_delivery *d);

#endif

/* Any bytes as the state of an engine, or as entries of a journal. The first byte picks which. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "checks/pipeline.h"
#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct topo *topology(void)
{
	static const char text[] = "sensors: {s: {file: x}, z: {file: y}}\nlua: {enabled: no}\nlimits: {hosts: 64, flows: 64}\n"
				   "databases: {location: none, vendors: none}\n";
	struct buf err = { 0 };
	struct topo *t = topo_parse("t", text, sizeof text - 1, &err);
	buf_release(&err);
	return t;
}

/* kind, lane, count, length, epoch and base of one byte each, then the body. */
static void entries(struct pipeline *p, const char *at, size_t left)
{
	while (left >= 6) {
		const unsigned char *h = (const unsigned char *)at;
		size_t len = h[3] < left - 6 ? h[3] : left - 6;
		struct journal_entry e = { .kind = h[0] % 7, .lane = h[1], .count = h[2], .len = (uint32_t)len, .epoch = h[4], .base = h[5],
					   .body = at + 6 };
		if (!pipeline_apply(p, &e))
			return;
		at += 6 + len;
		left -= 6 + len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct topo *t;
	struct pipeline p = { 0 };
	if (!t) {
		log_set_level(LOG_LV_ERROR);
		t = topology();
	}
	if (size < 1)
		return 0;
	p.alerts.stream = stream_new("alerts", 0, 1 << 20);
	p.history.stream = stream_new("history", 0, 1 << 20);
	pipeline_init(&p, t);
	if (data[0] & 1) {
		entries(&p, (const char *)data + 1, size - 1);
	} else if (data[0] & 2) {
		pipeline_load(&p, (const char *)data + 1, size - 1);
	} else if (engine_load(p.engine, (const char *)data + 1, size - 1) && engine_load_end(p.engine)) {
		/* What was taken for sound can be written, and is sound then too. */
		struct buf out = { 0 };
		struct buf again = { 0 };
		engine_copy_begin(p.engine, &out);
		while (engine_copy_step(p.engine, 64, &out))
			;
		buf_add(&again, out.p, out.len);
		pipeline_reset(&p, t);
		struct pipeline q = { 0 };
		q.alerts.stream = stream_new("alerts", 0, 1 << 20);
		q.history.stream = stream_new("history", 0, 1 << 20);
		pipeline_init(&q, t);
		if (!engine_load(q.engine, again.p, again.len) || !engine_load_end(q.engine))
			abort();
		pipeline_release(&q);
		stream_free(q.alerts.stream);
		stream_free(q.history.stream);
		buf_release(&out);
		buf_release(&again);
	}
	pipeline_release(&p);
	stream_free(p.alerts.stream);
	stream_free(p.history.stream);
	return 0;
}

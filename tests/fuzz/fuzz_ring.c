/* Any bytes as the ring that an earlier life left: it is refused, or what it holds can be read and gone on with. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/ledger.h"
#include "stream.h"
#include "stream_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BYTES (4u << 20)

static char path[64];

static struct stream *open_ring(void)
{
	struct buf why = { 0 };
	struct stream *s = stream_new_shared("x", path, 1, BYTES, &why);
	buf_release(&why);
	if (!s)
		abort();
	return s;
}

/* Each 4 bytes of input are written over the ring: where (in the header or the first two slots) and what. */
static void damage(const uint8_t *data, size_t size)
{
	FILE *f = fopen(path, "r+");
	if (!f)
		abort();
	for (; size >= 4; data += 4, size -= 4) {
		long at = (long)(data[0] & 1) << 13 | (long)data[1] << 5 | (data[2] & 31);
		fseek(f, data[0] & 2 ? at + (long)STREAM_SLOT_BYTES : at, SEEK_SET);
		fputc(data[3], f);
	}
	fclose(f);
}

static void read_all(const struct stream *s)
{
	const char *p;
	size_t len;
	uint32_t n;
	uint64_t sum = 0;
	for (uint64_t at = stream_tail(s); (n = stream_read(s, at, 100000, &p, &len)) != 0; at += n)
		for (size_t i = 0; i < len; i++)
			sum += (uint8_t)p[i];
	if (sum == UINT64_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char rec[500] = "record";
	struct ledger l;
	struct ledger_totals t;
	struct ledger_loss loss;
	snprintf(path, sizeof path, "/tmp/fuzz_ring-%d", (int)getpid());
	unlink(path);
	struct stream *s = open_ring();
	for (int i = 0; i < 20; i++)
		stream_append(s, rec, sizeof rec, NULL);
	stream_free(s);
	damage(data, size);
	s = open_ring();
	stream_add_durable(s, "checks");
	read_all(s);
	ledger_init(&l, stream_area(s), STREAM_AREA);
	ledger_recover(&l, stream_head(s), 1000, &t, &loss);
	uint64_t head = stream_head(s);
	if (stream_append(s, rec, sizeof rec, NULL) == 0 && stream_head(s) != head + 1)
		abort();
	read_all(s);
	stream_free(s);
	unlink(path);
	return 0;
}

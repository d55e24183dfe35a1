/* Any bytes as records from another process: what is taken must pack again to the same meaning. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

union any_record {
#define RECORD(NAME, number, name, doc, groups) struct r_##name name;
#include "records/records.def"
#undef RECORD
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static union any_record a, b;
	char *copy = malloc(size ? size : 1);
	memcpy(copy, data, size);
	struct codec_reader r = { .base = copy, .len = size };
	for (;;) {
		enum rtype type = codec_peek(&r);
		size_t at, len;
		if (!rdesc_get(type)) {
			if (codec_skip(&r, &at, &len) != 1)
				break;
			continue;
		}
		if (codec_read(&r, &a) != 1)
			break;
		struct buf out = { 0 }, again = { 0 }, json = { 0 };
		codec_pack(&out, type, &a, copy);
		struct codec_reader rr = { .base = out.p, .len = out.len };
		if (codec_read(&rr, &b) != 1)
			abort();
		codec_pack(&again, type, &b, out.p);
		if (out.len != again.len || memcmp(out.p, again.p, out.len) != 0)
			abort();
		json_record(&json, type, &a, copy, JSON_TYPE, NULL);
		buf_release(&out);
		buf_release(&again);
		buf_release(&json);
	}
	free(copy);
	return 0;
}

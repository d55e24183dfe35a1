#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "log.h"
#include "stream_file.h"

/*
 * Records lie in chunks the size of an answer to FETCH, so that an answer is one copy. Chunks are dropped whole, oldest
 * first, and used again.
 */
#define CHUNK_BYTES  (512u << 10)
#define MAX_DURABLE  8
#define MAX_SPARE    8

struct chunk {
	uint64_t base; /* number of its first record */
	uint32_t n;
	uint32_t n_cap;
	uint32_t *end; /* of each record */
	size_t len, cap;
	char *p;
	uint64_t types;  /* that it has, bit n = type n: to leave it out without a look at each record */
	struct stream_slot *slot; /* where it lies in a shared file, else NULL */
};

struct durable {
	char *consumer;
	uint64_t seq;
};

struct stream {
	char *name;
	uint64_t epoch;
	uint64_t head;
	uint64_t clock;
	size_t max;
	size_t bytes;
	struct chunk **chunks; /* ring of pointers would save the memmove; there are at most a few hundred */
	size_t n_chunks, cap_chunks;
	struct chunk *spare[MAX_SPARE];
	size_t n_spare;
	struct durable durable[MAX_DURABLE];
	size_t n_durable;
	struct stream_file *file; /* NULL: in memory only */
};

struct stream *stream_new(const char *name, uint64_t epoch, size_t max_bytes)
{
	struct stream *s = xcalloc(1, sizeof *s);
	s->name = xstrdup(name);
	s->epoch = epoch;
	s->head = 1;
	s->max = max_bytes;
	return s;
}

static void chunk_free(struct chunk *c)
{
	if (!c->slot) {
		free(c->end);
		free(c->p);
	}
	free(c);
}

static void add_chunk_pointer(struct stream *s, struct chunk *c)
{
	if (s->n_chunks == s->cap_chunks) {
		s->cap_chunks = s->cap_chunks ? 2 * s->cap_chunks : 16;
		s->chunks = xrealloc(s->chunks, s->cap_chunks * sizeof *s->chunks);
	}
	s->chunks[s->n_chunks++] = c;
}

static struct chunk *chunk_of_slot(struct stream_slot *slot)
{
	struct chunk *c = xcalloc(1, sizeof *c);
	c->slot = slot;
	c->base = slot->base;
	c->n = slot->n;
	c->n_cap = STREAM_SLOT_RECORDS;
	c->end = slot->end;
	c->len = c->n ? c->end[c->n - 1] : 0;
	c->cap = STREAM_SLOT_DATA;
	c->p = slot->data;
	c->types = ~0ull; /* of an earlier life: not known */
	return c;
}

static uint64_t type_bit(const char *rec, size_t len)
{
	/* As codec_pack writes it: an array of less than 16, the type one byte. */
	bool plain = len > 2 && ((uint8_t)rec[0] & 0xf0) == 0x90 && (uint8_t)rec[1] < 0x80;
	unsigned type = plain ? (uint8_t)rec[1] : codec_peek(&(struct codec_reader){ .base = rec, .len = len });
	return type < 64 ? 1ull << type : 0;
}

struct stream *stream_new_shared(const char *name, const char *path, uint64_t epoch, size_t max_bytes, struct buf *why)
{
	struct stream_file *file = stream_file_open(path, name, epoch, max_bytes, why);
	if (!file)
		return NULL;
	struct stream *s = stream_new(name, file->head->epoch, (size_t)file->head->n_slots * STREAM_SLOT_DATA);
	s->file = file;
	s->clock = file->head->clock;
	s->head = file->head->first;
	for (uint32_t i = 0; i < file->n_used; i++) {
		struct chunk *c = chunk_of_slot(file->used[i]);
		add_chunk_pointer(s, c);
		s->bytes += c->len;
		s->head = c->base + c->n;
	}
	return s;
}

void *stream_area(const struct stream *s)
{
	return s->file ? s->file->head->area : NULL;
}

bool stream_resumed(const struct stream *s)
{
	return s->file && s->file->resumed;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_chunks; i++)
		chunk_free(s->chunks[i]);
	for (size_t i = 0; i < s->n_spare; i++)
		chunk_free(s->spare[i]);
	for (size_t i = 0; i < s->n_durable; i++)
		free(s->durable[i].consumer);
	stream_file_close(s->file);
	free(s->chunks);
	free(s->name);
	free(s);
}

const char *stream_name(const struct stream *s)
{
	return s->name;
}

uint64_t stream_epoch(const struct stream *s)
{
	return s->epoch;
}

uint64_t stream_head(const struct stream *s)
{
	return s->head;
}

uint64_t stream_tail(const struct stream *s)
{
	return s->n_chunks ? s->chunks[0]->base : s->head;
}

size_t stream_bytes(const struct stream *s)
{
	return s->bytes;
}

size_t stream_max(const struct stream *s)
{
	return s->max;
}

uint64_t stream_clock(const struct stream *s)
{
	return s->clock;
}

void stream_set_clock(struct stream *s, uint64_t time_ns)
{
	s->clock = time_ns;
	if (s->file)
		s->file->head->clock = time_ns;
}

void stream_add_durable(struct stream *s, const char *consumer)
{
	if (s->n_durable == MAX_DURABLE)
		fatalx("stream %s: more than %d durable consumers", s->name, MAX_DURABLE);
	s->durable[s->n_durable++] = (struct durable){ xstrdup(consumer), s->file ? stream_file_durable(s->file, consumer) : 0 };
}

bool stream_is_durable(const struct stream *s, const char *consumer)
{
	for (size_t i = 0; i < s->n_durable; i++)
		if (strcmp(s->durable[i].consumer, consumer) == 0)
			return true;
	return false;
}

uint64_t stream_durable(const struct stream *s)
{
	uint64_t min = s->head;
	for (size_t i = 0; i < s->n_durable; i++)
		if (s->durable[i].seq < min)
			min = s->durable[i].seq;
	return min;
}

uint64_t stream_claimed(const struct stream *s)
{
	uint64_t max = 0;
	for (size_t i = 0; i < s->n_durable; i++)
		if (s->durable[i].seq > max)
			max = s->durable[i].seq;
	return max;
}

void stream_set_durable(struct stream *s, const char *consumer, uint64_t seq)
{
	for (size_t i = 0; i < s->n_durable; i++)
		if (strcmp(s->durable[i].consumer, consumer) == 0 && seq > s->durable[i].seq) {
			s->durable[i].seq = seq;
			if (s->file)
				stream_file_set_durable(s->file, consumer, seq);
		}
}

static void drop_oldest(struct stream *s)
{
	struct chunk *c = s->chunks[0];
	s->bytes -= c->len;
	memmove(s->chunks, s->chunks + 1, --s->n_chunks * sizeof *s->chunks);
	if (c->slot)
		stream_file_drop(s->file, c->slot, c->base + c->n);
	if (!c->slot && c->cap == CHUNK_BYTES && s->n_spare < MAX_SPARE)
		s->spare[s->n_spare++] = c;
	else
		chunk_free(c);
}

static bool may_drop(const struct stream *s, uint64_t durable)
{
	return s->n_chunks && s->chunks[0]->base + s->chunks[0]->n <= durable;
}

/*
 * Room for len more bytes. What everybody has is kept up to a quarter of the bound, for those who come late, and no
 * longer: memory that is used again soon is still in the processor's cache.
 */
static bool make_room(struct stream *s, size_t len)
{
	uint64_t durable = stream_durable(s);
	while (s->bytes + len > s->max / 4 && may_drop(s, durable) && (s->n_durable || s->bytes + len > s->max))
		drop_oldest(s);
	if (!s->file)
		return s->bytes + len <= s->max;
	while (!stream_file_has_free(s->file) && may_drop(s, durable))
		drop_oldest(s);
	return stream_file_has_free(s->file) && len <= STREAM_SLOT_DATA;
}

/* Slots that are free or could be, and what is left of the one in use. */
static size_t shared_room(const struct stream *s, uint64_t durable)
{
	size_t room = (size_t)s->file->head->n_slots * STREAM_SLOT_DATA;
	for (size_t i = 0; i < s->n_chunks; i++) {
		const struct chunk *c = s->chunks[i];
		bool last = i == s->n_chunks - 1;
		if (c->base + c->n > durable)
			room -= last && c->n < c->n_cap ? c->len : STREAM_SLOT_DATA;
	}
	return room;
}

size_t stream_room(const struct stream *s)
{
	size_t held = s->bytes;
	uint64_t durable = stream_durable(s);
	if (s->file)
		return shared_room(s, durable);
	for (size_t i = 0; i < s->n_chunks && s->chunks[i]->base + s->chunks[i]->n <= durable; i++)
		held -= s->chunks[i]->len;
	return held < s->max ? s->max - held : 0;
}

bool stream_has_room(const struct stream *s, size_t n)
{
	if (!s->n_durable)
		return s->max > n; /* the oldest makes room */
	/* What is unused now; what may be dropped comes on top of it. */
	size_t unused = s->file ? (size_t)s->file->n_free * STREAM_SLOT_DATA : s->bytes < s->max ? s->max - s->bytes : 0;
	return unused > n || stream_room(s) > n;
}

static struct chunk *add_chunk(struct stream *s, size_t need)
{
	struct chunk *c;
	if (s->file) {
		c = chunk_of_slot(stream_file_take(s->file, s->head));
	} else if (need <= CHUNK_BYTES && s->n_spare) {
		c = s->spare[--s->n_spare];
	} else {
		c = xcalloc(1, sizeof *c);
		c->cap = need > CHUNK_BYTES ? need : CHUNK_BYTES;
		c->p = xmalloc(c->cap);
	}
	c->base = s->head;
	c->n = 0;
	c->len = 0;
	c->types = 0;
	add_chunk_pointer(s, c);
	return c;
}

int stream_append(struct stream *s, const void *rec, size_t len, uint64_t *ret_seq)
{
	struct chunk *c = s->n_chunks ? s->chunks[s->n_chunks - 1] : NULL;
	if (!c || c->cap - c->len < len || (c->slot && c->n == c->n_cap)) {
		if (!make_room(s, len))
			return -1;
		c = add_chunk(s, len);
	} else if (s->bytes + len > s->max && !make_room(s, len)) {
		return -1;
	} else if (s->n_chunks == 0) {
		c = add_chunk(s, len); /* make_room dropped the chunk we were looking at */
	}
	if (c->n == c->n_cap) {
		c->n_cap = c->n_cap ? 2 * c->n_cap : 256;
		c->end = xrealloc(c->end, c->n_cap * sizeof *c->end);
	}
	memcpy(c->p + c->len, rec, len);
	c->len += len;
	c->end[c->n++] = (uint32_t)c->len;
	c->types |= type_bit(rec, len);
	if (c->slot) /* the record is there from now on, whatever happens to us */
		__atomic_store_n(&c->slot->n, c->n, __ATOMIC_RELEASE);
	s->bytes += len;
	if (ret_seq)
		*ret_seq = s->head;
	s->head++;
	return 0;
}

void stream_skip(struct stream *s, uint64_t n)
{
	if (s->n_chunks == 0)
		s->head += n;
}

void stream_restart(struct stream *s, uint64_t epoch, uint64_t seq)
{
	while (s->n_chunks)
		drop_oldest(s);
	for (size_t i = 0; i < s->n_durable; i++)
		s->durable[i].seq = 0;
	s->epoch = epoch;
	s->head = seq;
	if (s->file)
		stream_file_restart(s->file, epoch, seq);
}

/* Index of the chunk that holds seq; seq is in [tail, head). */
static size_t find_chunk(const struct stream *s, uint64_t seq)
{
	size_t lo = 0, hi = s->n_chunks;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		if (s->chunks[mid]->base <= seq)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

uint32_t stream_read(const struct stream *s, uint64_t from, size_t max, const char **ret_p, size_t *ret_len)
{
	if (from < stream_tail(s) || from >= s->head)
		return 0;
	const struct chunk *c = s->chunks[find_chunk(s, from)];
	uint32_t first = (uint32_t)(from - c->base);
	uint32_t start = first ? c->end[first - 1] : 0;
	uint32_t lo = first + 1, hi = c->n; /* largest count of records whose bytes fit */
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo + 1) / 2;
		if (c->end[mid - 1] - start <= max)
			lo = mid;
		else
			hi = mid - 1;
	}
	*ret_p = c->p + start;
	*ret_len = c->end[lo - 1] - start;
	return lo - first;
}

uint32_t stream_pick(const struct stream *s, uint64_t from, uint32_t n, uint64_t types, struct buf *out)
{
	const struct chunk *c = s->chunks[find_chunk(s, from)];
	uint32_t first = (uint32_t)(from - c->base), picked = 0;
	if (!(c->types & types))
		return 0;
	for (uint32_t i = first; i < first + n; i++) {
		uint32_t start = i ? c->end[i - 1] : 0;
		if (!(type_bit(c->p + start, c->end[i] - start) & types))
			continue;
		buf_add(out, c->p + start, c->end[i] - start);
		picked++;
	}
	return picked;
}

uint64_t stream_pass(const struct stream *s, uint64_t from, uint64_t types, size_t *bytes)
{
	for (size_t i = from < s->head ? find_chunk(s, from) : s->n_chunks; i < s->n_chunks && !(s->chunks[i]->types & types); i++) {
		const struct chunk *c = s->chunks[i];
		uint32_t first = (uint32_t)(from - c->base);
		*bytes += c->len - (first ? c->end[first - 1] : 0);
		from = c->base + c->n;
	}
	return from;
}

#include "stream_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

#define MAGIC     0x52494557u /* "WEIR" */
#define HEAD_SIZE ((sizeof(struct stream_file_head) + 4095) & ~(size_t)4095)
#define MIN_SLOTS 4

/* -- is it one that we can go on with? -- */

static int by_base(const void *a, const void *b)
{
	const struct stream_slot *x = *(struct stream_slot *const *)a, *y = *(struct stream_slot *const *)b;
	return x->base < y->base ? -1 : x->base > y->base;
}

static bool slot_is_sound(const struct stream_slot *s)
{
	uint32_t at = 0;
	if (s->n > STREAM_SLOT_RECORDS)
		return false;
	for (uint32_t i = 0; i < s->n; i++) {
		if (s->end[i] <= at || s->end[i] > STREAM_SLOT_DATA)
			return false;
		at = s->end[i];
	}
	return true;
}

/* Puts the slots in order. They must follow one another without a hole, from the record behind those that were dropped. */
static const char *find_slots(struct stream_file *f)
{
	uint64_t next = f->head->first;
	for (uint32_t i = 0; i < f->head->n_slots; i++) {
		struct stream_slot *s = &f->slots[i];
		if (!s->used)
			continue;
		if (!slot_is_sound(s))
			return "a slot is damaged";
		if (s->base + s->n <= next && (s->n || s->base < next)) { /* dropping it was as good as done */
			s->used = 0;
			continue;
		}
		f->used[f->n_used++] = s;
	}
	f->n_free = f->head->n_slots - f->n_used;
	qsort(f->used, f->n_used, sizeof *f->used, by_base);
	for (uint32_t i = 0; i < f->n_used; i++) {
		if (f->used[i]->base != next)
			return "records are missing in the middle";
		next += f->used[i]->n;
	}
	return NULL;
}

static const char *check(struct stream_file *f, const char *name, uint64_t size, uint32_t n_slots)
{
	const struct stream_file_head *h = f->head;
	if (h->magic != MAGIC || !h->ready)
		return "it is no ring";
	if (h->version != STREAM_FILE_VERSION)
		return "it is of another version";
	if (h->size != size || h->n_slots != n_slots)
		return "it is of another size";
	if (strncmp(h->name, name, sizeof h->name) != 0)
		return "it is another stream's";
	if (h->epoch == 0 || h->first == 0)
		return "its header is damaged";
	return find_slots(f);
}

/* -- open -- */

static const char *look_at(int fd, uint64_t size)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "it is no file";
	if (st.st_uid != geteuid())
		return "it belongs to somebody else";
	if ((uint64_t)st.st_size != size)
		return "it is of another size";
	return NULL;
}

static int map(struct stream_file *f, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	if (p == MAP_FAILED)
		return -1;
	f->head = p;
	f->slots = (struct stream_slot *)((char *)p + HEAD_SIZE);
	return 0;
}

static void unmap(struct stream_file *f)
{
	if (f->head)
		munmap(f->head, HEAD_SIZE + (size_t)f->head->n_slots * STREAM_SLOT_BYTES);
	f->head = NULL;
}

/* Takes up an existing file. False if there is none or it is of no use, which why then says. */
static bool resume(struct stream_file *f, const char *path, const char *name, uint64_t size, uint32_t n_slots,
		   struct buf *why)
{
	f->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (f->fd < 0) {
		if (errno != ENOENT)
			buf_addf(why, "%s: %s", path, strerror(errno));
		return false;
	}
	const char *bad = look_at(f->fd, size);
	if (!bad && map(f, size) < 0)
		bad = strerror(errno);
	if (!bad)
		bad = check(f, name, size, n_slots);
	if (!bad)
		return true;
	buf_addf(why, "%s: %s: a new one is begun, what it held is lost", path, bad);
	if (f->head)
		munmap(f->head, size);
	f->head = NULL;
	f->n_used = 0;
	close(f->fd);
	f->fd = -1;
	return false;
}

static bool create(struct stream_file *f, const char *path, const char *name, uint64_t epoch, uint64_t size, uint32_t n_slots,
		   struct buf *why)
{
	unlink(path);
	f->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* Reserved now: a full tmpfs would be a SIGBUS later. */
	int rc = f->fd < 0 ? errno : posix_fallocate(f->fd, 0, (off_t)size);
	if (rc == 0 && map(f, size) < 0)
		rc = errno;
	if (rc != 0) {
		buf_addf(why, "%s%s: %s", why->len ? "; " : "", path, strerror(rc));
		if (f->fd >= 0) {
			close(f->fd);
			unlink(path);
		}
		return false;
	}
	struct stream_file_head *h = f->head;
	h->magic = MAGIC;
	h->version = STREAM_FILE_VERSION;
	h->size = size;
	h->epoch = epoch;
	h->first = 1;
	h->n_slots = n_slots;
	snprintf(h->name, sizeof h->name, "%s", name);
	__atomic_store_n(&h->ready, 1, __ATOMIC_RELEASE);
	f->n_free = n_slots;
	return true;
}

struct stream_file *stream_file_open(const char *path, const char *name, uint64_t epoch, size_t max_bytes, struct buf *why)
{
	struct stream_file *f = xcalloc(1, sizeof *f);
	uint32_t n_slots = (uint32_t)(max_bytes / STREAM_SLOT_BYTES);
	if (n_slots < MIN_SLOTS)
		n_slots = MIN_SLOTS;
	uint64_t size = HEAD_SIZE + (uint64_t)n_slots * STREAM_SLOT_BYTES;
	f->used = xcalloc(n_slots, sizeof(struct stream_slot *));
	f->resumed = resume(f, path, name, size, n_slots, why);
	if (!f->resumed && !create(f, path, name, epoch, size, n_slots, why)) {
		free(f->used);
		free(f);
		return NULL;
	}
	return f;
}

void stream_file_close(struct stream_file *f)
{
	if (!f)
		return;
	unmap(f);
	close(f->fd);
	free(f->used);
	free(f);
}

/* -- slots -- */

bool stream_file_has_free(const struct stream_file *f)
{
	return f->n_free != 0;
}

struct stream_slot *stream_file_take(struct stream_file *f, uint64_t base)
{
	struct stream_slot *s = f->slots;
	while (s->used)
		s++;
	s->n = 0;
	s->base = base;
	__atomic_store_n(&s->used, 1, __ATOMIC_RELEASE);
	f->n_free--;
	return s;
}

void stream_file_drop(struct stream_file *f, struct stream_slot *slot, uint64_t next)
{
	__atomic_store_n(&f->head->first, next, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->used, 0, __ATOMIC_RELEASE);
	f->n_free++;
}

void stream_file_restart(struct stream_file *f, uint64_t epoch, uint64_t seq)
{
	for (uint32_t i = 0; i < f->head->n_slots; i++)
		f->slots[i].used = 0;
	f->n_free = f->head->n_slots;
	memset(f->head->durable, 0, sizeof f->head->durable);
	f->head->epoch = epoch;
	__atomic_store_n(&f->head->first, seq, __ATOMIC_RELEASE);
}

/* -- durable positions -- */

uint64_t stream_file_durable(const struct stream_file *f, const char *consumer)
{
	for (int i = 0; i < STREAM_FILE_DURABLE; i++)
		if (strncmp(f->head->durable[i].consumer, consumer, sizeof f->head->durable[i].consumer) == 0)
			return f->head->durable[i].seq;
	return 0;
}

void stream_file_set_durable(struct stream_file *f, const char *consumer, uint64_t seq)
{
	for (int i = 0; i < STREAM_FILE_DURABLE; i++) {
		char *name = f->head->durable[i].consumer;
		if (name[0] && strncmp(name, consumer, sizeof f->head->durable[i].consumer) != 0)
			continue;
		f->head->durable[i].seq = seq;
		if (!name[0])
			snprintf(name, sizeof f->head->durable[i].consumer, "%s", consumer);
		return;
	}
}

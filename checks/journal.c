#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fault.h"
#include "hash.h"
#include "log.h"

#define MAX_BODY  (8u << 20) /* twice the largest message of a link */
#define BYTE_MARK 0x01020304u

/* Begins a segment. */
struct head {
	char magic[8];
	uint32_t schema, mark;
	uint64_t number;
};
static const char magic[8] = "weirjrnl";

struct frame {
	uint64_t sum; /* of what follows, body included */
	uint32_t len;
	uint16_t kind, lane;
	uint32_t count, spare;
	uint64_t epoch, base, durable[2];
};

struct journal {
	char *dir;
	int fd;
	uint64_t number, bytes;
};

char *journal_path(const char *dir, uint64_t number)
{
	return xasprintf("%s/journal.%" PRIu64, dir, number);
}

struct journal *journal_new(const char *dir)
{
	struct journal *j = xcalloc(1, sizeof *j);
	j->dir = xstrdup(dir);
	j->fd = -1;
	return j;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	free(j->dir);
	free(j);
}

uint64_t journal_number(const struct journal *j)
{
	return j->number;
}

uint64_t journal_bytes(const struct journal *j)
{
	return j->bytes;
}

int journal_fd(const struct journal *j)
{
	return j->fd;
}

static void take_over(struct journal *j, int fd, uint64_t number, uint64_t bytes)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = fd;
	j->number = number;
	j->bytes = bytes;
}

/* All of it or, with errno, nothing: what was written of it is cut off again. */
static int write_whole(int fd, uint64_t at, struct iovec *v, int n)
{
	size_t total = 0;
	for (int i = 0; i < n; i++)
		total += v[i].iov_len;
	while (total) {
		ssize_t w = FAULT_FAILS("checks.journal.write") ? -1 : writev(fd, v, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0) {
			int saved = errno;
			if (ftruncate(fd, (off_t)at) < 0 || lseek(fd, (off_t)at, SEEK_SET) < 0)
				log_error("journal: %s", strerror(errno)); /* the frame's checksum tells it is torn */
			errno = saved;
			return -1;
		}
		total -= (size_t)w;
		for (int i = 0; i < n; i++) {
			size_t part = (size_t)w < v[i].iov_len ? (size_t)w : v[i].iov_len;
			v[i].iov_base = (char *)v[i].iov_base + part;
			v[i].iov_len -= part;
			w -= (ssize_t)part;
		}
	}
	return 0;
}

int journal_start(struct journal *j, uint64_t number)
{
	struct head h = { .schema = JOURNAL_SCHEMA, .mark = BYTE_MARK, .number = number };
	struct iovec v = { &h, sizeof h };
	char *path = journal_path(j->dir, number);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	memcpy(h.magic, magic, sizeof magic);
	if (fd >= 0 && write_whole(fd, 0, &v, 1) == 0) {
		take_over(j, fd, number, sizeof h);
		free(path);
		return 0;
	}
	int saved = errno;
	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
	free(path);
	errno = saved;
	return -1;
}

int journal_resume(struct journal *j, uint64_t number, uint64_t len)
{
	char *path = journal_path(j->dir, number);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)len) < 0 || lseek(fd, (off_t)len, SEEK_SET) < 0) {
		int saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	take_over(j, fd, number, len);
	return 0;
}

static uint64_t sum_of(const struct frame *f, const char *body)
{
	uint64_t h = hash_content((const char *)f + sizeof f->sum, sizeof *f - sizeof f->sum, JOURNAL_SCHEMA);
	return hash_content(body, f->len, h);
}

int journal_append(struct journal *j, const struct journal_entry *e)
{
	struct frame f = { .len = e->len, .kind = e->kind, .lane = e->lane, .count = e->count, .epoch = e->epoch,
			   .base = e->base, .durable = { e->durable[0], e->durable[1] } };
	struct iovec v[2] = { { &f, sizeof f }, { (char *)e->body, e->len } };
	f.sum = sum_of(&f, e->body);
	FAULT("checks.journal.write.before");
	if (write_whole(j->fd, j->bytes, v, e->len ? 2 : 1) < 0)
		return -1;
	FAULT("checks.journal.write.after");
	j->bytes += sizeof f + e->len;
	return 0;
}

/* -- reading -- */

static enum journal_end read_frames(const char *p, uint64_t size, uint64_t number, bool (*cb)(void *, const struct journal_entry *),
				    void *arg, uint64_t *ret_len)
{
	struct head h;
	struct frame f;
	if (size < sizeof h)
		return JOURNAL_TORN;
	memcpy(&h, p, sizeof h);
	if (memcmp(h.magic, magic, sizeof magic) != 0 || h.number != number)
		return JOURNAL_TORN;
	if (h.schema != JOURNAL_SCHEMA || h.mark != BYTE_MARK)
		return JOURNAL_OTHER;
	for (*ret_len = sizeof h; *ret_len < size; *ret_len += sizeof f + f.len) {
		const char *at = p + *ret_len;
		uint64_t left = size - *ret_len;
		if (left < sizeof f)
			return JOURNAL_TORN;
		memcpy(&f, at, sizeof f);
		if (f.len > MAX_BODY || f.len > left - sizeof f || f.sum != sum_of(&f, at + sizeof f))
			return JOURNAL_TORN;
		struct journal_entry e = { .kind = f.kind, .lane = f.lane, .count = f.count, .len = f.len, .epoch = f.epoch,
					   .base = f.base, .durable = { f.durable[0], f.durable[1] }, .body = at + sizeof f };
		if (!cb(arg, &e))
			return JOURNAL_STOPPED;
	}
	return JOURNAL_WHOLE;
}

enum journal_end journal_read(const char *dir, uint64_t number, bool (*cb)(void *arg, const struct journal_entry *e), void *arg,
			      uint64_t *ret_len)
{
	char *path = journal_path(dir, number);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	enum journal_end end = JOURNAL_MISSING;
	free(path);
	*ret_len = 0;
	if (fd < 0)
		return end;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		size_t size = (size_t)st.st_size;
		char *p = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
		if (p != MAP_FAILED)
			end = read_frames(p, size, number, cb, arg, ret_len);
		if (p && p != MAP_FAILED)
			munmap(p, size);
	}
	close(fd);
	return end;
}

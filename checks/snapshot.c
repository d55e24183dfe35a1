#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "hash.h"
#include "io.h"
#include "log.h"

#define BYTE_MARK 0x01020304u

struct head {
	char magic[8];
	uint32_t schema, mark;
	uint64_t number, conf, sum; /* sum: of what is before */
};
static const char magic[8] = "weirsnap";

/* Before each piece; one without bytes is the end and counts those before it. */
struct piece_head {
	uint64_t sum; /* of what follows, piece included */
	uint64_t len, n;
};

enum job_kind { JOB_BEGIN, JOB_PIECE, JOB_END, JOB_KEEP, JOB_SYNC, JOB_QUIT };

struct job {
	struct job *next;
	enum job_kind kind;
	struct buf bytes;     /* JOB_PIECE */
	uint64_t number, conf;
	int fd;               /* JOB_SYNC */
};

struct snapshots {
	char *dir;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	/* under the lock */
	struct job *first, **last;
	enum snapshot_state state;
	int error, sync_error;
	size_t waiting;
	uint64_t size;
	unsigned syncs; /* handed over and not done */
	/* the thread's */
	int fd;
	uint64_t number, n_pieces, written;
};

char *snapshot_path(const char *dir, uint64_t number)
{
	return xasprintf("%s/snapshot.%" PRIu64, dir, number);
}

static char *tmp_path(const struct snapshots *s)
{
	return xasprintf("%s/snapshot.%" PRIu64 ".tmp", s->dir, s->number);
}

static uint64_t sum_of_piece(const struct piece_head *h, const char *p)
{
	uint64_t sum = hash_content((const char *)h + sizeof h->sum, sizeof *h - sizeof h->sum, SNAPSHOT_SCHEMA);
	return hash_content(p, h->len, sum);
}

static uint64_t sum_of_head(const struct head *h)
{
	return hash_content(h, offsetof(struct head, sum), SNAPSHOT_SCHEMA);
}

/* -- in the thread -- */

static void set_state(struct snapshots *s, enum snapshot_state state)
{
	pthread_mutex_lock(&s->lock);
	if (s->state != SNAPSHOT_FAILED)
		s->state = state;
	s->size = s->written;
	pthread_mutex_unlock(&s->lock);
}

static void failed(struct snapshots *s, int error)
{
	char *path = tmp_path(s);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	unlink(path);
	free(path);
	pthread_mutex_lock(&s->lock);
	if (s->state != SNAPSHOT_FAILED)
		s->error = error;
	s->state = SNAPSHOT_FAILED;
	pthread_mutex_unlock(&s->lock);
}

static void put(struct snapshots *s, const void *p, size_t len)
{
	if (!len || s->fd < 0)
		return;
	if (FAULT_FAILS("checks.snapshot.write") || io_write(s->fd, p, len) < 0)
		failed(s, errno);
	else
		s->written += len;
}

static void do_begin(struct snapshots *s, const struct job *j)
{
	struct head h = { .schema = SNAPSHOT_SCHEMA, .mark = BYTE_MARK, .number = j->number, .conf = j->conf };
	memcpy(h.magic, magic, sizeof magic);
	h.sum = sum_of_head(&h);
	s->number = j->number;
	s->n_pieces = s->written = 0;
	char *path = tmp_path(s);
	s->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	free(path);
	if (s->fd < 0)
		failed(s, errno);
	put(s, &h, sizeof h);
}

static void do_piece(struct snapshots *s, const char *p, size_t len)
{
	struct piece_head h = { .len = len, .n = s->n_pieces++ };
	h.sum = sum_of_piece(&h, p);
	put(s, &h, sizeof h);
	FAULT("checks.snapshot.write.middle");
	put(s, p, len);
}

static void do_end(struct snapshots *s)
{
	do_piece(s, "", 0);
	FAULT("checks.snapshot.fsync.before");
	if (s->fd >= 0 && (FAULT_FAILS("checks.snapshot.fsync") || fsync(s->fd) < 0))
		failed(s, errno);
	FAULT("checks.snapshot.fsync.after");
	if (s->fd < 0)
		return;
	close(s->fd);
	s->fd = -1;
	set_state(s, SNAPSHOT_WRITTEN);
}

/* Names are safe when their directory is. */
static int sync_dir(const struct snapshots *s)
{
	int dir = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = dir < 0 ? -1 : fsync(dir), saved = errno;
	if (dir >= 0)
		close(dir);
	errno = saved;
	return rc;
}

static void do_keep(struct snapshots *s)
{
	char *from = tmp_path(s), *to = snapshot_path(s->dir, s->number);
	FAULT("checks.snapshot.rename.before");
	if (FAULT_FAILS("checks.snapshot.rename") || rename(from, to) < 0) {
		failed(s, errno);
	} else {
		FAULT("checks.snapshot.rename.after");
		if (sync_dir(s) < 0)
			log_warn("snapshot: %s: %s", s->dir, strerror(errno));
		set_state(s, SNAPSHOT_KEPT);
	}
	free(from);
	free(to);
}

static void do_sync(struct snapshots *s, int fd)
{
	int error = FAULT_FAILS("checks.journal.fsync") || fdatasync(fd) < 0 || sync_dir(s) < 0 ? errno : 0;
	close(fd);
	pthread_mutex_lock(&s->lock);
	s->syncs--;
	if (error)
		s->sync_error = error;
	pthread_mutex_unlock(&s->lock);
}

static struct job *next_job(struct snapshots *s)
{
	pthread_mutex_lock(&s->lock);
	while (!s->first)
		pthread_cond_wait(&s->more, &s->lock);
	struct job *j = s->first;
	s->first = j->next;
	if (!s->first)
		s->last = &s->first;
	s->waiting -= j->bytes.len;
	pthread_mutex_unlock(&s->lock);
	return j;
}

static void *work(void *arg)
{
	struct snapshots *s = arg;
	for (;;) {
		struct job *j = next_job(s);
		bool quit = j->kind == JOB_QUIT;
		switch (j->kind) {
		case JOB_BEGIN:
			do_begin(s, j);
			break;
		case JOB_PIECE:
			do_piece(s, j->bytes.p, j->bytes.len);
			break;
		case JOB_END:
			do_end(s);
			break;
		case JOB_KEEP:
			do_keep(s);
			break;
		case JOB_SYNC:
			do_sync(s, j->fd);
			break;
		case JOB_QUIT:
			break;
		}
		buf_release(&j->bytes);
		free(j);
		if (quit)
			return NULL;
	}
}

/* -- outside -- */

/* Without SIGALRM, which is for the thread that runs scripts (poison.h) and may be open by now. */
static int start_thread(struct snapshots *s)
{
	sigset_t alarm, before;
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, &before);
	int rc = pthread_create(&s->thread, NULL, work, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

struct snapshots *snapshots_new(const char *dir)
{
	struct snapshots *s = xcalloc(1, sizeof *s);
	s->dir = xstrdup(dir);
	s->last = &s->first;
	s->fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	int rc = start_thread(s);
	if (rc)
		fatalx("snapshots: no thread: %s", strerror(rc));
	return s;
}

static void hand_over(struct snapshots *s, struct job job)
{
	struct job *j = xmalloc(sizeof *j);
	*j = job;
	pthread_mutex_lock(&s->lock);
	*s->last = j;
	s->last = &j->next;
	s->waiting += j->bytes.len;
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
}

void snapshots_free(struct snapshots *s)
{
	if (!s)
		return;
	hand_over(s, (struct job){ .kind = JOB_QUIT });
	pthread_join(s->thread, NULL);
	if (s->state == SNAPSHOT_WRITING || s->state == SNAPSHOT_WRITTEN)
		failed(s, ECANCELED);
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->lock);
	free(s->dir);
	free(s);
}

void snapshot_begin(struct snapshots *s, uint64_t number, uint64_t conf)
{
	s->state = SNAPSHOT_WRITING;
	hand_over(s, (struct job){ .kind = JOB_BEGIN, .number = number, .conf = conf });
}

void snapshot_put(struct snapshots *s, struct buf *piece)
{
	if (piece->len)
		hand_over(s, (struct job){ .kind = JOB_PIECE, .bytes = *piece });
	else
		buf_release(piece);
	*piece = (struct buf){ 0 };
}

void snapshot_end(struct snapshots *s)
{
	hand_over(s, (struct job){ .kind = JOB_END });
}

void snapshot_keep(struct snapshots *s)
{
	s->state = SNAPSHOT_KEEPING;
	hand_over(s, (struct job){ .kind = JOB_KEEP });
}

enum snapshot_state snapshot_state(struct snapshots *s)
{
	pthread_mutex_lock(&s->lock);
	enum snapshot_state state = s->state;
	pthread_mutex_unlock(&s->lock);
	return state;
}

int snapshot_done(struct snapshots *s)
{
	pthread_mutex_lock(&s->lock);
	int error = s->error;
	s->error = 0;
	s->state = SNAPSHOT_NONE;
	pthread_mutex_unlock(&s->lock);
	return error;
}

size_t snapshot_waiting(struct snapshots *s)
{
	pthread_mutex_lock(&s->lock);
	size_t n = s->waiting;
	pthread_mutex_unlock(&s->lock);
	return n;
}

uint64_t snapshot_size(struct snapshots *s)
{
	pthread_mutex_lock(&s->lock);
	uint64_t n = s->size;
	pthread_mutex_unlock(&s->lock);
	return n;
}

void snapshot_sync(struct snapshots *s, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0), error = copy < 0 ? errno : 0;
	pthread_mutex_lock(&s->lock);
	if (error)
		s->sync_error = error;
	else
		s->syncs++;
	pthread_mutex_unlock(&s->lock);
	if (!error)
		hand_over(s, (struct job){ .kind = JOB_SYNC, .fd = copy });
}

bool snapshot_is_syncing(struct snapshots *s)
{
	pthread_mutex_lock(&s->lock);
	bool busy = s->syncs != 0;
	pthread_mutex_unlock(&s->lock);
	return busy;
}

int snapshot_sync_error(struct snapshots *s)
{
	pthread_mutex_lock(&s->lock);
	int error = s->sync_error;
	s->sync_error = 0;
	pthread_mutex_unlock(&s->lock);
	return error;
}

/* -- reading -- */

const char snapshot_other_version[] = "it is of a version of weir that this one does not know";

/* Steps over the pieces; with a callback gives them. */
static const char *walk(const char *p, size_t size, bool (*piece)(void *arg, const char *p, size_t len), void *arg)
{
	struct piece_head h;
	for (uint64_t n = 0;; n++) {
		if (size < sizeof h)
			return "it is cut off";
		memcpy(&h, p, sizeof h);
		if (h.len > size - sizeof h || h.len > SNAPSHOT_MAX_PIECE || h.n != n)
			return "it is cut off or damaged";
		p += sizeof h;
		size -= sizeof h;
		if (!piece && h.sum != sum_of_piece(&h, p))
			return "it is damaged";
		if (h.len == 0)
			return size ? "something follows its end" : NULL;
		if (piece && !piece(arg, p, h.len))
			return "its content makes no sense";
		p += h.len;
		size -= h.len;
	}
}

static const char *read_whole(const char *p, size_t size, uint64_t number, uint64_t *ret_conf,
			      bool (*piece)(void *arg, const char *p, size_t len), void *arg)
{
	struct head h;
	if (size < sizeof h)
		return "it is cut off";
	memcpy(&h, p, sizeof h);
	if (memcmp(h.magic, magic, sizeof magic) != 0)
		return "it is no snapshot";
	if (h.mark != BYTE_MARK)
		return "it is of a machine with another byte order";
	if (h.schema != SNAPSHOT_SCHEMA)
		return snapshot_other_version;
	if (h.sum != sum_of_head(&h) || h.number != number)
		return "it is damaged";
	const char *why = walk(p + sizeof h, size - sizeof h, NULL, NULL);
	*ret_conf = h.conf;
	return why || !piece ? why : walk(p + sizeof h, size - sizeof h, piece, arg);
}

const char *snapshot_read(const char *dir, uint64_t number, uint64_t *ret_conf, bool (*piece)(void *arg, const char *p, size_t len),
			  void *arg)
{
	char *path = snapshot_path(dir, number);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *why = fd < 0 ? "it cannot be opened" : "it is empty";
	struct stat st;
	free(path);
	*ret_conf = 0;
	if (fd < 0)
		return why;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		char *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
		why = p == MAP_FAILED ? "it cannot be mapped" : read_whole(p, (size_t)st.st_size, number, ret_conf, piece, arg);
		if (p != MAP_FAILED)
			munmap(p, (size_t)st.st_size);
	}
	close(fd);
	return why;
}

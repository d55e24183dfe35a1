/* Packets from files: one after the other, a directory, a file that grows, or standard input. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "filter.h"
#include "hash.h"
#include "io.h"
#include "log.h"
#include "pcapfile.h"
#include "source.h"

#define READ_BYTES (256u << 10) /* at a time: what was read is still in the cache of the core when it is decoded */
#define BUF_BYTES  (2 * READ_BYTES + PCAPFILE_MAX_BLOCK)
#define ID_BYTES   (1u << 20) /* of head and tail that go into the identity */
#define HEAD_BYTES 64         /* by which a growing gzip file is told from the next */

struct source_file {
	struct source base;
	enum topo_source kind;
	char **paths;
	size_t n_paths, at; /* at: the one that is open, or would be next */
	int fd;
	gzFile gz;
	struct pcapfile pf;
	struct filter *filter;
	uint32_t snaplen;
	uint8_t *buf;
	size_t len, pos;
	uint64_t offset; /* in the file, of buf[0] */
	bool eof;
	/* A growing file: its name may come to mean another one. */
	uint64_t id;      /* of the file that is read; 0 = nothing to tell it by yet */
	bool is_known;    /* id is that of the file that is open */
	bool is_missed;   /* that it is not there was said */
	bool is_replaced; /* the name means another one by now; what is left of this one is still read */
	struct stat spent; /* what was read to its end, or is no good */
	struct source_stats stats;
	char error[512];
};

static struct source_file *self(struct source *s)
{
	return (struct source_file *)s;
}

/* -- one input -- */

static bool is_gzip(int fd)
{
	unsigned char magic[2];
	return io_pread(fd, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
}

/* Opening a pipe could wait without end, and it cannot be read again. On failure -1, and *why. */
static int open_regular(const char *path, struct stat *st, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, st) < 0) {
		*why = strerror(errno);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (S_ISREG(st->st_mode))
		return fd;
	*why = S_ISDIR(st->st_mode) ? "is a directory" : "is no regular file; what cannot be read twice is read from standard input";
	close(fd);
	return -1;
}

/* -1: error says why. */
static int open_input(struct source_file *f)
{
	const char *path = f->paths[f->at], *why;
	struct stat st;
	f->len = f->pos = 0;
	f->offset = 0;
	f->eof = f->is_known = f->is_replaced = false;
	pcapfile_release(&f->pf);
	if (f->kind == SRC_STDIN) {
		f->fd = STDIN_FILENO;
		int flags = fcntl(f->fd, F_GETFL);
		fcntl(f->fd, F_SETFL, flags | O_NONBLOCK);
	} else if ((f->fd = open_regular(path, &st, &why)) < 0) {
		snprintf(f->error, sizeof f->error, "%s: %s", path, why);
		return -1;
	}
	if (is_gzip(f->fd)) {
		f->gz = gzdopen(dup(f->fd), "rb");
		if (!f->gz)
			fatalx("no memory");
		gzbuffer(f->gz, 256 << 10);
	}
	return 0;
}

static void close_input(struct source_file *f)
{
	if (f->gz)
		gzclose(f->gz);
	f->gz = NULL;
	if (f->fd > STDIN_FILENO)
		close(f->fd);
	f->fd = -1;
}

static ssize_t read_bytes(struct source_file *f, void *p, size_t n)
{
	if (!f->gz) {
		ssize_t got;
		while ((got = read(f->fd, p, n)) < 0 && errno == EINTR)
			;
		return got;
	}
	int rc = gzread(f->gz, p, (unsigned)n), err;
	const char *why = gzerror(f->gz, &err);
	if (err == Z_BUF_ERROR) { /* cut off in the middle; what came before is good */
		gzclearerr(f->gz);
		return rc > 0 ? rc : 0;
	}
	if (rc < 0 || (err != Z_OK && err != Z_STREAM_END)) {
		const char *text = strstr(why, ": "); /* behind the name that zlib has for it */
		snprintf(f->error, sizeof f->error, "%s: gzip: %s", f->paths[f->at], text ? text + 2 : why);
		errno = 0;
		return -1;
	}
	return rc;
}

/* -- a growing file -- */

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/*
 * Nothing more comes out of a file that was cut short, or that was replaced before we found its end: whoever writes it has the new
 * one open by then.
 */
static bool has_ended(struct source_file *f)
{
	struct stat open, named;
	if (fstat(f->fd, &open) < 0)
		return true;
	if (!f->gz && (uint64_t)open.st_size < f->offset + f->len)
		return true;
	bool was_replaced = f->is_replaced;
	f->is_replaced = stat(f->paths[f->at], &named) == 0 && !same_file(&open, &named);
	return was_replaced && f->is_replaced;
}

static bool is_spent(const struct source_file *f)
{
	struct stat st;
	return f->spent.st_ino && fstat(f->fd, &st) == 0 && same_file(&st, &f->spent) && st.st_size >= f->spent.st_size;
}

/*
 * A number for what the file begins with, its first packet included: that stays when it grows, and is another one in the next
 * file. 0 if there is no packet yet. The buffer is still unused.
 */
static uint64_t head_identity(struct source_file *f)
{
	struct pcapfile pf;
	struct packet p;
	size_t at = 0, used = 0;
	ssize_t n = io_pread(f->fd, f->buf, ID_BYTES, 0);
	if (n <= 0 || f->gz)
		return n < HEAD_BYTES ? 0 : hash_content(f->buf, HEAD_BYTES, 0) | 1;
	pcapfile_init(&pf);
	enum pcapfile_result r;
	while ((r = pcapfile_next(&pf, f->buf + at, (size_t)n - at, &used, &p)) == PF_SKIP)
		at += used;
	pcapfile_release(&pf);
	if (r == PF_MORE)
		return 0;
	return hash_content(f->buf, r == PF_PACKET ? at + used : at, 0) | 1; /* reading will tell what is wrong with it */
}

/* -- reading -- */

/* Makes room and reads more. 1 got some, 0 none now or ever (eof tells), -1 error. */
static int fill(struct source_file *f)
{
	if (f->pos) {
		memmove(f->buf, f->buf + f->pos, f->len - f->pos);
		f->offset += f->pos;
		f->len -= f->pos;
		f->pos = 0;
	}
	if (f->len + READ_BYTES > BUF_BYTES)
		return 1;
	ssize_t n = read_bytes(f, f->buf + f->len, READ_BYTES);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0) {
		if (errno)
			snprintf(f->error, sizeof f->error, "%s: offset %llu: %s", f->paths[f->at],
				 (unsigned long long)(f->offset + f->len), strerror(errno));
		return -1;
	}
	if (n == 0) {
		f->eof = f->kind != SRC_FOLLOW || has_ended(f);
		return 0;
	}
	f->len += (size_t)n;
	f->stats.bytes_read += (uint64_t)n;
	return 1;
}

/* -- packets -- */

static bool wanted(struct source_file *f, struct packet *p)
{
	if (f->filter && !filter_match(f->filter, p))
		return false;
	if (f->snaplen && p->caplen > f->snaplen)
		p->caplen = f->snaplen;
	return true;
}

/* Packets out of what is in the buffer. PF_MORE when it is used up, with *need set. */
static enum pcapfile_result parse(struct source_file *f, struct packet *p, unsigned max, unsigned *n, size_t *need)
{
	while (*n < max) {
		size_t used;
		enum pcapfile_result r = pcapfile_next(&f->pf, f->buf + f->pos, f->len - f->pos, &used, &p[*n]);
		if (r == PF_MORE || r == PF_ERROR) {
			*need = used;
			return r;
		}
		f->pos += used;
		if (r == PF_PACKET && wanted(f, &p[*n]))
			(*n)++;
	}
	return PF_PACKET;
}

static void next_input(struct source_file *f)
{
	if (f->kind != SRC_FOLLOW)
		f->at++;
	else if (f->fd >= 0 && fstat(f->fd, &f->spent) == 0 && !f->gz)
		f->spent.st_size = (off_t)(f->offset + f->len);
	close_input(f);
}

static enum source_result fail(struct source_file *f)
{
	next_input(f);
	return SOURCE_ERROR;
}

/* The input has no more bytes. */
static enum source_result end_of_input(struct source_file *f)
{
	const char *path = f->paths[f->at];
	if (f->offset + f->len == 0) {
		snprintf(f->error, sizeof f->error, "%s: the file is empty", path);
		return fail(f);
	}
	if (f->pos < f->len) {
		f->stats.truncated_files++;
		uint64_t at = f->offset + f->pos;
		snprintf(f->error, sizeof f->error, "%s: offset %llu: the file ends inside %s", path, (unsigned long long)at,
			 at ? "a packet" : "its header");
		return fail(f);
	}
	next_input(f);
	return SOURCE_OK;
}

/* A growing file that is not there, or cannot be read, may be there later. */
static enum source_result wait_for_file(struct source_file *f)
{
	if (!f->is_missed)
		log_warn("%s: waiting for a file that can be read", f->error);
	f->is_missed = true;
	return SOURCE_AGAIN;
}

/* Opens the input that is to be read if it is not open. */
static enum source_result open_next(struct source_file *f)
{
	if (f->at == f->n_paths)
		return SOURCE_END;
	if (f->fd < 0 && open_input(f) < 0)
		return f->kind == SRC_FOLLOW ? wait_for_file(f) : fail(f);
	f->is_missed = false;
	if (f->kind != SRC_FOLLOW || f->is_known)
		return SOURCE_OK;
	uint64_t id = is_spent(f) ? 0 : head_identity(f);
	if (!id) {
		close_input(f); /* another one may take its place while we wait */
		return SOURCE_AGAIN;
	}
	bool another = id != f->id;
	f->id = id;
	f->is_known = true;
	return another ? SOURCE_ANOTHER : SOURCE_OK;
}

static enum source_result file_read(struct source *s, struct packet *p, unsigned max, unsigned *ret_n)
{
	struct source_file *f = self(s);
	*ret_n = 0;
	for (;;) {
		size_t need = 0;
		enum source_result opened = open_next(f);
		if (opened != SOURCE_OK)
			return opened;
		enum pcapfile_result r = parse(f, p, max, ret_n, &need);
		if (*ret_n)
			return SOURCE_OK; /* what is left in the buffer is for the next call */
		if (r == PF_ERROR) {
			snprintf(f->error, sizeof f->error, "%s: offset %llu: %s", f->paths[f->at],
				 (unsigned long long)(f->offset + f->pos), f->pf.error);
			return fail(f);
		}
		int got = fill(f);
		if (got < 0)
			return fail(f);
		if (got == 0 && !f->eof)
			return SOURCE_AGAIN;
		if (got == 0) {
			enum source_result end = end_of_input(f);
			if (end != SOURCE_OK)
				return end;
		}
	}
}

/* Of what can be standard input a file and /dev/null are always ready, which epoll refuses to say. */
static int file_fd(struct source *s)
{
	struct stat st;
	if (self(s)->kind != SRC_STDIN || fstat(STDIN_FILENO, &st) < 0)
		return -1;
	return S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(STDIN_FILENO) ? STDIN_FILENO : -1;
}

static bool file_live(struct source *s)
{
	(void)s;
	return false;
}

static void file_stats(struct source *s, struct source_stats *st)
{
	*st = self(s)->stats;
}

static const char *file_error(struct source *s)
{
	return self(s)->error;
}

static void add_range(struct hash_stream *h, int fd, off_t from, uint8_t *buf)
{
	ssize_t n = io_pread(fd, buf, ID_BYTES, from);
	if (n > 0)
		hash_stream_add(h, buf, (size_t)n);
}

static uint64_t file_identity(struct source *s)
{
	struct source_file *f = self(s);
	struct hash_stream *h;
	uint8_t *buf;
	if (f->kind == SRC_FOLLOW) {
		open_next(f); /* nothing to tell yet is fine */
		return f->id;
	}
	h = hash_stream_new();
	buf = xmalloc(ID_BYTES);
	for (size_t i = 0; i < f->n_paths && f->kind != SRC_STDIN; i++) {
		struct stat st;
		const char *why;
		int fd = open_regular(f->paths[i], &st, &why);
		uint64_t size = 0;
		if (fd >= 0) {
			size = (uint64_t)st.st_size;
			add_range(h, fd, 0, buf);
			if (st.st_size > (off_t)ID_BYTES)
				add_range(h, fd, st.st_size - (off_t)ID_BYTES, buf);
		}
		hash_stream_add(h, &size, sizeof size);
		if (fd >= 0)
			close(fd);
	}
	if (f->kind == SRC_STDIN) { /* cannot be read again, so it is a run of its own */
		struct hash_key k = hash_key_random();
		hash_stream_add(h, &k, sizeof k);
	}
	free(buf);
	return hash_stream_end(h);
}

static int file_rewind(struct source *s)
{
	struct source_file *f = self(s);
	if (f->kind == SRC_STDIN)
		return -1;
	close_input(f);
	f->at = 0;
	memset(&f->spent, 0, sizeof f->spent);
	memset(&f->stats, 0, sizeof f->stats);
	return 0;
}

static void file_close(struct source *s)
{
	struct source_file *f = self(s);
	close_input(f);
	pcapfile_release(&f->pf);
	filter_free(f->filter);
	for (size_t i = 0; i < f->n_paths; i++)
		free(f->paths[i]);
	free(f->paths);
	free(f->buf);
	free(f);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int visible(const struct dirent *d)
{
	return d->d_name[0] != '.' && (d->d_type == DT_REG || d->d_type == DT_LNK || d->d_type == DT_UNKNOWN);
}

static int list_directory(struct source_file *f, const char *dir, struct buf *err)
{
	struct dirent **names;
	int n = scandir(dir, &names, visible, by_name);
	if (n < 0) {
		buf_addf(err, "%s: %s", dir, strerror(errno));
		return -1;
	}
	f->paths = xcalloc((size_t)n + 1, sizeof *f->paths);
	for (int i = 0; i < n; i++) {
		f->paths[i] = xasprintf("%s/%s", dir, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	f->n_paths = (size_t)n;
	if (n == 0)
		buf_addf(err, "%s: there are no files in this directory", dir);
	return n ? 0 : -1;
}

static void list_inputs(struct source_file *f, char *const *inputs)
{
	while (inputs[f->n_paths])
		f->n_paths++;
	f->paths = xcalloc(f->n_paths + 1, sizeof *f->paths);
	for (size_t i = 0; i < f->n_paths; i++)
		f->paths[i] = xstrdup(f->kind == SRC_STDIN ? "standard input" : inputs[i]);
}

struct source *source_file_open(const struct topo_sensor *t, struct buf *err)
{
	static const struct source_ops ops = { file_read,     file_fd,     file_live,   file_stats, file_error,
					       file_identity, file_rewind, file_close };
	struct source_file *f = xcalloc(1, sizeof *f);
	f->base.ops = &ops;
	f->kind = t->source;
	f->fd = -1;
	f->snaplen = t->snaplen;
	f->buf = xmalloc(BUF_BYTES);
	if (f->kind != SRC_DIRECTORY)
		list_inputs(f, t->inputs);
	else if (list_directory(f, t->inputs[0], err) < 0)
		goto bad;
	if (t->filter && !(f->filter = filter_new(t->filter, err)))
		goto bad;
	return &f->base;
bad:
	file_close(&f->base);
	return NULL;
}

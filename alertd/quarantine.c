#include "quarantine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "headpkt.h"
#include "id.h"
#include "io.h"
#include "log.h"

#define LINKTYPE_RAW 101
#define PCAP_NS      0xa1b23c4du
#define SNAPLEN      262144

static void add32(struct buf *b, uint32_t v)
{
	buf_add(b, &v, sizeof v);
}

static void make_pcap(struct buf *out, const char *data, uint32_t len)
{
	static const uint16_t version[] = { 2, 4 };
	struct headpkt h;
	uint32_t pos = 0;
	const uint8_t *ip;
	add32(out, PCAP_NS);
	buf_add(out, version, sizeof version);
	add32(out, 0);
	add32(out, 0);
	add32(out, SNAPLEN);
	add32(out, LINKTYPE_RAW);
	while ((ip = headpkt_next(data, len, &pos, &h)) != NULL) {
		add32(out, (uint32_t)(h.time / 1000000000u));
		add32(out, (uint32_t)(h.time % 1000000000u));
		add32(out, h.caplen);
		add32(out, h.len < h.caplen ? h.caplen : h.len);
		buf_add(out, ip, h.caplen);
	}
}

static int is_capture(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return n > 5 && strcmp(d->d_name + n - 5, ".pcap") == 0;
}

/* Size and time of a capture; all zero if it is gone. */
static struct stat look(const char *dir, const char *name)
{
	struct stat st = { 0 };
	char *path = xasprintf("%s/%s", dir, name);
	if (stat(path, &st) < 0)
		st = (struct stat){ 0 };
	free(path);
	return st;
}

static bool remove_one(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	bool done = unlink(path) == 0;
	free(path);
	return done;
}

/* Ids begin with their time, so the first by name are the oldest. */
unsigned quarantine_prune(const char *dir, const struct retention *keep, uint64_t now)
{
	struct dirent **names;
	uint64_t total = 0;
	unsigned deleted = 0;
	int n = scandir(dir, &names, is_capture, alphasort);
	for (int i = n - 1; i >= 0; i--) {
		struct stat st = look(dir, names[i]->d_name);
		bool old = (uint64_t)st.st_mtim.tv_sec * 1000000000u + keep->age < now;
		total += (uint64_t)st.st_size;
		if (old || (total > keep->bytes && i < n - 1))
			deleted += remove_one(dir, names[i]->d_name);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return deleted;
}

unsigned quarantine_size(const char *dir, uint64_t *ret_bytes)
{
	struct dirent **names;
	int n = scandir(dir, &names, is_capture, alphasort);
	*ret_bytes = 0;
	for (int i = 0; i < n; i++) {
		*ret_bytes += (uint64_t)look(dir, names[i]->d_name).st_size;
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return n > 0 ? (unsigned)n : 0;
}

static int write_file(int dir, const char *name, const struct buf *b)
{
	char tmp[64];
	snprintf(tmp, sizeof tmp, ".%s", name);
	int fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return -1;
	bool whole = io_write(fd, b->p, b->len) == 0;
	if (close(fd) == 0 && whole && renameat(dir, tmp, dir, name) == 0)
		return 0;
	unlinkat(dir, tmp, 0);
	return -1;
}

void quarantine_put(const char *dir, const struct retention *keep, uint64_t now, const struct r_quarantine *q, const char *base)
{
	char id[ID_STRLEN], name[ID_STRLEN + 8];
	struct buf b = { 0 };
	int fd = -1;
	if (mkdir(dir, 0750) == 0 || errno == EEXIST)
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(name, sizeof name, "%s.pcap", id_str(q->key.id, id));
	make_pcap(&b, str_ptr(base, q->packets.data), q->packets.data.len);
	if (fd < 0 || write_file(fd, name, &b) < 0)
		log_warn("%s/%s: %s: the packets of a record that crashed a process are not kept", dir, name, strerror(errno));
	else
		log_warn("packets of a record that crashed or hung a process are in %s/%s", dir, name);
	if (fd >= 0)
		close(fd);
	quarantine_prune(dir, keep, now);
	buf_release(&b);
}

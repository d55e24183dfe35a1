/* The only file that knows libcrypto. */
#include "token.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"

#define MAX_FILE (1u << 20)

const char *const scope_names[N_SCOPES] = { "", "read:stats", "read:flows", "read:alerts", "read:pcap", "write:alerts",
					     "write:config", "admin" };

bool token_may(const struct token *t, enum scope scope)
{
	return scope == SCOPE_OPEN || (t && (t->scopes & (TOKEN_ALL | 1u << scope)));
}

/* -- scopes -- */

#define READ (1u << SCOPE_READ_STATS | 1u << SCOPE_READ_FLOWS | 1u << SCOPE_READ_ALERTS)

static uint32_t scope_of(const char *word, size_t len)
{
	static const struct {
		const char *name;
		uint32_t scopes;
	} shorts[] = { { "read", READ }, { "ack", READ | 1u << SCOPE_WRITE_ALERTS }, { "silence", READ | 1u << SCOPE_WRITE_CONFIG } };
	for (size_t i = 0; i < sizeof shorts / sizeof *shorts; i++)
		if (strlen(shorts[i].name) == len && memcmp(shorts[i].name, word, len) == 0)
			return shorts[i].scopes;
	for (int s = SCOPE_OPEN + 1; s < N_SCOPES; s++)
		if (strlen(scope_names[s]) == len && memcmp(scope_names[s], word, len) == 0)
			return 1u << s;
	return 0;
}

bool token_scopes(const char *list, uint32_t *ret, char bad[static 40])
{
	*ret = 0;
	do {
		size_t n = strcspn(list, ",");
		uint32_t s = scope_of(list, n);
		if (!s) {
			snprintf(bad, 40, "%.*s", (int)n, list);
			return false;
		}
		*ret |= s;
		list += n;
	} while (*list++);
	return true;
}

void token_print_scopes(uint32_t scopes, struct buf *out)
{
	bool any = false;
	for (int s = SCOPE_OPEN + 1; s < N_SCOPES; s++)
		if (scopes >> s & 1) {
			buf_addf(out, "%s%s", any ? "," : "", scope_names[s]);
			any = true;
		}
}

/* -- secrets -- */

void token_hash(const char *secret, size_t len, uint8_t ret[static TOKEN_HASH])
{
	if (!EVP_Digest(secret, len, ret, NULL, EVP_sha256(), NULL))
		memset(ret, 0, TOKEN_HASH); /* the hash of no token: nobody comes in */
}

bool token_make(char secret[static TOKEN_SECRET + 1])
{
	uint8_t raw[TOKEN_SECRET / 2];
	if (getrandom(raw, sizeof raw, 0) != sizeof raw)
		return false;
	for (size_t i = 0; i < sizeof raw; i++)
		snprintf(secret + 2 * i, 3, "%02x", raw[i]);
	explicit_bzero(raw, sizeof raw);
	return true;
}

bool token_good_name(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
	return n && n <= TOKEN_NAME && !name[n];
}

/* -- the file -- */

static bool parse_hash(const char *hex, uint8_t ret[static TOKEN_HASH])
{
	if (strlen(hex) != 2 * TOKEN_HASH || strspn(hex, "0123456789abcdef") != 2 * TOKEN_HASH)
		return false;
	for (int i = 0; i < TOKEN_HASH; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1] };
		ret[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return true;
}

static bool parse_line(const char *line, struct token *ret)
{
	char name[TOKEN_NAME + 2], hex[2 * TOKEN_HASH + 2], scopes[200], bad[40];
	int n = 0;
	*ret = (struct token){ 0 };
	if (sscanf(line, "%41s %65s %199s %" SCNu64 " %n", name, hex, scopes, &ret->expires, &n) != 4 || line[n] ||
	    !token_good_name(name) || !parse_hash(hex, ret->hash) || !token_scopes(scopes, &ret->scopes, bad))
		return false;
	memcpy(ret->name, name, strlen(name) + 1); /* fits: it is a good name */
	return true;
}

static void print_line(const struct token *t, struct buf *out)
{
	buf_addf(out, "%s ", t->name);
	for (int i = 0; i < TOKEN_HASH; i++)
		buf_addf(out, "%02x", t->hash[i]);
	buf_addc(out, ' ');
	token_print_scopes(t->scopes, out);
	buf_addf(out, " %" PRIu64 "\n", t->expires);
}

static int read_file(const char *path, struct buf *text, struct buf *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > MAX_FILE) {
		buf_addf(err, "%s: cannot be read: %s", path, fd < 0 ? strerror(errno) : "no file of tokens");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	char part[4096];
	ssize_t n;
	while ((n = io_read(fd, part, sizeof part)) > 0)
		buf_add(text, part, (size_t)n);
	if (n < 0)
		buf_addf(err, "%s: %s", path, strerror(errno));
	close(fd);
	return n < 0 ? -1 : 0;
}

int token_load(const char *path, struct token **ret, size_t *n, struct buf *err)
{
	struct buf text = { 0 };
	int rc = read_file(path, &text, err);
	unsigned number = 0;
	char *save = (char *)buf_cstr(&text), *line;
	*ret = NULL;
	*n = 0;
	while (rc == 0 && (line = strsep(&save, "\n")) != NULL) {
		struct token t;
		number++;
		if (!line[strspn(line, " \t\r")] || *line == '#')
			continue;
		if (parse_line(line, &t)) {
			*ret = xrealloc(*ret, (*n + 1) * sizeof **ret);
			(*ret)[(*n)++] = t;
		} else {
			buf_addf(err, "%s:%u: no token: name, SHA-256, scopes and expiry are wanted", path, number);
			rc = -1;
		}
	}
	if (rc < 0) {
		free(*ret);
		*ret = NULL;
		*n = 0;
	}
	buf_release(&text);
	return rc;
}

int token_save(const char *path, const struct token *t, size_t n, struct buf *err)
{
	struct buf text = { 0 };
	char *tmp = xasprintf("%s.%d", path, (int)getpid());
	int rc = -1, fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;
	for (size_t i = 0; i < n; i++)
		print_line(&t[i], &text);
	char *dir = xstrndup(path, strrchr(path, '/') ? (size_t)(strrchr(path, '/') - path) + 1 : 0);
	/* Written by root, it is the service's all the same, who owns the directory. */
	bool ours = fd >= 0 && (geteuid() != 0 || (stat(*dir ? dir : ".", &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0));
	free(dir);
	if (ours && io_write(fd, text.p, text.len) == 0 && fsync(fd) == 0 && rename(tmp, path) == 0) {
		rc = 0;
	} else {
		buf_addf(err, "%s: %s", path, strerror(errno));
		unlink(tmp);
	}
	if (fd >= 0)
		close(fd);
	free(tmp);
	buf_release(&text);
	return rc;
}

/* -- changes -- */

/* Whoever changes the file holds a lock on its directory: the file itself is another one after each change. */
static enum token_change lock(const char *path, bool wait, int *ret_fd, struct buf *err)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum token_change rc = TOKEN_DONE;
	if (fd < 0 || flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) < 0) {
		rc = fd >= 0 && errno == EWOULDBLOCK ? TOKEN_BUSY : TOKEN_FAILED;
		buf_addf(err, "%s: %s", dir, rc == TOKEN_BUSY ? "somebody else is changing the tokens" : strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	*ret_fd = fd;
	free(dir);
	return rc;
}

static size_t find(const struct token *t, size_t n, const char *name)
{
	size_t i = 0;
	while (i < n && strcmp(t[i].name, name) != 0)
		i++;
	return i;
}

/* Adds a token, or removes the one of this name if it is NULL. */
static enum token_change change(const char *path, const char *name, const struct token *add, struct buf *err)
{
	struct token *t = NULL;
	size_t n = 0;
	enum token_change rc = TOKEN_DONE;
	if (token_load(path, &t, &n, err) < 0)
		return TOKEN_FAILED;
	size_t i = find(t, n, name);
	if (add && i < n) {
		buf_addf(err, "there is a token '%s': remove it first", name);
		rc = TOKEN_EXISTS;
	} else if (!add && i == n) {
		buf_addf(err, "there is no token '%s'", name);
		rc = TOKEN_NONE;
	} else if (add) {
		t = xrealloc(t, (n + 1) * sizeof *t);
		t[n++] = *add;
	} else {
		memmove(&t[i], &t[i + 1], (--n - i) * sizeof *t);
	}
	if (rc == TOKEN_DONE && token_save(path, t, n, err) < 0)
		rc = TOKEN_FAILED;
	free(t);
	return rc;
}

static enum token_change locked_change(const char *path, const char *name, const struct token *add, bool wait, struct buf *err)
{
	int fd;
	enum token_change rc = lock(path, wait, &fd, err);
	if (rc != TOKEN_DONE)
		return rc;
	rc = change(path, name, add, err);
	close(fd);
	return rc;
}

enum token_change token_add(const char *path, const struct token *t, bool wait, struct buf *err)
{
	return locked_change(path, t->name, t, wait, err);
}

enum token_change token_remove(const char *path, const char *name, bool wait, struct buf *err)
{
	return locked_change(path, name, NULL, wait, err);
}

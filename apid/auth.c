#include "auth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN_BYTES 32
#define MIN_TOKEN   32
#define MAX_TOKEN   256
#define N_FAILING   512 /* addresses remembered; the one that failed longest ago makes room */

struct failing {
	struct addr from;
	uint64_t since, last;
	uint32_t count;
};

struct auth {
	char token[MAX_TOKEN + 1];
	struct failing failing[N_FAILING];
};

/* -- the token -- */

static int read_token(const char *path, char *token, struct buf *err)
{
	struct stat st;
	int rc = -1, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -1;
	ssize_t n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, token, MAX_TOKEN) : -1;
	token[n > 0 ? n : 0] = '\0';
	token[strcspn(token, " \t\r\n")] = '\0';
	if (n < 0)
		buf_addf(err, "%s: cannot be read", path);
	else if (st.st_mode & (S_IROTH | S_IWOTH))
		buf_addf(err, "%s: everybody can read the token (mode %03o): chmod 600 it, or delete it to have another made",
			 path, st.st_mode & 0777);
	else if (strlen(token) < MIN_TOKEN)
		buf_addf(err, "%s: the token must have at least %d characters; delete the file to have one made", path,
			 MIN_TOKEN);
	else
		rc = 0;
	close(fd);
	errno = EINVAL;
	return rc;
}

/* Written beside and linked into place, so that a file with half a token never exists. */
static int make_token(const char *path, char *token, struct buf *err)
{
	uint8_t raw[TOKEN_BYTES];
	char *tmp = xasprintf("%s.%d", path, (int)getpid());
	int rc = -1, fd = -1;
	if (getrandom(raw, sizeof raw, 0) != sizeof raw) {
		buf_adds(err, "no random numbers");
		goto out;
	}
	for (int i = 0; i < TOKEN_BYTES; i++)
		snprintf(token + 2 * i, 3, "%02x", raw[i]);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%s\n", token) < 0 || fsync(fd) < 0 || rename(tmp, path) < 0) {
		buf_addf(err, "cannot write the token to %s: %s", path, strerror(errno));
		unlink(tmp);
		goto out;
	}
	rc = 0;
out:
	if (fd >= 0)
		close(fd);
	free(tmp);
	explicit_bzero(raw, sizeof raw);
	return rc;
}

struct auth *auth_open(const char *path, bool *ret_made, struct buf *err)
{
	struct auth *a = xcalloc(1, sizeof *a);
	*ret_made = false;
	if (read_token(path, a->token, err) == 0)
		return a;
	if (errno == ENOENT && make_token(path, a->token, err) == 0) {
		*ret_made = true;
		return a;
	}
	if (!err->len)
		buf_addf(err, "cannot read the token from %s: %s", path, strerror(errno));
	auth_free(a);
	return NULL;
}

struct auth *auth_new(const char *token)
{
	struct auth *a = xcalloc(1, sizeof *a);
	snprintf(a->token, sizeof a->token, "%s", token);
	return a;
}

void auth_free(struct auth *a)
{
	if (a)
		explicit_bzero(a->token, sizeof a->token);
	free(a);
}

/* Takes as long for a wrong one as for the right one: only the length of what was given shows. */
static bool same_secret(const char *given, const char *secret)
{
	size_t n = strlen(given), m = strlen(secret);
	unsigned diff = n != m;
	for (size_t i = 0; i < n; i++)
		diff |= (unsigned char)given[i] ^ (unsigned char)secret[i % m];
	return diff == 0;
}

/* -- those who try -- */

/* IPv6: whoever has one address has the /64 around it. */
static struct addr neighbourhood(const struct addr *from)
{
	struct addr a = *from;
	if (!addr_is_v4(&a))
		memset(a.b + 8, 0, 8);
	return a;
}

static const struct failing *find_failing(const struct auth *a, const struct addr *from, uint64_t now)
{
	struct addr n = neighbourhood(from);
	for (size_t i = 0; i < N_FAILING; i++)
		if (a->failing[i].count && addr_cmp(&a->failing[i].from, &n) == 0)
			return now - a->failing[i].since < AUTH_WINDOW_NS ? &a->failing[i] : NULL;
	return NULL;
}

static struct failing *count_failure(struct auth *a, const struct addr *from, uint64_t now)
{
	struct addr n = neighbourhood(from);
	struct failing *f = NULL, *oldest = a->failing;
	for (size_t i = 0; i < N_FAILING && !f; i++) {
		if (a->failing[i].count && addr_cmp(&a->failing[i].from, &n) == 0)
			f = &a->failing[i];
		if (a->failing[i].last < oldest->last)
			oldest = &a->failing[i];
	}
	if (!f || now - f->since >= AUTH_WINDOW_NS) {
		f = f ? f : oldest;
		*f = (struct failing){ .from = n, .since = now };
	}
	f->last = now;
	if (f->count < UINT32_MAX)
		f->count++;
	return f;
}

enum auth_verdict auth_check(struct auth *a, const struct addr *from, const char *header, uint64_t now)
{
	const char *given = NULL;
	if (!header)
		return AUTH_NONE;
	if (strncasecmp(header, "Bearer ", 7) == 0)
		given = header + 7;
	else if (strncasecmp(header, "Token ", 6) == 0)
		given = header + 6;
	while (given && *given == ' ')
		given++;
	if (given && same_secret(given, a->token))
		return AUTH_GOOD;
	return count_failure(a, from, now)->count > AUTH_MAX_FAILURES ? AUTH_BLOCKED : AUTH_WRONG;
}

unsigned auth_wait(const struct auth *a, const struct addr *from, uint64_t now)
{
	const struct failing *f = find_failing(a, from, now);
	return f ? (unsigned)((f->since + AUTH_WINDOW_NS - now) / 1000000000u) + 1 : 0;
}

/* -- Host -- */

/* The part before the port. */
static size_t host_length(const char *h)
{
	if (*h == '[') {
		const char *close = strchr(h, ']');
		return close ? (size_t)(close - h) + 1 : 0;
	}
	return strcspn(h, ":");
}

static bool good_port(const char *p)
{
	return *p == '\0' || (*p == ':' && p[1] && !p[1 + strspn(p + 1, "0123456789")] && strlen(p) <= 6);
}

static bool is_name(const char *h, size_t n, const char *name)
{
	return strlen(name) == n && strncasecmp(h, name, n) == 0;
}

bool auth_host(const char *header, const char *listen_host, char *const *names)
{
	struct addr a;
	size_t n = header ? host_length(header) : 0;
	if (n == 0 || !good_port(header + n))
		return false;
	if (*header == '[' ? addr_parse(header + 1, n - 2, &a) == 0 : addr_parse(header, n, &a) == 0)
		return true;
	if (is_name(header, n, "localhost") || is_name(header, n, listen_host))
		return true;
	for (; names && *names; names++)
		if (is_name(header, n, *names))
			return true;
	return false;
}

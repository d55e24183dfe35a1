#include "auth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "io.h"

#define MIN_TOKEN   32
#define MAX_TOKEN   256

struct failing {
	struct addr from;
	uint64_t since, last;
	uint32_t count;
};

struct auth {
	struct token first;    /* of the file api.token */
	char unsaved[MAX_TOKEN + 1]; /* its text, while the disk has no room for that file */
	struct token *more;
	size_t n_more;
	uint64_t wall;         /* s since 1970 */
	struct failing failing[AUTH_FAILING];
};

/* -- the token -- */

static int read_token(const char *path, char *token, struct buf *err)
{
	struct stat st;
	int rc = -1, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -1;
	ssize_t n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? io_read(fd, token, MAX_TOKEN) : -1;
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

/* Written beside and linked into place, so that a file with half a token never exists. -1 and errno if not. */
static int write_token(const char *path, const char *token)
{
	char *tmp = xasprintf("%s.%d", path, (int)getpid());
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc = fd >= 0 && !FAULT_FAILS("apid.token.write") && dprintf(fd, "%s\n", token) > 0 && fsync(fd) == 0 ? rename(tmp, path) : -1;
	int why = errno;
	if (rc < 0)
		unlink(tmp);
	if (fd >= 0)
		close(fd);
	free(tmp);
	errno = why;
	return rc;
}

static struct auth *auth_make(const char *path, enum auth_token *ret, struct buf *err)
{
	char secret[MAX_TOKEN + 1];
	struct auth *a = NULL;
	if (!token_make(secret)) {
		buf_adds(err, "no random numbers");
		return NULL;
	}
	int why = write_token(path, secret) == 0 ? 0 : errno;
	*ret = why ? AUTH_UNSAVED : AUTH_MADE;
	if (!why || why == ENOSPC || why == EDQUOT)
		a = auth_new(secret);
	else
		buf_addf(err, "cannot write the token to %s: %s", path, strerror(why));
	if (a && why)
		snprintf(a->unsaved, sizeof a->unsaved, "%s", secret);
	explicit_bzero(secret, sizeof secret);
	errno = why;
	return a;
}

int auth_save(struct auth *a, const char *path)
{
	if (!*a->unsaved)
		return 0;
	if (write_token(path, a->unsaved) < 0)
		return -1;
	explicit_bzero(a->unsaved, sizeof a->unsaved);
	return 1;
}

struct auth *auth_open(const char *path, enum auth_token *ret, struct buf *err)
{
	char secret[MAX_TOKEN + 1];
	struct auth *a = NULL;
	*ret = AUTH_READ;
	if (read_token(path, secret, err) == 0)
		a = auth_new(secret);
	else if (errno == ENOENT)
		a = auth_make(path, ret, err);
	else if (!err->len)
		buf_addf(err, "cannot read the token from %s: %s", path, strerror(errno));
	explicit_bzero(secret, sizeof secret);
	return a;
}

struct auth *auth_new(const char *token)
{
	struct auth *a = xcalloc(1, sizeof *a);
	snprintf(a->first.name, sizeof a->first.name, "api.token");
	a->first.scopes = TOKEN_ALL;
	token_hash(token, strlen(token), a->first.hash);
	return a;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	explicit_bzero(a->unsaved, sizeof a->unsaved);
	free(a->more);
	free(a);
}

void auth_set_tokens(struct auth *a, struct token *tokens, size_t n)
{
	free(a->more);
	a->more = tokens;
	a->n_more = n;
}

void auth_set_time(struct auth *a, uint64_t wall)
{
	a->wall = wall;
}

/* Takes as long for a wrong one as for the right one. */
static bool same_hash(const uint8_t *a, const uint8_t *b)
{
	unsigned diff = 0;
	for (size_t i = 0; i < TOKEN_HASH; i++)
		diff |= a[i] ^ b[i];
	return diff == 0;
}

static const struct token *find_token(const struct auth *a, const char *secret)
{
	uint8_t hash[TOKEN_HASH];
	const struct token *found = NULL;
	size_t len = strlen(secret);
	if (len < MIN_TOKEN || len > MAX_TOKEN)
		return NULL;
	token_hash(secret, len, hash);
	if (same_hash(hash, a->first.hash))
		found = &a->first;
	for (size_t i = 0; i < a->n_more; i++)
		if (same_hash(hash, a->more[i].hash) && (!a->more[i].expires || a->wall < a->more[i].expires))
			found = &a->more[i];
	return found;
}

/* -- those who try -- */

struct addr auth_neighbourhood(const struct addr *from)
{
	struct addr a = *from;
	if (!addr_is_v4(&a))
		memset(a.b + 8, 0, 8);
	return a;
}

static const struct failing *find_failing(const struct auth *a, const struct addr *from, uint64_t now)
{
	struct addr n = auth_neighbourhood(from);
	for (size_t i = 0; i < AUTH_FAILING; i++)
		if (a->failing[i].count && addr_cmp(&a->failing[i].from, &n) == 0)
			return now - a->failing[i].since < AUTH_WINDOW_NS ? &a->failing[i] : NULL;
	return NULL;
}

static struct failing *count_failure(struct auth *a, const struct addr *from, uint64_t now)
{
	struct addr n = auth_neighbourhood(from);
	struct failing *f = NULL, *oldest = a->failing;
	for (size_t i = 0; i < AUTH_FAILING && !f; i++) {
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

void auth_basic_password(const char *text, char *out, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char plain[2 * MAX_TOKEN];
	size_t n = 0;
	uint32_t bits = 0;
	unsigned have = 0;
	for (; *text && *text != '=' && n + 1 < sizeof plain; text++) {
		const char *d = strchr(digits, *text);
		if (!d)
			break;
		bits = bits << 6 | (uint32_t)(d - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			plain[n++] = (char)(bits >> have & 255);
		}
	}
	plain[n] = '\0';
	const char *colon = strchr(plain, ':');
	snprintf(out, size, "%s", colon ? colon + 1 : "");
	explicit_bzero(plain, sizeof plain);
}

enum auth_verdict auth_check(struct auth *a, const struct addr *from, const char *header, uint64_t now,
			     const struct token **ret)
{
	static const char *const schemes[] = { "Bearer ", "Token ", "Basic " };
	const char *given = "";
	char password[MAX_TOKEN + 2];
	*ret = NULL;
	if (!header)
		return AUTH_NONE;
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		if (strncasecmp(header, schemes[i], strlen(schemes[i])) != 0)
			continue;
		given = header + strlen(schemes[i]);
		given += strspn(given, " ");
		if (*schemes[i] == 'B' && schemes[i][1] == 'a') {
			auth_basic_password(given, password, sizeof password);
			given = password;
		}
	}
	*ret = find_token(a, given);
	if (*ret)
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

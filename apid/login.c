#include "login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "auth.h"
#include "buf.h"

#define HEADER_BYTES 512

struct session {
	char id[33];
	char header[HEADER_BYTES];
	uint64_t end; /* 0: free */
};

struct logins {
	struct session sessions[LOGIN_SESSIONS];
};

struct logins *logins_new(void)
{
	return xcalloc(1, sizeof(struct logins));
}

void logins_free(struct logins *l)
{
	if (l)
		explicit_bzero(l, sizeof *l);
	free(l);
}

/* The value of a cookie in a header "a=b; c=d" (RFC 6265 section 4.2). */
static bool cookie_value(const char *header, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);
	for (const char *p = header; *p;) {
		p += strspn(p, " ;");
		size_t n = strcspn(p, ";");
		if (n > len && strncmp(p, name, len) == 0 && p[len] == '=' && n - len - 1 < size) {
			snprintf(out, size, "%.*s", (int)(n - len - 1), p + len + 1);
			return true;
		}
		p += n;
	}
	return false;
}

static const struct session *find_session(const struct logins *l, const char *id, uint64_t now)
{
	for (size_t i = 0; i < LOGIN_SESSIONS; i++)
		if (l->sessions[i].end > now && strcmp(l->sessions[i].id, id) == 0)
			return &l->sessions[i];
	return NULL;
}

bool login_header(const struct logins *l, const char *authorization, const char *cookie, uint64_t now, char *out, size_t size)
{
	char value[HEADER_BYTES];
	if (authorization && strncasecmp(authorization, "Basic ", 6) == 0) {
		authorization += 6;
		auth_basic_password(authorization + strspn(authorization, " "), value, sizeof value);
		snprintf(out, size, "Bearer %s", value);
		explicit_bzero(value, sizeof value);
		return true;
	}
	if (authorization) {
		snprintf(out, size, "%s", authorization);
		return true;
	}
	if (!cookie)
		return false;
	if (cookie_value(cookie, "session", value, sizeof value)) {
		const struct session *s = find_session(l, value, now);
		snprintf(out, size, "%s", s ? s->header : "Bearer -");
		return true;
	}
	if (!cookie_value(cookie, "password", value, sizeof value))
		return false;
	snprintf(out, size, "Bearer %s", value);
	return true;
}

bool login_open(struct logins *l, const char *header, unsigned seconds, uint64_t now, char id[static 33])
{
	uint8_t raw[16];
	struct session *s = l->sessions;
	if (getrandom(raw, sizeof raw, 0) != sizeof raw)
		return false;
	for (size_t i = 1; i < LOGIN_SESSIONS; i++)
		if (l->sessions[i].end < s->end)
			s = &l->sessions[i];
	for (int i = 0; i < 16; i++)
		snprintf(s->id + 2 * i, 3, "%02x", raw[i]);
	snprintf(s->header, sizeof s->header, "%s", header);
	if (seconds == 0 || seconds > LOGIN_MAX_SECONDS)
		seconds = LOGIN_MAX_SECONDS;
	s->end = now + seconds * 1000000000ull;
	memcpy(id, s->id, 33);
	return true;
}

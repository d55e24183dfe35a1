#include "login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

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

/* RFC 4648 section 4; stops at what is none. Returns the number of bytes. */
static size_t from_base64(const char *s, char *out, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned acc = 0, bits = 0;
	size_t n = 0;
	const char *d;
	for (; *s && (d = strchr(digits, *s)) && n + 1 < size; s++) {
		acc = acc << 6 | (unsigned)(d - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (char)(acc >> bits);
		}
	}
	out[n] = '\0';
	return n;
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

static bool from_basic(const char *value, char *out, size_t size)
{
	char text[HEADER_BYTES];
	from_base64(value + strspn(value, " "), text, sizeof text);
	const char *colon = strchr(text, ':');
	snprintf(out, size, "Bearer %s", colon ? colon + 1 : "");
	explicit_bzero(text, sizeof text);
	return true;
}

bool login_header(const struct logins *l, const char *authorization, const char *cookie, uint64_t now, char *out, size_t size)
{
	char value[HEADER_BYTES];
	if (authorization && strncasecmp(authorization, "Basic ", 6) == 0)
		return from_basic(authorization + 6, out, size);
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

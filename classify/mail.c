#include "mail.h"

#include <string.h>
#include <strings.h>

static bool begins(const char *line, size_t len, const char *word)
{
	size_t n = strlen(word);
	return len >= n && strncasecmp(line, word, n) == 0;
}

static bool begins_any(const char *line, size_t len, const char *const *words)
{
	for (; *words; words++)
		if (begins(line, len, *words))
			return true;
	return false;
}

static void client(struct mail *m, const char *line, size_t len)
{
	static const char *const pop[] = { "PASS ", "APOP ", "AUTH ", NULL };
	static const char *const imap[] = { "LOGIN ", "AUTHENTICATE ", NULL };
	if (m->kind != MAIL_IMAP) { /* what answers to AUTH is not looked at: it may be a password */
		m->asked |= m->kind == MAIL_SMTP ? begins(line, len, "AUTH ") : begins_any(line, len, pop);
		return;
	}
	const char *space = memchr(line, ' ', len);
	size_t n = space ? (size_t)(space - line) : 0;
	if (n == 0 || n >= sizeof m->tag || !begins_any(space + 1, len - n - 1, imap))
		return;
	m->asked = true;
	m->n_tag = n;
	memcpy(m->tag, line, n);
}

static void server(struct mail *m, const char *line, size_t len)
{
	bool yes, no;
	if (!m->asked)
		return;
	switch (m->kind) {
	case MAIL_POP:
		yes = begins(line, len, "+OK");
		no = begins(line, len, "-ERR");
		break;
	case MAIL_SMTP: /* 535: authentication credentials invalid */
		yes = begins(line, len, "235");
		no = begins(line, len, "535");
		break;
	default:
		if (len <= m->n_tag || memcmp(line, m->tag, m->n_tag) != 0)
			return;
		yes = begins(line + m->n_tag, len - m->n_tag, " OK");
		no = begins(line + m->n_tag, len - m->n_tag, " NO");
	}
	m->failed |= no;
	m->asked = !yes && !no;
}

void mail_feed(struct mail *m, bool from_server, const uint8_t *p, size_t len)
{
	const char *line = (const char *)p;
	while (len) {
		const char *end = memchr(line, '\n', len);
		size_t n = end ? (size_t)(end - line) + 1 : len;
		if (from_server)
			server(m, line, n);
		else
			client(m, line, n);
		line += n;
		len -= n;
	}
}

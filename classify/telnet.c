#include "telnet.h"

#include <string.h>
#include <strings.h>

enum { IAC = 255, SB = 250, SE = 240, WILL = 251, DONT = 254, DEL = 127 };

/* Takes commands and options out: returns the length of what is left in out, which is as large as p. */
static size_t plain(const uint8_t *p, size_t len, uint8_t *out)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		if (p[i] != IAC) {
			out[n++] = p[i];
		} else if (i + 1 < len && p[i + 1] == SB) {
			while (i + 1 < len && !(p[i] == IAC && p[i + 1] == SE))
				i++;
			i++;
		} else {
			i += i + 1 < len && p[i + 1] >= WILL && p[i + 1] <= DONT ? 2 : 1;
		}
	}
	return n;
}

static bool ends_with(const struct telnet *t, const char *word)
{
	size_t n = t->n_prompt, w = strlen(word);
	while (n && t->prompt[n - 1] == ' ')
		n--;
	return n >= w && strncasecmp(t->prompt + n - w, word, w) == 0;
}

static bool contains(const uint8_t *p, size_t len, const char *word)
{
	size_t w = strlen(word);
	for (size_t i = 0; i + w <= len; i++)
		if (strncasecmp((const char *)p + i, word, w) == 0)
			return true;
	return false;
}

static void server(struct telnet *t, const uint8_t *p, size_t len)
{
	size_t keep = len < TELNET_PROMPT ? len : TELNET_PROMPT;
	if (t->done) {
		t->failed |= contains(p, len, "incorrect") || contains(p, len, "invalid") || contains(p, len, "failed");
		return;
	}
	if (t->typing) /* an echo */
		return;
	if (keep + t->n_prompt > TELNET_PROMPT) {
		size_t drop = keep + t->n_prompt - TELNET_PROMPT;
		memmove(t->prompt, t->prompt + drop, t->n_prompt - drop);
		t->n_prompt -= drop;
	}
	memcpy(t->prompt + t->n_prompt, p + len - keep, keep);
	t->n_prompt += keep;
	t->typing = ends_with(t, "login:") || ends_with(t, "username:") || ends_with(t, "user:");
}

static void client(struct telnet *t, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len && t->typing; i++) {
		if (p[i] == '\r' || p[i] == '\n') {
			t->typing = false;
			t->done = t->n_user > 0;
			t->n_prompt = 0;
		} else if (p[i] == '\b' || p[i] == DEL) {
			t->n_user -= t->n_user > 0;
		} else if (p[i] >= ' ' && t->n_user < TELNET_MAX_USER - 1) {
			t->user[t->n_user++] = (char)p[i];
		}
		t->user[t->n_user] = '\0';
	}
}

void telnet_feed(struct telnet *t, bool from_server, const uint8_t *p, size_t len)
{
	uint8_t text[1500];
	while (len) {
		size_t part = len < sizeof text ? len : sizeof text;
		size_t n = plain(p, part, text);
		if (from_server)
			server(t, text, n);
		else if (!t->done)
			client(t, text, n);
		p += part;
		len -= part;
	}
}

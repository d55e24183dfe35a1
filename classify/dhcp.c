#include "dhcp.h"

#include <string.h>

enum { OPTIONS = 240, PAD = 0, HOST_NAME = 12, MESSAGE_TYPE = 53, WANTED = 55, VENDOR_CLASS = 60, END = 255 };

bool dhcp_parse(const uint8_t *p, size_t len, struct dhcp_message *m)
{
	memset(m, 0, sizeof *m);
	if (len < OPTIONS || memcmp(p + OPTIONS - 4, "\x63\x82\x53\x63", 4) != 0)
		return false;
	m->request = p[0] == 1;
	m->reply = p[0] == 2;
	size_t at = OPTIONS;
	while (at < len && p[at] != END) {
		if (p[at] == PAD) {
			at++;
			continue;
		}
		if (len - at < 2 || len - at - 2 < p[at + 1])
			break;
		const uint8_t *data = p + at + 2;
		uint8_t n = p[at + 1];
		switch (p[at]) {
		case MESSAGE_TYPE:
			if (!m->type && n == 1)
				m->type = data;
			break;
		case WANTED:
			m->wanted = data;
			m->n_wanted = n;
			break;
		case VENDOR_CLASS:
			m->class = (const char *)data;
			m->n_class = n;
			break;
		case HOST_NAME:
			m->name = (const char *)data;
			m->n_name = n;
			break;
		}
		at += 2u + n;
	}
	return true;
}

#include "csv.h"

bool csv_field(const char *s, size_t len, size_t *pos, char separator, struct buf *out)
{
	buf_reset(out);
	if (*pos > len)
		return false;
	size_t i = *pos;
	bool quoted = i < len && s[i] == '"';
	for (i += quoted; i < len; i++) {
		if (quoted && s[i] == '"') {
			if (i + 1 < len && s[i + 1] == '"')
				i++;
			else {
				quoted = false;
				continue;
			}
		} else if (!quoted && s[i] == separator) {
			break;
		}
		buf_addc(out, s[i]);
	}
	*pos = i + 1;
	return true;
}

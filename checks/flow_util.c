#include "flow_util.h"

#include <ctype.h>
#include <strings.h>

void flow_text(char *out, size_t size, const struct flow_view *v, struct str s)
{
	int n = s.len < size - 1 ? (int)s.len : (int)size - 1;
	snprintf(out, size, "%.*s", n, str_ptr(v->app_base, s));
}

bool flow_contains(const struct flow_view *v, struct str s, const char *word)
{
	size_t n = strlen(word);
	const char *p = str_ptr(v->app_base, s);
	char lower = *word, upper = (char)toupper((unsigned char)*word);
	for (uint32_t i = 0; i + n <= s.len; i++)
		if ((p[i] == lower || p[i] == upper) && strncasecmp(p + i, word, n) == 0)
			return true;
	return false;
}

bool flow_has_learned(const struct flow_view *v, double seconds)
{
	return (double)v->key->first >= (double)v->since + seconds * 1e9;
}

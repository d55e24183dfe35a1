#include "caps.h"

#include <errno.h>
#include <stdbool.h>

static bool has(cap_t set, cap_value_t cap, cap_flag_t which)
{
	cap_flag_value_t v = CAP_CLEAR;
	cap_get_flag(set, cap, which, &v);
	return v == CAP_SET;
}

int caps_keep(const cap_value_t *keep, int n)
{
	cap_t now = cap_get_proc(), want = cap_init();
	int rc = -1, saved;
	bool excess = false;
	if (!now || !want)
		goto out;
	for (int i = 0; i < n; i++)
		if (has(now, keep[i], CAP_PERMITTED)) {
			cap_set_flag(want, CAP_PERMITTED, 1, &keep[i], CAP_SET);
			cap_set_flag(want, CAP_EFFECTIVE, 1, &keep[i], CAP_SET);
		}
	/* What is only inheritable matters to programs that are started, and none of ours starts one that could use it. */
	for (cap_value_t c = 0; c < cap_max_bits(); c++)
		excess |= (has(now, c, CAP_PERMITTED) && !has(want, c, CAP_PERMITTED)) ||
			  has(now, c, CAP_EFFECTIVE) != has(want, c, CAP_EFFECTIVE);
	rc = excess ? cap_set_proc(want) : 0;
out:
	saved = errno;
	cap_free(now);
	cap_free(want);
	errno = saved;
	return rc;
}

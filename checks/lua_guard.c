#include "lua_guard.h"

#define STREAM "lua"

static bool enter(void *arg, const char *script, uint64_t work)
{
	enum poison_verdict known = poison_ask(arg, STREAM, 0, work, script);
	if (known == POISON_CRASHED || known == POISON_TIMED_OUT)
		return false;
	poison_enter(arg, STREAM, 0, work, script);
	return true;
}

static void leave(void *arg)
{
	poison_leave(arg);
}

static unsigned strikes(void *arg, const char *script)
{
	return poison_count(arg, script);
}

struct lua_guard lua_guard(struct poison *p)
{
	return (struct lua_guard){ p, enter, leave, strikes };
}

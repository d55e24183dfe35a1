/* What scripts say of hosts, as the engine tells it: episodes like those of native checks, and single events. */
#include "lab.h"
#include "scratch.h"

#include <unistd.h>

static char dir[SCRATCH];

static void write_script(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s.lua", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(path);
}

static void remove_script(const char *name)
{
	char *path = xasprintf("%s/%s.lua", dir, name);
	unlink(path);
	free(path);
}

/* more: further sections of the topology, each on a line of its own. */
static void open_with(struct lab *l, const char *more)
{
	char lua[400];
	snprintf(lua, sizeof lua, "paths: [%s]}\n%s\npools: {", dir, more);
	lab_open_lua(l, "upload_heavy_host: {enabled: no}", lua);
	lab_tick(l, 0);
}

/* A minute of packet time with a flow of 10.0.0.1 in it, or without. */
static void minute(struct lab *l, unsigned i, bool active)
{
	if (active) {
		struct lab_flow f = lab_flow(l, i * 60 + 1);
		lab_run(&f);
	}
	lab_tick(l, (i + 1) * 60);
}

static const struct lab_alert *last(const struct lab *l, const char *key, enum action action, unsigned revision)
{
	const struct lab_alert *a = lab_last(l, key);
	assert_non_null(a);
	assert_int_equal(a->r.alert.action, action);
	assert_int_equal(a->r.alert.revision, revision);
	return a;
}

/* Raised, told again when it has grown by half, released; the host need not be active for that. */
static void test_life(void **state)
{
	(void)state;
	struct lab l;
	write_script("busy", "return { score = 60, client_score = 50, host = function(h)\n"
			     "  local minute = (now() - 1700006400) / 60\n"
			     "  if h.ip == '10.0.0.1' and minute < 5 then\n"
			     "    return true, 'minute ' .. minute, { value = minute * 10, threshold = 5, what = 'x' }\n"
			     "  end\nend }\n");
	open_with(&l, "");
	minute(&l, 0, true);
	const struct lab_alert *a = last(&l, "busy", ACT_ENGAGE, 1);
	assert_string_equal(a->who, "10.0.0.1");
	assert_string_equal(a->message, "minute 1");
	assert_string_equal(a->values, "value=10\nthreshold=5\nwhat=x");
	assert_int_equal(a->r.alert.score, 60);
	assert_int_equal(a->r.alert.client_score, 50);
	assert_int_equal(a->r.alert.severity, SEV_WARNING);
	assert_int_equal(a->r.alert.granularity, 60);
	struct addr ip = lab_addr("10.0.0.1");
	assert_memory_equal(&a->r.alert.attacker, &ip, sizeof ip);
	minute(&l, 1, false);
	assert_int_equal(last(&l, "busy", ACT_UPDATE, 2)->r.host.score, 60);
	minute(&l, 2, false); /* 30 is not more than half above 20 */
	minute(&l, 3, true);
	last(&l, "busy", ACT_UPDATE, 3);
	minute(&l, 4, false);
	a = last(&l, "busy", ACT_RELEASE, 4);
	assert_int_equal(a->r.alert.release_cause, CAUSE_CLEARED);
	assert_string_equal(a->values, "value=40\nthreshold=5\nduration=240\nwhat=x");
	assert_int_equal(a->r.host.score, 0);
	minute(&l, 5, true);
	assert_int_equal(lab_count(&l, "busy", ACT_ENGAGE), 1);
	lab_close(&l);
	remove_script("busy");
}

/* A condition without numbers; what is said later in the same run, or in other words, is the same alert. */
static void test_one_each(void **state)
{
	(void)state;
	struct lab l;
	write_script("custom_host_lua_script", "n = (n or 0) + 1\n"
					       "host.triggerAlert(70, 'run ' .. n)\n"
					       "host.triggerAlert(90, 'again')\nreturn(0)\n");
	open_with(&l, "");
	for (unsigned i = 0; i < 3; i++)
		minute(&l, i, true);
	const struct lab_alert *a = lab_last(&l, "custom_host_lua_script");
	assert_int_equal(lab_count(&l, "custom_host_lua_script", ACT_ENGAGE), 2); /* client and server */
	assert_int_equal(lab_count(&l, "custom_host_lua_script", ACT_UPDATE), 0);
	assert_int_equal(a->r.alert.score, 70);
	assert_int_equal(a->r.alert.client_score, 70);
	assert_string_equal(a->values, "");
	engine_finish(l.e);
	a = last(&l, "custom_host_lua_script", ACT_RELEASE, 2);
	assert_int_equal(a->r.alert.release_cause, CAUSE_END_OF_INPUT);
	lab_close(&l);
	remove_script("custom_host_lua_script");
}

/* What a script skips stays as it was. */
static void test_skipped(void **state)
{
	(void)state;
	struct lab l;
	write_script("custom_host_lua_script", "n = n or {}\nlocal k = host.ip()\nn[k] = (n[k] or 0) + 1\n"
					       "if n[k] == 1 then host.triggerAlert(70, 'once') end\n"
					       "host.skipVisitedHost(true, os.time() + 150)\nreturn(0)\n");
	open_with(&l, "");
	minute(&l, 0, true);
	minute(&l, 1, true);
	minute(&l, 2, false);
	last(&l, "custom_host_lua_script", ACT_ENGAGE, 1);
	minute(&l, 3, false); /* looked at again, and quiet */
	last(&l, "custom_host_lua_script", ACT_RELEASE, 2);
	lab_close(&l);
	remove_script("custom_host_lua_script");
}

/* A script that is out of service leaves nothing open. */
static void test_disabled(void **state)
{
	(void)state;
	struct lab l;
	write_script("fails", "return { host = function(h)\n"
			      "  if h.ip == '10.0.0.1' then return true, 'x' end\n"
			      "  if now() > 1700006400 + 100 then error('no') end\nend }\n");
	open_with(&l, "");
	for (unsigned i = 0; i < 13; i++)
		minute(&l, i, true);
	assert_int_equal(last(&l, "fails", ACT_RELEASE, 2)->r.alert.release_cause, CAUSE_DISABLED);
	lab_close(&l);
	remove_script("fails");
}

static void test_periods(void **state)
{
	(void)state;
	struct lab l;
	write_script("slow", "return { every = '5min', host = function(h) return h.ip == '10.0.0.1' and now() < 1700006400 + 500 end }\n");
	write_script("slower", "return { every = 'day', host = function(h) return h.ip == '10.0.0.1' end }\n");
	open_with(&l, "");
	for (unsigned i = 0; i < 4; i++)
		minute(&l, i, true);
	assert_null(lab_last(&l, "slow"));
	minute(&l, 4, true);
	assert_int_equal(last(&l, "slow", ACT_ENGAGE, 1)->r.alert.granularity, 300);
	for (unsigned i = 5; i < 9; i++)
		minute(&l, i, false);
	last(&l, "slow", ACT_ENGAGE, 1);
	minute(&l, 9, false);
	last(&l, "slow", ACT_RELEASE, 2);
	assert_null(lab_last(&l, "slower"));
	minute(&l, 24 * 60 - 1, true); /* else it is forgotten at once */
	assert_int_equal(last(&l, "slower", ACT_ENGAGE, 1)->r.alert.granularity, 86400);
	lab_close(&l);
	remove_script("slow");
	remove_script("slower");
}

/* Exclusions act on both kinds. */
static void test_excluded(void **state)
{
	(void)state;
	static const char *const rules[] = { "", "exclusions: {e: {match: \"check = both and host = 10.0.0.1\"}}" };
	write_script("both", "return { score = 40, host = function(h)\n"
			     "  if h.ip ~= '10.0.0.1' then return end\n"
			     "  raise { host = h.ip, message = 'event' }\n  raise { host = '10.0.0.9', message = 'other' }\n"
			     "  return true, 'state'\nend }\n");
	for (int i = 0; i < 2; i++) {
		struct lab l;
		open_with(&l, rules[i]);
		minute(&l, 0, true);
		assert_int_equal(lab_count(&l, "both", ACT_ENGAGE), !i);
		assert_int_equal(lab_count(&l, "both", ACT_STORE), i ? 1 : 2);
		assert_string_equal(lab_last(&l, "both")->who, i ? "10.0.0.9" : "10.0.0.1");
		lab_close(&l);
	}
	remove_script("both");
}

/* What ntopng's accessors tell of a host is what its flows carried, and what lists have. */
static void test_known(void **state)
{
	(void)state;
	struct lab l;
	char lists[120], *path = xasprintf("%s/bad.netset", dir);
	write_script("custom_host_lua_script",
		     "if host.ip() ~= '192.0.2.7' then return 0 end\nlocal t = host.l7().ndpi.TLS\n"
		     "host.triggerAlert(10, tostring(host.is_blacklisted()) .. ' ' .. t.breed .. ' ' .. t.num_flows .. ' ' ..\n"
		     "  t.duration .. ' ' .. t['bytes.sent'] .. ' ' .. t['bytes.rcvd'] .. ' ' .. t['packets.sent'] .. ' ' ..\n"
		     "  t['packets.rcvd'])\nreturn 0\n");
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs("192.0.2.0/29\n", f);
	fclose(f);
	snprintf(lists, sizeof lists, "lists: {bad: {file: %s}}", path);
	for (int listed = 1; listed >= 0; listed--) {
		open_with(&l, listed ? lists : "");
		struct lab_flow flows[] = { lab_flow(&l, 1), lab_flow(&l, 2), lab_flow(&l, 70) };
		flows[0].n.client_packets = 21; /* at once with the second: seconds are counted once */
		for (int i = 0; i < 3; i++)
			lab_run(&flows[i]);
		lab_tick(&l, 121);
		assert_string_equal(lab_last(&l, "custom_host_lua_script")->message,
				    listed ? "true Safe 3 7 60000 12000 60 61" : "false Safe 3 7 60000 12000 60 61");
		lab_close(&l);
	}
	unlink(path);
	free(path);
	remove_script("custom_host_lua_script");
}

static int make_dir(void **state)
{
	(void)state;
	return scratch(dir, "lab") ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),     cmocka_unit_test(test_one_each), cmocka_unit_test(test_skipped),
		cmocka_unit_test(test_disabled), cmocka_unit_test(test_periods),  cmocka_unit_test(test_excluded),
		cmocka_unit_test(test_known),
	};
	return cmocka_run_group_tests_name("lua hosts", tests, make_dir, remove_dir);
}

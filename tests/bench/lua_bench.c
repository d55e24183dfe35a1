/*
 * What a check costs: the same rule in C, called by pointer for each record as the engine calls native checks, as a Lua check,
 * and as a script in ntopng's style, unmodified. Prints nanoseconds per check and record, best of the rounds. lua_puc.c is the
 * fourth.
 */
#include "../unit/lua_common.h"
#include "checks/lua_guard.h"
#include "lua_rows.h"

/* -- in C -- */

struct rule {
	struct addr client, server;
	double bytes;
};

static bool issuer_rule(const struct r_flow *f, const char *base, const struct rule *r)
{
	return addr_cmp(&f->key.client, &r->client) == 0 && addr_cmp(&f->key.server, &r->server) == 0 &&
	       str_eq(base, f->app.tls_issuer, issuer);
}

static bool bytes_rule(const struct r_flow *f, const char *base, const struct rule *r)
{
	(void)base;
	double out = (double)f->n.client_bytes, in = (double)f->n.server_bytes;
	return out > r->bytes && (in > 0 ? out / in : out) > 10 && f->key.client_port > 1 && f->key.vlan < 4 &&
	       (f->n.client_packets == 0 || f->n.server_packets == 0);
}

typedef bool rule_fn(const struct r_flow *f, const char *base, const struct rule *r);

static double run_c(const struct flows *x, rule_fn *volatile *fn)
{
	struct rule r = { .bytes = 1e6 };
	double best = 1e9;
	volatile unsigned fired = 0;
	addr_parse("10.0.0.1", 8, &r.client);
	addr_parse("192.0.2.80", 10, &r.server);
	for (int round = 0; round < ROUNDS; round++) {
		double sum = 0;
		/* As long in the cache as it is for Lua: a batch at a time. */
		for (unsigned at = 0; at < N_FLOWS; at += LUA_ROWS) {
			static struct r_flow rows[LUA_ROWS];
			memcpy(rows, x->f + at, sizeof rows);
			double began = seconds_now();
			for (int again = 0; again < 10; again++)
				for (unsigned i = 0; i < LUA_ROWS; i++)
					fired += (*fn)(&rows[i], x->text.p, &r);
			sum += (seconds_now() - began) / 10;
		}
		best = sum < best ? sum : best;
	}
	return best / N_FLOWS * 1e9;
}

/* -- in Lua -- */

static const char issuer_check[] =
	"return { flow = function(flow)\n"
	"if flow.client.ip == '10.0.0.%u' and flow.server.ip == '192.0.2.80' and flow.tls.issuer == '%s' then\n"
	"return true, 'certificate of the issuer' end end }";
static const char bytes_check[] =
	"return { flow = function(flow)\n"
	"local out, inn = flow.client.bytes, flow.server.bytes\n"
	"if out > 1000%03u and (inn > 0 and out / inn or out) > 10 and flow.client.port > 1 and flow.vlan < 4 and\n"
	"(flow.client.packets == 0 or flow.server.packets == 0) then\n"
	"return true, 'sends much' end end }";
static const char issuer_script[] =
	"function describe()\n  return flow.cli() .. ' to ' .. flow.srv()\nend\n"
	"if((flow.cli() == '10.0.0.%u') and (flow.srv() == '192.0.2.80')) then\n"
	"  local tls = flow.tls_quic()\n"
	"  if(tls['protos.tls.issuerDN'] == '%s') then\n"
	"    flow.triggerAlert(80, 'certificate of the issuer')\n  end\nend\nreturn(0)\n";
static const char bytes_script[] =
	"local out = flow.cli2srv_bytes()\nlocal inn = flow.srv2cli_bytes()\n"
	"if((out > 1000%03u) and ((inn > 0 and out / inn or out) > 10) and (flow.cli_port() > 1) and (flow.vlan_id() < 4)) then\n"
	"  if(flow.is_oneway()) then flow.triggerAlert(80, 'sends much') end\nend\nreturn(0)\n";

static void add_script(struct bench *b, bool ntopng, bool numeric, unsigned i)
{
	char name[64], text[1024];
	const char *format = ntopng ? (numeric ? bytes_script : issuer_script) : (numeric ? bytes_check : issuer_check);
	if (numeric)
		snprintf(text, sizeof text, format, i);
	else
		snprintf(text, sizeof text, format, i + 1, issuer);
	snprintf(name, sizeof name, "%s%03u", ntopng ? "custom_flow_end_script" : "check", i);
	bench_script(b, name, text);
}

static void ignore(void *arg, const struct lua_finding *f)
{
	(void)f;
	++*(unsigned *)arg;
}

static void feed(struct bench *b, const struct flows *x, unsigned at, unsigned *fired)
{
	for (unsigned i = at; i < at + LUA_ROWS; i++) {
		const struct r_flow *f = &x->f[i];
		const struct lua_part part[] = { { &f->key, x->text.p }, { &f->n, NULL }, { &f->app, x->text.p }, { &f->judge, NULL } };
		lua_add(b->lua, LUA_FLOWS, 1u << LUA_END, part);
	}
	lua_run(b->lua, LUA_FLOWS, 1000 * S, ignore, fired);
}

/* The clock that the engine's own figures are taken from. */
static double wall_now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

struct cost {
	double check;       /* ns per check and record, as weir status tells it */
	double rows;        /* ns per record for making rows and columns, whatever the number of checks */
	double all;         /* ns per script and record, everything */
	unsigned fired;
	struct lua_jit jit; /* of the first */
};

static void own_metrics(struct bench *b, double *ns, double *rows)
{
	struct metrics *m = metrics_new("t");
	struct buf out = { 0 };
	struct r_metric rec;
	metrics_source(m, bench_metrics, b);
	metrics_pack(m, &out);
	struct codec_reader r = { .base = out.p, .len = out.len };
	*ns = *rows = 0;
	while (codec_read(&r, &rec) == 1) {
		const char *label = out.p + rec.metric.label.off;
		if (rec.metric.label.len < 5 || (strncmp(label, "check", 5) != 0 && strncmp(label, "custo", 5) != 0))
			continue;
		if (str_eq(out.p, rec.metric.name, "lua_check_seconds"))
			*ns += rec.metric.value * 1e9;
		if (str_eq(out.p, rec.metric.name, "lua_check_rows"))
			*rows += rec.metric.value;
	}
	buf_release(&out);
	metrics_free(m);
}

static struct cost run_lua(const struct flows *x, bool ntopng, int numeric, unsigned n, struct poison *poison)
{
	struct bench b = { 0 };
	struct cost c = { .check = 1e9, .rows = 1e9, .all = 1e9 };
	unsigned rounds = n > 50 ? 6 : ROUNDS;
	for (unsigned i = 0; i < n; i++)
		add_script(&b, ntopng, numeric < 0 ? i % 2 == 1 : numeric == 1, i);
	struct lua_guard guard = lua_guard(poison);
	b.guard = poison ? &guard : NULL;
	bench_start(&b, BENCH_ALONE);
	lua_jit_state(b.lua, "", &c.jit);
	for (unsigned round = 0; round < rounds; round++) {
		double ns[2], rows[2];
		unsigned fired = 0;
		own_metrics(&b, &ns[0], &rows[0]);
		double began = wall_now();
		for (unsigned at = 0; at < N_FLOWS; at += LUA_ROWS)
			feed(&b, x, at, &fired);
		double all = (wall_now() - began) * 1e9;
		own_metrics(&b, &ns[1], &rows[1]);
		double check = (ns[1] - ns[0]) / (rows[1] - rows[0]), rest = (all - (ns[1] - ns[0])) / N_FLOWS;
		c.check = check < c.check ? check : c.check;
		c.rows = rest < c.rows ? rest : c.rows;
		c.all = all / N_FLOWS / n < c.all ? all / N_FLOWS / n : c.all;
		c.fired = fired;
	}
	char *first = xasprintf("%s000", ntopng ? "custom_flow_end_script" : "check");
	lua_jit_state(b.lua, first, &c.jit);
	free(first);
	bench_end(&b);
	return c;
}

int main(void)
{
	static rule_fn *volatile rules[] = { issuer_rule, bytes_rule };
	static const char *const names[] = { "issuer", "numeric" };
	struct flows x[2] = { { 0 } };
	log_init("bench", LOG_LV_ERROR);
	for (int deep = 0; deep < 2; deep++)
		flows_make(&x[deep], deep);
	for (int numeric = 0; numeric < 2; numeric++)
		for (int deep = 0; deep < 2; deep++) {
			double c = run_c(&x[deep], &rules[numeric]);
			printf("%s %s c %.2f 1.0\n", names[numeric], deep ? "deep" : "typical", c);
			for (int style = 0; style < 2; style++) {
				struct cost k = run_lua(&x[deep], style, numeric, 1, NULL);
				printf("%s %s %s %.2f %.1f compiled=%u/%u aborts=%u rows=%.0f fired=%u\n", names[numeric],
				       deep ? "deep" : "typical", style ? "ntopng" : "lua", k.check, k.check / c, k.jit.compiled,
				       k.jit.loops, k.jit.aborts, k.rows, k.fired);
			}
		}
	static const unsigned many[] = { 1, 10, 50, 500 };
	for (size_t i = 0; i < sizeof many / sizeof *many; i++)
		for (int style = 0; style < 2; style++) {
			struct cost t = run_lua(&x[0], style, -1, many[i], NULL), d = run_lua(&x[1], style, -1, many[i], NULL);
			printf("%u %s typical %.2f deep %.2f flushes=%u\n", many[i], style ? "ntopng" : "lua", t.check, d.check,
			       t.jit.flushes + d.jit.flushes);
		}
	char dir[] = "/tmp/weir-bench-XXXXXX";
	if (!mkdtemp(dir))
		return 1;
	char *path = xasprintf("%s/poison", dir);
	struct poison *p = poison_open(path);
	struct cost bare = run_lua(&x[0], 0, -1, 50, NULL), guarded = run_lua(&x[0], 0, -1, 50, p);
	printf("guard %.2f %.2f\n", bare.all, guarded.all);
	unlink(path);
	rmdir(dir);
	free(path);
	return p ? 0 : 1;
}

/*
 * The same rules as lua_bench.c on an embedded PUC Lua 5.4, called for each flow through accessors in C, as ntopng does it: the
 * chunk anew for each flow, and a full collection after each call. Prints nanoseconds per call with and without the collection.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdlib.h>

#include "lua_rows.h"

static const struct r_flow *at_hand;
static const char *base;
static unsigned fired;

static int push_addr(lua_State *L, const struct addr *a)
{
	char text[ADDR_STRLEN];
	lua_pushstring(L, addr_str(a, text));
	return 1;
}

static int f_cli(lua_State *L)
{
	return push_addr(L, &at_hand->key.client);
}

static int f_srv(lua_State *L)
{
	return push_addr(L, &at_hand->key.server);
}

static int push_number(lua_State *L, uint64_t v)
{
	lua_pushinteger(L, (lua_Integer)v);
	return 1;
}

static int f_out(lua_State *L)
{
	return push_number(L, at_hand->n.client_bytes);
}

static int f_in(lua_State *L)
{
	return push_number(L, at_hand->n.server_bytes);
}

static int f_cli_port(lua_State *L)
{
	return push_number(L, at_hand->key.client_port);
}

static int f_vlan(lua_State *L)
{
	return push_number(L, at_hand->key.vlan);
}

static int f_oneway(lua_State *L)
{
	lua_pushboolean(L, at_hand->n.client_packets == 0 || at_hand->n.server_packets == 0);
	return 1;
}

static int f_tls(lua_State *L)
{
	lua_newtable(L);
	lua_pushinteger(L, at_hand->app.tls_version_id);
	lua_setfield(L, -2, "protos.tls_version");
	lua_pushlstring(L, str_ptr(base, at_hand->app.tls_issuer), at_hand->app.tls_issuer.len);
	lua_setfield(L, -2, "protos.tls.issuerDN");
	return 1;
}

static int f_alert(lua_State *L)
{
	fired++;
	lua_pushvalue(L, 2);
	return 1;
}

static const luaL_Reg accessors[] = { { "cli", f_cli },
				      { "srv", f_srv },
				      { "cli2srv_bytes", f_out },
				      { "srv2cli_bytes", f_in },
				      { "cli_port", f_cli_port },
				      { "vlan_id", f_vlan },
				      { "is_oneway", f_oneway },
				      { "tls_quic", f_tls },
				      { "triggerAlert", f_alert },
				      { NULL, NULL } };

static const char issuer_script[] =
	"if((flow.cli() == '10.0.0.1') and (flow.srv() == '192.0.2.80')) then\n"
	"  local tls = flow.tls_quic()\n"
	"  if(tls['protos.tls.issuerDN'] == 'C=US, O=Google Trust Services, CN=GTS CA 1C3') then\n"
	"    flow.triggerAlert(80, 'certificate of the issuer')\n  end\nend\nreturn(0)\n";
static const char bytes_script[] =
	"local out = flow.cli2srv_bytes()\nlocal inn = flow.srv2cli_bytes()\n"
	"if((out > 1000000) and ((inn > 0 and out / inn or out) > 10) and (flow.cli_port() > 1) and (flow.vlan_id() < 4)) then\n"
	"  if(flow.is_oneway()) then flow.triggerAlert(80, 'sends much') end\nend\nreturn(0)\n";

static double run(const struct flows *x, const char *script, bool collect)
{
	lua_State *L = luaL_newstate();
	unsigned n = collect ? N_FLOWS / 8 : N_FLOWS;
	double best = 1e9;
	luaL_openlibs(L);
	luaL_newlib(L, accessors);
	lua_setglobal(L, "flow");
	if (luaL_loadstring(L, script) != LUA_OK)
		return -1;
	base = x->text.p;
	for (int round = 0; round < 4; round++) {
		double began = seconds_now();
		for (unsigned i = 0; i < n; i++) {
			at_hand = &x->f[i];
			lua_pushvalue(L, -1);
			if (lua_pcall(L, 0, 1, 0) != LUA_OK)
				return -1;
			lua_pop(L, 1);
			if (collect)
				lua_gc(L, LUA_GCCOLLECT, 0);
		}
		double took = seconds_now() - began;
		best = took < best ? took : best;
	}
	lua_close(L);
	return best / n * 1e9;
}

int main(void)
{
	for (int numeric = 0; numeric < 2; numeric++)
		for (int deep = 0; deep < 2; deep++) {
			struct flows x = { 0 };
			flows_make(&x, deep);
			const char *script = numeric ? bytes_script : issuer_script;
			for (int collect = 0; collect < 2; collect++)
				printf("%s %s %s %.2f\n", numeric ? "numeric" : "issuer", deep ? "deep" : "typical",
				       collect ? "puc-as-ntopng" : "puc", run(&x, script, collect));
			free(x.f);
			buf_release(&x.text);
		}
	return fired == 0;
}

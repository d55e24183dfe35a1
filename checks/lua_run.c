/* Runs scripts on rows: each check once per hook and batch, and what comes of it. */
#include "lua_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "id.h"
#include "loop.h"

#define SLOTS 5 /* of a hit, as luart/boot.lua notes it */

/* -- failing -- */

void script_disable(struct lua_script *s, const char *fmt, ...)
{
	va_list ap;
	char why[300];
	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	s->disabled = true;
	free(s->why);
	s->why = xstrdup(why);
	log_error("lua check %s is disabled: %s", s->key, why);
}

uint64_t lua_errors(const struct lua *l)
{
	return l->errors;
}

/* Appends to a list of names in a text. */
static void add_name(char *names, size_t size, const char *name)
{
	size_t at = strlen(names);
	snprintf(names + at, size - at, "%s%s", at ? ", " : "", name);
}

unsigned lua_disabled(const struct lua *l, char *ret_keys, size_t size)
{
	unsigned n = 0;
	*ret_keys = '\0';
	for (size_t at = 0; at < l->left_out.len; at += strlen(l->left_out.p + at) + 1, n++)
		add_name(ret_keys, size, l->left_out.p + at);
	for (unsigned i = 0; i < l->n; i++)
		if (l->scripts[i].disabled) {
			add_name(ret_keys, size, l->scripts[i].key);
			n++;
		}
	return n;
}

/* The record that a script was at. */
static void name_row(struct lua *l, enum lua_set set, char *out, size_t size)
{
	const struct lua_rows *s = &l->set[set];
	unsigned off, row = (unsigned)l->cell->row;
	const struct field *f = rdesc_field(s->rd, set == LUA_HOSTS ? "ip" : "id", &off);
	char tmp[ADDR_STRLEN > ID_STRLEN ? ADDR_STRLEN : ID_STRLEN];
	const char *rec = s->rows + (size_t)row * s->rd->size;
	struct id id;
	*out = '\0';
	if (!f || l->cell->row < 0 || row >= s->n)
		return;
	if (f->type == FT_ADDR) {
		snprintf(out, size, " (host %s)", addr_str((const struct addr *)(rec + off), tmp));
		return;
	}
	memcpy(&id, rec + off, sizeof id);
	snprintf(out, size, " (%s %s)", s->rd->name, id_str(id, tmp));
}

/* Memory is shared: the one that took most pays when there is none left. */
static struct lua_script *hungriest(struct lua *l)
{
	struct lua_script *worst = NULL;
	for (unsigned i = 0; i < l->n; i++)
		if (!l->scripts[i].disabled && (!worst || l->scripts[i].grown > worst->grown))
			worst = &l->scripts[i];
	return worst;
}

static void note_growth(struct lua *l)
{
	if (l->running)
		l->running->grown += (int64_t)l->memory - (int64_t)l->before;
	l->before = l->memory;
}

/* All that a script holds goes. It is not called any more. */
static void script_forget(struct lua *l, struct lua_script *s)
{
	for (int h = 0; h < LUA_N_HOOKS; h++) {
		luaL_unref(l->state, LUA_REGISTRYINDEX, s->loop[h]);
		s->loop[h] = LUA_NOREF;
	}
	box_push(l, "forget");
	lua_pushinteger(l->state, (s - l->scripts) + 1);
	if (lua_pcall(l->state, 1, 0, 0) != 0)
		lua_pop(l->state, 1);
	lua_gc(l->state, LUA_GCCOLLECT, 0);
}

void lua_out_of_memory(struct lua *l)
{
	lua_gc(l->state, LUA_GCCOLLECT, 0);
	note_growth(l);
	struct lua_script *s = hungriest(l);
	if (s && l->memory > MAX_MEMORY / 2) {
		script_disable(s, "it used up the memory of all Lua checks, %u MiB", MAX_MEMORY >> 20);
		script_forget(l, s);
		l->before = l->memory;
	}
	l->refused = false;
}

/* The error is on the top of the stack. */
static void script_failed(struct lua *l, struct lua_script *s, enum lua_set set)
{
	char where[80];
	name_row(l, set, where, sizeof where);
	l->errors++;
	s->errors++;
	/* A text says where it is from. */
	const char *from = lua_isstring(l->state, -1) ? "" : s->path, *is = *from ? ": its error is no text but a value of type " : "";
	log_limited(&s->limit, "lua check %s: %s%s%.500s%s", s->key, from, is, box_error(l->state), where);
	if (s->errors == MAX_ERRORS)
		script_disable(s, "%u errors, the last: %.200s", s->errors, box_error(l->state));
	lua_pop(l->state, 1);
	if (l->refused)
		lua_out_of_memory(l);
}

/* -- findings -- */

static const struct checkdef *def_with_score(struct lua_script *s, int which, lua_State *L, int slot)
{
	if (lua_type(L, slot) != LUA_TNUMBER)
		return &s->def[which];
	double d = lua_tonumber(L, slot);
	unsigned score = d >= 1 && d <= 250 ? (unsigned)d : d > 250 ? 250 : 1;
	if (score == s->def[which].score)
		return &s->def[which];
	struct checkdef **p = &s->scored[which][score];
	if (!*p) {
		*p = xmalloc(sizeof **p);
		**p = s->def[which];
		(*p)->score = (uint16_t)score;
		(*p)->client_score = (uint16_t)(score * s->def[which].client_score / s->def[which].score);
	}
	return *p;
}

/* Host of raise{}: "vlan address". */
static bool take_host(const char *text, struct lua_finding *f)
{
	char *end;
	unsigned long vlan = strtoul(text, &end, 10);
	f->about_host = true;
	f->vlan = (uint16_t)vlan;
	return *end == ' ' && vlan < 4096 && addr_parse(end + 1, strlen(end + 1), &f->host) == 0;
}

static const char *slot_text(lua_State *L, int slot, const char *def)
{
	return lua_isstring(L, slot) ? lua_tostring(L, slot) : def;
}

static enum lua_said said_in(lua_State *L, int slot)
{
	if (lua_type(L, slot) != LUA_TSTRING)
		return LUA_FIRED;
	return strcmp(lua_tostring(L, slot), "reset") == 0 ? LUA_RESET : LUA_SKIPPED;
}

/* Cut, if it must be, between two characters, or of lines after a whole one. */
static void copy_text(char *out, size_t size, const char *s, bool lines)
{
	size_t n = strlen(s);
	if (n >= size) {
		n = size - 1;
		while (n && (lines ? s[n] != '\n' : ((unsigned char)s[n] & 0xc0) == 0x80))
			n--;
	}
	memcpy(out, s, n);
	out[n] = '\0';
}

/* One hit: its slots are at the top of the stack. */
static bool take_hit(struct lua *l, struct lua_script *s, enum lua_set set, struct lua_finding *f)
{
	lua_State *L = l->state;
	int base = lua_gettop(L) - SLOTS + 1;
	double row = lua_tonumber(L, base);
	*f = (struct lua_finding){ 0 };
	if (lua_isstring(L, base + 4) && !take_host(lua_tostring(L, base + 4), f)) {
		log_limited(&s->limit, "lua check %s: raise: '%s' is no address", s->key, lua_tostring(L, base + 4));
		return false;
	}
	if (!f->about_host && (row < 0 || row >= l->set[set].n))
		return false;
	f->row = row >= 0 ? (unsigned)row : 0;
	f->script = (unsigned)(s - l->scripts);
	f->said = said_in(L, base + 1);
	f->def = def_with_score(s, set == LUA_FLOWS && !f->about_host ? DEF_FLOW : DEF_HOST, L, base + 1);
	copy_text(f->message, sizeof f->message, slot_text(L, base + 2, s->def[0].title), false);
	copy_text(f->values, sizeof f->values, slot_text(L, base + 3, ""), true);
	return true;
}

static void take_hits(struct lua *l, struct lua_script *s, enum lua_set set,
		      void (*cb)(void *arg, const struct lua_finding *f), void *arg)
{
	lua_State *L = l->state;
	int n = l->cell->hits;
	lua_rawgeti(L, LUA_REGISTRYINDEX, l->hits);
	int table = lua_gettop(L);
	for (int i = 0; i < n; i++) {
		struct lua_finding f;
		for (int k = 1; k <= SLOTS; k++)
			lua_rawgeti(L, table, i * SLOTS + k);
		if (take_hit(l, s, set, &f)) {
			s->alerts += f.said == LUA_FIRED;
			cb(arg, &f);
		}
		lua_settop(L, table);
		/* What was told need not be kept. */
		for (int k = 3; k <= SLOTS; k++) {
			lua_pushboolean(L, 0);
			lua_rawseti(L, table, i * SLOTS + k);
		}
	}
	lua_pop(L, 1);
	l->dropped += (uint64_t)l->cell->dropped;
	l->cell->hits = l->cell->dropped = 0;
}

/* -- running -- */

static void enter(struct lua *l, struct lua_script *s)
{
	l->running = s;
	l->before = l->memory;
	box_push(l, "enter");
	lua_pushinteger(l->state, (s - l->scripts) + 1);
	if (lua_pcall(l->state, 1, 0, 0) != 0)
		lua_pop(l->state, 1);
}

/* -- the guard -- */

bool guard_enter(struct lua *l, const struct lua_script *s, uint64_t work)
{
	return !l->guard.enter || l->guard.enter(l->guard.arg, s->key, work);
}

void guard_leave(struct lua *l)
{
	if (l->guard.leave)
		l->guard.leave(l->guard.arg);
}

void guard_strike_out(struct lua *l, struct lua_script *s)
{
	unsigned strikes = l->guard.strikes ? l->guard.strikes(l->guard.arg, s->key) : 0;
	if (strikes >= LUA_STRIKES && !s->disabled)
		script_disable(s, "it ended or hung the process on %u batches", strikes);
}

/* The rows of a set, by their first bytes: ids and addresses. */
static uint64_t work_of(const struct lua *l, enum lua_set set)
{
	const struct lua_rows *s = &l->set[set];
	uint64_t h = hash_content(&l->cell->now, sizeof l->cell->now, (uint64_t)set);
	for (unsigned i = 0; i < s->n; i++)
		h = hash_content(s->rows + (size_t)i * s->rd->size, 16, h);
	return h;
}

static bool enter_batch(struct lua *l, struct lua_script *s)
{
	if (guard_enter(l, s, l->work))
		return true;
	l->skipped++;
	s->skipped++;
	log_limited(&s->limit, "lua check %s: a batch that killed it is left out", s->key);
	guard_strike_out(l, s);
	return false;
}

/* Place of a row among those of a hook. */
static unsigned place_of(const struct lua_rows *s, enum lua_hook hook, int32_t row)
{
	unsigned k = 0;
	while (k < s->n_index[hook] && s->index[hook][k] != row)
		k++;
	return k;
}

/* An error ends the call at its row; the rows behind it get their turn. */
static void run_loop(struct lua *l, struct lua_script *s, enum lua_set set, enum lua_hook hook)
{
	const struct lua_rows *rows = &l->set[set];
	lua_State *L = l->state;
	unsigned k = 0, n = rows->n_index[hook];
	while (k < n && !s->disabled) {
		lua_rawgeti(L, LUA_REGISTRYINDEX, s->loop[hook]);
		lua_pushinteger(L, k);
		lua_pushinteger(L, n);
		if (lua_pcall(L, 2, 0, 0) == 0)
			return;
		k = place_of(rows, hook, l->cell->row) + 1;
		script_failed(l, s, set);
	}
}

static void run_script(struct lua *l, struct lua_script *s, enum lua_set set,
		       void (*cb)(void *arg, const struct lua_finding *f), void *arg)
{
	const struct lua_rows *rows = &l->set[set];
	uint64_t began = 0;
	for (int h = 0; h < LUA_N_HOOKS && !s->disabled; h++) {
		if (!rows->n_index[h] || s->loop[h] == LUA_NOREF)
			continue;
		if (!began) {
			if (!enter_batch(l, s))
				return;
			began = mono_ns();
			enter(l, s);
		}
		s->calls++;
		s->rows += rows->n_index[h];
		run_loop(l, s, set, h);
	}
	if (!began)
		return;
	guard_leave(l);
	s->ns += mono_ns() - began;
	note_growth(l);
	take_hits(l, s, set, cb, arg);
	l->running = NULL;
}

static int fill_rows(lua_State *L)
{
	void **arg = lua_touserdata(L, 1);
	view_fill(arg[0], arg[1]);
	return 0;
}

static void set_clock(struct lua *l, uint64_t clock, int set)
{
	l->cell->now = (double)clock / 1e9;
	l->cell->set = set;
	l->cell->row = -1;
	l->cell->draws = 0;
}

void lua_run(struct lua *l, enum lua_set set, uint64_t clock, void (*cb)(void *arg, const struct lua_finding *f), void *arg)
{
	struct lua_rows *rows = &l->set[set];
	void *what[] = { l, rows };
	if (rows->n && l->state) {
		set_clock(l, clock, (int)set);
		l->work = l->guard.enter ? work_of(l, set) : 0;
		int rc = lua_cpcall(l->state, fill_rows, what);
		if (rc == LUA_ERRMEM) {
			lua_pop(l->state, 1);
			lua_out_of_memory(l);
			rc = lua_cpcall(l->state, fill_rows, what);
		}
		if (rc != 0) {
			l->dropped += rows->n;
			log_limited(&l->limit, "lua checks: %u records are not looked at: %s", rows->n, box_error(l->state));
			lua_pop(l->state, 1);
		}
		for (unsigned i = 0; rc == 0 && i < l->n; i++)
			if (!l->scripts[i].disabled)
				run_script(l, &l->scripts[i], set, cb, arg);
	}
	rows->n = 0;
	memset(rows->n_index, 0, sizeof rows->n_index);
}

/* -- timers -- */

/* Calls a function of the runtime with a script's number; tells what it returned, false after an error. */
static bool ask(struct lua *l, struct lua_script *s, const char *function)
{
	lua_State *L = l->state;
	box_push(l, function);
	lua_pushinteger(L, (s - l->scripts) + 1);
	if (lua_pcall(L, 1, 1, 0) != 0) {
		script_failed(l, s, LUA_HOSTS);
		return false;
	}
	bool yes = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return yes;
}

void lua_tick(struct lua *l, uint64_t clock, void (*cb)(void *arg, const struct lua_finding *f), void *arg)
{
	if (!l->state)
		return;
	set_clock(l, clock, -1);
	l->work = clock;
	for (unsigned i = 0; i < l->n; i++) {
		struct lua_script *s = &l->scripts[i];
		if (s->disabled || !s->has_timers || !ask(l, s, "has_due"))
			continue;
		if (!enter_batch(l, s))
			continue;
		uint64_t began = mono_ns();
		enter(l, s);
		s->calls++;
		/* More than this at once is a script that sets timers in the past. */
		for (int turns = 0; turns < MAX_HITS && !s->disabled && ask(l, s, "run_due"); turns++)
			continue;
		guard_leave(l);
		s->ns += mono_ns() - began;
		note_growth(l);
		take_hits(l, s, LUA_HOSTS, cb, arg);
		l->running = NULL;
	}
}

/* -- asking -- */

bool lua_has(const struct lua *l, enum lua_hook hook)
{
	for (unsigned i = 0; i < l->n; i++)
		if (!l->scripts[i].disabled && l->scripts[i].loop[hook] != LUA_NOREF)
			return true;
	return false;
}

bool lua_has_any(const struct lua *l, enum lua_set set)
{
	static const struct {
		enum lua_hook first, last;
	} of[LUA_SETS] = { { LUA_START, LUA_END }, { LUA_MINUTE, LUA_DAY }, { LUA_ALERT, LUA_ALERT } };
	for (enum lua_hook h = of[set].first; h <= of[set].last; h++)
		if (lua_has(l, h))
			return true;
	return false;
}

unsigned lua_count(const struct lua *l)
{
	return l->n;
}

bool lua_is_on(const struct lua *l, unsigned script)
{
	return !l->scripts[script].disabled;
}

const struct checkdef *lua_host_def(const struct lua *l, unsigned script)
{
	return &l->scripts[script].def[DEF_HOST];
}

const struct checkdef *lua_flow_def(const struct lua *l, const char *key)
{
	for (unsigned i = 0; i < l->n; i++)
		if (strcmp(l->scripts[i].key, key) == 0)
			return &l->scripts[i].def[DEF_FLOW];
	return NULL;
}

void lua_metrics(const struct lua *l, struct metrics *m)
{
	unsigned left_out = 0;
	for (size_t at = 0; at < l->left_out.len; at++)
		left_out += l->left_out.p[at] == '\0';
	metrics_put(m, "lua_scripts", NULL, "scripts", false, l->n);
	metrics_put(m, "lua_left_out", NULL, "scripts", false, left_out);
	metrics_put(m, "lua_errors", NULL, "errors", true, (double)l->errors);
	metrics_put(m, "lua_dropped", NULL, "findings", true, (double)l->dropped);
	metrics_put(m, "lua_skipped", NULL, "batches", true, (double)l->skipped);
	metrics_put(m, "lua_memory", NULL, "bytes", false, (double)l->memory);
	metrics_bound(m, "lua_memory_max", NULL, "bytes", MAX_MEMORY);
	for (unsigned i = 0; i < l->n; i++) {
		const struct lua_script *s = &l->scripts[i];
		metrics_put(m, "lua_check_seconds", s->key, "seconds", true, (double)s->ns / 1e9);
		metrics_put(m, "lua_check_rows", s->key, "records", true, (double)s->rows);
		metrics_put(m, "lua_check_alerts", s->key, "alerts", true, (double)s->alerts);
		metrics_put(m, "lua_check_errors", s->key, "errors", true, s->errors);
		metrics_put(m, "lua_check_skipped", s->key, "batches", true, (double)s->skipped);
		metrics_put(m, "lua_check_disabled", s->key, "", false, s->disabled);
	}
}

/* -- for tests -- */

bool lua_next_disabled(struct lua *l, const char **ret_key, const char **ret_why)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->scripts[i].disabled && !l->scripts[i].told) {
			l->scripts[i].told = true;
			*ret_key = l->scripts[i].key;
			*ret_why = l->scripts[i].why;
			return true;
		}
	return false;
}

static bool loop_compiled(struct lua *l, int ref)
{
	box_push(l, "is_compiled");
	lua_rawgeti(l->state, LUA_REGISTRYINDEX, ref);
	bool yes = lua_pcall(l->state, 1, 1, 0) == 0 && lua_toboolean(l->state, -1);
	lua_pop(l->state, 1);
	return yes;
}

void lua_jit_state(struct lua *l, const char *key, struct lua_jit *ret)
{
	*ret = (struct lua_jit){ 0 };
	for (unsigned i = 0; i < l->n; i++)
		for (int h = 0; h < LUA_N_HOOKS && strcmp(l->scripts[i].key, key) == 0; h++)
			if (l->scripts[i].loop[h] != LUA_NOREF) {
				ret->loops++;
				ret->compiled += loop_compiled(l, l->scripts[i].loop[h]);
			}
	box_push(l, "jit_counts");
	if (lua_pcall(l->state, 0, 4, 0) == 0) {
		ret->traces = (unsigned)lua_tointeger(l->state, -4);
		ret->aborts = (unsigned)lua_tointeger(l->state, -3);
		ret->flushes = (unsigned)lua_tointeger(l->state, -2);
		log_debug("aborts: %s", lua_tostring(l->state, -1));
		lua_pop(l->state, 3);
	}
	lua_pop(l->state, 1);
}

-- Puts the parts together. Trusted: knows the FFI. Scripts see only what box.lua gives them.
local sys = ...
local ffi = require("ffi")

-- struct lua_cell of lua_priv.h.
ffi.cdef [[
struct weir_cell { int32_t row, at, hits, dropped; double now; uint32_t draws; int32_t set; };
]]

local rt = {
	sys = sys,
	cell = ffi.cast("struct weir_cell *", sys.cell),
	hits = sys.hits,
	set_number = sys.set_number, -- by name, as in the cell
	scripts = {}, -- by number, from 1
}
for _, part in ipairs { "view", "box", "state", "source", "ntopng" } do
	sys.part[part](rt)
end
local cell, hits, lines = rt.cell, rt.hits, rt.lines

-- Notes what a script said; read by lua_run.c. Five slots: row or -1, true, a score, "reset" or "skip", text, values, host.
local function note(row, hit, text, values, host)
	local n = cell.hits
	if n >= sys.max_hits then
		cell.dropped = cell.dropped + 1
		return
	end
	cell.hits = n + 1
	n = n * 5
	hits[n + 1], hits[n + 2], hits[n + 3] = row, hit, text or false
	hits[n + 4] = type(values) == "table" and lines(values) or false
	hits[n + 5] = host or false
end
rt.note = note

-- A check's first result is true or not; a number that some function returned is no score.
local function fire(_, text, values)
	if text ~= nil and type(text) ~= "string" then error("it returned a message that is no text", 0) end
	if values ~= nil and type(values) ~= "table" then error("it returned values that are no table", 0) end
	note(cell.row, true, text, values)
end
-- With a score, for triggerAlert.
function rt.fire(score, text)
	note(cell.row, score, text)
end

-- The loop of one check at one hook: text of its own, so that it has a trace of its own.
local loop_text = [[
local check, view, cell, index, fire = ...
return function(k, n)
	for k = k, n - 1 do
		cell.row = index[k]
		local hit, text, values = check(view)
		if hit then fire(hit, text, values) end
	end
end]]

local function make_loop(script, set, hook, check)
	local index = ffi.cast("const int32_t *", sys.index[set][hook])
	return loadstring(loop_text, "=(loop of " .. script.key .. ")")(check, rt.set[set].view, cell, index, fire)
end

local flow_hooks = { start = "start", detected = "detected", periodic = "periodic", ["end"] = "end" }
local host_hooks = { minute = "minute", ["5min"] = "5min", hour = "hour", day = "day" }

local function need(cond, fmt, ...)
	if not cond then error(fmt:format(...), 0) end
end

local members = { "title", "description", "category", "mitre", "score", "severity", "client_score", "api", "params", "flow", "on",
	"host", "every", "alert", "timers" }

-- A name that is misspelt would do nothing, and nobody would know.
local function check_members(meta)
	local known = {}
	for _, name in ipairs(members) do known[name] = true end
	for name in next, meta do
		need(known[name], "the table has '%s', which is none of %s", tostring(name), table.concat(members, ", "))
	end
end

local function text_of(meta, name, default)
	local v = rawget(meta, name)
	if v == nil then return default end
	need(type(v) == "string", "%s must be a text", name)
	return v
end

local function score_of(meta)
	local score = rawget(meta, "score")
	local severity = rawget(meta, "severity")
	if severity ~= nil then
		need(score == nil, "score and severity: one follows from the other, give one")
		score = sys.severity_score[severity]
		need(score, "severity is none of info, notice, warning, error, critical, emergency")
	end
	score = score == nil and 50 or score
	need(type(score) == "number" and score >= 1 and score <= 250, "score must be from 1 to 250")
	return score
end

local function hooks_of(on, known, default, what)
	local list = {}
	on = on == nil and { default } or type(on) == "string" and { on } or on
	need(type(on) == "table", "%s must be a text or a list of texts", what)
	for _, name in ipairs(on) do
		need(known[name], "%s: '%s' is none of %s", what, tostring(name), sys.hook_names[what])
		list[#list + 1] = name
	end
	need(#list > 0, "%s is empty", what)
	return list
end

-- What the script returned, checked, as a flat table that C reads.
local function read_metadata(script, meta)
	need(type(meta) == "table", "the script does not return a table")
	check_members(meta)
	local out = {
		title = text_of(meta, "title", script.key),
		description = text_of(meta, "description", ""),
		mitre = text_of(meta, "mitre", ""),
		category = text_of(meta, "category", "security"),
		score = score_of(meta),
		loops = {},
	}
	out.client_score = rawget(meta, "client_score")
	if out.client_score == nil then out.client_score = math.floor(out.score / 2) end
	need(type(out.client_score) == "number" and out.client_score >= 0 and out.client_score <= out.score,
	     "client_score must be from 0 to score")
	local api = rawget(meta, "api")
	need(api == nil or api == sys.api, "written for version %s of the interface; this is %d", tostring(api), sys.api)
	local function add(set, hooks, fn, what)
		need(type(fn) == "function", "%s must be a function", what)
		for _, hook in ipairs(hooks) do
			out.loops[hook] = make_loop(script, set, hook, fn)
		end
	end
	local flow, host, alert = rawget(meta, "flow"), rawget(meta, "host"), rawget(meta, "alert")
	if flow ~= nil then add("flow", hooks_of(rawget(meta, "on"), flow_hooks, "end", "on"), flow, "flow") end
	if host ~= nil then
		local every = hooks_of(rawget(meta, "every"), host_hooks, "minute", "every")
		need(#every == 1, "every: one period")
		add("host", every, host, "host")
	end
	if alert ~= nil then add("alert", { "alert" }, alert, "alert") end
	local timers = rawget(meta, "timers")
	if timers ~= nil then
		need(type(timers) == "table", "timers must be a table of functions")
		for name, fn in pairs(timers) do
			need(type(name) == "string" and type(fn) == "function", "timers must be a table of functions")
		end
		script.timers = timers
	end
	need(next(out.loops) or timers, "the table has none of the functions flow, host, alert and timers")
	out.timers = timers ~= nil
	return out
end

local function is_default(value)
	local kind = type(value)
	if kind ~= "table" then return kind == "number" or kind == "string" or kind == "boolean" end
	for _, item in next, value do
		if type(item) ~= "string" then return false end
	end
	return true
end

-- Values of the parameters: the script's default, or what the topology has, as the type of the default.
local function read_params(script, meta, given)
	local declared = type(meta) == "table" and rawget(meta, "params") or {}
	need(type(declared) == "table", "params must be a table")
	for name, d in pairs(declared) do
		local value = d
		need(type(name) == "string", "params: names are texts")
		if type(d) == "table" and rawget(d, "default") ~= nil then value = rawget(d, "default") end
		need(is_default(value), "parameter %s: its default is no number, text, boolean or list of texts", name)
		local texts = given[name]
		if texts then
			local kind = type(value)
			need(kind == "table" or #texts == 1, "parameter %s: one value, not %d", name, #texts)
			if kind == "number" then
				value = rt.number(texts[1])
				need(value, "parameter %s: '%s' is no number", name, texts[1])
			elseif kind == "boolean" then
				need(texts[1] == "yes" or texts[1] == "no" or texts[1] == "true" or texts[1] == "false",
				     "parameter %s: yes or no", name)
				value = texts[1] == "yes" or texts[1] == "true"
			elseif kind == "table" then
				value = texts
			else
				value = texts[1]
			end
		end
		script.env.param[name] = value
	end
	for name in pairs(given) do
		need(declared[name] ~= nil, "it has no parameter '%s'", name)
	end
end

-- 'name=value' lines; of a list, its items with commas.
local function params_in_lines(params)
	local flat = {}
	for name, v in pairs(params) do
		if type(v) == "table" then
			local items = {}
			for i, item in ipairs(v) do items[i] = tostring(item) end
			v = table.concat(items, ", ")
		end
		flat[name] = v
	end
	return lines(flat)
end

local function load_script(script, source, given, style)
	source = rt.plain_source(source)
	local names = rt.names_in(source)
	for _, set in pairs(rt.set) do set.prepare(names) end
	-- As it is, first: what does not stand alone must not stand inside a function, as ntopng's scripts will.
	local chunk, why = sys.load(source, "@" .. script.path)
	if not chunk then error(why, 0) end
	rt.check_numbers(source, script.path)
	if style then return rt.load_ntopng(script, source, style, make_loop) end
	script.env = rt.make_env(script)
	setfenv(chunk, script.env)
	rt.running = script
	local meta = chunk()
	read_params(script, meta, given)
	local out = read_metadata(script, meta)
	out.params = params_in_lines(script.env.param)
	return out
end

-- Loads a script. Errors are thrown as text.
function rt.load_script(number, key, path, source, given, style)
	local script = { key = key, number = number, path = path }
	local out = load_script(script, source, given, style)
	script.loaded = true
	rt.scripts[number] = script
	return out
end

-- A script that is out of service holds nothing: its environment, which its functions have, is emptied.
function rt.forget(number)
	local script = rt.scripts[number]
	for name in next, script.env do script.env[name] = nil end
	rt.scripts[number] = { key = script.key, number = number, path = script.path }
	rt.running = nil
end

-- Called by C before a check of a script runs: state tables and timers belong to it.
function rt.enter(number)
	rt.running = rt.scripts[number]
end

-- For tests: the environment of a script.
function rt.environment(number)
	return rt.scripts[number].env
end

-- Has the compiler taken a loop? true, false if it gave up or never saw it.
local jutil = require("jit.util")
function rt.is_compiled(loop)
	local names = require("jit.vmdef").bcnames
	local pc = 1
	while true do
		local ins = jutil.funcbc(loop, pc)
		if not ins then return false end
		local op = bit.band(ins, 0xff)
		if names:sub(op * 6 + 1, op * 6 + 6) == "JFORL " then return true end
		pc = pc + 1
	end
end

-- What the compiler did since this was first asked: traces made, given up, times that all was thrown away; and why.
local counted, why
local function watch_jit()
	counted, why = { stop = 0, abort = 0, flush = 0 }, {}
	jit.attach(function(what, _, func, pc, code, reason)
		counted[what] = (counted[what] or 0) + 1
		if what == "abort" and #why < 1000 then
			local info = jutil.funcinfo(func, pc)
			why[#why + 1] = ("%s: %s %s"):format(tostring(info.loc), tostring(code), tostring(reason))
		end
	end, "trace")
end
function rt.jit_counts()
	if not counted then watch_jit() end
	return counted.stop, counted.abort, counted.flush, table.concat(why, "\n")
end

return rt

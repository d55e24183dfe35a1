-- The box: what scripts may use. Everything here is either harmless or guarded; box of each script is its own, so that none
-- can change what another one sees. Nothing here tells time, addresses in memory or an order that another run would not have.
local rt = ...
local sys, cell, inside = rt.sys, rt.cell, rt.inside
local type, tostring, tonumber, select, error, rawget, next = type, tostring, tonumber, select, error, rawget, next
local getmetatable, setmetatable, ipairs, lua_pcall = getmetatable, setmetatable, ipairs, pcall
local floor, math_huge, sort, concat = math.floor, math.huge, table.sort, table.concat
local s_find, s_match, s_gsub, s_gmatch = string.find, string.match, string.gsub, string.gmatch
local s_format, s_rep, s_sub = string.format, string.rep, string.sub

local MAX_SUBJECT, MAX_PATTERN, MAX_REPEATS = 65536, 500, 10
local MAX_TEXT = 1048576

-- A table as text would be its address.
local function text(v)
	local kind = type(v)
	if kind == "string" then return v end
	if kind == "number" or kind == "boolean" or kind == "nil" then return tostring(v) end
	if inside[v] then return tostring(v) end
	local mt = getmetatable(v)
	local f = kind == "table" and type(mt) == "table" and rawget(mt, "__tostring")
	if type(f) ~= "function" then return kind end
	local said = f(v)
	if type(said) ~= "string" then error("'__tostring' must return a string", 2) end
	return said
end
rt.text = text

-- Memory that is used up ends the call, whoever would catch that: memory is shared, and to be told again and again that there
-- is none is more than LuaJIT stands.
local function result(ok, err, ...)
	if not ok and err == "not enough memory" then error(err, 0) end
	return ok, err, ...
end
local function pcall(f, ...)
	return result(lua_pcall(f, ...))
end

-- -- order --

local ranks = { number = 1, string = 2, boolean = 3 }
local function before(a, b)
	local ka, kb = type(a), type(b)
	if ka ~= kb then return ranks[ka] < ranks[kb] end
	if ka == "boolean" then return not a and b end
	return a < b
end

local function check_key(k)
	if not ranks[type(k)] then
		error(("keys of type %s have no order that every run would have"):format(type(k)), 3)
	end
end

-- Tables whose contents are made when asked for (ntopng.lua): contents[t]() gives them.
local contents = setmetatable({}, { __mode = "k" })
rt.contents = contents

local function sorted_keys(t)
	local keys, n = {}, 0
	for k in next, t do
		check_key(k)
		n = n + 1
		keys[n] = k
	end
	sort(keys, before)
	return keys
end
rt.sorted_keys = sorted_keys

local function open(t, what)
	local make = contents[t]
	if make then return make() end
	if type(t) ~= "table" then error(("bad argument #1 to '%s' (table expected, got %s)"):format(what, type(t)), 3) end
	return t
end

local function pairs(t)
	local view = inside[t]
	local i = 0
	if view then
		return function()
			i = i + 1
			local key = view.order[i]
			if key == nil then return nil end
			local read = view.get[key]
			if read then return key, read() end
			return key, view.sub[key]
		end, t, nil
	end
	t = open(t, "pairs")
	local keys = sorted_keys(t)
	return function()
		local value
		repeat
			i = i + 1
			value = t[keys[i]]
		until value ~= nil or keys[i] == nil
		return keys[i], value
	end, t, nil
end

rt.pairs = pairs

local function next_in_order(t, after)
	t = open(t, "next")
	local best
	for k in next, t do
		check_key(k)
		if (after == nil or before(after, k)) and (best == nil or before(k, best)) then best = k end
	end
	return best, best ~= nil and t[best] or nil
end

-- 'name=value' lines: what separates them does not come from a name or a value.
function rt.lines(values)
	local out, n = {}, 0
	for _, k in ipairs(sorted_keys(values)) do
		n = n + 1
		out[n] = s_gsub(text(k), "[=%c]", " ") .. "=" .. s_gsub(text(values[k]), "%c", " ")
	end
	return table.concat(out, "\n")
end

-- A number as in weir.yaml: 5, 1.5, 64M, 10m is a time.
local units = { s = 1, m = 60, h = 3600, d = 86400, K = 1024, M = 1048576, G = 1073741824, T = 1099511627776 }
function rt.number(s)
	if type(s) ~= "string" then return nil end
	local n, unit = s_match(s, "^(%-?[%d.]+)%s*(%a?)[iB]*$")
	n = tonumber(n)
	if not n or unit == "" then return n end
	return units[unit] and n * units[unit]
end

-- -- strings --

local good, n_good = {}, 0

-- A pattern may take a time that grows with a power of the length of the text.
local function check_pattern(s, pattern)
	if type(s) == "string" and #s > MAX_SUBJECT then error("text too long to search with a pattern", 3) end
	if type(pattern) ~= "string" or good[pattern] then return end
	local _, repeats = s_gsub(pattern, "[*+%-]", "")
	if #pattern > MAX_PATTERN or repeats > MAX_REPEATS then error("pattern too complex", 3) end
	if n_good == 1000 then good, n_good = {}, 0 end
	good[pattern], n_good = true, n_good + 1
end

local function copy(lib, names)
	local out = {}
	for name in names:gmatch("%S+") do out[name] = assert(lib[name], name) end
	return out
end

-- gsub with what is called or looked up for each match. That of the library calls Lua from C, and a script that comes to it
-- again from there uses up the stack of C.
local function replace_each(str, pattern, by, max)
	local anchored = s_sub(pattern, 1, 1) == "^"
	local out, at, n = {}, 1, 0
	local function value(from, to, first, ...)
		if from == nil then return nil end
		local whole = s_sub(str, from, to)
		local key, v = first == nil and whole or first, nil
		if type(by) == "table" then v = by[key] else v = by(key, ...) end
		if v and type(v) ~= "string" and type(v) ~= "number" then
			error("invalid replacement value (a " .. type(v) .. ")", 4)
		end
		return from, to, v or whole
	end
	while n < max and not (anchored and n > 0) do
		local from, to, v = value(s_find(str, pattern, at))
		if not from then break end
		n = n + 1
		out[#out + 1] = s_sub(str, at, from - 1)
		out[#out + 1] = v
		at = to + 1
		if to < from then -- nothing was matched: one character goes as it is
			if from > #str then break end
			out[#out + 1] = s_sub(str, from, from)
			at = from + 1
		end
	end
	out[#out + 1] = s_sub(str, at)
	return concat(out), n
end

local function make_string()
	local s = copy(string, "byte char len lower reverse sub upper")
	function s.find(str, pattern, init, plain)
		if not plain then check_pattern(str, pattern) end
		return s_find(str, pattern, init, plain)
	end
	function s.match(str, pattern, init)
		check_pattern(str, pattern)
		return s_match(str, pattern, init)
	end
	function s.gmatch(str, pattern)
		check_pattern(str, pattern)
		return s_gmatch(str, pattern)
	end
	function s.gsub(str, pattern, by, n)
		check_pattern(str, pattern)
		local kind = type(by)
		if (kind == "function" or kind == "table") and type(str) == "string" and type(pattern) == "string" then
			return replace_each(str, pattern, by, n == nil and math_huge or tonumber(n) or 0)
		end
		return s_gsub(str, pattern, by, n)
	end
	function s.rep(str, n, sep)
		local len = type(str) == "string" and #str or 0
		len = len + (type(sep) == "string" and #sep or 0)
		if tonumber(n) and len * tonumber(n) > MAX_TEXT then error("text would be too long", 2) end
		return s_rep(str, n, sep)
	end
	function s.format(fmt, ...)
		local n = select("#", ...)
		if type(fmt) == "string" and (#fmt > MAX_PATTERN * 8 or s_find(fmt, "%%[-+ #0-9.]*p")) then
			error("format not allowed", 2)
		end
		for i = 1, n do
			local kind = type((select(i, ...)))
			if kind ~= "string" and kind ~= "number" then
				local args = { ... }
				for k = i, n do args[k] = type(args[k]) == "number" and args[k] or text(args[k]) end
				return s_format(fmt, unpack(args, 1, n))
			end
		end
		return s_format(fmt, ...)
	end
	return s
end

-- ("x"):rep(9) finds its way here; scripts cannot reach the table itself.
local meta = getmetatable("")
meta.__index = make_string()
meta.__metatable = false

-- -- chance: from packet time and the row, so that it is the same in every run --

local bit = require("bit")
local function random(m, n)
	cell.draws = cell.draws + 1
	local x = bit.bxor(bit.tobit(cell.now * 1000), bit.tobit(cell.row * 0x9e3779b1), bit.tobit(cell.draws * 0x85ebca6b))
	for _ = 1, 3 do
		x = bit.bxor(x, bit.lshift(x, 13))
		x = bit.bxor(x, bit.rshift(x, 17))
		x = bit.bxor(x, bit.lshift(x, 5))
	end
	local r = (x % 4294967296) / 4294967296
	if not m then return r end
	if not n then m, n = 1, m end
	if m > n then error("bad argument to 'random' (interval is empty)", 2) end
	return floor(m + r * (n - m + 1))
end

-- -- the environment --

local math_names = "abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp ldexp log log10 max min modf pow rad " ..
	"sin sinh sqrt tan tanh"

local function env_of(script)
	local env = {
		assert = assert, error = error, ipairs = ipairs, pcall = pcall, select = select, tonumber = tonumber,
		type = type, unpack = unpack, rawequal = rawequal, rawget = rawget, rawset = rawset,
		getmetatable = getmetatable, setmetatable = setmetatable,
		pairs = pairs, next = next_in_order, tostring = text,
		string = make_string(),
		table = copy(table, "concat insert maxn remove sort"),
		math = copy(math, math_names),
		bit = copy(bit, "arshift band bnot bor bswap bxor lshift rol ror rshift tobit tohex"),
		_VERSION = _VERSION,
	}
	env.math.pi, env.math.huge, env.math.random = math.pi, math.huge, random
	env.table.unpack = unpack
	env._G = env
	function env.print(...)
		local out = {}
		for i = 1, select("#", ...) do out[i] = text((select(i, ...))) end
		sys.print(script.key, table.concat(out, "\t"))
	end
	return env
end
rt.env_of = env_of

local raise_members = { host = "string", vlan = "number", message = "string", score = "number", values = "table" }

-- What is misspelt or of another type would be left out, and nobody would know.
local function check_raise(t)
	for name, value in next, t do
		local kind = raise_members[name]
		if not kind then error(("raise: '%s' is none of host, vlan, message, score, values"):format(text(name)), 3) end
		if type(value) ~= kind then error(("raise: %s must be a %s, not a %s"):format(name, kind, type(value)), 3) end
	end
	if rawget(t, "host") == nil then error("raise: host must be an address", 3) end
	local score = rawget(t, "score") or 1
	if not (score >= 1 and score <= 250) then error("raise: score must be from 1 to 250", 3) end
end

-- What weir's own scripts have beside the language.
function rt.make_env(script)
	local env = env_of(script)
	env.param = {}
	env.state, env.timer = rt.make_state(script), rt.make_timer(script)
	-- Packet time, in seconds since 1970.
	function env.now() return cell.now end
	-- A time in the configured time zone: hour, min, sec, wday (1 = Sunday), day, month, year.
	function env.localtime(t)
		t = t == nil and cell.now or tonumber(t)
		if not t then error("bad argument #1 to 'localtime' (number expected)", 2) end
		return sys.localtime(t)
	end
	-- Raises an alert for any host, from any function.
	function env.raise(t)
		if type(t) ~= "table" then error("bad argument #1 to 'raise' (table expected)", 2) end
		check_raise(t)
		rt.note(-1, rawget(t, "score") or true, rawget(t, "message"), rawget(t, "values"),
			text(rawget(t, "vlan") or 0) .. " " .. rawget(t, "host"))
	end
	return env
end

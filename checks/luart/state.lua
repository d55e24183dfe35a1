-- State that outlives a call and a restart: bounded tables with expiry, and timers, both in packet time.
local rt = ...
local cell = rt.cell
local type, tostring, tonumber, floor = type, tostring, tonumber, math.floor

local MAX_ENTRIES, MAX_VALUE, MAX_TIMERS = 1000000, 4096, 10000

local function plain(v, what)
	local kind = type(v)
	if kind == "string" and #v > MAX_VALUE then error(what .. ": text too long", 3) end
	if kind ~= "number" and kind ~= "string" and kind ~= "boolean" then
		error(("%s must be a number, a text or a boolean, not a %s"):format(what, kind), 3)
	end
	return v
end

-- -- tables --
-- value[key], at[key]: when it was written; queue: keys in the order of their first writing, seen again when they are old.

local function forget(t, key)
	t.value[key], t.at[key] = nil, nil
	t.count = t.count - 1
end

-- Looks at the head of the queue: true if it is gone. What was written since it was queued goes to the end; what has expired
-- goes, and if room is wanted, also what has not.
local function step(t, room)
	local head = t.head
	local key = t.queue[head]
	if head == t.tail then return false end
	local at = t.at[key]
	if at and t.queued[key] == head then
		if at > t.since[key] then
			t.queue[t.tail], t.queued[key], t.since[key] = key, t.tail, at
			t.tail = t.tail + 1
		elseif at + t.ttl <= cell.now or room then
			if at + t.ttl > cell.now then t.evicted = t.evicted + 1 end
			forget(t, key)
			t.queued[key], t.since[key] = nil, nil
		else
			return false
		end
	end
	t.queue[head] = nil
	t.head = head + 1
	return true
end

local function get(t, key)
	local at = t.at[key]
	if at and at + t.ttl > cell.now then return t.value[key] end
	return nil
end

local function set(t, key, value)
	if t.at[key] == nil then
		-- Two looks for each new entry keep up with any rate; a loop would keep the check's own from being compiled.
		if step(t, false) then step(t, false) end
		if t.count >= t.max then
			while t.count >= t.max do step(t, true) end
		end
		t.queue[t.tail], t.queued[key], t.since[key] = key, t.tail, cell.now
		t.tail = t.tail + 1
		t.count = t.count + 1
	end
	t.value[key], t.at[key] = value, cell.now
end

local function delete(t, key)
	if t.at[key] == nil then return end
	forget(t, key)
	t.queued[key], t.since[key] = nil, nil
end

local function new_table(script, scope, spec)
	if script.loaded then error("state tables are made while the script is loaded: later ones would not outlive a restart", 3) end
	if type(spec) ~= "table" then error("a table was expected, such as {name = \"seen\", ttl = 600}", 3) end
	for k in next, spec do
		if k ~= "name" and k ~= "ttl" and k ~= "max" then error(("'%s' is none of name, ttl, max"):format(rt.text(k)), 3) end
	end
	local name, ttl, max = spec.name, spec.ttl or 3600, spec.max or 100000
	if type(name) ~= "string" or not name:find("^[%w_]+$") then error("name: letters, digits and _", 3) end
	if script.state[name] then error("a state table of that name is there already", 3) end
	if type(ttl) ~= "number" or not (ttl > 0) then error("ttl: seconds, more than 0", 3) end
	if type(max) ~= "number" or not (max >= 1 and max <= MAX_ENTRIES) then error("max: from 1 to 1000000 entries", 3) end
	local t = { name = name, scope = scope, ttl = ttl, max = max, value = {}, at = {}, since = {}, queue = {}, queued = {},
		    head = 1, tail = 1, count = 0, evicted = 0 }
	script.state[name] = t
	script.state_order[#script.state_order + 1] = name
	return t
end

-- The object that the script holds: closures only. key_of makes a key of the first argument, or of the record at hand.
local function face(t, key_of)
	local object = {}
	function object.get(_, key) return get(t, key_of(key)) end
	function object.set(_, key, value)
		if value == nil then delete(t, key_of(key)) else set(t, key_of(key), plain(value, "value")) end
	end
	-- Adds to a number, which begins at 0; returns the sum.
	function object.add(_, key, n)
		key = key_of(key)
		n = n == nil and 1 or n
		local old = get(t, key)
		if type(n) ~= "number" or (old ~= nil and type(old) ~= "number") then error("add: numbers only", 2) end
		local sum = (old or 0) + n
		set(t, key, sum)
		return sum
	end
	function object.delete(_, key) delete(t, key_of(key)) end
	function object.count()
		while step(t, false) do end
		return t.count
	end
	return object
end

-- A function of a host has a host, one of a flow a flow; timers and the text of a script have neither.
local function need_at_hand(set)
	if cell.set ~= rt.set_number[set] then error("no " .. set .. " is at hand", 4) end
end

function rt.make_state(script)
	script.state, script.state_order = {}, {}
	local host_ip, flow_id
	return {
		global = function(spec)
			return face(new_table(script, "global", spec), function(key)
				local kind = type(key)
				if kind ~= "string" and kind ~= "number" or key ~= key then error("key: a text or a number", 3) end
				return key
			end)
		end,
		-- Of the host at hand in a host function, else of the address given.
		host = function(spec)
			host_ip = host_ip or rt.set.host.read("ip")
			return face(new_table(script, "host", spec), function(key)
				if key == nil then
					need_at_hand("host")
					return host_ip()
				end
				if type(key) ~= "string" then error("key: an address", 3) end
				return key
			end)
		end,
		-- Of the flow at hand.
		flow = function(spec)
			flow_id = flow_id or rt.set.flow.read("id")
			local object = face(new_table(script, "flow", spec), function()
				need_at_hand("flow")
				return flow_id()
			end)
			local with_key = { set = object.set, add = object.add }
			function object.set(self, value) return with_key.set(self, nil, value) end
			function object.add(self, n) return with_key.add(self, nil, n) end
			return object
		end,
	}
end

-- -- timers --

function rt.make_timer(script)
	script.pending, script.every, script.order = {}, {}, 0
	local timer = {}
	local function check(seconds, name)
		if type(seconds) ~= "number" or not (seconds > 0) then error("seconds: more than 0", 3) end
		if type(name) ~= "string" then error("the name of a function in timers was expected", 3) end
	end
	-- Once, in so many seconds, with an argument.
	function timer.after(seconds, name, arg)
		check(seconds, name)
		if arg ~= nil then plain(arg, "argument") end
		if #script.pending >= MAX_TIMERS then error("too many timers", 2) end
		script.order = script.order + 1
		table.insert(script.pending, { due = cell.now + seconds, name = name, arg = arg, order = script.order })
	end
	-- At each multiple of so many seconds.
	function timer.every(seconds, name)
		check(seconds, name)
		if #script.every >= 100 then error("too many timers", 2) end
		table.insert(script.every, { seconds = seconds, name = name, last = -1 })
	end
	return timer
end

-- Is something due? Cheap, as it is asked at every tick.
function rt.has_due(number)
	local script = rt.scripts[number]
	local now = cell.now
	if not script.every then return false end
	for _, e in ipairs(script.every) do
		local turn = floor(now / e.seconds)
		if e.last < 0 then e.last = turn end
		if turn > e.last then return true end
	end
	for _, p in ipairs(script.pending) do
		if p.due <= now then return true end
	end
	return false
end

-- Runs what is due; called until it returns false.
function rt.run_due(number)
	local script = rt.scripts[number]
	local now = cell.now
	local name, arg
	for _, e in ipairs(script.every) do
		local turn = floor(now / e.seconds)
		if not name and turn > e.last then
			e.last, name = turn, e.name
		end
	end
	if not name then
		local best
		for i, p in ipairs(script.pending) do
			local b = best and script.pending[best]
			if p.due <= now and (not b or p.due < b.due or (p.due == b.due and p.order < b.order)) then best = i end
		end
		if not best then return false end
		local p = table.remove(script.pending, best)
		name, arg = p.name, p.arg
	end
	local fn = script.timers and rawget(script.timers, name)
	if type(fn) ~= "function" then error(("timers has no function '%s'"):format(name), 0) end
	fn(arg)
	return true
end

-- -- keeping --
-- A text of items: kind letter, length, ':', bytes. A reader that knows less than the writer stops at what it does not know.

local function item(out, v)
	local kind = type(v)
	local s = kind == "number" and ("%.17g"):format(v) or kind == "boolean" and (v and "1" or "0") or v == nil and "" or v
	out[#out + 1] = kind:sub(1, 1) .. #s .. ":" .. s
end

-- Changes nothing: when it is taken must not be seen in what comes out later.
local function save_table(out, t)
	item(out, "table")
	item(out, t.name)
	item(out, t.scope)
	item(out, t.count)
	for i = t.head, t.tail - 1 do
		local key = t.queue[i]
		if t.queued[key] == i then
			item(out, key)
			item(out, t.value[key])
			item(out, t.at[key])
			item(out, t.since[key])
		end
	end
end

function rt.save()
	local out = {}
	item(out, "weir lua state 1")
	for _, script in ipairs(rt.scripts) do
		if script.state then
			item(out, "script")
			item(out, script.key)
			for _, name in ipairs(script.state_order) do save_table(out, script.state[name]) end
			for _, e in ipairs(script.every) do
				item(out, "every")
				item(out, e.name)
				item(out, e.seconds)
				item(out, e.last)
			end
			for _, p in ipairs(script.pending) do
				item(out, "after")
				item(out, p.name)
				item(out, p.due)
				item(out, p.arg)
			end
		end
		for k, v in pairs(script.skip or {}) do
			item(out, "skip")
			item(out, script.key)
			item(out, k)
			item(out, v)
		end
	end
	item(out, "end")
	return table.concat(out)
end

local function reader(text)
	local at = 1
	local function bad() error("not a saved state of Lua checks", 0) end
	return function(want)
		local kind, len, from = string.match(text, "^(%l)(%d+):()", at)
		len = tonumber(len)
		if not kind or len > #text - from + 1 then bad() end
		local s = text:sub(from, from + len - 1)
		at = from + len
		local v
		if kind == "s" then v = s
		elseif kind == "n" and len > 0 then v = tonumber(s) or bad()
		elseif kind == "b" then v = s == "1"
		elseif kind ~= "n" then bad() end
		if want and type(v) ~= want then bad() end
		return v
	end
end

-- Reads all before it changes anything.
function rt.load(text)
	local read = reader(text)
	local by_key, todo = {}, {}
	local script
	for _, s in ipairs(rt.scripts) do by_key[s.key] = s end
	if read("string") ~= "weir lua state 1" then error("not a saved state of Lua checks", 0) end
	while true do
		local what = read("string")
		if what == "end" then break end
		if what == "script" then
			script = by_key[read("string")]
		elseif what == "table" then
			local name, scope, count = read("string"), read("string"), read("number")
			local t = script and script.state and script.state[name]
			if t and t.scope ~= scope then t = nil end
			local entries = {}
			for _ = 1, count do
				local key, value, at, since = read(), read(), read("number"), read("number")
				if key == nil or value == nil then error("not a saved state of Lua checks", 0) end
				entries[#entries + 1] = { key, value, at, since }
			end
			if t then todo[#todo + 1] = function()
				t.value, t.at, t.since, t.queue, t.queued = {}, {}, {}, {}, {}
				t.head, t.tail, t.count = 1, 1, 0
				for _, e in ipairs(entries) do
					if t.at[e[1]] == nil and t.count < t.max then
						t.queue[t.tail], t.queued[e[1]], t.since[e[1]] = e[1], t.tail, e[4]
						t.tail, t.count = t.tail + 1, t.count + 1
						t.value[e[1]], t.at[e[1]] = e[2], e[3]
					end
				end
			end end
		elseif what == "every" then
			local s, name, seconds, last = script, read("string"), read("number"), read("number")
			todo[#todo + 1] = function()
				for _, e in ipairs(s and s.every or {}) do
					if e.name == name and e.seconds == seconds then e.last = last end
				end
			end
		elseif what == "after" then
			local s, name, due, arg = script, read("string"), read("number"), read()
			if s and s.pending then todo[#todo + 1] = function()
				s.order = s.order + 1
				table.insert(s.pending, { due = due, name = name, arg = arg, order = s.order })
			end end
		elseif what == "skip" then
			local s, key, till = by_key[read("string")], read("string"), read("number")
			if s and s.skip then todo[#todo + 1] = function() s.skip[key] = till end end
		else
			error("not a saved state of Lua checks", 0)
		end
	end
	for _, s in ipairs(rt.scripts) do
		if s.pending then s.pending = {} end
	end
	for _, f in ipairs(todo) do f() end
end

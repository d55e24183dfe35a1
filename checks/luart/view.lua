-- Records as scripts see them: read-only objects with the names of weir-fields(7), over rows that C fills.
--
-- A view is a userdata: nothing can be stored in it, raw functions do not apply to it, and it holds no pointer. Behind
-- view.a.b are closures over the rows. Numbers are read from the record; what needs memory (texts, addresses) is made by C
-- for all rows of a batch and read from a column.
local rt = ...
local sys, cell = rt.sys, rt.cell
local ffi = require("ffi")

local ctypes = {
	flag = "uint8_t", u8 = "uint8_t", u16 = "uint16_t", u32 = "uint32_t", u64 = "uint64_t", f64 = "double",
	time = "uint64_t", dur = "uint64_t", enum = "uint8_t", proto = "uint8_t", tcpflags = "uint8_t",
}

-- The record as the FFI sees it, from the descriptors; padding is spelled out so that both sides agree.
local function declare(desc)
	local fields, text, at = {}, { "struct weir_" .. desc.name .. " {" }, 0
	for i, f in ipairs(desc.fields) do fields[i] = f end
	table.sort(fields, function(a, b) return a.off < b.off end)
	local function pad(upto)
		if upto > at then text[#text + 1] = ("uint8_t pad%d[%d];"):format(at, upto - at) end
	end
	for _, f in ipairs(fields) do
		pad(f.off)
		if ctypes[f.kind] then
			text[#text + 1] = ("%s f%d;"):format(ctypes[f.kind], f.off)
		else
			text[#text + 1] = ("uint8_t f%d[%d];"):format(f.off, f.size)
		end
		at = f.off + f.size
	end
	pad(desc.size)
	text[#text + 1] = "};"
	ffi.cdef(table.concat(text, "\n"))
	local ct = ffi.typeof("struct weir_" .. desc.name)
	for _, f in ipairs(fields) do
		assert(ffi.offsetof(ct, "f" .. f.off) == f.off, f.name)
	end
	assert(ffi.sizeof(ct) == desc.size, desc.name)
	return ffi.cast(ffi.typeof("const $ *", ct), desc.rows)
end

local function items(text)
	local list, at, n = {}, 1, 0
	while at <= #text do
		local nl = text:find("\n", at, true) or #text + 1
		n = n + 1
		list[n] = text:sub(at, nl - 1)
		at = nl + 1
	end
	return list
end

local function map(text)
	local t = {}
	for _, item in ipairs(items(text)) do
		local name, value = item:match("^([^=]*)=(.*)$")
		if name then t[name] = tonumber(value) or value end
	end
	return t
end

-- What reads a number, by kind. A text of its own for each field, so that each is compiled by itself.
local number_text = {
	flag = "return rows[cell.row].%s ~= 0",
	u64 = "return tonumber(rows[cell.row].%s)",
	time = "return tonumber(rows[cell.row].%s) / 1e9",
	dur = "return tonumber(rows[cell.row].%s) / 1e9",
	enum = "return names[rows[cell.row].%s]",
}
number_text.proto, number_text.tcpflags = number_text.enum, number_text.enum

local function make_getter(desc, rows, f)
	if not f.column then
		local body = (number_text[f.kind] or "return rows[cell.row].%s"):format("f" .. f.off)
		return loadstring(("local rows, cell, names, tonumber = ... return function() %s end"):format(body),
				  "=" .. f.name)(rows, cell, f.names, tonumber)
	end
	local column = f.column
	if f.kind == "list" then return function() return items(column[cell.row]) end end
	if f.kind == "map" then return function() return map(column[cell.row]) end end
	return loadstring("local column, cell = ... return function() return column[cell.row] end", "=" .. f.name)(column, cell)
end

-- tables[view] = { order, get, sub }: for pairs, which may look inside.
local inside = setmetatable({}, { __mode = "k" })
rt.inside = inside

local function new_view(what, order, get, sub)
	local view = newproxy(true)
	local mt = getmetatable(view)
	mt.__index = function(_, key)
		local read = get[key]
		if read then return read() end
		local child = sub[key]
		if child then return child end
		error(("%s has no field '%s'"):format(what, tostring(key)), 2)
	end
	mt.__newindex = function() error("records are read-only", 2) end
	mt.__tostring = function() return what end
	mt.__metatable = false
	inside[view] = { order = order, get = get, sub = sub }
	return view
end

local function put(node, path, f)
	for part in path:gmatch("[^.]+") do
		local child = node.child[part]
		if not child then
			child = { child = {}, order = {} }
			node.child[part] = child
			node.order[#node.order + 1] = part
		end
		node = child
	end
	node.field = node.field or f
end

local function build(what, node, reader)
	local get, sub = {}, {}
	for _, part in ipairs(node.order) do
		local child = node.child[part]
		local name = what .. "." .. part
		if #child.order > 0 then
			-- A field that is a prefix of others too is its view's name.
			if child.field and not child.child.name then
				child.child.name = { child = {}, order = {}, field = child.field }
				table.insert(child.order, 1, "name")
			end
			sub[part] = build(name, child, reader)
		else
			reader(get, part, child.field)
		end
	end
	return new_view(what, node.order, get, sub)
end

local function make_set(desc)
	local rows = declare(desc)
	local root = { child = {}, order = {} }
	local set = { get = {}, field = {}, rows = rows }
	local function want(f)
		if f.column and not f.wanted then
			f.wanted = true
			sys.want(desc.name, f.number)
		end
	end
	-- All are made now: one that is made as a script runs, and is being compiled, is what the compiler gives that up for.
	local function reader(get, part, f)
		local fast = make_getter(desc, rows, f)
		get[part] = fast
		if f.column then
			get[part] = function()
				want(f)
				get[part] = fast
				return fast()
			end
			f.ready = f.ready or {}
			table.insert(f.ready, function() get[part] = fast end)
		end
	end
	for _, f in ipairs(desc.fields) do
		put(root, (f.prefix or "") .. f.name, f)
		set.field[f.name] = set.field[f.name] or f
	end
	set.view = build(desc.name, root, reader)
	-- A field by its full name, for the runtime itself.
	function set.read(name)
		local f = assert(set.field[name], name)
		want(f)
		return make_getter(desc, rows, f)
	end
	-- Makes ready what a script's text seems to use: what it uses without our seeing it is made ready on first use.
	function set.prepare(names)
		for _, f in ipairs(desc.fields) do
			if f.ready and names[f.name] then
				want(f)
				for _, ready in ipairs(f.ready) do ready() end
				f.ready = nil
			end
		end
	end
	return set
end

-- All that a text has behind a dot, up to the end of what could be a name: of 'flow.client.ip' client.ip and ip.
function rt.names_in(source)
	local names = {}
	for word in source:gmatch("[%w_.]+") do
		local dot = word:find(".", 1, true)
		while dot do
			names[word:sub(dot + 1)] = true
			dot = word:find(".", dot + 1, true)
		end
	end
	return names
end

rt.items = items
rt.set = {}
for _, desc in ipairs(sys.sets) do rt.set[desc.name] = make_set(desc) end

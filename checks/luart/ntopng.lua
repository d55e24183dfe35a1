-- Custom scripts written for ntopng, unmodified: the same global names, functions, shapes and types, over our records. What
-- we do not have fails with its name.
local rt = ...
local sys, cell, contents, text = rt.sys, rt.cell, rt.contents, rt.text
local type, tostring, tonumber, error, setmetatable, floor = type, tostring, tonumber, error, setmetatable, math.floor
local ffi = require("ffi")

-- What t does not have fails with its name.
local function only(what, t)
	return setmetatable(t, { __metatable = false, __index = function(_, name)
		error(("%s.%s: weir has no such function"):format(what, tostring(name)), 2)
	end })
end

-- -- addresses, from their bytes --

local function address_bytes(set, name)
	local rows, member = set.rows, "f" .. set.field[name].off
	return function(i) return rows[cell.row][member][i] end
end

local function is_multicast(byte)
	return function()
		if byte(0) == 0xff then return true end
		return byte(10) == 0xff and byte(11) == 0xff and byte(0) == 0 and byte(12) >= 224 and byte(12) <= 239
	end
end

local function is_broadcast(byte)
	return function()
		return byte(10) == 0xff and byte(11) == 0xff and byte(12) == 0xff and byte(13) == 0xff and byte(14) == 0xff and
			byte(15) == 0xff
	end
end

-- -- flows --

-- A table that is made of fields: index reads one, pairs and tprint see those that are there. order: keys.
local function fields_table(order, read)
	local t = setmetatable({}, {
		__metatable = false,
		__newindex = function() error("records are read-only", 2) end,
		__index = function(_, key)
			local f = read[key]
			if f then return f() end
			return nil
		end,
	})
	contents[t] = function()
		local real = {}
		for _, key in ipairs(order) do
			local v = read[key]()
			if v ~= nil then real[key] = v end
		end
		return real
	end
	return t
end

-- What makes each accessor. Made when a script has it: fields that nobody reads cost nothing.
local function flow_makers()
	local set = rt.set.flow
	local f = set.read
	local function text_if(name)
		local read = f(name)
		return function()
			local v = read()
			if v ~= "" then return v end
			return nil
		end
	end
	-- Present when a condition holds.
	local function when(cond, read)
		return function()
			if cond() then return read() end
			return nil
		end
	end
	local function table_of(rows)
		local order, read = {}, {}
		for i, row in ipairs(rows) do order[i], read[row[1]] = row[1], row[2] end
		local t = fields_table(order, read)
		return function() return t end
	end
	local make = {}
	local function field(accessor, name)
		make[accessor] = function() return f(name) end
	end
	field("cli", "client.ip")
	field("srv", "server.ip")
	field("cli_port", "client.port")
	field("srv_port", "server.port")
	field("vlan_id", "vlan")
	field("cli2srv_bytes", "client.bytes")
	field("srv2cli_bytes", "server.bytes")
	field("l7_master_proto", "app.master_id")
	field("l7_proto", "app.id")
	function make.protocol()
		return loadstring(("local rows, cell = ... return function() return rows[cell.row].f%d end")
			:format(set.field["proto"].off), "=proto")(set.rows, cell)
	end
	function make.bytes()
		local out, inn = f "client.bytes", f "server.bytes"
		return function() return out() + inn() end
	end
	function make.is_oneway()
		local out, inn = f "client.packets", f "server.packets"
		return function() return out() == 0 or inn() == 0 end
	end
	function make.is_unicast()
		local c, s = address_bytes(set, "client.ip"), address_bytes(set, "server.ip")
		local cm, sm, cb, sb = is_multicast(c), is_multicast(s), is_broadcast(c), is_broadcast(s)
		return function() return not (cm() or sm() or cb() or sb()) end
	end
	function make.direction()
		local c, s = f "client.local", f "server.local"
		return function()
			if c() then
				if s() then return "local@local" end
				return "local@remote"
			end
			if s() then return "remote@local" end
			return "remote2remote"
		end
	end
	function make.l7_proto_name()
		local app, master, app_name, master_name = f "app.id", f "app.master_id", f "app", f "app.master"
		local full_names = {}
		return function()
			local key = master() * 65536 + app()
			local name = full_names[key]
			if name then return name end
			local m, a = master_name(), app_name()
			name = a == "" and (m == "" and "Unknown" or m) or (m == "" or m == a) and a or m .. "." .. a
			if key ~= 0 then full_names[key] = name end
			return name
		end
	end
	function make.http()
		local url = f "http.url"
		local function has_url() return url() ~= "" end
		return table_of {
			{ "protos.http.last_method", when(has_url, f "http.method") },
			{ "protos.http.last_return_code", when(has_url, f "http.status") },
			{ "protos.http.last_url", text_if "http.url" },
			{ "protos.http.last_user_agent", when(has_url, text_if "http.user_agent") },
			{ "protos.http.last_server", when(has_url, text_if "http.server") },
			{ "protos.http.server_name", text_if "http.host" },
		}
	end
	function make.dns()
		local query = f "dns.query"
		local function has_query() return query() ~= "" end
		return table_of {
			{ "protos.dns.last_query", text_if "dns.query" },
			{ "protos.dns.last_query_type", when(has_query, f "dns.type") },
			{ "protos.dns.last_return_code", when(has_query, f "dns.rcode") },
			{ "protos.dns.invalid_chars_in_query", function()
				if query():find("[^%w_.%-]") then return true end
				return nil
			end },
		}
	end
	function make.ssh()
		return table_of {
			{ "protos.ssh.client_signature", text_if "ssh.client" },
			{ "protos.ssh.server_signature", text_if "ssh.server" },
			{ "protos.ssh.hassh.client_hash", text_if "ssh.hassh_client" },
			{ "protos.ssh.hassh.server_hash", text_if "ssh.hassh_server" },
		}
	end
	function make.tls_quic()
		-- TLS, and what runs over it: nDPI's numbers of TLS, QUIC, IMAPS, SMTPS, POPS.
		local ids = { [91] = true, [188] = true, [51] = true, [29] = true, [23] = true }
		local app, master, before, after = f "app.id", f "app.master_id", f "tls.not_before", f "tls.not_after"
		local names = f "tls.names"
		local function is_tls() return ids[master()] or ids[app()] or false end
		local function has_validity() return before() ~= 0 and after() ~= 0 end
		return table_of {
			{ "protos.tls_version", when(is_tls, f "tls.version_id") },
			{ "protos.tls.server_names", function()
				local list = table.concat(names(), ",")
				if list ~= "" then return list end
				return nil
			end },
			{ "protos.tls.client_alpn", text_if "tls.alpn" },
			{ "protos.tls.client_tls_supported_versions", text_if "tls.supported_versions" },
			{ "protos.tls.issuerDN", text_if "tls.issuer" },
			{ "protos.tls.subjectDN", text_if "tls.subject" },
			{ "protos.tls.client_requested_server_name", text_if "tls.sni" },
			{ "protos.tls.notBefore", when(has_validity, function() return floor(before()) end) },
			{ "protos.tls.notAfter", when(has_validity, function() return floor(after()) end) },
		}
	end
	return make
end

-- Those that the text names are made ahead, the rest when it comes to them.
local function make_flow_accessors(source)
	local make, flow = flow_makers(), {}
	for name, maker in pairs(make) do
		if string.find(source, "%f[%w_]" .. name .. "%f[^%w_]") then flow[name] = maker() end
	end
	return setmetatable(flow, { __metatable = false, __index = function(t, name)
		local maker = make[name]
		if not maker then error(("flow.%s: weir has no such function"):format(tostring(name)), 2) end
		local accessor = maker()
		rawset(t, name, accessor)
		return accessor
	end })
end

-- -- hosts --

local function make_host_accessors(script)
	local set = rt.set.host
	local function f(name) return set.read(name) end
	local ip, vlan, mac, sent, rcvd = f "ip", f "vlan", f "mac", f "bytes_sent", f "bytes_rcvd"
	local packets, counts = f "packets_sent", f "app_counts"
	local byte = address_bytes(set, "ip")
	local multicast, broadcast = is_multicast(byte), is_broadcast(byte)
	local function key() return ip() .. "@" .. vlan() end
	local ran = rt.make_state(script).global { name = "ran_before", ttl = 86400, max = 100000 }
	rt.make_timer(script)
	script.skip = {}
	local out_flows, in_flows = f "flows.unanswered_client", f "flows.unanswered_server"
	local host = {
		ip = ip, vlan_id = vlan, name = f "name", score = f "score", is_local = f "local",
		mac = function() return mac():upper() end,
		is_blacklisted = f "blacklisted",
		is_rx_only = function() return packets() == 0 end,
		is_multicast = multicast, is_broadcast = broadcast,
		is_unicast = function() return not (multicast() or broadcast()) end,
		bytes_sent = sent, bytes_rcvd = rcvd,
		bytes = function() return sent() + rcvd() end,
		l7 = function()
			local by_app = {}
			for name, text in rt.pairs(counts()) do
				local n, at = {}, 0
				for number, after in string.gmatch(text, "(%d+) ()") do
					n[#n + 1], at = tonumber(number), after
				end
				by_app[name] = {
					["bytes.sent"] = n[1], ["bytes.rcvd"] = n[2], ["packets.sent"] = n[3], ["packets.rcvd"] = n[4],
					num_flows = n[5], duration = n[6], breed = text:sub(at),
				}
			end
			return { ndpi = by_app }
		end,
		isFirstCheckRun = function() return not ran:get(key()) end,
		getUnidirectionalTCPUDPFlowsStats = function()
			return { num_ingress = in_flows(), num_egress = out_flows() }
		end,
		getNumContactedPeersAsClientTCPUDPNoTX = f "unanswered.servers",
		getNumContactsFromPeersAsServerTCPUDPNoTX = f "unanswered.clients",
		getNumContactedTCPUDPServerPortsNoTX = f "unanswered.ports",
		resetHostContacts = function() rt.note(cell.row, "reset") end,
		skipVisitedHost = function(skip, till)
			script.skip[key()] = skip and (tonumber(till) or math.huge) or nil
		end,
	}
	local function visit(run)
		return function()
			local k = key()
			local till = script.skip[k]
			if till then
				if till > cell.now then
					rt.note(cell.row, "skip")
					return
				end
				script.skip[k] = nil
			end
			run()
			ran:set(k, true)
		end
	end
	return host, visit
end

-- -- the environment --

local function trigger_alert(script, what, fire)
	return function(score, message)
		if type(score) ~= "number" or type(message) ~= "string" then
			sys.print(script.key, what .. ".triggerAlert: a number and a text were expected")
			return
		end
		fire(score < 1 and 1 or score > 250 and 250 or score, message)
		return message
	end
end

local function tprint(script)
	local function dump(out, v, indent, depth)
		local make = contents[v]
		v = make and make() or v
		if type(v) ~= "table" or depth > 10 then
			out[#out + 1] = text(v)
			return
		end
		for _, k in ipairs(rt.sorted_keys(v)) do
			local make_inner = contents[v[k]]
			local inner = make_inner and make_inner() or v[k]
			if type(inner) == "table" then
				out[#out + 1] = indent .. text(k) .. " table"
				dump(out, inner, indent .. "  ", depth + 1)
			else
				out[#out + 1] = ("%s%s %s %s"):format(indent, text(k), type(inner), text(inner))
			end
		end
	end
	return function(v)
		local out = {}
		dump(out, v, "", 0)
		sys.print(script.key, table.concat(out, "\n"))
	end
end

-- What is written to the terminal there goes to the log.
local function output(script)
	local function write(...)
		local out = {}
		for i = 1, select("#", ...) do out[i] = text((select(i, ...))) end
		sys.print(script.key, (string.gsub(table.concat(out), "\n$", "")))
	end
	local function file()
		local f
		f = only("io.stdout", {
			write = function(_, ...)
				write(...)
				return f
			end,
			flush = function() return f end,
		})
		return f
	end
	local out = file()
	return only("io", {
		write = function(...)
			write(...)
			return out
		end,
		flush = function() end, stdout = out, stderr = out,
	})
end

local function make_environment(script)
	local env = rt.env_of(script)
	local modules = "/usr/share/ntopng/scripts/lua/modules/?.lua"
	env.package = { path = modules, cpath = "", loaded = {} }
	env.ntop = only("ntop", { getDirs = function()
		local dir = "/usr/share/ntopng"
		return { installdir = dir, workingdir = "/var/lib/ntopng", scriptdir = dir .. "/scripts",
			 httpdocsdir = dir .. "/httpdocs", callbacksdir = dir .. "/scripts/callbacks" }
	end })
	env.interface, env.network, env.io = only("interface", {}), only("network", {}), output(script)
	env.os = only("os", {
		time = function(t)
			if t ~= nil then error("os.time with a table: weir has no such function", 2) end
			return floor(cell.now)
		end,
		clock = function() return cell.now end,
		date = function(format, t) return sys.date(format or "%c", tonumber(t) or cell.now) end,
	})
	function env.require(name)
		if name == "lua_utils" then
			env.tprint = env.tprint or tprint(script)
			env.package.loaded[name] = true
			return true
		end
		error(("module '%s': weir has no such module"):format(tostring(name)), 2)
	end
	env.tprint = tprint(script)
	env.table.unpack = unpack
	return env
end

-- -- function definitions --
-- A script's text runs anew for every record. Making a closure cannot be compiled, so functions that the text defines at its
-- top level, and that use none of its locals, are defined once, when it is loaded.

local words = rt.words
local opens = { ["function"] = 1, ["do"] = 1, ["if"] = 1, ["repeat"] = 1, ["end"] = -1, ["until"] = -1 }

local function blank(s) return (string.gsub(s, "[^\n]", " ")) end

-- Two texts with the same lines: the definitions, and the rest.
local function hoist(source)
	local list = words(source)
	local locals, depth, cut = {}, 0, {}
	local i = 1
	while i <= #list do
		local w = list[i].word
		local name, paren = list[i + 1], list[i + 2]
		if depth == 0 and w == "local" then
			local k = i + 1
			if list[k] and list[k].word == "function" then k = k + 1 end
			while list[k] and list[k].word:find("^[%a_]") do
				locals[list[k].word] = true
				if not (list[k + 1] and list[k + 1].word == ",") then break end
				k = k + 2
			end
			i = i + 1
			if list[i] and list[i].word == "function" then depth = depth + 1 end
		elseif depth == 0 and w == "function" and name and name.word:find("^[%a_]") and paren and paren.word == "(" and
		       (i == 1 or not (list[i - 1].word:find("^[=(,]$") or list[i - 1].word == "return")) then
			local level, k, free = 1, i + 1, not locals[name.word]
			while list[k + 1] and level > 0 do
				k = k + 1
				level = level + (opens[list[k].word] or 0)
				if locals[list[k].word] then free = false end
			end
			if free and level == 0 then
				cut[#cut + 1] = { list[i].at, list[k].stop }
				i = k
			else
				depth = depth + 1
			end
		else
			depth = depth + (opens[w] or 0)
		end
		i = i + 1
	end
	local rest, defs, at = {}, {}, 1
	for _, c in ipairs(cut) do
		local between, def = source:sub(at, c[1] - 1), source:sub(c[1], c[2])
		rest[#rest + 1], defs[#defs + 1] = between, blank(between)
		rest[#rest + 1], defs[#defs + 1] = blank(def), def
		at = c[2] + 1
	end
	rest[#rest + 1] = source:sub(at)
	return table.concat(rest), table.concat(defs)
end
rt.hoist = hoist

local function compile(script, source, env)
	local name = "@" .. script.path
	local rest, defs = hoist(source)
	local chunk, why = sys.load(defs, name)
	if not chunk then error(why, 0) end
	setfenv(chunk, env)()
	chunk, why = sys.load("return function() " .. rest .. "\nend", name)
	if not chunk then error(why, 0) end
	return setfenv(chunk, env)()
end

local titles = { start = "start", detected = "protocol detected", periodic = "periodic", ["end"] = "end", minute = "host" }

function rt.load_ntopng(script, source, hook, make_loop)
	local env = make_environment(script)
	local is_host = hook == "minute"
	script.env = env
	rt.running = script
	local out = {
		title = "Custom script (" .. titles[hook] .. ")",
		description = "A script written for ntopng raised an alert.",
		mitre = "", category = "security", score = 50, client_score = is_host and 50 or 25,
		loops = {},
	}
	local check
	if is_host then
		local host, visit = make_host_accessors(script)
		host.triggerAlert = trigger_alert(script, "host", rt.fire)
		env.host = only("host", host)
		local run = compile(script, source, env)
		check = visit(run)
	else
		env.flow = make_flow_accessors(source)
		env.flow.triggerAlert = trigger_alert(script, "flow", rt.fire)
		local run = compile(script, source, env)
		-- What the text returns means nothing.
		check = function() run() end
	end
	out.loops[hook] = make_loop(script, is_host and "host" or "flow", hook, check)
	return out
end

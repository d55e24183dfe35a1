-- A local host that sends much while nobody is at work. What it sent is counted from hour to hour: bytes_sent only grows.
local before = state.host { name = "before", ttl = 7200 }

local function is_office(t)
	local at = localtime(t)
	return at.wday >= 2 and at.wday <= 6 and at.hour >= param.from and at.hour < param.to
end

return {
	title = "Upload outside office hours",
	description = "A local host sent more than the limit within an hour outside of office hours.",
	category = "network",
	mitre = "T1048",
	score = 60,
	every = "hour",
	params = {
		limit = { default = 1e9, unit = "bytes", doc = "bytes sent in an hour" },
		from = { default = 8, unit = "hour", doc = "begin of office hours" },
		to = { default = 18, unit = "hour", doc = "end of office hours" },
	},
	host = function(host)
		local sent = host.bytes_sent
		local old = before:get() or 0
		before:set(nil, sent)
		if not host["local"] or sent - old <= param.limit then return end
		if is_office(now() - 1) then return end
		return true, ("%d bytes sent in an hour"):format(sent - old), { value = sent - old, threshold = param.limit }
	end,
}

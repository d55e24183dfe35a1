-- For test_engine_save.c: says what it knows at every hook, so that state which was lost or doubled shows.
local seen = state.global { name = "seen", ttl = 20, max = 50 }
local of_flow = state.flow { name = "of_flow", ttl = 60, max = 1000 }
local of_host = state.host { name = "of_host", ttl = 600, max = 100 }
timer.every(30, "sweep")
return {
	score = 5,
	on = { "start", "detected", "periodic", "end" },
	flow = function(flow)
		local n = seen:add(flow.client.ip)
		local m = of_flow:add(1)
		if n % 7 == 0 then timer.after(n % 50 + 1, "later", flow.server.ip) end
		return n % 3 == 0, ("%s was seen %d times, its flow %d times, of %d, %d"):format(flow.client.ip, n, m, seen:count(),
			math.random(1, 1000))
	end,
	every = "minute",
	host = function(host)
		return of_host:add(nil, host.bytes_sent) % 2 == 0, ("%d bytes"):format(of_host:get())
	end,
	alert = function(alert)
		if seen:add(alert.check) % 5 == 0 then return true, alert.check .. " again" end
	end,
	timers = {
		sweep = function() raise { host = "10.0.0.1", message = ("sweep at %d: %d"):format(now(), seen:count()) } end,
		later = function(ip) raise { host = ip, message = "later" } end,
	},
}

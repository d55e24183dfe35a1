-- The alert hook: one host that many different checks complain about.
local by_check = state.global { name = "by_check", ttl = 3600, max = 50000 }
local checks = state.global { name = "checks", ttl = 3600, max = 10000 }
return {
	title = "Many kinds of alerts about one host",
	description = "Several different checks raised alerts about the same attacker within an hour.",
	score = 150,
	params = { checks = { default = 4, unit = "checks", doc = "distinct checks within an hour" } },
	alert = function(alert)
		local who = alert.attacker ~= "" and alert.attacker or alert.flow.client.ip
		if who == "" or by_check:get(who .. " " .. alert.check) then return end
		by_check:set(who .. " " .. alert.check, true)
		local n = checks:add(who)
		if n == param.checks then return true, ("%d different checks, the last was %s"):format(n, alert.check) end
	end,
}

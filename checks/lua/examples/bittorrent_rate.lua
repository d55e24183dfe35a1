-- BitTorrent that takes a good part of the line, looked at while it goes on and when it ends.
return {
	title = "Fast BitTorrent transfer",
	description = "A BitTorrent flow carries more than the rate set in weir.yaml.",
	category = "network",
	score = 40,
	on = { "periodic", "end" },
	params = { rate = { default = 1e9, unit = "bit/s", doc = "rate above which it is told" } },
	flow = function(flow)
		if flow.app.name ~= "BitTorrent" then return end
		local seconds = flow.last - flow.start
		local rate = 8 * (flow.client.bytes + flow.server.bytes) / (seconds > 1 and seconds or 1)
		if rate > param.rate then
			return true, ("BitTorrent at %.1f Mbit/s"):format(rate / 1e6), { value = rate, threshold = param.rate }
		end
	end,
}

-- Voice and video calls whose quality is bad: from the RTP of Zoom, Teams and everything else that speaks it.
return {
	title = "Bad call quality",
	description = "A call over RTP has a low opinion score (estimated), from loss and jitter.",
	category = "network",
	score = 30,
	on = { "periodic", "end" },
	params = { mos = { default = 3.5, unit = "MOS", doc = "score below which it is told" },
		   packets = { default = 200, unit = "packets", doc = "least number of RTP packets" } },
	flow = function(flow)
		local packets = flow.client.rtp_packets + flow.server.rtp_packets
		if packets < param.packets or flow.rtp.mos == 0 or flow.rtp.mos >= param.mos then return end
		local lost = flow.client.rtp_lost + flow.server.rtp_lost
		return true, ("%s call with a score of %.1f, %d of %d packets lost"):format(flow.app.name, flow.rtp.mos, lost, packets),
			{ value = flow.rtp.mos, threshold = param.mos }
	end,
}

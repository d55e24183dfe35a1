-- TLS between two hosts that should not speak it to each other.
return {
	title = "TLS between two hosts",
	description = "Two hosts that weir.yaml names speak TLS to each other.",
	mitre = "T1573",
	score = 60,
	on = "detected",
	params = { one = "10.0.0.1", other = "10.0.0.2" },
	flow = function(flow)
		if flow.app.master ~= "TLS" then return end
		local client, server = flow.client.ip, flow.server.ip
		if (client == param.one and server == param.other) or (client == param.other and server == param.one) then
			return true, client .. " speaks TLS to " .. server .. ", name " .. flow.tls.sni
		end
	end,
}

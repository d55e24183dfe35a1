-- TLS on a port where nobody expects it, and on which much went out: a tunnel out of the network, perhaps.
return {
	title = "Much TLS traffic on an unusual port",
	description = "A local client sent much over TLS to a port that is not one of TLS's own.",
	category = "security",
	mitre = "T1571",
	score = 60,
	client_score = 50,
	on = "end",
	flow = function(flow)
		if not flow.client["local"] or flow.server["local"] then return end
		if flow.app.master ~= "TLS" and flow.app.name ~= "TLS" then return end
		local port = flow.server.port
		if port == 443 or port == 853 or port == 993 or port == 995 or port == 465 or port == 8443 then return end
		if flow.client.bytes < 1048576 then return end
		return true, string.format("%d bytes over TLS to port %d", flow.client.bytes, port)
	end,
}

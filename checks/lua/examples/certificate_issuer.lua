-- A server certificate that was issued by a given organisation, shown to a given host. Plain find: no pattern.
return {
	title = "Certificate of a watched issuer",
	description = "A server showed a certificate that the issuer named in weir.yaml has signed.",
	mitre = "T1587.003",
	score = 50,
	on = "detected",
	params = {
		issuer = { default = "Google Trust Services", doc = "part of the issuer's distinguished name" },
		client = { default = "", doc = "address of the client; empty: any" },
	},
	flow = function(flow)
		if param.client ~= "" and flow.client.ip ~= param.client then return end
		if flow.tls.issuer ~= "" and flow.tls.issuer:find(param.issuer, 1, true) then
			return true, flow.server.ip .. " has a certificate by " .. flow.tls.issuer
		end
	end,
}

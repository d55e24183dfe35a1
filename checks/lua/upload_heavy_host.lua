-- A local host that sends far more than it receives, and not little: backups do, and so does who takes data away.
return {
	title = "Host uploads much more than it downloads",
	description = "A local host sent at least ten times what it received, and at least 100 MiB.",
	category = "network",
	mitre = "T1048",
	score = 20,
	host = function(host)
		if not host["local"] then return end
		if host.bytes_sent < 104857600 or host.bytes_sent < 10 * host.bytes_rcvd then return end
		return true, string.format("%d bytes sent and %d received", host.bytes_sent, host.bytes_rcvd)
	end,
}

# What ntopng's clients ask and read: compat_client.py against a weir that has replayed a capture.
. "$(dirname "$0")/../lib.sh"
python3 -c 'import requests' 2>/dev/null || skip_all "python3-requests is not installed"

# A file that may grow: flows that have not ended stay open, so that there are live ones.
cp "$captures/office.pcapng" "$tmp/grow.pcapng"
topology "  office: {follow: $tmp/grow.pcapng}"
start
wait_for 30 sh -c "[ -s $tmp/state/api.token ]" || exit 1
# All of it has been read, and what has come of it is stored.
packets=$(capinfos -Mrc "$tmp/grow.pcapng" | awk 'END { print $NF }')
stored() {
	read_metrics && [ "$(metric capture packets)" = "$packets" ] &&
		[ "$(metric capture flows_ended)" -gt 20 ] && [ "$(metric capture flows_ended)" = "$(metric alertd stored history)" ] &&
		[ "$(metric checks alert_records)" -gt 5 ] && [ "$(metric checks alert_records)" = "$(metric alertd stored alerts)" ]
}
wait_for 20 stored || { cat "$tmp/run.log" "$tmp/metrics"; exit 1; }
# The file says nothing more: what is open is in no stream now, but in the snapshot that a new apid takes.
kill -9 "$(pid_of apid)"
wait_for 20 api_ready || exit 1
begin=$(api '/api/v1/flows/history?sort=first&limit=1' | jq -r '.data[0].first | sub("\\..*"; "Z") | fromdate')
end=$(api '/api/v1/flows/history?sort=-last&limit=1' | jq -r '.data[0].last | sub("\\..*"; "Z") | fromdate + 1')
host=$(api '/api/v1/alerts?filter=entity=flow+and+proto=tcp+and+client.ip+in+0.0.0.0/0&sort=-score&limit=1' | jq -r '.data[0].flow.client.ip')
python3 "$here/../compat_client.py" "http://127.0.0.1:$PORT" "$(cat "$tmp/state/api.token")" "$host" "$begin" "$end"
bad=$?
finish

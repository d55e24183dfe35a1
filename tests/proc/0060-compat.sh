# What ntopng's clients ask and read: compat_client.py against a weir that has replayed a capture.
. "$(dirname "$0")/../lib.sh"
PORT=${PORT:-19760}
python3 -c 'import requests' 2>/dev/null || skip_all "python3-requests is not installed"

# A file that may grow: flows that have not ended stay open, so that there are live ones.
cp "$captures/office.pcapng" "$tmp/grow.pcapng"
topology "  office: {follow: $tmp/grow.pcapng}"
start
wait_for 30 sh -c "[ -s $tmp/state/api.token ]" || exit 1
stored() { api "/api/v1/alerts?count=true&limit=1" | jq -e ".total > 5" && api "/api/v1/flows/history?count=true&limit=1" | jq -e ".total > 20"; }
wait_for 20 stored || { cat "$tmp/run.log"; api "/api/v1/flows/history?count=true&limit=1" | tail -c 200; exit 1; }
# The file says nothing more: what is open is in no stream now, but in the snapshot that a new apid takes.
kill -9 "$(pid_of apid)"
wait_for 20 sh -c "[ \"\$(curl -s http://127.0.0.1:$PORT/readyz)\" = ok ]" || exit 1
begin=$(api '/api/v1/flows/history?sort=first&limit=1' | jq -r '.data[0].first | sub("\\..*"; "Z") | fromdate')
end=$(api '/api/v1/flows/history?sort=-last&limit=1' | jq -r '.data[0].last | sub("\\..*"; "Z") | fromdate + 1')
host=$(api '/api/v1/alerts?filter=entity=flow+and+proto=tcp+and+client.ip+in+0.0.0.0/0&sort=-score&limit=1' | jq -r '.data[0].flow.client.ip')
python3 "$here/../compat_client.py" "http://127.0.0.1:$PORT" "$(cat "$tmp/state/api.token")" "$host" "$begin" "$end"
bad=$?
finish

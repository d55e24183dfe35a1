# Lua checks in the real processes: weir checks test, a script that fails, hot reload, scripts of ntopng.
. "$(dirname "$0")/../lib.sh"
cap=$captures/office.pcapng
mkdir -p "$tmp/lua"
cat >"$tmp/lua/certificates.lua" <<'EOL'
return {
	title = "Certificate of an issuer",
	on = "detected",
	params = { issuer = "Nobody" },
	flow = function(flow)
		return flow.tls.issuer:find(param.issuer, 1, true), "certificate by " .. flow.tls.issuer
	end,
}
EOL
cat >"$tmp/lua/broken.lua" <<'EOL'
return { flow = function(flow) return flow.tls.isuer end }
EOL
cat >"$tmp/lua/custom_flow_protocol_detected_script.lua" <<'EOL'
function describe()
   return(flow.cli() .. " to " .. flow.srv())
end

if(flow.l7_proto_name() == "TLS") then
   local t = flow.tls_quic()
   if(t["protos.tls.issuerDN"] == "O=Example Ltd, CN=www.example.test") then
      flow.triggerAlert(80, describe())
   end
end
EOL
topology "  none: {file: none}" "checks: {certificates: {issuer: Example Ltd}}
lua: {paths: [$tmp/lua]}"

weir checks test -f "$tmp/weir.yaml" "$tmp/lua/certificates.lua" "$cap" >"$tmp/out" 2>"$tmp/err"
same "a check that finds something exits with 0" 0 $?
n=$(jq -r 'select(.type == "alert") | .check' "$tmp/out" | sort | uniq -c | awk '{ print ($1 > 3), $2 }')
same "its alerts are printed" "1 certificates" "$n"
same "with the score of the script and not a number it found" 50 "$(jq -r 'select(.type == "alert") | .score' "$tmp/out" | sort -u)"
check "and what it cost" jq -se 'any(.type == "check_test" and .records > 0 and .seconds > 0 and .errors == 0)' "$tmp/out"

weir checks test -f "$tmp/weir.yaml" "$tmp/lua/broken.lua" "$cap" >"$tmp/out" 2>"$tmp/err"
same "a check that fails exits with 1" 1 $?
check "the place in the file and the flow are named" grep -q "broken.lua:1: flow.tls has no field 'isuer' (flow 01" "$tmp/err"
check "after repeated errors it is disabled" jq -se 'any(.type == "check_test" and .disabled)' "$tmp/out"

weir checks test "$tmp/lua/custom_flow_protocol_detected_script.lua" "$cap" >"$tmp/out" 2>"$tmp/err"
same "a script for ntopng runs as it is" 0 $?
same "with the score that it gives" 80 "$(jq -r 'select(.type == "alert") | .score' "$tmp/out" | sort -u)"
check "and its text" jq -se '[.[] | select(.type == "alert") | .message | test("^[0-9.]+ to [0-9.]+$")] | length > 0 and all' "$tmp/out"

cat >"$tmp/lua/second.lua" <<'EOL'
return { alert = function(alert) return alert.check == "tls_certificate_selfsigned", "seen by another" end }
EOL
weir checks test --all "$tmp/lua/second.lua" "$cap" >"$tmp/out" 2>"$tmp/err"
same "a check of alerts is tested with those of others" "host seen by another" \
	"$(jq -r 'select(.type == "alert" and .check == "second") | .entity + " " + .message' "$tmp/out" | sort -u)"
rm "$tmp/lua/second.lua"

# What ntopng's own samples do: all that is known of each flow, to the terminal.
cat >"$tmp/lua/custom_flow_end_script.lua" <<'EOL'
local dirs = ntop.getDirs()
package.path = dirs.installdir .. "/scripts/lua/modules/?.lua;" .. package.path
require "lua_utils"
io.write("----- a flow\n")
tprint({ cli = flow.cli(), http = flow.http(), tls = flow.tls_quic() })
return(0)
EOL
weir checks test "$tmp/lua/custom_flow_end_script.lua" "$cap" >"$tmp/out" 2>"$tmp/err"
same "a script that prints all of a flow" 0 $?
same "prints that of each" "$(jq 'select(.type == "check_test").records' "$tmp/out")" "$(grep -c -- '----- a flow$' "$tmp/err")"
check "a line for each thing" grep -q 'protos.tls.client_requested_server_name string www.example.test$' "$tmp/err"
rm "$tmp/lua/custom_flow_end_script.lua"
weir checks test "$tmp/lua/certificates.lua" "$0" >"$tmp/out" 2>"$tmp/err"
same "a capture that is none is no success" 1 $?

# One that never comes back is found, and left out in the end; the others see all records.
cat >"$tmp/lua/hangs.lua" <<'EOL'
return { on = "detected", flow = function(flow) while flow.app.name == "TLS" do end end }
EOL
sed "s|^lua:.*|lua: {paths: [$tmp/lua], watchdog: 1s}|" "$tmp/weir.yaml" >"$tmp/hang.yaml"
weir checks test -f "$tmp/hang.yaml" "$tmp/lua/hangs.lua" "$cap" >/dev/null 2>&1 &
testing=$!
pids="$pids $testing"
mkdir "$tmp/endless"
echo 'while true do end' >"$tmp/endless/endless.lua"
weir checks test -f "$tmp/hang.yaml" "$tmp/endless/endless.lua" "$cap" >/dev/null 2>"$tmp/endless/err" &
loading=$!
pids="$pids $loading"
weir replay -f "$tmp/hang.yaml" "$cap" >"$tmp/replay" 2>"$tmp/err"
same "a replay with a script that hangs comes to its end" 0 $?
wait "$testing"
same "and the test of that script fails" 1 $?
wait "$loading"
same "so does that of one whose text never ends" 1 $?
check "which is left out" grep -q "endless.lua is left out: it ended or hung the process when it was loaded" "$tmp/endless/err"
check "the script is disabled" grep -q "lua check hangs is disabled: it ended or hung the process on 3 batches" "$tmp/err"
check "the others go on" jq -se 'any(.type == "alert" and ((.other_checks // []) | index("certificates")))' "$tmp/replay"
check "an alert tells of it" jq -se 'any(.type == "alert" and .check == "lua_check_disabled" and (.values.scripts | test("hangs")))' "$tmp/replay"
rm "$tmp/lua/hangs.lua"

# All together, twice: the same bytes, and the broken one does not disturb the others.
for i in 1 2; do
	weir replay -f "$tmp/weir.yaml" "$cap" >"$tmp/replay$i" 2>"$tmp/err$i"
done
check "a replay with all of them gives the same bytes each time" cmp "$tmp/replay1" "$tmp/replay2"
check "certificates and the script for ntopng are on the same alert" jq -se 'any(.type == "alert" and
	((.other_checks // []) | (index("certificates") and index("custom_flow_protocol_detected_script"))))' "$tmp/replay1"
check "the flow has them too" jq -se 'any(.type == "flow" and ((.alerts // []) | index("certificates")))' "$tmp/replay1"

# A script that hangs and came with another configuration: the engine that is made for it is watched as the first one was.
# Beside it: what is loaded is known to those who ask.
topology "  replay: {file: $cap, speed: max}" "checks: {certificates: {issuer: Example Ltd}}
lua: {paths: [$tmp/lua], watchdog: 1s}"
start_api
certificates='{"entity":"flow","source":"lua","enabled":true,"params":{"issuer":"Example Ltd"},"when":["when the application is known"]}'
listed() { api /api/v1/checks/certificates | jq -c '{entity, source, enabled, params, when}' | grep -qxF "$certificates"; }
wait_for 10 listed
ok $? "a script is one of the checks"
same "and an alert type" "Certificate of an issuer" "$(api '/api/v1/alert-types?key=certificates' | jq -r '.data[].title')"
same "ntopng's clients see it" true "$(api /lua/rest/v2/get/checks/config.lua | jq '.rsp."0".config.config.flow.certificates.all.enabled')"
from_checks() {
	weir checks list -f "$tmp/weir.yaml" | jq -c 'select(.key == "certificates")|{entity, source, enabled, params, when}' |
		grep -qxF "$certificates"
}
wait_for 10 from_checks
ok $? "weir checks list has it"
explained() { weir checks explain -f "$tmp/weir.yaml" certificates | grep -qx '  issuer=Example Ltd'; }
wait_for 10 explained
ok $? "weir checks explain too"
replies_are_described
stop_run
weir checks list -f "$tmp/weir.yaml" -o tsv --fields key >"$tmp/list" 2>"$tmp/err"
check "without checks, the others and a word of it" sh -c "grep -qx syn_scan $tmp/list && grep -q 'scripts are left out' $tmp/err"
printf 'return { on = "detected", flow = function(flow) while flow.app.name == "TLS" do end end }\n' >"$tmp/lua/hangs.lua"
topology "  replay: {file: $cap, speed: max}" "lua: {paths: [$tmp/lua], watchdog: 900ms}"
start
wait_for 30 grep -q "a new run begins" "$tmp/run.log"
ok $? "the second begins a new run"
wait_for 60 grep -q "lua check hangs is disabled: it ended or hung the process on 3 batches" "$tmp/run.log"
ok $? "in which the script is disabled"
wait_for 30 at_end
ok $? "and which comes to its end"
finish

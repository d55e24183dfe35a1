# weir checks why: the values and thresholds that decided an alert in the store.
. "$(dirname "$0")/../lib.sh"

topology "  office: {file: $captures/office.pcapng}"
start
wait_for 60 at_end
ok $? "the pipeline comes to the end"
conf=$tmp/weir.yaml
id() { weir alerts -f "$conf" -o json "check = $1" | head -1 | jq -r .id; }
wait_for 20 sh -c "[ -n \"\$($bin/weir alerts -f $conf -o json 'check = syn_scan')\" ]"
check "an episode says value, threshold and duration" sh -c "$bin/weir checks why -f $conf $(id syn_scan) | tee $tmp/scan |
	grep -q 'value .*(threshold 256)' && grep -q duration $tmp/scan && grep -q 'threshold  *256 SYNs/min (default)' $tmp/scan"
several=$(weir alerts -f "$conf" -o json 'entity = flow' | jq -r 'select((.other_checks|length) > 1).id' | head -1)
check "a flow says what its other checks saw" sh -c "$bin/weir checks why -f $conf $several | tee $tmp/flow |
	grep -q '[a-z_]*[.]risk  *[0-9]' && [ \$(sed -n '/^checks/,/^\$/p' $tmp/flow | grep -c .) -gt 1 ]"
check "and which flow it is, and whose doing" grep -Eq '^about +flow [0-9.]+ port [0-9]+ to [0-9.]+ port [0-9]+, (tcp|udp) ' "$tmp/flow"
check "of an episode too; a duration has no threshold" sh -c "grep -Eq '^(attacker|victim) +192.168' $tmp/scan && grep -Eq 'duration +[0-9]+ s\$' $tmp/scan"
weir checks why -f "$conf" 01M86MYC7V98EDK5BQP1QZ32TY >"$tmp/none" 2>&1
same "an id that is not there" 1 $?
weir checks why -f "$conf" nonsense >"$tmp/bad" 2>&1
same "no id" 2 $?
finish

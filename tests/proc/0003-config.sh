# weir config: all problems at once with their places; what is shown reads back to itself.
. "$(dirname "$0")/../lib.sh"

check "the shipped example is right" "$bin/weir" config check "$top/etc/weir.yaml"
weir config show "$top/etc/weir.yaml" >"$tmp/shown.yaml"
weir config show "$tmp/shown.yaml" >"$tmp/again.yaml"
check "show reads back to itself" cmp "$tmp/shown.yaml" "$tmp/again.yaml"
printf 'sensors: {a: {file: /dev/null}}\nlinks: {history: {durable: []}}\n' >"$tmp/nobody.yaml"
weir config show "$tmp/nobody.yaml" >"$tmp/shown.yaml"
weir config show "$tmp/shown.yaml" >"$tmp/again.yaml"
check "a list that is empty is not the default" grep -qF 'durable: []' "$tmp/again.yaml"
broken() { # description text message
	printf '%b' "$2" >"$tmp/b.yaml"
	weir config check "$tmp/b.yaml" >"$tmp/out" 2>&1
	same "$1: refused" 1 $?
	check "$1: where" grep -qF "$3" "$tmp/out"
}
broken "empty" '' 'b.yaml:1:1: the file is empty'
broken "not YAML" 'a: [1\n' 'b.yaml:2:1:'
broken "tab" 'sensors:\n\tlan: x\n' 'b.yaml:2:1:'
broken "unknown key" 'sensors: {l: {interface: e}}\nstroe: {}\n' "b.yaml:2:1: unknown key 'stroe'"
broken "wrong type" 'sensors: {l: {interface: e}}\nlog: info\n' 'b.yaml:2:6: log: a map was expected'
broken "bad number" 'sensors: {l: {interface: e, snaplen: x}}\n' 'b.yaml:1:38: snaplen'
broken "bad network" 'sensors: {l: {interface: e}}\nnetworks: {local: [300.0.0.0/8]}\n' 'b.yaml:2:20'
broken "no input" 'sensors: {l: {}}\n' 'b.yaml:1:11: sensor'
broken "unknown check" 'sensors: {l: {interface: e}}\nchecks: {nothing: {}}\n' 'b.yaml:2:10: no check'
broken "bad match" 'sensors: {l: {interface: e}}\nrecipients:\n  p: {exec: [/bin/true], match: "a ="}\n' 'b.yaml:3:34: match, character 1'
broken "bad filter" 'sensors:\n  l: {interface: e, filter: "prot 5"}\n' 'b.yaml:2:30: filter: '
broken "bad filter of all" 'sensors: {l: {interface: e}}\nflow: {filter: "tcp port nowhere"}\n' "b.yaml:2:17: filter: 'tcp port nowhere'"
broken "bad address" 'sensors: {l: {interface: e}}\nrecipients: {p: {webhook: "ftp://x"}}\n' 'b.yaml:2:28: webhook'
printf 'sensors: {l: {interface: e}}\nrecipients: {p: {webhook: "http://x", secret: plain}}\n' >"$tmp/s.yaml"
chmod 644 "$tmp/s.yaml"
weir config check "$tmp/s.yaml" >"$tmp/out" 2>&1
same "a secret that others can read is refused" 1 $?
chmod 600 "$tmp/s.yaml"
check "one that they cannot is fine" "$bin/weir" config check "$tmp/s.yaml"
weir config check "$tmp/none.yaml" >"$tmp/out" 2>&1
same "a missing file" 1 $?
finish

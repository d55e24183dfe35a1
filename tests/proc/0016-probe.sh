# Each sandbox from inside (tests/probe.c): what a process may do, and that it may do nothing else.
. "$(dirname "$0")/../lib.sh"
bin=${WEIR_BIN:-$bin} # a build with sanitizers has no sandbox
command -v cc >/dev/null || skip_all "no compiler"

cc -D_GNU_SOURCE -Wall -shared -fPIC -o "$tmp/probe.so" "$top/tests/probe.c" -ldl || exit 1
echo secret >"$tmp/other"
mkdir "$tmp/state"
printf '#!/bin/sh\ncat >/dev/null\n' >"$tmp/hook"
chmod 755 "$tmp/hook"
live="" # a packet socket needs root
[ "$(id -u)" -ne 0 ] || live="
  live: {interface: lo}"
topology "  one: {file: $captures/scan.pcap}$live" "recipients: {hook: {exec: [$tmp/hook]}}"
LD_PRELOAD=$tmp/probe.so PROBE_STATE=$tmp/state PROBE_OTHER=$tmp/other
export LD_PRELOAD PROBE_STATE PROBE_OTHER
"$bin/weir" run -f "$tmp/weir.yaml" >"$tmp/run.log" 2>&1 &
run_pid=$!
pids="$pids $run_pid"
unset LD_PRELOAD
all() { [ "$(grep -c 'probe weir-' "$tmp/run.log")" -ge $((live_captures + 6)) ]; }
[ -n "$live" ] && live_captures=1 || live_captures=0
wait_for 20 all
ok $? "all have been probed"
said=$(weir status -f "$tmp/weir.yaml" -o json | jq -r .sandbox | sort -u)
case $said in
*"no seccomp"* | *"no sandbox"*) skip_all "no sandbox here: $said" ;;
esac
files=yes
case $said in
*"no landlock"*) files=no ;;
esac
allowed() { # process: what it may, in the order of the probe
	grep "^$1 *probe" "$tmp/run.log" | tr ' ' '\n' | sed -n 's/=yes$//p' | {
		if [ $files = yes ]; then cat; else grep -vxE 'state|tmp|other|passwd|environ'; fi
	} | tr '\n' ' '
}
may() { # process what...
	p=$1
	shift
	[ $files = yes ] || set -- "$(echo " $* " | sed 's/ state / /')"
	same "$p may only:$(echo " $*")" "$(echo "$*" | xargs) " "$(allowed "$p")"
}
may capture/one unix
may classify unix
may checks unix wx x state
may alertd unix state
may notify unix inet inet6 netlink state passwd
may apid unix inet inet6 netlink state
if [ -n "$live" ]; then
	may capture/live unix inet inet6 packet netlink
else
	echo "ok $((tests += 1)) - capture/live # SKIP needs root"
fi
stored() { weir alerts -f "$tmp/weir.yaml" -o json | grep -q syn_scan; }
wait_for 20 stored
ok $? "and the pipeline works"
finish

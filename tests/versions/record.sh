# Keeps what this version of weir leaves behind when everything is killed, for tests of later ones (proc/0028-versions.sh): as root,
# sh tests/versions/record.sh. Once for each version that is given to anybody.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
PORT=18533
version=$("$bin/weir-checks" -V | sed 's/.* //')
keep=$tmp/$version
mkdir "$keep"

# State: a replay, killed in the middle.
kill_topology "$captures/office.pcapng" 10
run_begin
wait_for 30 sh -c "[ \$(ls '$tmp/got' | grep -c json) -ge 9 ]" || exit 1
: >"$tmp/over"
hit KILL $kill_names
for k in $keepers; do wait "$k"; done
cp -a "$tmp/state" "$keep/state"
rm -f "$keep/state/api.token" # the copy is not opened: it stays as it was left
stored "$tmp/state" | sort >"$keep/stored"

# A ring: a live capture, killed with records that nobody has fetched.
ns=weir-v$$
ip netns add "$ns"
ip netns exec "$ns" ip link set lo up
mkdir "$tmp/live"
live_topology "$tmp/live"
ip netns exec "$ns" "$bin/weir-capture" -f "$tmp/live/weir.yaml" -i lan 2>"$tmp/live/log" &
capture=$!
wait_for 10 grep -q 'bounds:' "$tmp/live/log"
ip netns exec "$ns" ping -c 3 -i 0.2 127.0.0.1 >/dev/null
kill -9 $capture
ip netns del "$ns"
cp "$tmp/live/run/capture.lan.ring" "$keep"
tar -C "$tmp" -cJf "$here/$version.tar.xz" --owner=0 --group=0 "$version"
ls -l "$here/$version.tar.xz"

# Loss of power: what the processes of a run did not fsync is gone (tests/disk.c), /run is empty, and all begin anew. Sourced after
# lib.sh and kill.sh.

power_begin() {
	build_preload disk
	cc -D_GNU_SOURCE -Wall -o "$tmp/without" "$top/tests/without.c" -lseccomp || skip_all "no libseccomp to build with"
	DISK=$tmp/disk
	export DISK
}

run_with_disk() {
	rm -rf "$DISK"
	mkdir -p "$DISK/data" "$DISK/names"
	KILL_PRELOAD=$tmp/disk.so
	KILL_UNDER="$tmp/without landlock_create_ruleset --" # a sandbox would not let it write there
	run_begin
}

power_cut() { # late|early|mixed seed
	mkdir "$tmp/dark"
	hit STOP $kill_names # all at one moment
	for name in $kill_names; do
		until [ -e "$tmp/dark/$name" ]; do # one may just have been started
			hit KILL $kill_names
			sleep 0.02
		done
	done
	rm -rf "$tmp/run"
	check "power cut, $1, $2" python3 "$top/tests/power_cut.py" "$DISK" "$tmp/state" "$1" "$2"
	mv "$tmp/dark" "$tmp/dark.$1$2" # at once: somebody may be about to say something there
}

# The power fails three times in a run. What is stored in the end is what an undisturbed run stores, and everybody was told.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
. "$(dirname "$0")/../power.sh"
power_begin
kill_topology "$captures/office.pcapng" 25
run_clean
told_more() { [ "$(ls "$tmp/got" | wc -l)" -gt "$before" ] || at_end; }
run_with_disk
wait_for 10 sh -c "ls '$DISK'/data/* '$DISK'/names/*"
ok $? "what is synced is kept"
for how in late early mixed; do
	before=$(ls "$tmp/got" | wc -l)
	wait_for 30 told_more
	power_cut $how 1
done
run_check "three power cuts"
# What is not synced is lost with a live interface: of the journal never more than recovery.sync, its name too.
journal_is_synced() {
	for j in "$tmp"/state/checks/journal.*; do
		grep -q " ${j##*/}\$" "$DISK/names/$(stat -c %i "$tmp/state/checks")" && cmp -s "$j" "$DISK/data/$(stat -c %i "$j")" || return 1
	done
}
wait_for 10 journal_is_synced
ok $? "the journal is on the disk soon"
run_end
finish

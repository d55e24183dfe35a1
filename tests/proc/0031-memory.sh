# No memory for a moment, in all six processes at once. They end and are started again, or go on; nothing is lost. More places are in
# tests/soak.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../kill.sh"
. "$(dirname "$0")/../memory.sh"
kill_topology "$captures/office.pcapng" 25
run_clean
run_without_memory 4000
finish

#!/bin/sh
# Names, versions and fingerprints that have to be found in captures, and passwords that may not.
. "$(dirname "$0")/../lib.sh"
python3 "$here/classify_metadata.py" "$bin/weir" "$here/classify_metadata.tsv" "$captures" "$top/../shared/pcaps"

#!/bin/sh
# weir's applications, risks and names beside ndpiReader's, over real captures.
. "$(dirname "$0")/../lib.sh"
pcaps=$top/../shared/pcaps
[ -d "$pcaps" ] || skip_all "no folder of captures"
command -v ndpiReader >/dev/null || skip_all "no ndpiReader"
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O2 -fPIC -shared -I"$top/common" -I"$top" -o "$tmp/nocache.so" \
	"$top/classify/ndpi_caches.c" || skip_all "no compiler"
python3 "$(dirname "$0")/classify_vs_ndpireader.py" --bin "${WEIR_BIN:-$top/build/bin}" --preload "$tmp/nocache.so" \
	--causes "$(dirname "$0")/classify.causes" ${VERBOSE:+--verbose} "$pcaps"/*

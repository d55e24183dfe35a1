# A few seconds of each fuzz target, so that a broken one is noticed; longer with make fuzz T=seconds.
exec sh tests/fuzz/run "${WEIR_BUILD:-build}/fuzz/bin" "${WEIR_BUILD:-build}/fuzz/corpus" "${FUZZ_SECONDS:-4}"

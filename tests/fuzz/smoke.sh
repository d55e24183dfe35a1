# A few seconds of each fuzz target, so that a broken one is noticed. Always the same inputs, and no more of them on a fast machine:
# what fails here has been broken by the change at hand. To look for what nobody knows yet: make fuzz T=seconds.
exec sh tests/fuzz/run "${WEIR_BUILD:-build}/fuzz/bin" "${WEIR_BUILD:-build}/fuzz/corpus" "${FUZZ_SECONDS:-4}" -seed=1 -runs=5000

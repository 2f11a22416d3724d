#!/usr/bin/env bash
# Fuzzes what reads bytes of anybody's making: checkpoints, flash at boot, files of weights, the graph. The properties are in src/hostile.rs.
#
#     host-tests/fuzz.sh [SECONDS]     # for each target, 60 if not said; 0 runs what was found before once more
#
# Two targets at a time. Says SKIPPED, and succeeds, where there is no nightly compiler or cargo-fuzz can't be had. Inputs that were worth
# keeping stay in fuzz/corpus, those that break a property in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS

readonly SECONDS_EACH=${1:-60}

skip() {
    echo "fuzz: SKIPPED, $1"
    exit 0
}

rustup run nightly rustc --version || skip "no nightly compiler (rustup toolchain install nightly)"
command -v cargo-fuzz > /dev/null || cargo install --quiet cargo-fuzz || skip "cargo-fuzz can't be installed"

# The library has no unsafe code that a sanitizer could watch; without one the fuzzer runs several times as often.
cargo +nightly fuzz build --sanitizer none

# $1: target
fuzz() {
    local target=$1 limit log runs edges
    if [[ $SECONDS_EACH == 0 ]]; then limit=-runs=0; else limit=-max_total_time=$SECONDS_EACH; fi
    log=$(mktemp)
    if ! cargo +nightly fuzz run --sanitizer none "$target" -- "$limit" -max_len=2048 -print_final_stats=1 > "$log" 2>&1; then
        cat "$log"
        echo "fuzz $target: FAILED; the input is in host-tests/fuzz/artifacts/$target"
        return 1
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
    rm "$log"
    echo "fuzz $target: $runs runs, $edges edges of the code reached, no property broken"
}

# Two at a time.
result=0 running=0
for target in checkpoint flash graph safetensors; do
    if [[ $running -eq 2 ]]; then
        wait -n || result=1
        running=1
    fi
    fuzz "$target" &
    running=$((running + 1))
done
while [[ $running -gt 0 ]]; do
    wait -n || result=1
    running=$((running - 1))
done
exit "$result"

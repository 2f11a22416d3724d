#!/usr/bin/env bash
# Counts the instructions of training steps and predictions on x86-64, by valgrind's callgrind:
#
#     benches/host.sh [--check|--write]
#
# Without an argument it prints them. --check fails if one grew by more than 2 % over benches/host.expected; --write makes
# the counts found now the expected ones. What is missing is installed first, and said first.
#
# The program is built for x86-64 as it was in the beginning (SSE2) and linked with musl, whose memcpy does not depend on the
# processor as glibc's does: the counts are the same on every computer. Exact, but no measure of time: see benches/README.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source firmware-example/install.sh

readonly CASES=(sgd_2_3_1 adam_4_16_3 adam_4_16_3_batch_16 sgd_64_32_10 sgd_64_32_10_batch_32 predict_64_32_10
    tanh_1024 sigmoid_1024 softmax_1024 adam_1024)
readonly TARGET=x86_64-unknown-linux-musl
readonly EXPECTED=benches/host.expected
readonly OUT=${CARGO_TARGET_DIR:-target}/host

export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
# The counts are of these flags and no others.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_BUILD_TARGET
export CARGO_PROFILE_RELEASE_DEBUG=false

ensure_tools() {
    [[ $(uname -sm) == "Linux x86_64" ]] || stop "this computer is $(uname -sm), and the counts are for x86-64 Linux"
    ensure_rust_targets "$TARGET"
    have cc || install_package gcc || stop "there is no C compiler named cc"
    have valgrind || install_package valgrind || stop "there is no valgrind"
}

# Prints lines name | instructions.
counts() {
    local name program=$OUT/$TARGET/release/instructions log=$OUT/callgrind.log instructions
    RUSTFLAGS="-C target-cpu=x86-64" cargo build --quiet --release -p benches --bin instructions --target "$TARGET" \
        --target-dir "$OUT" || stop "it does not build"
    for name in "${CASES[@]}"; do
        valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='instructions::counted*' "$program" "$name" \
            >"$log" 2>&1 || stop "$name failed: $(cat "$log")"
        instructions=$(sed -n 's/^==.*Collected : //p' "$log")
        [[ ${instructions:-0} -gt 0 ]] || stop "$name: callgrind has counted nothing: $(cat "$log")"
        printf '%-36s | %9s\n' "$name instructions" "$instructions"
    done
}

main() {
    local found
    case ${1:-} in "" | --check | --write) ;; *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
    ensure_tools
    found=$(counts)
    case ${1:-} in
        "") echo "$found" ;;
        --check) bash benches/compare.sh "$EXPECTED" "bash benches/host.sh --write" <<<"$found" ;;
        --write)
            {
                echo '# Made by `bash benches/host.sh --write`, checked by `bash benches/host.sh --check`.'
                echo "$found"
            } >"$EXPECTED"
            say "wrote $EXPECTED" ;;
    esac
}

main "$@"

#!/usr/bin/env bash
# Has Miri, the interpreter that notices undefined behaviour, run the library on this computer:
#
#     host-tests/miri.sh
#
# Every public function once (the package whole-image), the unit tests, and small host tests. It needs a nightly toolchain, and
# says SKIPPED where there is none. About two minutes when all is built; each row has 900 seconds at the most (MIRI_TIMEOUT).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly LIMIT=${MIRI_TIMEOUT:-900}

# The operations that Miri would make less exact on purpose are what the tests compare bit by bit.
export MIRIFLAGS="-Zmiri-deterministic-floats"
# Its own, because a change of flags would build everything anew for everybody.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/miri

if ! rustup run nightly cargo miri --version &>/dev/null; then
    echo "miri: SKIPPED (no nightly toolchain with the component miri)"
    exit
fi

RESULT=0
# $1: what it is, then the words behind `cargo miri`
row() {
    local what=$1 started status
    shift
    started=$SECONDS
    timeout --kill-after=5 "$LIMIT" cargo +nightly miri "$@" && status=0 || status=$?
    printf 'miri: %s: %s (%d s)\n' "$what" "$([[ $status -eq 0 ]] && echo ok || echo "FAILED, exit code $status")" $((SECONDS - started))
    [[ $status -eq 0 ]] || RESULT=1
}

cargo +nightly miri setup --quiet
# In release, because without it the library leaves its vectors alone.
export CARGO_PROFILE_RELEASE_DEBUG=false CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true
row "every public function" run --release --quiet -p whole-image --bin every_function
row "unit tests" test --quiet -p baregrad --lib --all-features
row "schedules" test --quiet -p host-tests --test schedules
exit "$RESULT"

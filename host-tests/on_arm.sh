#!/usr/bin/env bash
# Runs tests of the library as a program for Linux on Arm, in QEMU:
#
#     host-tests/on_arm.sh [test…]
#
# The cores with a scalar FPU have loops in assembly. This target has the same instructions (Thumb-2, hard-float ABI), so its tests use the
# same loops, beside the plain textbook ones, with all that a test on a computer may have. What is missing is installed first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source firmware-example/install.sh

readonly TARGET=thumbv7neon-unknown-linux-gnueabihf
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_BUILD_TARGET

have arm-linux-gnueabihf-gcc || install_packages gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
have qemu-arm || install_packages qemu-user
ensure_rust_targets "$TARGET"

tests=("$@")
[[ $# -gt 0 ]] || tests=(widths)
export CARGO_TARGET_THUMBV7NEON_UNKNOWN_LINUX_GNUEABIHF_LINKER=arm-linux-gnueabihf-gcc
export CARGO_TARGET_THUMBV7NEON_UNKNOWN_LINUX_GNUEABIHF_RUNNER="qemu-arm -L /usr/arm-linux-gnueabihf"
cargo test --locked -p host-tests --target "$TARGET" "${tests[@]/#/--test=}"
# Compiled for size, the library has shorter loops.
cargo test --locked -p host-tests --target "$TARGET" --config 'profile.test.package.baregrad.opt-level="s"' "${tests[@]/#/--test=}"

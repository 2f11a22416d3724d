#!/usr/bin/env bash
# Builds the example programs for the microcontroller and runs them in QEMU:
#
#     firmware-example/run.sh [xor|iris|digits|selftest|all|tools]
#
# `all`, which is xor and iris, is what runs when nothing is named; `tools` only installs. What is missing for it is installed first, and
# said first. Exits with 0 only if every program did. RUN_TIMEOUT sets the limit for one run, in seconds (120).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly TARGET=thumbv7em-none-eabihf
readonly MACHINE=netduinoplus2
readonly DEFMT_PRINT_VERSION=1.2.0
readonly RUN_TIMEOUT=${RUN_TIMEOUT:-120}

# Where cargo installs programs; a shell that was open before rustup came does not have it on its PATH yet.
export PATH="${CARGO_INSTALL_ROOT:-${CARGO_HOME:-$HOME/.cargo}}/bin:${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
# These would replace the flags in .cargo/config.toml, and an image without its linker script is an empty one.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS

say() { printf 'run.sh: %s\n' "$*" >&2; }
stop() { say "$@"; exit 1; }
have() { command -v "$1" >/dev/null; }

# --- What must be there ------------------------------------------------------------------------------------------

ensure_tools() {
    ensure_rust_target
    ensure_packages
    ensure_defmt_print
}

ensure_rust_target() {
    have cargo || stop "cargo is missing; install rustup and try again"
    local sysroot toolchain
    # Asked of the files, not of rustup: right for a Rust without rustup too. Rustup must not install anything unsaid.
    if sysroot=$(RUSTUP_AUTO_INSTALL=0 rustc --print sysroot 2>/dev/null) && [[ -d $sysroot/lib/rustlib/$TARGET/lib ]]; then
        return
    fi
    have rustup || stop "this Rust has no standard library for $TARGET, and there is no rustup to add it"
    toolchain=${RUSTUP_TOOLCHAIN:-$(sed -n 's/^channel = "\(.*\)"/\1/p' ../rust-toolchain.toml)}
    say "installing by rustup: Rust $toolchain, if it is not there yet, and its target $TARGET"
    # Named outright, because with RUSTUP_AUTO_INSTALL=0 rustup installs no toolchain on its own.
    rustup run "$toolchain" rustc --version &>/dev/null \
        || rustup toolchain install "$toolchain" --profile minimal \
        || stop "rustup could not install Rust $toolchain"
    rustup target add --toolchain "$toolchain" "$TARGET" \
        || stop "rustup could not add the target $TARGET to Rust $toolchain"
}

# QEMU, and the C compiler that Rust links with when it builds something for this computer (a build script, defmt-print).
ensure_packages() {
    local packages=()
    have cc || packages+=(gcc libc6-dev)
    have qemu-system-arm || packages+=(qemu-system-arm)
    [[ ${#packages[@]} -eq 0 ]] || install_packages "${packages[@]}"
    have cc || stop "there is still no C compiler named cc"
    have qemu-system-arm || stop "there is still no qemu-system-arm"
    # Not by a pipe into grep -q: the end of that pipe would be QEMU's failure.
    [[ $(qemu-system-arm -M help) == *$'\n'"$MACHINE "* ]] || stop "this qemu-system-arm has no machine $MACHINE"
}

# Installs Debian packages, or says what to type and stops.
install_packages() {
    have apt-get || stop "missing: $*. Install them with this system's package manager and try again"
    local as_root=()
    if [[ $(id -u) -ne 0 ]]; then
        # Sudo that asks for a password is of use only where somebody can type one.
        if have sudo && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
            as_root=(sudo)
        else
            stop "missing: $*. As root, type this and try again:" \
                "apt-get update && apt-get install --no-install-recommends $*"
        fi
    fi
    # `env`, because sudo may drop variables set before it. The lock: a freshly started Ubuntu upgrades itself first.
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --quiet -o DPkg::Lock::Timeout=120)
    say "installing by apt: $*"
    "${apt[@]}" update >&2 || stop "apt-get update failed"
    # --no-remove: what somebody has installed stays.
    local install=(install --yes --no-remove --no-install-recommends)
    if ! apt-get --simulate "${install[@]}" "$@" &>/dev/null && has_qemu_from_backports; then
        # Debian 12 with parts of QEMU from bookworm-backports: the rest must come from there too.
        say "QEMU's other packages are from bookworm-backports, so it is taken from there"
        add_backports_suite "${as_root[@]}"
        "${apt[@]}" update >&2 || stop "apt-get update failed"
        install+=(-t bookworm-backports)
    fi
    "${apt[@]}" "${install[@]}" "$@" >&2 || stop "apt-get could not install $*"
}

has_qemu_from_backports() {
    dpkg-query --show --showformat '${db:Status-Abbrev} ${Version}\n' 'qemu-*' 2>/dev/null \
        | grep '^ii .*~bpo12+' >/dev/null
}

# Adds bookworm-backports to the apt source that has bookworm. $@: the words that make a command run as root.
add_backports_suite() {
    local folder=/etc/apt/sources.list.d source
    # Already there, in whatever kind of file.
    ! apt-cache policy 2>/dev/null | grep 'n=bookworm-backports' >/dev/null || return 0
    ! grep -qsE '^Suites:.*[[:space:]]bookworm-backports([[:space:]]|$)' "$folder"/*.sources || return 0
    source=$(grep -lsE '^Suites:(.*[[:space:]])?bookworm([[:space:]]|$)' "$folder"/*.sources | head -n 1) \
        || stop "no file $folder/*.sources has the suite bookworm; add bookworm-backports to apt's sources by hand"
    say "adding the suite bookworm-backports to $source"
    "$@" sed -i -E '/^Suites:(.*[[:space:]])?bookworm([[:space:]]|$)/ s/[[:space:]]*$/ bookworm-backports/' "$source"
}

ensure_defmt_print() {
    have defmt-print && return
    say "installing by cargo: defmt-print $DEFMT_PRINT_VERSION, which makes text of the log"
    # From the folder above: what .cargo/config.toml says here is about the microcontroller.
    (cd .. && cargo install defmt-print --locked --version "$DEFMT_PRINT_VERSION") \
        || stop "cargo could not install defmt-print"
}

# --- Building and running ----------------------------------------------------------------------------------------

# Builds a program and prints the path of its image.
build() {
    cargo build --release --target "$TARGET" --bin "$1" --message-format json-render-diagnostics \
        | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p'
}

# Runs an image; returns QEMU's exit code, which is the program's, or 124 at the end of its time. A log that cannot be
# read is a failure too.
emulate() {
    local image=$1 codes=(0 0)
    # --foreground: Ctrl-C reaches QEMU too.
    timeout --foreground --kill-after=5 "$RUN_TIMEOUT" \
        qemu-system-arm -M "$MACHINE" -nographic -semihosting-config enable=on,target=native -kernel "$image" \
        </dev/null | defmt-print -e "$image" --log-format '{L} {s}' || codes=("${PIPESTATUS[@]}")
    [[ ${codes[0]} -eq 0 ]] || return "${codes[0]}"
    return "${codes[1]}"
}

# Builds and runs a program, and says how it ended.
run() {
    local name=$1 image status
    image=$(build "$name") || { echo "$name: FAILED (it does not build)"; return 1; }
    emulate "$image" && status=0 || status=$?
    case $status in
        0) echo "$name: ok" ;;
        124 | 137) echo "$name: FAILED (stopped after $RUN_TIMEOUT s)" ;;
        *) echo "$name: FAILED (exit code $status)" ;;
    esac
    return "$status"
}

main() {
    local names=("${1:-all}") name result=0
    if [[ ${names[0]} == tools ]]; then
        ensure_tools
        exit
    fi
    [[ ${names[0]} != all ]] || names=(xor iris)
    if [[ $# -gt 1 || ! -f src/bin/${names[0]}.rs ]]; then
        echo "usage: $0 [xor|iris|digits|selftest|all|tools]" >&2
        exit 2
    fi
    ensure_tools
    for name in "${names[@]}"; do
        run "$name" || result=$?
    done
    exit "$result"
}

main "$@"

#!/usr/bin/env bash
# Builds the example programs for the microcontroller and runs them in QEMU:
#
#     firmware-example/run.sh [xor|iris|digits|selftest|record|resume|timing|timing_images|stack_overflow|
#                              train_while_serving|serving_rtic|voice|mlperf_tiny|wake_word|keyword_spotting|all|tools]
#
# `all`, which is xor and iris, is what runs when nothing is named; `timing` and `timing_images` count instructions; `stack_overflow` must end by a
# fault; `train_while_serving` predicts in an interrupt, `serving_rtic` in a task of RTIC's; `record` also replays on this computer what
# the device recorded, to the same CRC; `resume` has device and this computer go on with each other's training; `voice` builds an image
# for each of six speakers and of two networks, and starts it twice (VOICE_SPEAKERS names fewer of them by number, VOICE_FOLDER where the device's files stay);
# `mlperf_tiny` predicts from weights in flash; `wake_word` and `keyword_spotting` train a whole network in 256 KiB each; they and `timing_images`, which needs more than 1 MB of flash, run on another machine of QEMU's; `tools` only installs. What is missing is installed first, and said first. Exits with 0 only if every program did as it should.
# RUN_TIMEOUT sets the limit for one run, in seconds (120).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ./install.sh

readonly TARGET=thumbv7em-none-eabihf
MACHINE=netduinoplus2
readonly DEFMT_PRINT_VERSION=1.2.0
readonly FLIP_LINK_VERSION=0.1.12
# For programs that count: each instruction lasts 64 ns of the machine's time, so that they can be counted.
readonly COUNTING=(-icount shift=6)
readonly RUN_TIMEOUT=${RUN_TIMEOUT:-120}

# Where cargo installs programs; a shell that was open before rustup came does not have it on its PATH yet.
export PATH="${CARGO_INSTALL_ROOT:-${CARGO_HOME:-$HOME/.cargo}}/bin:${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
# These would replace the flags in .cargo/config.toml, and an image without its linker script is an empty one.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS

# --- What must be there ------------------------------------------------------------------------------------------

ensure_tools() {
    ensure_rust_target
    ensure_packages
    ensure_program defmt-print "$DEFMT_PRINT_VERSION" "makes text of the log"
    ensure_program flip-link "$FLIP_LINK_VERSION" "puts the stack where an overflow of it faults"
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
    [[ ${#packages[@]} -eq 0 ]] || install_packages "${packages[@]}" || exit 1
    have cc || stop "there is still no C compiler named cc"
    have qemu-system-arm || stop "there is still no qemu-system-arm"
    # Not by a pipe into grep -q: the end of that pipe would be QEMU's failure.
    [[ $(qemu-system-arm -M help) == *$'\n'"$MACHINE "* ]] || stop "this qemu-system-arm has no machine $MACHINE"
}

# $1: name, $2: version, $3: what it does
ensure_program() {
    have "$1" && return
    say "installing by cargo: $1 $2, which $3"
    # From the folder above: what .cargo/config.toml says here is about the microcontroller.
    (cd .. && cargo install "$1" --locked --version "$2") || stop "cargo could not install $1"
}

# --- Building and running ----------------------------------------------------------------------------------------

# Builds a program and prints the path of its image.
build() {
    local features=()
    case $1 in
        serving_rtic) features=(--features rtic) ;;
        wake_word | keyword_spotting | timing_images) features=(--features mps2_an386) ;;
    esac
    cargo build --release --target "$TARGET" --bin "$1" ${features[@]+"${features[@]}"} --message-format json-render-diagnostics \
        | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p'
}

# Runs an image; returns QEMU's exit code, which is the program's, or 124 at the end of its time. A log that cannot be
# read is a failure too.
emulate() {
    local image=$1 codes=(0 0)
    # --foreground: Ctrl-C reaches QEMU too.
    timeout --foreground --kill-after=5 "$RUN_TIMEOUT" \
        qemu-system-arm -M "$MACHINE" -nographic ${QEMU_FLAGS[@]+"${QEMU_FLAGS[@]}"} -semihosting-config enable=on,target=native -kernel "$image" \
        </dev/null | defmt-print -e "$image" --log-format '{L} {s}' || codes=("${PIPESTATUS[@]}")
    [[ ${codes[0]} -eq 0 ]] || return "${codes[0]}"
    return "${codes[1]}"
}

# Builds and runs a program, and says how it ended.
run() {
    local name=$1 image status QEMU_FLAGS=() MACHINE=$MACHINE
    case $name in
        timing | train_while_serving | serving_rtic | voice | voice_convolution | mlperf_tiny) QEMU_FLAGS=("${COUNTING[@]}") ;;
        # With 4 MB of flash and of RAM, of which the linker is told 256 KiB. Each instruction lasts 256 ns.
        wake_word | keyword_spotting | timing_images) MACHINE=mps2-an386 QEMU_FLAGS=(-icount shift=8) ;;
    esac
    image=$(build "$name") || { echo "$name: FAILED (it does not build)"; return 1; }
    case $name in
        record) record_and_replay "$image" ;;
        resume) resume "$image" ;;
        voice | voice_convolution) voices ;;
        stack_overflow) overflow "$image" ;;
        *) emulate "$image" ;;
    esac && status=0 || status=$?
    case $status in
        0) echo "$name: ok" ;;
        124 | 137) echo "$name: FAILED (stopped after $RUN_TIMEOUT s)" ;;
        *) echo "$name: FAILED (exit code $status)" ;;
    esac
    return "$status"
}

# Runs an image that overflows its stack: it must end as a failure, by the fault and by nothing else.
overflow() {
    local status log
    log=$(emulate "$1") && status=0 || status=$?
    printf '%s\n' "$log"
    [[ $status -eq 1 && $log == *"hard fault: the stack has overflowed"* ]] || return 3
}

# Runs the device's program in a folder of its own, where it writes its files, and replays them on this computer. The two CRCs
# have no common source: the device prints one, the replay computes the other from the files.
record_and_replay() {
    local image=$1 folder crc
    folder=$(mktemp -d) || return 1
    (cd "$folder" && emulate "$image") | tee "$folder/log" || return
    crc=$(sed -n 's/.*CRC-32 of the weights \([0-9a-f]*\)$/\1/p' "$folder/log")
    [[ $crc =~ ^[0-9a-f]{8}$ ]] || { say "the device printed no CRC"; return 1; }
    (cd .. && cargo run --quiet -p examples --bin replay -- "$folder/checkpoint.bin" "$folder/samples.csv" "$crc") \
        || { say "the replay ended otherwise; the files are in $folder"; return 1; }
    rm -r "$folder"
}

# Half of a training here and half on the device, and the other way round: both must end as the whole does.
resume() {
    local image=$1 folder
    folder=$(mktemp -d) || return 1
    example() { (cd .. && cargo run --quiet -p examples --bin resume -- "$1" "$folder"); }
    example begin && (cd "$folder" && emulate "$image") && example end || { say "the files are in $folder"; return 1; }
    rm -r "$folder"
}

# An image for each network and speaker. The first start learns and saves, the second boots from what was saved, in a folder of its own, and
# must recognise as many. Prints a table for each network, and fails where the mean of all six speakers is below its limit.
voices() {
    local folder
    folder=${VOICE_FOLDER:-$(mktemp -d)} || return 1
    voices_of voice "$folder/dense" 88 && voices_of voice_convolution "$folder/convolution" 90 || return
    [[ -n ${VOICE_FOLDER:-} ]] || rm -r "$folder"
}

# $1: program, $2: folder, $3: limit in percent
voices_of() {
    local folder=$2 speaker image log line rows="" speakers=0 recordings=450 sums=(0 0 0) right again status=0
    for speaker in ${VOICE_SPEAKERS:-0 1 2 3 4 5}; do
        image=$(VOICE_SPEAKER=$speaker build "$1") || return 1
        mkdir -p "$folder/$speaker" && rm -f "$folder/$speaker"/* || return 1
        log=$(cd "$folder/$speaker" && emulate "$image" && emulate "$image") || status=$?
        printf '%s\n\n' "$log"
        [[ $status -eq 0 ]] || return "$status"
        line=$(sed -n 's/.* \([a-z]*\): of 450 recordings \([0-9]*\) before, \([0-9]*\) after, \([0-9]*\) after .*/\1 \2 \3 \4/p' <<<"$log")
        read -ra right <<<"$line"
        again=$(sed -n 's/.*booted with the weights from flash: [a-z]* \([0-9]*\)\/450$/\1/p' <<<"$log")
        [[ ${#right[@]} -eq 4 && $again == "${right[2]}" ]] || { say "after the restart ${again:-nothing} for ${right[2]:-nothing}"; return 1; }
        rm -rf "${folder:?}/${right[0]}" && mv "$folder/$speaker" "$folder/${right[0]}" || return 1
        rows+=$(printf '%-9s %9s %9s %17s' "${right[0]}" "$(percent "${right[1]}" $recordings)" "$(percent "${right[2]}" $recordings)" \
            "$(percent "${right[3]}" $recordings)")$'\n'
        sums=($((sums[0] + right[1])) $((sums[1] + right[2])) $((sums[2] + right[3])))
        speakers=$((speakers + 1))
    done
    recordings=$((speakers * recordings))
    printf '%s\n%-9s %9s %9s %17s\n%s' "$1" "speaker" before after "last layer only" "$rows"
    printf '%-9s %9s %9s %17s\n' mean "$(percent "${sums[0]}" $recordings)" "$(percent "${sums[1]}" $recordings)" "$(percent "${sums[2]}" $recordings)"
    [[ $speakers -ne 6 || $((sums[1] * 100)) -ge $((recordings * $3)) ]] || { say "the mean of $1 is below $3 %"; return 1; }
}

# $1 of $2 in percent with one decimal, rounded.
percent() {
    local tenths=$((($1 * 2000 + $2) / (2 * $2)))
    printf '%d.%d %%' $((tenths / 10)) $((tenths % 10))
}

main() {
    local names=("${1:-all}") name result=0
    if [[ ${names[0]} == tools ]]; then
        ensure_tools
        exit
    fi
    [[ ${names[0]} != all ]] || names=(xor iris)
    if [[ $# -gt 1 || ! -e src/bin/${names[0]}.rs && ! -e src/bin/${names[0]} ]]; then
        echo "usage: $0 [xor|iris|digits|selftest|record|resume|timing|timing_images|stack_overflow|train_while_serving|serving_rtic|voice|mlperf_tiny|wake_word|keyword_spotting|all|tools]" >&2
        exit 2
    fi
    ensure_tools
    for name in "${names[@]}"; do
        run "$name" || result=$?
    done
    exit "$result"
}

main "$@"

#!/usr/bin/env bash
# Trains many small networks on every processor of the list below and compares the bits of every stage:
#
#     host-tests/same_bits.sh [row…|all]        all rows, or those named
#     host-tests/same_bits.sh list              their names
#
# What is missing is installed first, and said first. Exits with 0 only if no row differs and none failed; a row that this
# computer can't run says so and is counted apart. JOBS sets how many rows are built at a time (the number of processors,
# at most 4), RUN_TIMEOUT the limit for one run in seconds (300), MIRI_FULL=1 lets
# Miri run all cases that a small processor runs (some 5 minutes), not three parts of them. Logs and outputs stay in target/same-bits/rows.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source firmware-example/install.sh

# name | rustup's target | machine | what it is | flags of rustc | changes to the release profile
#
# Machine: one of QEMU's, with a memory layout in firmware-example/same-bits/memory; or `native`, `node`, `miri`.
# The last two Cortex-M55 rows are built with Helium floats, whose vectors flush subnormals: there the library's self-test must say so.
# The Cortex-M4F's rows that need more than 1 MB of flash, because they are built with little optimisation, run on mps2-an386.
readonly ROWS='
x86-64           | x86_64-unknown-linux-gnu      | native        | SSE2                          |                                                          |
x86-64-v3        | x86_64-unknown-linux-gnu      | native        | AVX2                          | -C target-cpu=x86-64-v3                                  |
x86-64-v4        | x86_64-unknown-linux-gnu      | native        | AVX-512                       | -C target-cpu=x86-64-v4                                  |
native           | x86_64-unknown-linux-gnu      | native        | this processor                | -C target-cpu=native                                     |
x86-64-debug     | x86_64-unknown-linux-gnu      | native        | SSE2, debug                   |                                                          | debug
x86-64-s         | x86_64-unknown-linux-gnu      | native        | SSE2, opt-level s             |                                                          | OPT_LEVEL=s
x86-64-z         | x86_64-unknown-linux-gnu      | native        | SSE2, opt-level z             |                                                          | OPT_LEVEL=z
x86-64-nolto     | x86_64-unknown-linux-gnu      | native        | SSE2, no LTO                  |                                                          | LTO=off CODEGEN_UNITS=16
i686             | i686-unknown-linux-gnu        | native        | 32 bits, SSE2                 |                                                          |
aarch64          | aarch64-unknown-none          | aarch64-virt  | Cortex-A53, NEON              |                                                          |
cortex-m0        | thumbv6m-none-eabi            | microbit      | Cortex-M0, soft float, small  |                                                          | OPT_LEVEL=z
cortex-m3        | thumbv7m-none-eabi            | mps2-an385    | Cortex-M3, soft float         |                                                          |
cortex-m4f       | thumbv7em-none-eabihf         | netduinoplus2 | Cortex-M4F                    | -C target-cpu=cortex-m4                                  |
cortex-m4f-debug | thumbv7em-none-eabihf         | mps2-an386    | Cortex-M4F, debug             | -C target-cpu=cortex-m4                                  | debug
cortex-m4f-s     | thumbv7em-none-eabihf         | netduinoplus2 | Cortex-M4F, opt-level s       | -C target-cpu=cortex-m4                                  | OPT_LEVEL=s
cortex-m4f-z     | thumbv7em-none-eabihf         | netduinoplus2 | Cortex-M4F, opt-level z       | -C target-cpu=cortex-m4                                  | OPT_LEVEL=z
cortex-m4f-nolto | thumbv7em-none-eabihf         | mps2-an386    | Cortex-M4F, no LTO            | -C target-cpu=cortex-m4                                  | LTO=off CODEGEN_UNITS=16
cortex-m7        | thumbv7em-none-eabihf         | mps2-an500    | Cortex-M7                     | -C target-cpu=cortex-m7                                  |
cortex-m33       | thumbv8m.main-none-eabihf     | mps2-an505    | Cortex-M33                    | -C target-cpu=cortex-m33                                 |
cortex-m55       | thumbv8m.main-none-eabihf     | mps3-an547    | Cortex-M55, no Helium floats  | -C target-cpu=cortex-m55 -C target-feature=-mve.fp       |
cortex-m55-mve   | thumbv8m.main-none-eabihf     | mps3-an547    | Helium floats: self-test      | -C target-cpu=cortex-m55                                 |
cortex-m55-mve-2 | thumbv8m.main-none-eabihf     | mps3-an547    | the same, opt-level 2         | -C target-cpu=cortex-m55                                 | OPT_LEVEL=2
riscv32imc       | riscv32imc-unknown-none-elf   | riscv32-virt  | RV32IMC, soft float           |                                                          |
riscv32imafc     | riscv32imafc-unknown-none-elf | riscv32-virt  | RV32IMAFC                     |                                                          |
wasm32           | wasm32-unknown-unknown        | node          | WebAssembly                   |                                                          |
wasm32-simd128   | wasm32-unknown-unknown        | node          | WebAssembly, 128-bit vectors  | -C target-feature=+simd128                               |
x86-64-dispatch  | x86_64-unknown-linux-gnu      | native        | chosen when it runs           |                                                          |
x86-64-avx2-dispatch | x86_64-unknown-linux-gnu  | native        | the same, AVX2 at most        | --cfg=baregrad_vectors="avx2"                            |
x86-64-fma       | x86_64-unknown-linux-gnu      | native        | feature fma, by software      |                                                          |
x86-64-v3-fma    | x86_64-unknown-linux-gnu      | native        | feature fma, AVX2             | -C target-cpu=x86-64-v3                                  |
x86-64-v4-fma    | x86_64-unknown-linux-gnu      | native        | feature fma, AVX-512          | -C target-cpu=x86-64-v4                                  |
aarch64-fma      | aarch64-unknown-none          | aarch64-virt  | feature fma, NEON             |                                                          |
cortex-m0-fma    | thumbv6m-none-eabi            | microbit      | feature fma, by software      |                                                          | OPT_LEVEL=z
cortex-m4f-fma   | thumbv7em-none-eabihf         | netduinoplus2 | feature fma, VFMA             | -C target-cpu=cortex-m4                                  |
cortex-m4f-s-fma | thumbv7em-none-eabihf         | netduinoplus2 | feature fma, opt-level s      | -C target-cpu=cortex-m4                                  | OPT_LEVEL=s
riscv32imafc-fma | riscv32imafc-unknown-none-elf | riscv32-virt  | feature fma, FMADD            |                                                          |
big-endian       | s390x-unknown-linux-gnu       | miri          | s390x, big-endian, shortened  |                                                          |
'
# Rows whose names end in -dispatch or -fma have the library's feature of that name; fma gives other bits, the same on all its targets.
readonly EXPECTED=firmware-example/same_bits.expected EXPECTED_FMA=firmware-example/same_bits_fma.expected
readonly RUN_TIMEOUT=${RUN_TIMEOUT:-300} MIRI_FULL=${MIRI_FULL:-}
# Machines that get a part of the program at a time: the microbit has 256 KB of flash, the third starts in a RAM of 512 KB,
# and the second has 4 MB, of which a debug build would need 7. Miri is slow: one loss on values, one on labels, and the last part.
# The self-test with Helium runs none of them.
readonly -A PARTS=([microbit]="0..4 4..8 8..11" [mps2-an386]="0..4 4..8 8..11" [mps3-an547]="0..5 5..11"
    [cortex-m55-mve]="0..1" [cortex-m55-mve-2]="0..1"
    [miri]="$([[ $MIRI_FULL ]] && echo 0..11 || echo 0..1 6..7 10..11)")
readonly MIRI_CASES='^(Xor/[^/]+/MeanSquaredError/|Iris/[^/]+/CrossEntropy/|scalar |[a-zA-Z]+ diverges)'

export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
# Each row has its own flags and settings; none may come from the environment.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_BUILD_TARGET SAME_BITS_PARTS SAME_BITS_MACHINE
TOOLCHAIN=$(pinned_toolchain)
export SAME_BITS_BASE=${SAME_BITS_BASE:-${CARGO_TARGET_DIR:-target}/same-bits}

# Sets name, target, machine, core, flags and profile for the row of that name.
read_row() {
    local line
    line=$(grep -E "^$1 +\|" <<<"$ROWS") || { say "no row $1; '$0 list' names them"; exit 2; }
    IFS='|' read -r name target machine core flags profile <<<"$(sed 's/ *| */|/g; s/ *$//' <<<"$line")"
}

# --- What must be there: done before the rows, one after another -------------------------------------------------------

# Installs what the row needs. Prints why the row can't be run, or nothing.
obstacle() {
    read_row "$1"
    case $machine in
        native) native_obstacle ;;
        node) program_obstacle node; target_obstacle ;;
        miri) miri_obstacle ;;
        *) program_obstacle "$(qemu)"; qemu_obstacle; target_obstacle ;;
    esac
}

qemu() {
    case $machine in
        aarch64-*) echo qemu-system-aarch64 ;;
        riscv32-*) echo qemu-system-riscv32 ;;
        *) echo qemu-system-arm ;;
    esac
}

program_obstacle() {
    have "$1" || install_packages "$(package_of "$1")" || true
    have "$1" || echo "no $1"
}

qemu_obstacle() {
    local machines wanted=${machine#*-}
    [[ $machine == *-virt ]] || wanted=$machine
    ! have "$(qemu)" || { machines=$("$(qemu)" -M help) && [[ $machines == *$'\n'"$wanted "* ]]; } \
        || echo "this $(qemu) has no machine $wanted"
}

target_obstacle() {
    local sysroot
    sysroot=$(rustc "+$TOOLCHAIN" --print sysroot 2>/dev/null || rustc --print sysroot)
    [[ ! -d $sysroot/lib/rustlib/$target/lib ]] || return 0
    say "installing by rustup: the target $target of Rust $TOOLCHAIN"
    rustup target add --toolchain "$TOOLCHAIN" "$target" >&2 || echo "rustup has no $target for Rust $TOOLCHAIN"
}

native_obstacle() {
    local feature missing=()
    [[ $(uname -sm) == "Linux x86_64" ]] || { echo "this computer is $(uname -sm)"; return; }
    # What target-cpu=x86-64-v3 and -v4 add, in the names of /proc/cpuinfo (LZCNT is abm there).
    local -A features=([x86-64-v3]="avx avx2 bmi1 bmi2 f16c fma abm movbe")
    features[x86-64-v4]="${features[x86-64-v3]} avx512f avx512bw avx512cd avx512dq avx512vl"
    for feature in ${features[${name%-fma}]:-}; do
        grep -qwm1 "$feature" /proc/cpuinfo || missing+=("$feature")
    done
    [[ ${#missing[@]} -eq 0 ]] || { echo "this processor has no ${missing[*]}"; return; }
    if [[ $target == i686-* ]] && ! links_32_bits; then
        install_packages gcc-multilib || true
        links_32_bits || { echo "no 32-bit C library (gcc-multilib)"; return; }
    fi
    target_obstacle
}

links_32_bits() { cc -m32 -x c - -o /dev/null <<<'int main(void) { return 0; }' &>/dev/null; }

miri_obstacle() {
    rustup run nightly rustc --version &>/dev/null || { echo "Miri needs Rust nightly: rustup toolchain install nightly"; return; }
    if ! rustup run nightly miri --version &>/dev/null; then
        say "installing by rustup: Miri and rust-src of nightly"
        rustup component add --toolchain nightly miri rust-src >&2 || echo "this nightly has no Miri"
    fi
}

# --- One row: build, run, compare --------------------------------------------------------------------------------------

# Builds the row's program and copies it to $1.
build() {
    local built=release setting settings=() arguments=(--release)
    if [[ $profile == debug ]]; then
        built=debug arguments=()
    else
        for setting in DEBUG=false $profile; do
            settings+=("CARGO_PROFILE_RELEASE_$setting")
        done
    fi
    [[ $name != *-dispatch && $name != *-fma ]] || arguments+=(--features "${name##*-}")
    env "${settings[@]}" RUSTFLAGS="$flags" SAME_BITS_MACHINE="$machine" \
        cargo build "${arguments[@]}" --locked --package same-bits --target "$target" || return 1
    local program=$CARGO_TARGET_DIR/$target/$built/same_bits
    [[ $machine != node ]] || program+=.wasm
    cp "$program" "$1"
}

# Runs a program with a time limit; what it prints goes to standard output.
run() {
    local emulate=(-nographic -semihosting-config "enable=on,target=native" -kernel "$1")
    case $machine in
        native) set -- "$1" ;;
        node) set -- node firmware-example/same-bits/run.mjs "$1" ;;
        # -nic none: no network card, because its start-up code is in a package that nothing else needs.
        aarch64-virt) set -- "$(qemu)" -M virt -cpu cortex-a53 -nic none "${emulate[@]}" ;;
        riscv32-virt) set -- "$(qemu)" -M virt -bios none "${emulate[@]}" ;;
        *) set -- "$(qemu)" -M "$machine" "${emulate[@]}" ;;
    esac
    timeout --kill-after=5 "$RUN_TIMEOUT" "$@" </dev/null
}

# Miri builds and runs in one. Only the bits are asked for here, so its checks of memory are off: twice as fast.
run_miri() {
    MIRIFLAGS="-Zmiri-disable-stacked-borrows -Zmiri-disable-validation" timeout --kill-after=5 $((10 * RUN_TIMEOUT)) \
        cargo +nightly miri run --release --locked --package same-bits --target "$target" -- small </dev/null
}

# Removes the last line, `end` and the number of lines, if it is right; else the output was cut off.
without_end() {
    awk 'ended { exit 1 } $1 == "end" { ended = $2 == NR - 1; if (!ended) exit 1; next } { print } END { exit !ended }' "$1"
}

# The lines that the row must print.
expected() {
    [[ $name != cortex-m55-mve* ]] || { echo "float_environment FlushesSubnormals"; return; }
    local file=$EXPECTED
    [[ $name != *-fma ]] || file=$EXPECTED_FMA
    case $machine in
        microbit) grep -v '^Digits/' "$file" ;;
        miri) grep -v '^Digits/' "$file" | if [[ $MIRI_FULL ]]; then cat; else grep -E "$MIRI_CASES"; fi ;;
        *) cat "$file" ;;
    esac
}

# Prints "equal/expected verdict" for the row whose output is in $1.
compare() {
    expected | awk -v OFS='|' '
        NR == FNR { want[++wanted] = $0; next }
        { ++got }
        $0 == want[got] { ++equal; next }
        !first { first = "; line " got " is \"" $0 "\"" }
        END {
            if (wanted == 0) print "0/0", "FAILED: nothing is expected"
            else print equal + 0 "/" wanted, equal == wanted && got == wanted ? "ok" : "DIFFERS" first
        }' - "$1"
}

# Does everything for a row, and leaves its line of the table in $SAME_BITS_BASE/rows/NAME.result.
do_row() {
    read_row "$1"
    local folder=$SAME_BITS_BASE/rows part output=$SAME_BITS_BASE/rows/$1.out stages="-" verdict
    # One build folder for each that builds at the same time: cargo builds one thing at a time in a folder.
    export CARGO_TARGET_DIR=$SAME_BITS_BASE/build-${SLOT:-0}
    : >"$output"
    verdict=$(
        exec 2>"$folder/$name.log"
        for part in ${PARTS[$name]:-${PARTS[$machine]:-all}}; do
            [[ $part == all ]] || export SAME_BITS_PARTS=$part
            if [[ $machine == miri ]]; then
                run_miri >"$folder/$name.raw" || { failed $?; exit; }
            else
                build "$folder/$name.image" || { echo "FAILED: it does not build"; exit; }
                run "$folder/$name.image" >"$folder/$name.raw" || { failed $?; exit; }
            fi
            without_end "$folder/$name.raw" >>"$output" || { echo "FAILED: the output is cut off"; exit; }
        done
    ) || verdict="FAILED"
    [[ -n $verdict ]] || IFS='|' read -r stages verdict <<<"$(compare "$output")"
    # No other row has the same flags and profile, and all rows together fill gigabytes.
    rm -rf "${CARGO_TARGET_DIR:?}/$target" "$CARGO_TARGET_DIR/miri"
    result "$stages" "$verdict"
}

# Says how a run failed, from its exit code.
failed() {
    case $1 in
        124 | 137) echo "FAILED: stopped at the end of its time" ;;
        *) echo "FAILED: exit code $1" ;;
    esac
}

# Writes the line of the table for the row just read.
result() {
    local how=$machine
    case $machine in
        native) how="this computer" ;;
        node) how="Node.js" ;;
        miri) how="Miri" ;;
        *) how="$(qemu) -M ${machine/*-virt/virt}" ;;
    esac
    # SECONDS: since this process began, and each row that runs has its own.
    local seconds=$SECONDS
    [[ $2 != "cannot run"* ]] || seconds="-"
    printf '%-16s | %-28s | %-32s | %4s | %-7s | %s\n' "$name" "$core" "$how" "$seconds" "$1" "$2" \
        >"$SAME_BITS_BASE/rows/$name.result"
    # Progress, while others go on.
    say "$name: $2"
}

# --- All rows ----------------------------------------------------------------------------------------------------------

main() {
    local names=("$@") all name why runnable=() first=() rest=()
    all=$(sed -n 's/^\([^ |]*\) *|.*/\1/p' <<<"$ROWS")
    [[ ${1:-all} != all ]] || mapfile -t names <<<"$all"
    [[ ${1:-} != list ]] || { echo "$all"; exit; }
    for name in "${names[@]}"; do read_row "$name"; done
    have cargo && have rustup || { say "rustup is missing; install it and try again"; exit 1; }
    [[ -s $EXPECTED ]] || { say "$EXPECTED is missing or empty"; exit 1; }

    mkdir -p "$SAME_BITS_BASE/rows"
    SAME_BITS_BASE=$(cd "$SAME_BITS_BASE" && pwd)
    rustup run "$TOOLCHAIN" rustc --version &>/dev/null || rustup toolchain install "$TOOLCHAIN" --profile minimal
    have cc || install_packages gcc
    for name in "${names[@]}"; do
        rm -f "$SAME_BITS_BASE/rows/$name".*
        why=$(obstacle "$name")
        if [[ -z $why ]]; then
            runnable+=("$name")
        else
            read_row "$name"
            result "-" "cannot run: ${why//$'\n'/, }"
        fi
    done

    # Miri, by far the slowest, begins at once, so that it doesn't run alone at the end.
    for name in "${runnable[@]}"; do
        read_row "$name"
        [[ $machine == miri ]] && first+=("$name") || rest+=("$name")
    done
    runnable=("${first[@]}" "${rest[@]}")

    local jobs=${JOBS:-$(($(nproc) < 4 ? $(nproc) : 4))}
    # A row that fails leaves its own line; one that leaves none is counted as failed below.
    [[ ${#runnable[@]} -eq 0 ]] || printf '%s\n' "${runnable[@]}" \
        | xargs -P "$jobs" -n 1 --process-slot-var=SLOT bash "host-tests/same_bits.sh" --row || true
    table "${names[@]}"
}

# Prints the table; returns 0 if each row is ok or can't be run here, and at least one is ok.
table() {
    local name line ok=0 bad=0 cannot=0
    printf '\n%-16s | %-28s | %-32s | %4s | %-7s | %s\n' target core "how it was run" s stages result
    for name in "$@"; do
        line=$(cat "$SAME_BITS_BASE/rows/$name.result" 2>/dev/null) || line="$name | FAILED: it left no result"
        echo "$line"
        case ${line##*| } in
            ok) ok=$((ok + 1)) ;;
            "cannot run"*) cannot=$((cannot + 1)) ;;
            *) bad=$((bad + 1)) ;;
        esac
    done
    printf '%s rows: %s ok, %s different or failed, %s can'\''t be run here\n' $# "$ok" "$bad" "$cannot"
    [[ $bad -eq 0 ]] || say "logs and outputs: $SAME_BITS_BASE/rows"
    [[ $bad -eq 0 && $ok -gt 0 ]]
}

if [[ ${1:-} == --row ]]; then
    do_row "$2"
else
    main "$@"
fi

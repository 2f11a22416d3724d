#!/usr/bin/env bash
# Looks for fused multiply-add instructions in whole images of the library (the package whole-image):
#
#     host-tests/no_fused.sh
#
# Every function that computes, linked without application and log, for processors that could fuse. A fused instruction
# rounds once where the library promises to round twice, and inlining erases names, so all of the image is looked at.
# To show that it can fail, the same search must find something in a function that fuses by order, for each target, and
# in an image built with contraction, which the library's own self-test must report too. Exits with 0 only if all of it
# is so. What is missing (targets, llvm-objdump) is installed first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source firmware-example/install.sh

# Target and target-cpu.
readonly IMAGES=(
    "thumbv7em-none-eabihf cortex-m4"
    "x86_64-unknown-linux-gnu x86-64"
    "x86_64-unknown-linux-gnu x86-64-v3"
    "x86_64-unknown-linux-gnu x86-64-v4"
    "aarch64-unknown-none generic"
    "riscv32imafc-unknown-none-elf generic"
)
readonly OPT_LEVELS=(3 s)
readonly OUT=${CARGO_TARGET_DIR:-target}/no_fused

# Mnemonics of Arm and Helium, AArch64, x86-64, RISC-V, with their vectors. M4F's vmla rounds twice and is not among them.
readonly MNEMONICS=(
    'vfn?m(a|s|as|al|sl)(\\..*)?'                  # Arm: vfma vfms vfnma vfnms vfmas vfmal
    'v?fw?n?m(add|sub|acc|sac|ad|sb|la|ls).*'     # AArch64, x86-64, RISC-V: fmla fmadd fnmsub vfmadd213ps vfmacc
    'v4fn?madd.*' 'vfcmadd.*' '[vf]cmla.*'        # four at once, complex products
    'v?bf(dot|mla|mls|mmla).*' 'vdpbf16.*' 'fmmla.*' # products of matrices and of bfloat16
    'f(recps|rsqrts).*'                           # AArch64: steps of an approximate division or root
)
# Where a processor has none, a call of the routine that does the same.
readonly ROUTINES='<(__)?(fma|fmaf)(@plt)?>'

# Replaces the flags in .cargo/config.toml files, which are about programs for a board.
unset CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS
export CARGO_PROFILE_RELEASE_PANIC=abort CARGO_PROFILE_RELEASE_DEBUG=false

ensure_tools() {
    ensure_rust_targets "${IMAGES[@]%% *}"
    ensure_objdump
}

# Everything in the library that implements one of these traits, and every scalar function, is in the image.
ensure_image_is_whole() {
    local name missing=()
    for name in $(cat $(find kernel/src -name '*.rs') \
        | sed -nE 's/^impl(<.*>)? (Activation|Initializer|Loss<.*>|Optimizer|Pointwise|Schedule) for ([A-Z][A-Za-z]+).*/\3/p') \
        $(sed -nE 's/^pub (const )?fn ([a-z_0-9]+).*/\2/p' kernel/src/scalar.rs); do
        grep -qw "$name" host-tests/whole-image/src/lib.rs || missing+=("$name")
    done
    [[ ${#missing[@]} -eq 0 ]] || stop "host-tests/whole-image/src/lib.rs doesn't use: ${missing[*]}"
}

# Builds the image. $1: target, $2: target-cpu, $3: opt-level, $4: more flags. Prints its path.
build() {
    local flags="-C target-cpu=$2 ${4:-}"
    # No start-up files: the image begins with its own _start. memcpy and its like are the system's, outside of the image.
    [[ $1 != *-linux-* ]] || flags+=" -C link-arg=-nostartfiles -C link-arg=-lc"
    CARGO_PROFILE_RELEASE_OPT_LEVEL=$3 RUSTFLAGS=$flags cargo build --quiet --release -p whole-image --bin image \
        --features image --target "$1" --target-dir "$OUT"
    printf '%s\n' "$OUT/$1/release/image"
}

# A function that fuses by order, as an object file. mul_add is not in stable `core`, hence the bootstrap variable.
build_fused() {
    RUSTC_BOOTSTRAP=1 rustc --crate-name fused --crate-type lib --emit obj --target "$1" -C target-cpu="$2" \
        -C opt-level="$3" -o "$OUT/fused.o" - <<'RUST'
#![no_std]
#![feature(core_float_math)]
#[unsafe(no_mangle)]
pub extern "C" fn fused(x: f32, w: f32, b: f32) -> f32 {
    core::f32::math::mul_add(x, w, b)
}
RUST
    printf '%s\n' "$OUT/fused.o"
}

# Prints how many instructions a file has, how many of them fuse, and how many the disassembler doesn't know.
# $1: file, $2: where to put those that fuse
count() {
    local alternatives
    alternatives=$(IFS='|'; echo "${MNEMONICS[*]}")
    # Relocations (-r) name the routine that an object file calls.
    "$OBJDUMP" --disassemble --reloc --no-show-raw-insn --no-leading-addr "$1" \
        | awk -F '\t' -v mnemonics="^($alternatives)\$" -v routines="$ROUTINES" -v found="$2" '
            /R_[A-Z0-9_]+/ { if ($0 ~ /[ \t]fmaf?([-+]|$)/) { fused++; print > found } next }
            NF < 2 || $0 !~ /^[ \t]/ { next }
            { instructions++ }
            /<unknown>/ { unknown++ }
            $2 ~ mnemonics || $0 ~ routines { fused++; print > found }
            END { print instructions + 0, fused + 0, unknown + 0 }'
}

main() {
    local image target cpu opt
    ensure_tools
    ensure_image_is_whole
    mkdir -p "$OUT"
    printf '%-30s %-11s %-4s %13s %6s  %s\n' target cpu opt instructions fused "found in mul_add"
    for image in "${IMAGES[@]}"; do
        read -r target cpu <<<"$image"
        for opt in "${OPT_LEVELS[@]}"; do
            look_at "$target" "$cpu" "$opt"
        done
    done
    contract_on_purpose
    exit "$RESULT"
}

RESULT=0
fail() { say "$@"; RESULT=1; }

# One line of the table.
look_at() {
    local instructions fused unknown proof found=$OUT/found.txt
    read -r _ proof _ < <(count "$(build_fused "$@")" /dev/null)
    read -r instructions fused unknown < <(count "$(build "$@")" "$found")
    printf '%-30s %-11s %-4s %13s %6s  %s\n' "$@" "$instructions" "$fused" "$proof"
    [[ $proof -gt 0 ]] || fail "the search is blind here: nothing found in mul_add"
    # An image that lost its code on the way, or that can't be read, would pass too.
    [[ $instructions -gt 10000 ]] || fail "this is no whole image"
    [[ $unknown -eq 0 ]] || fail "the disassembler doesn't know $unknown of them"
    [[ $fused -eq 0 ]] || fail "fused, the first ten: $(head "$found")"
}

# The library as a compiler would make it that is allowed to fuse: the search must see it, and so must the self-test.
contract_on_purpose() {
    local target=x86_64-unknown-linux-gnu cpu=x86-64-v3 contraction="-C llvm-args=-fp-contract=fast"
    local instructions fused said
    read -r instructions fused _ < <(count "$(build $target $cpu 3 "$contraction")" "$OUT/found.txt")
    printf '%-30s %-11s %-4s %13s %6s  %s\n' $target $cpu 3 "$instructions" "$fused" "(built with contraction)"
    [[ $fused -gt 0 ]] || fail "the search is blind: nothing found in an image built with contraction"
    said=$(self_test $target $cpu "")
    [[ $said == Ok || $said == "not run"* ]] || fail "float_environment() on this computer: $said"
    said=$(self_test $target $cpu "$contraction")
    [[ $said == Fuses || $said == "not run"* ]] || fail "float_environment() built with contraction: $said"
    printf 'float_environment() built with contraction: %s\n' "$said"
}

# What the library's self-test says, on this computer. $1: target, $2: target-cpu, $3: more flags
self_test() {
    grep -qw fma /proc/cpuinfo || { echo "not run, this processor has no FMA"; return; }
    RUSTFLAGS="-C target-cpu=$2 $3" cargo run --quiet --release -p whole-image --bin float_environment --target "$1" \
        --target-dir "$OUT"
}

main "$@"

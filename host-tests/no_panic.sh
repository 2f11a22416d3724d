#!/usr/bin/env bash
# Shows that no panic is left in whole images of the library (the package whole-image, program no_panic):
#
#     host-tests/no_panic.sh
#
# Every public function, linked without application and log. The panic handler of the image calls a function that does not
# exist, so it links only if the compiler could prove of every index, length, division and sum that nothing can go wrong.
# Where it doesn't link, the image is linked again with such a function, and the disassembly says who calls it. To show that it
# can fail, an image with one panic on purpose must not link, and the search must find that panic. The images are also built as by one
# who asks for `overflow-checks` (but for `libm` and `heapless`, whose arithmetic is not ours). Exits with 0 only if all of it is so. What is missing (targets, llvm-objdump) is installed first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source firmware-example/install.sh

readonly TARGETS=(thumbv7em-none-eabihf thumbv6m-none-eabi riscv32imc-unknown-none-elf)
readonly OPT_LEVELS=(3 s)
readonly OUT=${CARGO_TARGET_DIR:-target}/no_panic
readonly MISSING=a_panic_is_left_in_this_image

# Replaces the flags in .cargo/config.toml files, which are about programs for a board.
unset CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS
export CARGO_PROFILE_RELEASE_PANIC=abort

ensure_tools() {
    ensure_rust_targets "${TARGETS[@]}"
    ensure_objdump
}

# Every public function, and every method of a network, is called by its name somewhere in the image.
ensure_image_is_whole() {
    local name missing=()
    for name in $(cat $(find kernel/src -name '*.rs' -not -path '*/arch/*') \
        | sed -nE -e 's/^ *pub (const )?fn ([a-z_0-9]+).*/\2/p') $(sed -nE 's/^    fn ([a-z_]+).*/\1/p' kernel/src/network.rs); do
        cat host-tests/whole-image/src/*.rs | grep -w "$name" >/dev/null || missing+=("$name")
    done
    [[ ${#missing[@]} -eq 0 ]] || stop "host-tests/whole-image/src doesn't call: ${missing[*]}"
}

# What "checked" adds to the build: panics on overflow, in all but other people's packages.
readonly CHECKED=(--config profile.release.overflow-checks=true
    --config profile.release.package.libm.overflow-checks=false
    --config profile.release.package.heapless.overflow-checks=false)

# Builds the image. $1: target, $2: opt-level, $3: more features, $4: whether overflow is "checked".
build() {
    local checks=()
    [[ ${4:-} != checked ]] || checks=("${CHECKED[@]}")
    CARGO_PROFILE_RELEASE_OPT_LEVEL=$2 CARGO_PROFILE_RELEASE_DEBUG=${DEBUG:-false} RUSTFLAGS="" \
        cargo build ${checks[@]+"${checks[@]}"} --quiet --release -p whole-image --bin no_panic --features "no-panic${3:+,$3}" --target "$1" --target-dir "$OUT"
}

# Says where the panics of an image are: each function outside of `core` from which `core` gets to the panic handler, and the
# line of the library, or of this image, that the compiler had there. Arguments as for `build`.
where() {
    DEBUG=line-tables-only build "$1" "$2" "${3:+$3,}handler" "${4:-}" >&2 || stop "it doesn't build with a panic handler either"
    "$OBJDUMP" --disassemble --demangle --line-numbers --no-show-raw-insn "$OUT/$1/release/no_panic" \
        | awk -v start="$MISSING" -v root="$PWD/" '
            # Mangled in part: `_$LT$core..iter…`.
            function of_core(name) { return name ~ /^(<|_\$LT\$)?(core|__rustc)(::|\.\.)/ || name == "rust_begin_unwind" || name == start }
            /^[0-9a-f]+ <.*>:$/ {
                function_ = substr($0, index($0, "<") + 1)
                function_ = substr(function_, 1, length(function_) - 2)
                line = ""
                next
            }
            /^; / {
                if (index($0, root) == 3) line = substr($0, 3 + length(root))
                next
            }
            /<.*>/ {
                address = $1
                sub(/:$/, "", address)
                callee = substr($0, index($0, " <") + 2)
                sub(/>( @ .*)?$/, "", callee)
                inside = callee
                sub(/\+0x[0-9a-f]+$/, "", inside)
                # A jump inside the function: what is jumped to belongs to the line that jumps.
                if (inside == function_ && match($0, /0x[0-9a-f]+ </)) {
                    from[substr($0, RSTART + 2, RLENGTH - 4)] = line
                } else if (callee == inside) {
                    edges++
                    caller[edges] = function_
                    called[edges] = callee
                    at[edges] = address in from ? from[address] : line
                }
            }
            END {
                leads[start] = 1
                do {
                    more = 0
                    for (i = 1; i <= edges; i++)
                        if (called[i] in leads && of_core(caller[i]) && !(caller[i] in leads)) more = leads[caller[i]] = 1
                } while (more)
                for (i = 1; i <= edges; i++)
                    if (called[i] in leads && !of_core(caller[i]))
                        print "    " caller[i] " calls " called[i] ", at about " (at[i] ? at[i] : "?")
            }' | sort | uniq
}

RESULT=0
fail() { say "$@"; RESULT=1; }

# One line of the table, and the panics where there are some. Arguments as for `build`.
look_at() {
    local output
    printf '%-30s %-4s %-16s ' "$1" "$2" "${4:-not checked}"
    if output=$(build "$@" 2>&1); then
        echo "no panic"
    elif [[ $output == *"undefined symbol: $MISSING"* ]]; then
        echo "PANICS"
        where "$@"
        fail "a panic is left for $1 at opt-level $2"
    else
        echo "FAILED"
        stop "it doesn't build: $output"
    fi
}

# An image with an index out of range: it must not link, and the search must name the function with it.
panic_on_purpose() {
    local target=$1 output found
    if output=$(build "$target" 3 panics 2>&1); then
        fail "an image with a panic on purpose links: this proves nothing"
    elif [[ $output != *"undefined symbol: $MISSING"* ]]; then
        stop "an image with a panic on purpose doesn't build: $output"
    fi
    found=$(where "$target" 3 panics)
    printf '%-30s %-4s %-16s %s\n%s\n' "$target" 3 "not checked" "a panic on purpose, and it was found:" "$found"
    [[ $found == *"whole_image::panics"*panics.rs:* && $(wc -l <<<"$found") -eq 1 ]] || fail "the search should find that one panic"
}

main() {
    local target opt
    ensure_tools
    ensure_image_is_whole
    printf '%-30s %-4s %-16s\n' target opt "integer overflow"
    for target in "${TARGETS[@]}"; do
        for opt in "${OPT_LEVELS[@]}"; do
            look_at "$target" "$opt"
            look_at "$target" "$opt" "" checked
        done
    done
    panic_on_purpose "${TARGETS[0]}"
    exit "$RESULT"
}

main "$@"

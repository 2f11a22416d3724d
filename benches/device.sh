#!/usr/bin/env bash
# Counts what predictions and training steps cost on an emulated Cortex-M4F: instructions, cycles, RAM and code.
#
#     benches/device.sh [--report|--check|--write|--clocks]
#
# Without an argument it prints the table of benches/README.md, each row with its limits, and exits with 1 if a row is over.
# --report   the same, but a row that is over is no failure
# --check    no table and no cycles: fails if a count grew by more than 2 % over benches/device.expected
# --write    makes the counts found now the expected ones, and puts the table and the clocks' into benches/README.md
# --clocks   microseconds on real clocks, estimated
#
# Cycles need m4cycles.py, a table of the Cortex-M4's timing that is not part of this repository: M4CYCLES is its path
# (../shared/tools/m4cycles.py from the root of the repository). What else is missing is installed first, and said first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source firmware-example/install.sh

# program in benches/device/src/bin | what it is | instructions at most | cycles at most | for how many, if not for one call
readonly ROWS='
predict_4_16_3         | predict 4-16-3 (ReLU, softmax)           |   700 |    900 |
predict_64_32_10       | predict 64-32-10                         |  8000 |   9000 |
predict_196_32_10      | predict 196-32-10                        | 21000 |  24000 |
sgd_2_3_1              | SGD step 2-3-1 (sigmoid, MSE)            |   600 |    800 |
sgd_4_16_3             | SGD step 4-16-3 (ReLU, softmax + CE)     |  1600 |   2200 |
sgd_64_32_10           | SGD step 64-32-10                        | 21500 |  24000 |
sgd_196_32_10          | SGD step 196-32-10                       | 56000 |  63000 |
adam_64_32_10          | Adam step 64-32-10                       | 64000 | 135000 |
sgd_64_32_10_batch_32  | SGD step 64-32-10, per sample at batch 32 | 14000 | 15000 | 32
product_64_32          | product 64→32, per multiply-accumulate   |       |    3.5 | 2048
'
# program | what it trains by | bytes at most
readonly RAM='
sgd_64_32_10  | RAM, 64-32-10 by SGD, with the stack  | 10400
adam_64_32_10 | RAM, 64-32-10 by Adam, with the stack | 29800
'
# program | what it trains: its code is SGD, dense layers, softmax and cross-entropy | bytes of .text at opt-level 3 | at s
readonly CODE='
training         | code, 4-16-3 by SGD, one sample a step | 7000 | 3000
training_batches | code, 4-16-3 by SGD, batches of 16     |      |
'
# What a row may take at opt-level s, in limits.
readonly FACTOR_S=2
readonly OPT_LEVELS=(3 s)
readonly EXPECTED=benches/device.expected
readonly README=benches/README.md
readonly M4CYCLES=${M4CYCLES:-../shared/tools/m4cycles.py}
readonly RUN_TIMEOUT=${RUN_TIMEOUT:-60}
readonly OUT=${CARGO_TARGET_DIR:-target}/device

export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
# The counts are of these flags and no others.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_BUILD_TARGET
export CARGO_PROFILE_RELEASE_DEBUG=false

# $1: targets, in one word; $2: not empty, if cycles are wanted
ensure_tools() {
    local program
    # shellcheck disable=SC2086 # targets in one word
    ensure_rust_targets $1
    for program in cc:gcc size:binutils qemu-system-arm:qemu-system-arm; do
        have "${program%:*}" || install_package "${program#*:}" || stop "there is no ${program%:*}"
    done
    WITHOUT_CYCLES=
    if [[ ! ${2:-} ]]; then
        WITHOUT_CYCLES="not asked for"
    elif [[ ! -f $M4CYCLES ]]; then
        WITHOUT_CYCLES="no m4cycles.py"
    elif ! have python3 && ! install_package python3; then
        WITHOUT_CYCLES="no python3"
    else
        ensure_objdump
    fi
}

# Lines of a list above, as a|b|c without spaces around.
list() { sed -e '/^$/d' -e 's/ *| */|/g' -e 's/ *$//' <<<"$1"; }

# Builds all programs. $1: opt-level, $2: target, $3: target-cpu. Sets IMAGES to the folder with them.
build() {
    say "building for $3 at opt-level $1"
    CARGO_PROFILE_RELEASE_OPT_LEVEL=$1 RUSTFLAGS="-C target-cpu=$3" \
        cargo build --quiet --release -p benches-device --bins --target "$2" --target-dir "$OUT/$1" || stop "it does not build"
    IMAGES=$OUT/$1/$2/release
}

# Prints what a program prints.
run() {
    local output
    output=$(timeout --kill-after=5 "$RUN_TIMEOUT" qemu-system-arm -M netduinoplus2 -nographic -icount shift=6 \
        -semihosting-config enable=on,target=native -kernel "$IMAGES/$1" </dev/null) && [[ $output == *$'\n'end ]] \
        || stop "$1 failed: $output"
    printf '%s\n' "$output"
}

instructions_of() { sed -n 's/^count|row|//p' <<<"$1"; }
ram_of() { awk -F '|' '$1 == "ram" { print $2 + $3 }' <<<"$1"; }
section() { size -A "$IMAGES/$1" | awk -v section="$2" '$1 == section { print $2 }'; }

# Measures every row at an opt-level, with cycles unless $2 is empty: lines program|instructions|cycles|RAM with stack.
measure() {
    local program output cycles
    build "$1" thumbv7em-none-eabihf cortex-m4
    while IFS='|' read -r program _; do
        output=$(run "$program")
        cycles=
        if [[ ${2:-} && ! $WITHOUT_CYCLES ]]; then
            cycles=$(python3 benches/device/cycles.py "$M4CYCLES" "$OBJDUMP" "$IMAGES/$program") || exit 1
        fi
        echo "$program|$(instructions_of "$output")|$cycles|$(ram_of "$output")"
    done < <(list "$ROWS") >"$OUT/measured.$1"
    while IFS='|' read -r program _; do
        # The images differ by what trains and by nothing else.
        echo "$program|$(($(section "$program" .text) - $(section nothing .text)))||" >>"$OUT/measured.$1"
    done < <(list "$CODE")
}

# Column $3 of the measured line $2 at opt-level $1.
measured() { awk -F '|' -v name="$2" -v column="$3" '$1 == name { print $column }' "$OUT/measured.$1"; }

# --- The table ---------------------------------------------------------------------------------------------------------

# One row: $1 what it is, $2 instructions or bytes, $3 at most, $4 cycles, $5 at most, $6 for how many, $7 factor on limits
row() {
    awk -v what="$1" -v value="$2" -v limit="$3" -v cycles="$4" -v cycles_limit="$5" -v by="${6:-1}" -v factor="${7:-1}" '
        function number(n, places,  text, result) {
            if (n == "") return "–"
            if (places) return sprintf("%.2f", n)
            text = sprintf("%d", n + 0.5)
            while (length(text) > 3) {
                result = "," substr(text, length(text) - 2) result
                text = substr(text, 1, length(text) - 3)
            }
            return text result
        }
        BEGIN {
            small = by > 100
            if (value != "") value /= by
            if (cycles != "") cycles /= by
            if (limit != "") limit *= factor
            if (cycles_limit != "") cycles_limit *= factor
            over = (limit != "" && value > limit) || (cycles != "" && cycles_limit != "" && cycles > cycles_limit)
            # Nothing to compare is not "ok".
            verdict = over ? "over" : (limit == "" && (cycles == "" || cycles_limit == "")) ? "–" : "ok"
            printf "| %s | %s | %s | %s | %s | %s |\n", what, number(value, small), number(limit, small), number(cycles, small),
                number(cycles_limit, small), verdict
        }'
}

table() {
    local opt program what limit cycles_limit limit_3 limit_s by factor=1 title
    for opt in "${OPT_LEVELS[@]}"; do
        [[ $opt == 3 ]] || factor=$FACTOR_S
        title=$opt
        [[ $opt == [0-9] ]] || title="\"$opt\""
        printf '\n| `opt-level = %s` | instructions | at most | cycles | at most | |\n' "$title"
        echo '| --- | ---: | ---: | ---: | ---: | --- |'
        while IFS='|' read -r program what limit cycles_limit by; do
            row "$what" "$(measured "$opt" "$program" 2)" "$limit" "$(measured "$opt" "$program" 3)" "$cycles_limit" "$by" "$factor"
        done < <(list "$ROWS")
    done
    [[ ! $WITHOUT_CYCLES ]] || printf '\ncycles: not measured, %s\n' "$WITHOUT_CYCLES"
    printf '\n| bytes | | at most | | | |\n| --- | ---: | ---: | --- | --- | --- |\n'
    for opt in "${OPT_LEVELS[@]}"; do
        while IFS='|' read -r program what limit; do
            row "$what, \`$opt\`" "$(measured "$opt" "$program" 4)" "$limit" "" ""
        done < <(list "$RAM")
    done
    while IFS='|' read -r program what limit_3 limit_s; do
        row "$what, \`3\`" "$(measured 3 "$program" 2)" "$limit_3" "" ""
        row "$what, \`s\`" "$(measured s "$program" 2)" "$limit_s" "" ""
    done < <(list "$CODE")
}

# --- Microseconds -------------------------------------------------------------------------------------------------------

# Estimates for real clocks: the cycles of the table above, and the instructions of an image for a Cortex-M0+.
clocks() {
    local program what by output
    [[ ! $WITHOUT_CYCLES ]] || stop "no clocks without cycles: $WITHOUT_CYCLES"
    build 3 thumbv6m-none-eabi cortex-m0plus
    echo '| microseconds, estimated | nRF52840, M4F, 64 MHz | STM32F405, M4F, 168 MHz | Cortex-M0+, 48 MHz: instructions | at least |'
    echo '| --- | ---: | ---: | ---: | ---: |'
    while IFS='|' read -r program what _ _ by; do
        [[ $program != product* ]] || continue
        output=$(run "$program")
        awk -v what="$what" -v cycles="$(measured 3 "$program" 3)" -v soft="$(instructions_of "$output")" -v by="${by:-1}" '
            function number(n) { return sprintf(n < 100 ? "%.1f" : "%.0f", n) }
            BEGIN {
                cycles /= by
                soft /= by
                printf "| %s | %s | %s | %.0f | %s |\n", what, number(cycles / 64), number(cycles / 168), soft, number(soft / 48)
            }'
    done < <(list "$ROWS")
}

# --- The committed figures ---------------------------------------------------------------------------------------------

# What is guarded: lines name | at opt-level 3 | at opt-level s
figures() {
    local program name value values
    {
        list "$ROWS" | sed 's/|.*//; s/$/|2|instructions/'
        list "$RAM" | sed 's/|.*//; s/$/|4|bytes of RAM/'
        list "$CODE" | sed 's/|.*//; s/$/|2|bytes of code/'
    } | while IFS='|' read -r program column unit; do
        values=()
        for opt in "${OPT_LEVELS[@]}"; do values+=("$(measured "$opt" "$program" "$column")"); done
        printf '%-36s | %9s | %9s\n' "$program $unit" "${values[@]}"
    done
}

check() {
    figures | bash benches/compare.sh "$EXPECTED" "bash benches/device.sh --write"
}

write() {
    {
        echo '# Made by `bash benches/device.sh --write`, checked by `bash benches/device.sh --check`: at opt-level 3, and at s.'
        figures
    } >"$EXPECTED.new"
    mv "$EXPECTED.new" "$EXPECTED"
    say "wrote $EXPECTED"
    if [[ $WITHOUT_CYCLES ]]; then
        say "the tables of $README stay as they are: $WITHOUT_CYCLES"
    else
        table >"$OUT/table.md"
        clocks >"$OUT/clocks.md"
        put_into_readme table
        put_into_readme clocks
        say "wrote the tables of $README"
    fi
}

# Replaces what is between the lines <!-- $1 --> and <!-- end of $1 --> by the file of that name.
put_into_readme() {
    grep -qx "<!-- $1 -->" "$README" && grep -qx "<!-- end of $1 -->" "$README" || stop "$README has no place for $1"
    awk -v name="$1" -v file="$OUT/$1.md" '
        $0 == "<!-- end of " name " -->" { inside = 0 }
        !inside { print }
        $0 == "<!-- " name " -->" {
            inside = 1
            while ((getline line < file) > 0) print line
        }' "$README" >"$OUT/README.md"
    cp "$OUT/README.md" "$README"
}

main() {
    local mode=${1:-}
    mkdir -p "$OUT"
    case $mode in
        "" | --report)
            ensure_tools thumbv7em-none-eabihf cycles
            for opt in "${OPT_LEVELS[@]}"; do measure "$opt" cycles; done
            table | tee "$OUT/table.md"
            [[ $mode == --report ]] || ! grep -q '| over |$' "$OUT/table.md" ;;
        --check)
            ensure_tools thumbv7em-none-eabihf
            for opt in "${OPT_LEVELS[@]}"; do measure "$opt"; done
            check ;;
        --clocks)
            ensure_tools "thumbv7em-none-eabihf thumbv6m-none-eabi" cycles
            measure 3 cycles
            clocks ;;
        --write)
            ensure_tools "thumbv7em-none-eabihf thumbv6m-none-eabi" cycles
            for opt in "${OPT_LEVELS[@]}"; do measure "$opt" cycles; done
            write ;;
        *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
}

main "$@"

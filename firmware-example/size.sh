#!/usr/bin/env bash
# Flash and RAM of the programs by part, from the symbols of their images: the table of the README.
#
#     firmware-example/size.sh
#
# library   code of baregrad, libm and the compiler's arithmetic, with the training function of the program
# data      the program's tables of samples
# rest      vector table, start-up code, logging, printing, strings, the other constants
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS

bash run.sh tools
cargo build --quiet --release --bin xor --bin iris --bin digits
printf '%-8s %14s %11s %11s %12s %11s\n' program "flash:library" "flash:data" "flash:rest" "RAM:training" "RAM:other"
for program in xor iris digits; do
    # Addresses and sizes in decimal; t and r are flash, b and d are RAM (d is in flash as well).
    nm --radix=d --print-size "${CARGO_TARGET_DIR:-../target}/thumbv7em-none-eabihf/release/$program" | awk -v program="$program" '
        NF != 4 { next }
        { size = $2 + 0; kind = tolower($3); name = $4 }
        kind == "b" || kind == "d" { if (name ~ /TRAINER|STATE|ORDER/) training += size; else other += size }
        kind == "t" || kind == "r" || kind == "d" {
            if (kind == "r" && name ~ /6tables/) data += size
            else if (kind == "t" && (name ~ /8baregrad/ && name !~ /defmt/ || name ~ /4libm|17compiler_builtins/ \
                || name ~ /^(mem|__aeabi|__)/ || name ~ /firmware_example[0-9]+[a-z]+(5train|4step)/)) library += size
            else rest += size
        }
        END { printf "%-8s %14d %11d %11d %12d %11d\n", program, library, data, rest, training, other }'
done

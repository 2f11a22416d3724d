//! `cargo xtask size`: flash and RAM of the firmware's programs by part, from the symbols of their images: the table of the README.

use anyhow::Result;

use crate::tools::{Run as _, cargo, objdump, program, target_folder};

const PROGRAMS: [&str; 3] = ["xor", "iris", "digits"];

pub(crate) fn run() -> Result<()> {
    program("bash").args(["firmware-example/run.sh", "tools"]).run()?;
    let target = target_folder();
    // There `.cargo/config.toml` says what a build for the microcontroller needs.
    cargo()
        .current_dir("firmware-example")
        .env("CARGO_TARGET_DIR", &target)
        .words("build --quiet --release --bin")
        .args(PROGRAMS.join(" --bin ").split(' '))
        .run()?;
    let nm = objdump()?.with_file_name("llvm-nm");
    println!(
        "{:<8} {:>14} {:>11} {:>11} {:>12} {:>11}",
        "program", "flash:library", "flash:data", "flash:rest", "RAM:training", "RAM:other"
    );
    for name in PROGRAMS {
        let image = target.join("thumbv7em-none-eabihf/release").join(name);
        let parts = Parts::of(&program(&nm).words("--radix=d --print-size").arg(image).output_text()?);
        let Parts { library, data, rest, training, other } = parts;
        println!("{name:<8} {library:>14} {data:>11} {rest:>11} {training:>12} {other:>11}");
    }
    Ok(())
}

/// Bytes.
#[derive(Debug, Default, PartialEq)]
struct Parts {
    /// Code of baregrad, libm and the compiler's arithmetic, with the training function of the program.
    library: u64,
    /// The program's tables of samples.
    data: u64,
    /// Vector table, start-up code, logging, printing, strings, the other constants.
    rest: u64,
    /// RAM of what trains.
    training: u64,
    /// The other RAM, without the stack.
    other: u64,
}

impl Parts {
    /// From lines `address size kind name`, in decimal. Kinds t and r are flash, b is RAM, d is both.
    fn of(symbols: &str) -> Self {
        let mut parts = Self::default();
        for line in symbols.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [_, size, kind, name] = words[..] else { continue };
            let Ok(size) = size.parse::<u64>() else { continue };
            let kind = kind.to_ascii_lowercase();
            if matches!(kind.as_str(), "b" | "d") {
                let trains = ["TRAINER", "STATE", "ORDER"].iter().any(|part| name.contains(part));
                *(if trains { &mut parts.training } else { &mut parts.other }) += size;
            }
            match kind.as_str() {
                "r" if name.contains("6tables") => parts.data += size,
                "t" if is_library(name) => parts.library += size,
                "t" | "r" | "d" => parts.rest += size,
                _ => {}
            }
        }
        parts
    }
}

/// Whether a function, by its mangled name, is the library's, or the program's that trains.
fn is_library(name: &str) -> bool {
    let contains = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let begins = |parts: &[&str]| parts.iter().any(|part| name.starts_with(part));
    // In firmware_example, a module, a function: `16firmware_example3xor5train`.
    let trains = name.split("firmware_example").skip(1).any(|path| {
        let module = path.trim_start_matches(|character: char| character.is_ascii_digit());
        let function = module.trim_start_matches(|character: char| character.is_ascii_lowercase());
        module.len() < path.len()
            && function.len() < module.len()
            && (function.starts_with("5train") || function.starts_with("4step"))
    });
    contains(&["8baregrad"]) && !contains(&["defmt"])
        || contains(&["4libm", "17compiler_builtins"])
        || begins(&["mem", "__aeabi", "__"])
        || trains
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_told_apart() {
        let symbols = "\
00000000 T no_size
134218752 00000100 T _ZN8baregrad5layer4step17h0123456789abcdefE
134218852 00000020 T _ZN8baregrad5defmt17h0123456789abcdefE
134218872 00000030 t memcpy
134218902 00000040 T _ZN16firmware_example3xor5train17h0123456789abcdefE
134218942 00000050 T _ZN16firmware_example3xor5print17h0123456789abcdefE
134218992 00000060 R _ZN16firmware_example4iris6tables6PIXELS17hE
134219052 00000007 R other
536870912 00000008 D STATE
536870920 00000009 b SOMETHING
";
        // What is initialised lies in flash too.
        let expected = Parts { library: 170, data: 60, rest: 20 + 50 + 7 + 8, training: 8, other: 9 };
        assert_eq!(Parts::of(symbols), expected);
    }
}

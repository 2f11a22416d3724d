//! `cargo xtask panic`: no panic is left in whole images of the library (the package whole-image, program no_panic).
//!
//! Every public function is linked, without application and log. The panic handler of the image calls a function that does not
//! exist, so the image links only if the compiler could prove of every index, length, division and sum that nothing can go wrong.
//! Where it doesn't link, it is linked again with such a function, and the disassembly says who calls it. To show that this can
//! fail, an image with one panic on purpose must not link, and the search must find that panic. The images are also built as by
//! one who asks for `overflow-checks` (but for `libm` and `heapless`, whose arithmetic is not ours).
//!
//! Whether a check of an index folds away depends on the level and on the processor. So the loops, where indices are, are also linked at every
//! level for every kind of Cortex-M, in small images: each takes two seconds, where a whole one takes half a minute.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::disassembly::{self, Line, sources};
use crate::tools::{self, Failures, Run};

const TARGETS: [&str; 3] = ["thumbv7em-none-eabihf", "thumbv6m-none-eabi", "riscv32imc-unknown-none-elf"];
/// Has the loops over vectors. Their sums of indices keep a panic where overflow is checked, so it isn't here.
const WITH_VECTORS: &str = "aarch64-unknown-none";
/// At level 1 the compiler proves least.
const OPT_LEVELS: [&str; 3] = ["1", "3", "s"];
/// For the small images.
const ALL_TARGETS: [&str; 6] = [
    "thumbv6m-none-eabi",
    "thumbv7m-none-eabi",
    "thumbv7em-none-eabihf",
    MAY_BE_MISSING,
    "thumbv8m.main-none-eabihf",
    "riscv32imc-unknown-none-elf",
];
/// Not every mirror of Rust's downloads has it.
const MAY_BE_MISSING: &str = "thumbv8m.base-none-eabi";
const ALL_LEVELS: [&str; 5] = ["1", "2", "3", "s", "z"];
/// The function that does not exist.
const MISSING: &str = "a_panic_is_left_in_this_image";

/// An image to build.
#[derive(Clone, Copy)]
struct Image {
    target: &'static str,
    opt_level: &'static str,
    /// The loops only.
    small: bool,
    /// With panics on overflow, in all but other people's packages.
    checked: bool,
    /// With a panic on purpose.
    panics: bool,
}

pub(crate) fn run() -> Result<()> {
    let optional = |target: &&str| *target != MAY_BE_MISSING;
    let targets: Vec<&str> = ALL_TARGETS.into_iter().filter(optional).chain([WITH_VECTORS]).collect();
    tools::ensure_targets(&targets)?;
    ensure_image_is_whole()?;
    println!("{:<30} {:<4} {:<6} {:<16}", "target", "opt", "image", "integer overflow");
    let mut failures = Failures::default();
    for target in TARGETS {
        for opt_level in OPT_LEVELS {
            for checked in [false, true] {
                Image { target, opt_level, small: false, checked, panics: false }.look_at(&mut failures)?;
            }
        }
    }
    for opt_level in ["3", "s"] {
        Image { target: WITH_VECTORS, opt_level, small: false, checked: false, panics: false }
            .look_at(&mut failures)?;
    }
    for target in ALL_TARGETS {
        if target == MAY_BE_MISSING && tools::ensure_targets(&[target]).is_err() {
            println!("{target:<30} SKIPPED, rustup can't add it");
            continue;
        }
        for opt_level in ALL_LEVELS {
            for checked in [false, true] {
                Image { target, opt_level, small: true, checked, panics: false }.look_at(&mut failures)?;
            }
        }
    }
    Image { target: TARGETS[0], opt_level: "3", small: false, checked: false, panics: true }
        .find_its_panic(&mut failures)?;
    Image { target: TARGETS[0], opt_level: "z", small: true, checked: false, panics: true }
        .find_its_panic(&mut failures)?;
    failures.end()
}

/// Every public function, and every method of a network, is called by its name somewhere in the image.
pub(crate) fn ensure_image_is_whole() -> Result<()> {
    let library = sources::text_of_folder(Path::new("kernel/src"), None)?;
    let network = fs::read_to_string("kernel/src/network.rs")?;
    let public = library.lines().filter_map(|line| sources::public_function(line.trim_start()));
    let methods = network.lines().filter_map(|line| sources::function(line.strip_prefix("    ")?));
    let image = "host-tests/whole-image/src";
    let text = sources::text_of_folder(Path::new(image), Some("bin"))?;
    let table = sources::text_of_folder(Path::new(sources::TABLE), None)?;
    sources::ensure_all_named(public.chain(methods), &(text + &table), image)
}

impl Image {
    /// One line of the table, and the panics where there are some.
    fn look_at(self, failures: &mut Failures) -> Result<()> {
        let links = self.links()?;
        self.print_line(if links { "no panic" } else { "PANICS" });
        if !links {
            self.panics()?.iter().for_each(|panic| println!("{panic}"));
        }
        failures.note_if(!links, &format!("a panic is left for {} at opt-level {}", self.target, self.opt_level));
        Ok(())
    }

    /// An index out of range: the image must not link, and the search must name the function with it.
    fn find_its_panic(self, failures: &mut Failures) -> Result<()> {
        failures.note_if(self.links()?, "an image with a panic on purpose links: this proves nothing");
        let found = self.panics()?;
        self.print_line("a panic on purpose, and it was found:");
        found.iter().for_each(|panic| println!("{panic}"));
        let is_it = |panic: &String| panic.contains("whole_image::panics") && panic.contains("panics.rs:");
        failures.note_if(found.len() != 1 || !found.iter().all(is_it), "the search should find that one panic");
        Ok(())
    }

    fn print_line(self, verdict: &str) {
        let checked = if self.checked { "checked" } else { "not checked" };
        let image = if self.small { "loops" } else { "whole" };
        println!("{:<30} {:<4} {image:<6} {checked:<16} {verdict}", self.target, self.opt_level);
    }

    /// Whether it links with a panic handler that calls nothing there is.
    fn links(self) -> Result<bool> {
        let output = self.build(false).output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() && !errors.contains(&format!("undefined symbol: {MISSING}")) {
            bail!("it doesn't build: {errors}");
        }
        Ok(output.status.success())
    }

    /// The panics that are left, once it links because the handler calls a function that is there.
    fn panics(self) -> Result<BTreeSet<String>> {
        ensure!(self.build(true).status()?.success(), "it doesn't build with a panic handler either");
        let options = "--demangle --line-numbers";
        let root = format!("{}/", std::env::current_dir()?.display());
        Ok(panics(&disassembly::disassemble(&out().join(self.target).join("release/no_panic"), options)?, &root))
    }

    /// `handler`: with lines, and with a function for the panic handler.
    fn build(self, handler: bool) -> Command {
        let mut cargo = tools::cargo();
        // No flags: those in .cargo/config.toml files are about programs for a board.
        cargo.env("RUSTFLAGS", "");
        cargo.env("CARGO_PROFILE_RELEASE_PANIC", "abort");
        cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", self.opt_level);
        cargo.env("CARGO_PROFILE_RELEASE_DEBUG", if handler { "line-tables-only" } else { "false" });
        cargo.words("build --quiet --release --package whole-image --bin no_panic --features");
        cargo.arg(match (self.small, self.opt_level) {
            (false, _) => "no-panic",
            // The level that leaves most; the whole images have the others.
            (true, "z") => "small,windows",
            (true, _) => "small",
        });
        if self.small {
            // Other people's packages once for all levels.
            cargo.arg("--config").arg(r#"profile.release.package."*".opt-level=3"#);
        }
        cargo.args(handler.then_some("--features=handler")).args(self.panics.then_some("--features=panics"));
        if self.checked {
            cargo.words("--config profile.release.overflow-checks=true");
            cargo.words("--config profile.release.package.libm.overflow-checks=false");
            cargo.words("--config profile.release.package.heapless.overflow-checks=false");
        }
        cargo.args(["--target", self.target, "--target-dir"]).arg(out());
        cargo
    }
}

fn out() -> PathBuf {
    tools::target_folder().join("no_panic")
}

/// A call, and the line of ours that the compiler had there.
struct Call<'a> {
    caller: &'a str,
    called: &'a str,
    at: Option<&'a str>,
}

/// Says where panics are: each function outside of `core` from which `core` gets to the panic handler, and the line of the
/// library, or of the image, that the compiler had there.
fn panics(disassembly: &str, root: &str) -> BTreeSet<String> {
    let calls = calls(disassembly, root);
    let mut leads = HashSet::from([MISSING]);
    loop {
        let before = leads.len();
        for call in &calls {
            if leads.contains(call.called) && is_of_core(call.caller) {
                leads.insert(call.caller);
            }
        }
        if leads.len() == before {
            break;
        }
    }
    let panics = calls.iter().filter(|call| leads.contains(call.called) && !is_of_core(call.caller));
    panics
        .map(|Call { caller, called, at }| format!("    {caller} calls {called}, at about {}", at.unwrap_or("?")))
        .collect()
}

fn calls<'a>(disassembly: &'a str, root: &str) -> Vec<Call<'a>> {
    let (mut caller, mut place) = ("", None);
    let mut jumps = HashMap::new();
    let mut calls = Vec::new();
    for line in disassembly.lines().filter_map(disassembly::parse) {
        match line {
            Line::Function(name) => (caller, place) = (name, None),
            Line::Place(path) => place = path.strip_prefix(root).or(place),
            Line::Instruction(instruction) => {
                let Some(to) = instruction.destination() else { continue };
                if to.function == caller {
                    // A jump inside the function: what is jumped to belongs to the line that jumps.
                    jumps.extend(to.address.map(|address| (address, place)));
                } else if !to.inside {
                    let at = jumps.get(instruction.address).copied().unwrap_or(place);
                    calls.push(Call { caller, called: to.function, at });
                }
            }
            Line::Relocation(_) => {}
        }
    }
    calls
}

/// Whether a function is of `core`. Names may be mangled in part: `_$LT$core..iter…`.
fn is_of_core(name: &str) -> bool {
    let start = name.strip_prefix('<').or_else(|| name.strip_prefix("_$LT$")).unwrap_or(name);
    let mut packages = ["core::", "core..", "__rustc::", "__rustc.."].iter();
    packages.any(|package| start.starts_with(package)) || name == "rust_begin_unwind" || name == MISSING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_found_through_core_and_by_the_line_that_jumps_to_it() {
        let listing = "\
00000000 <library::update>:
; /here/kernel/src/a.rs:3
       0:      \tbhs\t0x8 <library::update+0x8>     @ imm = #0x4
; /here/kernel/src/a.rs:9
       4:      \tbl\t0x20 <library::harmless> @ imm = #0x18
; /rustc/library/core/src/slice.rs:1
       8:      \tbl\t0x10 <core::panicking::panic_bounds_check> @ imm = #0x4
00000010 <core::panicking::panic_bounds_check>:
      10:      \tbl\t0x30 <rust_begin_unwind> @ imm = #0x1c
00000020 <library::harmless>:
      20:      \tbx\tlr
00000030 <rust_begin_unwind>:
      30:      \tbl\t0x40 <a_panic_is_left_in_this_image> @ imm = #0xc
";
        let found = panics(listing, "/here/");
        let expected = "    library::update calls core::panicking::panic_bounds_check, at about kernel/src/a.rs:3";
        assert_eq!(found, BTreeSet::from([expected.to_owned()]));
        assert!(panics(&listing.replace("bl\t0x10 <core::panicking::panic_bounds_check>", "nop"), "/here/").is_empty());
    }

    #[test]
    fn core_is_known_by_its_names() {
        for (name, of_core) in [
            ("core::panicking::panic", true),
            ("<core::iter::Chain as X>::fold", true),
            ("_$LT$core..iter..Chain$GT$::fold", true),
            ("corelation::f", false),
            ("baregrad::scalar::exp", false),
        ] {
            assert_eq!(is_of_core(name), of_core, "{name}");
        }
    }
}

//! `cargo xtask fused`: no fused multiply-add instruction is in whole images of the library (the package whole-image).
//!
//! Every function that computes is linked, without application and log, for processors that could fuse. A fused instruction
//! rounds once where the library promises to round twice, and inlining erases names, so all of the image is looked at. To show
//! that this can fail, the same search must find something in a function that fuses by order, for each target, and in an image
//! built with contraction, which the library's own self-test must report too.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::disassembly::{self, Line, sources};
use crate::tools::{self, Failures, Run};

/// Target and target-cpu.
const IMAGES: [(&str, &str); 6] = [
    ("thumbv7em-none-eabihf", "cortex-m4"),
    ("x86_64-unknown-linux-gnu", "x86-64"),
    ("x86_64-unknown-linux-gnu", "x86-64-v3"),
    ("x86_64-unknown-linux-gnu", "x86-64-v4"),
    ("aarch64-unknown-none", "generic"),
    ("riscv32imafc-unknown-none-elf", "generic"),
];
const OPT_LEVELS: [&str; 2] = ["3", "s"];
const CONTRACTION: &str = "-C llvm-args=-fp-contract=fast";
/// Whose traits' implementors must be in the image.
const TRAITS: [&str; 6] = ["Activation", "Initializer", "Loss", "Optimizer", "Pointwise", "Schedule"];

/// A function that fuses by order. `mul_add` is not in stable `core`.
const FUSED: &str = "\
#![no_std]
#![feature(core_float_math)]
#[unsafe(no_mangle)]
pub extern \"C\" fn fused(x: f32, w: f32, b: f32) -> f32 {
    core::f32::math::mul_add(x, w, b)
}
";

/// How an image is built.
#[derive(Clone, Copy)]
struct Image {
    target: &'static str,
    cpu: &'static str,
    opt_level: &'static str,
    flags: &'static str,
}

pub(crate) fn run() -> Result<()> {
    tools::ensure_targets(&IMAGES.map(|(target, _)| target))?;
    ensure_image_is_whole()?;
    fs::create_dir_all(out())?;
    println!("{}", line("target", "cpu", "opt", "instructions", "fused", "found in mul_add"));
    let mut failures = Failures::default();
    for (target, cpu) in IMAGES {
        for opt_level in OPT_LEVELS {
            Image { target, cpu, opt_level, flags: "" }.look_at(&mut failures)?;
        }
    }
    contract_on_purpose(&mut failures)?;
    failures.end()
}

/// Everything in the library that implements one of the traits, and every scalar function, is in the image.
fn ensure_image_is_whole() -> Result<()> {
    let library = sources::text_of_folder(Path::new("kernel/src"), None)?;
    let scalar = fs::read_to_string("kernel/src/scalar.rs")?;
    let types = library.lines().filter_map(|line| sources::implementor(line, &TRAITS));
    let functions = scalar.lines().filter_map(sources::public_function);
    let image = "host-tests/whole-image/src/lib.rs";
    let text = fs::read_to_string(image)? + &sources::text_of_folder(Path::new(sources::TABLE), None)?;
    sources::ensure_all_named(types.chain(functions), &text, image)
}

fn out() -> PathBuf {
    tools::target_folder().join("no_fused")
}

fn line(target: &str, cpu: &str, opt_level: &str, instructions: &str, fused: &str, proof: &str) -> String {
    format!("{target:<30} {cpu:<11} {opt_level:<4} {instructions:>13} {fused:>6}  {proof}")
}

impl Image {
    /// One line of the table.
    fn look_at(self, failures: &mut Failures) -> Result<()> {
        let proof = search(&self.build_fused()?)?.fused.len();
        let found = search(&self.build()?)?;
        self.print_line(&found, &proof.to_string());
        failures.note_if(proof == 0, "the search is blind here: nothing found in mul_add");
        // An image that lost its code on the way, or that can't be read, would pass too.
        failures.note_if(found.instructions <= 10_000, "this is no whole image");
        let unknown = found.unknown;
        failures.note_if(unknown > 0, &format!("the disassembler doesn't know {unknown} of them"));
        let fused = &found.fused;
        let first = fused[..fused.len().min(10)].join("\n");
        failures.note_if(!fused.is_empty(), &format!("fused, the first ten:\n{first}"));
        Ok(())
    }

    fn print_line(self, found: &Found, proof: &str) {
        let (instructions, fused) = (found.instructions.to_string(), found.fused.len().to_string());
        println!("{}", line(self.target, self.cpu, self.opt_level, &instructions, &fused, proof));
    }

    /// Builds the image, and says where it is.
    fn build(self) -> Result<PathBuf> {
        let mut flags = self.rustflags();
        if self.target.contains("-linux-") {
            // No start-up files: the image begins with its own _start. memcpy and its like are the system's, outside of the image.
            flags += " -C link-arg=-nostartfiles -C link-arg=-lc";
        }
        self.cargo("build", &flags, "--bin image --features image").run()?;
        Ok(out().join(self.target).join("release/image"))
    }

    /// These replace the flags in .cargo/config.toml files, which are about programs for a board.
    fn rustflags(self) -> String {
        format!("-C target-cpu={} {}", self.cpu, self.flags)
    }

    fn cargo(self, command: &str, flags: &str, what: &str) -> std::process::Command {
        let mut cargo = tools::cargo();
        cargo.env("RUSTFLAGS", flags).env("CARGO_PROFILE_RELEASE_OPT_LEVEL", self.opt_level);
        cargo.env("CARGO_PROFILE_RELEASE_PANIC", "abort").env("CARGO_PROFILE_RELEASE_DEBUG", "false");
        cargo.arg(command).words("--quiet --release --package whole-image").words(what);
        cargo.args(["--target", self.target, "--target-dir"]).arg(out());
        cargo
    }

    /// Builds the function that fuses, as an object file, and says where it is.
    fn build_fused(self) -> Result<PathBuf> {
        let (source, object) = (out().join("fused.rs"), out().join("fused.o"));
        fs::write(&source, FUSED)?;
        let mut rustc = tools::program("rustc");
        rustc.env("RUSTC_BOOTSTRAP", "1").words("--crate-type lib --emit obj --target").arg(self.target);
        rustc.arg(format!("-Ctarget-cpu={}", self.cpu)).arg(format!("-Copt-level={}", self.opt_level));
        rustc.arg("-o").arg(&object).arg(&source).run()?;
        Ok(object)
    }

    /// What the library's self-test says, on this computer.
    fn self_test(self) -> Result<String> {
        if !tools::processor_has("fma") {
            return Ok("not run, this processor has no FMA".to_owned());
        }
        Ok(self.cargo("run", &self.rustflags(), "--bin float_environment").output_text()?.trim_end().to_owned())
    }
}

/// The library as a compiler would make it that is allowed to fuse: the search must see it, and so must the self-test.
fn contract_on_purpose(failures: &mut Failures) -> Result<()> {
    let plain = Image { target: "x86_64-unknown-linux-gnu", cpu: "x86-64-v3", opt_level: "3", flags: "" };
    let contracted = Image { flags: CONTRACTION, ..plain };
    let found = search(&contracted.build()?)?;
    contracted.print_line(&found, "(built with contraction)");
    let blind = found.fused.is_empty();
    failures.note_if(blind, "the search is blind: nothing found in an image built with contraction");
    let said = plain.self_test()?;
    let is = |said: &str, right: &str| said == right || said.starts_with("not run");
    failures.note_if(!is(&said, "Ok"), &format!("float_environment() on this computer: {said}"));
    let said = contracted.self_test()?;
    failures.note_if(!is(&said, "Fuses"), &format!("float_environment() built with contraction: {said}"));
    println!("float_environment() built with contraction: {said}");
    Ok(())
}

/// What a search found.
#[derive(Debug, Default, PartialEq)]
struct Found {
    instructions: usize,
    /// Instructions that the disassembler doesn't know.
    unknown: usize,
    /// Lines with fused instructions.
    fused: Vec<String>,
}

fn search(file: &Path) -> Result<Found> {
    // Relocations name the routine that an object file calls.
    Ok(look_through(&disassembly::disassemble(file, "--reloc")?))
}

fn look_through(disassembly: &str) -> Found {
    let mut found = Found::default();
    for line in disassembly.lines() {
        let fuses = match disassembly::parse(line) {
            Some(Line::Instruction(instruction)) => {
                found.instructions += 1;
                found.unknown += usize::from(line.contains("<unknown>"));
                fuses(instruction.mnemonic) || calls_fma(instruction.operands)
            }
            Some(Line::Relocation(symbol)) => is_fma(symbol.split(['-', '+']).next().unwrap_or(symbol)),
            _ => false,
        };
        if fuses {
            found.fused.push(line.to_owned());
        }
    }
    found
}

/// Whether an instruction is a fused one: of Arm and Helium, AArch64, x86-64 or RISC-V, with their vectors. The M4F's vmla rounds
/// twice and is not among them.
fn fuses(mnemonic: &str) -> bool {
    let any = |text: &str, starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    let without = |text, first| str::strip_prefix(text, first).unwrap_or(text);
    let negated_too = |text| without(text, "n").strip_prefix('m');
    // Arm: vfma vfms vfnma vfnms vfmas vfmal, and a type.
    let arm = mnemonic.strip_prefix("vf").and_then(negated_too).map(|rest| rest.split('.').next());
    if matches!(arm, Some(Some("a" | "s" | "as" | "al" | "sl"))) {
        return true;
    }
    // AArch64, x86-64, RISC-V: fmla fmadd fnmsub vfmadd213ps vfmacc.
    let others = without(mnemonic, "v").strip_prefix('f').and_then(|rest| negated_too(without(rest, "w")));
    others.is_some_and(|rest| any(rest, &["ad", "sub", "sb", "acc", "sac", "la", "ls"]))
        // Four at once, complex products.
        || any(mnemonic, &["v4fmadd", "v4fnmadd", "vfcmadd", "vcmla", "fcmla"])
        // Products of matrices and of bfloat16.
        || any(without(mnemonic, "v"), &["bfdot", "bfmla", "bfmls", "bfmmla"])
        || any(mnemonic, &["vdpbf16", "fmmla"])
        // AArch64: steps of an approximate division or root.
        || any(mnemonic, &["frecps", "frsqrts"])
}

/// Whether the operands name the routine that does the same where a processor has no such instruction.
fn calls_fma(operands: &str) -> bool {
    let mut names = operands.split('<').skip(1).filter_map(|text| text.split('>').next());
    names.any(|name| is_fma(name.strip_prefix("__").unwrap_or(name).trim_end_matches("@plt")))
}

fn is_fma(name: &str) -> bool {
    matches!(name, "fma" | "fmaf")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fused_instructions_are_known() {
        let fused = "vfma.f32 vfms.f32 vfnma.f32 vfnms.f32 vfmas.f32 vfmal.f16 vfmsl vfmadd213ss vfmaddsub132ps vfnmsub231sd \
                     vfmsubadd213ps fmla fmls fmlal fmadd fmsub fnmadd fnmsub fmadd.s fnmsub.d vfmacc.vv vfnmsac.vf vfwmacc.vv \
                     vfmadd.vf v4fmaddps v4fnmaddss vfcmaddcph vcmla.f32 fcmla bfdot vbfdot bfmmla bfmlalb vdpbf16ps fmmla \
                     frecps frsqrts";
        fused.split_whitespace().for_each(|mnemonic| assert!(fuses(mnemonic), "{mnemonic}"));
        let others = "vmla.f32 vmls.f32 vmul.f32 vadd.f32 fmul fmov fmax fmaxnm fminnm fadd fsub.s fmul.s fmv.x.w vmulps vaddss \
                      vfmin frecpe fmaf mla madd mls";
        others.split_whitespace().for_each(|mnemonic| assert!(!fuses(mnemonic), "{mnemonic}"));
    }

    #[test]
    fn a_search_counts_and_finds() {
        let listing = "\
00000000 <f>:
       0:      \tpush\t{r7, lr}
       2:      \tvfma.f32\ts0, s1, s2
       4:      \tbl\t0x4 <f+0x4>         @ imm = #-0x4
\t\t\t00000004:  R_ARM_THM_CALL\tfmaf
       8:      \tcallq\t0x30 <fma@plt>
       c:      \tcallq\t0x30 <fmax>
      10:      \t<unknown>
\t\t0000000000000012:  R_X86_64_GOTPCREL\tfmaf-0x4
\t\t0000000000000016:  R_X86_64_GOTPCREL\tfmaxf-0x4
";
        let found = look_through(listing);
        assert_eq!((found.instructions, found.unknown, found.fused.len()), (6, 1, 4), "{found:?}");
    }
}

//! Whole images (the package whole-image): what llvm-objdump says of their instructions, and whether the library is all in them.

pub(crate) mod sources;

use std::path::Path;

use anyhow::Result;

use crate::tools::{self, Run};

/// A line of llvm-objdump's that says something.
#[derive(Debug, PartialEq)]
pub(crate) enum Line<'a> {
    /// A function begins.
    Function(&'a str),
    /// What follows is from this file and line, in the form `path:line`.
    Place(&'a str),
    Instruction(Instruction<'a>),
    /// What the linker is to put there: a symbol and a number added to it.
    Relocation(&'a str),
}

/// An instruction, or data between instructions.
#[derive(Debug, PartialEq)]
pub(crate) struct Instruction<'a> {
    /// In hexadecimal digits.
    pub(crate) address: &'a str,
    pub(crate) mnemonic: &'a str,
    pub(crate) operands: &'a str,
}

/// What is called, jumped to or pointed at.
#[derive(Debug, PartialEq)]
pub(crate) struct Destination<'a> {
    /// In hexadecimal digits.
    pub(crate) address: Option<&'a str>,
    pub(crate) function: &'a str,
    /// Not the function's first instruction.
    pub(crate) inside: bool,
}

/// Disassembles a file. Options: more of llvm-objdump's.
pub(crate) fn disassemble(file: &Path, options: &str) -> Result<String> {
    let mut objdump = tools::program(tools::objdump()?);
    objdump.words("--disassemble --no-show-raw-insn").words(options).arg(file).output_text()
}

/// Reads a line, in one of these forms:
///
/// ```text
/// 00021960 <name>:
/// ; /path/to/file.rs:12
///    21964:      ⇥bl⇥0x30c48 <name+0x8>   @ imm = #0xf2e0
/// ⇥⇥00000004:  R_ARM_THM_CALL⇥fmaf
/// ```
pub(crate) fn parse(line: &str) -> Option<Line<'_>> {
    if let Some(place) = line.strip_prefix("; ") {
        return Some(Line::Place(place));
    }
    if let Some((address, name)) = line.split_once(" <")
        && is_hexadecimal(address)
    {
        return name.strip_suffix(">:").map(Line::Function);
    }
    let (start, text) = line.trim_start().split_once('\t')?;
    let (address, between) = start.split_once(':')?;
    if !is_hexadecimal(address) {
        return None;
    }
    if between.trim_start().starts_with("R_") {
        return Some(Line::Relocation(text));
    }
    let (mnemonic, operands) = text.split_once('\t').unwrap_or((text, ""));
    Some(Line::Instruction(Instruction { address, mnemonic: mnemonic.trim(), operands }))
}

fn is_hexadecimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

impl<'a> Instruction<'a> {
    /// The function that the operands name. Names may have angle brackets of their own.
    pub(crate) fn destination(&self) -> Option<Destination<'a>> {
        let (before, name) = self.operands.split_once('<')?;
        let name = name.split(" @ ").next()?.trim_end().strip_suffix('>')?;
        let address = before.strip_suffix(' ').and_then(|text| text.rsplit_once("0x")).map(|(_, digits)| digits);
        let offset = name.rsplit_once("+0x").filter(|(_, digits)| is_hexadecimal(digits));
        let function = offset.map_or(name, |(function, _)| function);
        let address = address.filter(|digits| is_hexadecimal(digits));
        Some(Destination { address, function, inside: offset.is_some() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        assert_eq!(parse("00021960 <<A<B> as C>::d>:"), Some(Line::Function("<A<B> as C>::d")));
        assert_eq!(parse("; /a/b.rs:12"), Some(Line::Place("/a/b.rs:12")));
        assert_eq!(parse("\t\t\t00000004:  R_ARM_THM_CALL\tfmaf"), Some(Line::Relocation("fmaf")));
        let instruction = Instruction { address: "21970", mnemonic: "yield", operands: "" };
        assert_eq!(parse("   21970:      \tyield"), Some(Line::Instruction(instruction)));
        for nothing in ["", "Disassembly of section .text:", "a.o:\tfile format elf64-x86-64"] {
            assert_eq!(parse(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn destinations_are_read() {
        for (operands, address, function, inside) in [
            ("0x30c48 <core::f::h3> @ imm = #0xf2e0", "30c48", "core::f::h3", false),
            ("r1, 0x219bc <<A<B> as C>::d+0x4c>         @ imm = #-0x4", "219bc", "<A<B> as C>::d", true),
            ("*(%rip)                 # 0x6 <fused+0x6>", "6", "fused", true),
        ] {
            let line = format!("   21964:      \tbl\t{operands}");
            let Some(Line::Instruction(instruction)) = parse(&line) else { panic!("{line}") };
            assert_eq!(instruction.mnemonic, "bl");
            let expected = Destination { address: Some(address), function, inside };
            assert_eq!(instruction.destination(), Some(expected), "{operands}");
        }
        let plain = Instruction { address: "0", mnemonic: "push", operands: "{r7, lr}" };
        assert_eq!(plain.destination(), None);
    }
}

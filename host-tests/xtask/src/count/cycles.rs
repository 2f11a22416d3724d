//! The cycles of what is executed in calls that an image counts.
//!
//! QEMU runs the image one instruction at a time, and logs the address of each. The instructions from a call to its return are priced.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::prices::{Instruction, Prices};
use crate::tools::{Run as _, program};

/// The instructions of an image.
#[derive(Default)]
struct Listing {
    instructions: HashMap<u32, Instruction>,
    labels: HashMap<String, u32>,
    /// Those of the handler that counts SysTick's rounds, which is not part of what it interrupts.
    handler: HashSet<u32>,
}

impl Listing {
    /// From what `llvm-objdump -d --no-show-raw-insn` prints: lines `08000400 <label>:` and ` 8000400: adds r0, r1, r2`.
    fn parse(text: &str) -> Self {
        let (mut listing, prices, mut label) = (Self::default(), Prices::new(), "");
        for line in text.lines() {
            if let Some((address, name)) = line.strip_suffix(">:").and_then(|line| line.split_once(" <")) {
                // The others mark where data begins.
                if let (Ok(address), false) = (u32::from_str_radix(address, 16), name.starts_with('$')) {
                    listing.labels.insert(name.to_owned(), address);
                    label = name;
                }
            } else if let Some((address, instruction)) = line.split_once(':')
                && let Ok(address) = u32::from_str_radix(address.trim_start(), 16)
            {
                let instruction = instruction.trim();
                let (name, operands) = instruction.split_once(char::is_whitespace).unwrap_or((instruction, ""));
                listing.instructions.insert(address, prices.of(name, operands));
                if label == "SysTick" {
                    listing.handler.insert(address);
                }
            }
        }
        listing
    }

    fn label(&self, name: &str) -> Result<u32> {
        self.labels.get(name).copied().with_context(|| format!("the image has no label {name}"))
    }

    /// The executed addresses of each call that is counted, with the one that it returns to.
    fn calls(&self, executed: impl IntoIterator<Item = u32>) -> Result<Vec<Vec<u32>>> {
        let (begin, end) = (self.label("counted_from")?, self.label("counted_to")?);
        let (mut calls, mut call, mut previous) = (Vec::new(), Vec::new(), None);
        for address in executed {
            // QEMU logs an instruction once more if it had to do something else first: call the handler, or look at its clock.
            if previous == Some(address) || self.handler.contains(&address) {
                continue;
            }
            previous = Some(address);
            if address == begin {
                call = vec![address];
            } else if !call.is_empty() {
                call.push(address);
                if address == end {
                    calls.push(std::mem::take(&mut call));
                }
            }
        }
        Ok(calls)
    }

    fn cycles(&self, call: &[u32]) -> Result<u64> {
        let (mut cycles, nothing) = (0, Instruction::default());
        let mut before = &nothing;
        for (address, next) in call.iter().zip(&call[1..]) {
            let instruction =
                self.instructions.get(address).with_context(|| format!("no instruction at {address:#x}"))?;
            let size = if self.instructions.contains_key(&(address + 2)) { 2 } else { 4 };
            cycles += instruction.cycles(before, *next != address + size);
            before = instruction;
        }
        Ok(cycles)
    }
}

/// The cycles of the last of an image's calls, which is the program's row, without those around an empty function, its first call.
///
/// # Errors
/// The image fails, or has counted another number of instructions than were executed.
pub(super) fn of_last_call(qemu: &mut Command, image: &Path, objdump: &Path) -> Result<u64> {
    let text = program(objdump).words("-d --no-show-raw-insn").arg(image).output_text()?;
    let listing = Listing::parse(&text);
    // Where the log goes if nothing else is said: to standard error.
    qemu.words("-accel tcg,one-insn-per-tb=on -d exec,nochain").arg("-kernel").arg(image);
    let mut process = qemu.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (log, output) = (process.stderr.take().context("no log")?, process.stdout.take().context("no output")?);
    let mut remark = String::new();
    let executed = BufReader::new(log).lines().map_while(Result::ok).filter_map(|line| {
        let address = executed(&line);
        if address.is_none() {
            remark = line;
        }
        address
    });
    let calls = listing.calls(executed)?;
    let mut printed = String::new();
    BufReader::new(output).read_to_string(&mut printed)?;
    let status = process.wait()?;
    ensure!(status.success() && printed.ends_with("end\n"), "{} failed, {status}: {printed}{remark}", image.display());
    price(&listing, &calls, &printed).with_context(|| image.display().to_string())
}

fn price(listing: &Listing, calls: &[Vec<u32>], printed: &str) -> Result<u64> {
    let counts = printed.lines().filter_map(|line| line.strip_prefix("count|")?.split('|').next_back());
    let counted: Vec<usize> =
        counts.map(str::parse).collect::<Result<_, _>>().context("what the image counted is no number")?;
    let [first, .., last] = calls else { anyhow::bail!("no call is counted") };
    let seen: Vec<usize> = calls.iter().map(|call| call.len().wrapping_sub(first.len())).collect();
    ensure!(counted == seen, "the image counted {counted:?} instructions, executed were {seen:?}");
    Ok(listing.cycles(last)? - listing.cycles(first)?)
}

/// The address in a line of the log: the second number of `Trace 0: 0x7f… [00800404/08000de4/00000110/ff000201]`.
fn executed(line: &str) -> Option<u32> {
    let (_, state) = line.split_once('[')?;
    let mut numbers = state.split('/');
    let (_, address, _) = (numbers.next()?, numbers.next()?, numbers.next()?);
    u32::from_str_radix(address.trim_start_matches('0'), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "
image:\tfile format elf32-littlearm

08000400 <count_ticks>:
 8000400:      \tldr\tr5, [r4]

08000402 <counted_from>:
 8000402:      \tblx\tr2

08000404 <counted_to>:
 8000404:      \tldr\tr0, [r4]

08000408 <empty>:
 8000408:      \tbx\tlr

0800040a <work>:
 800040a:      \tvmul.f32\ts0, s1, s2
 800040e:      \tvadd.f32\ts0, s0, s3
 8000412:      \tbx\tlr

08000414 <SysTick>:
 8000414:      \tbx\tlr

08000416 <$d>:
 8000416:      \t.word\t0xe000e018
";
    /// A call of nothing, and one of work that SysTick interrupts; an instruction is logged twice.
    const EXECUTED: [u32; 14] = [
        0x8000400, 0x8000402, 0x8000408, 0x8000404, 0x8000400, 0x8000402, 0x800040a, 0x800040a, 0x8000414, 0x800040a,
        0x800040e, 0x8000412, 0x8000404, 0x8000400,
    ];

    #[test]
    fn a_call_is_priced_without_what_is_around_it() {
        let listing = Listing::parse(LISTING);
        let calls = listing.calls(EXECUTED).unwrap();
        assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [3, 5]);
        // Two of arithmetic, and one of waiting between them.
        assert_eq!(price(&listing, &calls, "count|nothing|0\ncount|row|2\nend\n").unwrap(), 3);
        assert!(price(&listing, &calls, "count|nothing|0\ncount|row|3\nend\n").is_err());
        assert!(price(&listing, &calls[..1], "count|nothing|0\nend\n").is_err());
    }

    #[test]
    fn addresses_are_read_from_the_log() {
        let line = "Trace 0: 0x7f3dc8000100 [00800404/0000000008000de4/00000110/ff000201] main";
        assert_eq!(executed(line), Some(0x8000de4));
        assert_eq!(executed("Stopped execution of TB chain before 0x7f3dc8000100 [0000000008000de4] main"), None);
        assert_eq!(executed("qemu-system-arm: no such machine"), None);
    }
}

//! What an instruction costs on a Cortex-M4, by its technical reference manual, sections 3.3 and 7.2.3.
//!
//! Zero wait states and no contention: a quiet core. A taken branch refills the pipeline in two cycles, a single load behind another access
//! to memory takes one cycle, and a result of the FPU that the very next instruction uses is waited for, for one cycle.

use crate::table;

/// An instruction of an image.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Instruction {
    /// Where the next instruction goes on, but for a jump.
    cycles: u64,
    /// Cycles more if the next instruction is elsewhere.
    jump: u64,
    /// Cycles less directly behind an access to memory.
    pipelined: u64,
    memory: bool,
    /// Registers of the FPU that it reads: bit n for s`n`.
    reads: u64,
    /// Those of arithmetic, whose result is late.
    computes: u64,
}

impl Instruction {
    /// The cycles behind another instruction, when the next one is elsewhere or not.
    pub(super) fn cycles(&self, before: &Self, jumps: bool) -> u64 {
        let jump = if jumps { self.jump } else { 0 };
        let pipelined = if before.memory { self.pipelined } else { 0 };
        self.cycles + jump - pipelined + u64::from(before.computes & self.reads != 0)
    }
}

/// Names of branches that take longer when they jump.
const BRANCHES: [&str; 22] = [
    "b", "bl", "blx", "bx", "beq", "bne", "bhs", "blo", "bmi", "bpl", "bvs", "bvc", "bhi", "bls", "bge", "blt", "bgt",
    "ble", "bcs", "bcc", "cbz", "cbnz",
];
/// Arithmetic of the FPU with a late result.
const LATE: [&str; 15] = [
    "vadd", "vsub", "vmul", "vnmul", "vneg", "vabs", "vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms", "vfnma",
    "vfnms", "vcvt",
];
/// What of the FPU reads its first register too: stores, comparisons, and what adds to it.
const READS_FIRST: [&str; 9] = ["vstr", "vstm", "vpush", "vcmp", "vmla", "vmls", "vfm", "vfn", "vnml"];

/// The prices.
pub(super) struct Prices(Vec<(&'static str, u64)>);

impl Prices {
    pub(super) fn new() -> Self {
        let rows = table::rows(include_str!("../../tables/cortex_m4.table"));
        Self(rows.into_iter().map(|[name, cycles]| (name, cycles.parse().expect("cycles"))).collect())
    }

    /// The instruction with a name and operands, as `llvm-objdump` prints them.
    pub(super) fn of(&self, name: &str, operands: &str) -> Instruction {
        let name = name.split('.').next().unwrap_or_default();
        let operands = operands.split('@').next().unwrap_or_default();
        let (first, others) = operands.split_once(',').unwrap_or((operands, ""));
        let mut instruction = self.priced(name, operands, first.trim());
        if name.starts_with('v') {
            let reads_first = others.is_empty() || begins(name, &READS_FIRST);
            instruction.reads = registers(if reads_first { operands } else { others });
        }
        if LATE.contains(&name) {
            instruction.computes = registers(first);
        }
        instruction
    }

    fn priced(&self, name: &str, operands: &str, first: &str) -> Instruction {
        let memory = |cycles, pipelined| Instruction { cycles, pipelined, memory: true, ..Instruction::default() };
        if begins(name, &["vldm", "vstm", "vpush", "vpop"]) {
            memory(1 + listed(operands), 0)
        } else if begins(name, &["ldm", "stm", "push", "pop"]) {
            memory(1 + listed(operands) + if operands.contains("pc") { 3 } else { 0 }, 0)
        } else if name == "vldr" || name == "vstr" {
            memory(if first.starts_with('d') { 3 } else { 2 }, 1)
        } else if begins(name, &["ldrd", "strd"]) {
            memory(3, 0)
        } else if begins(name, &["ldr"]) {
            memory(if first == "pc" { 5 } else { 2 }, 1)
        } else if begins(name, &["str"]) {
            memory(1, 0)
        } else {
            let listed = self.0.iter().find(|(beginning, _)| name.starts_with(beginning));
            let cycles = listed.map_or(1, |&(_, cycles)| cycles);
            Instruction { cycles, jump: if BRANCHES.contains(&name) { 2 } else { 0 }, ..Instruction::default() }
        }
    }
}

fn begins(name: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| name.starts_with(beginning))
}

/// The words of the registers in a list `{…}`; a register of double precision is two.
fn listed(operands: &str) -> u64 {
    let list = operands.split_once('{').map_or("", |(_, list)| list);
    list.split(',').map(|register| if register.trim_start().starts_with('d') { 2 } else { 1 }).sum()
}

/// The registers of the FPU among operands; one of double precision is two halves.
fn registers(operands: &str) -> u64 {
    let words = operands.split(|character: char| !character.is_ascii_alphanumeric());
    let bits = words.map(|word| {
        let number =
            |kind| word.strip_prefix(kind).and_then(|number: &str| number.parse::<u32>().ok()).filter(|&n| n < 32);
        number('s').map_or(0, |n| 1 << n) | number('d').map_or(0, |n| 3 << (2 * n))
    });
    bits.fold(0, |all, bit| all | bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cycles behind arithmetic, behind a load, and of a jump.
    fn cycles(name: &str, operands: &str) -> [u64; 3] {
        let prices = Prices::new();
        let instruction = prices.of(name, operands);
        let [add, load] = [prices.of("adds", "r0, r1, r2"), prices.of("ldr", "r3, [r4]")];
        [instruction.cycles(&add, false), instruction.cycles(&load, false), instruction.cycles(&add, true)]
    }

    #[test]
    fn prices_are_those_of_the_manual() {
        for (name, operands, expected) in [
            ("adds", "r0, r1, r2", [1, 1, 1]),
            ("ldr", "r0, [r1]", [2, 1, 2]),
            ("ldr.w", "pc, [r1]", [5, 4, 5]),
            ("ldrd", "r0, r1, [r2]", [3, 3, 3]),
            ("str", "r0, [r1]", [1, 1, 1]),
            ("push", "{r4, r5, lr}", [4, 4, 4]),
            ("pop", "{r4, r5, pc}", [7, 7, 7]),
            ("bne", "0x80004a2 <known_loop>", [1, 1, 3]),
            ("b.w", "0x80004a2 <known_loop>", [1, 1, 3]),
            ("cbz", "r0, 0x8000500", [1, 1, 3]),
            ("tbb", "[pc, r0]", [4, 4, 4]),
            ("mla", "r0, r1, r2, r3", [2, 2, 2]),
            ("umull", "r0, r1, r2, r3", [1, 1, 1]),
            ("udiv", "r0, r1, r2", [7, 7, 7]),
            ("vmul.f32", "s0, s1, s2", [1, 1, 1]),
            ("vmla.f32", "s0, s1, s2", [3, 3, 3]),
            ("vdiv.f32", "s0, s1, s2", [14, 14, 14]),
            ("vldr", "s0, [r1, #4]", [2, 1, 2]),
            ("vldr", "d0, [pc, #4]  @ 0x80004c8 <pop+0x12>", [3, 2, 3]),
            ("vldrne", "s0, [r1]", [2, 2, 2]),
            ("vldmia", "r0!, {s0, s1, s2}", [4, 4, 4]),
            ("vpush", "{d8, d9}", [5, 5, 5]),
        ] {
            assert_eq!(cycles(name, operands), expected, "{name} {operands}");
        }
    }

    #[test]
    fn a_late_result_is_waited_for() {
        let prices = Prices::new();
        let multiply = prices.of("vmul.f32", "s4, s1, s2");
        for (name, operands, expected) in [
            ("vadd.f32", "s0, s4, s3", 2),
            ("vadd.f32", "s4, s0, s3", 1),
            ("vmla.f32", "s4, s0, s3", 4),
            ("vstr", "s4, [r0]", 3),
            ("vstr", "d2, [r0]", 4),
            ("vcmp.f32", "s4, #0", 2),
        ] {
            assert_eq!(prices.of(name, operands).cycles(&multiply, false), expected, "{name} {operands}");
        }
        // Only that of arithmetic is late.
        assert_eq!(prices.of("vadd.f32", "s0, s4, s3").cycles(&prices.of("vldr", "s4, [r0]"), false), 1);
    }
}

//! The program `same_bits` on this machine against the lines of the textbook's loops; `cargo xtask bits` does it elsewhere.

use std::collections::BTreeSet;
use std::fmt::Write;

use firmware_example::same_bits::{ACTIVATIONS, BATCHES, Case, LOSSES, OPTIMIZERS, PARTS, cases, run_parts};

/// What every target is held against.
const EXPECTED: &str = include_str!("../../../../firmware-example/same_bits.expected");

/// The same of what came later.
const MORE: &str = include_str!("../../../../firmware-example/same_bits_more.expected");

#[test]
fn expected_lines_are_the_textbooks() {
    assert!(EXPECTED == host_tests::same_bits::expected(false), "make them anew: example same_bits_expected");
    let more = host_tests::same_bits::expected_of_further_rows();
    assert!(MORE == more, "make them anew: example same_bits_expected -- more");
}

#[test]
fn the_library_gives_the_expected_lines_here() {
    let mut lines = String::new();
    let mut write =
        |case: &str, stage: &str, crc: u32| writeln!(lines, "{case} {stage} {crc:08x}").expect("a String takes it");
    run_parts::<0, PARTS>(false, &mut write);
    let all = || EXPECTED.lines().chain(MORE.lines());
    for (ours, expected) in lines.lines().zip(all()) {
        assert_eq!(ours, expected);
    }
    assert_eq!(lines.lines().count(), all().count());
}

/// Something to choose in a case: its name, which choice the case has, and how many there are.
type Factor = (&'static str, fn(&Case) -> usize, usize);

#[test]
fn every_pair_of_choices_is_in_some_case() {
    let factors: [Factor; 4] = [
        ("activation", |case| case.activation, ACTIVATIONS.len()),
        ("loss", |case| case.loss, LOSSES.len()),
        ("optimizer", |case| case.optimizer, OPTIMIZERS.len()),
        ("batch", |case| case.batch, BATCHES.len()),
    ];
    for (k, (one, first, firsts)) in factors.iter().enumerate() {
        for (other, second, seconds) in &factors[k + 1..] {
            // The small cases alone, so that a part with 16 KB of RAM runs every pair too.
            let pairs: BTreeSet<(usize, usize)> = cases(true).map(|case| (first(&case), second(&case))).collect();
            assert_eq!(pairs.len(), firsts * seconds, "pairs of {one} and {other}");
        }
    }
}

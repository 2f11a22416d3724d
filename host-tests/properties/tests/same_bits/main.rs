//! The program `same_bits` on this machine against the lines of the textbook's loops; `cargo xtask bits` does it elsewhere.

use std::collections::BTreeSet;
use std::fmt::Write;

use catalogue::blocks::each_network_of_blocks;
use catalogue::networks::{Part, Row, VisitNetworks, each_network};
use catalogue::optimizers::SavedRule;
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

/// The rows of both tables of networks.
struct Rows(Vec<Row>);

impl VisitNetworks for Rows {
    fn network<N: baregrad::Network, O: SavedRule, const B: usize, const FLOATS: usize>(&mut self, row: Row, _: O) {
        self.0.push(row);
    }
}

/// A layer's kind, window and activation; those of branches too.
fn layers(parts: &[Part], is_sequence: bool) -> Vec<(String, Option<String>, Option<&'static str>)> {
    let dimensions = if is_sequence { "1d" } else { "2d" };
    let mut all = Vec::new();
    for part in parts {
        match *part {
            Part::Convolution { places: ([1, 1], [1, 1], _), activation, .. } => {
                all.push(("Dense".to_owned(), None, Some(activation)));
            }
            Part::Convolution { places: (_, _, window), is_depthwise, activation, .. } => {
                let kind = if is_depthwise { "DepthwiseConv" } else { "Conv" };
                all.push((format!("{kind}{dimensions}"), Some(format!("{window:?}")), Some(activation)));
            }
            Part::Pool { places, is_maximum } => {
                let kind = if is_maximum { "MaxPool" } else { "AveragePool" };
                match places {
                    Some((_, _, window)) => {
                        all.push((format!("{kind}{dimensions}"), Some(format!("{window:?}")), None));
                    }
                    None => all.push((format!("Global{kind}"), None, None)),
                }
            }
            Part::Flatten => all.push(("Flatten".to_owned(), None, None)),
            Part::BatchNorm { .. } => all.push(("BatchNorm".to_owned(), None, None)),
            Part::Dropout { .. } => all.push(("Dropout".to_owned(), None, None)),
            Part::LayerNorm { activation, .. } => all.push(("LayerNorm".to_owned(), None, Some(activation))),
            Part::Residual { body, shortcut, activation } => {
                all.push(("Residual".to_owned(), None, Some(activation)));
                all.extend(layers(body, is_sequence));
                all.extend(layers(shortcut.unwrap_or(&[]), is_sequence));
            }
        }
    }
    all
}

#[test]
fn networks_have_every_pair_with_a_layer() {
    let mut rows = Rows(Vec::new());
    each_network(&mut rows);
    each_network_of_blocks(&mut rows);
    let (mut windows, mut activations, mut optimizers) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let (mut batches, mut windows_and_batches) = (BTreeSet::new(), BTreeSet::new());
    for row in rows.0 {
        for (kind, window, activation) in layers(row.parts, row.image[1] == 1) {
            // One and the same loops in both numbers of dimensions.
            let learner = kind.trim_end_matches("1d").trim_end_matches("2d").to_owned();
            if let Some(activation) = activation {
                activations.insert((learner.clone(), activation));
                optimizers.insert((learner, row.optimizer));
            }
            batches.insert((kind.clone(), row.batch));
            if let Some(window) = window {
                windows_and_batches.insert((window.clone(), row.batch));
                windows.insert((kind, window));
            }
        }
    }
    assert_eq!(windows.len(), 8 * 4, "layers and windows: {windows:?}");
    // Conv, DepthwiseConv, Dense, LayerNorm, Residual; all activations but HardSwish, which is a layer.
    assert_eq!(activations.len(), 5 * 6, "layers and activations: {activations:?}");
    assert_eq!(batches.len(), 16 * 2, "layers and batches: {batches:?}");
    assert_eq!(windows_and_batches.len(), 4 * 2, "windows and batches: {windows_and_batches:?}");
    let missing: Vec<_> = ["Conv", "DepthwiseConv", "Dense", "LayerNorm"]
        .iter()
        .flat_map(|kind| OPTIMIZERS.iter().chain(&["Lion"]).map(move |optimizer| ((*kind).to_owned(), *optimizer)))
        .filter(|pair| !optimizers.contains(pair))
        .collect();
    assert!(missing.is_empty(), "layers and optimizers: {missing:?}");
}

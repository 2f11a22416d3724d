//! The program `same_bits` on this machine against the lines of the textbook's loops; `cargo xtask bits` does it elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use catalogue::blocks::each_network_of_blocks;
use catalogue::networks::{Part, Row, VisitNetworks, Window, each_network};
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

/// A layer: its kind with and without its number of dimensions, which have the same loops, and what there is to choose in it.
struct Chosen {
    kind: &'static str,
    exact: String,
    window: Option<Window>,
    activation: Option<&'static str>,
}

/// All layers of a row, those of branches too.
fn layers(parts: &[Part], is_sequence: bool, to: &mut Vec<Chosen>) {
    let dimensions = if is_sequence { "1d" } else { "2d" };
    for part in parts {
        let (kind, window, activation) = match *part {
            Part::Convolution { places: ([1, 1], [1, 1], _), activation, .. } => ("Dense", None, Some(activation)),
            Part::Convolution { places: (_, _, window), is_depthwise, activation, .. } => {
                (if is_depthwise { "DepthwiseConv" } else { "Conv" }, Some(window), Some(activation))
            }
            // It has one window, and not every activation and optimizer: each parameter goes through the optimizer by itself.
            Part::PooledConvolution { .. } => ("PooledConv2d", None, None),
            Part::Pool { places: Some((_, _, window)), is_maximum } => {
                (if is_maximum { "MaxPool" } else { "AveragePool" }, Some(window), None)
            }
            Part::Pool { places: None, is_maximum: true } => ("GlobalMaxPool", None, None),
            Part::Pool { places: None, is_maximum: false } => ("GlobalAveragePool", None, None),
            Part::Flatten => ("Flatten", None, None),
            Part::BatchNorm { activation, .. } => ("BatchNorm", None, Some(activation)),
            Part::Dropout { .. } => ("Dropout", None, None),
            Part::LayerNorm { activation, .. } => ("LayerNorm", None, Some(activation)),
            Part::Residual { body, shortcut, activation } => {
                layers(body, is_sequence, to);
                layers(shortcut.unwrap_or(&[]), is_sequence, to);
                ("Residual", None, Some(activation))
            }
        };
        let exact = if window.is_some() { format!("{kind}{dimensions}") } else { kind.to_owned() };
        to.push(Chosen { kind, exact, window, activation });
    }
}

/// Pairs that are found, by what they are of.
#[derive(Default)]
struct Pairs(BTreeMap<&'static str, BTreeSet<(String, String)>>);

impl Pairs {
    fn add(&mut self, of: &'static str, one: impl ToString, other: impl ToString) {
        self.0.entry(of).or_default().insert((one.to_string(), other.to_string()));
    }

    /// Every one with every other, and no more: a name that nobody thought of is found here, too.
    fn assert_all(&self, of: &'static str, ones: &[&str], others: &[&str]) {
        let pair = |one: &&str| others.iter().map(|other| ((*one).to_owned(), (*other).to_owned())).collect::<Vec<_>>();
        let all: BTreeSet<(String, String)> = ones.iter().flat_map(pair).collect();
        let found = &self.0[of];
        assert!(all.is_subset(found), "{of}: none has {:?}", all.difference(found).collect::<Vec<_>>());
        assert!(found.is_subset(&all), "{of}: not named in this test {:?}", found.difference(&all).collect::<Vec<_>>());
    }
}

/// These pairs cannot exist: pools, `Flatten` and dropout have neither activation nor parameters, so an optimizer has nothing to do in them, and in a
/// `Residual` only in its branches. Dense layers, norms, global pools, `Flatten`, dropout and residuals have no window.
#[test]
fn networks_have_every_pair_of_choices() {
    let mut rows = Rows(Vec::new());
    each_network(&mut rows);
    each_network_of_blocks(&mut rows);
    let mut pairs = Pairs::default();
    for row in rows.0 {
        let mut chosen = Vec::new();
        layers(row.parts, row.image[1] == 1, &mut chosen);
        pairs.add("optimizers and batches", row.optimizer, row.batch);
        for Chosen { kind, exact, window, activation } in chosen {
            pairs.add("layers and batches", &exact, row.batch);
            if let Some(window) = window.map(|window| format!("{window:?}")) {
                pairs.add("layers and windows", exact, &window);
                pairs.add("windows and batches", &window, row.batch);
                if let Some(activation) = activation {
                    pairs.add("windows and activations", &window, activation);
                    pairs.add("windows and optimizers", &window, row.optimizer);
                }
            }
            if let Some(activation) = activation {
                pairs.add("layers and activations", kind, activation);
                pairs.add("activations and batches", activation, row.batch);
                if kind != "Residual" {
                    pairs.add("layers and optimizers", kind, row.optimizer);
                    pairs.add("activations and optimizers", activation, row.optimizer);
                }
            }
        }
    }
    let (batches, windows) = (["1", "3"], ["Same", "Strided", "Centered", "Valid"]);
    let optimizers = [&OPTIMIZERS[..], &["Lion"]].concat();
    // All but HardSwish, which is a layer.
    let activations = ["Identity", "Relu", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid"];
    let learners = ["Conv", "DepthwiseConv", "Dense", "LayerNorm", "BatchNorm"];
    let in_windows = [
        ["Conv1d", "Conv2d", "DepthwiseConv1d", "DepthwiseConv2d"],
        ["MaxPool1d", "MaxPool2d", "AveragePool1d", "AveragePool2d"],
    ]
    .concat();
    let others = ["PooledConv2d", "GlobalMaxPool", "GlobalAveragePool", "Flatten", "Dropout", "Residual"];
    let all = [&in_windows[..], &learners[2..], &others].concat();
    pairs.assert_all("layers and windows", &in_windows, &windows);
    pairs.assert_all("layers and activations", &[&learners[..], &["Residual"]].concat(), &activations);
    pairs.assert_all("layers and optimizers", &learners, &optimizers);
    pairs.assert_all("layers and batches", &all, &batches);
    pairs.assert_all("windows and activations", &windows, &activations);
    pairs.assert_all("windows and optimizers", &windows, &optimizers);
    pairs.assert_all("windows and batches", &windows, &batches);
    pairs.assert_all("activations and optimizers", &activations, &optimizers);
    pairs.assert_all("activations and batches", &activations, &batches);
    pairs.assert_all("optimizers and batches", &optimizers, &batches);
}

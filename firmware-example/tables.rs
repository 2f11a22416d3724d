//! Tables for flash, written as Rust source from the CSV files of `host-tests/data`.

use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::str::FromStr;

/// Mean and population standard deviation of each iris column over the training rows (`i % 5 != 4`): cm.
///
/// A host test computes them again from the rows.
const IRIS_MEAN: [f32; 4] = [5.865833, 3.055, 3.77, 1.205];
const IRIS_DEVIATION: [f32; 4] = [0.84838, 0.437769, 1.779588, 0.755519];

/// Writes `iris.rs`: every fifth row is test, the others train; inputs standardised.
pub(super) fn iris(data: &Path, out_dir: &Path) {
    let (mut train, mut test) = read::<f32>(&data.join("iris.csv"));
    for row in train.inputs.iter_mut().chain(&mut test.inputs) {
        for (x, (mean, deviation)) in row.iter_mut().zip(IRIS_MEAN.iter().zip(IRIS_DEVIATION)) {
            *x = (*x - mean) / deviation;
        }
    }
    let constants =
        format!("pub const MEAN: [f32; 4] = {IRIS_MEAN:?};\npub const DEVIATION: [f32; 4] = {IRIS_DEVIATION:?};\n");
    let source = constants + &train.source("TRAIN", "f32") + &test.source("TEST", "f32");
    fs::write(out_dir.join("iris.rs"), source).expect("OUT_DIR can be written");
}

/// Writes `digits.rs`: every fifth row is test, the others train; a byte a pixel, 0 to 16.
pub(super) fn digits(data: &Path, out_dir: &Path) {
    let (train, test) = read::<u8>(&data.join("digits.csv"));
    let source = train.source("TRAIN", "u8") + &test.source("TEST", "u8");
    fs::write(out_dir.join("digits.rs"), source).expect("OUT_DIR can be written");
}

/// Six speakers, in the order of `fsdd_mfcc.bin`.
const SPEAKERS: [&str; 6] = ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"];

/// Writes `voice.rs`, and beside it the recordings of one speaker as bytes: five of each digit to learn from, the others to test with.
///
/// `weights` has files `dense/NAME.safetensors` and `convolution/NAME.safetensors` for each speaker, trained on the other five.
pub(super) fn voice(data: &Path, weights: &Path, speaker: usize, out_dir: &Path) {
    let file = data.join("fsdd_mfcc.bin");
    println!("cargo::rerun-if-changed={}", file.display());
    let contents = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let name = SPEAKERS.get(speaker).unwrap_or_else(|| panic!("there are {} speakers", SPEAKERS.len()));
    // After 16 bytes of header: label, speaker, number of the recording, then 24 × 13 values.
    let own = contents[16..].as_chunks::<{ 3 + 24 * 13 }>().0.iter().filter(|row| usize::from(row[1]) == speaker);
    let (few, rest): (Vec<_>, Vec<&[u8; 3 + 24 * 13]>) = own.partition(|row| row[2] < 5);
    let mut source = format!("pub const SPEAKER: &str = {name:?};\n");
    for (part, rows) in [("few", few), ("rest", rest)] {
        let values: Vec<u8> = rows.iter().flat_map(|row| &row[3..]).copied().collect();
        fs::write(out_dir.join(format!("voice_{part}.bin")), values).expect("OUT_DIR can be written");
        let (labels, upper) = (rows.iter().map(|row| row[0]).collect::<Vec<_>>(), part.to_uppercase());
        source += &format!("pub(super) static {upper}_BYTES: &[u8] = include_bytes!(\"voice_{part}.bin\");\n");
        source += &format!("pub(super) static {upper}_LABELS: [u8; {}] = {labels:?};\n", labels.len());
    }
    for (kind, program) in [("dense", "voice"), ("convolution", "voice_convolution")] {
        let weights = weights.join(kind).join(format!("{name}.safetensors"));
        println!("cargo::rerun-if-changed={}", weights.display());
        fs::copy(&weights, out_dir.join(format!("{program}.safetensors")))
            .unwrap_or_else(|error| panic!("{}: {error}", weights.display()));
        let upper = kind.to_uppercase();
        source += &format!("pub(super) const {upper}_PROGRAM: &str = \"{program}_{name}\";\n");
        source += &format!("pub(super) const {upper}_WEIGHTS: &[u8] = include_bytes!(\"{program}.safetensors\");\n");
    }
    fs::write(out_dir.join("voice.rs"), source).expect("OUT_DIR can be written");
}

/// Inputs and class labels.
struct Table<T> {
    inputs: Vec<Vec<T>>,
    labels: Vec<u8>,
}

/// Reads a CSV file with one header line and the label in the last column: training rows, and test rows (`i % 5 == 4`).
fn read<T: FromStr<Err: Debug>>(csv: &Path) -> (Table<T>, Table<T>) {
    println!("cargo::rerun-if-changed={}", csv.display());
    let text = fs::read_to_string(csv).unwrap_or_else(|error| panic!("{}: {error}", csv.display()));
    let empty = || Table { inputs: Vec::new(), labels: Vec::new() };
    let (mut train, mut test) = (empty(), empty());
    for (i, line) in text.lines().skip(1).enumerate() {
        let (inputs, label) = line.rsplit_once(',').expect("commas");
        let table = if i % 5 == 4 { &mut test } else { &mut train };
        table.labels.push(label.parse().expect("a label"));
        table.inputs.push(inputs.split(',').map(|field| field.parse().expect("a number")).collect());
    }
    (train, test)
}

impl<T: Debug> Table<T> {
    /// `static {name}_INPUTS` and `static {name}_LABELS`. Rust prints an `f32` so that it reads back to the same bits.
    fn source(&self, name: &str, value: &str) -> String {
        let (rows, columns) = (self.inputs.len(), self.inputs[0].len());
        let inputs = format!("pub static {name}_INPUTS: [[{value}; {columns}]; {rows}] = {:?};\n", self.inputs);
        inputs + &format!("pub static {name}_LABELS: [u8; {rows}] = {:?};\n", self.labels)
    }
}

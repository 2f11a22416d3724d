//! Tables for flash, written as Rust source from the CSV files of `host-tests/data`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Mean and population standard deviation of each iris column over the training rows (`i % 5 != 4`): cm.
///
/// A host test computes them again from the rows.
const IRIS_MEAN: [f32; 4] = [5.865833, 3.055, 3.77, 1.205];
const IRIS_DEVIATION: [f32; 4] = [0.84838, 0.437769, 1.779588, 0.755519];

/// Writes `iris.rs`: every fifth row is test, the others train; inputs standardised.
pub(super) fn iris(data: &Path, out_dir: &Path) {
    let csv = data.join("iris.csv");
    println!("cargo::rerun-if-changed={}", csv.display());
    let text = fs::read_to_string(&csv).unwrap_or_else(|error| panic!("{}: {error}", csv.display()));
    let (mut train, mut test) = (Table::default(), Table::default());
    for (i, line) in text.lines().skip(1).enumerate() {
        let fields: Vec<&str> = line.split(',').collect();
        let table = if i % 5 == 4 { &mut test } else { &mut train };
        let (inputs, label) = fields.split_at(4);
        table.labels.push(label[0].parse::<u8>().expect("a label"));
        table.inputs.push(inputs.iter().map(|field| field.parse().expect("a number")).collect());
    }
    for table in [&mut train, &mut test] {
        for row in &mut table.inputs {
            for (x, (mean, deviation)) in row.iter_mut().zip(IRIS_MEAN.iter().zip(IRIS_DEVIATION)) {
                *x = (*x - mean) / deviation;
            }
        }
    }
    let mut source = String::new();
    writeln!(source, "pub const MEAN: [f32; 4] = {IRIS_MEAN:?};").expect("a String takes everything");
    writeln!(source, "pub const DEVIATION: [f32; 4] = {IRIS_DEVIATION:?};").expect("a String takes everything");
    train.write(&mut source, "TRAIN");
    test.write(&mut source, "TEST");
    fs::write(out_dir.join("iris.rs"), source).expect("OUT_DIR can be written");
}

/// Inputs and class labels.
#[derive(Default)]
struct Table {
    inputs: Vec<Vec<f32>>,
    labels: Vec<u8>,
}

impl Table {
    /// Appends `static {name}_INPUTS` and `static {name}_LABELS`. Rust prints an `f32` so that it reads back to the same bits.
    fn write(&self, source: &mut String, name: &str) {
        let (rows, columns) = (self.inputs.len(), self.inputs[0].len());
        writeln!(source, "pub static {name}_INPUTS: [[f32; {columns}]; {rows}] = {:?};", self.inputs)
            .and_then(|()| writeln!(source, "pub static {name}_LABELS: [u8; {rows}] = {:?};", self.labels))
            .expect("a String takes everything");
    }
}

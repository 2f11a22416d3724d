//! GFLOP/s of one layer over a grid of sizes, to find cliffs: `cargo bench -p benches --bench sweep`.
//!
//! Prints a table, the cells that break the rule (below half of a neighbour from 1,024 multiply-accumulates on, below a quarter of
//! the peak from batch 4 and 4,096 on), and draws `target/sweep-N.svg` for vectors of N: a map for each batch, a row for each number of inputs, a
//! column for each number of outputs. A cell is a forward pass and a backward sweep with both gradients.

use benches::peak::{VECTOR, peak, shortest};
use std::fmt::Write;
use std::hint::black_box;

use baregrad::layer::{Stacked, Whole};
use baregrad::optimizer::Optimizer;
use baregrad::{Dense, Features, Identity, Layer, Matrix, Parameters, Sgd, Zero};

const BATCHES: [usize; 5] = [1, 2, 4, 16, 64];
const RUNS: usize = 3;

/// GFLOP/s for each batch.
fn layer<const IN: usize, const OUT: usize>() -> [f64; BATCHES.len()] {
    // What the forward pass gives is the delta of the backward pass, whose gradient is the next input: with such weights all stay near
    // 0.1 and below, however often this is repeated, and far from subnormal numbers.
    let mut layer = Box::new(Dense::<IN, OUT, Identity>::new(Matrix::from_rows([[1e-3; OUT]; IN]), [0.1; OUT]));
    let mut inputs = Box::new(Matrix::<64, IN>::from_rows([[0.5; IN]; 64]));
    let mut outputs = Box::new(Matrix::<64, OUT>::ZERO);
    let mut slots = Box::new(<Dense<IN, OUT> as Parameters>::Slots::<()>::ZERO);
    let mut scratch = [[0.0; 4]; 64];
    let step = Sgd::new(0.0).begin_step(); // the weights stay as they are
    BATCHES.map(|samples| {
        let seconds = shortest(RUNS, || {
            let (pass, step) = (Whole::<64>::new(samples), black_box(&step));
            let inputs = black_box(&mut inputs.as_mut_slice()[..samples * IN]);
            let outputs = &mut outputs.as_mut_slice()[..samples * OUT];
            let scratch = scratch.as_flattened_mut();
            let x = Stacked::<Features<IN>>::new(inputs);
            let _ = black_box(Layer::<Features<IN>>::forward(&*layer, pass, &x, outputs, scratch));
            Layer::<Features<IN>>::backward_inner::<_, Sgd, Identity>(
                &mut *layer,
                pass,
                inputs,
                outputs,
                scratch,
                &mut slots,
                step,
            );
        });
        (6 * samples * IN * OUT) as f64 / seconds / 1e9
    })
}

/// One row of the map: a number of inputs, and for each number of outputs the speeds.
type Row = (usize, Vec<(usize, [f64; BATCHES.len()])>);

// A function can't take a list of sizes for its const parameters, hence a macro.
macro_rules! rows {
    ([$($input:literal)*] $outputs:tt) => { vec![$(rows!($input $outputs)),*] };
    ($input:literal [$($output:literal)*]) => { ($input, vec![$(($output, layer::<$input, $output>())),*]) };
}

fn main() {
    let top = peak(30) / 1e9;
    let rows: Vec<Row> = rows!([1 4 5 8 16 17 32 33 64 65 130] [1 2 3 4 7 8 9 15 16 17 31 32 33 48 64 65 100 130]);
    println!("{}", benches::processor());
    println!("vectors of {VECTOR}, peak {top:.1} GFLOP/s");
    for (batch, samples) in BATCHES.iter().enumerate() {
        println!("\nbatch {samples}: GFLOP/s, a row for each number of inputs");
        print!("{:>5}", "");
        rows[0].1.iter().for_each(|(outputs, _)| print!("{outputs:>6}"));
        println!();
        for (inputs, cells) in &rows {
            print!("{inputs:>5}");
            cells.iter().for_each(|(_, speeds)| print!("{:>6.1}", speeds[batch]));
            println!();
        }
    }
    let broken = broken(&rows, top);
    println!("\n{} cells break the rule", broken.len());
    broken.iter().for_each(|cell| println!("  {cell}"));
    let path = format!("{}/../target/sweep-{VECTOR}.svg", env!("CARGO_MANIFEST_DIR"));
    match std::fs::write(&path, svg(&rows, top)) {
        Ok(()) => println!("drawn: target/sweep-{VECTOR}.svg"),
        Err(error) => println!("not drawn: {error}"),
    }
}

/// The cells that are too slow, in words.
fn broken(rows: &[Row], top: f64) -> Vec<String> {
    let mut found = Vec::new();
    for (batch, samples) in BATCHES.into_iter().enumerate() {
        for (r, (inputs, cells)) in rows.iter().enumerate() {
            for (c, (outputs, speeds)) in cells.iter().enumerate() {
                let work = samples * inputs * outputs;
                let speed = speeds[batch];
                let near = [(r.wrapping_sub(1), c), (r + 1, c), (r, c.wrapping_sub(1)), (r, c + 1)];
                let best = near
                    .iter()
                    .filter_map(|&(r, c)| rows.get(r)?.1.get(c))
                    .filter(|(o, _)| o.abs_diff(*outputs) <= 8) // a neighbour, not the far side of a gap in the grid
                    .map(|(_, speeds)| speeds[batch])
                    .fold(0.0, f64::max);
                let what = format!("batch {samples}, {inputs} inputs, {outputs} outputs: {speed:.1} GFLOP/s");
                if work >= 1024 && speed < best / 2.0 {
                    found.push(format!("{what}, a neighbour {best:.1}"));
                } else if samples >= 4 && work >= 4096 && speed < top / 4.0 {
                    found.push(format!("{what}, a quarter of the peak is {:.1}", top / 4.0));
                }
            }
        }
    }
    found
}

/// A map for each batch, from black (nothing) to white (the peak).
fn svg(rows: &[Row], top: f64) -> String {
    const CELL: usize = 22;
    let (width, height) = (rows[0].1.len() * CELL, (rows.len() + 2) * CELL);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" font-size=\"9\" font-family=\"sans-serif\">",
        width + 60,
        height * BATCHES.len()
    );
    for (batch, samples) in BATCHES.iter().enumerate() {
        let y = batch * height;
        let _ = write!(text, "<text x=\"4\" y=\"{}\">batch {samples}; peak {top:.0}</text>", y + 12);
        for (r, (inputs, cells)) in rows.iter().enumerate() {
            let y = y + (r + 1) * CELL;
            let _ = write!(text, "<text x=\"4\" y=\"{}\">{inputs}</text>", y + 14);
            for (c, (outputs, speeds)) in cells.iter().enumerate() {
                let (x, shade) = (40 + c * CELL, (255.0 * (speeds[batch] / top).min(1.0)) as u8);
                let ink = if shade > 110 { "black" } else { "white" };
                let _ = write!(
                    text,
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{CELL}\" height=\"{CELL}\" fill=\"rgb({shade},{shade},{shade})\"/>\
                     <text x=\"{}\" y=\"{}\" fill=\"{ink}\">{:.0}</text>",
                    x + 2,
                    y + 14,
                    speeds[batch]
                );
                if r == 0 {
                    let _ = write!(text, "<text x=\"{}\" y=\"{}\">{outputs}</text>", x + 2, y - 4);
                }
            }
        }
    }
    text + "</svg>\n"
}

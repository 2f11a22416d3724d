//! GFLOP/s of one layer over a grid of sizes, to find cliffs: `cargo bench -p benches --bench sweep`.
//!
//! Prints a table, the cells that break the rule (below half of a neighbour from 1,024 multiply-accumulates on, below a quarter of
//! the peak from batch 4 and 4,096 on), and draws `target/sweep-N.svg` for vectors of N: a map for each batch, a row for each number of inputs, a
//! column for each number of outputs. A cell is a forward pass and a backward sweep with both gradients.

use std::hint::black_box;

use baregrad::layer::{Stacked, Whole};
use baregrad::optimizer::Optimizer;
use baregrad::{Dense, Features, Identity, Layer, Matrix, Parameters, Sgd, Zero};
use benches::map::{Map, Row, report};
use benches::peak::shortest;

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

// A function can't take a list of sizes for its const parameters, hence a macro.
macro_rules! rows {
    ([$($input:literal)*] $outputs:tt) => { vec![$(rows!($input $outputs)),*] };
    ($input:literal [$($output:literal)*]) => { ($input, vec![$(($output, layer::<$input, $output>())),*]) };
}

fn main() {
    let rows: Vec<Row<_>> = rows!([1 4 5 8 16 17 32 33 64 65 130] [1 2 3 4 7 8 9 15 16 17 31 32 33 48 64 65 100 130]);
    report("sweep", &BATCHES.map(|samples| Map { name: format!("batch {samples}"), products: samples }), &rows);
}

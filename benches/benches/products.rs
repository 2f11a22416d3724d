//! The three products of a dense layer as shares of the machine's multiply+add peak: `cargo bench -p benches --bench products`.
//!
//! Calls of the layer, with everything in them. The forward pass includes the look for infinities; the input gradient is what a
//! backward pass takes more where it has to make one. `RUSTFLAGS="-C target-cpu=x86-64-v3"` (or `native`) chooses the vectors.

use benches::{VECTOR, peak, shortest};
use std::hint::black_box;

use baregrad::layer::Columns;
use baregrad::optimizer::Optimizer;
use baregrad::{Dense, Identity, Layer, Matrix, Sgd, Zero};

const RUNS: usize = 40;

fn layer<const B: usize, const IN: usize, const OUT: usize>() {
    let mut layer = Box::new(Dense::<IN, OUT, Identity>::new(Matrix::from_rows([[0.5; OUT]; IN]), [0.1; OUT]));
    let mut inputs = Box::new(Matrix::<B, IN>::from_rows([[0.5; IN]; B]));
    let mut outputs = Box::new(Matrix::<B, OUT>::ZERO);
    let mut slots = Box::new(<Dense<IN, OUT> as Layer>::Slots::<Sgd>::ZERO);
    let mut columns = Box::new(<Columns<B> as Zero>::ZERO);
    let operations = (2 * B * IN * OUT) as f64;
    let step = Sgd::new(0.0).begin_step(); // the weights stay as they are
    let (mut forward, mut first, mut both, mut top) = (f64::INFINITY, f64::INFINITY, f64::INFINITY, 0f64);
    // Interleaved, so that a disturbance of some length meets all.
    for _ in 0..RUNS {
        top = top.max(peak(1));
        forward = forward.min(shortest(1, || {
            let _ = black_box(layer.forward::<B, _>(black_box(&*inputs), B, &mut outputs));
        }));
        *outputs = Matrix::from_rows([[0.001; OUT]; B]);
        first = first.min(shortest(1, || {
            layer.backward_first::<B, Sgd, _>(
                black_box(&*inputs),
                B,
                &mut outputs,
                &mut slots,
                &mut columns,
                black_box(&step),
            );
        }));
        both = both.min(shortest(1, || {
            layer.backward::<B, Sgd, Identity>(
                black_box(&mut inputs),
                B,
                &mut outputs,
                &mut slots,
                &mut columns,
                black_box(&step),
            );
        }));
        *inputs = Matrix::from_rows([[0.5; IN]; B]);
    }
    let share = |seconds: f64| operations / seconds / top;
    println!(
        "{B:4} x {IN:4} x {OUT:4}  peak {:6.1}  forward {:.2}  weight gradient {:.2}  input gradient {:.2}",
        top / 1e9,
        share(forward),
        share(first),
        share(both - first)
    );
}

fn main() {
    println!("vectors of {VECTOR}; peak in GFLOP/s, the rest as shares of it");
    layer::<64, 196, 100>();
    layer::<64, 64, 32>();
    layer::<16, 64, 32>();
    layer::<4, 64, 64>();
    layer::<64, 100, 50>();
    layer::<64, 50, 10>();
    layer::<1, 64, 32>();
    layer::<1, 196, 100>();
}

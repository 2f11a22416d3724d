//! Time of whole training steps and of predictions: `cargo bench -p benches --bench steps`.
//!
//! Public calls with all their checks; the shortest of many short runs. `RUSTFLAGS="-C target-cpu=x86-64-v3"` (or `native`)
//! chooses the vectors.

use benches::{VECTOR, peak, shortest};
use std::hint::black_box;

use baregrad::loss::Loss;
use baregrad::optimizer::Optimizer;
use baregrad::{
    Adam, CrossEntropy, Dataset, Dense, Features, GlorotUniform, Layer, MeanSquaredError, Network, Relu, Sgd, Sigmoid,
    Trainer,
};

const RUNS: usize = 60;

type Xor = (Dense<2, 3, Sigmoid>, Dense<3, 1, Sigmoid>);
type Iris = (Dense<4, 16, Relu>, Dense<16, 3>);
type Digits = (Dense<64, 32, Relu>, Dense<32, 10>);
type Sigmoids = (Dense<196, 100, Sigmoid>, Dense<100, 50, Sigmoid>, Dense<50, 10, Sigmoid>);

/// Numbers between 0 and 1 from a small generator: nothing here depends on how good it is.
fn random() -> impl FnMut() -> u32 {
    let mut state = 1u32;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state ^ state >> 16
    }
}

fn step<N, O, L, T, const IN: usize, const OUT: usize, const B: usize>(name: &str, mut optimizer: O, loss: L, target: T)
where
    N: Layer<In = Features<IN>, Out = Features<OUT>>,
    O: Optimizer,
    L: Loss<Features<OUT>, N::Activation, T> + Copy,
    T: Copy,
{
    let mut random = random();
    let mut trainer = Box::new(Trainer::<N, O, B>::NEW);
    trainer.network.initialize_with(GlorotUniform, &mut random);
    let inputs = [[(); IN]; B].map(|row| row.map(|()| random() as f32 / u32::MAX as f32));
    let targets = [target; B];
    let data = Dataset::from_arrays(&inputs, &targets);
    let seconds = shortest(RUNS, || {
        trainer.step(black_box(&data), loss, &mut optimizer).expect("sound data");
    });
    print_time(&format!("{name}, batch {B}"), seconds);
}

fn predict<N, const IN: usize, const OUT: usize>(name: &str)
where
    N: Layer<In = Features<IN>, Out = Features<OUT>>,
{
    let mut random = random();
    let mut network = Box::new(N::ZERO);
    network.initialize_with(GlorotUniform, &mut random);
    let input = [(); IN].map(|()| random() as f32 / u32::MAX as f32);
    let seconds = shortest(RUNS, || {
        black_box(network.predict(black_box(&input)));
    });
    print_time(&format!("predict {name}"), seconds);
}

fn print_time(what: &str, seconds: f64) {
    println!("{what:44} {:10.1} ns", seconds * 1e9);
}

fn main() {
    println!("vectors of {VECTOR}, peak {:.1} GFLOP/s", peak(RUNS) / 1e9);
    // A rate of (nearly) zero, so that the weights stay sound however often a step is repeated.
    step::<Xor, _, _, _, 2, 1, 1>("SGD 2-3-1", Sgd::new(0.0), MeanSquaredError, [1.0]);
    step::<Xor, _, _, _, 2, 1, 4>("SGD 2-3-1", Sgd::new(0.0), MeanSquaredError, [1.0]);
    step::<Iris, _, _, _, 4, 3, 1>("Adam 4-16-3", Adam::new(1e-9), CrossEntropy, 1u8);
    step::<Iris, _, _, _, 4, 3, 16>("Adam 4-16-3", Adam::new(1e-9), CrossEntropy, 1u8);
    step::<Digits, _, _, _, 64, 10, 1>("SGD 64-32-10", Sgd::new(0.0), CrossEntropy, 1u8);
    step::<Digits, _, _, _, 64, 10, 32>("SGD 64-32-10", Sgd::new(0.0), CrossEntropy, 1u8);
    step::<Digits, _, _, _, 64, 10, 1>("Adam 64-32-10", Adam::new(1e-9), CrossEntropy, 1u8);
    step::<Digits, _, _, _, 64, 10, 32>("Adam 64-32-10", Adam::new(1e-9), CrossEntropy, 1u8);
    step::<Sigmoids, _, _, _, 196, 10, 1>("SGD 196-100-50-10", Sgd::new(0.0), MeanSquaredError, [0.5; 10]);
    step::<Sigmoids, _, _, _, 196, 10, 64>("SGD 196-100-50-10", Sgd::new(0.0), MeanSquaredError, [0.5; 10]);
    predict::<Iris, 4, 3>("4-16-3");
    predict::<Digits, 64, 10>("64-32-10");
    predict::<Sigmoids, 196, 10>("196-100-50-10");
}

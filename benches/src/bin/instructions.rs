//! One training step or prediction for callgrind to count; `cargo xtask count host` builds and runs it: `instructions CASE`.
//!
//! What is counted runs inside of `counted`, and only that.

use std::env;
use std::hint::black_box;
use std::process::ExitCode;

use baregrad::activation::Activation;
use baregrad::data::Samples;
use baregrad::layer::activate;
use baregrad::loss::Loss;
use baregrad::optimizer::Optimizer;
use baregrad::{
    Adam, CrossEntropy, Dataset, Dense, Features, HeUniform, Matrix, MeanSquaredError, Network, Relu, Sgd, Sigmoid,
    Tanh, Trainer, Zero, floats,
};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::Rng;

type Xor = (Dense<2, 3, Sigmoid>, Dense<3, 1, Sigmoid>);
type Iris = (Dense<4, 16, Relu>, Dense<16, 3>);
type Digits = (Dense<64, 32, Relu>, Dense<32, 10>);

fn main() -> ExitCode {
    let labels = |sample: usize| (sample % 3) as u8;
    let fine = match env::args().nth(1).as_deref() {
        Some("sgd_2_3_1") => {
            step::<Xor, _, _, _, 2, 1, { floats::<Xor>() }>(Sgd::new(0.1), MeanSquaredError, |_| [1.0])
        }
        Some("adam_4_16_3") => step::<Iris, _, _, _, 4, 1, { floats::<Iris>() }>(Adam::new(0.01), CrossEntropy, labels),
        Some("adam_4_16_3_batch_16") => {
            step::<Iris, _, _, _, 4, 16, { floats::<Iris>() }>(Adam::new(0.01), CrossEntropy, labels)
        }
        Some("sgd_64_32_10") => {
            step::<Digits, _, _, _, 64, 1, { floats::<Digits>() }>(Sgd::new(0.1), CrossEntropy, labels)
        }
        Some("sgd_64_32_10_batch_32") => {
            step::<Digits, _, _, _, 64, 32, { floats::<Digits>() }>(Sgd::new(0.1), CrossEntropy, labels)
        }
        Some("predict_64_32_10") => predict(),
        Some("tanh_1024") => activation::<Tanh>(),
        Some("sigmoid_1024") => activation::<Sigmoid>(),
        Some("softmax_1024") => softmax(),
        Some("adam_1024") => adam(),
        _ => false,
    };
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Callgrind switches counting on when it enters this function, and off when it leaves it.
#[inline(never)]
fn counted<R>(case: impl FnOnce() -> R) -> R {
    case()
}

fn step<N, O, L, T, const IN: usize, const B: usize, const FLOATS: usize>(
    mut optimizer: O,
    loss: L,
    target: impl Fn(usize) -> T,
) -> bool
where
    N: Network<In = Features<IN>>,
    O: Optimizer,
    L: Loss<N::Out, N::Activation, T>,
    for<'a> Dataset<'a, [f32; IN], T>: Samples<Input = [f32; IN], Target = T>,
{
    let mut generator = Pcg32::new(1, 0);
    let mut trainer = Trainer::<N, O, B, FLOATS>::NEW;
    trainer.network.initialize(HeUniform, &mut generator);
    let inputs: [[f32; IN]; B] = [(); B].map(|()| [(); IN].map(|()| unit(&mut generator)));
    let targets: [T; B] = std::array::from_fn(target);
    let samples = Dataset::from_arrays(&inputs, &targets);
    let (trainer, samples) = (black_box(&mut trainer), black_box(&samples));
    counted(|| trainer.step(samples, loss, &mut optimizer)).is_ok()
}

fn predict() -> bool {
    let mut generator = Pcg32::new(1, 0);
    let mut network = <Digits as baregrad::Zero>::ZERO;
    network.initialize(HeUniform, &mut generator);
    let sample = [(); 64].map(|()| unit(&mut generator));
    let (network, sample) = (black_box(&network), black_box(&sample));
    black_box(counted(|| network.predict(sample).argmax())) < 10
}

/// Values enough that what surrounds them counts for nothing.
const MANY: usize = 1024;

fn values() -> [f32; MANY] {
    let mut generator = Pcg32::new(1, 0);
    [(); MANY].map(|()| 8.0 * unit(&mut generator) - 4.0)
}

fn activation<A: Activation>() -> bool {
    let mut values = values();
    let values = black_box(&mut values[..]);
    counted(|| activate::<A>(values)).is_ok()
}

fn softmax() -> bool {
    let values = Matrix::from_rows([values()]);
    let values = black_box(&values);
    black_box(counted(|| values.softmax())).rows[0][0] > 0.0
}

/// One update of many parameters.
fn adam() -> bool {
    let (mut parameters, gradients) = (values(), values());
    let mut slots = [<Adam as Optimizer>::Slot::ZERO; MANY];
    let step = Adam::new(0.001).begin_step();
    let (parameters, slots, gradients) = (black_box(&mut parameters), black_box(&mut slots), black_box(&gradients));
    counted(|| {
        for ((parameter, gradient), slot) in parameters.iter_mut().zip(gradients).zip(slots) {
            *parameter = Adam::update(&step, *parameter, *gradient, slot);
        }
    });
    parameters[0] != gradients[0]
}

/// A number in `[0, 1)`.
fn unit(generator: &mut Pcg32) -> f32 {
    (generator.next_u32() >> 8) as f32 / 16_777_216.0
}

//! What the programs in `src/bin` share. `cargo xtask count device` builds and runs them.
//!
//! Each program but three is a row of the table in `benches/README.md`: it prints lines `count|WHAT|INSTRUCTIONS`, of which
//! the last is the row's own, `ram|BYTES|STACK` where a network trains or predicts, and `end` when all went well. A program for each
//! row, because the compiler treats code that several networks share in another way than the code of one, which is what
//! firmware has: in one image of all rows, a step of 64-32-10 took a quarter more instructions.
//!
//! `training`, `training_batches` and `nothing` are never run: the difference of their sizes is the code that training needs.
#![no_std]

use core::fmt::Display;
use core::hint::black_box;
use core::panic::PanicInfo;

use baregrad::data::Samples;
use baregrad::layer::{Stacked, Whole};
use baregrad::loss::Loss;
use baregrad::optimizer::Optimizer;
use baregrad::shape::{SampleOf, Shape, Values};
use baregrad::{
    CrossEntropy, Dataset, Dense, HeUniform, Image, Layer, Network, Parameters, Relu, Sgd, Trainer, Zero, floats,
};

pub use instruction_counter::{Counter, Machine, WrongCount};

/// What the layers of keyword spotting behind its first it take in.
pub type Inner = Image<25, 5, 64>;
/// What a convolution of ResNet-8's kind takes in.
pub type Plane = Image<16, 16, 16>;

/// Counts a prediction, and the stack that it needs, and ends the program. It is the second one.
///
/// Network and sample go through `black_box`, or the compiler would know their values.
pub fn predict<N: Network>(mut prediction: impl FnMut(&N, &SampleOf<N::In>)) -> ! {
    let mut counter = start();
    let mut random = generator();
    let mut network = N::ZERO;
    network.initialize_with(HeUniform, &mut random);
    let sample = uniform::<SampleOf<N::In>>(&mut random);
    let (network, sample) = (black_box(&network), black_box(&sample));
    let Some(stack) = painted_stack::stack(|| prediction(network, sample)) else {
        fail("a prediction needs more stack than was painted")
    };
    semihosting::println!("ram|{}|{stack}", size_of::<N>());
    counter.instructions("row", || prediction(network, sample));
    end()
}

/// Counts the forward pass of a layer on one sample, with its activation, and ends the program. `X` and `Y` are the floats in and out.
pub fn forward<In: Shape, L: Layer<In>, const X: usize, const Y: usize>() -> ! {
    let mut counter = start();
    let (layer, x) = layer::<L, X>();
    let mut y = [0.0; Y];
    let (layer, x) = (black_box(&layer), black_box(&x));
    counter.instructions("row", || {
        black_box(layer.predict_into(x, &mut y, &mut []).is_ok());
    });
    end()
}

/// Counts the backward pass of a layer by one sample, a step of SGD with the gradient of its input back through ReLU, and ends the
/// program. `X` and `Y` are the floats in and out, `SCRATCH` is [`scratch`].
pub fn backward<In: Shape, L: Layer<In>, const X: usize, const Y: usize, const SCRATCH: usize>() -> !
where
    L::Slots<()>: Zero,
{
    let mut counter = start();
    let (mut layer, mut x) = layer::<L, X>();
    let (mut delta, mut scratch, mut slots) = ([0.0; Y], [0.0; SCRATCH], L::Slots::<()>::ZERO);
    let outputs = Stacked::<In>::new(&x);
    if layer.forward(Whole::<1>::new(1), &outputs, &mut delta, &mut scratch).is_err() {
        fail("an output is not finite");
    }
    let step = Sgd::new(black_box(0.01)).begin_step();
    let (layer, x, delta) = (black_box(&mut layer), black_box(&mut x), black_box(&delta));
    counter.instructions("row", || {
        layer.backward_inner::<_, Sgd, Relu>(Whole::<1>::new(1), x, delta, &mut scratch, &mut slots, &step);
    });
    end()
}

/// Floats of scratch that [`backward`] takes.
pub const fn scratch<In: Shape, L: Layer<In>>() -> usize {
    L::KEPT + L::SCRATCH_INNER
}

/// A layer whose parameters are drawn, and an input.
fn layer<L: Parameters, const X: usize>() -> (L, [f32; X]) {
    let (mut layer, mut random) = (L::ZERO, generator());
    for tensor in 0..L::COUNT {
        for value in layer.tensor_mut(tensor) {
            *value = unit(random()) - 0.5;
        }
    }
    (layer, uniform(&mut random))
}

/// Counts a training step on a batch that fills the workspace, and the RAM that it needs, and ends the program.
///
/// It is the second step: the first one is where the stack is looked at.
pub fn train<N, O, L, T, const B: usize, const FLOATS: usize>(mut optimizer: O, loss: L, targets: [T; B]) -> !
where
    N: Network,
    O: Optimizer,
    L: Loss<N::Out, N::Activation, T> + Copy,
    for<'a> Dataset<'a, SampleOf<N::In>, T>: Samples<Input = SampleOf<N::In>, Target = T>,
{
    let mut counter = start();
    let mut random = generator();
    let mut trainer = Trainer::<N, O, B, FLOATS>::NEW;
    trainer.network.initialize_with(HeUniform, &mut random);
    let inputs: [SampleOf<N::In>; B] = core::array::from_fn(|_| uniform(&mut random));
    let samples = Dataset::from_arrays(&inputs, &targets);
    let (trainer, samples) = (black_box(&mut trainer), black_box(&samples));
    let mut steps = 0;
    let mut step = || {
        if trainer.step(samples, loss, &mut optimizer).is_ok() {
            steps += 1;
        }
    };
    let Some(stack) = painted_stack::stack(&mut step) else { fail("a step needs more stack than was painted") };
    semihosting::println!("ram|{}|{stack}", size_of::<Trainer<N, O, B, FLOATS>>() + size_of::<O>());
    counter.instructions("row", &mut step);
    if steps == 2 { end() } else { fail("a step failed") }
}

/// Trains on data that the compiler doesn't know, in batches of up to `B`, and predicts.
pub fn train_forever<const B: usize>() -> ! {
    type Net = (Dense<4, 16, Relu>, Dense<16, 3>);
    let mut trainer = Trainer::<Net, Sgd, B, { floats::<Net>() }>::NEW;
    let mut optimizer = Sgd::new(black_box(0.1));
    let (inputs, labels): ([[f32; 4]; B], [u8; B]) = ([[0.5; 4]; B], [2; B]);
    loop {
        let Ok(samples) = Dataset::new(black_box(&inputs[..]), black_box(&labels[..])) else { continue };
        black_box(trainer.step(&samples, CrossEntropy, &mut optimizer).is_ok());
        black_box(trainer.network.predict(black_box(&inputs[0])).softmax());
    }
}

fn start() -> Counter {
    let Some(peripherals) = cortex_m::Peripherals::take() else { fail("the peripherals are taken") };
    match Counter::start_on(Machine::MPS2_AN386, peripherals.SYST, report) {
        Ok(counter) => counter,
        Err(error) => fail(error),
    }
}

/// A line for each call counted, in their order: `cargo xtask count` pairs them with what it sees executed.
fn report(name: &str, counted: u64) {
    semihosting::println!("count|{name}|{counted}");
}

/// The same words for each network.
fn generator() -> impl FnMut() -> u32 {
    let mut word = 1_u32;
    move || {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        word
    }
}

/// Numbers in `[0, 1)`.
fn uniform<V: Values>(random: &mut impl FnMut() -> u32) -> V {
    let mut numbers = V::ZERO;
    for number in numbers.values_mut() {
        *number = unit(random());
    }
    numbers
}

/// A word as a number in `[0, 1)`.
fn unit(word: u32) -> f32 {
    (word >> 8) as f32 / 16_777_216.0
}

fn end() -> ! {
    semihosting::println!("end");
    semihosting::process::exit(0)
}

fn fail(why: impl Display) -> ! {
    semihosting::println!("failed: {why}");
    semihosting::process::exit(1)
}

/// Ends QEMU as a failure, without a message: printing one would be in the images whose sizes are compared.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    semihosting::process::exit(1)
}

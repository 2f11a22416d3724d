//! Everything in `baregrad` that computes, called with values that the compiler cannot see.
//!
//! Most of the library is generic, so its code exists only where it is used. [`everything`] uses every activation, loss and optimizer of
//! the table in package `catalogue`, every initializer, schedule and scalar function; `cargo xtask fused` stops when it finds one in the
//! library that is named neither there nor here.
//! [`edges`] and [`texts`] add what surrounds the arithmetic: `cargo xtask panic` stops when a public function is named nowhere.
//! With the feature `small` there is only [`loops`], which builds in a fraction of the time.
#![no_std]
#![cfg_attr(feature = "small", allow(dead_code, unused_imports))]

#[cfg(not(feature = "small"))]
mod edges;
#[cfg(feature = "panics")]
mod panics;
mod windows;

#[cfg(not(feature = "small"))]
pub use edges::{edges, texts};
#[cfg(feature = "panics")]
pub use panics::panics;

use core::hint::black_box;

use baregrad::activation::Activation;
use baregrad::data::Samples;
use baregrad::initializer::Initializer;
use baregrad::loss::Loss;
use baregrad::matrix::Vector;
use baregrad::metrics::ConfusionMatrix;
use baregrad::network::Network;
use baregrad::optimizer::Optimizer;
use baregrad::schedule::{Constant, Cosine, EarlyStopping, Exponential, ReduceOnPlateau, Schedule, StepDecay};
use baregrad::shape::{Features, SampleOf};
use baregrad::train::Slices;
use baregrad::zero::Zero;
use baregrad::{
    Adam, BatchNorm, BinaryCrossEntropy, CrossEntropy, Dataset, Dense, Dropout, FanInUniform, GlorotUniform, Gradients,
    Graph, HalfMeanSquaredError, HeUniform, Huber, Identity, Layer, LayerNorm, LeakyRelu, MeanAbsoluteError,
    MeanSquaredError, OneHot, Recompute, Relu, Residual, Sgd, Sigmoid, Skip, SumOfSquares, Tanh, Trainer, Uniform,
    WeightedCrossEntropy, scalar,
};
use catalogue::activations::{Curve, VisitActivations, VisitElementwise, WIDTH, each_activation, each_elementwise};
use catalogue::losses::{self, Target, VisitLosses, each_loss};
use catalogue::optimizers::{self, SavedRule, VisitOptimizers, each_optimizer};

const IN: usize = 7;
const OUT: usize = losses::OUTPUTS;
const SAMPLES: usize = 5;

/// Two layers whose sizes leave every kind of remainder to the tiles.
type Net<Hidden, Last = Identity> = (Dense<IN, 19, Hidden>, Dense<19, OUT, Last>);
/// One layer wide enough for whole tiles.
type Wide<Last> = (Dense<IN, 32, Relu>, Dense<32, OUT, Last>);

/// Branches with and without layers of their own, and normalization at the input and inside.
type Blocks = (
    LayerNorm<IN, Tanh>,
    Recompute<(Residual<(Dense<IN, 9, Relu>, BatchNorm<9>, LayerNorm<9>, Dropout<25>, Dense<9, IN>)>,)>,
    Residual<Residual<Dense<IN, OUT>, Dense<IN, OUT>>, (Residual<Dense<IN, IN>, Skip, Relu>, Dense<IN, OUT>), Tanh>,
);

/// Floats of the largest workspace.
const FLOATS: usize = {
    let (wide, blocks) = (baregrad::floats::<Wide<Identity>>(), baregrad::floats::<Blocks>());
    if wide > blocks { wide } else { blocks }
};

/// Calls everything once.
#[cfg(not(feature = "small"))]
#[inline(never)]
pub fn everything() {
    black_box(baregrad::float_environment().is_ok());
    scalar_functions();
    schedules();
    graph();
    each_optimizer(&mut Everything);
    each_activation(&mut Everything);
    each_elementwise(&mut Everything);
    each_loss(&mut Everything);
    // What the table doesn't say: wide layers, each initializer, losses behind an activation and with settings that nobody knows.
    classify::<Wide<Identity>, _, _>(Adam::new(rate()), CrossEntropy, HeUniform);
    classify::<Net<Sigmoid>, _, _>(Sgd::new(rate()), OneHot(BinaryCrossEntropy), FanInUniform);
    let weights = black_box([1.0; OUT]);
    let uniform = Uniform::weights(-rate(), rate());
    classify::<Net<Tanh>, _, _>(Sgd::new(rate()), WeightedCrossEntropy { weights }, uniform);
    classify::<Net<LeakyRelu, Sigmoid>, _, _>(Sgd::new(rate()), OneHot(MeanSquaredError), GlorotUniform);
    fit::<Net<Relu, LeakyRelu>, _, _>(Sgd::new(rate()), SumOfSquares, FanInUniform);
    fit::<Net<Tanh, Tanh>, _, _>(Adam::new(rate()), HalfMeanSquaredError, GlorotUniform);
    fit::<Wide<Relu>, _, _>(Sgd::new(rate()), MeanAbsoluteError, GlorotUniform);
    fit::<Wide<Sigmoid>, _, _>(Sgd::new(rate()), Huber { delta: rate() }, HeUniform);
    fit::<Blocks, _, _>(Adam::new(rate()), MeanSquaredError, HeUniform);
}

/// Loops of every kind once, without the rows of the table: what `cargo xtask panic` builds at all levels for all targets.
#[inline(never)]
pub fn loops() {
    black_box(baregrad::float_environment().is_ok());
    scalar_functions();
    schedules();
    graph();
    // No kind of remainder of a tile is left out: rows of 7, 19, 32 and OUT inputs, with slots and without.
    classify::<Net<Tanh>, _, _>(Adam::new(rate()), CrossEntropy, HeUniform);
    fit::<Wide<Sigmoid>, _, _>(Sgd::new(rate()), Huber { delta: rate() }, GlorotUniform);
    #[cfg(feature = "windows")]
    windows::few();
}

/// Every row of the table.
struct Everything;

// Inlined, so that no formula of the table is linked: at level 1 the compiler would not see that it is never called, and a formula is
// written to be read, with indices.
impl VisitOptimizers for Everything {
    #[inline(always)]
    fn optimizer<O: SavedRule>(&mut self, _: &'static str, start: O, _: optimizers::Formula) {
        fit::<Net<Tanh>, _, _>(black_box(start), MeanSquaredError, GlorotUniform);
    }
}

impl VisitActivations for Everything {
    #[inline(always)]
    fn activation<A: Activation>(&mut self, _: Curve) {
        classify::<Net<A>, _, _>(Sgd::new(rate()), CrossEntropy, GlorotUniform);
        fit::<Net<Identity, A>, _, _>(Sgd::new(rate()), MeanSquaredError, HeUniform);
    }
}

impl VisitElementwise for Everything {
    #[inline(always)]
    fn elementwise<L>(&mut self, _: Curve)
    where
        L: Layer<Features<WIDTH>, Out = Features<WIDTH>, Activation = Identity>,
    {
        let rule = Sgd::new(rate());
        classify::<(Dense<IN, WIDTH>, L, Dense<WIDTH, OUT>), _, _>(rule, CrossEntropy, GlorotUniform);
    }
}

impl VisitLosses for Everything {
    #[inline(always)]
    fn loss<L: Loss<Features<OUT>, Identity, T> + Copy, T: Target>(&mut self, loss: L, _: losses::Formula) {
        let targets = [T::of_label(1); SAMPLES];
        let data = Dataset::from_arrays(black_box(&[[0.5; IN]; SAMPLES]), black_box(&targets));
        let mut trainer = initialized::<Net<Tanh>, _>(GlorotUniform);
        let (loss, mut optimizer) = (black_box(loss), Sgd::new(rate()));
        black_box(trainer.step(&data, loss, &mut optimizer).is_ok());
        black_box(polled(trainer.step_in_slices(&data, loss, &mut optimizer)));
        black_box(trainer.mean_loss(&data, loss).is_ok());
        black_box(&trainer);
    }
}

/// A number from 0 to 1, as far as anybody knows.
fn rate() -> f32 {
    black_box(0.25)
}

fn scalar_functions() {
    for function in [scalar::exp, scalar::tanh, scalar::sigmoid, scalar::ln, scalar::ln_1p, scalar::sqrt] {
        // As a function of its own, and …
        black_box(function)(rate());
    }
    // … in loops, where it becomes vector code.
    let mut numbers = [0.5; 64];
    let values = black_box(&mut numbers);
    in_place(values, scalar::exp);
    in_place(values, scalar::tanh);
    in_place(values, scalar::sigmoid);
    in_place(values, scalar::ln);
    in_place(values, scalar::ln_1p);
    in_place(values, scalar::sqrt);
    black_box(Vector::<OUT>::ZERO.softmax());
    black_box(values);
}

#[inline(always)]
fn in_place(values: &mut [f32], function: impl Fn(f32) -> f32) {
    for value in black_box(values) {
        *value = function(*value);
    }
}

fn schedules() {
    fn ask(schedule: impl Schedule) {
        black_box(schedule.learning_rate(black_box(3)));
    }
    let learning_rate = rate();
    ask(Constant { learning_rate });
    ask(StepDecay { learning_rate, factor: rate(), every: 2 });
    ask(Exponential { learning_rate, factor: rate() });
    ask(Cosine { learning_rate, floor: rate(), warm_up: black_box(2), steps: black_box(9) });
    black_box(ReduceOnPlateau::new(rate()).observe(rate()).is_ok());
    let mut stopping = EarlyStopping::new(3);
    black_box(stopping.observe(rate()).is_ok());
    black_box(stopping.best());
    black_box(scalar::power(rate(), black_box(5)));
}

fn graph() {
    let graph = Graph::<32>::ZERO;
    let value = || {
        let (a, b) = (graph.leaf(rate())?, graph.leaf(rate())?);
        let product = graph.mul(graph.add(a, b)?, graph.sub(a, b)?)?;
        let ratio = graph.div(graph.max(product, a)?, graph.neg(b)?)?;
        let smooth = graph.tanh(graph.exp(graph.ln(graph.sqrt(ratio)?)?)?)?;
        let end = graph.pow(graph.powi(graph.sigmoid(smooth)?, 3)?, graph.relu(b)?)?;
        graph.backward(end)?;
        graph.gradient(a)
    };
    black_box(value().is_ok());
}

/// All that can be done with labels as targets.
#[inline(never)]
fn classify<N, O, L>(mut optimizer: O, loss: L, initializer: impl Initializer)
where
    N: Network<In = Features<IN>, Out = Features<OUT>>,
    O: Optimizer,
    L: Loss<Features<OUT>, N::Activation, u8> + Copy,
{
    let data = Dataset::from_arrays(black_box(&[[0.5; IN]; SAMPLES]), black_box(&[1_u8; SAMPLES]));
    let mut trainer = initialized::<N, O>(initializer);
    black_box(trainer.step(&data, loss, &mut optimizer).is_ok());
    black_box(polled(trainer.step_in_slices(&data, loss, &mut optimizer)));
    black_box(trainer.evaluate(&data, loss, 2).map(|evaluation| evaluation.accuracy()).is_ok());
    let mut matrix = ConfusionMatrix::<OUT>::NEW;
    black_box(trainer.confusion_matrix(&data, &mut matrix).is_ok());
    black_box((matrix.accuracy(), &trainer));
}

/// All that can be done with numbers as targets.
#[inline(never)]
fn fit<N, O, L>(mut optimizer: O, loss: L, initializer: impl Initializer)
where
    N: Network<In = Features<IN>, Out = Features<OUT>>,
    O: Optimizer,
    L: Loss<Features<OUT>, N::Activation, [f32; OUT]> + Copy,
{
    let data = Dataset::from_arrays(black_box(&[[0.5; IN]; SAMPLES]), black_box(&[[0.5; OUT]; SAMPLES]));
    let mut trainer = initialized::<N, O>(initializer);
    black_box(trainer.step(&data, loss, &mut optimizer).is_ok());
    black_box(polled(trainer.step_in_slices(&data, loss, &mut optimizer)));
    black_box(trainer.mean_loss(&data, loss).is_ok());
    // The two-phase form: gradients into a buffer (the optimizer `StoreGradient`).
    let mut gradients = Gradients::<N>::ZERO;
    black_box(trainer.accumulate(&mut gradients, &data, loss, SAMPLES).is_ok());
    black_box(trainer.accumulate_all(&mut gradients, &data, loss).is_ok());
    black_box((gradients.norm(), gradients.clip_norm(rate()).is_ok()));
    black_box(trainer.apply(&mut gradients, &mut optimizer).is_ok());
    black_box(trainer.network.predict(black_box(&[0.5; IN])));
    black_box(&trainer);
}

/// A step in slices, to its end.
fn polled<N, O, L, D>(mut step: Slices<'_, N, O, L, D, SAMPLES, FLOATS>) -> bool
where
    N: Network,
    O: Optimizer,
    D: Samples<Input = SampleOf<N::In>>,
    L: Loss<N::Out, N::Activation, D::Target>,
{
    for _ in 1..step.remaining() {
        black_box(step.poll().is_ok());
    }
    step.poll().is_ok()
}

fn initialized<N: Network, O: Optimizer>(initializer: impl Initializer) -> Trainer<N, O, SAMPLES, FLOATS> {
    let mut trainer = Trainer::<N, O, SAMPLES, FLOATS>::NEW;
    trainer.network.initialize_with(initializer, || black_box(1));
    black_box(trainer)
}

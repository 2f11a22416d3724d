//! The work by the public API of `baregrad`.

use std::hint::black_box;

use baregrad::data::{RandomIndices, shuffle_with};
use baregrad::loss::Loss;
use baregrad::optimizer::Optimizer;
use baregrad::shape::{SampleOf, Shape, Values};
use baregrad::{
    Adam, Conv2d, CrossEntropy, Dataset, Dense, Features, Flatten, Image, MaxPool2d, MeanSquaredError, Model, Network,
    Relu, Sgd, Sigmoid, Trainer, Valid, Zero, floats, predict_floats,
};
use rand_core::Rng;
use rand_pcg::Pcg32;

use crate::work::{Plan, Rule, Samples, Source, Work};
use crate::{Clock, Contender, Outcome};

type Xor = (Dense<2, 3, Sigmoid>, Dense<3, 1, Sigmoid>);
type Iris = (Dense<4, 16, Relu>, Dense<16, 3>);
type Digits = (Dense<64, 32, Relu>, Dense<32, 10>);
type Images = (Dense<196, 100, Sigmoid>, Dense<100, 50, Sigmoid>, Dense<50, 10, Sigmoid>);

type Convolutions = Model<
    Image<28, 28, 1>,
    (
        Conv2d<1, 8, 3, 3, Valid, Relu>,
        MaxPool2d<2>,
        Conv2d<8, 16, 3, 3, Valid, Relu>,
        MaxPool2d<2>,
        Flatten<400>,
        Dense<400, 10>,
    ),
>;

/// Seed of the order of samples and of random mini-batches.
pub const SEED: u64 = 7;

/// `baregrad` at a work.
///
/// # Panics
/// The work has sizes or a batch that no network here is compiled for.
pub fn contender(work: &'static Work) -> Box<dyn Contender> {
    use {CrossEntropy as Classes, MeanSquaredError as Squares};
    match (work.source, work.rule, work.batch) {
        (Source::Xor, Rule::Sgd(rate), 1) => {
            training::<Xor, _, _, _, [f32; 1], 1, 1, { floats::<Xor>() }>(work, Sgd::new(rate), Squares, first)
        }
        (Source::Xor, Rule::Sgd(rate), 4) => {
            training::<Xor, _, _, _, [f32; 1], 1, 4, { floats::<Xor>() }>(work, Sgd::new(rate), Squares, first)
        }
        (Source::Iris, Rule::Adam(rate), 1) => {
            training::<Iris, _, _, _, u8, 3, 1, { floats::<Iris>() }>(work, Adam::new(rate), Classes, first)
        }
        (Source::Iris, Rule::Adam(rate), 16) => {
            training::<Iris, _, _, _, u8, 3, 16, { floats::<Iris>() }>(work, Adam::new(rate), Classes, first)
        }
        (Source::Digits, Rule::Sgd(rate), 1) => {
            training::<Digits, _, _, _, u8, 10, 1, { floats::<Digits>() }>(work, Sgd::new(rate), Classes, first)
        }
        (Source::Digits, Rule::Sgd(rate), 32) => {
            training::<Digits, _, _, _, u8, 10, 32, { floats::<Digits>() }>(work, Sgd::new(rate), Classes, first)
        }
        (Source::Images, Rule::Sgd(rate), 1) => {
            training::<Images, _, _, _, [f32; 10], 10, 1, { floats::<Images>() }>(work, Sgd::new(rate), Squares, first)
        }
        (Source::Images, Rule::Sgd(rate), 64) => {
            training::<Images, _, _, _, [f32; 10], 10, 64, { floats::<Images>() }>(work, Sgd::new(rate), Squares, first)
        }
        (Source::LargeImages, Rule::Sgd(rate), 1) => {
            training::<Convolutions, _, _, _, u8, 10, 1, { floats::<Convolutions>() }>(
                work,
                Sgd::new(rate),
                Classes,
                first_in_place(),
            )
        }
        (Source::LargeImages, Rule::Sgd(rate), 32) => {
            training::<Convolutions, _, _, _, u8, 10, 32, { floats::<Convolutions>() }>(
                work,
                Sgd::new(rate),
                Classes,
                first_in_place(),
            )
        }
        _ => panic!("no network is compiled for {work:?}"),
    }
}

/// The first output of a network for a sample.
fn first<N: Network<Out = Features<OUT>>, const OUT: usize>(network: &N, sample: &SampleOf<N::In>) -> f32 {
    network.predict(sample).rows[0][0]
}

/// The same in memory placed once.
fn first_in_place() -> impl FnMut(&Convolutions, &SampleOf<Image<28, 28, 1>>) -> f32 {
    let mut memory = Box::new([0.0; predict_floats::<Convolutions>()]);
    move |network, sample| network.predict_in(sample, &mut memory).expect(SOUND)[0]
}

/// What a loss compares an output with.
trait Target {
    /// One for each sample.
    fn all(samples: &Samples) -> Vec<Self>
    where
        Self: Sized;
}

impl Target for u8 {
    fn all(samples: &Samples) -> Vec<Self> {
        samples.labels.clone()
    }
}

impl<const OUT: usize> Target for [f32; OUT] {
    fn all(samples: &Samples) -> Vec<Self> {
        samples.targets.as_chunks().0.to_vec()
    }
}

struct Training<N: Network, O: Optimizer, L, P, T, const B: usize, const FLOATS: usize> {
    work: &'static Work,
    trainer: Box<Trainer<N, O, B, FLOATS>>,
    initial: N,
    optimizer: O,
    loss: L,
    predict: P,
    inputs: Vec<SampleOf<N::In>>,
    targets: Vec<T>,
}

fn training<N, O, L, P, T, const OUT: usize, const B: usize, const FLOATS: usize>(
    work: &'static Work,
    optimizer: O,
    loss: L,
    predict: P,
) -> Box<dyn Contender>
where
    N: Network<Out = Features<OUT>> + Copy + 'static,
    O: Optimizer + Copy + 'static,
    L: Loss<N::Out, N::Activation, T> + Copy + 'static,
    P: FnMut(&N, &SampleOf<N::In>) -> f32 + 'static,
    T: Target + 'static,
{
    assert_eq!((work.inputs(), work.outputs(), work.batch), (N::In::SIZE, OUT, B), "{}", work.name);
    let mut initial = N::ZERO;
    let layers = work.parameters();
    let mut pieces = layers.iter().flat_map(|layer| [&layer.weights, &layer.bias]).flatten();
    initial.for_each_tensor_mut(&mut |piece| piece.fill_with(|| *pieces.next().expect("as many as the network has")));
    assert!(pieces.next().is_none(), "the network has as many");
    let samples = work.samples();
    Box::new(Training {
        work,
        trainer: Box::new(Trainer::<N, O, B, FLOATS>::NEW),
        initial,
        optimizer,
        loss,
        predict,
        inputs: samples.inputs.chunks_exact(N::In::SIZE).filter_map(Values::first_of).copied().collect(),
        targets: T::all(&samples),
    })
}

const SOUND: &str = "the data are sound and the rate is small";

impl<N, O, L, P, T, const OUT: usize, const B: usize, const FLOATS: usize> Contender
    for Training<N, O, L, P, T, B, FLOATS>
where
    N: Network<Out = Features<OUT>> + Copy,
    O: Optimizer + Copy,
    L: Loss<N::Out, N::Activation, T> + Copy,
    P: FnMut(&N, &SampleOf<N::In>) -> f32,
{
    fn run(&mut self) -> Outcome {
        let Self { work, trainer, initial, optimizer, loss, predict, inputs, targets } = self;
        let (mut optimizer, loss) = (*optimizer, *loss);
        trainer.network = *initial;
        trainer.slots = Zero::ZERO;
        let data = Dataset::new(inputs, targets).expect("as many targets as inputs");
        let untrained = trainer.mean_loss(&data, loss).expect(SOUND);

        let mut value = f32::NAN;
        let time = match work.plan {
            Plan::Steps(steps) => {
                let batches: Vec<_> = data.chunks(B).expect("a batch is not empty").collect();
                let start = Clock::now();
                for batch in batches.iter().cycle().take(steps) {
                    value = trainer.step(black_box(batch), loss, &mut optimizer).expect(SOUND);
                }
                start.elapsed()
            }
            Plan::Epochs(epochs) => {
                let mut order: Vec<u16> = (0..=u16::MAX).take(inputs.len()).collect();
                let mut generator = Pcg32::new(SEED, 0);
                let start = Clock::now();
                for _ in 0..epochs {
                    shuffle_with(&mut order, || generator.next_u32());
                    for batch in data.batches(&order, B).expect("the order is of this data") {
                        value = trainer.step(&batch, loss, &mut optimizer).expect(SOUND);
                    }
                }
                start.elapsed()
            }
            Plan::Drawn(steps) => {
                let mut indices = RandomIndices::<B>::NEW;
                let mut generator = Pcg32::new(SEED, 0);
                let start = Clock::now();
                for _ in 0..steps {
                    indices.draw(inputs.len(), &mut generator).expect("an index fits");
                    let batch = data.batch(&indices).expect("drawn for this data");
                    value = trainer.step(&batch, loss, &mut optimizer).expect(SOUND);
                }
                start.elapsed()
            }
            Plan::Predictions(count) => {
                let start = Clock::now();
                for input in inputs.iter().cycle().take(count) {
                    value = black_box(predict(&trainer.network, black_box(input)));
                }
                let time = start.elapsed();
                return Outcome { time, value };
            }
        };
        // A step that does not learn would be no step.
        let trained = trainer.mean_loss(&data, loss).expect(SOUND);
        assert!(trained < untrained, "{}: loss {untrained} before, {trained} after", work.name);
        Outcome { time, value }
    }
}

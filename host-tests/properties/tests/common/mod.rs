//! What several test files need: the same network in the library's types and in the textbook's.
#![allow(dead_code)] // each test binary uses a part of it

pub(crate) mod training;

use std::fmt::Debug;
use std::task::Poll;

use baregrad::activation::Activation;
use baregrad::data::Samples;
use baregrad::layer::Tensors;
use baregrad::loss::Loss;
use baregrad::optimizer::Optimizer;
use baregrad::shape::SampleOf;
use baregrad::state::State;
use baregrad::train::Gradients;
use baregrad::{
    Adam, BinaryCrossEntropy, CrossEntropy, Features, Identity, MeanSquaredError, Network, Sgd, StepError,
    SumOfSquares, Trainer,
};
use host_tests::textbook as book;
use rand_core::Rng;
use rand_pcg::Pcg32;

/// Random numbers from a fixed seed.
pub(crate) struct Random(Pcg32);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Pcg32::new(seed, 0))
    }

    pub(crate) fn word(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A whole number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.word() as usize % end
    }

    pub(crate) fn uniform(&mut self, low: f32, high: f32) -> f32 {
        book::uniform(low, high, self.word())
    }

    /// Between -1 and 1; one in eight is a zero of either sign, where a sum that starts in another way shows.
    pub(crate) fn input(&mut self) -> f32 {
        match self.below(16) {
            0 => 0.0,
            1 => -0.0,
            _ => self.uniform(-1.0, 1.0),
        }
    }
}

/// Floats of the workspaces here for each sample: enough for all networks, of which each uses only what it has planned.
pub(crate) const FLOATS: usize = 512;

/// The bytes of a state, as many as it says.
#[track_caller]
pub(crate) fn saved<S: State>(state: &S) -> Vec<u8> {
    let mut bytes = Vec::new();
    state.save(&mut |piece| bytes.extend(piece));
    assert_eq!(bytes.len(), S::BYTES);
    bytes
}

/// Loads bytes into a state, all of them.
#[track_caller]
pub(crate) fn load<S: State>(state: &mut S, mut bytes: &[u8]) {
    state.load(&mut |piece| {
        let (now, later) = bytes.split_at(piece.len());
        piece.copy_from_slice(now);
        bytes = later;
    });
    assert!(bytes.is_empty(), "{} bytes are left", bytes.len());
}

/// All parameters in storage order.
pub(crate) fn parameters<T: Tensors<f32>>(network: &T) -> Vec<f32> {
    let mut values = Vec::new();
    network.for_each_tensor(&mut |piece| values.extend_from_slice(piece));
    values
}

/// Overwrites all parameters, in storage order.
pub(crate) fn set_parameters<N: Network>(network: &mut N, values: &[f32]) {
    let mut rest = values;
    network.for_each_tensor_mut(&mut |piece| {
        let (values, after) = rest.split_at(piece.len());
        piece.copy_from_slice(values);
        rest = after;
    });
    assert!(rest.is_empty(), "a value for each parameter");
}

/// A network with parameters (biases too) uniform in `±1.5/√inputs`, so that activations stay out of saturation.
pub(crate) fn random_network<N: Network>(random: &mut Random) -> N {
    let mut values = Vec::new();
    N::describe_layers(&mut |layer| {
        let limit = 1.5 / (layer.inputs as f32).sqrt();
        values.extend((0..layer.parameters).map(|_| random.uniform(-limit, limit)));
    });
    let mut network = N::ZERO;
    set_parameters(&mut network, &values);
    network
}

/// The same network for the plain loops.
pub(crate) fn book_network<N: Network>(network: &N) -> book::Network {
    let mut layers = Vec::new();
    N::describe_layers(&mut |layer| {
        if layer.kind == "Dense" {
            layers.push(book::Layer::zero(layer.inputs, layer.outputs, book::activation(layer.activation)));
        } else {
            // A function of each value, behind a layer without an activation.
            let below: &mut book::Layer = layers.last_mut().expect("a dense layer in front");
            assert_eq!(below.activation, book::activation("Identity"));
            below.activation = book::activation(layer.kind);
        }
    });
    let mut plain = book::Network { layers };
    plain.set_parameters(&parameters(network));
    plain
}

/// The gradient of every parameter, in storage order.
pub(crate) fn gradient<N: Network>(gradients: &Gradients<N>) -> Vec<f32> {
    let mut values = Vec::new();
    gradients.visit(&mut |piece| values.extend_from_slice(piece));
    values
}

/// One step, slice by slice to its end or its error. Fails unless the slices are as many as were announced.
pub(crate) fn poll_to_the_end<N, O, L, D, const B: usize, const FLOATS: usize>(
    trainer: &mut Trainer<N, O, B, FLOATS>,
    samples: &D,
    loss: L,
    optimizer: &mut O,
) -> Result<f32, StepError>
where
    N: Network,
    O: Optimizer,
    D: Samples<Input = SampleOf<N::In>>,
    L: Loss<N::Out, N::Activation, D::Target>,
{
    trainer.workspace.memory = [[f32::NAN; FLOATS]; B];
    let mut step = trainer.step_in_slices(samples, loss, optimizer);
    loop {
        let remaining = step.remaining();
        let polled = step.poll();
        assert!(polled.is_err() || step.remaining() + 1 == remaining, "one slice a poll");
        if let Poll::Ready(loss) = polled? {
            assert_eq!(step.remaining(), 0);
            return Ok(loss);
        }
        assert_ne!(step.remaining(), 0, "ready only when none is left");
    }
}

/// Bit patterns: `==` on floats would take -0 for 0 and no NaN for itself.
pub(crate) fn bits<'a>(values: impl IntoIterator<Item = &'a f32>) -> Vec<u32> {
    values.into_iter().map(|value| value.to_bits()).collect()
}

/// Fails with the first difference.
pub(crate) fn assert_same_bits(left: &[f32], right: &[f32], what: &str) {
    assert_eq!(left.len(), right.len(), "{what}: number of values");
    for (k, (a, b)) in left.iter().zip(right).enumerate() {
        assert!(
            a.to_bits() == b.to_bits(),
            "{what}: value {k} is {a:e} ({:#x}), not {b:e} ({:#x})",
            a.to_bits(),
            b.to_bits()
        );
    }
}

/// An optimizer of the library with the textbook's.
pub(crate) trait Rule: Optimizer + Copy + Debug {
    /// Before its first step.
    const START: Self;

    /// The textbook's, before its first step.
    fn book(parameters: usize) -> book::Optimizer;

    /// Everything that it remembers: its own fields, then the slots.
    fn state<N: Network>(&self, slots: &N::Slots<Self::Slot>) -> Vec<f32>;
}

impl Rule for Sgd {
    const START: Self = Self::new(0.003);

    fn book(_parameters: usize) -> book::Optimizer {
        book::Optimizer::Sgd { learning_rate: 0.003 }
    }

    fn state<N: Network>(&self, _slots: &N::Slots<Self::Slot>) -> Vec<f32> {
        vec![self.learning_rate]
    }
}

impl Rule for Adam {
    const START: Self = Self::new(0.01);

    fn book(parameters: usize) -> book::Optimizer {
        book::Optimizer::adam(0.01, parameters)
    }

    fn state<N: Network>(&self, slots: &N::Slots<Self::Slot>) -> Vec<f32> {
        let mut values = vec![self.learning_rate, self.beta1_power, self.beta2_power];
        slots.for_each_tensor(&mut |piece| {
            values.extend(piece.iter().flat_map(|slot| [slot.first_moment, slot.second_moment]));
        });
        values
    }
}

/// Everything that the textbook's optimizer remembers, arranged as [`Rule::state`].
pub(crate) fn book_state(optimizer: &book::Optimizer) -> Vec<f32> {
    match optimizer {
        book::Optimizer::Sgd { learning_rate } => vec![*learning_rate],
        book::Optimizer::Adam { learning_rate, powers, moments } => {
            [*learning_rate, powers[0], powers[1]].into_iter().chain(moments.iter().flatten().copied()).collect()
        }
        other => panic!("not one of the rules here: {other:?}"),
    }
}

/// A loss of the library with the textbook's, behind a network with output activation `A`.
pub(crate) trait TestLoss<A: Activation, const OUT: usize>:
    Loss<Features<OUT>, A, <Self as TestLoss<A, OUT>>::Target> + Copy
{
    type Target: Copy;
    const LOSS: Self;
    /// Its name, as [`book::loss`] takes it.
    const BOOK: &'static str;

    fn target(random: &mut Random) -> Self::Target;
    fn book(target: &Self::Target) -> book::Target;
}

macro_rules! test_loss {
    ($([$($any:ident: $bound:ident)?] $loss:ident behind $activation:ident, targets from $low:literal;)*) => { $(
        impl<$($any: $bound,)? const OUT: usize> TestLoss<$activation, OUT> for $loss {
            type Target = [f32; OUT];
            const LOSS: Self = $loss;
            const BOOK: &'static str = stringify!($loss);

            fn target(random: &mut Random) -> [f32; OUT] {
                std::array::from_fn(|_| random.uniform($low, 1.0))
            }

            fn book(target: &[f32; OUT]) -> book::Target {
                book::Target::Values(target.to_vec())
            }
        }
    )* };
}

test_loss! {
    [A: Activation] MeanSquaredError behind A, targets from -1.0;
    [A: Activation] SumOfSquares behind A, targets from -1.0;
    [] BinaryCrossEntropy behind Identity, targets from 0.0;
}

impl<const OUT: usize> TestLoss<Identity, OUT> for CrossEntropy {
    type Target = u8;
    const LOSS: Self = Self;
    const BOOK: &'static str = "CrossEntropy";

    fn target(random: &mut Random) -> u8 {
        random.below(OUT) as u8
    }

    fn book(target: &u8) -> book::Target {
        book::Target::Label(usize::from(*target))
    }
}

/// Samples with targets, for the library and for the textbook.
pub(crate) struct Data<const IN: usize, T> {
    pub(crate) inputs: Vec<[f32; IN]>,
    pub(crate) targets: Vec<T>,
    pub(crate) book_inputs: Vec<Vec<f32>>,
    pub(crate) book_targets: Vec<book::Target>,
}

impl<const IN: usize, T> Data<IN, T> {
    pub(crate) fn random<A: Activation, L: TestLoss<A, OUT, Target = T>, const OUT: usize>(
        random: &mut Random,
        samples: usize,
    ) -> Self {
        let inputs: Vec<[f32; IN]> = (0..samples).map(|_| std::array::from_fn(|_| random.input())).collect();
        let targets: Vec<T> = (0..samples).map(|_| L::target(random)).collect();
        Self {
            book_inputs: inputs.iter().map(|row| row.to_vec()).collect(),
            book_targets: targets.iter().map(L::book).collect(),
            inputs,
            targets,
        }
    }

    pub(crate) fn dataset(&self) -> baregrad::Dataset<'_, [f32; IN], T> {
        baregrad::Dataset::new(&self.inputs, &self.targets).expect("as many targets as inputs")
    }
}

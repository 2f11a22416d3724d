//! The memory of the project's networks, by what is done with them: the table of `docs/memory.md`, and its picture.

use std::fmt::Write as _;
use std::marker::PhantomData;

use baregrad::layer::{Body, Layer, Parameters};
use baregrad::optimizer::{Adam, Momentum, Optimizer};
use baregrad::shape::{ArrayShape, Shape};
use baregrad::{
    Conv1d, Conv2d, Dense, Flatten, Frozen, GlobalAveragePool, MaxPool1d, MaxPool2d, Model, Network, PooledConv2d,
    Relu, Residual, Same, Sigmoid, Skip, Strided, Valid, Zero, floats, predict_floats,
};
use catalogue::measured::{Mnist, MnistPooled, Recording};
use catalogue::mlperf_tiny::{
    AutoEncoder, Down, Encoder, KeywordSpotting, MobileNet, Moments, ResNet8, Separable, WakeWord,
};
use firmware_example::keyword_spotting::LeanKeywordSpotting;
use firmware_example::voice::{COEFFICIENTS, ConvolutionNet};
use firmware_example::{digits, iris};

/// What is done with a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A prediction.
    Predict,
    /// A training of all layers.
    Train,
    /// A training of the head and of the last block in front of it.
    TrainTheLastBlock,
    /// A training of the last layer.
    TrainTheHead,
}

impl Use {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Predict => "predict",
            Self::Train => "train",
            Self::TrainTheLastBlock => "train the last block",
            Self::TrainTheHead => "train the head",
        }
    }
}

/// Bytes that a use of a network takes, one sample at a time.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The network.
    pub network: &'static str,
    /// What is done with it.
    pub what: Use,
    /// Weights that learn.
    pub learning: usize,
    /// Weights that don't, in RAM or in flash.
    pub fixed: usize,
    /// Outputs of layers, and what layers keep for their backward pass.
    pub activations: usize,
    /// Further memory of the passes.
    pub scratch: usize,
    /// Slots of `Momentum`, and of `Adam`; plain gradient descent has none.
    pub slots: [usize; 2],
    /// The stack of a call at opt-level 3, where a program of `benches/device` measures it.
    pub stack: Option<usize>,
}

impl Row {
    /// RAM without the stack, if weights that don't learn lie in flash.
    pub const fn least(&self) -> usize {
        self.learning + self.activations + self.scratch
    }

    /// RAM without the stack, if all weights lie in it.
    pub const fn most(&self) -> usize {
        self.least() + self.fixed
    }
}

/// Layers in flash; only their sizes are asked for here.
struct InFlash<L>(PhantomData<L>);

impl<L> Zero for InFlash<L> {
    const ZERO: Self = Self(PhantomData);
}

impl<L: Parameters> Body for InFlash<L> {
    type Layers = L;

    fn layers(&self) -> &L {
        unreachable!("nobody computes with these layers")
    }
}

/// All rows, a network after the other.
pub fn rows() -> Vec<Row> {
    let mut rows = Rows(Vec::new());
    type Inner<const IN: usize, const OUT: usize> = Dense<IN, OUT, Sigmoid>;
    rows.two::<(Inner<2, 3>, Inner<3, 1>), (Inner<2, 3>,), Inner<3, 1>>("XOR, 2-3-1", "2_3_1");
    rows.two::<iris::Net, (Dense<4, 16, Relu>,), Dense<16, 3>>("iris, 4-16-3", "4_16_3");
    rows.two::<digits::Net, (Dense<64, 32, Relu>,), Dense<32, 10>>("digits, 64-32-10", "64_32_10");

    type Inside<const IN: usize, const OUT: usize> = Conv2d<IN, OUT, 3, 3, Valid, Relu>;
    type Front = (Inside<1, 8>, MaxPool2d<2>);
    type End = (MaxPool2d<2>, Flatten<400>);
    rows.four::<Mnist, Front, Inside<8, 16>, End, Dense<400, 10>>("MNIST, 28×28", "mnist");
    type Pooled<const IN: usize, const OUT: usize> = PooledConv2d<IN, OUT, 3, 3>;
    rows.four::<MnistPooled, (Pooled<1, 8>,), Pooled<8, 16>, Flatten<400>, Dense<400, 10>>(
        "MNIST, `PooledConv2d`",
        "mnist_pooled",
    );
    type Halving<const IN: usize> = Conv1d<IN, 16, 5, Strided<2>, Relu>;
    rows.four::<Recording, (Halving<3>,), Halving<16>, GlobalAveragePool, Dense<16, 6>>("sequence, 128×3", "sequence");
    type Heard<const IN: usize, const OUT: usize> = Conv1d<IN, OUT, 3, Same, Relu>;
    type Ear = (Heard<COEFFICIENTS, 24>, MaxPool1d<2>);
    rows.four::<ConvolutionNet, Ear, Heard<24, 32>, GlobalAveragePool, Dense<32, 10>>("voice, convolutions", "voice");

    type Same64 = Separable<64, 64>;
    type Keywords = (Conv2d<1, 64, 10, 4, Strided<2>, Relu>, Same64, Same64, Same64);
    rows.four::<KeywordSpotting, Keywords, Same64, GlobalAveragePool, Dense<64, 12>>("DS-CNN", "ds_cnn");
    rows.parts::<LeanKeywordSpotting, LeanKeywordSpotting>("DS-CNN, `Recompute`", "ds_cnn_recompute");
    type Streaming = (Moments<40, 128, 3>, Moments<128, 128, 5>, Moments<128, 128, 10>);
    rows.four::<WakeWord, Streaming, Moments<128, 32, 15>, Flatten<32>, Dense<32, 3>>(
        "streaming wake word",
        "wake_word",
    );
    type Plain = (Conv2d<16, 16, 3, 3, Same, Relu>, Conv2d<16, 16, 3, 3>);
    type Large = (Conv2d<3, 16, 3, 3, Same, Relu>, Residual<Plain, Skip, Relu>, Down<16, 32>);
    rows.four::<ResNet8, Large, Down<32, 64>, GlobalAveragePool, Dense<64, 10>>("ResNet-8", "resnet_8");
    type Same128 = Separable<128, 128>;
    type Mobile = (
        Conv2d<3, 8, 3, 3, Strided<2>, Relu>,
        Separable<8, 16>,
        (Separable<16, 32, Strided<2>>, Separable<32, 32>),
        (Separable<32, 64, Strided<2>>, Same64),
        (Separable<64, 128, Strided<2>>, Same128, Same128, Same128, Same128, Same128),
        Separable<128, 256, Strided<2>>,
    );
    rows.four::<MobileNet, Mobile, Separable<256, 256>, GlobalAveragePool, Dense<256, 2>>("MobileNet", "mobilenet");
    // The last block is the decoder; where `four` cuts it makes no difference.
    type Hidden = Dense<128, 128, Relu>;
    type Decoder = (Dense<8, 128, Relu>, Hidden, Hidden);
    rows.four::<AutoEncoder, Encoder, Decoder, Hidden, Dense<128, 640>>("autoencoder", "autoencoder");
    rows.0
}

/// Rows that are there already.
struct Rows(Vec<Row>);

impl Rows {
    /// A network of a body and a head.
    fn two<N, B, H>(&mut self, network: &'static str, program: &str)
    where
        N: Network + Layer<N::In>,
        B: Layer<N::In>,
        H: Layer<B::Out, Out: ArrayShape>,
    {
        self.parts::<N, (B, H)>(network, program);
        self.push::<Model<N::In, (Frozen<InFlash<B>>, H)>, B>(network, Use::TrainTheHead);
    }

    /// A network of a front, a last block with what is behind it, and a head.
    fn four<N, F, B, E, H>(&mut self, network: &'static str, program: &str)
    where
        N: Network + Layer<N::In>,
        F: Layer<N::In>,
        B: Layer<F::Out>,
        E: Layer<B::Out>,
        H: Layer<E::Out, Out: ArrayShape>,
    {
        self.parts::<N, (F, B, E, H)>(network, program);
        self.push::<Model<N::In, (Frozen<InFlash<F>>, B, E, H)>, F>(network, Use::TrainTheLastBlock);
        self.push::<Model<N::In, (Frozen<InFlash<(F, B, E)>>, H)>, (F, B, E)>(network, Use::TrainTheHead);
    }

    /// A prediction and a training of `N`, whose layers are those of `L`.
    fn parts<N: Network + Layer<N::In>, L: Layer<N::In>>(&mut self, network: &'static str, program: &str) {
        assert_eq!(<L as Parameters>::FINGERPRINT, <N as Parameters>::FINGERPRINT, "{network} has other layers");
        assert_eq!(L::KEPT, N::KEPT, "{network} has other layers");
        self.0.push(Row {
            network,
            what: Use::Predict,
            learning: 0,
            fixed: size_of::<N>(),
            activations: 0,
            scratch: 4 * const { predict_floats::<N>() },
            slots: [0; 2],
            stack: stack(&format!("predict_{program}")),
        });
        self.push::<N, ()>(network, Use::Train);
        if let Some(row) = self.0.last_mut() {
            row.stack = stack(&format!("sgd_{program}"));
        }
    }

    /// A training of `N`, beside which layers `Fixed` lie in flash, or in RAM in just as much memory.
    fn push<N: Network + Layer<N::In>, Fixed>(&mut self, network: &'static str, what: Use) {
        let row = Row {
            network,
            what,
            learning: size_of::<N>(),
            fixed: size_of::<Fixed>(),
            activations: 4 * (<<N as Network>::Out as Shape>::SIZE + N::KEPT),
            scratch: 4 * N::SCRATCH,
            slots: [
                size_of::<N::Slots<<Momentum as Optimizer>::Slot>>(),
                size_of::<N::Slots<<Adam as Optimizer>::Slot>>(),
            ],
            stack: None,
        };
        assert_eq!(row.activations + row.scratch, 4 * const { floats::<N>() });
        self.0.push(row);
    }
}

/// The stack of a device program at opt-level 3, as committed.
fn stack(program: &str) -> Option<usize> {
    let counts = include_str!("../../benches/device.expected");
    counts.lines().find_map(|line| {
        let (name, counts) = line.split_once('|')?;
        (name.trim() == format!("{program} bytes of stack")).then_some(())?;
        counts.split('|').next()?.trim().parse().ok()
    })
}

/// The rows as a table.
pub fn table() -> String {
    let mut text =
        "| network | | weights that learn | other weights | activations | scratch | RAM | RAM, other weights in flash | \
        stack | `Momentum` | `Adam` |\n| --- | --- |"
            .to_owned();
    text += &" ---: |".repeat(9);
    for row in rows() {
        let Row { network, what, learning, fixed, activations, scratch, slots: [momentum, adam], stack } = row;
        let name = if what == Use::Predict { network } else { "" };
        let _ = write!(text, "\n| {name} | {} |", what.name());
        for bytes in [learning, fixed, activations, scratch, row.most(), row.least()] {
            let _ = write!(text, " {} |", grouped(bytes));
        }
        let stack = stack.map_or("–".to_owned(), grouped);
        let _ = write!(text, " {stack} | {} | {} |", grouped(momentum), grouped(adam));
    }
    text + "\n"
}

/// A page with the table between its marks.
///
/// # Panics
/// If it has no marks.
pub fn put(page: &str) -> String {
    const MARKS: [&str; 2] = ["<!-- table -->\n", "<!-- end of table -->\n"];
    let (before, rest) = page.split_once(MARKS[0]).expect("a place for the table");
    let (_, after) = rest.split_once(MARKS[1]).expect("its end");
    [before, MARKS[0], &table(), MARKS[1], after].concat()
}

/// A number with commas between its thousands.
fn grouped(number: usize) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", grouped(number / 1000), number % 1000),
    }
}

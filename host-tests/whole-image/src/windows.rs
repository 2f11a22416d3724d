//! Layers that go over windows of an image or of a sequence: every kind of window, with and without scratch, in every kind of pass.

use core::hint::black_box;

use baregrad::layer::{InputGradient, Layer, NonFinite, Pool, Stacked, Whole};
use baregrad::network::Network;
use baregrad::optimizer::Optimizer;
use baregrad::shape::{Features, Image, SampleOf, Sequence};
use baregrad::{
    AveragePool1d, AveragePool2d, BatchNorm, Centered, Conv1d, Conv2d, CrossEntropy, Dataset, Dense, DepthwiseConv1d,
    DepthwiseConv2d, Dropout, Flatten, GlobalAveragePool, GlobalMaxPool, Identity, MaxPool1d, MaxPool2d, Model,
    PooledConv2d, Relu, Residual, Same, Sgd, Skip, Strided, Tanh, Trainer, Valid, Zero, floats, predict_floats,
};

type Convolved = Model<
    Image<7, 5, 3>,
    (
        (Conv2d<3, 5, 3, 2, Same, Relu>, DepthwiseConv2d<5, 3, 3, Strided<2>, Tanh>),
        (Conv2d<5, 20, 2, 2, Valid>, BatchNorm<20, Tanh>, Dropout<25>),
        DepthwiseConv2d<20, 2, 2>,
        GlobalAveragePool,
        Dense<20, 2>,
    ),
>;
type Along = Model<
    Sequence<9, 2>,
    (
        MaxPool1d<3, Strided<2>>,
        DepthwiseConv1d<2, 3>,
        Conv1d<2, 4, 3, Centered<1>, Relu>,
        AveragePool1d<2>,
        GlobalMaxPool,
        Dense<4, 2>,
    ),
>;
type Pooled =
    Model<Image<7, 5, 3>, (PooledConv2d<3, 5, 2, 2>, PooledConv2d<5, 3, 2, 1, 2, 1>, Flatten<6>, Dense<6, 2>)>;
type Middle = (MaxPool2d<2>, (AveragePool2d<3, 3, Centered<2>>, MaxPool2d<2, 2, Same>), Flatten<18>);
type OnImages = Model<Image<7, 5, 3>, (Dense<3, 9, Relu>, Middle, Dense<18, 2>)>;
/// Something of each kind, for Miri.
type Smallest = Model<
    Image<3, 3, 1>,
    (
        Conv2d<1, 2, 2, 2, Same, Relu>,
        Residual<(DepthwiseConv2d<2, 2, 2>, BatchNorm<2>), Skip, Tanh>,
        MaxPool2d<2, 2, Strided<2>>,
        PooledConv2d<2, 2, 1, 1, 1>,
        Dropout<25>,
        Flatten<8>,
        Dense<8, 2>,
    ),
>;

/// Calls everything once.
#[inline(never)]
pub(crate) fn windows() {
    added::<MaxPool2d<3, 2, Strided<2, 1>>>(Pool::new());
    added::<AveragePool2d<2, 3, Valid<2>>>(Pool::new());
    added::<MaxPool2d<2>>(Zero::ZERO);
    added::<Flatten<105>>(Flatten);
    added::<Conv2d<3, 3, 3, 3>>(Zero::ZERO);
    added::<PooledConv2d<3, 2, 2, 2>>(PooledConv2d::new([[[[0.5; 2]; 3]; 2]; 2], [0.5; 2]));
    added::<BatchNorm<3, Tanh>>(BatchNorm::new([0.5; 3], [0.5; 3], [0.5; 3], [0.5; 3]));
    added::<Dropout<25>>(Dropout::with_seed(black_box(7)));
    folded();
    added::<DepthwiseConv2d<3, 2, 3>>(DepthwiseConv2d::new([[[0.5; 3]; 3]; 2], [0.5; 3]));
    // Miri takes minutes for what follows.
    if cfg!(miri) {
        let images = black_box([[[[0.5; 1]; 3]; 3]; 2]);
        convolved::<Smallest, Sgd, { floats::<Smallest>() }>(&images, &[1; 2], Sgd::new(0.1));
        return;
    }
    let images = black_box([[[[0.5; 3]; 5]; 7]; 3]);
    let mut trainer = black_box(Trainer::<OnImages, Sgd, 3, { floats::<OnImages>() }>::NEW);
    let (data, mut rule) = (Dataset::from_arrays(&images, black_box(&[1_u8; 3])), black_box(Sgd::new(0.1)));
    black_box(trainer.step(&data, CrossEntropy, &mut rule).is_ok());
    black_box(trainer.step_frozen(black_box(2), &data, CrossEntropy, &mut rule).is_ok());
    let mut step = trainer.step_in_slices(&data, CrossEntropy, &mut rule);
    for _ in 0..step.remaining() {
        black_box(step.poll().is_ok());
    }
    for image in &images {
        let mut memory = black_box([0.5; predict_floats::<OnImages>()]);
        black_box(trainer.network.predict_in(image, &mut memory).is_ok());
    }
    convolved::<Convolved, Sgd, { floats::<Convolved>() }>(&images, &[1; 3], Sgd::new(0.1));
    convolved::<Pooled, Sgd, { floats::<Pooled>() }>(&images, &[1; 3], Sgd::new(0.1));
    let sequences = black_box([[[0.5; 2]; 9]; 2]);
    convolved::<Along, Sgd, { floats::<Along>() }>(&sequences, &[1; 2], Sgd::new(0.1));
}

/// Normalizations in the layers in front of them.
fn folded() {
    let norm = black_box(BatchNorm::<9, Relu>::new([0.5; 9], [0.5; 9], [0.5; 9], [0.5; 9]));
    let (mut dense, mut conv) = (Dense::<3, 9, Relu>::ZERO, Conv2d::<3, 9, 2, 2, Valid, Relu>::ZERO);
    let mut depthwise = DepthwiseConv2d::<9, 2, 2, Same, Relu>::ZERO;
    norm.fold_into(black_box(&Dense::ZERO), &mut dense);
    norm.fold_into(black_box(&Conv2d::ZERO), &mut conv);
    norm.fold_into(black_box(&DepthwiseConv2d::ZERO), &mut depthwise);
    black_box((dense, conv, depthwise));
}

/// A network with a layer of each kind that goes over windows, for the small images: with channels for every tile.
#[cfg(feature = "windows")]
#[inline(never)]
pub(crate) fn few() {
    type Few = Model<
        Image<7, 5, 3>,
        (
            Conv2d<3, 5, 3, 2, Same, Relu>,
            MaxPool2d<2, 2, Same>,
            DepthwiseConv2d<5, 3, 3, Strided<2>>,
            Conv2d<5, 20, 3, 3>,
            PooledConv2d<20, 20, 2, 2>,
            DepthwiseConv2d<20, 2, 2>,
            GlobalAveragePool,
            Dense<20, 2>,
        ),
    >;
    let images = black_box([[[[0.5; 3]; 5]; 7]; 2]);
    convolved::<Few, Sgd, { floats::<Few>() }>(&images, &[1; 2], Sgd::new(0.1));
}

/// A network with convolutions: a step at once, in slices and of the upper layers, and a prediction.
fn convolved<N, O, const FLOATS: usize>(inputs: &[SampleOf<N::In>], labels: &[u8], rule: O)
where
    N: Network<Out = Features<2>, Activation = Identity>,
    O: Optimizer,
{
    let mut trainer = black_box(Trainer::<N, O, 3, FLOATS>::NEW);
    let Ok(data) = Dataset::new(inputs, black_box(labels)) else { return };
    let mut rule = black_box(rule);
    black_box(trainer.step(&data, CrossEntropy, &mut rule).is_ok());
    black_box(trainer.step_frozen(black_box(1), &data, CrossEntropy, &mut rule).is_ok());
    let mut step = trainer.step_in_slices(&data, CrossEntropy, &mut rule);
    for _ in 0..step.remaining() {
        black_box(step.poll().is_ok());
    }
    black_box(inputs.first().map(|input| trainer.network.predict(input)));
}

/// The gradient of a layer whose input another layer reads too.
fn added<L: Layer<Image<7, 5, 3>>>(layer: L) {
    let mut layer = black_box(layer);
    let (x, y, mut gradient) = (black_box([0.5; 105]), &mut black_box([0.5; 105])[..], black_box([0.5; 105]));
    let (pass, inputs) = (Whole::<1>::new(black_box(1)), Stacked::<Image<7, 5, 3>>::new(&x));
    let memory = &mut black_box([0.5; 105])[..];
    let result: Result<(), NonFinite> = layer.forward(pass, &inputs, y, memory);
    let (step, mut slots) = (rule_step(), <L::Slots<()> as Zero>::ZERO);
    let dx = InputGradient::Add(&mut gradient);
    layer.backward::<_, Sgd, _>(pass, &inputs, y, dx, memory, &mut slots, &step);
    black_box((result.is_ok(), gradient));
}

/// What all parameters share in a step.
fn rule_step() -> <Sgd as Optimizer>::Step {
    black_box(Sgd::new(0.1)).begin_step()
}

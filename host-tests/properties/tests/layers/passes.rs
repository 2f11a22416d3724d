//! Passes of a layer without parameters, in memory of just the size that it asks for, full of NaN.

use baregrad::activation::Activation;
use baregrad::layer::{InputGradient, Stacked, Whole};
use baregrad::optimizer::Optimizer;
use baregrad::shape::Shape;
use baregrad::{Layer, Parameters, Relu, Sgd, Tanh, Zero};

/// The most samples of a pass here.
pub(crate) const SAMPLES: usize = 3;

/// The gradient of the input from an input, `delta`, and what it is added to.
type Backward = fn(&[f32], &[f32], Option<&[f32]>) -> Vec<f32>;

/// All passes of a layer, so that what compares them is compiled once.
pub(crate) struct Passes {
    /// Values of a sample of the input, and of one of the output.
    pub(crate) sizes: [usize; 2],
    /// Channels of the input, and of the output.
    pub(crate) channels: [usize; 2],
    pub(crate) forward: fn(&[f32]) -> Vec<f32>,
    pub(crate) predict: fn(&[f32]) -> Vec<f32>,
    pub(crate) backward: Backward,
    pub(crate) run: fn(&[f32], &[f32], InputGradient<'_>),
    pub(crate) behind_tanh: fn(&[f32], &[f32]) -> Vec<f32>,
    pub(crate) behind_relu: fn(&[f32], &[f32]) -> Vec<f32>,
}

impl Passes {
    /// The passes of a layer `L` on samples of shape `In`.
    pub(crate) fn of<In: Shape, L: Layer<In>>() -> Self {
        Self {
            sizes: [In::SIZE, L::Out::SIZE],
            channels: [In::CHANNELS, L::Out::CHANNELS],
            forward: forward::<In, L>,
            predict: predict::<In, L>,
            backward: backward::<In, L>,
            run: run::<In, L>,
            behind_tanh: inner::<In, L, Tanh>,
            behind_relu: inner::<In, L, Relu>,
        }
    }
}

/// The output for samples that lie one after the other.
pub(crate) fn forward<In: Shape, L: Layer<In>>(x: &[f32]) -> Vec<f32> {
    let samples = x.len() / In::SIZE;
    let mut y = vec![f32::NAN; samples * L::Out::SIZE];
    let mut memory = vec![f32::NAN; samples * (L::KEPT + L::SCRATCH)];
    L::ZERO.forward(Whole::<SAMPLES>::new(samples), &Stacked::<In>::new(x), &mut y, &mut memory).expect("finite");
    y
}

/// The output for one sample, of a prediction.
pub(crate) fn predict<In: Shape, L: Layer<In>>(x: &[f32]) -> Vec<f32> {
    let mut y = vec![f32::NAN; L::Out::SIZE];
    L::ZERO.predict_into(x, &mut y, &mut vec![f32::NAN; L::PREDICT]).expect("finite");
    y
}

/// The gradient of the input as `backward` gives it: written over NaN, or added to `there`.
pub(crate) fn backward<In: Shape, L: Layer<In>>(x: &[f32], delta: &[f32], there: Option<&[f32]>) -> Vec<f32> {
    let mut gradient = there.map_or_else(|| vec![f32::NAN; x.len()], <[f32]>::to_vec);
    let dx = if there.is_some() { InputGradient::Add(&mut gradient) } else { InputGradient::Write(&mut gradient) };
    run::<In, L>(x, delta, dx);
    gradient
}

/// A backward pass without a gradient of the input.
pub(crate) fn run<In: Shape, L: Layer<In>>(x: &[f32], delta: &[f32], dx: InputGradient<'_>) {
    let samples = x.len() / In::SIZE;
    let (mut slots, step) = (<L as Parameters>::Slots::<()>::ZERO, Sgd::new(0.1).begin_step());
    let mut memory = vec![f32::NAN; samples * (L::KEPT + L::SCRATCH)];
    let (pass, x) = (Whole::<SAMPLES>::new(samples), Stacked::<In>::new(x));
    let mut layer = L::ZERO;
    layer.backward::<_, Sgd, _>(pass, &x, delta, dx, &mut memory, &mut slots, &step);
}

/// What `backward_inner` leaves in place of the input, behind a layer with the activation `Below`.
pub(crate) fn inner<In: Shape, L: Layer<In>, Below: Activation>(x: &[f32], delta: &[f32]) -> Vec<f32> {
    let samples = x.len() / In::SIZE;
    let (mut slots, step) = (<L as Parameters>::Slots::<()>::ZERO, Sgd::new(0.1).begin_step());
    let mut memory = vec![f32::NAN; samples * (L::KEPT + L::SCRATCH_INNER)];
    let mut left = x.to_vec();
    let pass = Whole::<SAMPLES>::new(samples);
    let mut layer = L::ZERO;
    layer.backward_inner::<_, Sgd, Below>(pass, &mut left, delta, &mut memory, &mut slots, &step);
    left
}

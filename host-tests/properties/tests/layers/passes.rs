//! Passes of a layer by itself, in memory of just the size that it asks for, full of NaN.
//!
//! The first functions are for layers without parameters.

use baregrad::activation::Activation;
use baregrad::layer::{End, InputGradient, Slots, Stacked, Tensors, Whole};
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

/// How the gradient of the input is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    Unwanted,
    Write,
    /// To the values of [`there`].
    Add,
    /// By `backward_inner`, behind a layer with the activation `tanh`.
    Inner,
}

pub(crate) const FORMS: [Form; 4] = [Form::Unwanted, Form::Write, Form::Add, Form::Inner];

/// What is in the place of a gradient to which another is added.
pub(crate) fn there(count: usize) -> Vec<f32> {
    (0..count).map(|index| (index % 7) as f32 * 0.25 - 0.75).collect()
}

/// What is left in the place of the input's gradient, if that is `gradient`.
pub(crate) fn left(form: Form, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    match form {
        Form::Unwanted => Vec::new(),
        Form::Write => gradient.to_vec(),
        Form::Add => there(x.len()).iter().zip(gradient).map(|(there, gradient)| there + gradient).collect(),
        Form::Inner => gradient.iter().zip(x).map(|(gradient, x)| gradient * (1.0 - x * x)).collect(),
    }
}

/// What a forward pass and a backward pass make.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) y: Vec<f32>,
    /// What is [`left`] in the place of the input's gradient.
    pub(crate) gradient: Vec<f32>,
    /// The new parameters, tensor by tensor.
    pub(crate) parameters: Vec<f32>,
    /// The new slots, likewise.
    pub(crate) slots: Vec<f32>,
    /// The new state, likewise.
    pub(crate) state: Vec<f32>,
}

/// A layer whose parameters are random numbers.
pub(crate) fn random<L: Parameters>(random: &mut crate::common::Random) -> L {
    let mut layer = L::ZERO;
    layer.for_each_tensor_mut(&mut |values| values.fill_with(|| random.uniform(-0.7, 0.7)));
    layer
}

/// A pass forward and back of a layer that learns. Of the memory only what the layer keeps stays: all else is NaN before either pass.
pub(crate) fn learn<In: Shape, L: Layer<In> + Copy, O: Optimizer>(
    form: Form,
    layer: &L,
    x: &[f32],
    delta: &[f32],
    optimizer: &mut O,
    numbers: impl Fn(&O::Slot) -> Vec<f32>,
) -> Made {
    let (mut layer, samples) = (*layer, x.len() / In::SIZE);
    let (pass, inputs) = (Whole::<SAMPLES>::new(samples), Stacked::<In>::new(x));
    let mut y = vec![f32::NAN; samples * L::Out::SIZE];
    let mut memory = vec![f32::NAN; SAMPLES * (L::KEPT + L::SCRATCH)];
    layer.forward(pass, &inputs, &mut y, &mut memory).expect("finite");
    let scratch = if form == Form::Inner { L::SCRATCH_INNER } else { L::SCRATCH };
    memory.truncate(SAMPLES * L::KEPT);
    memory.resize(SAMPLES * (L::KEPT + scratch), f32::NAN);
    let mut slots = <L as Parameters>::Slots::<O::Slot>::ZERO;
    slots.for_each_layer_mut(0, &mut |_, layer| optimizer.begin_layer(layer, true));
    // As a network does it, for a layer by itself.
    let step = optimizer.begin_step();
    let step = slots.layer().map_or(step, |layer| O::step_of_layer(&step, layer));
    let mut gradient = match form {
        Form::Unwanted => Vec::new(),
        Form::Write => vec![f32::NAN; x.len()],
        Form::Add => there(x.len()),
        Form::Inner => x.to_vec(),
    };
    let dx = match form {
        Form::Write => InputGradient::Write(&mut gradient),
        Form::Add => InputGradient::Add(&mut gradient),
        _ => InputGradient::Unwanted,
    };
    let delta_before = delta.to_vec();
    if form == Form::Inner {
        layer.backward_inner::<_, O, Tanh>(pass, &mut gradient, delta, &mut memory, &mut slots, &step);
    } else {
        layer.backward::<_, O, _>(pass, &inputs, delta, dx, &mut memory, &mut slots, &step);
    }
    assert_eq!(delta, delta_before);
    let (mut parameters, mut slots_as_numbers) = (Vec::new(), Vec::new());
    layer.for_each_tensor(&mut |values| parameters.extend_from_slice(values));
    slots.for_each_tensor(&mut |slots| slots_as_numbers.extend(slots.iter().flat_map(&numbers)));
    let state = (0..L::STATE_COUNT).flat_map(|index| layer.state_tensor(index).to_vec()).collect();
    Made { y, gradient, parameters, slots: slots_as_numbers, state }
}

/// A prediction from outside, and from either end of a memory of NaN.
pub(crate) fn predictions<In: Shape, L: Layer<In>>(layer: &L, x: &[f32]) -> Vec<Vec<f32>> {
    let mut into = vec![f32::NAN; L::Out::SIZE];
    layer.predict_into(x, &mut into, &mut vec![f32::NAN; L::PREDICT]).expect("finite");
    let mut all = vec![into];
    for from in [End::Outside, End::Front(In::SIZE), End::Back(In::SIZE)] {
        let mut memory = vec![f32::NAN; if let End::Outside = from { L::FROM_OUTSIDE } else { L::ALONG }];
        let (end, outside) = (memory.len(), if let End::Outside = from { x } else { &[] });
        match from {
            End::Outside => {}
            End::Front(size) => memory[..size].copy_from_slice(x),
            End::Back(size) => memory[end - size..].copy_from_slice(x),
        }
        let (to, result) = layer.predict_along(from, outside, &mut memory);
        result.expect("finite");
        all.push(match to {
            End::Outside => panic!("an output outside"),
            End::Front(size) => memory[..size].to_vec(),
            End::Back(size) => memory[end - size..].to_vec(),
        });
    }
    all
}

//! Convolutions by themselves: every window, bit for bit, forward, and in every form of the backward pass, with the update.
//!
//! Oracle: `host_tests::convolution`, in plain loops.
//!
//! A binary of its own, so that Arm's loops are held against it without all that the others compile.

#[path = "common/mod.rs"]
mod common;
#[path = "layers/windows.rs"]
mod windows;

use baregrad::layer::{Along, InputGradient, Stacked, Tensors, Whole, Window};
use baregrad::optimizer::Optimizer;
use baregrad::shape::{Grid, Line, Plane, Positions, Shape};
use baregrad::{
    Adam, Centered, Conv1d, Conv2d, DepthwiseConv1d, DepthwiseConv2d, Layer, Parameters, Relu, Same, Sequence, Sgd,
    Strided, Tanh, Valid, Zero,
};
use catalogue::optimizers::{RATE, adam};
use host_tests::convolution::Convolution;

use common::{Random, assert_same_bits};
use windows::{Known, LookAtWindow, each_window};

/// The most samples of a pass here.
const SAMPLES: usize = 3;

/// How the gradient of the input is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Unwanted,
    Write,
    Add,
    /// Through `Tanh`, in place of the input.
    Inner,
}

/// Numbers some of which are 0, of either sign.
fn values(random: &mut Random, count: usize) -> Vec<f32> {
    (0..count).map(|_| if random.below(8) == 0 { 0.0_f32.copysign(random.input()) } else { random.input() }).collect()
}

fn all<L: Tensors<f32>>(layer: &L) -> Vec<f32> {
    let mut all = Vec::new();
    layer.for_each_tensor(&mut |values| all.extend_from_slice(values));
    all
}

/// A layer with these parameters.
fn layer<L: Parameters>(parameters: &[f32]) -> L {
    let (mut layer, mut rest) = (L::ZERO, parameters);
    layer.for_each_tensor_mut(&mut |tensor| {
        let (values, others) = rest.split_at(tensor.len());
        tensor.copy_from_slice(values);
        rest = others;
    });
    layer
}

/// What a forward pass makes of some samples, and what a prediction makes of the first.
fn forward<In: Shape, L: Layer<In>>(parameters: &[f32], x: &[f32]) -> [Vec<f32>; 2] {
    let (layer, samples) = (layer::<L>(parameters), x.len() / In::SIZE);
    let (mut y, mut predicted) = (vec![f32::NAN; samples * L::Out::SIZE], vec![f32::NAN; L::Out::SIZE]);
    let mut memory = vec![f32::NAN; samples * (L::KEPT + L::SCRATCH)];
    layer.forward(Whole::<SAMPLES>::new(samples), &Stacked::<In>::new(x), &mut y, &mut memory).expect("finite");
    layer.predict_into(&x[..In::SIZE], &mut predicted, &mut vec![f32::NAN; L::PREDICT]).expect("finite");
    [y, predicted]
}

/// What a backward pass leaves: the gradient of the input, and the new parameters.
fn backward<In: Shape, L: Layer<In>, O: Optimizer>(
    parameters: &[f32],
    form: Form,
    x: &[f32],
    delta: &[f32],
    mut rule: O,
) -> [Vec<f32>; 2] {
    let samples = x.len() / In::SIZE;
    let (mut layer, mut slots) = (layer::<L>(parameters), L::Slots::<O::Slot>::ZERO);
    let (pass, step) = (Whole::<SAMPLES>::new(samples), rule.begin_step());
    let scratch = if form == Form::Inner { L::SCRATCH_INNER } else { L::SCRATCH };
    let mut memory = vec![f32::NAN; samples * (L::KEPT + scratch)];
    let mut gradient = match form {
        Form::Unwanted => Vec::new(),
        Form::Write => vec![f32::NAN; x.len()],
        Form::Add => vec![0.25; x.len()],
        Form::Inner => x.to_vec(),
    };
    let dx = match form {
        Form::Unwanted => InputGradient::Unwanted,
        Form::Write => InputGradient::Write(&mut gradient),
        Form::Add => InputGradient::Add(&mut gradient),
        Form::Inner => {
            layer.backward_inner::<_, O, Tanh>(pass, &mut gradient, delta, &mut memory, &mut slots, &step);
            return [gradient, all(&layer)];
        }
    };
    let inputs = Stacked::<In>::new(x);
    layer.backward::<_, O, _>(pass, &inputs, delta, dx, &mut memory, &mut slots, &step);
    [gradient, all(&layer)]
}

/// The gradient of the input and the new parameters, from the old ones, a form, the input and `delta`.
type Backward = fn(&[f32], Form, &[f32], &[f32]) -> [Vec<f32>; 2];

/// What is compared, so that what compares it is compiled once.
struct Passes {
    input: usize,
    output: usize,
    parameters: usize,
    forward: fn(&[f32], &[f32]) -> [Vec<f32>; 2],
    sgd: Backward,
    /// Where the update is looked at too.
    adam: Option<Backward>,
}

impl Passes {
    fn of<In: Shape, L: Layer<In>>() -> Self {
        Self {
            input: In::SIZE,
            output: L::Out::SIZE,
            parameters: L::PARAMETERS,
            forward: forward::<In, L>,
            sgd: |parameters, form, x, delta| backward::<In, L, Sgd>(parameters, form, x, delta, Sgd::new(RATE)),
            adam: None,
        }
    }

    fn with_adam<In: Shape, L: Layer<In>>() -> Self {
        let adam: Backward =
            |parameters, form, x, delta| backward::<In, L, Adam>(parameters, form, x, delta, Adam::new(RATE));
        Self { adam: Some(adam), ..Self::of::<In, L>() }
    }
}

/// Everything that a convolution makes of some samples is what the oracle makes of them.
fn assert_convolution(passes: &Passes, plain: &Convolution, what: &str) {
    let (size, out) = (passes.input, plain.places() * plain.outputs);
    assert_eq!((passes.output, passes.parameters), (out, plain.weights() + plain.outputs), "{what}");
    let mut random = Random::new(size as u64 * 31 + out as u64);
    let parameters = values(&mut random, passes.parameters);
    let (weights, bias) = parameters.split_at(plain.weights());
    for samples in [1, SAMPLES] {
        let (x, delta) = (values(&mut random, samples * size), values(&mut random, samples * out));
        let z: Vec<f32> = x.chunks(size).flat_map(|x| plain.forward(weights, bias, x)).collect();
        let [y, predicted] = (passes.forward)(&parameters, &x);
        assert_same_bits(&y, &z, &format!("forward of {what}"));
        assert_same_bits(&predicted, &z[..out], &format!("prediction of {what}"));

        let gradient: Vec<f32> = delta.chunks(out).flat_map(|delta| plain.input_gradient(weights, delta)).collect();
        let (of_weights, of_bias) = plain.gradients(&x, &delta);
        let gradients = [of_weights, of_bias].concat();
        let by = |rule: &dyn Fn(f32, f32) -> f32| -> Vec<f32> {
            parameters.iter().zip(&gradients).map(|(parameter, gradient)| rule(*parameter, *gradient)).collect()
        };
        let plain_sgd = by(&|parameter, gradient| parameter - RATE * gradient);
        let plain_adam = by(&|parameter, gradient| adam(1, parameter, gradient, &mut [0.0; 2]));
        for form in [Form::Unwanted, Form::Write, Form::Add, Form::Inner] {
            let expected: Vec<f32> = match form {
                Form::Unwanted => Vec::new(),
                Form::Write => gradient.clone(),
                Form::Add => gradient.iter().map(|gradient| 0.25 + gradient).collect(),
                Form::Inner => gradient.iter().zip(&x).map(|(gradient, x)| gradient * (1.0 - x * x)).collect(),
            };
            let what = format!("{what}, {samples} samples, {form:?}");
            let [found, trained] = (passes.sgd)(&parameters, form, &x, &delta);
            assert_same_bits(&found, &expected, &format!("gradient of {what}"));
            assert_same_bits(&trained, &plain_sgd, &format!("parameters of {what}, by SGD"));
            if let Some(pass) = passes.adam {
                let [found, trained] = pass(&parameters, form, &x, &delta);
                assert_same_bits(&found, &expected, &format!("gradient of {what}, with Adam"));
                assert_same_bits(&trained, &plain_adam, &format!("parameters of {what}, by Adam"));
            }
        }
    }
}

/// The convolutions of a kernel on positions `P`: the usual one of `N` channels in and `OUT` out, the depthwise one of `N`.
fn plain<P: Positions, W: Known, const N: usize, const OUT: usize, const KH: usize, const KW: usize>()
-> [Convolution; 2] {
    [false, true].map(|is_depthwise| Convolution {
        image: [P::HEIGHT, P::WIDTH],
        kernel: [KH, KW],
        stride: [W::STRIDE_HEIGHT, W::STRIDE_WIDTH],
        window: W::NAME,
        inputs: N,
        outputs: if is_depthwise { N } else { OUT },
        is_depthwise,
    })
}

/// Both convolutions, with an update by Adam too.
fn assert_convolutions<P: Positions, W: Known, const N: usize, const OUT: usize, const KH: usize, const KW: usize>() {
    let [usual, depthwise] = plain::<P, W, N, OUT, KH, KW>();
    assert_convolution(&Passes::with_adam::<Grid<P, N>, Conv2d<N, OUT, KH, KW, W>>(), &usual, &format!("{usual:?}"));
    let passes = Passes::with_adam::<Grid<P, N>, DepthwiseConv2d<N, KH, KW, W>>();
    assert_convolution(&passes, &depthwise, &format!("{depthwise:?}"));
}

struct Convolutions;

impl Convolutions {
    fn look<
        P: Positions,
        W: Known,
        Used: Window,
        const N: usize,
        const OUT: usize,
        const KH: usize,
        const KW: usize,
    >() {
        let [usual, depthwise] = plain::<P, W, N, OUT, KH, KW>();
        assert_convolution(&Passes::of::<Grid<P, N>, Conv2d<N, OUT, KH, KW, Used>>(), &usual, &format!("{usual:?}"));
        let passes = Passes::of::<Grid<P, N>, DepthwiseConv2d<N, KH, KW, Used>>();
        assert_convolution(&passes, &depthwise, &format!("{depthwise:?}"));
    }
}

impl LookAtWindow for Convolutions {
    fn along<W: Known, const SIZE: usize, const K: usize>() {
        Self::look::<Line<SIZE>, W, Along<W>, 2, 3, K, 1>();
    }

    fn across<W: Known, const SIZE: usize, const K: usize>() {
        Self::look::<Plane<3, SIZE>, W, W, 1, 2, 3, K>();
    }
}

#[test]
fn convolutions_have_the_bits_of_the_plain_loops_for_every_window() {
    each_window::<Convolutions>();
}

#[test]
fn strides_and_kernels_of_two_sizes_keep_their_directions() {
    assert_convolutions::<Plane<7, 5>, Strided<3, 2>, 2, 3, 2, 4>();
    assert_convolutions::<Plane<5, 8>, Strided<1, 3>, 2, 1, 4, 2>();
    assert_convolutions::<Plane<7, 6>, Centered<2, 1>, 3, 2, 3, 5>();
    assert_convolutions::<Plane<7, 9>, Valid<2, 3>, 1, 2, 3, 1>();
    assert_convolutions::<Plane<9, 4>, Valid<5, 2>, 2, 2, 2, 2>();
}

/// Channels in are made four at a time, channels out and those of a depthwise convolution eight.
#[test]
fn every_number_of_channels_has_the_bits_of_the_plain_loops() {
    assert_convolutions::<Plane<3, 6>, Same, 1, 8, 3, 3>();
    assert_convolutions::<Plane<3, 6>, Same, 3, 9, 3, 3>();
    assert_convolutions::<Plane<3, 6>, Same, 4, 4, 3, 3>();
    assert_convolutions::<Plane<3, 6>, Same, 5, 5, 3, 3>();
    assert_convolutions::<Plane<3, 6>, Same, 8, 16, 3, 3>();
    assert_convolutions::<Plane<3, 6>, Strided<2>, 9, 6, 3, 3>();
    assert_convolutions::<Plane<3, 6>, Valid<1>, 17, 7, 3, 3>();
}

/// Sixteen outputs beside others, four places below each other, lines of eight places and more, a kernel as wide as the image, kernels of one tap, and
/// one that is too large to be turned.
#[test]
fn groups_of_places_and_of_outputs_have_the_bits_of_the_plain_loops() {
    assert_convolutions::<Plane<7, 10>, Same, 4, 20, 3, 3>();
    assert_convolutions::<Plane<9, 3>, Same, 5, 28, 3, 3>();
    assert_convolutions::<Plane<6, 9>, Strided<2>, 4, 36, 1, 1>();
    assert_convolutions::<Plane<9, 11>, Strided<2>, 4, 8, 2, 4>();
    assert_convolutions::<Plane<5, 3>, Valid, 6, 4, 2, 3>();
    // 3·3·119·8 values are more than the 8,192 of a kernel that is turned whole.
    assert_convolutions::<Plane<7, 6>, Same, 5, 119, 3, 3>();
}

#[test]
fn a_layer_along_a_sequence_is_one_of_a_single_column() {
    let plain = Convolution {
        image: [24, 1],
        kernel: [3, 1],
        stride: [1, 1],
        window: Same::NAME,
        inputs: 13,
        outputs: 24,
        is_depthwise: false,
    };
    assert_convolution(&Passes::of::<Sequence<24, 13>, Conv1d<13, 24, 3>>(), &plain, "Conv1d");
    let plain = Convolution { stride: [2, 1], window: Strided::<2>::NAME, outputs: 13, is_depthwise: true, ..plain };
    let passes = Passes::of::<Sequence<24, 13>, DepthwiseConv1d<13, 3, Strided<2>>>();
    assert_convolution(&passes, &plain, "DepthwiseConv1d");
    assert_eq!(<Conv1d<13, 24, 3> as Parameters>::KIND, "Conv1d");
    assert_eq!(<DepthwiseConv2d<13, 3, 3> as Parameters>::KIND, "DepthwiseConv2d");
}

/// A tap outside is left out: it is no product with 0.
#[test]
fn an_infinite_weight_does_not_reach_beyond_the_edge() {
    let mut layer = Conv2d::<1, 1, 1, 3, Same, Relu>::ZERO;
    layer.weights = [[[[f32::INFINITY]], [[1.0]], [[0.0]]]];
    let mut y = [f32::NAN; 3];
    let x = Stacked::<Grid<Plane<1, 3>, 1>>::new(&[5.0, 2.0, 3.0]);
    let refused = Layer::<Grid<Plane<1, 3>, 1>>::forward(&layer, Whole::<1>::new(1), &x, &mut y, &mut []);
    assert!(refused.is_err());
    assert_eq!(y, [5.0, f32::INFINITY, f32::INFINITY]);
}

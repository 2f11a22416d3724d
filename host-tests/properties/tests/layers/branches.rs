//! Residuals by themselves, bit for bit, forward and in every form of the backward pass.
//!
//! Oracle: the branches as layers of their own, each with a buffer for its output and one for the gradient of its input. What the branches
//! are made of has its own tests.

use baregrad::activation::Activation;
use baregrad::layer::{NonFinite, Slots, Tensors};
use baregrad::optimizer::Moments;
use baregrad::shape::{Features, Image, Sequence, Shape};
use baregrad::{
    Adam, AveragePool1d, AveragePool2d, Conv2d, Dense, GlobalAveragePool, HardSwish, Identity, Layer, LayerNorm,
    MaxPool2d, Network, Parameters, Relu, Residual, Same, Skip, Strided, Tanh, Valid, Zero, predict_floats,
};

use crate::common::{Random, assert_same_bits};
use crate::passes::{FORMS, Form, Made, SAMPLES, learn, left, predictions, random};

fn moments(slot: &Moments) -> Vec<f32> {
    vec![slot.first_moment, slot.second_moment]
}

/// A residual is its branches. `of_shortcut` is what the shortcut makes of input and `delta`.
fn assert_residual<In: Shape, B, S, A>(what: &str, of_shortcut: impl Fn(&S, &[f32], &[f32]) -> Made)
where
    B: Layer<In> + Copy,
    S: Parameters + Copy,
    A: Activation,
    Residual<B, S, A>: Layer<In, Out = B::Out>,
{
    let mut numbers = Random::new((In::SIZE * 31 + B::Out::SIZE) as u64);
    let layer: Residual<B, S, A> = random(&mut numbers);
    let size = B::Out::SIZE;
    for samples in [1, SAMPLES] {
        let x: Vec<f32> = (0..samples * In::SIZE).map(|_| numbers.input()).collect();
        let delta: Vec<f32> = (0..samples * size).map(|_| numbers.input()).collect();
        let body = learn::<In, B, _>(Form::Write, &layer.body, &x, &delta, &mut Adam::new(0.1), moments);
        let shortcut = of_shortcut(&layer.shortcut, &x, &delta);
        let y: Vec<f32> = body.y.iter().zip(&shortcut.y).map(|(body, shortcut)| A::value(body + shortcut)).collect();
        let gradient: Vec<f32> =
            body.gradient.iter().zip(&shortcut.gradient).map(|(body, shortcut)| body + shortcut).collect();
        for form in FORMS {
            let what = format!("{what}, {samples} samples, {form:?}");
            let made = learn::<In, _, _>(form, &layer, &x, &delta, &mut Adam::new(0.1), moments);
            assert_same_bits(&made.y, &y, &format!("output of {what}"));
            assert_same_bits(&made.gradient, &left(form, &x, &gradient), &format!("gradient of {what}"));
            let parameters = [&body.parameters[..], &shortcut.parameters].concat();
            assert_same_bits(&made.parameters, &parameters, &format!("parameters of {what}"));
            assert_same_bits(&made.slots, &[&body.slots[..], &shortcut.slots].concat(), &format!("slots of {what}"));
        }
        for predicted in predictions::<In, _>(&layer, &x[..In::SIZE]) {
            assert_same_bits(&predicted, &y[..size], &format!("prediction of {what}"));
        }
    }
}

fn assert_skip<In: Shape, B: Layer<In> + Copy, A: Activation>(what: &str)
where
    Residual<B, Skip, A>: Layer<In, Out = B::Out>,
{
    assert_residual::<In, B, Skip, A>(what, |_, x, delta| Made {
        y: x.to_vec(),
        gradient: delta.to_vec(),
        parameters: Vec::new(),
        slots: Vec::new(),
        state: Vec::new(),
    });
}

fn assert_branches<In: Shape, B: Layer<In> + Copy, S: Layer<In> + Copy, A: Activation>(what: &str)
where
    Residual<B, S, A>: Layer<In, Out = B::Out>,
{
    assert_residual::<In, B, S, A>(what, |shortcut, x, delta| {
        learn::<In, S, _>(Form::Write, shortcut, x, delta, &mut Adam::new(0.1), moments)
    });
}

#[test]
fn a_residual_is_the_sum_of_its_branches() {
    assert_skip::<Features<5>, Dense<5, 5>, Identity>("dense");
    assert_skip::<Features<5>, (Dense<5, 9, Tanh>, Dense<9, 5>), Relu>("two dense");
    assert_skip::<Sequence<3, 4>, (LayerNorm<4>, Dense<4, 6, Tanh>, Dense<6, 4>), Identity>("dense behind a norm");
    assert_skip::<Sequence<3, 4>, HardSwish, Tanh>("no parameters");
    assert_branches::<Features<6>, Dense<6, 4>, Dense<6, 4>, Relu>("dense beside dense");
    assert_branches::<Sequence<4, 2>, (Dense<2, 7, Relu>, Dense<7, 3>), (Dense<2, 3>,), Tanh>("wider");
    assert_branches::<Sequence<4, 3>, Dense<3, 3>, LayerNorm<3>, Identity>("norm beside dense");
}

/// Of all pairs of branches one keeps something, or needs more scratch, or gives out more than it takes in.
#[test]
fn branches_that_keep_something_or_need_scratch_do_not_meet() {
    type Keeps = (Dense<3, 8, Tanh>, LayerNorm<8, Relu>, Dense<8, 4>);
    type Short = (Dense<3, 2, Tanh>, Dense<2, 4>);
    assert_branches::<Sequence<2, 3>, Keeps, Short, Relu>("both keep something");
    assert_branches::<Sequence<2, 3>, Short, Keeps, Relu>("the shortcut keeps more");
    assert_branches::<Sequence<2, 3>, Dense<3, 4>, Keeps, Identity>("the shortcut alone keeps something");
    assert_branches::<Sequence<2, 3>, HardSwish, (Dense<3, 5, Tanh>, Dense<5, 3>), Relu>("a body without scratch");
    assert_branches::<Sequence<6, 3>, (AveragePool1d<2>, Dense<3, 9>), (AveragePool1d<2>, Dense<3, 9>), Tanh>("pools");
    assert_branches::<
        Image<4, 5, 2>,
        (Conv2d<2, 3, 3, 3, Strided<2>, Relu>, Conv2d<3, 4, 3, 3>),
        Conv2d<2, 4, 1, 1, Strided<2>>,
        Relu,
    >("down");
    assert_branches::<
        Image<4, 4, 2>,
        (Conv2d<2, 3, 3, 3, Same, Tanh>, MaxPool2d<2>),
        (AveragePool2d<2>, Dense<2, 3>),
        Relu,
    >("a pool in front of the shortcut's layer");
    assert_branches::<
        Image<4, 4, 2>,
        (Conv2d<2, 3, 3, 3, Valid>, GlobalAveragePool),
        (GlobalAveragePool, Dense<2, 3>),
        Relu,
    >("global pools");
}

#[test]
fn residuals_nest() {
    type Inner = Residual<(Dense<4, 3, Tanh>, Dense<3, 4>), Skip>;
    type Wide = Residual<(Dense<4, 6, Relu>, Dense<6, 5>), Dense<4, 5>>;
    assert_skip::<Features<4>, (Inner, Inner), Relu>("in the body");
    assert_skip::<Features<4>, Inner, Tanh>("as the body");
    assert_branches::<Sequence<3, 4>, Wide, Wide, Relu>("as both branches");
    assert_branches::<Sequence<3, 4>, (Residual<Dense<4, 4>, Skip, Tanh>, Dense<4, 5>), (Inner, Dense<4, 5>), Relu>(
        "in front of both branches",
    );
    assert_branches::<Sequence<3, 4>, (Dense<4, 4, Tanh>, Wide), (Dense<4, 4, Relu>, Residual<Wide, Wide>), Identity>(
        "behind other layers",
    );
}

#[test]
fn the_layers_count_in_the_order_of_body_shortcut_and_sum() {
    type Net = (Dense<2, 3>, Residual<(Dense<3, 4, Relu>, Dense<4, 2>), Dense<3, 2>, Tanh>, Dense<2, 2>);
    assert_eq!((<Net as Parameters>::LAYERS, <Net as Parameters>::PARAMETERS), (1 + 4 + 1, 9 + 16 + 10 + 8 + 6));
    assert_eq!(<<Net as Parameters>::Slots<Moments> as Slots<Moments>>::LAYERS, 6);
    assert_eq!(<<Net as Parameters>::Slots<Moments> as Slots<Moments>>::STATES, 5);
    let predict = |change: &dyn Fn(&mut Net)| {
        let mut net = Net::ZERO;
        change(&mut net);
        net.predict_in(&[0.0; 2], &mut [f32::NAN; predict_floats::<Net>()]).map(|_| ()).map_err(|error| error.layer)
    };
    assert_eq!(predict(&|_| {}), Ok(()));
    assert_eq!(predict(&|net| net.1.body.0.bias[0] = f32::INFINITY), Err(1));
    assert_eq!(predict(&|net| net.1.body.1.bias[0] = f32::NAN), Err(2));
    assert_eq!(predict(&|net| net.1.shortcut.bias[1] = f32::INFINITY), Err(3));
    assert_eq!(
        predict(&|net| {
            net.1.body.1.bias[0] = f32::NAN;
            net.1.shortcut.bias[1] = f32::NAN;
        }),
        Err(2),
        "the first is named"
    );
    assert_eq!(predict(&|net| (net.1.body.1.bias, net.1.shortcut.bias) = ([3e38; 2], [3e38; 2])), Err(4), "the sum");
    assert_eq!(predict(&|net| net.2.bias[1] = f32::NAN), Err(5));
    let mut numbers = Random::new(4);
    let net: Net = random(&mut numbers);
    let (mut visited, mut slots) = (Vec::new(), <Net as Parameters>::Slots::<Moments>::ZERO);
    slots.for_each_layer_mut(0, &mut |number, _| visited.push(number));
    assert_eq!(visited, [0, 1, 2, 3, 5]);
    // Linear, Linear, ReLU, Linear, Linear, Tanh, Linear.
    let modules: Vec<_> = (0..10).map(|index| Net::describe_tensor(index).map(|(module, _)| module)).collect();
    assert_eq!(modules.iter().flatten().copied().collect::<Vec<_>>(), [0, 0, 1, 1, 3, 3, 4, 4, 6, 6]);
    assert_eq!((net.tensor(6).len(), net.tensor(7), Net::describe_tensor(10)), (6, &net.1.shortcut.bias[..], None));
    let layer_of = |index| slots.layer_of(index).is_some();
    assert_eq!((layer_of(2), layer_of(7), layer_of(9), layer_of(10)), (true, true, true, false));
    let expected = "\
layer         in     out  activation   parameters
Dense          2       3  identity              9
Dense          3       4  ReLU                 16
Dense          4       2  identity             10
Dense          3       2  identity              8
Residual       3       2  tanh                  0
Dense          2       2  identity              6
49 parameters, 196 bytes";
    assert_eq!(Net::summary().to_string(), expected);
}

#[test]
fn branches_and_activation_tell_checkpoints_apart() {
    let fingerprints = [
        <Residual<Dense<4, 4>>>::FINGERPRINT,
        <Residual<Dense<4, 4>, Skip, Relu>>::FINGERPRINT,
        <Residual<Dense<4, 4>, Dense<4, 4>>>::FINGERPRINT,
        <Residual<(Dense<4, 4>, Dense<4, 4>)>>::FINGERPRINT,
        <Residual<LayerNorm<4>>>::FINGERPRINT,
        <Residual<LayerNorm<4, Relu>>>::FINGERPRINT,
        <Residual<LayerNorm<5>>>::FINGERPRINT,
        <(Dense<4, 4>, Dense<4, 4>)>::FINGERPRINT,
        <Dense<4, 4>>::FINGERPRINT,
    ];
    for (index, fingerprint) in fingerprints.iter().enumerate() {
        assert!(!fingerprints[..index].contains(fingerprint), "{index}");
    }
    type Flat = (Dense<4, 4>, Residual<Dense<4, 4>, Skip, Relu>, Dense<4, 2>);
    type Nested = (Dense<4, 4>, (Residual<(Dense<4, 4>,), Skip, Relu>, (Dense<4, 2>,)));
    assert_eq!(Flat::FINGERPRINT, Nested::FINGERPRINT);
}

/// By itself it is the identity.
#[test]
fn skip_gives_out_what_it_takes_in() {
    let (x, delta) = ([0.5, -0.0, 0.0, -2.0, 1e-40, 3.0], [1.0, 0.0, -0.0, 2.0, 0.25, -1.0]);
    for form in FORMS {
        let made = learn::<Features<2>, _, _>(form, &Skip, &x, &delta, &mut Adam::new(0.1), moments);
        assert_same_bits(&made.y, &x, "forward");
        if form != Form::Inner {
            assert_same_bits(&made.gradient, &left(form, &x, &delta), &format!("{form:?}"));
        }
    }
    let mut y = [0.0; 2];
    assert_eq!(
        Layer::<Features<2>>::predict_into(&Skip, &[f32::NAN, 0.0], &mut y, &mut []),
        Err(NonFinite { layer: 0 })
    );
}

//! Layers on images: what PyTorch computes, forward and back.
//!
//! Oracle: `fixtures/pytorch_layers`, made by `python/pytorch_layers.py`. Each value within 1e-5.

use ::safetensors::{SafeTensors, serialize};
use baregrad::safetensors::{self, Names};
use baregrad::shape::Shape;
use baregrad::{
    AveragePool2d, Centered, Conv2d, Dense, DepthwiseConv2d, GlobalAveragePool, GlobalMaxPool, Image, Layer, LayerNorm,
    MaxPool2d, Model, Network, Relu, Residual, Same, Sgd, Skip, Tanh, Valid,
};

use crate::passes::{Form, SAMPLES, learn};

type First = Model<
    Image<9, 8, 2>,
    (
        Conv2d<2, 4, 3, 3, Centered<2>, Relu>,
        Residual<(DepthwiseConv2d<4, 3, 2, Same, Tanh>, Conv2d<4, 4, 3, 3>), Skip, Relu>,
        MaxPool2d<2>,
        LayerNorm<4>,
        GlobalAveragePool,
        Dense<4, 3>,
    ),
>;
type Second = Model<
    Image<12, 13, 2>,
    (
        Conv2d<2, 5, 3, 3, Valid<2>, Tanh>,
        AveragePool2d<3, 3, Same>,
        Residual<(Conv2d<5, 6, 3, 3, Centered<2>, Relu>, Conv2d<6, 6, 3, 3>), Conv2d<5, 6, 1, 1, Centered<2>>, Relu>,
        GlobalMaxPool,
        Dense<6, 3>,
    ),
>;

/// What the library reads of the tensors whose names begin so.
fn loaded<N: Network>(file: &SafeTensors<'_>, begin: &str, names: &[&str]) -> N {
    let tensors = file.tensors().into_iter();
    let part = tensors.filter_map(|(name, tensor)| Some((name.strip_prefix(begin)?.to_owned(), tensor)));
    let bytes = serialize(part, None).expect("tensors");
    let mut network = N::ZERO;
    assert_eq!(safetensors::load(&mut network, &Names::PyTorch(names), &bytes), Ok(()));
    network
}

#[track_caller]
fn assert_near(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= 1e-5, "{what}, {index}: {found} for {expected}");
    }
    // A maximum has a gradient at one position.
    let large = expected.iter().filter(|value| value.abs() > 1e-3).count();
    assert!(4 * large > expected.len(), "{what}: {large} of {} say something", expected.len());
}

fn assert_gradients<In: Shape, N: Network + Layer<In> + Copy>(file: &[u8], modules: &[&str]) {
    let file = SafeTensors::deserialize(file).expect("PyTorch's file");
    let numbers = |name: &str| -> Vec<f32> {
        let data = file.tensor(name).expect("the tensor").data();
        data.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect()
    };
    let names: Vec<String> =
        modules.iter().flat_map(|module| ["weight", "bias"].map(|kind| format!("{module}.{kind}"))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let network: N = loaded(&file, "weights.", &names);
    let inputs = numbers("inputs");
    assert_eq!(inputs.len(), SAMPLES * In::SIZE);
    // At this rate a step takes away the gradient itself.
    let delta = numbers("outputs_gradient");
    let made = learn::<In, N, Sgd>(Form::Write, &network, &inputs, &delta, &mut Sgd::new(1.0), |()| Vec::new());
    assert_near("outputs", &made.y, &numbers("outputs"));
    assert_near("gradient of the inputs", &made.gradient, &numbers("inputs_gradient"));
    let gradients: N = loaded(&file, "gradients.", &names);
    let mut rest = &made.parameters[..];
    for (index, name) in names.iter().enumerate() {
        let (new, after) = rest.split_at(network.tensor(index).len());
        rest = after;
        let found: Vec<f32> = network.tensor(index).iter().zip(new).map(|(old, new)| old - new).collect();
        assert_near(name, &found, gradients.tensor(index));
    }
    assert!(rest.is_empty());
}

#[test]
fn gradients_with_a_depthwise_kernel_a_skip_and_a_norm_are_those_of_pytorch() {
    type In = <First as Network>::In;
    let file = include_bytes!("../../../fixtures/pytorch_layers/first.safetensors");
    assert_gradients::<In, First>(file, &["stem", "depthwise", "body", "norm", "last"]);
}

#[test]
fn gradients_through_both_branches_and_overlapping_pools_are_those_of_pytorch() {
    type In = <Second as Network>::In;
    let file = include_bytes!("../../../fixtures/pytorch_layers/second.safetensors");
    assert_gradients::<In, Second>(file, &["stem", "body.0", "body.1", "shortcut", "last"]);
}

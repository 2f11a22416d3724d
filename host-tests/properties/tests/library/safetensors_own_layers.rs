//! `.safetensors` files of networks with a layer of a user's, which may not say what it does to the order of channels.
//!
//! Oracle: what was said. PyTorch's layout is refused wherever two orders are possible, and Keras's never.

use super::safetensors_layouts::{flattened, loaded};
use baregrad::layer::{ChannelOrder, InputGradient, Inputs, Layer, NonFinite, Pass, Tensor, Tensors};
use baregrad::network::OnInput;
use baregrad::optimizer::{Optimizer, Slot};
use baregrad::safetensors::{self, ExportError, ImportError, Names};
use baregrad::shape::{Features, Image, Sequence};
use baregrad::{Dense, Flatten, GlobalAveragePool, HardSwish, Identity, LayerNorm, Model, Parameters, Residual, Zero};

/// A layer that says `ORDER` of itself, or nothing if `SAYS` is 0. It has `N` parameters, and does nothing.
struct Own<const SAYS: u8, const N: usize>([f32; N]);

impl<const SAYS: u8, const N: usize> Zero for Own<SAYS, N> {
    const ZERO: Self = Self([0.0; N]);
}

impl<const SAYS: u8, const N: usize> Tensors<f32> for Own<SAYS, N> {
    const COUNT: usize = if N == 0 { 0 } else { 1 };

    fn tensor(&self, _index: usize) -> &[f32] {
        &self.0
    }

    fn tensor_mut(&mut self, _index: usize) -> &mut [f32] {
        &mut self.0
    }
}

impl<const SAYS: u8, const N: usize> Parameters for Own<SAYS, N> {
    const KIND: &'static str = "Own";
    const TENSORS: &'static [Tensor] = if N == 0 { &[] } else { &[Tensor::bias("scale", 1, N)] };
    type Slots<T: Slot> = ();
}

/// `Own` from one shape to another, with what it says.
macro_rules! own {
    ($from:ty, $to:ty, $says:literal $(, $order:ident)?) => {
        #[rustfmt::skip] // a line for each signature; nobody calls them
        impl<const N: usize> Layer<$from> for Own<$says, N> {
            type Out = $to;
            type Activation = Identity;
            $(const ORDER: ChannelOrder = ChannelOrder::$order;)?
            fn forward<P: Pass, X: Inputs + ?Sized>(&self, _: P, _: &X, _: &mut [f32], _: &mut [f32]) -> Result<(), NonFinite> { Ok(()) }
            fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(&mut self, _: P, _: &X, _: &[f32], _: InputGradient<'_>, _: &mut [f32], _: &mut (), _: &O::Step) {}
        }
    };
}

own!(Features<8>, Features<8>, 0);
own!(Sequence<4, 2>, Sequence<4, 2>, 0);
own!(Image<2, 2, 2>, Features<8>, 0);

own!(Features<8>, Features<8>, 1, Kept);
own!(Features<8>, Features<8>, 2, Mixed);
own!(Image<2, 2, 2>, Features<8>, 1, Mixed);
own!(Features<8>, Image<2, 2, 2>, 3);

/// Whether both directions refuse a network, for which tensor.
fn unknown_order<N: OnInput>(names: &[&str]) -> Option<usize> {
    let (network, mut buffer) = (N::ZERO, [0xAA; 2048]);
    let keras = safetensors::save(&network, &Names::Keras(names), &mut buffer).expect("Keras has the same order");
    let mut copy = N::ZERO;
    assert_eq!(safetensors::load(&mut copy, &Names::Keras(names), &buffer[..keras]), Ok(()));
    buffer.fill(0xAA);
    let saved = safetensors::save(&network, &Names::PyTorch(names), &mut buffer);
    let refused = safetensors::load(&mut copy, &Names::PyTorch(names), &[]);
    match (saved, refused) {
        (Ok(_), Err(ImportError::NoHeader)) => None,
        (Err(ExportError::UnknownOrder { tensor }), refused) => {
            assert_eq!(refused, Err(ImportError::UnknownOrder { tensor }));
            assert!(buffer.iter().all(|byte| *byte == 0xAA));
            Some(tensor)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn where_the_order_cannot_be_known_pytorchs_layout_is_refused() {
    // Behind a `Flatten`, a layer that says nothing: its own parameters, and those behind it.
    type Silent<const N: usize> = Model<Image<2, 2, 2>, (Flatten<8>, Own<0, N>, Dense<8, 1>)>;
    assert_eq!(unknown_order::<Silent<0>>(&["a", "b"]), Some(0));
    assert_eq!(unknown_order::<Silent<8>>(&["a", "b", "c"]), Some(0));
    // From positions to features by itself: what lies in front is sound.
    type Hidden<const N: usize> = Model<Image<2, 2, 2>, (Dense<2, 2>, Own<0, N>, HardSwish, Dense<8, 1>)>;
    assert_eq!(unknown_order::<Hidden<0>>(&["a", "b", "c", "d"]), Some(2));
    assert_eq!(unknown_order::<Hidden<1>>(&["a", "b", "c", "d", "e"]), Some(3));
    // From features to positions likewise, and a `Flatten` makes it no better.
    type Spread = Model<Features<8>, (Own<3, 0>, HardSwish, Flatten<8>, Dense<8, 1>)>;
    assert_eq!(unknown_order::<Spread>(&["a", "b"]), Some(0));
    // It says that it keeps the order, but has another number of parameters.
    type Few = Model<Image<2, 2, 2>, (Flatten<8>, Own<1, 3>)>;
    assert_eq!(unknown_order::<Few>(&["a"]), Some(0));
    // Behind a layer that mixes all is a new order.
    type Mixed = Model<Image<2, 2, 2>, (Own<0, 0>, Dense<8, 8>, Own<0, 0>, Dense<8, 1>)>;
    assert_eq!(unknown_order::<Mixed>(&["a", "b", "c", "d"]), Some(0));

    // Where there is one order, or the layer says what it does, all is well.
    type NoFlatten = (Dense<8, 8>, Own<0, 8>, Dense<8, 1>);
    assert_eq!(unknown_order::<NoFlatten>(&["a", "b", "c", "d", "e"]), None);
    type InFront = Model<Sequence<4, 2>, (Own<0, 2>, Flatten<8>, Dense<8, 1>)>;
    assert_eq!(unknown_order::<InFront>(&["a", "b", "c"]), None);
    type Says<const SAYS: u8> = Model<Image<2, 2, 2>, (Flatten<8>, Own<SAYS, 8>, Dense<8, 1>)>;
    type MixesAll = Model<Image<2, 2, 2>, (Flatten<8>, Own<2, 8>, Dense<8, 1>)>;
    type SaysMixed = Model<Image<2, 2, 2>, (Own<1, 3>, Dense<8, 1>)>;
    assert_eq!(unknown_order::<MixesAll>(&["a", "b", "c"]), None);
    assert_eq!(unknown_order::<SaysMixed>(&["a", "b", "c"]), None);
    let kept: Says<1> = loaded(&Names::PyTorch(&["a", "b", "c"]), &[("a", &[8]), ("b", &[1, 8]), ("c", &[1])]);
    for f in 0..8 {
        let place = flattened(f, 4, 2) as f32;
        assert_eq!((kept.layers.1.0[f], kept.layers.2.weights.rows[f]), (place, [8.0 + place]));
    }
}

/// PyTorch's `LayerNorm` on positions has channels last, and what its `Flatten` gives has this library's order.
#[test]
fn layer_normalization_in_front_of_a_flatten_is_refused_in_pytorchs_layout() {
    type InFront = Model<Sequence<4, 2>, (LayerNorm<2>, Flatten<8>, Dense<8, 1>)>;
    assert_eq!(unknown_order::<InFront>(&["a", "b", "c", "d"]), Some(0));
    type Positions = Model<Sequence<4, 2>, (LayerNorm<2>, GlobalAveragePool, Dense<2, 1>)>;
    assert_eq!(unknown_order::<Positions>(&["a", "b", "c", "d"]), None);
    type Behind = Model<Sequence<4, 2>, (Flatten<8>, LayerNorm<8>)>;
    let behind: Behind = loaded(&Names::PyTorch(&["a", "b"]), &[("a", &[8]), ("b", &[8])]);
    for f in 0..8 {
        let place = flattened(f, 4, 2) as f32;
        assert_eq!((behind.layers.1.gain[f], behind.layers.1.bias[f]), (place, 8.0 + place));
    }
}

/// Both branches of a residual take in the same features, and their sum is in one order.
#[test]
fn behind_a_flatten_a_residual_is_refused_in_pytorchs_layout() {
    type Skipped = Model<Image<2, 2, 2>, (Flatten<8>, Residual<(Dense<8, 8>,)>, Dense<8, 1>)>;
    assert_eq!(unknown_order::<Skipped>(&["a", "b", "c", "d"]), Some(0));
    type Elementwise = Model<Image<2, 2, 2>, (Flatten<8>, Residual<HardSwish, Dense<8, 8>>, Dense<8, 1>)>;
    assert_eq!(unknown_order::<Elementwise>(&["a", "b", "c", "d"]), Some(0));
    type OneFlattens = Model<Image<2, 2, 2>, (Residual<(Flatten<8>, Dense<8, 8>), Flatten<8>>, Dense<8, 1>)>;
    assert_eq!(unknown_order::<OneFlattens>(&["a", "b", "c", "d"]), Some(0));
    type SumOfTwoOrders = Model<Image<2, 2, 2>, (Residual<(Own<1, 3>,), Flatten<8>>, Dense<8, 1>)>;
    assert_eq!(unknown_order::<SumOfTwoOrders>(&["a", "b", "c"]), Some(1));

    type InFront = Model<Image<2, 2, 2>, (Residual<(Dense<2, 2>,)>, Flatten<8>, Dense<8, 1>)>;
    assert_eq!(unknown_order::<InFront>(&["a", "b", "c", "d"]), None);
    type OnFeatures = (Dense<8, 8>, Residual<(Dense<8, 8>,)>, LayerNorm<8>, Dense<8, 1>);
    assert_eq!(unknown_order::<OnFeatures>(&["a", "b", "c", "d", "e", "f", "g", "h"]), None);
    type BothFlatten = Model<Image<2, 2, 2>, (Residual<(HardSwish, Flatten<8>), Flatten<8>>, Dense<8, 1>)>;
    // It could be known here, and is not.
    assert_eq!(unknown_order::<BothFlatten>(&["a", "b"]), Some(0));
}

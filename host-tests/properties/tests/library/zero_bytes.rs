//! What the docs put into `.bss` lies there: every `NEW` and `ZERO` of the library is all zero bytes.
//!
//! Oracle: the linker, which puts a `static` between `__bss_start` and `_end` only if no byte of it has a value. It also knows which bytes have
//! none (those of a buffer that is not filled), where a test that reads them would be wrong.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "a `static` of any type, and symbols of the linker")]

use std::cell::UnsafeCell;
use std::ptr::from_ref;

use baregrad::data::RandomIndices;
use baregrad::matrix::Vector;
use baregrad::optimizer::{LayerPowers, Moments, Optimizer, StoreGradient};
use baregrad::replay::ReplayBuffer;
use baregrad::streaming::{MinMax, Standardizer};
use baregrad::{
    AdaGrad, Adam, AdamW, ClipValue, ConfusionMatrix, Conv2d, Dense, DepthwiseConv1d, Features, Flatten, Frozen,
    GatherBuffer, Gradients, Graph, HardSwish, Image, LayerNorm, Lion, Matrix, MaxPool2d, Model, Momentum, Nesterov,
    Parameters, Relu, Residual, RmsProp, Sequence, Sgd, SgdMomentum, Tanh, Trainer, WeightDecay, Workspace, Zero,
    floats,
};

type Small = (Dense<4, 6, Relu>, Dense<6, 3>);
type Nested = ((Dense<4, 6, Relu>, HardSwish), (Dense<6, 5, Tanh>,), Dense<5, 3>);
type Positions = Model<Sequence<4, 3>, (Frozen<(Dense<3, 5, Relu>,)>, Dense<5, 2>)>;
type Pooled = Model<Image<4, 4, 1>, (Dense<1, 3, Relu>, MaxPool2d<2>, Flatten<12>, Dense<12, 2>)>;
type Slots<O> = <Small as Parameters>::Slots<<O as Optimizer>::Slot>;
type Training<N, O, const FLOATS: usize> = Trainer<N, O, 8, FLOATS>;

/// A device as it would stand in firmware: all of it in one `static`.
#[allow(dead_code, reason = "only where it lies matters")]
struct Device {
    trainer: Training<Small, Adam, { floats::<Small>() }>,
    gradients: Gradients<Small>,
    replay: ReplayBuffer<[f32; 4], u8, 32>,
    gathered: GatherBuffer<Features<4>, u8, 8>,
    indices: RandomIndices<8>,
    scaler: Standardizer<4>,
    range: MinMax<4>,
    matrix: ConfusionMatrix<3>,
}

impl Device {
    const NEW: Self = Self {
        trainer: Trainer::NEW,
        gradients: Gradients::NEW,
        replay: ReplayBuffer::NEW,
        gathered: GatherBuffer::NEW,
        indices: RandomIndices::NEW,
        scaler: Standardizer::NEW,
        range: MinMax::NEW,
        matrix: ConfusionMatrix::NEW,
    };
}

/// A value that may change, so that it is not put among the constants.
struct Placed<T>(#[allow(dead_code)] UnsafeCell<T>);

// SAFETY: nobody looks into it, only at its address.
unsafe impl<T> Sync for Placed<T> {}

// SAFETY: the linker (GNU's and LLVM's) defines both; only their addresses are asked for.
unsafe extern "C" {
    safe static __bss_start: u8;
    safe static _end: u8;
}

fn is_in_bss<T>(place: &'static Placed<T>) -> bool {
    let bss = from_ref(&__bss_start).addr()..from_ref(&_end).addr();
    bss.contains(&from_ref(place).addr())
}

/// Whether a constant of a type, placed in a `static`, lies in `.bss`.
macro_rules! lies_in_bss {
    ($type:ty, $value:ident) => {{
        static PLACE: Placed<$type> = Placed(UnsafeCell::new(<$type>::$value));
        is_in_bss(&PLACE)
    }};
}

macro_rules! assert_in_bss {
    ($($type:ty: $($value:ident)+;)+) => { $($(
        assert!(size_of::<$type>() > 0, "{}: nothing to look at", stringify!($type));
        assert!(lies_in_bss!($type, $value), "{}::{} is not all zero", stringify!($type), stringify!($value));
    )+)+ };
}

#[test]
fn every_start_that_the_docs_put_into_bss_lies_there() {
    assert_in_bss! {
        Device: NEW;
        Training<Small, Adam, { floats::<Small>() }>: NEW ZERO;
        Training<Nested, Sgd, { floats::<Nested>() }>: NEW ZERO;
        Training<Positions, Lion, { floats::<Positions>() }>: NEW ZERO;
        Training<Pooled, Adam, { floats::<Pooled>() }>: NEW ZERO;
        Workspace<8, 13>: NEW ZERO;
        Gradients<Nested>: NEW ZERO;
        Small: ZERO;
        Nested: ZERO;
        Positions: ZERO;
        Matrix<3, 4>: ZERO;
        Vector<5>: ZERO;
        Conv2d<2, 3, 3, 3>: ZERO;
        DepthwiseConv1d<2, 3>: ZERO;
        LayerNorm<4>: ZERO;
        Residual<(Dense<4, 4>, LayerNorm<4>)>: ZERO;
        <Conv2d<2, 3, 3, 3> as Parameters>::Slots<Moments>: ZERO;
        <DepthwiseConv1d<2, 3> as Parameters>::Slots<Moments>: ZERO;
        <LayerNorm<4> as Parameters>::Slots<Moments>: ZERO;
        <Residual<(Dense<4, 4>, LayerNorm<4>)> as Parameters>::Slots<Moments>: ZERO;
        Moments: ZERO;
        LayerPowers: ZERO;
        StoreGradient: NEW;
        GatherBuffer<Features<4>, u8, 8>: NEW ZERO;
        GatherBuffer<Image<2, 3, 1>, [f32; 2], 8>: NEW ZERO;
        RandomIndices<8>: NEW ZERO;
        Graph<16>: NEW ZERO;
        ReplayBuffer<[f32; 4], u8, 32>: NEW ZERO;
        ReplayBuffer<[u8; 3], [f32; 2], 1>: NEW ZERO;
        Standardizer<4>: NEW ZERO;
        MinMax<4>: NEW ZERO;
        ConfusionMatrix<3>: NEW ZERO;
        bool: ZERO;
        [u16; 16]: ZERO;
    }
}

/// The slots of every optimizer that has any.
#[test]
fn the_slots_of_every_optimizer_lie_in_bss() {
    assert_in_bss! {
        Slots<AdaGrad>: ZERO;
        Slots<Adam>: ZERO;
        Slots<AdamW>: ZERO;
        Slots<ClipValue<Adam>>: ZERO;
        Slots<Lion>: ZERO;
        Slots<Momentum>: ZERO;
        Slots<Nesterov>: ZERO;
        Slots<RmsProp>: ZERO;
        Slots<SgdMomentum>: ZERO;
        Slots<StoreGradient>: ZERO;
        Slots<WeightDecay<Adam>>: ZERO;
    }
}

/// So that the tests above can fail: one byte that is not zero is enough.
#[test]
fn a_start_with_one_byte_lies_elsewhere() {
    struct Nearly;
    impl Nearly {
        const NEW: ([u32; 100], u8) = ([0; 100], 1);
    }
    static PLACE: Placed<([u32; 100], u8)> = Placed(UnsafeCell::new(Nearly::NEW));
    assert!(!is_in_bss(&PLACE));
    static RECENT: Placed<ReplayBuffer<[f32; 4], u8, 32>> = Placed(UnsafeCell::new(ReplayBuffer::recent(1000)));
    assert!(!is_in_bss(&RECENT));
}

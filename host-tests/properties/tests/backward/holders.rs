//! Layers of a user's that hold layers and count as one slice, or as one layer.
//!
//! Oracle: the same layers without the one around them.

use crate::common::assert_same_bits;
use crate::common::training::assert_slices_are_the_step;
use baregrad::layer::{InputGradient, Inputs, NonFinite, Pass, Tensors};
use baregrad::optimizer::{Optimizer, Slot};
use baregrad::{
    Dense, Features, HardSwish, Identity, Layer, Model, Network, Parameters, Relu, Residual, Tanh, Zero, floats,
};

/// A layer of several parts in another type, which makes them in one slice.
struct Wrapped<L>(L);

impl<L: Zero> Zero for Wrapped<L> {
    const ZERO: Self = Self(Zero::ZERO);
}

impl<L: Tensors<f32>> Tensors<f32> for Wrapped<L> {
    const COUNT: usize = L::COUNT;

    fn tensor(&self, index: usize) -> &[f32] {
        self.0.tensor(index)
    }

    fn tensor_mut(&mut self, index: usize) -> &mut [f32] {
        self.0.tensor_mut(index)
    }
}

impl<L: Parameters> Parameters for Wrapped<L> {
    const KIND: &'static str = "Wrapped";
    type Slots<T: Slot> = L::Slots<T>;
    const PARAMETERS: usize = L::PARAMETERS;
    const LAYERS: usize = L::LAYERS;

    fn describe_tensor(index: usize) -> Option<(usize, baregrad::layer::Tensor)> {
        L::describe_tensor(index)
    }
}

impl<L: Layer<Features<9>>> Layer<Features<9>> for Wrapped<L> {
    type Out = L::Out;
    type Activation = L::Activation;
    const KEPT: usize = L::KEPT;
    const SCRATCH: usize = L::SCRATCH;

    fn forward<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: &mut [f32],
        memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        self.0.forward(pass, x, y, memory)
    }

    fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        pass: P,
        x: &X,
        delta: &[f32],
        dx: InputGradient<'_>,
        memory: &mut [f32],
        slots: &mut Self::Slots<O::Slot>,
        step: &O::Step,
    ) {
        self.0.backward::<P, O, X>(pass, x, delta, dx, memory, slots, step);
    }
}

#[test]
fn a_layer_around_a_dense_one_trains_as_that() {
    type Bare = (Dense<9, 3, Tanh>, Dense<3, 2>);
    type Around = Model<Features<9>, (Wrapped<Dense<9, 3, Tanh>>, Dense<3, 2>)>;
    type Inner = (Dense<2, 9, Tanh>, Wrapped<Dense<9, 3, Tanh>>, Dense<3, 2>);
    type Plain = (Dense<2, 9, Tanh>, Dense<9, 3, Tanh>, Dense<3, 2>);
    let bare = assert_slices_are_the_step::<Bare, { floats::<Bare>() }>(8);
    let around = assert_slices_are_the_step::<Around, { floats::<Around>() }>(8);
    assert_same_bits(&bare, &around, "first");
    let inner = assert_slices_are_the_step::<Inner, { floats::<Inner>() }>(9);
    let plain = assert_slices_are_the_step::<Plain, { floats::<Plain>() }>(9);
    assert_same_bits(&inner, &plain, "in the middle");
}

/// Two layers that count as one.
struct Twice((HardSwish, HardSwish));

impl Zero for Twice {
    const ZERO: Self = Self(Zero::ZERO);
}

impl Tensors<f32> for Twice {}

impl Parameters for Twice {
    const KIND: &'static str = "Twice";
    type Slots<T: Slot> = ();
}

impl Layer<Features<9>> for Twice {
    type Out = Features<9>;
    type Activation = Identity;
    const KEPT: usize = <(HardSwish, HardSwish) as Layer<Features<9>>>::KEPT;
    const SCRATCH: usize = <(HardSwish, HardSwish) as Layer<Features<9>>>::SCRATCH;

    fn forward<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: &mut [f32],
        memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        Layer::<Features<9>>::forward(&self.0, pass, x, y, memory)
    }

    fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        pass: P,
        x: &X,
        delta: &[f32],
        dx: InputGradient<'_>,
        memory: &mut [f32],
        _: &mut (),
        step: &O::Step,
    ) {
        Layer::<Features<9>>::backward::<P, O, X>(&mut self.0, pass, x, delta, dx, memory, &mut ((), ()), step);
    }
}

/// It is made at once, so all of the layers within have to be due in its only slice.
#[test]
fn a_layer_of_one_slice_around_several_trains_as_these() {
    type Branches = Residual<(Dense<9, 5, Tanh>, Dense<5, 9>), Dense<9, 9>, Relu>;
    type Stack = (Dense<9, 5, Tanh>, Dense<5, 9, Relu>);
    fn assert_same<L: Layer<Features<9>, Out = Features<9>> + Parameters, const F: usize>()
    where
        (Dense<2, 9, Tanh>, L, Dense<9, 2>): Network<Out = Features<2>>,
        (Dense<2, 9, Tanh>, Wrapped<L>, Dense<9, 2>): Network<Out = Features<2>>,
    {
        let within = assert_slices_are_the_step::<(Dense<2, 9, Tanh>, L, Dense<9, 2>), F>(12);
        let around = assert_slices_are_the_step::<(Dense<2, 9, Tanh>, Wrapped<L>, Dense<9, 2>), F>(12);
        assert_same_bits(&within, &around, "in another type");
    }
    assert_same::<Branches, 256>();
    assert_same::<Stack, 256>();
    let within = assert_slices_are_the_step::<(Dense<2, 9>, HardSwish, HardSwish, Dense<9, 2>), 256>(13);
    let as_one = assert_slices_are_the_step::<(Dense<2, 9>, Twice, Dense<9, 2>), 256>(13);
    assert_same_bits(&within, &as_one, "counted as one layer");
}

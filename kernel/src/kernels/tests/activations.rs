//! Activations and their slopes, value by value, and what is not finite among them.

use super::{Check, Kernels, Vec, assert_same_bits, each_kind, fill, rules};
use crate::activation::{Activation, Identity, Relu, Sigmoid};

struct AllFinite<'a>(&'a [f32], bool);

impl Check for AllFinite<'_> {
    fn run<K: Kernels>(&self) {
        assert_eq!(K::all_finite(self.0), self.1, "{:?}", self.0);
        assert_eq!(K::activate::<Identity>(&mut self.0.to_vec()), self.1, "{:?}", self.0);
    }
}

/// A value that is not finite is seen wherever it is, in lengths on both sides of a vector.
#[test]
fn all_finite_sees_every_place() {
    let mut values = [1.0_f32; 70];
    for (index, value) in values.iter_mut().enumerate() {
        // Everything that is nearly not finite.
        *value = [f32::MAX, f32::MIN, -0.0, f32::from_bits(1)][index % 4];
    }
    for length in (0..=values.len()).filter(|length| !cfg!(miri) || length % 9 == 7) {
        each_kind(&AllFinite(&values[..length], true));
        for place in 0..length {
            let sound = values[place];
            for bad in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -f32::NAN] {
                values[place] = bad;
                each_kind(&AllFinite(&values[..length], false));
            }
            values[place] = sound;
        }
    }
}

struct Activations<'a>(&'a [f32], bool);

impl Activations<'_> {
    fn one<K: Kernels, A: Activation>(&self) {
        let Self(z, finite) = *self;
        let mut values = [0.5; 41];
        let (inside, outside) = values.split_at_mut(z.len());
        inside.copy_from_slice(z);
        assert_eq!(K::activate::<A>(inside), finite, "{z:?}");
        for (value, z) in inside.iter().zip(z) {
            assert_eq!(value.to_bits(), A::value(*z).to_bits(), "{z} among {}", inside.len());
        }
        assert!(outside.iter().all(|value| *value == 0.5), "written beyond {}", z.len());
        let mut gradients = z.to_vec();
        K::activation_backward::<A>(&mut gradients, inside);
        let mut outputs = inside.to_vec();
        K::activation_gradients::<A>(&mut outputs, z);
        assert_same_bits(&outputs, &gradients, [z.len(), 0, 0], "gradient in the place of an output");
        for ((gradient, z), a) in gradients.iter().zip(z).zip(&*inside) {
            // The gradient is `z` here.
            let selected = if *a > 0.0 { *z } else { 0.0 };
            let expected = if rules::is_relu::<A>() { selected } else { *z * A::slope(*a) };
            assert_eq!(gradient.to_bits(), expected.to_bits(), "{z} back through {a}");
        }
    }
}

impl Check for Activations<'_> {
    fn run<K: Kernels>(&self) {
        self.one::<K, Sigmoid>();
        self.one::<K, Relu>();
    }
}

/// A slice of any length has the values of its single values, and one that is not finite is seen everywhere.
#[test]
fn activations_are_those_of_each_value() {
    let numbers: [f32; 40] = core::array::from_fn(|index| index as f32 * 0.7 - 9.0);
    for length in (0..=numbers.len()).filter(|length| !cfg!(miri) || length % 9 == 7) {
        each_kind(&Activations(&numbers[..length], true));
        for place in 0..length {
            let mut unsound = numbers;
            unsound[place] = f32::INFINITY;
            each_kind(&Activations(&unsound[..length], false));
        }
    }
}

/// Outputs by themselves, whether or not an activation gives such.
struct Outputs<'a>(&'a [f32]);

impl Check for Outputs<'_> {
    fn run<K: Kernels>(&self) {
        let mut gradients = [0.0; 40];
        let gradients = &mut gradients[..self.0.len()];
        fill(6, gradients);
        let plain: Vec<f32> =
            gradients.iter().zip(self.0).map(|(gradient, a)| if *a > 0.0 { *gradient } else { 0.0 }).collect();
        let mut outputs = self.0.to_vec();
        K::activation_gradients::<Relu>(&mut outputs, gradients);
        assert_same_bits(&outputs, &plain, [self.0.len(), 0, 0], "gradient in the place of an output");
        K::activation_backward::<Relu>(gradients, self.0);
        assert_same_bits(gradients, &plain, [self.0.len(), 0, 0], "gradient");
    }
}

/// A layer of one's own may say that an output is of ReLU which is not.
#[test]
fn relu_lets_gradients_of_positive_outputs_through_and_no_others() {
    let kinds =
        [1.0, -0.0, f32::from_bits(1), -f32::from_bits(1), 0.0, f32::MAX, f32::MIN, f32::INFINITY, -f32::INFINITY];
    let outputs: [f32; 40] = core::array::from_fn(|index| kinds[index % kinds.len()]);
    for length in (0..=outputs.len()).filter(|length| !cfg!(miri) || length % 9 == 7) {
        each_kind(&Outputs(&outputs[..length]));
    }
}

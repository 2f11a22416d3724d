//! The kernels of each kind of processor that this one can play, against plain loops, bit for bit, in sizes on both sides of every tile.
//!
//! Only the loops themselves are compiled for each kind and shape. What they are held against is functions of slices.

#![allow(clippy::indexing_slicing)] // A wrong index fails the test.

mod activations;
mod convolution;
mod greatest;

extern crate std; // for what the plain loops give

use std::vec;
use std::vec::Vec;

use super::portable::{self, Portable, one_sample};
use super::processor::each_kind;
use super::{COLUMNS, Capacity, Kernels, Parameters, rules, sqrt};
use crate::activation::{Activation, Relu, Tanh};
use crate::optimizer::{Adam, Moments, Momentum, Optimizer, Sgd, Slot, StoreGradient, WeightDecay};
use crate::zero::Zero;

/// Rows of a pass.
struct AtMost<const B: usize>;

impl<const B: usize> Capacity for AtMost<B> {
    const ROWS: usize = B;
}

/// What is done with kernels of each kind.
pub(super) trait Check {
    /// Does it.
    fn run<K: Kernels>(&self);
}

/// A layer of these sizes with this number of samples. All numbers are of either sign, and none is round.
struct Layer<const IN: usize, const OUT: usize, const B: usize> {
    x: [[f32; IN]; B],
    weights: [[f32; OUT]; IN],
    bias: [f32; OUT],
    delta: [[f32; OUT]; B],
}

impl<const IN: usize, const OUT: usize, const B: usize> Layer<IN, OUT, B> {
    const SIZES: [usize; 3] = [IN, OUT, B];

    fn new() -> Self {
        let mut layer = Self { x: Zero::ZERO, weights: Zero::ZERO, bias: Zero::ZERO, delta: Zero::ZERO };
        fill(1, layer.x.as_flattened_mut());
        // Zeros of either sign: an output of ReLU is never -0, but a layer below may be told that it is one.
        for (index, x) in layer.x.as_flattened_mut().iter_mut().enumerate().filter(|(index, _)| index % 5 == 4) {
            *x = if index % 2 == 0 { 0.0 } else { -0.0 };
        }
        fill(2, layer.weights.as_flattened_mut());
        fill(3, &mut layer.bias);
        fill(4, layer.delta.as_flattened_mut());
        layer
    }

    fn forward(&self, run: &mut dyn FnMut(&mut [[f32; OUT]; B])) {
        let mut z = [[0.0; OUT]; B];
        run(&mut z);
        let plain = plain_products(Self::SIZES, self.x.as_flattened(), self.weights.as_flattened(), &self.bias);
        assert_same_bits(z.as_flattened(), &plain, Self::SIZES, "output");
    }

    fn first<O: Optimizer<Slot: Numbers>>(&self, rule: &Rule<O>, run: Backward<'_, IN, OUT, B, O>) {
        assert_same_bits(self.backward(rule, run).as_flattened(), self.x.as_flattened(), Self::SIZES, "input");
    }

    fn inner<Below: Activation, O: Optimizer<Slot: Numbers>>(&self, rule: &Rule<O>, run: Backward<'_, IN, OUT, B, O>) {
        let inputs = self.backward(rule, run);
        let [x, weights, delta] = [self.x.as_flattened(), self.weights.as_flattened(), self.delta.as_flattened()];
        let plain = plain_input_gradient::<Below>(Self::SIZES, x, weights, delta);
        assert_same_bits(inputs.as_flattened(), &plain, Self::SIZES, "input gradient");
    }

    /// Compares the parameters and slots that a backward pass leaves; gives back what it leaves of its input.
    fn backward<O: Optimizer<Slot: Numbers>>(
        &self,
        rule: &Rule<O>,
        run: Backward<'_, IN, OUT, B, O>,
    ) -> [[f32; IN]; B] {
        let (mut inputs, mut weights, mut bias) = (self.x, self.weights, self.bias);
        let (mut weight_slots, mut bias_slots) = ([[O::Slot::ZERO; OUT]; IN], [O::Slot::ZERO; OUT]);
        for (seed, slot) in (5..).zip(weight_slots.as_flattened_mut().iter_mut().chain(&mut bias_slots)) {
            let mut drawn = [0.0; 2];
            fill(seed, &mut drawn);
            *slot = (rule.slot)(drawn);
        }
        let (mut plain, mut plain_slots) = (weights.as_flattened().to_vec(), weight_slots.as_flattened().to_vec());
        plain.extend(bias);
        plain_slots.extend(bias_slots);
        plain_update(rule, Self::SIZES, self.x.as_flattened(), self.delta.as_flattened(), &mut plain, &mut plain_slots);

        let parameters = Parameters {
            weights: &mut weights,
            weight_slots: &mut weight_slots,
            bias: &mut bias,
            bias_slots: &mut bias_slots,
        };
        run(&mut inputs, parameters, &mut [[0.0; COLUMNS]; B]);
        assert_same_bits(&[weights.as_flattened(), &bias].concat(), &plain, Self::SIZES, "parameter");
        let slots = [weight_slots.as_flattened(), &bias_slots].concat();
        assert_same_bits(&numbers(&slots), &numbers(&plain_slots), Self::SIZES, "number of a slot");
        inputs
    }
}

/// A backward pass: input, parameters, and columns for it.
type Backward<'a, const IN: usize, const OUT: usize, const B: usize, O> =
    &'a mut dyn FnMut(&mut [[f32; IN]; B], Parameters<'_, IN, OUT, O>, &mut [[f32; COLUMNS]; B]);

/// A rule in the middle of a training: what it has in a slot is made of numbers drawn for each parameter.
struct Rule<O: Optimizer> {
    step: O::Step,
    slot: fn([f32; 2]) -> O::Slot,
}

fn sgd() -> Rule<Sgd> {
    Rule { step: Sgd::new(0.1).begin_step(), slot: |_| () }
}

fn adam() -> Rule<Adam> {
    let slot = |[first_moment, root]: [f32; 2]| Moments { first_moment, second_moment: root * root };
    Rule { step: Adam::new(0.1).begin_step(), slot }
}

/// Gradients that are added to those of an earlier batch.
fn a_sum_that_goes_on() -> Rule<StoreGradient> {
    Rule { step: true, slot: |[sum, _]| sum }
}

/// What a slot consists of.
trait Numbers: Slot {
    fn numbers(&self) -> Vec<f32>;
}

impl Numbers for () {
    fn numbers(&self) -> Vec<f32> {
        Vec::new()
    }
}

impl Numbers for f32 {
    fn numbers(&self) -> Vec<f32> {
        Vec::from([*self])
    }
}

impl Numbers for Moments {
    fn numbers(&self) -> Vec<f32> {
        Vec::from([self.first_moment, self.second_moment])
    }
}

fn numbers<S: Numbers>(slots: &[S]) -> Vec<f32> {
    slots.iter().flat_map(S::numbers).collect()
}

fn fill(seed: u32, values: &mut [f32]) {
    let mut state = seed;
    for value in values {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *value = (state >> 8) as f32 / 16_777_216.0 - 0.4;
    }
}

fn assert_same_bits(left: &[f32], right: &[f32], sizes: [usize; 3], what: &str) {
    assert_eq!(left.len(), right.len(), "{what}");
    for (index, (left, right)) in left.iter().zip(right).enumerate() {
        assert_eq!(left.to_bits(), right.to_bits(), "{what} {index}; inputs, outputs, samples: {sizes:?}");
    }
}

/// `b + Σ x·w`.
fn plain_products([inputs, outputs, samples]: [usize; 3], x: &[f32], weights: &[f32], bias: &[f32]) -> Vec<f32> {
    let mut z = Vec::new();
    for (s, o) in pairs(samples, outputs) {
        let products = (0..inputs).map(|i| (x[s * inputs + i], weights[i * outputs + o]));
        z.push(products.fold(bias[o], |sum, (x, w)| sum + x * w));
    }
    z
}

/// `Σ delta·w`, from the first product on, through the activation that gave `x`.
fn plain_input_gradient<Below: Activation>(
    [inputs, outputs, samples]: [usize; 3],
    x: &[f32],
    weights: &[f32],
    delta: &[f32],
) -> Vec<f32> {
    let mut gradients = Vec::new();
    for (s, i) in pairs(samples, inputs) {
        let factors = (0..outputs).map(|o| (delta[s * outputs + o], weights[i * outputs + o]));
        gradients.push(Below::backward(product_sum(None, factors), x[s * inputs + i]));
    }
    gradients
}

/// Each gradient from its first product on, or from the sum so far, and the update with it: weights, then biases.
fn plain_update<O: Optimizer>(
    rule: &Rule<O>,
    [inputs, outputs, samples]: [usize; 3],
    x: &[f32],
    delta: &[f32],
    parameters: &mut [f32],
    slots: &mut [O::Slot],
) {
    for (i, o) in pairs(inputs + 1, outputs) {
        let (parameter, slot) = (&mut parameters[i * outputs + o], &mut slots[i * outputs + o]);
        // The input of a bias is 1: `1·delta` is `delta`, bit for bit.
        let input = |s: usize| if i < inputs { x[s * inputs + i] } else { 1.0 };
        let factors = (0..samples).map(|s| (input(s), delta[s * outputs + o]));
        let gradient = product_sum(rules::running_sum::<O>(&rule.step, slot), factors);
        *parameter = O::update(&rule.step, *parameter, gradient, slot);
    }
}

fn pairs(first: usize, second: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..first).flat_map(move |i| (0..second).map(move |j| (i, j)))
}

/// `Σ x·w`, from the first product on if there is no sum so far.
fn product_sum(start: Option<f32>, factors: impl Iterator<Item = (f32, f32)>) -> f32 {
    let sum = factors.fold(start, |sum, (x, w)| Some(sum.map_or(x * w, |sum| sum + x * w)));
    sum.unwrap_or(0.0)
}

struct Forward<'a, const IN: usize, const OUT: usize, const B: usize>(&'a Layer<IN, OUT, B>);

impl<const IN: usize, const OUT: usize, const B: usize> Check for Forward<'_, IN, OUT, B> {
    fn run<K: Kernels>(&self) {
        let Layer { x, weights, bias, .. } = self.0;
        self.0.forward(&mut |z| K::forward::<AtMost<B>, IN, OUT, _>(&x[..], weights, bias, z));
        // A batch that is not full.
        self.0.forward(&mut |z| K::forward::<AtMost<100>, IN, OUT, _>(&x[..], weights, bias, z));
    }
}

struct BackwardOf<'a, const IN: usize, const OUT: usize, const B: usize, O: Optimizer>(
    &'a Layer<IN, OUT, B>,
    &'a Rule<O>,
);

impl<const IN: usize, const OUT: usize, const B: usize, O> Check for BackwardOf<'_, IN, OUT, B, O>
where
    O: Optimizer<Slot: Numbers>,
{
    fn run<K: Kernels>(&self) {
        let Self(layer, rule) = self;
        layer.first(rule, &mut |inputs, parameters, columns| {
            let (inputs, delta) = (&inputs[..], &layer.delta);
            K::backward_first::<AtMost<B>, IN, OUT, O, _>(inputs, delta, parameters, columns, &rule.step);
        });
        layer.inner::<Tanh, O>(rule, &mut |inputs, parameters, columns| {
            K::backward_inner::<AtMost<B>, IN, OUT, O, Tanh>(inputs, &layer.delta, parameters, columns, &rule.step);
        });
        layer.first(rule, &mut |inputs, parameters, columns| {
            let (inputs, delta) = (&inputs[..], &layer.delta);
            K::backward_first::<AtMost<100>, IN, OUT, O, _>(inputs, delta, parameters, columns, &rule.step);
        });
        layer.inner::<Relu, O>(rule, &mut |inputs, parameters, columns| {
            K::backward_inner::<AtMost<100>, IN, OUT, O, Relu>(inputs, &layer.delta, parameters, columns, &rule.step);
        });
    }
}

/// Forward, and backward by a rule without slots.
fn check<const IN: usize, const OUT: usize, const B: usize>() {
    let layer = Layer::<IN, OUT, B>::new();
    each_kind(&Forward(&layer));
    each_kind(&BackwardOf(&layer, &sgd()));
}

/// The same, and backward by rules with slots.
fn check_with_slots<const IN: usize, const OUT: usize, const B: usize>() {
    check::<IN, OUT, B>();
    let layer = Layer::<IN, OUT, B>::new();
    each_kind(&BackwardOf(&layer, &adam()));
    each_kind(&BackwardOf(&layer, &a_sum_that_goes_on()));
}

#[test]
fn each_kind_gives_the_bits_of_the_plain_loops() {
    check_with_slots::<3, 5, 2>();
    check_with_slots::<5, 7, 1>();
    check::<10, 1, 3>();
    check::<1, 2, 17>();
    if cfg!(miri) {
        return; // The others take it many minutes.
    }
    check_with_slots::<19, 50, 29>();
    check::<17, 33, 1>();
    check::<6, 10, 70>();
    check::<21, 9, 20>();
    check::<17, 6, 31>();
    check_with_slots::<37, 1, 18>();
    check_with_slots::<36, 2, 35>();
    check::<29, 3, 21>();
}

/// Those of processors without vectors, for one sample, with more rows than are saved at a time.
#[test]
fn loops_of_one_sample_give_the_bits_of_the_plain_loops() {
    fn check<O: Optimizer<Slot: Numbers>>(rule: &Rule<O>) {
        let layer = Layer::<37, 5, 1>::new();
        let ([delta], step) = (&layer.delta, &rule.step);
        layer.first(rule, &mut |[x], parameters, _| one_sample::first::<Portable, _, _, O>(x, delta, parameters, step));
        layer.inner::<Tanh, _>(rule, &mut |[inputs], parameters, _| {
            one_sample::inner::<Portable, _, _, O, Tanh>(inputs, delta, parameters, step);
        });
    }
    check(&sgd());
    check(&adam());
    check(&a_sum_that_goes_on());
}

#[test]
fn chosen_sqrt_gives_the_bits_of_the_portable_one() {
    // A prime stride over all bit patterns: subnormals, normals, infinities, NaN, both signs.
    for bits in (0..=u32::MAX).step_by(if cfg!(miri) { 10_000_019 } else { 10_007 }) {
        let x = f32::from_bits(bits);
        // Miri can't run the assembly that libm has for x86-64.
        let (chosen, portable) = (sqrt(x), if cfg!(miri) { x.sqrt() } else { portable::sqrt(x) });
        assert!(
            chosen.to_bits() == portable.to_bits() || (chosen.is_nan() && portable.is_nan()),
            "√{x:e} ({bits:#010x}): {chosen:e} and {portable:e}"
        );
    }
}

/// What is known of a rule has a body of its own on some processors.
#[test]
fn rules_are_known_by_their_types() {
    let mut wrapped = WeightDecay::new(0.0, Sgd::new(0.1));
    assert_eq!(rules::sgd_rate::<Sgd>(&0.1), Some(0.1));
    assert_eq!(rules::sgd_rate::<WeightDecay<Sgd>>(&wrapped.begin_step()), None);
    assert!(
        rules::adam::<Adam>(&Adam::new(0.1).begin_step(), &mut [Moments::ZERO; 3]).is_some_and(|(_, m)| m.len() == 3)
    );
    assert!(rules::adam::<Sgd>(&0.1, &mut [()]).is_none());
    assert_eq!(rules::running_sum::<StoreGradient>(&true, &2.0), Some(2.0));
    assert_eq!(rules::running_sum::<StoreGradient>(&false, &2.0), None);
    assert_eq!(rules::running_sum::<Momentum>(&Momentum::new(0.1).begin_step(), &2.0), None);
    assert!(rules::is_relu::<Relu>() && !rules::is_relu::<Tanh>());
}

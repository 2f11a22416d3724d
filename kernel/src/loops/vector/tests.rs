//! Each kind of vectors against plain loops, bit for bit, in sizes on both sides of every tile.
//!
//! Only the loops themselves are compiled for each kind and shape. What they are held against is functions of slices.

extern crate std; // for what the plain loops give

use core::marker::PhantomData;
use std::vec::Vec;

use super::{First, Inner, Products};
use crate::activation::{Activation, Tanh};
use crate::arch;
use crate::loops::{COLUMNS, Parameters};
use crate::optimizer::{Adam, Moments, Optimizer, Sgd, Slot, StoreGradient};
use crate::zero::Zero;

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

    fn first<O: Optimizer<Slot: Numbers>>(&self, rule: &Rule<O>, run: Sweep<'_, IN, OUT, B, O>) {
        assert_same_bits(self.sweep(rule, run).as_flattened(), self.x.as_flattened(), Self::SIZES, "input");
    }

    fn inner<O: Optimizer<Slot: Numbers>>(&self, rule: &Rule<O>, run: Sweep<'_, IN, OUT, B, O>) {
        let inputs = self.sweep(rule, run);
        let [x, weights, delta] = [self.x.as_flattened(), self.weights.as_flattened(), self.delta.as_flattened()];
        let plain = plain_input_gradient::<Tanh>(Self::SIZES, x, weights, delta);
        assert_same_bits(inputs.as_flattened(), &plain, Self::SIZES, "input gradient");
    }

    /// Compares the parameters and slots that a sweep leaves; gives back what it leaves of its input.
    fn sweep<O: Optimizer<Slot: Numbers>>(&self, rule: &Rule<O>, run: Sweep<'_, IN, OUT, B, O>) -> [[f32; IN]; B] {
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

/// A sweep: input, parameters, and columns for it.
type Sweep<'a, const IN: usize, const OUT: usize, const B: usize, O> =
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
        gradients.push(Below::through(product_sum(None, factors), x[s * inputs + i]));
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
        let gradient = product_sum(O::running_sum(&rule.step, slot), factors);
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

/// Forward, and sweeps by a rule without slots.
fn check<const IN: usize, const OUT: usize, const B: usize>() {
    let layer = Layer::<IN, OUT, B>::new();
    for kind in arch::kinds() {
        layer.forward(&mut |z| {
            arch::dispatch_to(kind, Products { x: &layer.x[..], weights: &layer.weights, bias: &layer.bias, z });
        });
    }
    sweeps(&layer, &sgd());
}

/// The same, and sweeps by rules with slots.
fn check_with_slots<const IN: usize, const OUT: usize, const B: usize>() {
    check::<IN, OUT, B>();
    let layer = Layer::<IN, OUT, B>::new();
    sweeps(&layer, &adam());
    sweeps(&layer, &a_sum_that_goes_on());
}

fn sweeps<const IN: usize, const OUT: usize, const B: usize, O: Optimizer<Slot: Numbers>>(
    layer: &Layer<IN, OUT, B>,
    rule: &Rule<O>,
) {
    let (delta, Rule { step, .. }) = (&layer.delta, rule);
    for kind in arch::kinds() {
        layer.first(rule, &mut |inputs, parameters, columns| {
            arch::dispatch_to(kind, First { inputs: &inputs[..], delta, parameters, columns, step });
        });
        layer.inner(rule, &mut |inputs, parameters, columns| {
            let below = PhantomData::<Tanh>;
            arch::dispatch_to(kind, Inner { inputs, delta, parameters, columns, step, below });
        });
    }
}

#[test]
fn vectors_of_any_length_give_the_bits_of_the_plain_loops() {
    check_with_slots::<3, 5, 2>();
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
    check::<18, 5, 17>();
    check::<20, 7, 17>();
    check_with_slots::<37, 1, 18>();
    check_with_slots::<36, 2, 35>();
    check::<3, 1, 33>();
    check::<29, 3, 21>();
    check::<1, 6, 22>();
}

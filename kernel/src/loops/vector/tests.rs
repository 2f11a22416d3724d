//! Each kind of vectors against plain loops, bit for bit, in sizes on both sides of every tile.

use core::marker::PhantomData;

use super::{First, Inner, Products};
use crate::activation::{Activation, Tanh};
use crate::arch::{self, Vector, Work};
use crate::loops::{COLUMNS, Parameters, tiny};
use crate::optimizer::{Adam, Optimizer, Sgd, StoreGradient};
use crate::zero::Zero;

/// Numbers of either sign, none of them round.
fn filled<const ROWS: usize, const N: usize>(seed: u32) -> [[f32; N]; ROWS] {
    let mut state = seed;
    [[0.0; N]; ROWS].map(|row| {
        row.map(|_: f32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 16_777_216.0 - 0.4
        })
    })
}

/// A layer of these sizes and this number of samples, by the vectors that it is told to run with.
struct Layer<const IN: usize, const OUT: usize, const B: usize, const SLOTS: bool = false>;

impl<const IN: usize, const OUT: usize, const B: usize, const SLOTS: bool> Work for Layer<IN, OUT, B, SLOTS> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        Self::forward::<V>(false);
        Self::first::<V, Sgd>(Sgd::new(0.1), false);
        if const { SLOTS } {
            Self::first::<V, Adam>(Adam::new(0.1), false);
            Self::goes_on_with_a_sum::<V>(false);
        }
        Self::inner::<V, Sgd>(Sgd::new(0.1), false);
        if const { SLOTS } {
            Self::inner::<V, Adam>(Adam::new(0.1), false);
        }
    }
}

impl<const IN: usize, const OUT: usize, const B: usize, const SLOTS: bool> Layer<IN, OUT, B, SLOTS> {
    fn assert_same_bits(left: &[f32], right: &[f32], what: &str) {
        for (index, (left, right)) in left.iter().zip(right).enumerate() {
            assert_eq!(left.to_bits(), right.to_bits(), "{what} {index}; {IN} inputs, {OUT} outputs, {B} samples");
        }
    }

    #[inline(always)]
    fn forward<V: Vector>(tiny: bool) {
        let (x, weights, [bias]) = (filled::<B, IN>(1), filled::<IN, OUT>(2), filled::<1, OUT>(3));
        let mut plain = [bias; B];
        for (z, x) in plain.iter_mut().zip(&x) {
            for (x, row) in x.iter().zip(&weights) {
                for (z, w) in z.iter_mut().zip(row) {
                    *z = plain_multiply_add(*z, *x, *w);
                }
            }
        }
        let mut z = [[0.0; OUT]; B];
        if tiny {
            tiny::forward::<B, IN, OUT, _>(&x[..], &weights, &bias, &mut z);
        } else {
            Products { x: &x[..], weights: &weights, bias: &bias, z: &mut z }.run::<V>();
        }
        Self::assert_same_bits(z.as_flattened(), plain.as_flattened(), "output");
    }

    #[inline(always)]
    fn first<V: Vector, O: Optimizer>(mut optimizer: O, tiny: bool) {
        let step = &optimizer.begin_step();
        let (inputs, delta) = (&filled::<B, IN>(1)[..], &filled::<B, OUT>(4));
        let (mut weights, [mut bias]) = (filled::<IN, OUT>(2), filled::<1, OUT>(3));
        let (mut plain_weights, mut plain_bias) = (weights, bias);
        plain_update::<O, IN, OUT>(inputs, delta, &mut plain_weights, &mut plain_bias, step);

        let (mut weight_slots, mut bias_slots) = ([[O::Slot::ZERO; OUT]; IN], [O::Slot::ZERO; OUT]);
        let parameters: Parameters<'_, IN, OUT, O> = Parameters {
            weights: &mut weights,
            weight_slots: &mut weight_slots,
            bias: &mut bias,
            bias_slots: &mut bias_slots,
        };
        let columns = &mut [[0.0; COLUMNS]; B];
        if tiny {
            tiny::first::<B, IN, OUT, O, _>(inputs, delta, parameters, step);
        } else {
            First { inputs, delta, parameters, columns, step }.run::<V>();
        }
        Self::assert_same_bits(weights.as_flattened(), plain_weights.as_flattened(), "weight");
        Self::assert_same_bits(&bias, &plain_bias, "bias");
    }

    #[inline(always)]
    fn inner<V: Vector, O: Optimizer>(mut optimizer: O, tiny: bool) {
        let step = &optimizer.begin_step();
        let (mut inputs, delta) = (filled::<B, IN>(1), &filled::<B, OUT>(4));
        let (mut weights, [mut bias]) = (filled::<IN, OUT>(2), filled::<1, OUT>(3));
        let (mut plain_weights, mut plain_bias) = (weights, bias);
        let mut plain = inputs;
        for ((gradients, delta), x) in plain.iter_mut().zip(delta).zip(&inputs) {
            for ((gradient, row), x) in gradients.iter_mut().zip(&weights).zip(x) {
                *gradient = Tanh::through(product_sum(row.iter().zip(delta).map(|(w, delta)| (*delta, *w))), *x);
            }
        }
        plain_update::<O, IN, OUT>(&inputs, delta, &mut plain_weights, &mut plain_bias, step);

        let (mut weight_slots, mut bias_slots) = ([[O::Slot::ZERO; OUT]; IN], [O::Slot::ZERO; OUT]);
        let parameters: Parameters<'_, IN, OUT, O> = Parameters {
            weights: &mut weights,
            weight_slots: &mut weight_slots,
            bias: &mut bias,
            bias_slots: &mut bias_slots,
        };
        let columns = &mut [[0.0; COLUMNS]; B];
        if tiny {
            tiny::inner::<B, IN, OUT, O, Tanh>(&mut inputs, delta, parameters, step);
        } else {
            Inner { inputs: &mut inputs, delta, parameters, columns, step, below: PhantomData::<Tanh> }.run::<V>();
        }
        Self::assert_same_bits(inputs.as_flattened(), plain.as_flattened(), "input gradient");
        Self::assert_same_bits(weights.as_flattened(), plain_weights.as_flattened(), "weight");
        Self::assert_same_bits(&bias, &plain_bias, "bias");
    }

    /// Gradients that are added to those of an earlier batch.
    #[inline(always)]
    fn goes_on_with_a_sum<V: Vector>(tiny: bool) {
        const GOES_ON: &bool = &true;
        let (mut inputs, delta) = (filled::<B, IN>(1), &filled::<B, OUT>(4));
        let (before, [bias_before]) = (filled::<IN, OUT>(5), filled::<1, OUT>(6));
        let (mut sums, mut bias_sums) = (before, bias_before);
        for (x, delta) in inputs.iter().zip(delta) {
            for (sums, x) in sums.iter_mut().zip(x) {
                for (sum, delta) in sums.iter_mut().zip(delta) {
                    *sum = plain_multiply_add(*sum, *x, *delta);
                }
            }
            for (sum, delta) in bias_sums.iter_mut().zip(delta) {
                *sum += delta;
            }
        }
        let columns = &mut [[0.0; COLUMNS]; B];
        for first in [true, false] {
            let (mut weights, [mut bias]) = (filled::<IN, OUT>(2), filled::<1, OUT>(3));
            let (mut weight_slots, mut bias_slots) = (before, bias_before);
            let parameters: Parameters<'_, IN, OUT, StoreGradient> = Parameters {
                weights: &mut weights,
                weight_slots: &mut weight_slots,
                bias: &mut bias,
                bias_slots: &mut bias_slots,
            };
            if tiny && first {
                tiny::first::<B, IN, OUT, StoreGradient, _>(&inputs[..], delta, parameters, GOES_ON);
            } else if tiny {
                tiny::inner::<B, IN, OUT, StoreGradient, Tanh>(&mut inputs, delta, parameters, GOES_ON);
            } else if first {
                First { inputs: &inputs[..], delta, parameters, columns, step: GOES_ON }.run::<V>();
            } else {
                let below = PhantomData::<Tanh>;
                Inner { inputs: &mut inputs, delta, parameters, columns, step: GOES_ON, below }.run::<V>();
            }
            Self::assert_same_bits(weight_slots.as_flattened(), sums.as_flattened(), "sum");
            Self::assert_same_bits(&bias_slots, &bias_sums, "sum of bias");
        }
    }
}

/// `sum + x·w`; with feature `fma` rounded once, by the portable routine.
fn plain_multiply_add(sum: f32, x: f32, w: f32) -> f32 {
    if cfg!(feature = "fma") { arch::portable::fused(x, w, sum) } else { sum + x * w }
}

/// `Σ x·w`, from the first product on.
fn product_sum(mut factors: impl Iterator<Item = (f32, f32)>) -> f32 {
    let first = factors.next().map_or(0.0, |(x, w)| x * w);
    factors.fold(first, |sum, (x, w)| plain_multiply_add(sum, x, w))
}

fn plain_update<O: Optimizer, const IN: usize, const OUT: usize>(
    inputs: &[[f32; IN]],
    delta: &[[f32; OUT]],
    weights: &mut [[f32; OUT]; IN],
    bias: &mut [f32; OUT],
    step: &O::Step,
) {
    for (i, row) in weights.iter_mut().enumerate() {
        for (o, weight) in row.iter_mut().enumerate() {
            let gradient = product_sum(inputs.iter().zip(delta).map(|(x, delta)| (x[i], delta[o])));
            *weight = O::update(step, *weight, gradient, &mut { O::Slot::ZERO });
        }
    }
    for (o, bias) in bias.iter_mut().enumerate() {
        let mut terms = delta.iter().map(|delta| delta[o]);
        let first = terms.next().unwrap_or(0.0);
        *bias = O::update(step, *bias, terms.fold(first, |sum, term| sum + term), &mut { O::Slot::ZERO });
    }
}

/// The loops of tiny layers, for one sample and for a few.
#[test]
fn tiny_layers_have_the_bits_of_the_plain_loops() {
    fn check<const IN: usize, const OUT: usize, const B: usize>() {
        Layer::<IN, OUT, B>::forward::<[f32; 4]>(true);
        Layer::<IN, OUT, B>::first::<[f32; 4], Sgd>(Sgd::new(0.1), true);
        Layer::<IN, OUT, B>::first::<[f32; 4], Adam>(Adam::new(0.1), true);
        Layer::<IN, OUT, B>::inner::<[f32; 4], Sgd>(Sgd::new(0.1), true);
        Layer::<IN, OUT, B>::inner::<[f32; 4], Adam>(Adam::new(0.1), true);
        Layer::<IN, OUT, B>::goes_on_with_a_sum::<[f32; 4]>(true);
    }
    check::<2, 3, 1>();
    check::<3, 1, 3>();
    check::<2, 5, 4>();
}

/// A batch that is not full.
#[test]
fn tiny_layers_take_fewer_samples_than_they_may() {
    let (x, weights, [bias]) = (filled::<3, 2>(1), filled::<2, 3>(2), filled::<1, 3>(3));
    let (mut few, mut all) = ([[0.0; 3]; 3], [[0.0; 3]; 3]);
    tiny::forward::<4, 2, 3, _>(&x[..], &weights, &bias, &mut few);
    tiny::forward::<3, 2, 3, _>(&x[..], &weights, &bias, &mut all);
    assert_eq!(few, all);
    // With no sample a batch of one has nothing to do.
    tiny::forward::<1, 2, 3, _>(&x[..], &weights, &bias, &mut []);
}

#[test]
fn vectors_of_any_length_give_the_bits_of_the_plain_loops() {
    arch::run_by_all(|| Layer::<3, 5, 2, true>);
    arch::run_by_all(|| Layer::<10, 1, 3>);
    arch::run_by_all(|| Layer::<1, 2, 17>);
    if cfg!(miri) {
        return; // The others take it many minutes.
    }
    arch::run_by_all(|| Layer::<19, 50, 29, true>);
    arch::run_by_all(|| Layer::<17, 33, 1>);
    arch::run_by_all(|| Layer::<6, 10, 70>);
    arch::run_by_all(|| Layer::<21, 9, 20>);
    arch::run_by_all(|| Layer::<17, 6, 31>);
    arch::run_by_all(|| Layer::<18, 5, 17>);
    arch::run_by_all(|| Layer::<20, 7, 17>);
    arch::run_by_all(|| Layer::<37, 1, 18, true>);
    arch::run_by_all(|| Layer::<36, 2, 35, true>);
    arch::run_by_all(|| Layer::<3, 1, 33>);
    arch::run_by_all(|| Layer::<29, 3, 21>);
    arch::run_by_all(|| Layer::<1, 6, 22>);
}

//! The gradient of a few rows of weights, and their update with it.

use super::tile::{COLUMNS, LANES, SCALAR, floats, is_tiny, lanes, lanes_mut, multiply_add};
use crate::arch;
use crate::optimizer::Optimizer;

/// What a row of weights is multiplied with in the forward pass, sample by sample.
pub(super) trait Columns<const C: usize> {
    /// Adds the products of sample `s`'s inputs with its `delta`.
    fn add_sample<const V: usize>(&self, s: usize, delta: &[f32; V], sums: &mut [[f32; V]; C]);

    /// Adds the products of all samples by the processor's own loop; says whether there is one.
    #[inline(always)]
    fn add_products<const V: usize, const OUT: usize>(
        &self,
        _delta: &[[f32; OUT]],
        _at: usize,
        _sums: &mut [[f32; V]; C],
    ) -> bool {
        false
    }

    /// Takes `rate` times their sum off the weights of all outputs, likewise.
    #[inline(always)]
    fn descend<const OUT: usize>(&self, _rate: f32, _delta: &[[f32; OUT]], _rows: &mut [[f32; OUT]; C]) -> bool {
        false
    }
}

/// The saved input columns.
impl<const C: usize> Columns<C> for [[f32; COLUMNS]] {
    #[inline(always)]
    fn add_sample<const V: usize>(&self, s: usize, delta: &[f32; V], sums: &mut [[f32; V]; C]) {
        if let Some(saved) = self.get(s) {
            for (sums, x) in sums.iter_mut().zip(saved) {
                multiply_add(sums, *x, delta);
            }
        }
    }

    #[inline(always)]
    fn add_products<const V: usize, const OUT: usize>(
        &self,
        delta: &[[f32; OUT]],
        at: usize,
        sums: &mut [[f32; V]; C],
    ) -> bool {
        arch::weight_gradient(self, delta, at, sums)
    }

    #[inline(always)]
    fn descend<const OUT: usize>(&self, rate: f32, delta: &[[f32; OUT]], rows: &mut [[f32; OUT]; C]) -> bool {
        arch::descend_batch(rate, self, delta, rows)
    }
}

/// The input of a bias.
pub(super) struct Ones;

impl Columns<1> for Ones {
    #[inline(always)]
    fn add_sample<const V: usize>(&self, _s: usize, delta: &[f32; V], [sums]: &mut [[f32; V]; 1]) {
        for (sum, delta) in sums.iter_mut().zip(delta) {
            *sum += delta;
        }
    }
}

/// Gradients of `C` rows, tile by tile, each handed to the optimizer; plain descent by the processor's own loop all at once.
#[inline(always)]
pub(super) fn gradient_tiles<const C: usize, const OUT: usize, O: Optimizer, K: Columns<C> + ?Sized>(
    delta: &[[f32; OUT]],
    columns: &K,
    rows: &mut [[f32; OUT]; C],
    slots: &mut [[O::Slot; OUT]; C],
    step: &O::Step,
) {
    if let Some(rate) = O::plain_rate(step)
        && columns.descend(rate, delta, rows)
    {
        return;
    }
    let mut at = 0;
    if const { OUT >= LANES } {
        while at + LANES <= OUT {
            arch::no_unroll();
            gradient_tile::<C, LANES, OUT, O, K>(delta, columns, rows, slots, at, step);
            at += LANES;
        }
    }
    #[allow(clippy::modulo_one)] // one lane, where there is no FPU
    match const { OUT % LANES } {
        1 => gradient_tile::<C, 1, OUT, O, K>(delta, columns, rows, slots, at, step),
        2 => gradient_tile::<C, 2, OUT, O, K>(delta, columns, rows, slots, at, step),
        3 => gradient_tile::<C, 3, OUT, O, K>(delta, columns, rows, slots, at, step),
        4 => gradient_tile::<C, 4, OUT, O, K>(delta, columns, rows, slots, at, step),
        5 => gradient_tile::<C, 5, OUT, O, K>(delta, columns, rows, slots, at, step),
        6 => gradient_tile::<C, 6, OUT, O, K>(delta, columns, rows, slots, at, step),
        7 => gradient_tile::<C, 7, OUT, O, K>(delta, columns, rows, slots, at, step),
        _ => {}
    }
}

/// `∇W[c][at+v] = Σ_s x[s][c]·delta[s][at+v]`, and the optimizer's update with it.
///
/// # Order and rounding
/// Each sum starts with the product of sample 0 (or goes on from [`Optimizer::running_sum`]) and adds samples 1, 2, ….
#[inline(always)]
fn gradient_tile<const C: usize, const V: usize, const OUT: usize, O: Optimizer, K: Columns<C> + ?Sized>(
    delta: &[[f32; OUT]],
    columns: &K,
    rows: &mut [[f32; OUT]; C],
    slots: &mut [[O::Slot; OUT]; C],
    at: usize,
    step: &O::Step,
) {
    let sums = gradient_sums::<C, V, OUT, O, K>(delta, columns, slots, at, step);
    for ((row, slots), sums) in rows.iter_mut().zip(slots).zip(sums) {
        arch::no_unroll();
        let (Some(row), Some(slots)) = (lanes_mut::<V, OUT, f32>(row, at), lanes_mut::<V, OUT, O::Slot>(slots, at))
        else {
            return;
        };
        if const { SCALAR && !is_tiny(C, OUT) } {
            update_values::<O>(row, slots, &sums, step);
        } else {
            for ((parameter, slot), gradient) in row.iter_mut().zip(slots).zip(sums) {
                *parameter = O::update(step, *parameter, gradient, slot);
            }
        }
    }
}

/// `Σ_s x[s][c]·delta[s][at+v]`.
#[inline(always)]
fn gradient_sums<const C: usize, const V: usize, const OUT: usize, O: Optimizer, K: Columns<C> + ?Sized>(
    delta: &[[f32; OUT]],
    columns: &K,
    slots: &[[O::Slot; OUT]; C],
    at: usize,
    step: &O::Step,
) -> [[f32; V]; C] {
    // A sum that starts from -0 has the bits of one that starts with its first product, whatever that is.
    let mut sums = [[-0.0; V]; C];
    for (sum, slots) in sums.iter_mut().zip(slots) {
        if let Some(slots) = lanes::<V, OUT, O::Slot>(slots, at) {
            for (sum, slot) in sum.iter_mut().zip(slots) {
                if let Some(before) = O::running_sum(step, slot) {
                    *sum = before;
                }
            }
        }
    }
    if !columns.add_products(delta, at, &mut sums)
        && let Some((first, others)) = delta.split_first()
    {
        // The first stands apart: the compiler knows that adding to -0 is nothing to do.
        columns.add_sample(0, &floats::<V, OUT>(first, at), &mut sums);
        for (s, delta) in others.iter().enumerate() {
            columns.add_sample(s + 1, &floats::<V, OUT>(delta, at), &mut sums);
        }
    }
    sums
}

/// Neighbouring parameters from old values to new ones: one small loop for all layers.
#[inline(never)]
fn update_values<O: Optimizer>(parameters: &mut [f32], slots: &mut [O::Slot], gradients: &[f32], step: &O::Step) {
    for ((parameter, slot), gradient) in parameters.iter_mut().zip(slots).zip(gradients) {
        *parameter = O::update(step, *parameter, *gradient, slot);
    }
}

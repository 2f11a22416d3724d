//! The gradient of a few rows of weights, and their update with it.

use super::tile::{COLUMNS, LANES, floats, is_tiny, lanes, lanes_mut, multiply_add};
use crate::kernels::processor::{SCALAR, no_unroll};
use crate::kernels::{Kernels, rules};
use crate::optimizer::Optimizer;

/// What `C` rows of weights are multiplied with in the forward pass.
pub(in crate::kernels) trait Columns<const C: usize, const OUT: usize> {
    /// Adds the products of all samples with `V` outputs from `at` on.
    fn add_samples<K: Kernels, const V: usize>(&self, delta: &[[f32; OUT]], at: usize, sums: &mut [[f32; V]; C]);
}

/// The same, sample by sample.
pub(in crate::kernels) trait SampleColumns<const C: usize> {
    /// Adds the products of sample `s`'s inputs with its `delta`.
    fn add_sample<const V: usize>(&self, s: usize, delta: &[f32; V], sums: &mut [[f32; V]; C]);
}

/// The saved input columns.
impl<const C: usize, const OUT: usize> Columns<C, OUT> for [[f32; COLUMNS]] {
    #[inline(always)]
    fn add_samples<K: Kernels, const V: usize>(&self, delta: &[[f32; OUT]], at: usize, sums: &mut [[f32; V]; C]) {
        K::add_products::<C, V, OUT>(self, delta, at, sums);
    }
}

impl<const C: usize> SampleColumns<C> for [[f32; COLUMNS]] {
    #[inline(always)]
    fn add_sample<const V: usize>(&self, s: usize, delta: &[f32; V], sums: &mut [[f32; V]; C]) {
        if let Some(saved) = self.get(s) {
            for (sums, x) in sums.iter_mut().zip(saved) {
                multiply_add(sums, *x, delta);
            }
        }
    }
}

/// The input of a bias.
pub(super) struct Ones;

impl<const OUT: usize> Columns<1, OUT> for Ones {
    #[inline(always)]
    fn add_samples<K: Kernels, const V: usize>(&self, delta: &[[f32; OUT]], at: usize, sums: &mut [[f32; V]; 1]) {
        add_products(self, delta, at, sums);
    }
}

impl SampleColumns<1> for Ones {
    #[inline(always)]
    fn add_sample<const V: usize>(&self, _s: usize, delta: &[f32; V], [sums]: &mut [[f32; V]; 1]) {
        for (sum, delta) in sums.iter_mut().zip(delta) {
            *sum += delta;
        }
    }
}

/// See [`Kernels::update_tile`].
#[inline(always)]
pub(in crate::kernels) fn update_tile<
    K: Kernels,
    const C: usize,
    const OUT: usize,
    O: Optimizer,
    S: Columns<C, OUT> + ?Sized,
>(
    delta: &[[f32; OUT]],
    columns: &S,
    rows: &mut [[f32; OUT]; C],
    slots: &mut [[O::Slot; OUT]; C],
    step: &O::Step,
) {
    let mut at = 0_usize;
    if const { OUT >= LANES } {
        while at.wrapping_add(LANES) <= OUT {
            no_unroll();
            gradient_tile::<K, C, LANES, OUT, O, S>(delta, columns, rows, slots, at, step);
            at = at.wrapping_add(LANES);
        }
    }
    #[allow(clippy::modulo_one)] // one lane, where there is no FPU
    match const { OUT % LANES } {
        1 => gradient_tile::<K, C, 1, OUT, O, S>(delta, columns, rows, slots, at, step),
        2 => gradient_tile::<K, C, 2, OUT, O, S>(delta, columns, rows, slots, at, step),
        3 => gradient_tile::<K, C, 3, OUT, O, S>(delta, columns, rows, slots, at, step),
        4 => gradient_tile::<K, C, 4, OUT, O, S>(delta, columns, rows, slots, at, step),
        5 => gradient_tile::<K, C, 5, OUT, O, S>(delta, columns, rows, slots, at, step),
        6 => gradient_tile::<K, C, 6, OUT, O, S>(delta, columns, rows, slots, at, step),
        7 => gradient_tile::<K, C, 7, OUT, O, S>(delta, columns, rows, slots, at, step),
        _ => {}
    }
}

/// `∇W[c][at+v] = Σ_s x[s][c]·delta[s][at+v]`, and the optimizer's update with it.
///
/// # Order and rounding
/// Each sum starts with the product of sample 0 (or goes on from [`rules::running_sum`]) and adds samples 1, 2, ….
#[inline(always)]
pub(super) fn gradient_tile<
    K: Kernels,
    const C: usize,
    const V: usize,
    const OUT: usize,
    O: Optimizer,
    S: Columns<C, OUT> + ?Sized,
>(
    delta: &[[f32; OUT]],
    columns: &S,
    rows: &mut [[f32; OUT]; C],
    slots: &mut [[O::Slot; OUT]; C],
    at: usize,
    step: &O::Step,
) {
    // A sum that starts from -0 has the bits of one that starts with its first product, whatever that is.
    let mut sums = [[-0.0; V]; C];
    gradient_sums::<K, C, V, OUT, O, S>(delta, columns, slots, at, &mut sums, step);
    for ((row, slots), sums) in rows.iter_mut().zip(slots).zip(&sums) {
        no_unroll();
        let (Some(row), Some(slots)) = (lanes_mut::<V, OUT, f32>(row, at), lanes_mut::<V, OUT, O::Slot>(slots, at))
        else {
            return;
        };
        if const { SCALAR && !is_tiny(C, OUT) } {
            K::update_values::<V, O>(row, slots, sums, step);
        } else {
            for ((parameter, slot), gradient) in row.iter_mut().zip(slots).zip(sums) {
                *parameter = O::update(step, *parameter, *gradient, slot);
            }
        }
    }
}

/// `Σ_s x[s][c]·delta[s][at+v]`, on top of `sums` or of what an optimizer goes on from.
#[inline(always)]
fn gradient_sums<
    K: Kernels,
    const C: usize,
    const V: usize,
    const OUT: usize,
    O: Optimizer,
    S: Columns<C, OUT> + ?Sized,
>(
    delta: &[[f32; OUT]],
    columns: &S,
    slots: &[[O::Slot; OUT]; C],
    at: usize,
    sums: &mut [[f32; V]; C],
    step: &O::Step,
) {
    if rules::accumulates::<O>(step) {
        for (sum, slots) in sums.iter_mut().zip(slots) {
            if let Some(slots) = lanes::<V, OUT, O::Slot>(slots, at) {
                for (sum, slot) in sum.iter_mut().zip(slots) {
                    *sum = rules::running_sum::<O>(step, slot).unwrap_or(*sum);
                }
            }
        }
    }
    columns.add_samples::<K, V>(delta, at, sums);
}

/// See [`Kernels::add_products`].
#[inline(always)]
pub(in crate::kernels) fn add_products<
    const C: usize,
    const V: usize,
    const OUT: usize,
    S: SampleColumns<C> + ?Sized,
>(
    columns: &S,
    delta: &[[f32; OUT]],
    at: usize,
    sums: &mut [[f32; V]; C],
) {
    if let Some((first, others)) = delta.split_first() {
        // The first stands apart: the compiler knows that adding to -0 is nothing to do.
        columns.add_sample(0, &floats::<V, OUT>(first, at), sums);
        // Counted by hand: `enumerate` leaves a panic where overflow is checked, and a zipped range a tenth more code.
        let mut s = 0_usize;
        for delta in others {
            s = s.wrapping_add(1);
            columns.add_sample(s, &floats::<V, OUT>(delta, at), sums);
        }
    }
}

/// See [`Kernels::update_values`]: one small loop for all layers.
#[inline(never)]
pub(in crate::kernels) fn update_values<O: Optimizer>(
    parameters: &mut [f32],
    slots: &mut [O::Slot],
    gradients: &[f32],
    step: &O::Step,
) {
    for ((parameter, slot), gradient) in parameters.iter_mut().zip(slots).zip(gradients) {
        *parameter = O::update(step, *parameter, *gradient, slot);
    }
}

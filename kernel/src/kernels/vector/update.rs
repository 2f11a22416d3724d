//! Gradients of weights and biases by vectors, and the optimizer's update with them.

use super::Vector;
use super::{LONGEST, Tile, accumulate, in_tiles, load, store};
use crate::kernels::portable::one_sample::gradient_of_one;
use crate::kernels::rules;
use crate::optimizer::Optimizer;

/// The gradients of some rows from their saved input columns, and their update.
#[inline(always)]
pub(super) fn update_rows<V: Vector, const R: usize, const IN: usize, const OUT: usize, O: Optimizer>(
    columns: &[[f32; R]],
    delta: &[[f32; OUT]],
    rows: &mut [[f32; OUT]],
    slots: &mut [[O::Slot; OUT]],
    step: &O::Step,
) {
    let left = if rows.len().is_multiple_of(4) { 0 } else { const { left_over(IN, R) } };
    let from = rows.len().saturating_sub(left);
    let (Some((fours, last)), Some((slot_fours, last_slots))) =
        (rows.split_at_mut_checked(from), slots.split_at_mut_checked(from))
    else {
        return; // never: there are as many slots as rows
    };
    let fours = fours.as_chunks_mut::<4>().0.iter_mut().zip(slot_fours.as_chunks_mut::<4>().0);
    for (index, (rows, slots)) in fours.enumerate() {
        in_tiles::<V, OUT, 4>(&mut Gradients::<4, R, OUT, O> { columns, from: 4 * index, delta, rows, slots, step });
    }
    match const { left_over(IN, R) } {
        1 => update_last::<V, 1, R, OUT, O>(columns, from, delta, last, last_slots, step),
        2 => update_last::<V, 2, R, OUT, O>(columns, from, delta, last, last_slots, step),
        3 => update_last::<V, 3, R, OUT, O>(columns, from, delta, last, last_slots, step),
        5 => update_last::<V, 5, R, OUT, O>(columns, from, delta, last, last_slots, step),
        _ => {}
    }
}

/// Rows after the last whole four of a layer: up to three, or five, because the sums of a single row would wait for each other.
const fn left_over(inputs: usize, tile: usize) -> usize {
    if inputs % 4 == 1 && inputs > 4 && tile > 4 && inputs % tile != 1 { 5 } else { inputs % 4 }
}

/// The same for the last `C` rows, if there are as many.
#[inline(always)]
fn update_last<V: Vector, const C: usize, const R: usize, const OUT: usize, O: Optimizer>(
    columns: &[[f32; R]],
    from: usize,
    delta: &[[f32; OUT]],
    rows: &mut [[f32; OUT]],
    slots: &mut [[O::Slot; OUT]],
    step: &O::Step,
) {
    if let (Some(rows), Some(slots)) = (rows.first_chunk_mut(), slots.first_chunk_mut()) {
        in_tiles::<V, OUT, C>(&mut Gradients::<C, R, OUT, O> { columns, from, delta, rows, slots, step });
    }
}

struct Gradients<'a, const C: usize, const R: usize, const OUT: usize, O: Optimizer> {
    columns: &'a [[f32; R]],
    from: usize,
    delta: &'a [[f32; OUT]],
    rows: &'a mut [[f32; OUT]; C],
    slots: &'a mut [[O::Slot; OUT]; C],
    step: &'a O::Step,
}

impl<V: Vector, const C: usize, const R: usize, const OUT: usize, O: Optimizer> Tile<V>
    for Gradients<'_, C, R, OUT, O>
{
    #[inline(always)]
    fn run<const N: usize>(&mut self, at: usize) {
        let mut sums = [[V::splat(0.0); N]; C];
        for (sums, slots) in sums.iter_mut().zip(&*self.slots) {
            *sums = start::<V, N, O>(slots, at, self.step);
        }
        for (column, delta) in self.columns.iter().zip(self.delta) {
            let x = column.get(self.from..).and_then(|x| x.first_chunk()).copied().unwrap_or([0.0; C]);
            accumulate(&mut sums, x, load::<V, N>(delta, at));
        }
        for ((row, slots), sums) in self.rows.iter_mut().zip(&mut *self.slots).zip(sums) {
            update::<V, N, O>(row, slots, sums, at, self.step);
        }
    }
}

/// What the sums of a gradient start from.
#[inline(always)]
pub(super) fn start<V: Vector, const N: usize, O: Optimizer>(slots: &[O::Slot], at: usize, step: &O::Step) -> [V; N] {
    // A sum that starts from -0 has the bits of one that starts with its first product, whatever that is.
    if !rules::accumulates::<O>(step) {
        return [V::splat(-0.0); N];
    }
    let mut before = [-0.0; LONGEST];
    for (before, slot) in before.iter_mut().zip(slots.get(at..).unwrap_or(&[])).take(N * V::LANES) {
        if let Some(sum) = rules::running_sum::<O>(step, slot) {
            *before = sum;
        }
    }
    load(&before, 0)
}

/// `N` vectors of parameters from old values to new ones.
#[inline(always)]
pub(super) fn update<V: Vector, const N: usize, O: Optimizer>(
    row: &mut [f32],
    slots: &mut [O::Slot],
    gradients: [V; N],
    at: usize,
    step: &O::Step,
) {
    if let Some(rate) = rules::sgd_rate::<O>(step) {
        let mut weights = load::<V, N>(row, at);
        for (weight, gradient) in weights.iter_mut().zip(gradients) {
            *weight = weight.subtract(V::splat(rate).multiply(gradient));
        }
        store(weights, row, at);
        return;
    }
    let mut values = [0.0; LONGEST];
    store(gradients, &mut values, 0);
    let parameters = row.get_mut(at..).unwrap_or(&mut []).iter_mut();
    let slots = slots.get_mut(at..).unwrap_or(&mut []);
    for ((parameter, slot), gradient) in parameters.zip(slots).zip(values).take(N * V::LANES) {
        *parameter = O::update(step, *parameter, gradient, slot);
    }
}

/// A row of weights by a single sample.
#[inline(always)]
pub(super) fn update_row<V: Vector, const OUT: usize, O: Optimizer>(
    row: &mut [f32; OUT],
    slots: &mut [O::Slot; OUT],
    x: f32,
    delta: &[f32; OUT],
    step: &O::Step,
) {
    if let Some(rate) = rules::sgd_rate::<O>(step) {
        let (x, rate) = (V::splat(x), V::splat(rate));
        let mut descend = |at| {
            let gradient = x.multiply(V::load(delta, at));
            V::load(row, at).subtract(rate.multiply(gradient)).store(row, at);
        };
        for index in 0..const { OUT / V::LANES } {
            descend(index * V::LANES);
        }
        if const { !OUT.is_multiple_of(V::LANES) } {
            descend(const { OUT - OUT % V::LANES });
        }
        return;
    }
    for ((parameter, slot), delta) in row.iter_mut().zip(slots).zip(delta) {
        let gradient = gradient_of_one::<O>(step, slot, x, *delta);
        *parameter = O::update(step, *parameter, gradient, slot);
    }
}

/// The bias is a row of weights whose input is 1: `1 · delta` is `delta`, bit for bit.
#[inline(always)]
pub(super) fn update_bias<V: Vector, const OUT: usize, O: Optimizer>(
    delta: &[[f32; OUT]],
    bias: &mut [f32; OUT],
    slots: &mut [O::Slot; OUT],
    step: &O::Step,
) {
    in_tiles::<V, OUT, 1>(&mut Bias::<OUT, O> { delta, bias, slots, step });
}

struct Bias<'a, const OUT: usize, O: Optimizer> {
    delta: &'a [[f32; OUT]],
    bias: &'a mut [f32; OUT],
    slots: &'a mut [O::Slot; OUT],
    step: &'a O::Step,
}

impl<V: Vector, const OUT: usize, O: Optimizer> Tile<V> for Bias<'_, OUT, O> {
    #[inline(always)]
    fn run<const N: usize>(&mut self, at: usize) {
        let mut sums = start::<V, N, O>(self.slots, at, self.step);
        for delta in self.delta {
            for (sum, delta) in sums.iter_mut().zip(load::<V, N>(delta, at)) {
                *sum = sum.add(delta);
            }
        }
        update::<V, N, O>(self.bias, self.slots, sums, at, self.step);
    }
}

//! Backward by vectors: the sums and updates of the [`portable`](crate::kernels::portable) loops, in the same order.

use core::marker::PhantomData;

use super::row_tile::{OUTPUTS, RowTile};
use super::update::{update_bias, update_row, update_rows};
use super::{Dispatch, Vector, WithSimd};
use crate::activation::Activation;
use crate::kernels::portable::{COLUMNS, InputRows, Parameters, sample_or_zeros};
use crate::optimizer::Optimizer;

/// See [`Kernels::backward_first`](crate::kernels::Kernels::backward_first).
#[inline(never)]
pub(super) fn first_outlined<D: Dispatch, const IN: usize, const OUT: usize, O: Optimizer, X>(
    inputs: &X,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) where
    X: InputRows<IN> + ?Sized,
{
    D::dispatch(First { inputs, delta, parameters, columns, step });
}

struct First<'a, const IN: usize, const OUT: usize, O: Optimizer, X: ?Sized> {
    inputs: &'a X,
    delta: &'a [[f32; OUT]],
    parameters: Parameters<'a, IN, OUT, O>,
    columns: &'a mut [[f32; COLUMNS]],
    step: &'a O::Step,
}

impl<const IN: usize, const OUT: usize, O: Optimizer, X> WithSimd for First<'_, IN, OUT, O, X>
where
    X: InputRows<IN> + ?Sized,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Vector>(self) {
        let Self { inputs, delta, parameters, columns, step } = self;
        let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
        if let ([delta], Some(x)) = (delta, inputs.row(0)) {
            for ((row, slots), x) in weights.iter_mut().zip(weight_slots).zip(x) {
                update_row::<V, OUT, O>(row, slots, *x, delta, step);
            }
        } else {
            let tiles = weights.chunks_mut(COLUMNS).zip(weight_slots.chunks_mut(COLUMNS));
            for (at, (rows, slots)) in (0..IN).step_by(COLUMNS).zip(tiles) {
                for (sample, saved) in columns.iter_mut().enumerate() {
                    let values = sample_or_zeros(inputs, sample).get(at..).unwrap_or(&[]);
                    copy(values, saved);
                }
                update_rows::<V, COLUMNS, IN, OUT, O>(columns, delta, rows, slots, step);
            }
        }
        update_bias::<V, OUT, O>(delta, bias, bias_slots, step);
    }
}

/// See [`Kernels::backward_inner`](crate::kernels::Kernels::backward_inner).
#[inline(never)]
pub(super) fn inner_outlined<D: Dispatch, const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
    inputs: &mut [[f32; IN]],
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    D::dispatch(Inner { inputs, delta, parameters, columns, step, below: PhantomData::<Below> });
}

struct Inner<'a, const IN: usize, const OUT: usize, O: Optimizer, Below> {
    inputs: &'a mut [[f32; IN]],
    delta: &'a [[f32; OUT]],
    parameters: Parameters<'a, IN, OUT, O>,
    columns: &'a mut [[f32; COLUMNS]],
    step: &'a O::Step,
    below: PhantomData<Below>,
}

impl<const IN: usize, const OUT: usize, O: Optimizer, Below: Activation> WithSimd for Inner<'_, IN, OUT, O, Below> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Vector>(self) {
        // Rows side by side: two vectors of short ones, one of long ones or where that holds all.
        // Asked one by one: of a `match` on a pair the compiler makes every arm, and then throws all but one away.
        if const { V::LANES == 4 && IN <= 4 } {
            self.by_columns::<V>();
        } else if const { V::LANES == 4 } {
            self.rows::<V, 8, 2>();
        } else if const { V::LANES == 8 && IN <= 8 } {
            self.rows::<V, 8, 1>();
        } else if const { V::LANES == 8 } {
            self.rows::<V, 16, 2>();
        } else {
            self.rows::<V, 16, 1>();
        }
    }
}

/// Samples whose input columns are saved on the stack, 4 KB at most.
///
/// The workspace has room for [`COLUMNS`] of each sample, the same on every processor; with so few rows at a time the input
/// gradient fills half a vector of eight, and needs samples side by side with one of sixteen. Larger batches take that.
const SAVED: usize = 64;

impl<const IN: usize, const OUT: usize, O: Optimizer, Below: Activation> Inner<'_, IN, OUT, O, Below> {
    /// As many rows at a time as the workspace has columns for.
    #[inline(always)]
    fn by_columns<V: Vector>(mut self) {
        let columns = core::mem::take(&mut self.columns);
        self.in_tiles_of_rows::<V, COLUMNS, 1>(columns);
    }

    /// `R` rows at a time as `N` vectors.
    #[inline(always)]
    fn rows<V: Vector, const R: usize, const N: usize>(self) {
        let (mut one, mut few, mut many);
        let samples = self.delta.len();
        if samples > SAVED {
            self.by_columns::<V>();
            return;
        }
        let saved: &mut [[f32; R]] = match samples {
            // Each is filled with zeros only where it is used.
            0..=1 => {
                one = [[0.0; R]; 1];
                &mut one
            }
            2..=8 => {
                few = [[0.0; R]; 8];
                &mut few
            }
            _ => {
                many = [[0.0; R]; SAVED];
                &mut many
            }
        };
        let saved = saved.get_mut(..samples).unwrap_or(&mut []);
        self.in_tiles_of_rows::<V, R, N>(saved);
    }

    #[inline(always)]
    fn in_tiles_of_rows<V: Vector, const R: usize, const N: usize>(self, saved: &mut [[f32; R]]) {
        let Self { inputs, delta, parameters, step, .. } = self;
        let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
        let mut transposed = [[0.0; R]; OUTPUTS];
        let last = const { IN - IN % R };
        let (Some((whole, rows)), Some((whole_slots, slots))) =
            (weights.split_at_mut_checked(last), weight_slots.split_at_mut_checked(last))
        else {
            return; // never: there are at least as many rows
        };
        if const { IN >= R } {
            let tiles = whole.chunks_mut(R).zip(whole_slots.chunks_mut(R));
            for (at, (rows, slots)) in (0..IN).step_by(R).zip(tiles) {
                let tile =
                    RowTile::<R, IN, OUT, O> { at, delta, rows, slots, saved, transposed: &mut transposed, step };
                tile.run::<V, N, Below>(inputs);
            }
        }
        // The last rows, in one vector where that is enough, and from a place that is known when it compiles.
        let tile = RowTile::<R, IN, OUT, O> { at: last, delta, rows, slots, saved, transposed: &mut transposed, step };
        if const { IN % R > V::LANES } {
            tile.run::<V, N, Below>(inputs);
        } else if const { !IN.is_multiple_of(R) } {
            tile.run::<V, 1, Below>(inputs);
        }
        update_bias::<V, OUT, O>(delta, bias, bias_slots, step);
    }
}

/// As many values as both have.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

//! Backward by vectors: the sums and updates of [`sweep`](crate::loops::sweep), in the same order.

use super::few_outputs;
use super::row_tile::{OUTPUTS, RowTile, is_mostly_empty};
use super::update::{update_bias, update_row, update_row_and_bias, update_rows};
use crate::activation::Activation;
use crate::arch::{Vector, WithSimd};
use crate::loops::forward::sample_or_zeros;
use crate::loops::one_sample::product_sum;
use crate::loops::tile::InputRows;
use crate::loops::{COLUMNS, Parameters};
use crate::optimizer::Optimizer;

/// See [`sweep_first`](crate::loops::sweep_first).
pub(in crate::loops) struct First<'a, const IN: usize, const OUT: usize, O: Optimizer, X: ?Sized> {
    pub(in crate::loops) inputs: &'a X,
    pub(in crate::loops) delta: &'a [[f32; OUT]],
    pub(in crate::loops) parameters: Parameters<'a, IN, OUT, O>,
    pub(in crate::loops) columns: &'a mut [[f32; COLUMNS]],
    pub(in crate::loops) step: &'a O::Step,
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
        if const { OUT <= 4 } && few_outputs::are_few(IN, OUT, delta.len()) {
            let rows = few_outputs::Rows { weights, slots: weight_slots, step };
            few_outputs::First::<IN, OUT, O, X> { inputs, delta, rows }.run::<V>();
        } else if let ([delta], Some(x)) = (delta, inputs.row(0)) {
            for ((row, slots), x) in weights.iter_mut().zip(weight_slots).zip(x) {
                update_row::<V, OUT, O>(row, slots, *x, delta, step);
            }
        } else {
            if const { IN == 1 } && delta.len() >= few_outputs::SIDE_BY_SIDE {
                for (sample, saved) in columns.iter_mut().enumerate() {
                    copy(sample_or_zeros(inputs, sample), saved);
                }
                let (row, slots) = (weights.as_flattened_mut(), weight_slots.as_flattened_mut());
                update_row_and_bias::<V, COLUMNS, OUT, O>(columns, delta, [row, bias], [slots, bias_slots], step);
                return;
            }
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

/// See [`sweep_inner`](crate::loops::sweep_inner).
pub(in crate::loops) struct Inner<'a, const IN: usize, const OUT: usize, O: Optimizer, Below> {
    pub(in crate::loops) inputs: &'a mut [[f32; IN]],
    pub(in crate::loops) delta: &'a [[f32; OUT]],
    pub(in crate::loops) parameters: Parameters<'a, IN, OUT, O>,
    pub(in crate::loops) columns: &'a mut [[f32; COLUMNS]],
    pub(in crate::loops) step: &'a O::Step,
    pub(in crate::loops) below: core::marker::PhantomData<Below>,
}

impl<const IN: usize, const OUT: usize, O: Optimizer, Below: Activation> WithSimd for Inner<'_, IN, OUT, O, Below> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Vector>(self) {
        if const { OUT <= 4 } && few_outputs::are_few(IN, OUT, self.delta.len()) {
            self.by_inputs::<V>();
            return;
        }
        if const { IN == 1 } {
            self.by_one_input::<V>();
            return;
        }
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

/// How the last rows are done: so few that samples are side by side instead, or as one vector, or as all of a tile.
const fn last_rows(rows: usize, lanes: usize) -> usize {
    if rows == 0 || is_mostly_empty(rows, lanes) {
        rows
    } else if rows <= lanes {
        ONE_VECTOR
    } else {
        ALL_VECTORS
    }
}

const ONE_VECTOR: usize = 100;
const ALL_VECTORS: usize = 101;

/// Samples whose input columns are saved on the stack, 4 KB at most.
///
/// The workspace has room for [`COLUMNS`] of each sample, the same on every processor; with so few rows at a time the input
/// gradient fills half a vector of eight, and needs samples side by side with one of sixteen. Larger batches take that.
const SAVED: usize = 64;

impl<const IN: usize, const OUT: usize, O: Optimizer, Below: Activation> Inner<'_, IN, OUT, O, Below> {
    #[inline(always)]
    fn by_inputs<V: Vector>(self) {
        let Self { inputs, delta, parameters, step, below, .. } = self;
        let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
        let rows = few_outputs::Rows { weights, slots: weight_slots, step };
        few_outputs::Inner::<IN, OUT, O, Below> { inputs, delta, rows, below }.run::<V>();
        update_bias::<V, OUT, O>(delta, bias, bias_slots, step);
    }

    /// A layer of a single input: no weights to transpose, and nothing but samples to be side by side.
    #[inline(always)]
    fn by_one_input<V: Vector>(self) {
        let Self { inputs, delta, parameters, columns, step, .. } = self;
        let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
        for (saved, x) in columns.iter_mut().zip(inputs.as_flattened()) {
            *saved = [*x; COLUMNS];
        }
        let (inputs_left, delta_left) = match weights.first_chunk() {
            Some(row) => few_outputs::input_gradient::<V, 1, IN, OUT>(inputs, 0, delta, row),
            None => return, // never
        };
        for (gradient, delta) in inputs_left.as_flattened_mut().iter_mut().zip(delta_left) {
            // A call: in place the compiler would take vectors of samples here too, and gather them value by value.
            *gradient = product_sum(weights.as_flattened(), delta);
        }
        for (gradient, [saved, ..]) in inputs.as_flattened_mut().iter_mut().zip(&*columns) {
            *gradient = Below::through(*gradient, *saved);
        }
        if delta.len() >= few_outputs::SIDE_BY_SIDE {
            let (row, slots) = (weights.as_flattened_mut(), weight_slots.as_flattened_mut());
            update_row_and_bias::<V, COLUMNS, OUT, O>(columns, delta, [row, bias], [slots, bias_slots], step);
        } else {
            update_rows::<V, COLUMNS, IN, OUT, O>(columns, delta, weights, weight_slots, step);
            update_bias::<V, OUT, O>(delta, bias, bias_slots, step);
        }
    }

    /// The sweep, as many rows at a time as the workspace has columns for.
    #[inline(always)]
    fn by_columns<V: Vector>(mut self) {
        let columns = core::mem::take(&mut self.columns);
        self.sweep::<V, COLUMNS, 1>(columns);
    }

    /// The sweep, `R` rows at a time as `N` vectors.
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
        self.sweep::<V, R, N>(saved);
    }

    #[inline(always)]
    fn sweep<V: Vector, const R: usize, const N: usize>(self, saved: &mut [[f32; R]]) {
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
                if const { is_mostly_empty(R, V::LANES) } {
                    tile.run::<V, N, R, Below>(inputs);
                } else {
                    tile.run::<V, N, 0, Below>(inputs);
                }
            }
        }
        // The last rows, in one vector where that is enough, and from a place that is known when it compiles.
        let tile = RowTile::<R, IN, OUT, O> { at: last, delta, rows, slots, saved, transposed: &mut transposed, step };
        match const { last_rows(IN % R, V::LANES) } {
            0 => {}
            1 => tile.run::<V, 1, 1, Below>(inputs),
            2 => tile.run::<V, 1, 2, Below>(inputs),
            3 => tile.run::<V, 1, 3, Below>(inputs),
            4 => tile.run::<V, 1, 4, Below>(inputs),
            5 => tile.run::<V, 1, 5, Below>(inputs),
            ONE_VECTOR => tile.run::<V, 1, 0, Below>(inputs),
            _ => tile.run::<V, N, 0, Below>(inputs),
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

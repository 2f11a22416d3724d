//! Backward by vectors: the sums and updates of [`sweep`](crate::loops::sweep), in the same order.

use super::{LONGEST, Tile, accumulate, few_outputs, in_tiles, load, store};
use crate::activation::Activation;
use crate::arch::{self, Vector, Work};
use crate::loops::forward::sample_or_zeros;
use crate::loops::tile::{floats, lanes, lanes_mut};
use crate::loops::{COLUMNS, Parameters, tiny};
use crate::optimizer::Optimizer;
use crate::shape::Inputs;

/// See [`sweep_first`](crate::loops::sweep_first).
pub(in crate::loops) struct First<'a, const IN: usize, const OUT: usize, O: Optimizer, X: ?Sized> {
    pub(in crate::loops) inputs: &'a X,
    pub(in crate::loops) delta: &'a [[f32; OUT]],
    pub(in crate::loops) parameters: Parameters<'a, IN, OUT, O>,
    pub(in crate::loops) columns: &'a mut [[f32; COLUMNS]],
    pub(in crate::loops) step: &'a O::Step,
}

impl<const IN: usize, const OUT: usize, O: Optimizer, X> Work for First<'_, IN, OUT, O, X>
where
    X: Inputs<[f32; IN]> + ?Sized,
{
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { inputs, delta, parameters, columns, step } = self;
        let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
        if const { OUT <= 4 } && few_outputs::are_few(IN, OUT, delta.len()) {
            let rows = few_outputs::Rows { weights, slots: weight_slots, step };
            few_outputs::First::<IN, OUT, O, X> { inputs, delta, rows }.run::<V>();
        } else if let ([delta], Some(x)) = (delta, inputs.sample(0)) {
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

/// See [`sweep_inner`](crate::loops::sweep_inner).
pub(in crate::loops) struct Inner<'a, const IN: usize, const OUT: usize, O: Optimizer, Below> {
    pub(in crate::loops) inputs: &'a mut [[f32; IN]],
    pub(in crate::loops) delta: &'a [[f32; OUT]],
    pub(in crate::loops) parameters: Parameters<'a, IN, OUT, O>,
    pub(in crate::loops) columns: &'a mut [[f32; COLUMNS]],
    pub(in crate::loops) step: &'a O::Step,
    pub(in crate::loops) below: core::marker::PhantomData<Below>,
}

impl<const IN: usize, const OUT: usize, O: Optimizer, Below: Activation> Work for Inner<'_, IN, OUT, O, Below> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(mut self) {
        if const { OUT <= 4 } && few_outputs::are_few(IN, OUT, self.delta.len()) {
            self.by_inputs::<V>();
            return;
        }
        if const { IN == 1 } {
            self.by_one_input::<V>();
            return;
        }
        // Rows side by side: two vectors of short ones, one of long ones or where that holds all.
        match const { (V::LANES, IN <= V::LANES) } {
            (4, true) => {
                let columns = core::mem::take(&mut self.columns);
                self.sweep::<V, COLUMNS, 1>(columns);
            }
            (4, false) => self.rows::<V, 8, 2>(),
            (8, true) => self.rows::<V, 8, 1>(),
            (8, false) => self.rows::<V, 16, 2>(),
            _ => self.rows::<V, 16, 1>(),
        }
    }
}

/// Samples whose input columns are saved on the stack, 4 KB at most.
///
/// The workspace has room for [`COLUMNS`] of each sample, the same on every processor; with so few rows at a time the input
/// gradient would fill half a vector. Larger batches take that.
const SAVED: usize = 64;

/// Outputs of which the weights are transposed at a time.
const OUTPUTS: usize = 32;

impl<const IN: usize, const OUT: usize, O: Optimizer, Below: Activation> Inner<'_, IN, OUT, O, Below> {
    #[inline(always)]
    fn by_inputs<V: Vector>(self) {
        let Self { inputs, delta, parameters, step, below, .. } = self;
        let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
        let rows = few_outputs::Rows { weights, slots: weight_slots, step };
        few_outputs::Inner::<IN, OUT, O, Below> { inputs, delta, rows, below }.run::<V>();
        update_bias::<V, OUT, O>(delta, bias, bias_slots, step);
    }

    /// A layer of a single input, whose gradient is a sum along the outputs: neighbours are samples.
    #[inline(always)]
    fn by_one_input<V: Vector>(self) {
        let Self { inputs, delta, parameters, columns, step, .. } = self;
        let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
        let inputs = inputs.as_flattened_mut();
        for (saved, x) in columns.iter_mut().zip(&*inputs) {
            *saved = [*x; COLUMNS];
        }
        let row = weights.as_flattened();
        // Sums that start from -0 have the bits of those that start with their first product.
        let gradients = inputs.as_chunks_mut::<1>().0;
        let done = few_outputs::products::<V, OUT, 1, [[f32; OUT]]>(delta, row.as_chunks().0, &[-0.0], gradients);
        for (gradient, delta) in inputs.iter_mut().zip(delta).skip(done) {
            *gradient = delta.iter().zip(row).fold(-0.0, |sum, (delta, w)| arch::multiply_add(sum, *delta, *w));
        }
        for (gradient, [saved, ..]) in inputs.iter_mut().zip(&*columns) {
            *gradient = Below::through(*gradient, *saved);
        }
        update_rows::<V, COLUMNS, IN, OUT, O>(columns, delta, weights, weight_slots, step);
        update_bias::<V, OUT, O>(delta, bias, bias_slots, step);
    }

    /// The sweep, `R` rows at a time as `N` vectors.
    #[inline(always)]
    fn rows<V: Vector, const R: usize, const N: usize>(mut self) {
        let (mut one, mut few, mut many);
        let samples = self.delta.len();
        if samples > SAVED {
            let columns = core::mem::take(&mut self.columns);
            self.sweep::<V, COLUMNS, 1>(columns);
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
        let tiles = whole.chunks_mut(R).zip(whole_slots.chunks_mut(R));
        for (at, (rows, slots)) in (0..IN).step_by(R).zip(tiles) {
            row_tile::<V, R, N, IN, OUT, O, Below>(inputs, at, delta, rows, slots, saved, &mut transposed, step);
        }
        // The last rows, in one vector where that is enough, and from a place that is known when it compiles.
        match const { (IN % R).div_ceil(V::LANES) } {
            0 => {}
            1 => row_tile::<V, R, 1, IN, OUT, O, Below>(inputs, last, delta, rows, slots, saved, &mut transposed, step),
            _ => row_tile::<V, R, N, IN, OUT, O, Below>(inputs, last, delta, rows, slots, saved, &mut transposed, step),
        }
        update_bias::<V, OUT, O>(delta, bias, bias_slots, step);
    }
}

/// Some rows of the weights, from `at` on, from old values to new ones.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn row_tile<V, const R: usize, const N: usize, const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
    inputs: &mut [[f32; IN]],
    at: usize,
    delta: &[[f32; OUT]],
    rows: &mut [[f32; OUT]],
    slots: &mut [[O::Slot; OUT]],
    saved: &mut [[f32; R]],
    transposed: &mut [[f32; R]; OUTPUTS],
    step: &O::Step,
) where
    V: Vector,
{
    for (input, saved) in inputs.iter().zip(&mut *saved) {
        store(load::<V, N>(input, at), saved, 0);
    }
    let count = rows.len();
    for first in (0..OUT).step_by(OUTPUTS) {
        transpose(rows, first, transposed);
        input_gradient::<V, R, N, IN, OUT>(inputs, at, count, transposed, delta, first);
    }
    for (input, saved) in inputs.iter_mut().zip(&*saved) {
        let gradients = input.get_mut(at..).unwrap_or(&mut []);
        // A length that the compiler knows, almost always.
        if let Some(gradients) = gradients.first_chunk_mut::<R>() {
            Below::all_through(gradients, saved);
        } else {
            Below::all_through(gradients, saved);
        }
    }
    if let ([delta], [x]) = (delta, &*saved) {
        for ((row, slots), x) in rows.iter_mut().zip(slots).zip(x) {
            update_row::<V, OUT, O>(row, slots, *x, delta, step);
        }
    } else {
        update_rows::<V, R, IN, OUT, O>(saved, delta, rows, slots, step);
    }
}

/// As many values as both have.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// `transposed[o][r] = rows[r][first + o]`, as far as there are rows and outputs.
#[inline(always)]
fn transpose<const R: usize, const OUT: usize>(
    rows: &[[f32; OUT]],
    first: usize,
    transposed: &mut [[f32; R]; OUTPUTS],
) {
    let (fours, rest) = rows.as_chunks::<4>();
    for (index, four) in fours.iter().enumerate() {
        let (blocks, _) = transposed.as_chunks_mut::<4>();
        let mut o = first;
        for block in blocks {
            if o + 4 <= OUT {
                let values = four.each_ref().map(|row| floats(row, o));
                for (column, values) in block.iter_mut().zip(arch::transpose(values)) {
                    if let Some(to) = lanes_mut(column, 4 * index) {
                        *to = values;
                    }
                }
            } else {
                for (column, o) in block.iter_mut().zip(o..OUT) {
                    if let Some(to) = lanes_mut(column, 4 * index) {
                        *to = four.each_ref().map(|row| row[o]);
                    }
                }
                break;
            }
            o += 4;
        }
    }
    for (index, row) in rest.iter().enumerate() {
        let values = row.get(first..).unwrap_or(&[]);
        for (column, value) in transposed.iter_mut().zip(values) {
            if let Some(to) = column.get_mut(4 * fours.len() + index) {
                *to = *value;
            }
        }
    }
}

/// Adds outputs `first..` to the input gradients of rows `at..`, sample by sample.
#[inline(always)]
fn input_gradient<V: Vector, const R: usize, const N: usize, const IN: usize, const OUT: usize>(
    inputs: &mut [[f32; IN]],
    at: usize,
    count: usize,
    transposed: &[[f32; R]; OUTPUTS],
    delta: &[[f32; OUT]],
    first: usize,
) {
    let (inputs, delta) = if N == 1 {
        groups::<V, 8, R, N, IN, OUT>(inputs, at, count, transposed, delta, first)
    } else {
        (inputs, delta)
    };
    let (inputs, delta) = groups::<V, 4, R, N, IN, OUT>(inputs, at, count, transposed, delta, first);
    groups::<V, 1, R, N, IN, OUT>(inputs, at, count, transposed, delta, first);
}

/// Takes `S` samples at a time, and gives back those that are left.
#[inline(always)]
fn groups<'a, V: Vector, const S: usize, const R: usize, const N: usize, const IN: usize, const OUT: usize>(
    inputs: &'a mut [[f32; IN]],
    at: usize,
    count: usize,
    transposed: &[[f32; R]; OUTPUTS],
    delta: &'a [[f32; OUT]],
    first: usize,
) -> (&'a mut [[f32; IN]], &'a [[f32; OUT]]) {
    let (inputs, input_rest) = inputs.as_chunks_mut::<S>();
    let (deltas, delta_rest) = delta.as_chunks::<S>();
    for (inputs, deltas) in inputs.iter_mut().zip(deltas) {
        let mut sums = [[V::splat(-0.0); N]; S];
        if first > 0 {
            for (sums, input) in sums.iter_mut().zip(&*inputs) {
                *sums = load(input, at);
            }
        }
        // By arrays of known length, so that no index has to be looked at within the loop.
        if first + OUTPUTS <= OUT {
            let blocks = deltas.each_ref().map(|delta| block(delta, first));
            for (o, row) in transposed.iter().enumerate() {
                accumulate(&mut sums, blocks.map(|block| block[o]), load::<V, N>(row, 0));
            }
        } else {
            let rest = deltas.each_ref().map(|delta| delta.as_chunks::<OUTPUTS>().1);
            for (o, row) in transposed.iter().take(const { OUT % OUTPUTS }).enumerate() {
                let values = rest.map(|delta| delta.get(o).copied().unwrap_or(0.0));
                accumulate(&mut sums, values, load::<V, N>(row, 0));
            }
        }
        for (input, sums) in inputs.iter_mut().zip(sums) {
            store(sums, input.get_mut(..at + count).unwrap_or(&mut []), at);
        }
    }
    (input_rest, delta_rest)
}

/// A whole block of outputs; zeros, never used, where there is none.
#[inline(always)]
fn block<const OUT: usize>(delta: &[f32; OUT], first: usize) -> &[f32; OUTPUTS] {
    lanes(delta, first).unwrap_or(const { &[0.0; OUTPUTS] })
}

/// The gradients of some rows from their saved input columns, and their update.
#[inline(always)]
fn update_rows<V: Vector, const R: usize, const IN: usize, const OUT: usize, O: Optimizer>(
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
    let mut before = [-0.0; LONGEST];
    for (before, slot) in before.iter_mut().zip(slots.get(at..).unwrap_or(&[])).take(N * V::LANES) {
        if let Some(sum) = O::running_sum(step, slot) {
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
    if let Some(rate) = O::plain_rate(step) {
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
fn update_row<V: Vector, const OUT: usize, O: Optimizer>(
    row: &mut [f32; OUT],
    slots: &mut [O::Slot; OUT],
    x: f32,
    delta: &[f32; OUT],
    step: &O::Step,
) {
    if let Some(rate) = O::plain_rate(step) {
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
    tiny::update::<OUT, O>(row, slots, x, delta, step);
}

/// The bias is a row of weights whose input is 1: `1 · delta` is `delta`, bit for bit.
#[inline(always)]
fn update_bias<V: Vector, const OUT: usize, O: Optimizer>(
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

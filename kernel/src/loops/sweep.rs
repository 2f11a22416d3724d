//! Backward: one sweep over the rows of the weights does everything.
//!
//! Row `i` of the weights and column `i` of the input batch are touched by nobody else. So for a few rows at a time:
//! (1) their input columns are saved, (2) the input gradient of those columns is made from the *old* rows and, through
//! the activation of the layer below, written over the columns, (3) each row's weight gradient is summed over the samples and
//! (4) handed to the optimizer at once. Each weight is read and written once, and no gradient is ever stored.

use core::marker::PhantomData;

use super::forward::sample_or_zeros;
use super::one_sample;
use super::tile::{
    COLUMNS, Capacity, InputRows, LANES, SAMPLES, SCALAR, floats, is_inlined, is_tiny, lanes, lanes_mut, multiply,
    multiply_add,
};
use super::tiny;
use super::vector;
use crate::activation::Activation;
use crate::arch;
use crate::optimizer::Optimizer;

/// Weights and bias of a dense layer with the optimizer's slots of each.
pub(crate) struct Parameters<'a, const IN: usize, const OUT: usize, O: Optimizer> {
    pub(crate) weights: &'a mut [[f32; OUT]; IN],
    pub(crate) weight_slots: &'a mut [[O::Slot; OUT]; IN],
    pub(crate) bias: &'a mut [f32; OUT],
    pub(crate) bias_slots: &'a mut [O::Slot; OUT],
}

/// The sweep of a first layer, by up to `C::ROWS` samples: nobody asks for the gradient of its input, which may lie in flash.
///
/// `delta` holds the gradient of the loss with respect to the pre-activations, one row per sample.
#[inline(always)]
pub(crate) fn sweep_first<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, X: InputRows<IN> + ?Sized>(
    inputs: &X,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    if const { tiny::takes(C::ROWS, IN, OUT) } {
        tiny::first::<C, IN, OUT, O, X>(inputs, delta, parameters, step);
    } else if const { C::ROWS == 1 && is_inlined(IN, OUT) } {
        sweep_first_here::<C, IN, OUT, O, X>(inputs, delta, parameters, columns, step);
    } else {
        sweep_first_apart::<C, IN, OUT, O, X>(inputs, delta, parameters, columns, step);
    }
}

#[inline(never)] // as `products_apart`
fn sweep_first_apart<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, X: InputRows<IN> + ?Sized>(
    inputs: &X,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    sweep_first_here::<C, IN, OUT, O, X>(inputs, delta, parameters, columns, step);
}

#[inline(always)]
fn sweep_first_here<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, X: InputRows<IN> + ?Sized>(
    inputs: &X,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    if arch::VECTORS {
        let work = vector::First { inputs, delta, parameters, columns, step };
        if const { OUT <= 4 } && !vector::are_few(IN, OUT, delta.len()) {
            arch::run_short(work);
        } else {
            arch::run(work);
        }
        return;
    }
    if const { SCALAR && !is_tiny(IN, OUT) } {
        if let ([delta], Some(x)) = (delta, inputs.row(0)) {
            one_sample::first(x, delta, parameters, step);
            return;
        }
        if const { C::ROWS == 1 } {
            return; // There is no sample at all, and no need of the code below.
        }
    }
    sweep(&mut First(inputs), delta, parameters, columns, step);
}

/// The sweep of any other layer: `inputs`, the activations of the layer below, become that layer's `delta`.
#[inline(always)]
pub(crate) fn sweep_inner<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
    inputs: &mut [[f32; IN]],
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    if const { tiny::takes(C::ROWS, IN, OUT) } {
        tiny::inner::<C, IN, OUT, O, Below>(inputs, delta, parameters, step);
    } else if const { C::ROWS == 1 && is_inlined(IN, OUT) } {
        sweep_inner_here::<C, IN, OUT, O, Below>(inputs, delta, parameters, columns, step);
    } else {
        sweep_inner_apart::<C, IN, OUT, O, Below>(inputs, delta, parameters, columns, step);
    }
}

#[inline(never)] // as `products_apart`
fn sweep_inner_apart<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
    inputs: &mut [[f32; IN]],
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    sweep_inner_here::<C, IN, OUT, O, Below>(inputs, delta, parameters, columns, step);
}

#[inline(always)]
fn sweep_inner_here<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
    inputs: &mut [[f32; IN]],
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    if arch::VECTORS {
        let work = vector::Inner { inputs, delta, parameters, columns, step, below: PhantomData::<Below> };
        if const { OUT <= 4 && IN <= 8 } {
            arch::run_short(work);
        } else {
            arch::run(work);
        }
        return;
    }
    if const { SCALAR && !is_tiny(IN, OUT) } {
        if let ([delta], [inputs]) = (delta, &mut *inputs) {
            one_sample::inner::<IN, OUT, O, Below>(inputs, delta, parameters, step);
            return;
        }
        if const { C::ROWS == 1 } {
            return; // As above.
        }
    }
    sweep(&mut Inner::<IN, Below>(inputs, PhantomData), delta, parameters, columns, step);
}

/// Where the input of a layer comes from, and whether its gradient goes back there.
pub(super) trait Source<const IN: usize> {
    /// Copies input columns `at..at + C` into `columns`, one row per sample.
    fn save<const C: usize>(&self, at: usize, columns: &mut [[f32; COLUMNS]]);

    /// Writes the input gradient of columns `at..at + C` over them.
    fn gradient<const C: usize, const OUT: usize>(
        &mut self,
        at: usize,
        rows: &[[f32; OUT]; C],
        delta: &[[f32; OUT]],
        columns: &[[f32; COLUMNS]],
    );
}

/// Inputs that are only read.
pub(super) struct First<'a, X: ?Sized>(pub(super) &'a X);

impl<const IN: usize, X: InputRows<IN> + ?Sized> Source<IN> for First<'_, X> {
    #[inline(always)]
    fn save<const C: usize>(&self, at: usize, columns: &mut [[f32; COLUMNS]]) {
        for (sample, saved) in columns.iter_mut().enumerate() {
            arch::keep_rolled();
            copy_columns::<C, IN>(sample_or_zeros(self.0, sample), at, saved);
        }
    }

    #[inline(always)]
    fn gradient<const C: usize, const OUT: usize>(
        &mut self,
        _at: usize,
        _rows: &[[f32; OUT]; C],
        _delta: &[[f32; OUT]],
        _columns: &[[f32; COLUMNS]],
    ) {
    }
}

/// Activations of the layer below, which become its `delta`.
pub(super) struct Inner<'a, const IN: usize, Below>(pub(super) &'a mut [[f32; IN]], pub(super) PhantomData<Below>);

impl<const IN: usize, Below: Activation> Source<IN> for Inner<'_, IN, Below> {
    #[inline(always)]
    fn save<const C: usize>(&self, at: usize, columns: &mut [[f32; COLUMNS]]) {
        for (sample, saved) in self.0.iter().zip(columns) {
            arch::keep_rolled();
            copy_columns::<C, IN>(sample, at, saved);
        }
    }

    #[inline(always)]
    fn gradient<const C: usize, const OUT: usize>(
        &mut self,
        at: usize,
        rows: &[[f32; OUT]; C],
        delta: &[[f32; OUT]],
        columns: &[[f32; COLUMNS]],
    ) {
        if const { arch::HAS_LOOPS && C == COLUMNS } {
            own_input_gradient::<C, IN, OUT, Below>(self.0, at, rows, delta, columns);
            return;
        }
        let (deltas, delta_rest) = delta.as_chunks::<SAMPLES>();
        let (inputs, input_rest) = self.0.as_chunks_mut::<SAMPLES>();
        let (saved, saved_rest) = columns.as_chunks::<SAMPLES>();
        for ((delta, inputs), saved) in deltas.iter().zip(inputs).zip(saved) {
            input_gradient::<SAMPLES, C, IN, OUT, Below>(inputs, at, rows, delta, saved);
        }
        for ((delta, inputs), saved) in delta_rest.iter().zip(input_rest).zip(saved_rest) {
            let inputs = core::array::from_mut(inputs);
            let (delta, saved) = (core::array::from_ref(delta), core::array::from_ref(saved));
            input_gradient::<1, C, IN, OUT, Below>(inputs, at, rows, delta, saved);
        }
    }
}

#[inline(always)]
fn copy_columns<const C: usize, const IN: usize>(sample: &[f32; IN], at: usize, saved: &mut [f32; COLUMNS]) {
    let values = floats::<C, IN>(sample, at);
    for (saved, value) in saved.iter_mut().zip(values) {
        *saved = value;
    }
}

/// `x[s][at+c] = (Σ_o delta[s][o]·W[at+c][o]) · slope(x[s][at+c])` for `S` samples and `C` columns.
///
/// # Order and rounding
/// Each sum starts with its first product (`o = 0`) and adds `o = 1, 2, …`; the slope multiplies the finished sum ([`Relu`](crate::Relu)'s
/// selects it).
#[inline(always)]
fn input_gradient<const S: usize, const C: usize, const IN: usize, const OUT: usize, Below: Activation>(
    inputs: &mut [[f32; IN]; S],
    at: usize,
    rows: &[[f32; OUT]; C],
    delta: &[[f32; OUT]; S],
    saved: &[[f32; COLUMNS]; S],
) {
    let sums = row_sums::<S, C, OUT>(rows, delta);
    for ((input, sum), saved) in inputs.iter_mut().zip(sums).zip(saved) {
        if let Some(outputs) = lanes_mut::<C, IN, f32>(input, at) {
            for ((output, gradient), activation) in outputs.iter_mut().zip(sum).zip(saved) {
                *output = Below::through(gradient, *activation);
            }
        }
    }
}

/// The same for all samples, by the processor's own loop.
#[inline(always)]
fn own_input_gradient<const C: usize, const IN: usize, const OUT: usize, Below: Activation>(
    inputs: &mut [[f32; IN]],
    at: usize,
    rows: &[[f32; OUT]; C],
    delta: &[[f32; OUT]],
    saved: &[[f32; COLUMNS]],
) {
    let Some(sums) = inputs.as_flattened_mut().get_mut(at..) else { return };
    if !arch::input_gradient(rows, delta, sums, IN) {
        return; // There is no sample.
    }
    for (input, saved) in inputs.iter_mut().zip(saved) {
        arch::keep_rolled();
        if let Some(outputs) = lanes_mut::<C, IN, f32>(input, at) {
            for (gradient, activation) in outputs.iter_mut().zip(saved) {
                *gradient = Below::through(*gradient, *activation);
            }
        }
    }
}

/// Adds the gradient of each row of inputs to what is there: each sum complete before it is added.
pub(crate) fn add_input_gradient<const IN: usize, const OUT: usize>(
    delta: &[[f32; OUT]],
    weights: &[[f32; OUT]; IN],
    gradients: &mut [[f32; IN]],
) {
    for (gradients, delta) in gradients.iter_mut().zip(delta) {
        for (gradient, row) in gradients.iter_mut().zip(weights) {
            *gradient += one_sample::product_sum(row, delta);
        }
    }
}

/// `Σ_o delta[s][o]·W[c][o]`.
#[inline(always)]
fn row_sums<const S: usize, const C: usize, const OUT: usize>(
    rows: &[[f32; OUT]; C],
    delta: &[[f32; OUT]; S],
) -> [[f32; C]; S] {
    let mut sums = [[0.0; C]; S];
    if OUT == 0 {
        return sums;
    }
    for (sum, delta) in sums.iter_mut().zip(delta) {
        *sum = multiply(delta[0], &column::<C, OUT>(rows, 0));
    }
    for o in 1..OUT {
        let w = column::<C, OUT>(rows, o);
        for (sum, delta) in sums.iter_mut().zip(delta) {
            multiply_add(sum, delta[o], &w);
        }
    }
    sums
}

/// Column `o` of a few rows.
#[inline(always)]
fn column<const C: usize, const OUT: usize>(rows: &[[f32; OUT]; C], o: usize) -> [f32; C] {
    let mut values = [0.0; C];
    for (value, row) in values.iter_mut().zip(rows) {
        *value = row[o];
    }
    values
}

#[inline(always)]
fn sweep<const IN: usize, const OUT: usize, O: Optimizer, F: Source<IN>>(
    source: &mut F,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
    let mut at = 0;
    let (tiles, rest) = weights.as_chunks_mut::<COLUMNS>();
    let (slot_tiles, slot_rest) = weight_slots.as_chunks_mut::<COLUMNS>();
    for (rows, slots) in tiles.iter_mut().zip(slot_tiles) {
        arch::keep_rolled();
        row_tile::<COLUMNS, IN, OUT, O, F>(source, at, delta, rows, slots, columns, step);
        at += COLUMNS;
    }
    last_rows::<IN, OUT, O, F>(source, at, delta, rest, slot_rest, columns, step);
    sweep_bias::<OUT, O>(delta, bias, bias_slots, step);
}

/// The rows from `at` on that are left of the tiles, of constant length: at most one tile of two rows and one of one row; without
/// vectors, single rows.
#[inline(always)]
pub(super) fn last_rows<const IN: usize, const OUT: usize, O: Optimizer, F: Source<IN>>(
    source: &mut F,
    mut at: usize,
    delta: &[[f32; OUT]],
    rest: &mut [[f32; OUT]],
    slot_rest: &mut [[O::Slot; OUT]],
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    let (pairs, last) = if SCALAR { (&mut [][..], rest) } else { rest.as_chunks_mut::<2>() };
    let (slot_pairs, slot_last) = if SCALAR { (&mut [][..], slot_rest) } else { slot_rest.as_chunks_mut::<2>() };
    if const { !SCALAR && IN % COLUMNS >= 2 } {
        for (rows, slots) in pairs.iter_mut().zip(slot_pairs) {
            row_tile::<2, IN, OUT, O, F>(source, at, delta, rows, slots, columns, step);
            at += 2;
        }
    }
    if const { !IN.is_multiple_of(if SCALAR { COLUMNS } else { 2 }) } {
        for (row, slots) in last.iter_mut().zip(slot_last) {
            arch::keep_rolled();
            let (row, slots) = (core::array::from_mut(row), core::array::from_mut(slots));
            row_tile::<1, IN, OUT, O, F>(source, at, delta, row, slots, columns, step);
            at += 1;
        }
    }
}

/// The bias is a row of weights whose input is 1: `1 · delta` is `delta`, bit for bit.
#[inline(always)]
pub(super) fn sweep_bias<const OUT: usize, O: Optimizer>(
    delta: &[[f32; OUT]],
    bias: &mut [f32; OUT],
    bias_slots: &mut [O::Slot; OUT],
    step: &O::Step,
) {
    gradient_tiles::<1, OUT, O, _>(delta, &Ones, core::array::from_mut(bias), core::array::from_mut(bias_slots), step);
}

/// Rows `at..at + C` of the weights, from old values to new ones.
#[inline(always)]
pub(super) fn row_tile<const C: usize, const IN: usize, const OUT: usize, O: Optimizer, F: Source<IN>>(
    source: &mut F,
    at: usize,
    delta: &[[f32; OUT]],
    rows: &mut [[f32; OUT]; C],
    slots: &mut [[O::Slot; OUT]; C],
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    source.save::<C>(at, columns);
    source.gradient::<C, OUT>(at, rows, delta, columns);
    gradient_tiles::<C, OUT, O, _>(delta, &*columns, rows, slots, step);
}

/// What a row of weights is multiplied with in the forward pass, sample by sample.
trait Columns<const C: usize> {
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
struct Ones;

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
fn gradient_tiles<const C: usize, const OUT: usize, O: Optimizer, K: Columns<C> + ?Sized>(
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
            arch::keep_rolled();
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
        arch::keep_rolled();
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

//! Cores with a scalar FPU behind the hard-float ABI: Cortex-M4F, M7, M33 and later.
//!
//! The loops are here in assembly because the compiler can't be told two things that decide on this core: loads of
//! neighbouring registers in one instruction (`VLDM`, N + 1 cycles for N words), and a product that is not followed by the sum that
//! needs it. Sizes are arguments, so one body serves all layers, and the optimisation level does not matter; only small layers and
//! the descent of 16 to 31 outputs have a body of their own, within their caller, unless size comes first.
//!
//! Cycles in the comments are those of the Cortex-M4 Technical Reference Manual, sections 3.3 and 7.2.3: `VLDM` and `VSTM`
//! N + 1, `VMUL`, `VADD` and `VSUB` 1 (2 where the next instruction wants the result), a branch 1 or 3.
//!
//! Registers: the compiler takes no single-precision register as an operand on this target, but may be told that one is
//! overwritten. It then saves `s16` and above around the function, as the ABI wants.
#![allow(unsafe_code)]

/// A line of assembly for each `v` below the operand `count` (at most 10), with `\v` in it.
macro_rules! each {
    ($count:literal, $($line:literal),+) => {
        concat!(".irp v,0,1,2,3,4,5,6,7,8,9\n.if \\v < {", $count, "}\n", $($line,)+ "\n.endif\n.endr\n")
    };
}

/// Whether size comes first: then a loop does less at a time.
const SMALL: bool = cfg!(baregrad_small);

/// A loop that does several rows at a time, `$count` times; where size comes first it is left out, and the loop over the rest does all.
#[cfg(not(baregrad_small))]
macro_rules! unrolled {
    ($count:literal, $($line:expr),+) => {
        concat!("cmp ", $count, ", #0\nbeq 3f\n2:\n", $($line, "\n",)+ "subs ", $count, ", #1\nbne 2b\n3:\n")
    };
}
#[cfg(baregrad_small)]
macro_rules! unrolled {
    ($count:literal, $($line:expr),+) => {
        concat!("/* ", $count, " */")
    };
}

/// `sum += x·w` for each `v` below the operand `count`: the products in place of `w`, then the sums, so that none waits for the line
/// before.
macro_rules! add_each_product {
    ($count:literal, $sum:literal, $x:literal, $w:literal) => {
        concat!(
            each!($count, "vmul.f32 ", $w, ", ", $x, ", ", $w),
            each!($count, "vadd.f32 ", $sum, ", ", $sum, ", ", $w)
        )
    };
}

// Below the macros, because these files use them.
mod adam;
mod backward;
mod channels;
mod chosen;
mod descent;
mod forward;
mod greatest;
mod positions;
mod rectifier;
mod square_root;
mod taps;
mod windows;

use crate::activation::Activation;
use crate::kernels::portable::{self, COLUMNS, Chosen, Parameters, Runs, Steps, is_tiny};
use crate::kernels::{Kernels, rules};
use crate::optimizer::Optimizer;

pub(crate) use square_root::sqrt;

/// These cores.
pub(crate) struct CortexM;

impl Kernels for CortexM {
    const CALLS_ARE_DEAR: bool = !SMALL;
    const HAS_WIDE_ROWS: bool = true;

    #[inline(always)]
    fn activate_each<A: Activation>(values: &mut [f32]) -> bool {
        if rules::is_relu::<A>() {
            if rectifier::relu(values) {
                return true;
            }
            core::hint::cold_path();
        }
        portable::activate_each::<A>(values)
    }

    #[inline(always)]
    fn activation_backward<A: Activation>(gradients: &mut [f32], outputs: &[f32]) {
        if rules::is_relu::<A>() {
            rectifier::relu_backward(gradients, outputs);
        } else {
            portable::activation_backward::<A>(gradients, outputs);
        }
    }

    #[inline(always)]
    fn activation_gradients<A: Activation>(outputs: &mut [f32], gradients: &[f32]) {
        if rules::is_relu::<A>() {
            rectifier::relu_gradients(outputs, gradients);
        } else {
            portable::activation_gradients::<A>(outputs, gradients);
        }
    }

    #[inline(always)]
    fn greatest<const N: usize>(runs: Runs, x: &[[f32; N]], y: &mut [f32; N]) -> usize {
        greatest::values(runs, x, y)
    }

    #[inline(always)]
    fn greatest_backward<Below: Activation, const N: usize>(
        runs: Runs,
        x: &mut [[f32; N]],
        delta: &[f32; N],
    ) -> usize {
        if rules::is_relu::<Below>() {
            greatest::backward::<true, N>(runs, x, delta)
        } else if rules::is_identity::<Below>() {
            greatest::backward::<false, N>(runs, x, delta)
        } else {
            0
        }
    }

    #[inline(always)]
    fn greatest_of_four<const N: usize>(z: &[[f32; N]], channel: usize, most: &mut [f32; 4]) -> Option<u32> {
        greatest::of_four(z, channel, most)
    }

    #[inline(always)]
    fn add_chosen<const OUT: usize>(
        chosen: Chosen<'_>,
        runs: Runs,
        output: usize,
        x: &[f32],
        delta: &[[f32; OUT]],
        sums: &mut [f32],
    ) -> bool {
        chosen::add_products(chosen, runs, output, x, delta, sums)
    }

    #[inline(always)]
    fn add_scaled(sums: &mut [f32], values: &[f32], factor: f32) {
        chosen::add_scaled(sums, values, factor);
    }

    #[inline(always)]
    fn one_window<const OUT: usize>(
        runs: Runs,
        x: &[f32],
        weights: &[[f32; OUT]],
        bias: &[f32; OUT],
        z: &mut [f32; OUT],
    ) {
        windows::one_window(runs, x, weights, bias, z);
        portable::last_of_window::<OUT>(runs, x, weights, bias, z);
    }

    #[inline(always)]
    fn four_windows<const OUT: usize>(
        runs: Runs,
        x: [&[f32]; 4],
        weights: &[[f32; OUT]],
        bias: &[f32; OUT],
        z: &mut [[f32; OUT]],
        apart: usize,
    ) {
        let done = windows::four_windows(runs, x, weights, bias, z, apart);
        portable::four_windows::<OUT>(runs, x, weights, bias, z, apart, done);
    }

    #[inline(always)]
    fn channel_sums<const N: usize>(
        steps: Steps,
        a: &[[f32; N]],
        w: &[[f32; N]],
        start: &[f32; N],
        z: &mut [f32; N],
    ) {
        let done = channels::sums::<1, N>(steps, a, w, start, core::slice::from_mut(z), [0, 0]);
        portable::channel_sums::<N>(steps, a, w, start, z, done);
    }

    #[inline(always)]
    fn two_channel_sums<const N: usize>(
        steps: Steps,
        a: &[[f32; N]],
        w: &[[f32; N]],
        start: &[f32; N],
        z: &mut [[f32; N]],
        apart: [usize; 2],
    ) {
        let done = channels::sums::<2, N>(steps, a, w, start, z, apart);
        portable::two_channel_sums::<N>(steps, a, w, start, z, apart, done);
    }

    #[inline(always)]
    fn add_tap_products<const C: usize, const V: usize, const IN: usize, const OUT: usize>(
        steps: Steps,
        x: &[[f32; IN]],
        delta: &[[f32; OUT]],
        at: [usize; 2],
        sums: &mut [[f32; V]; C],
    ) {
        if const { (C == 3 || C == 4) && V == 4 } {
            taps::add_products(steps, x, delta, at, sums.as_flattened_mut().as_chunks_mut().0);
        } else if const { C == 1 && (V == 4 || V == 8 || V == 16) } {
            for sums in sums {
                taps::add_row_products(steps, x, delta, at, sums);
            }
        } else {
            portable::add_tap_products::<C, V, IN, OUT>(steps, x, delta, at, sums);
        }
    }

    #[inline(always)]
    fn add_input_gradients<const P: usize, const C: usize, const IN: usize, const OUT: usize>(
        steps: Steps,
        delta: &[[f32; OUT]],
        apart: usize,
        weights: &[[[f32; OUT]; IN]],
        channel: usize,
        sums: &mut [[f32; C]; P],
    ) {
        let (rows, _) = sums.as_flattened_mut().as_chunks_mut::<4>();
        match rows.first_chunk_mut::<P>() {
            Some(sums) if const { C == 4 && (P == 1 || P == 4) } => {
                positions::add_input_gradients::<P, IN, OUT>(steps, delta, apart, weights, channel, sums);
            }
            _ => portable::add_input_gradients::<P, C, IN, OUT>(steps, delta, apart, weights, channel, sums),
        }
    }

    #[inline(always)]
    fn add_channel_products<const V: usize, const N: usize>(
        steps: Steps,
        a: &[[f32; N]],
        w: &[[f32; N]],
        channel: usize,
        sums: &mut [f32; V],
    ) {
        if const { V == 4 || V == 8 || V == 16 } {
            channels::add_products(steps, a, w, channel, sums);
        } else {
            portable::add_channel_products::<V, N>(steps, a, w, channel, sums);
        }
    }

    #[inline(always)]
    fn outputs<const S: usize, const V: usize, const IN: usize, const OUT: usize>(
        samples: [&[f32; IN]; S],
        weights: &[[f32; OUT]; IN],
        bias: &[f32; OUT],
        z: &mut [[f32; OUT]; S],
    ) {
        if const { is_tiny(IN, OUT) } {
            portable::outputs::<S, V, IN, OUT>(samples, weights, bias, z);
        } else {
            forward::outputs(samples, weights, bias, z);
        }
    }

    #[inline(always)]
    fn input_gradient<const C: usize, const IN: usize, const OUT: usize, Below: Activation>(
        inputs: &mut [[f32; IN]],
        at: usize,
        rows: &[[f32; OUT]; C],
        delta: &[[f32; OUT]],
        saved: &[[f32; COLUMNS]],
    ) {
        match rows.first_chunk() {
            Some(rows) if const { C == COLUMNS } => {
                positions::input_gradient::<IN, OUT, Below>(inputs, at, rows, delta, saved);
            }
            _ => portable::input_gradient::<C, IN, OUT, Below>(inputs, at, rows, delta, saved),
        }
    }

    #[inline(always)]
    fn update_tile<const C: usize, const OUT: usize, O: Optimizer>(
        columns: &[[f32; COLUMNS]],
        delta: &[[f32; OUT]],
        rows: &mut [[f32; OUT]; C],
        slots: &mut [[O::Slot; OUT]; C],
        step: &O::Step,
    ) {
        match (rules::sgd_rate::<O>(step), rows.first_chunk_mut()) {
            (Some(rate), Some(rows)) if const { C == COLUMNS } => backward::descend_batch(rate, columns, delta, rows),
            _ => portable::update_tile::<Self, C, OUT, O, _>(delta, columns, rows, slots, step),
        }
    }

    #[inline(always)]
    fn update_values<const V: usize, O: Optimizer>(
        parameters: &mut [f32; V],
        slots: &mut [O::Slot; V],
        gradients: &[f32; V],
        step: &O::Step,
    ) {
        match rules::sgd_rate::<O>(step) {
            Some(rate) if const { V.is_multiple_of(4) } => taps::descend_values(rate, gradients, parameters),
            _ => portable::update_values::<O>(parameters, slots, gradients, step),
        }
    }

    #[inline(always)]
    fn add_products<const C: usize, const V: usize, const OUT: usize>(
        columns: &[[f32; COLUMNS]],
        delta: &[[f32; OUT]],
        at: usize,
        sums: &mut [[f32; V]; C],
    ) {
        match sums.first_chunk_mut() {
            Some(sums) if const { C == COLUMNS && V >= 1 && V <= 4 } => backward::add_products(columns, delta, at, sums),
            _ => portable::add_products::<C, V, OUT, _>(columns, delta, at, sums),
        }
    }

    #[inline(always)]
    fn backward_first_by_one<const IN: usize, const OUT: usize, O: Optimizer>(
        x: &[f32; IN],
        delta: &[f32; OUT],
        parameters: Parameters<'_, IN, OUT, O>,
        step: &O::Step,
    ) {
        if let Some(rate) = rules::sgd_rate::<O>(step) {
            descent::descend(rate, x, delta, parameters.weights, Some(parameters.bias));
        } else {
            portable::one_sample::first::<Self, IN, OUT, O>(x, delta, parameters, step);
        }
    }

    #[inline(always)]
    fn backward_inner_by_one<const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
        inputs: &mut [f32; IN],
        delta: &[f32; OUT],
        parameters: Parameters<'_, IN, OUT, O>,
        step: &O::Step,
    ) {
        match rules::sgd_rate::<O>(step) {
            Some(rate) if rules::is_relu::<Below>() && OUT <= descent::WIDEST => {
                descent::descend_inner(rate, inputs, delta, parameters.weights, Some(parameters.bias), true);
            }
            _ => portable::one_sample::inner::<Self, IN, OUT, O, Below>(inputs, delta, parameters, step),
        }
    }

    #[inline(always)]
    fn input_gradient_and_update<const OUT: usize, O: Optimizer>(
        x: &[f32],
        delta: &[f32; OUT],
        rows: &mut [[f32; OUT]],
        slots: &mut [[O::Slot; OUT]],
        inputs: &mut [f32],
        step: &O::Step,
    ) {
        let rate = rules::sgd_rate::<O>(step);
        if let Some(rate) = rate
            && OUT <= descent::WIDEST
        {
            descent::descend_inner(rate, inputs, delta, rows, None, false);
            return;
        }
        backward::input_gradient(rows, core::slice::from_ref(delta), inputs, 0);
        for (input, row) in inputs.iter_mut().zip(&*rows).skip(rows.len() / 4 * 4) {
            *input = portable::one_sample::product_sum(row, delta);
        }
        if let Some(rate) = rate {
            descent::descend(rate, x, delta, rows, None);
        } else {
            Self::update_rows::<O>(step, rows.as_flattened_mut(), slots.as_flattened_mut(), x, delta);
        }
    }

    #[inline(always)]
    fn update_rows<O: Optimizer>(
        step: &O::Step,
        parameters: &mut [f32],
        slots: &mut [O::Slot],
        x: &[f32],
        delta: &[f32],
    ) {
        if let Some((constants, moments)) = rules::adam::<O>(step, slots) {
            adam::update_rows(constants, parameters, moments, x, delta);
        } else {
            portable::one_sample::update_rows::<O>(step, parameters, slots, x, delta);
        }
    }

    #[inline(always)]
    fn update_bias_by_one<const OUT: usize, O: Optimizer>(
        delta: &[f32; OUT],
        bias: &mut [f32; OUT],
        slots: &mut [O::Slot; OUT],
        step: &O::Step,
    ) {
        if let Some(rate) = rules::sgd_rate::<O>(step) {
            descent::descend(rate, &[], delta, &mut [], Some(bias));
        } else {
            Self::update_rows::<O>(step, bias, slots, &[1.0], delta);
        }
    }
}

/// Leaves NaN, which a step finds, where rows that a loop was told to read lie outside. No layer says such.
#[cold]
#[inline(never)]
fn refuse(sums: &mut [f32]) {
    debug_assert!(false, "rows outside");
    sums.fill(f32::NAN);
}

/// Hides a constant from LLVM, which prices an `asm!` block as one instruction and would fully unroll the loop around it.
/// [`core::hint::black_box`] would go through memory.
#[inline(always)]
fn opaque(mut number: usize) -> usize {
    // SAFETY: no instruction at all.
    unsafe { core::arch::asm!("/* {} */", inout(reg) number, options(pure, nomem, nostack, preserves_flags)) };
    number
}

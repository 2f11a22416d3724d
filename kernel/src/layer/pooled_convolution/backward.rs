//! The gradients of a pooled convolution: sums over its outputs alone.

use core::num::NonZeroUsize;

use super::PooledConv2d;
use super::maxima::{Windows, read};
use crate::kernels::{Kernels, ThisCpu};
use crate::layer::convolution::Conv2dSlots;
use crate::layer::memory::cut;
use crate::layer::window::axis::Axis;
use crate::layer::{InputGradient, Inputs};
use crate::optimizer::Optimizer;

/// What a backward pass reads.
#[derive(Clone, Copy)]
pub(super) struct Back<'a, const PH: usize, const PW: usize> {
    pub(super) windows: Windows<PH, PW>,
    pub(super) samples: usize,
    /// Values of an image.
    pub(super) image: usize,
    /// Of all samples, as what was kept.
    pub(super) delta: &'a [f32],
    pub(super) kept: &'a [f32],
}

impl<'a, const PH: usize, const PW: usize> Back<'a, PH, PW> {
    /// What was kept of a sample, and its `delta`.
    #[inline(always)]
    fn sample<const OUT: usize>(self, sample: usize) -> (&'a [f32], &'a [[f32; OUT]]) {
        let count = self.windows.count();
        let kept = self.kept.get(sample.wrapping_mul(count.wrapping_mul(OUT).div_ceil(4))..).unwrap_or(&[]);
        let delta = self.delta.as_chunks::<OUT>().0.get(sample.wrapping_mul(count)..).unwrap_or(&[]);
        (kept, delta)
    }
}

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, const PH: usize, const PW: usize, A>
    PooledConv2d<IN, OUT, KH, KW, PH, PW, A>
{
    /// The share of an output channel in the gradient of the input, from its old weights; with the first one nothing is there before.
    #[inline(never)]
    pub(super) fn input_gradient_of(
        &self,
        output: usize,
        back: Back<'_, PH, PW>,
        scratch: &mut [f32],
        dx: &mut InputGradient<'_>,
    ) {
        match dx {
            InputGradient::Unwanted => {}
            InputGradient::Write(dx) => {
                if output == 0 {
                    dx.fill(0.0);
                }
                let (weights, _) = cut(scratch, Self::TAPS);
                for (to, row) in weights.iter_mut().zip(self.weights.as_flattened().as_flattened()) {
                    *to = row.get(output).copied().unwrap_or(0.0);
                }
                let mut rest = &mut **dx;
                for sample in 0..back.samples {
                    let (dx, others) = cut(rest, back.image);
                    rest = others;
                    let (kept, delta) = back.sample::<OUT>(sample);
                    back.windows.for_each_that_counts(output, kept, delta, |first, delta| {
                        let mut at = first.wrapping_mul(IN);
                        for weights in weights.chunks_exact(const { KW * IN }) {
                            let Some(dx) = dx.get_mut(at..at.wrapping_add(const { KW * IN })) else { return };
                            ThisCpu::add_scaled(dx, weights, delta);
                            at = at.wrapping_add(back.windows.width.wrapping_mul(IN));
                        }
                    });
                }
            }
            // A sum has to be complete before it is added, and there is no memory for it.
            InputGradient::Add(dx) if output == 0 => {
                let mut rest = &mut **dx;
                for sample in 0..back.samples {
                    let (dx, others) = cut(rest, back.image);
                    rest = others;
                    let (kept, delta) = back.sample::<OUT>(sample);
                    self.add_by_positions(back.windows, kept, delta, dx.as_chunks_mut().0);
                }
            }
            InputGradient::Add(_) => {}
        }
    }

    /// Adds the gradient of the input of one sample, position by position: the same sums with a 0 for each place that does not count.
    fn add_by_positions(&self, windows: Windows<PH, PW>, kept: &[f32], delta: &[[f32; OUT]], dx: &mut [[f32; IN]]) {
        let weights = self.weights.as_flattened();
        // Which windows reach a position: as places of one kernel that has all taps of a window's places.
        let rows = reach::<KH, PH>(windows.down);
        let columns = reach::<KW, PW>(windows.across);
        let (mut row, mut column) = (0_usize, 0_usize);
        for dx in dx {
            let mut sums = [0.0; IN];
            for output in 0..OUT {
                for down in rows.places_of(row) {
                    for across in columns.places_of(column) {
                        let index = down.wrapping_mul(windows.across).wrapping_add(across);
                        let place = read(kept, index.wrapping_mul(OUT).wrapping_add(output));
                        let (mask, tap) = Windows::<PH, PW>::tap::<KH, KW>(place, [down, across], [row, column]);
                        let delta = delta.get(index).and_then(|delta| delta.get(output)).copied().unwrap_or(0.0);
                        let Some(weights) = weights.get(tap) else { continue };
                        for (sum, weights) in sums.iter_mut().zip(weights) {
                            let weight = weights.get(output).copied().unwrap_or(0.0);
                            *sum += f32::from_bits((delta * weight).to_bits() & mask);
                        }
                    }
                }
            }
            for (dx, sum) in dx.iter_mut().zip(&sums) {
                *dx += sum;
            }
            column = column.wrapping_add(1);
            if column == windows.width {
                (row, column) = (row.wrapping_add(1), 0);
            }
        }
    }

    /// The new weights and the new bias of an output channel.
    #[inline(never)]
    pub(super) fn update_output<O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        output: usize,
        back: Back<'_, PH, PW>,
        x: &X,
        scratch: &mut [f32],
        slots: &mut Conv2dSlots<IN, OUT, KH, KW, O::Slot>,
        step: &O::Step,
    ) {
        let (sums, _) = cut(scratch, Self::TAPS);
        // -0 plus the first term is that term, a -0 too.
        sums.fill(-0.0);
        let mut of_bias = -0.0;
        for sample in 0..back.samples {
            let Some(x) = x.sample(sample) else { return };
            let (kept, delta) = back.sample::<OUT>(sample);
            for delta in delta.iter().take(back.windows.count()) {
                of_bias += delta.get(output).copied().unwrap_or(0.0);
            }
            let offsets = back.windows.offsets(IN);
            let chosen = back.windows.chosen(IN, offsets.as_flattened(), kept);
            if ThisCpu::add_chosen::<OUT>(chosen, Self::runs(back.windows), output, x, delta, sums) {
                continue;
            }
            back.windows.for_each_that_counts(output, kept, delta, |first, delta| {
                let mut at = first.wrapping_mul(IN);
                for sums in sums.chunks_exact_mut(const { KW * IN }) {
                    let Some(x) = x.get(at..at.wrapping_add(const { KW * IN })) else { return };
                    ThisCpu::add_scaled(sums, x, delta);
                    at = at.wrapping_add(back.windows.width.wrapping_mul(IN));
                }
            });
        }
        let weights = self.weights.as_flattened_mut().as_flattened_mut();
        let weight_slots = slots.weights.as_flattened_mut().as_flattened_mut();
        for ((weights, slots), sum) in weights.iter_mut().zip(weight_slots).zip(&*sums) {
            if let (Some(weight), Some(slot)) = (weights.get_mut(output), slots.get_mut(output)) {
                *weight = O::update(step, *weight, *sum, slot);
            }
        }
        if let (Some(bias), Some(slot)) = (self.bias.get_mut(output), slots.bias.get_mut(output)) {
            *bias = O::update(step, *bias, of_bias, slot);
        }
    }
}

/// The places of `PLACES` kernels of `TAPS` side by side, taken as one. It has as many positions as a place needs.
const fn reach<const TAPS: usize, const PLACES: usize>(places: usize) -> Axis {
    let stride = NonZeroUsize::MIN.saturating_add(PLACES.saturating_sub(1));
    Axis { size: usize::MAX, kernel: TAPS + PLACES - 1, stride, before: 0, places }
}

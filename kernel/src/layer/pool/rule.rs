//! What a pool makes of the values in its window, and how it shares out the gradient.

// `if` alone leaves the compiler free to branch on the data.
use core::hint::select_unpredictable as select;

use crate::activation::Activation;
use crate::kernels::{Kernels, Runs, ThisCpu};
use crate::layer::window::axis::Covered;

/// Channels whose gradients are made side by side.
pub(super) const LANES: usize = 8;

/// The largest value, and the first of equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Maximum;

/// The mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Average;

/// What a pool makes of the values in a window, each of `N` channels by itself.
pub(crate) trait Rule {
    /// The kind of layer.
    const KIND: &'static str;
    /// The kind of a layer with a single window.
    const GLOBAL: &'static str;
    /// What of the gradient goes to whom, for [`LANES`] channels.
    type Share;

    /// The value of a window on a sample `x` of `width` columns.
    fn value<const N: usize>(window: Covered, width: usize, x: &[[f32; N]], y: &mut [f32; N]);

    /// How the gradient `delta` of that value is shared out, of the channels from `channel` on.
    fn share<const N: usize>(
        window: Covered,
        width: usize,
        x: &[[f32; N]],
        delta: &[f32; N],
        channel: usize,
    ) -> Self::Share;

    /// What of it a tap gets, of those inside, counted row by row.
    fn term(share: &Self::Share, lane: usize, tap: u32) -> f32;

    /// All of it at once, in the place of the window's inputs, back through the activation that gave them: of how many channels, from the first on.
    fn in_place<Below: Activation, const N: usize>(
        _window: Covered,
        _width: usize,
        _x: &mut [[f32; N]],
        _delta: &[f32; N],
    ) -> usize {
        0
    }
}

/// The rows of taps of a window.
#[inline(always)]
fn rows_of<const N: usize>(window: Covered, width: usize, x: &[[f32; N]]) -> impl Iterator<Item = &[[f32; N]]> {
    let count = window.columns.count;
    window.row_starts(width).filter_map(move |start| x.get(start..start.wrapping_add(count)))
}

/// The same in numbers, and the first position.
#[inline(always)]
fn runs(window: Covered, width: usize) -> (Runs, usize) {
    let Covered { rows, columns } = window;
    let first = rows.position.wrapping_mul(width).wrapping_add(columns.position);
    (Runs { lines: rows.count, run: columns.count, apart: width, rows_apart: 0 }, first)
}

/// Whether `value` takes the place of `largest`: a greater one does, and the first NaN.
#[inline(always)]
#[allow(clippy::neg_cmp_op_on_partial_ord)] // true of NaN too
pub(crate) fn is_greater(value: f32, largest: f32) -> bool {
    !(value <= largest) & !largest.is_nan()
}

/// The first greatest of a window, of some channels.
#[derive(Clone, Copy)]
pub(crate) struct Greatest {
    value: [f32; LANES],
    tap: [u32; LANES],
    delta: [f32; LANES],
}

impl Rule for Maximum {
    const KIND: &'static str = "MaxPool";
    const GLOBAL: &'static str = "GlobalMaxPool";
    type Share = Greatest;

    #[inline(always)]
    fn value<const N: usize>(window: Covered, width: usize, x: &[[f32; N]], y: &mut [f32; N]) {
        let (runs, first) = runs(window, width);
        let done = ThisCpu::greatest(runs, x.get(first..).unwrap_or(&[]), y);
        let Some(y) = y.get_mut(done..) else { return };
        y.fill(f32::NEG_INFINITY);
        for x in rows_of(window, width, x).flatten() {
            for (y, x) in y.iter_mut().zip(x.iter().skip(done)) {
                *y = select(is_greater(*x, *y), *x, *y);
            }
        }
    }

    #[inline(always)]
    fn share<const N: usize>(
        window: Covered,
        width: usize,
        x: &[[f32; N]],
        delta: &[f32; N],
        channel: usize,
    ) -> Greatest {
        let mut greatest = Greatest { value: [f32::NEG_INFINITY; LANES], tap: [0; LANES], delta: [0.0; LANES] };
        for (to, delta) in greatest.delta.iter_mut().zip(delta.iter().skip(channel)) {
            *to = *delta;
        }
        let mut tap = 0_u32;
        for x in rows_of(window, width, x).flatten() {
            let places = greatest.value.iter_mut().zip(&mut greatest.tap);
            for ((value, first), x) in places.zip(x.iter().skip(channel)) {
                let is_greater = is_greater(*x, *value);
                *value = select(is_greater, *x, *value);
                *first = select(is_greater, tap, *first);
            }
            tap = tap.wrapping_add(1);
        }
        greatest
    }

    #[inline(always)]
    fn term(share: &Greatest, lane: usize, tap: u32) -> f32 {
        match (share.tap.get(lane), share.delta.get(lane)) {
            (Some(first), Some(delta)) => select(*first == tap, *delta, 0.0),
            _ => 0.0,
        }
    }

    #[inline(always)]
    fn in_place<Below: Activation, const N: usize>(
        window: Covered,
        width: usize,
        x: &mut [[f32; N]],
        delta: &[f32; N],
    ) -> usize {
        let (runs, first) = runs(window, width);
        ThisCpu::greatest_backward::<Below, N>(runs, x.get_mut(first..).unwrap_or(&mut []), delta)
    }
}

impl Rule for Average {
    const KIND: &'static str = "AveragePool";
    const GLOBAL: &'static str = "GlobalAveragePool";
    type Share = [f32; LANES];

    #[inline(always)]
    fn value<const N: usize>(window: Covered, width: usize, x: &[[f32; N]], y: &mut [f32; N]) {
        // -0 plus the first value is that value, a -0 too.
        *y = [-0.0; N];
        for x in rows_of(window, width, x).flatten() {
            for (y, x) in y.iter_mut().zip(x) {
                *y += x;
            }
        }
        let count = window.count() as f32;
        for y in y {
            *y /= count;
        }
    }

    #[inline(always)]
    fn share<const N: usize>(
        window: Covered,
        _width: usize,
        _x: &[[f32; N]],
        delta: &[f32; N],
        channel: usize,
    ) -> [f32; LANES] {
        let (mut share, count) = ([0.0; LANES], window.count() as f32);
        for (share, delta) in share.iter_mut().zip(delta.iter().skip(channel)) {
            *share = *delta / count;
        }
        share
    }

    #[inline(always)]
    fn term(share: &[f32; LANES], lane: usize, _tap: u32) -> f32 {
        share.get(lane).copied().unwrap_or(0.0)
    }
}

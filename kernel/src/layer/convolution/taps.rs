//! Where the taps of a kernel lie: what all convolutions go through.

use crate::kernels::{Pairs, Steps, Walk};
use crate::layer::Inputs;
use crate::layer::window::axis::Axes;

/// The inputs under one tap of the kernel, with the `delta` of their places.
pub(super) struct UnderTap<'a, X: ?Sized> {
    steps: Steps,
    samples: usize,
    x: &'a X,
    delta: &'a [f32],
    /// Values of `delta` of a sample.
    values: usize,
}

impl<'a, X: ?Sized> UnderTap<'a, X> {
    /// Those under the tap `[row, column]`. `delta` is of so many samples, and has so many channels.
    #[inline(always)]
    pub(super) fn new(axes: Axes, [row, column]: [usize; 2], x: &'a X, delta: &'a [f32], of: [usize; 2]) -> Self {
        let [samples, channels] = of;
        let places = axes.rows.places.wrapping_mul(axes.columns.places);
        Self { steps: axes.pairs_with(row, column), samples, x, delta, values: places.wrapping_mul(channels) }
    }
}

impl<X: Inputs + ?Sized> Pairs for UnderTap<'_, X> {
    fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    #[inline(always)]
    fn for_each_sample(&self, mut each: impl FnMut(Steps, &[f32], &[f32])) {
        let mut rest = self.delta;
        for sample in 0..self.samples {
            let Some((delta, others)) = rest.split_at_checked(self.values) else { return };
            rest = others;
            let Some(x) = self.x.sample(sample) else { return };
            each(self.steps, x, delta);
        }
    }
}

impl Axes {
    /// The positions under a tap, each with its place.
    #[inline(always)]
    fn pairs_with(self, row: usize, column: usize) -> Steps {
        let Self { rows, columns } = self;
        let (down, across) = (rows.places_with(row), columns.places_with(column));
        let position = rows.position(down.start, row).wrapping_mul(columns.size);
        let place = down.start.wrapping_mul(columns.places);
        Steps {
            lines: down.len(),
            taps: across.len(),
            a: Walk {
                first: position.wrapping_add(columns.position(across.start, column)),
                step: columns.stride.get().cast_signed(),
                line: rows.stride.get().wrapping_mul(columns.size).cast_signed(),
            },
            w: Walk { first: place.wrapping_add(across.start), step: 1, line: columns.places.cast_signed() },
        }
        .in_long_lines()
    }

    /// The positions under a kernel at a place, each with its tap.
    #[inline(always)]
    pub(super) fn taps_at(self, row: usize, column: usize) -> Steps {
        let (rows, columns) = (self.rows.taps(row), self.columns.taps(column));
        let position = rows.position.wrapping_mul(self.columns.size);
        let tap = rows.first.wrapping_mul(self.columns.kernel);
        let walk = |first, line: usize| Walk { first, step: 1, line: line.cast_signed() };
        Steps {
            lines: rows.count,
            taps: columns.count,
            a: walk(position.wrapping_add(columns.position), self.columns.size),
            w: walk(tap.wrapping_add(columns.first), self.columns.kernel),
        }
        .in_long_lines()
    }

    /// The places that see a position, each with its tap: as taps ascend, places descend.
    #[inline(always)]
    pub(super) fn seen_from(self, row: usize, column: usize) -> Steps {
        let Self { rows, columns } = self;
        let (down, across) = (rows.places_of(row), columns.places_of(column));
        let (lowest, last) = (down.end.wrapping_sub(1), across.end.wrapping_sub(1));
        let tap = rows.tap(row, lowest).wrapping_mul(columns.kernel);
        Steps {
            lines: down.len(),
            taps: across.len(),
            a: Walk {
                first: lowest.wrapping_mul(columns.places).wrapping_add(last),
                step: -1,
                line: columns.places.cast_signed().wrapping_neg(),
            },
            w: Walk {
                first: tap.wrapping_add(columns.tap(column, last)),
                step: columns.stride.get().cast_signed(),
                line: rows.stride.get().wrapping_mul(columns.kernel).cast_signed(),
            },
        }
        .in_long_lines()
    }
}

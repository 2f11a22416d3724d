//! Where the taps of a kernel lie: what all convolutions go through.

use crate::kernels::Pairs;
use crate::layer::Inputs;
use crate::layer::window::axis::Axes;

/// The inputs under one tap of the kernel, with the `delta` of their places.
pub(super) struct UnderTap<'a, X: ?Sized> {
    pub(super) axes: Axes,
    pub(super) samples: usize,
    pub(super) x: &'a X,
    pub(super) delta: &'a [f32],
    pub(super) row: usize,
    pub(super) column: usize,
}

impl<const IN: usize, const OUT: usize, X: Inputs + ?Sized> Pairs<IN, OUT> for UnderTap<'_, X> {
    fn is_empty(&self) -> bool {
        self.axes.rows.places_with(self.row).is_empty() || self.axes.columns.places_with(self.column).is_empty()
    }

    #[inline(always)]
    fn for_each(&self, mut each: impl FnMut(&[f32; IN], &[f32; OUT])) {
        let Axes { rows, columns } = self.axes;
        let across = columns.places_with(self.column);
        let mut rest = self.delta.as_chunks::<OUT>().0;
        for sample in 0..self.samples {
            let Some((delta, others)) = rest.split_at_checked(rows.places.wrapping_mul(columns.places)) else { return };
            rest = others;
            let Some(x) = self.x.sample(sample) else { return };
            let x = x.as_chunks::<IN>().0;
            for row in rows.places_with(self.row) {
                let image = rows.position(row, self.row).wrapping_mul(columns.size);
                let places = row.wrapping_mul(columns.places);
                let delta = delta.get(places.wrapping_add(across.start)..places.wrapping_add(across.end));
                let first = columns.position(across.start, self.column);
                let mut x = x.get(image.wrapping_add(first)..).unwrap_or(&[]);
                for delta in delta.unwrap_or(&[]) {
                    if let Some(x) = x.first() {
                        each(x, delta);
                    }
                    x = x.get(columns.stride.get()..).unwrap_or(&[]);
                }
            }
        }
    }
}

impl Axes {
    /// The taps whose window has a position, by row and column, ascending, each with its place: `(tap row, tap column, place)`.
    #[inline(always)]
    pub(super) fn taps_of(self, row: usize, column: usize) -> impl Iterator<Item = (usize, usize, usize)> + Clone {
        let Self { rows, columns } = self;
        // Taps ascend as places descend.
        rows.places_of(row).rev().flat_map(move |place| {
            let (tap, first) = (rows.tap(row, place), place.wrapping_mul(columns.places));
            let across = columns.places_of(column).rev();
            across.map(move |place| (tap, columns.tap(column, place), first.wrapping_add(place)))
        })
    }
}

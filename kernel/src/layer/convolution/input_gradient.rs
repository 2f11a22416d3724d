//! The gradient of the input of a convolution.

use core::ops::Range;

use super::Conv2d;
use crate::kernels::{COLUMNS, Kernels, Steps, ThisCpu};
use crate::layer::InputGradient;
use crate::layer::window::axis::Axes;

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, W, A> Conv2d<IN, OUT, KH, KW, W, A> {
    /// The gradient of some rows of all input images, from the old weights: four positions at a time, below each other or side by side, that the
    /// same taps see.
    #[inline(never)]
    pub(super) fn input_gradient_of_rows(
        &self,
        axes: Axes,
        due: Range<usize>,
        samples: usize,
        delta: &[f32],
        dx: &mut InputGradient<'_>,
    ) {
        if let InputGradient::Unwanted = dx {
            return;
        }
        let Axes { rows, columns } = axes;
        let places = rows.places.wrapping_mul(columns.places);
        let (down, across) = (rows.stride.get(), columns.stride.get());
        let mut rest = delta.as_chunks::<OUT>().0;
        for sample in 0..samples {
            let Some((delta, others)) = rest.split_at_checked(places) else { return };
            rest = others;
            let first = sample.wrapping_mul(rows.size);
            // Rows a stride apart are alike, and so are columns.
            for phase in 0..down.min(due.len()) {
                let mut row = due.start.wrapping_add(phase);
                while row < due.end {
                    let are_alike_down =
                        row.wrapping_add(down.wrapping_mul(3)) < due.end && rows.are_seen_alike(row, 4);
                    let at = first.wrapping_add(row).wrapping_mul(columns.size);
                    for phase in 0..across {
                        let mut column = phase;
                        while column < columns.size {
                            let steps = axes.seen_from(row, column);
                            let at = at.wrapping_add(column);
                            let are_alike_across = !are_alike_down && columns.are_seen_alike(column, 4);
                            if are_alike_down {
                                let apart = [columns.places, down.wrapping_mul(columns.size)];
                                self.input_gradients::<4>(steps, delta, at, apart, dx);
                            } else if are_alike_across {
                                self.input_gradients::<4>(steps, delta, at, [1, across], dx);
                            } else {
                                self.input_gradients::<1>(steps, delta, at, [0, 0], dx);
                            }
                            column =
                                column.wrapping_add(if are_alike_across { across.wrapping_mul(4) } else { across });
                        }
                    }
                    row = row.wrapping_add(if are_alike_down { down.wrapping_mul(4) } else { down });
                }
            }
        }
    }

    /// The gradients of `P` positions from number `at` on. Their places and they are so far apart.
    #[inline(always)]
    fn input_gradients<const P: usize>(
        &self,
        steps: Steps,
        delta: &[[f32; OUT]],
        at: usize,
        apart: [usize; 2],
        dx: &mut InputGradient<'_>,
    ) {
        let mut channel = 0_usize;
        while channel.wrapping_add(COLUMNS) <= IN {
            self.channel_gradients::<P, COLUMNS>(steps, delta, at, apart, channel, dx);
            channel = channel.wrapping_add(COLUMNS);
        }
        while channel < IN {
            self.channel_gradients::<P, 1>(steps, delta, at, apart, channel, dx);
            channel = channel.wrapping_add(1);
        }
    }

    /// Those of `C` channels.
    #[inline(always)]
    fn channel_gradients<const P: usize, const C: usize>(
        &self,
        steps: Steps,
        delta: &[[f32; OUT]],
        at: usize,
        [places, positions]: [usize; 2],
        channel: usize,
        dx: &mut InputGradient<'_>,
    ) {
        // A sum that starts from -0 has the bits of one that starts with its first product; without any it is 0.
        let mut sums = [[if steps.is_empty() { 0.0 } else { -0.0 }; C]; P];
        ThisCpu::add_input_gradients::<P, C, IN, OUT>(
            steps,
            delta,
            places,
            self.weights.as_flattened(),
            channel,
            &mut sums,
        );
        let mut at = at.wrapping_mul(IN).wrapping_add(channel);
        for sums in &sums {
            dx.give(at, sums);
            at = at.wrapping_add(positions.wrapping_mul(IN));
        }
    }
}

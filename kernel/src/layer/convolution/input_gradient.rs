//! The gradient of the input of a convolution.

use core::ops::Range;

use super::Conv2d;
use crate::kernels::{COLUMNS, Kernels, Steps, TURNED, ThisCpu};
use crate::layer::InputGradient;
use crate::layer::window::axis::Axes;

/// What makes gradients of positions.
trait Gradients<const OUT: usize> {
    /// Those of `P` positions from number `at` on. Their places and they are so far apart.
    fn give<const P: usize>(
        &self,
        steps: Steps,
        delta: &[[f32; OUT]],
        at: usize,
        apart: [usize; 2],
        dx: &mut InputGradient<'_>,
    );
}

/// Some channels of a kernel side by side, from `channel` on: a vector of weights for each output of a tap.
struct Turned<const IN: usize, const OUT: usize, const KH: usize, const KW: usize> {
    kernel: [[[[f32; TURNED]; OUT]; KW]; KH],
    channel: usize,
}

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize> Turned<IN, OUT, KH, KW> {
    #[inline(always)]
    fn new(weights: &[[[[f32; OUT]; IN]; KW]; KH], channel: usize) -> Self {
        let mut kernel = [[[[0.0; TURNED]; OUT]; KW]; KH];
        for (turned, tap) in kernel.as_flattened_mut().iter_mut().zip(weights.as_flattened()) {
            let mut lane = 0_usize;
            for row in tap.iter().skip(channel).take(TURNED) {
                for (turned, weight) in turned.iter_mut().zip(row) {
                    if let Some(place) = turned.get_mut(lane) {
                        *place = *weight;
                    }
                }
                lane = lane.wrapping_add(1);
            }
        }
        Self { kernel, channel }
    }
}

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize> Gradients<OUT> for Turned<IN, OUT, KH, KW> {
    #[inline(always)]
    fn give<const P: usize>(
        &self,
        steps: Steps,
        delta: &[[f32; OUT]],
        at: usize,
        [places, positions]: [usize; 2],
        dx: &mut InputGradient<'_>,
    ) {
        let mut sums = [[start(steps); TURNED]; P];
        ThisCpu::add_turned_gradients::<P, OUT>(steps, delta, places, self.kernel.as_flattened(), &mut sums);
        let mut at = at.wrapping_mul(IN).wrapping_add(self.channel);
        for sums in &sums {
            // All of them, almost always: a length that the compiler knows.
            match sums.get(..IN.wrapping_sub(self.channel)) {
                Some(few) => dx.give(at, few),
                None => dx.give(at, sums),
            }
            at = at.wrapping_add(positions.wrapping_mul(IN));
        }
    }
}

/// A sum that starts from -0 has the bits of one that starts with its first product; without any it is 0.
#[inline(always)]
fn start(steps: Steps) -> f32 {
    if steps.is_empty() { 0.0 } else { -0.0 }
}

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, W, A> Gradients<OUT>
    for Conv2d<IN, OUT, KH, KW, W, A>
{
    #[inline(always)]
    fn give<const P: usize>(
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
}

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, W, A> Conv2d<IN, OUT, KH, KW, W, A> {
    /// Whether kernels are turned. A part of one lies on the stack then, 32 KB at most.
    const IS_TURNED: bool = ThisCpu::TURNS_KERNELS && KH * KW * OUT * TURNED <= 8192;

    /// The gradient of some rows of all input images, from the old weights.
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
        if const { !Self::IS_TURNED } {
            give_rows(self, axes, due, samples, delta, dx);
            return;
        }
        let mut channel = 0_usize;
        while channel < IN {
            let turned = Turned::<IN, OUT, KH, KW>::new(&self.weights, channel);
            give_rows(&turned, axes, due.clone(), samples, delta, dx);
            channel = channel.wrapping_add(TURNED);
        }
    }

    /// The gradients of `P` positions, of `C` channels.
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
        let mut sums = [[start(steps); C]; P];
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

/// The gradients of some rows of all input images: four positions at a time, below each other or side by side, that the same taps see.
#[inline(always)]
fn give_rows<const OUT: usize>(
    gradients: &impl Gradients<OUT>,
    axes: Axes,
    due: Range<usize>,
    samples: usize,
    delta: &[f32],
    dx: &mut InputGradient<'_>,
) {
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
                let are_alike_down = row.wrapping_add(down.wrapping_mul(3)) < due.end && rows.are_seen_alike(row, 4);
                let at = first.wrapping_add(row).wrapping_mul(columns.size);
                for phase in 0..across {
                    let mut column = phase;
                    while column < columns.size {
                        let steps = axes.seen_from(row, column);
                        let at = at.wrapping_add(column);
                        let are_alike_across = !are_alike_down && columns.are_seen_alike(column, 4);
                        if are_alike_down {
                            let apart = [columns.places, down.wrapping_mul(columns.size)];
                            gradients.give::<4>(steps, delta, at, apart, dx);
                        } else if are_alike_across {
                            gradients.give::<4>(steps, delta, at, [1, across], dx);
                        } else {
                            gradients.give::<1>(steps, delta, at, [0, 0], dx);
                        }
                        column = column.wrapping_add(if are_alike_across { across.wrapping_mul(4) } else { across });
                    }
                }
                row = row.wrapping_add(if are_alike_down { down.wrapping_mul(4) } else { down });
            }
        }
    }
}

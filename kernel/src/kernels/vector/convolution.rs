//! Convolutions by vectors: the gradient of the input.

use super::row_tile::transpose_four;
use super::{Vector, WithSimd, accumulate, load, store, values_at};
use crate::kernels::portable::{Steps, TURNED, floats, value};

/// See [`Kernels::add_turned_gradients`](crate::kernels::Kernels::add_turned_gradients).
pub(super) struct TurnedGradients<'a, const P: usize, const OUT: usize> {
    pub(super) steps: Steps,
    pub(super) delta: &'a [[f32; OUT]],
    pub(super) apart: usize,
    pub(super) turned: &'a [[[f32; TURNED]; OUT]],
    pub(super) sums: &'a mut [[f32; TURNED]; P],
}

impl<const P: usize, const OUT: usize> WithSimd for TurnedGradients<'_, P, OUT> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Vector>(self) {
        if const { V::LANES < TURNED } {
            self.run::<V, 2>();
        } else {
            self.run::<V, 1>();
        }
    }
}

impl<const P: usize, const OUT: usize> TurnedGradients<'_, P, OUT> {
    /// Channels as `N` vectors.
    #[inline(always)]
    fn run<V: Vector, const N: usize>(self) {
        let Self { steps, delta, apart, turned, sums } = self;
        let mut all = [[V::splat(0.0); N]; P];
        for (all, sums) in all.iter_mut().zip(&*sums) {
            *all = load(sums, 0);
        }
        steps.for_each_at(|place, tap| {
            let (Some(rows), Some(deltas)) = (turned.get(tap), rows_apart::<P, OUT>(delta, place, apart)) else {
                return;
            };
            for (o, row) in (0..OUT).zip(rows) {
                accumulate(&mut all, values_at(&deltas, o), load::<V, N>(row, 0));
            }
        });
        for (sums, all) in sums.iter_mut().zip(all) {
            store(all, sums, 0);
        }
    }
}

/// `P` rows, so far apart.
#[inline(always)]
fn rows_apart<const P: usize, const OUT: usize>(
    delta: &[[f32; OUT]],
    mut place: usize,
    apart: usize,
) -> Option<[&[f32; OUT]; P]> {
    let mut rows = [const { &[0.0; OUT] }; P];
    for row in &mut rows {
        *row = delta.get(place)?;
        place = place.wrapping_add(apart);
    }
    Some(rows)
}

/// See [`Kernels::add_input_gradients`](crate::kernels::Kernels::add_input_gradients), of four channels: four outputs of their weights are turned at
/// a time, for all positions.
#[inline(always)]
pub(super) fn add_input_gradients_of_four<const P: usize, const IN: usize, const OUT: usize>(
    steps: Steps,
    delta: &[[f32; OUT]],
    apart: usize,
    weights: &[[[f32; OUT]; IN]],
    channel: usize,
    sums: &mut [[f32; 4]; P],
) {
    let mut all = [[[0.0; 4]; 1]; P];
    for (all, sums) in all.iter_mut().zip(&*sums) {
        *all = [*sums];
    }
    steps.for_each_at(|place, tap| {
        let rows = weights.get(tap).and_then(|tap| tap.get(channel..)?.first_chunk::<4>());
        let (Some(rows), Some(deltas)) = (rows, rows_apart::<P, OUT>(delta, place, apart)) else { return };
        let mut o = 0_usize;
        while o.wrapping_add(4) <= OUT {
            let mut block = [[0.0; 4]; 4];
            for (values, row) in block.iter_mut().zip(rows) {
                *values = floats(row, o);
            }
            for column in transpose_four(block) {
                accumulate(&mut all, values_at(&deltas, o), [column]);
                o = o.wrapping_add(1);
            }
        }
        while o < OUT {
            let mut column = [0.0; 4];
            for (place, row) in column.iter_mut().zip(rows) {
                *place = value(row, o);
            }
            accumulate(&mut all, values_at(&deltas, o), [column]);
            o = o.wrapping_add(1);
        }
    });
    for (sums, [all]) in sums.iter_mut().zip(all) {
        *sums = all;
    }
}

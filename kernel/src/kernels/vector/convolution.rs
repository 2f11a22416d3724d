//! Convolutions by vectors: the gradient of the input.

use super::{Vector, WithSimd, accumulate, load, store, values_at};
use crate::kernels::portable::{Steps, TURNED};

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
            let Some(rows) = turned.get(tap) else { return };
            let (mut place, mut deltas) = (place, [const { &[0.0; OUT] }; P]);
            for row in &mut deltas {
                let Some(delta) = delta.get(place) else { return };
                *row = delta;
                place = place.wrapping_add(apart);
            }
            for (o, row) in (0..OUT).zip(rows) {
                accumulate(&mut all, values_at(&deltas, o), load::<V, N>(row, 0));
            }
        });
        for (sums, all) in sums.iter_mut().zip(all) {
            store(all, sums, 0);
        }
    }
}

//! Forward: `z = x·W + b`, by vectors.

use super::{Dispatch, Tile, Vector, WithSimd, accumulate, in_tiles, load, store, values_at};
use crate::kernels::portable::{InputRows, samples_from};

/// See [`Kernels::forward`](crate::kernels::Kernels::forward).
#[inline(never)]
pub(super) fn outlined<D: Dispatch, const IN: usize, const OUT: usize, X: InputRows<IN> + ?Sized>(
    x: &X,
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]],
) {
    D::dispatch(Forward { x, weights, bias, z });
}

struct Forward<'a, const IN: usize, const OUT: usize, X: ?Sized> {
    x: &'a X,
    weights: &'a [[f32; OUT]; IN],
    bias: &'a [f32; OUT],
    z: &'a mut [[f32; OUT]],
}

impl<const IN: usize, const OUT: usize, X: InputRows<IN> + ?Sized> WithSimd for Forward<'_, IN, OUT, X> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Vector>(self) {
        let Self { x, weights, bias, z } = self;
        // A row of a single vector takes more samples at once: as many sums, so that none waits for itself.
        let (first, rest) =
            if const { OUT <= V::LANES } { groups::<V, 8, IN, OUT, X>(x, 0, weights, bias, z) } else { (0, z) };
        let (first, rest) = groups::<V, 4, IN, OUT, X>(x, first, weights, bias, rest);
        groups::<V, 1, IN, OUT, X>(x, first, weights, bias, rest);
    }
}

/// Takes `S` samples at a time from `first` on; gives back what is left.
#[inline(always)]
fn groups<'a, V: Vector, const S: usize, const IN: usize, const OUT: usize, X: InputRows<IN> + ?Sized>(
    x: &X,
    first: usize,
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &'a mut [[f32; OUT]],
) -> (usize, &'a mut [[f32; OUT]]) {
    let (groups, rest) = z.as_chunks_mut::<S>();
    let next = first + S * groups.len();
    if !groups.is_empty() {
        in_tiles::<V, OUT, S>(&mut Groups { x, first, weights, bias, groups });
    }
    (next, rest)
}

/// All groups of samples for one tile of outputs before the next one: its weights stay in the cache.
struct Groups<'a, const S: usize, const IN: usize, const OUT: usize, X: ?Sized> {
    x: &'a X,
    first: usize,
    weights: &'a [[f32; OUT]; IN],
    bias: &'a [f32; OUT],
    groups: &'a mut [[[f32; OUT]; S]],
}

impl<V: Vector, const S: usize, const IN: usize, const OUT: usize, X> Tile<V> for Groups<'_, S, IN, OUT, X>
where
    X: InputRows<IN> + ?Sized,
{
    #[inline(always)]
    fn run<const N: usize>(&mut self, at: usize) {
        let start = [load::<V, N>(self.bias, at); S];
        let mut first = self.first;
        for group in &mut *self.groups {
            let samples = samples_from::<S, IN, X>(self.x, first);
            let mut sums = start;
            for (i, row) in self.weights.iter().enumerate() {
                accumulate(&mut sums, values_at(&samples, i), load::<V, N>(row, at));
            }
            for (row, sums) in group.iter_mut().zip(sums) {
                store(sums, row, at);
            }
            first += S;
        }
    }
}

//! Depthwise convolutions: products channel by channel.

use super::convolution::{Pairs, update_row};
use super::steps::Steps;
use super::tile::{LANES_OF_ONE, floats, lanes_mut};
use super::weight_gradient::Columns;
use crate::kernels::Kernels;
use crate::optimizer::Optimizer;

/// See [`Kernels::channel_sums`]; the channels from `channel` on.
#[inline(always)]
pub(in crate::kernels) fn channel_sums<const N: usize>(
    steps: Steps,
    a: &[[f32; N]],
    w: &[[f32; N]],
    start: &[f32; N],
    z: &mut [f32; N],
    mut channel: usize,
) {
    if const { N >= LANES_OF_ONE } {
        while channel.wrapping_add(LANES_OF_ONE) <= N {
            tile::<LANES_OF_ONE, N>(steps, a, w, start, z, channel);
            channel = channel.wrapping_add(LANES_OF_ONE);
        }
    }
    while channel < N {
        tile::<1, N>(steps, a, w, start, z, channel);
        channel = channel.wrapping_add(1);
    }
}

/// See [`Kernels::two_channel_sums`]; the channels from `channel` on.
#[inline(always)]
pub(in crate::kernels) fn two_channel_sums<const N: usize>(
    steps: Steps,
    a: &[[f32; N]],
    w: &[[f32; N]],
    start: &[f32; N],
    z: &mut [[f32; N]],
    [a_apart, z_apart]: [usize; 2],
    channel: usize,
) {
    if let Some(z) = z.first_mut() {
        channel_sums::<N>(steps, a, w, start, z, channel);
    }
    if let (Some(z), Some(a)) = (z.get_mut(z_apart), a.get(a_apart..)) {
        channel_sums::<N>(steps, a, w, start, z, channel);
    }
}

#[inline(always)]
fn tile<const V: usize, const N: usize>(
    steps: Steps,
    a: &[[f32; N]],
    w: &[[f32; N]],
    start: &[f32; N],
    z: &mut [f32; N],
    channel: usize,
) {
    let mut sums = floats::<V, N>(start, channel);
    add_channel_products::<V, N>(steps, a, w, channel, &mut sums);
    if let Some(z) = lanes_mut::<V, N, f32>(z, channel) {
        *z = sums;
    }
}

/// See [`Kernels::add_channel_products`].
#[inline(always)]
pub(in crate::kernels) fn add_channel_products<const V: usize, const N: usize>(
    steps: Steps,
    a: &[[f32; N]],
    w: &[[f32; N]],
    channel: usize,
    sums: &mut [f32; V],
) {
    let mut all = *sums;
    steps.for_each(a, w, |a, w| {
        let (mut products, w) = (floats::<V, N>(a, channel), floats::<V, N>(w, channel));
        // All products first.
        for (product, w) in products.iter_mut().zip(w) {
            *product *= w;
        }
        for (sum, product) in all.iter_mut().zip(products) {
            *sum += product;
        }
    });
    *sums = all;
}

/// The gradient of one tap's weights of each channel, which has its own, summed over all pairs, and their update with it.
#[inline(always)]
pub(crate) fn update_channels<const N: usize, O: Optimizer, S: Pairs>(
    pairs: &S,
    weights: &mut [f32; N],
    slots: &mut [O::Slot; N],
    step: &O::Step,
) {
    update_row::<N, O, _>(&[], &Channels(pairs), weights, slots, step);
}

/// All channels, each with the `delta` of its own.
struct Channels<'a, S>(&'a S);

impl<const N: usize, S: Pairs> Columns<1, N> for Channels<'_, S> {
    #[inline(always)]
    fn add_samples<K: Kernels, const V: usize>(&self, _: &[[f32; N]], at: usize, [sums]: &mut [[f32; V]; 1]) {
        let mut all = if self.0.is_empty() { sums.map(|sum| sum + 0.0) } else { *sums };
        self.0.for_each_sample(|steps, x, delta| {
            let (x, delta) = (x.as_chunks().0, delta.as_chunks().0);
            K::add_channel_products::<V, N>(steps, x, delta, at, &mut all);
        });
        *sums = all;
    }
}

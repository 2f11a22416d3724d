//! A few channels at a time, whose sums fit into registers: so the layer needs no memory of its own.

use super::{BatchNorm, BatchNormSlots, NormSettings};
use crate::activation::Activation;
use crate::kernels::running_sum;
use crate::layer::{InputGradient, Inputs, Stacked};
use crate::optimizer::Optimizer;
use crate::scalar;
use crate::shape::Features;

/// Channels of a tile; those that are left are tiles of one.
pub(super) const TILE: usize = 8;

/// `T` channels from `at` on.
#[inline(always)]
pub(super) fn tile<const T: usize>(row: &[f32], at: usize) -> Option<&[f32; T]> {
    row.get(at..)?.first_chunk()
}

/// The same, to write.
#[inline(always)]
pub(super) fn tile_mut<const T: usize>(row: &mut [f32], at: usize) -> Option<&mut [f32; T]> {
    row.get_mut(at..)?.first_chunk_mut()
}

/// The same, of values that are there.
#[inline(always)]
pub(super) fn copied<const T: usize>(row: &[f32], at: usize) -> [f32; T] {
    tile(row, at).copied().unwrap_or([0.0; T])
}

/// `(x - mean)·factor + bias` of `T` channels.
#[derive(Clone, Copy)]
pub(super) struct Line<const T: usize> {
    mean: [f32; T],
    pub(super) factor: [f32; T],
    bias: [f32; T],
    /// Whether the variances are.
    pub(super) is_finite: bool,
}

impl<const T: usize> Line<T> {
    #[inline(always)]
    pub(super) fn write(&self, x: &[f32; T], y: &mut [f32; T]) {
        let Self { mean, factor, bias, .. } = self;
        for ((((y, x), mean), factor), bias) in y.iter_mut().zip(x).zip(mean).zip(factor).zip(bias) {
            *y = (x - mean) * factor + bias;
        }
    }
}

/// Mean and variance of `T` channels of a batch.
struct Moments<const T: usize> {
    mean: [f32; T],
    /// `Σ (x - mean)²`.
    squares: [f32; T],
    variance: [f32; T],
}

impl<const T: usize> Moments<T> {
    #[inline(always)]
    fn of<const N: usize, X: Inputs + ?Sized>(x: &X, samples: usize, count: usize, at: usize) -> Self {
        // -0 plus the first term is that term, a -0 too.
        let (mut mean, mut squares) = ([-0.0; T], [-0.0; T]);
        for_each_row::<N, T, X>(x, samples, at, |x| {
            for (sum, x) in mean.iter_mut().zip(x) {
                *sum += x;
            }
        });
        let n = count as f32;
        for mean in &mut mean {
            *mean /= n;
        }
        for_each_row::<N, T, X>(x, samples, at, |x| {
            for ((sum, x), mean) in squares.iter_mut().zip(x).zip(&mean) {
                let difference = x - mean;
                *sum += difference * difference;
            }
        });
        Self { mean, squares, variance: squares.map(|squares| squares / n) }
    }
}

/// Shows `T` channels of each position of each sample.
#[inline(always)]
fn for_each_row<const N: usize, const T: usize, X: Inputs + ?Sized>(
    x: &X,
    samples: usize,
    at: usize,
    mut visit: impl FnMut(&[f32; T]),
) {
    for sample in 0..samples {
        for row in x.sample(sample).unwrap_or(&[]).as_chunks::<N>().0 {
            if let Some(x) = tile::<T>(row, at) {
                visit(x);
            }
        }
    }
}

/// What the gradient of `T` channels needs.
struct Back<const T: usize> {
    mean: [f32; T],
    factor: [f32; T],
    /// `u` and `v` of the docs.
    means: [[f32; T]; 2],
}

impl<const T: usize> Back<T> {
    /// `∂L/∂x` of one position.
    #[inline(always)]
    fn gradient(&self, x: &[f32; T], delta: &[f32; T]) -> [f32; T] {
        let Self { mean, factor, means: [u, v] } = self;
        let (mut gradient, terms) = (*delta, x.iter().zip(mean).zip(factor).zip(u).zip(v));
        for (gradient, ((((x, mean), factor), u), v)) in gradient.iter_mut().zip(terms) {
            *gradient = ((*gradient - u) - (x - mean) * v) * factor;
        }
        gradient
    }

    /// Gives those of all samples.
    #[inline(always)]
    fn give<const N: usize, X: Inputs + ?Sized>(
        &self,
        x: &X,
        samples: usize,
        delta: &[f32],
        at: usize,
        dx: &mut InputGradient<'_>,
    ) {
        if let InputGradient::Unwanted = dx {
            return;
        }
        let (mut place, mut deltas) = (at, delta.as_chunks::<N>().0.iter());
        for_each_row::<N, T, X>(x, samples, at, |x| {
            dx.give(place, &self.gradient(x, &copied(deltas.next().map_or(&[], |delta| delta), at)));
            place = place.wrapping_add(N);
        });
    }

    /// Puts those of all positions in the place of the inputs, behind a layer with activation `Below`.
    #[inline(always)]
    fn put<const N: usize, Below: Activation>(&self, x: &mut [f32], delta: &[f32], at: usize) {
        for (x, delta) in x.as_chunks_mut::<N>().0.iter_mut().zip(delta.as_chunks::<N>().0) {
            if let (Some(x), Some(delta)) = (tile_mut::<T>(x, at), tile::<T>(delta, at)) {
                let gradient = self.gradient(x, delta);
                for (x, gradient) in x.iter_mut().zip(gradient) {
                    *x = Below::backward(gradient, *x);
                }
            }
        }
    }
}

impl<const N: usize, A, S: NormSettings> BatchNorm<N, A, S> {
    #[inline(always)]
    fn line<const T: usize>(&self, at: usize, mean: [f32; T], variance: &[f32; T]) -> Line<T> {
        let (mut factor, mut is_finite) = (copied::<T>(&self.gain, at), true);
        for (factor, variance) in factor.iter_mut().zip(variance) {
            *factor /= scalar::sqrt(variance + S::EPSILON);
            is_finite &= variance.is_finite();
        }
        Line { mean, factor, bias: copied(&self.bias, at), is_finite }
    }

    /// That of a prediction.
    #[inline(always)]
    pub(super) fn line_of_running<const T: usize>(&self, at: usize) -> Line<T> {
        self.line::<T>(at, copied(&self.running_mean, at), &copied(&self.running_variance, at))
    }

    /// The pre-activations of all samples: by the moments of the batch, whose channels have `count` values each, or if that is 0 by running
    /// statistics. Says whether all variances are finite.
    #[inline(never)] // one body per shape
    pub(super) fn normalize<X: Inputs + ?Sized>(&self, x: &X, samples: usize, count: usize, y: &mut [f32]) -> bool {
        let (mut at, mut finite) = (0_usize, true);
        while at.wrapping_add(TILE) <= N {
            finite &= self.normalize_tile::<TILE, X>(x, samples, count, at, y);
            at = at.wrapping_add(TILE);
        }
        while at < N {
            finite &= self.normalize_tile::<1, X>(x, samples, count, at, y);
            at = at.wrapping_add(1);
        }
        finite
    }

    #[inline(always)]
    fn normalize_tile<const T: usize, X: Inputs + ?Sized>(
        &self,
        x: &X,
        samples: usize,
        count: usize,
        at: usize,
        y: &mut [f32],
    ) -> bool {
        let line = if count == 0 {
            self.line_of_running::<T>(at)
        } else {
            let moments = Moments::of::<N, X>(x, samples, count, at);
            self.line::<T>(at, moments.mean, &moments.variance)
        };
        let mut rows = y.as_chunks_mut::<N>().0.iter_mut();
        for sample in 0..samples {
            // In this order: `zip` looks at its second only when the first had one more.
            for (x, y) in x.sample(sample).unwrap_or(&[]).as_chunks::<N>().0.iter().zip(&mut rows) {
                if let (Some(x), Some(y)) = (tile::<T>(x, at), tile_mut::<T>(y, at)) {
                    line.write(x, y);
                }
            }
        }
        line.is_finite
    }

    /// The backward pass.
    #[allow(clippy::too_many_arguments)] // as a backward pass
    #[inline(never)] // one body per shape
    pub(super) fn learn<O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        x: &X,
        samples: usize,
        count: usize,
        delta: &[f32],
        dx: &mut InputGradient<'_>,
        slots: &mut BatchNormSlots<N, O::Slot>,
        step: &O::Step,
    ) {
        let mut at = 0_usize;
        while at.wrapping_add(TILE) <= N {
            let back = self.learn_tile::<TILE, O, X>(x, samples, count, delta, at, slots, step);
            back.give::<N, X>(x, samples, delta, at, dx);
            at = at.wrapping_add(TILE);
        }
        while at < N {
            let back = self.learn_tile::<1, O, X>(x, samples, count, delta, at, slots, step);
            back.give::<N, X>(x, samples, delta, at, dx);
            at = at.wrapping_add(1);
        }
    }

    /// The same of `count` positions, whose gradient takes the place of `x`.
    #[inline(never)] // one body per shape
    pub(super) fn learn_in_place<O: Optimizer, Below: Activation>(
        &mut self,
        x: &mut [f32],
        count: usize,
        delta: &[f32],
        slots: &mut BatchNormSlots<N, O::Slot>,
        step: &O::Step,
    ) {
        let mut at = 0_usize;
        while at.wrapping_add(TILE) <= N {
            let positions = &Stacked::<Features<N>>::new(x);
            let back = self.learn_tile::<TILE, O, _>(positions, count, count, delta, at, slots, step);
            back.put::<N, Below>(x, delta, at);
            at = at.wrapping_add(TILE);
        }
        while at < N {
            let positions = &Stacked::<Features<N>>::new(x);
            let back = self.learn_tile::<1, O, _>(positions, count, count, delta, at, slots, step);
            back.put::<N, Below>(x, delta, at);
            at = at.wrapping_add(1);
        }
    }

    /// Updates `T` channels, and moves their running statistics; gives what their input's gradient needs.
    #[allow(clippy::too_many_arguments)] // as a backward pass
    #[inline(always)]
    fn learn_tile<const T: usize, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        x: &X,
        samples: usize,
        count: usize,
        delta: &[f32],
        at: usize,
        slots: &mut BatchNormSlots<N, O::Slot>,
        step: &O::Step,
    ) -> Back<T> {
        let Moments { mean, squares, variance } = Moments::<T>::of::<N, X>(x, samples, count, at);
        let Line { factor, .. } = self.line::<T>(at, mean, &variance);
        let (mut sums, mut products) = ([-0.0; T], [-0.0; T]);
        let mut deltas = delta.as_chunks::<N>().0.iter();
        for_each_row::<N, T, X>(x, samples, at, |x| {
            let delta = copied::<T>(deltas.next().map_or(&[], |delta| delta), at);
            for ((((sum, product), x), mean), delta) in sums.iter_mut().zip(&mut products).zip(x).zip(&mean).zip(delta)
            {
                *sum += delta;
                *product += delta * (x - mean);
            }
        });
        let (n, mut of_gain, mut means) = (count as f32, products, [sums, products]);
        let [u, v] = &mut means;
        for (((u, v), of_gain), variance) in u.iter_mut().zip(v).zip(&mut of_gain).zip(&variance) {
            *u /= n;
            *v = *v / (variance + S::EPSILON) / n;
            *of_gain /= scalar::sqrt(variance + S::EPSILON);
        }
        update::<T, O>(&mut self.gain, &mut slots.weights, &of_gain, at, step);
        update::<T, O>(&mut self.bias, &mut slots.bias, &sums, at, step);
        if count > 1 {
            let others = count.wrapping_sub(1) as f32;
            follow::<S, T>(&mut self.running_mean, &mean, at);
            follow::<S, T>(&mut self.running_variance, &squares.map(|squares| squares / others), at);
        }
        Back { mean, factor, means }
    }
}

/// New parameters, from their gradient.
#[inline(always)]
fn update<const T: usize, O: Optimizer>(
    parameters: &mut [f32],
    slots: &mut [O::Slot],
    gradient: &[f32; T],
    at: usize,
    step: &O::Step,
) {
    for ((parameter, slot), gradient) in parameters.iter_mut().skip(at).zip(slots.iter_mut().skip(at)).zip(gradient) {
        let gradient = running_sum::<O>(step, slot).map_or(*gradient, |stored| stored + gradient);
        *parameter = O::update(step, *parameter, gradient, slot);
    }
}

/// Running statistics after a batch.
#[inline(always)]
fn follow<S: NormSettings, const T: usize>(running: &mut [f32], of_batch: &[f32; T], at: usize) {
    for (running, of_batch) in running.iter_mut().skip(at).zip(of_batch) {
        *running = *running * const { 1.0 - S::MOMENTUM } + of_batch * S::MOMENTUM;
    }
}

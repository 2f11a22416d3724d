//! Losses. A new one is a row in [`further_losses`].

use core::fmt::{self, Debug};

use baregrad::loss::Loss;
use baregrad::scalar::{exp, ln, ln_1p, sigmoid};
use baregrad::shape::Features;
use baregrad::{
    BinaryCrossEntropy, CrossEntropy, HalfMeanSquaredError, Huber, Identity, LabelSmoothing, MeanAbsoluteError,
    MeanSquaredError, OneHot, SoftCrossEntropy, SumOfSquares, WeightedCrossEntropy, Zero,
};

/// Outputs of the networks that a row's loss goes behind.
pub const OUTPUTS: usize = 3;
/// Class weights of `WeightedCrossEntropy`: this for class 0, and as much more for each next one.
pub const CLASS_WEIGHT: f32 = 0.5;
/// Border of `Huber`.
pub const HUBER_DELTA: f32 = 0.5;
/// What all classes share by `LabelSmoothing`.
pub const SMOOTHING: f32 = 0.1;

/// By what the sum over outputs and samples is divided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Divisor {
    /// By nothing.
    One,
    /// By the number of samples.
    Samples,
    /// By the number of samples times outputs.
    Elements,
}

impl Divisor {
    /// For a batch.
    pub fn of(self, samples: usize, outputs: usize) -> f32 {
        match self {
            Self::One => 1.0,
            Self::Samples => samples as f32,
            Self::Elements => (samples * outputs) as f32,
        }
    }
}

/// A loss by its formulas. A label is a row of targets too: 1 at the label, 0 elsewhere.
#[derive(Clone, Copy)]
pub struct Formula {
    /// Name of the type.
    pub name: &'static str,
    /// By what the sum is divided.
    pub divisor: Divisor,
    /// A sample's value; its gradient with respect to the outputs times `scale`, which is 1 over the divisor, goes to `gradient`.
    pub sample: fn(outputs: &[f32], targets: &[f32], scale: f32, gradient: &mut [f32]) -> f32,
    /// A sample's value from its definition.
    pub precise: fn(outputs: &[f64], targets: &[f64]) -> f64,
}

impl Debug for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a row's loss takes as the target of a sample.
pub trait Target: Copy + Zero + Debug {
    /// One that goes with a label below [`OUTPUTS`].
    fn of_label(label: u8) -> Self;

    /// As the formula takes it.
    fn row(&self) -> [f32; OUTPUTS];
}

impl Target for u8 {
    fn of_label(label: u8) -> Self {
        label
    }

    fn row(&self) -> [f32; OUTPUTS] {
        core::array::from_fn(|k| if k == usize::from(*self) { 1.0 } else { 0.0 })
    }
}

/// Probabilities, mostly of the label.
impl Target for [f32; OUTPUTS] {
    fn of_label(label: u8) -> Self {
        match label % 3 {
            0 => [0.625, 0.25, 0.125],
            1 => [0.125, 0.625, 0.25],
            _ => [0.25, 0.125, 0.625],
        }
    }

    fn row(&self) -> [f32; OUTPUTS] {
        *self
    }
}

/// What is done with each row.
pub trait VisitLosses {
    /// A row: the loss, and the formula with the same settings.
    fn loss<L: Loss<Features<OUTPUTS>, Identity, T> + Copy, T: Target>(&mut self, loss: L, formula: Formula);
}

/// All losses.
pub fn each_loss(to: &mut impl VisitLosses) {
    first_losses(to);
    further_losses(to);
}

/// Those of the cases in `same_bits.expected`, which name them by number: none is added here.
pub fn first_losses(to: &mut impl VisitLosses) {
    let square = |a: &[f32], t: &[f32], scale: f32, gradient: &mut [f32]| {
        pointwise(a, t, gradient, |e| (e * e, 2.0 * e * scale))
    };
    let precise_square = |a: &[f64], t: &[f64]| sum(a, t, |a, t| (a - t) * (a - t));
    let formula =
        Formula { name: "MeanSquaredError", divisor: Divisor::Elements, sample: square, precise: precise_square };
    to.loss::<_, [f32; OUTPUTS]>(MeanSquaredError, formula);
    to.loss::<_, [f32; OUTPUTS]>(
        HalfMeanSquaredError,
        Formula {
            name: "HalfMeanSquaredError",
            divisor: Divisor::Samples,
            sample: |a, t, scale, gradient| pointwise(a, t, gradient, |e| (0.5 * (e * e), e * scale)),
            precise: |a, t| sum(a, t, |a, t| 0.5 * (a - t) * (a - t)),
        },
    );
    let formula = Formula { name: "SumOfSquares", divisor: Divisor::One, ..formula };
    to.loss::<_, [f32; OUTPUTS]>(SumOfSquares, formula);
    to.loss::<_, [f32; OUTPUTS]>(
        MeanAbsoluteError,
        Formula {
            name: "MeanAbsoluteError",
            divisor: Divisor::Elements,
            sample: |a, t, scale, gradient| pointwise(a, t, gradient, |e| (e.abs(), sign(e) * scale)),
            precise: |a, t| sum(a, t, |a, t| (a - t).abs()),
        },
    );
    to.loss::<_, [f32; OUTPUTS]>(
        Huber { delta: HUBER_DELTA },
        Formula {
            name: "Huber",
            divisor: Divisor::Elements,
            sample: |a, t, scale, gradient| {
                pointwise(a, t, gradient, |e| match HUBER_DELTA {
                    d if e.abs() > d => (d * (e.abs() - 0.5 * d), d * sign(e) * scale),
                    _ => (0.5 * (e * e), e * scale),
                })
            },
            precise: |a, t| {
                sum(a, t, |a, t| match ((a - t).abs(), f64::from(HUBER_DELTA)) {
                    (e, d) if e > d => d * (e - 0.5 * d),
                    (e, _) => 0.5 * e * e,
                })
            },
        },
    );
    to.loss::<_, [f32; OUTPUTS]>(
        BinaryCrossEntropy,
        Formula {
            name: "BinaryCrossEntropy",
            divisor: Divisor::Elements,
            sample: |z, t, scale, gradient| {
                let mut value = 0.0;
                for (k, (z, t)) in z.iter().zip(t).enumerate() {
                    value += (z.max(0.0) - z * t) + ln_1p(exp(-z.abs()));
                    gradient[k] = (sigmoid(*z) - t) * scale;
                }
                value
            },
            precise: |z, t| {
                sum(z, t, |z, t| {
                    let p = 1.0 / (1.0 + libm::exp(-z));
                    -(t * libm::log(p) + (1.0 - t) * libm::log(1.0 - p))
                })
            },
        },
    );
    to.loss::<_, u8>(
        CrossEntropy,
        Formula {
            name: "CrossEntropy",
            divisor: Divisor::Samples,
            sample: |z, t, scale, gradient| weighted_cross_entropy(z, t, 1.0, scale, gradient),
            precise: precise_cross_entropy,
        },
    );
    let weights = [CLASS_WEIGHT, 2.0 * CLASS_WEIGHT, 3.0 * CLASS_WEIGHT];
    to.loss::<_, u8>(
        WeightedCrossEntropy { weights },
        Formula {
            name: "WeightedCrossEntropy",
            divisor: Divisor::Samples,
            sample: |z, t, scale, gradient| {
                let weight = CLASS_WEIGHT * (label(t) + 1) as f32;
                weighted_cross_entropy(z, t, weight, scale, gradient)
            },
            precise: |z, t| {
                let label = t.iter().position(|t| *t == 1.0).unwrap_or(0);
                f64::from(CLASS_WEIGHT) * (label + 1) as f64 * precise_cross_entropy(z, t)
            },
        },
    );
    to.loss::<_, u8>(OneHot(SumOfSquares), Formula { name: "OneHot", ..formula });
}

/// All others. Each has a training of its own in `same_bits_more.expected`.
pub fn further_losses(to: &mut impl VisitLosses) {
    to.loss::<_, [f32; OUTPUTS]>(
        SoftCrossEntropy,
        Formula {
            name: "SoftCrossEntropy",
            divisor: Divisor::Samples,
            sample: soft_cross_entropy,
            precise: precise_cross_entropy,
        },
    );
    to.loss::<_, u8>(
        LabelSmoothing { smoothing: SMOOTHING },
        Formula {
            name: "LabelSmoothing",
            divisor: Divisor::Samples,
            sample: |z, t, scale, gradient| {
                let smooth = |k| (1.0 - SMOOTHING) * t[k] + SMOOTHING / OUTPUTS as f32;
                soft_cross_entropy(z, &core::array::from_fn::<_, OUTPUTS, _>(smooth), scale, gradient)
            },
            precise: |z, t| {
                let (kept, share) = (1.0 - f64::from(SMOOTHING), f64::from(SMOOTHING) / OUTPUTS as f64);
                precise_cross_entropy(z, &core::array::from_fn::<_, OUTPUTS, _>(|k| kept * t[k] + share))
            },
        },
    );
}

/// A sum over the outputs of one term each, which with its scaled derivative is a function of the error `a - t`.
fn pointwise(a: &[f32], t: &[f32], gradient: &mut [f32], term: impl Fn(f32) -> (f32, f32)) -> f32 {
    let mut value = 0.0;
    for k in 0..a.len() {
        let (of_output, derivative) = term(a[k] - t[k]);
        value += of_output;
        gradient[k] = derivative;
    }
    value
}

fn sum(a: &[f64], t: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    a.iter().zip(t).map(|(a, t)| term(*a, *t)).sum()
}

fn sign(e: f32) -> f32 {
    if e == 0.0 { e } else { e.signum() }
}

fn label(t: &[f32]) -> usize {
    t.iter().position(|t| *t == 1.0).unwrap_or(0)
}

/// The largest of some logits, and `Σ exp(z - max)`.
fn max_and_sum(z: &[f32]) -> (f32, f32) {
    let max = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for z in z {
        sum += exp(z - max);
    }
    (max, sum)
}

fn weighted_cross_entropy(z: &[f32], t: &[f32], weight: f32, scale: f32, gradient: &mut [f32]) -> f32 {
    let (max, sum) = max_and_sum(z);
    for k in 0..z.len() {
        gradient[k] = (exp(z[k] - max) / sum - t[k]) * (weight * scale);
    }
    weight * (ln(sum) - (z[label(t)] - max))
}

fn soft_cross_entropy(z: &[f32], t: &[f32], scale: f32, gradient: &mut [f32]) -> f32 {
    let (max, sum) = max_and_sum(z);
    let (mut total, mut value) = (0.0, 0.0);
    for k in 0..z.len() {
        total += t[k];
        value += t[k] * (ln(sum) - (z[k] - max));
    }
    for k in 0..z.len() {
        gradient[k] = (exp(z[k] - max) / sum * total - t[k]) * scale;
    }
    value
}

/// Of a label, or of probabilities that sum to 1: `-Σ t·ln(softmax z)`.
fn precise_cross_entropy(z: &[f64], t: &[f64]) -> f64 {
    let sum_of_exponentials: f64 = z.iter().map(|z| libm::exp(*z)).sum();
    sum(z, t, |z, t| t * (libm::log(sum_of_exponentials) - z))
}

//! Learning-rate schedules: the rate as a function of the step, or of the loss.
//!
//! A schedule only computes; the training loop writes what it says into the optimizer:
//! `optimizer.learning_rate = schedule.learning_rate(epoch)`. Steps count from 0, and a step may be a batch or an epoch, as
//! the user likes. A constant rate needs no schedule; [`Constant`] is for code that is generic over one.
//!
//! | setting | domain | what else does |
//! | --- | --- | --- |
//! | `learning_rate`, `floor` | finite, from 0 on; `floor` of [`Cosine`] at most the rate | a [`Schedule`] gives NaN at every step; `observe` refuses it |
//! | `factor` of [`StepDecay`], [`Exponential`] | finite, above 0 | NaN at every step |
//! | `factor` of [`ReduceOnPlateau`] | above 0, below 1 | `observe` refuses it |
//! | `threshold` of [`ReduceOnPlateau`] | from 0 on, below 1 | `observe` refuses it |
//! | `min_delta` of [`EarlyStopping`] | finite, from 0 on | `observe` refuses it |
//! | whole numbers | any | |

use crate::setting::{Domain, SettingError};
use crate::sum::Sum;

/// A learning rate for each step.
pub trait Schedule {
    /// The rate at `step`, counted from 0.
    fn learning_rate(&self, step: u32) -> f32;
}

/// The same rate at every step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Constant {
    /// The rate.
    pub learning_rate: f32,
}

crate::state!(Constant { learning_rate: f32 });

impl Schedule for Constant {
    fn learning_rate(&self, _step: u32) -> f32 {
        if Domain::NonNegative.contains(self.learning_rate) { self.learning_rate } else { f32::NAN }
    }
}

/// `α·γ^⌊step / every⌋`: the rate falls by a factor now and then. As PyTorch's `StepLR`.
///
/// # Order and rounding
/// The power, then the product, each rounded to `f32`. The power is square and multiply as in [`power`](crate::scalar::power), but in pairs of `f32`, so that
/// the rate is right to `n·2⁻⁴⁵ + 2⁻²³` of itself after `n` falls. An `every` of 0 counts as 1.
///
/// # Special values
/// With a factor above 1 the power may grow: above 2¹¹⁵ it may be NaN. Below 2⁻¹⁰² it is right to fewer digits.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "StepLR")]
pub struct StepDecay {
    /// The first rate, `α`.
    pub learning_rate: f32,
    /// The factor, `γ`; PyTorch's default is 0.1.
    pub factor: f32,
    /// Steps between two falls.
    pub every: u32,
}

crate::state!(StepDecay { learning_rate: f32, factor: f32, every: u32 });

impl Schedule for StepDecay {
    fn learning_rate(&self, step: u32) -> f32 {
        decayed(self.learning_rate, self.factor, step / self.every.max(1))
    }
}

/// `α·γ^step`. As PyTorch's `ExponentialLR`.
///
/// # Order and rounding
/// As [`StepDecay`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "ExponentialLR")]
#[doc(alias = "ExponentialDecay")]
pub struct Exponential {
    /// The first rate, `α`.
    pub learning_rate: f32,
    /// The factor, `γ`.
    pub factor: f32,
}

crate::state!(Exponential { learning_rate: f32, factor: f32 });

impl Schedule for Exponential {
    fn learning_rate(&self, step: u32) -> f32 {
        decayed(self.learning_rate, self.factor, step)
    }
}

/// `rate·factor^times`, or NaN where a setting makes no sense.
fn decayed(rate: f32, factor: f32, times: u32) -> f32 {
    if Domain::NonNegative.contains(rate) && Domain::Positive.contains(factor) {
        rate * Sum::power(factor, times)
    } else {
        f32::NAN
    }
}

/// A linear warm-up, then half a cosine from the peak down to the floor, then the floor.
///
/// With `w` steps of warm-up of `n` in all: `α·(step + 1)/w` for `step < w`; then
/// `floor + (α - floor)·(1 + cos(π·(step - w)/(n - w)))/2` for `step < n`; then `floor`.
///
/// # Order and rounding
/// In the warm-up the product, then the quotient. Then `x = π·(step - w)/(n - w)` (product, quotient), its cosine by
/// `libm::cosf`, and `floor + (α - floor)·((1 + cos x)/2)`. The rate is right to 2⁻²⁴ of `α - floor`, so towards the end of very many steps it
/// falls by leaps of that size.
///
/// # When to use it
/// By default, where a network has convolutions and an optimizer has momentum. A rate that is good at first is too high at the end: on handwritten
/// digits of 8 × 8 pixels PyTorch's mean over five seeds is 98.3 % right where the rate falls from 0.05 along a cosine, and 89 % where it stays there. With
/// this library one of five seeds then ends no better than a guess.
///
/// Each network has a best rate of its own, also where a trained one goes on learning. A recogniser of spoken digits learns a new speaker best at 0.05 with
/// two convolutions, at 0.1 to 0.2 with two dense layers, and at 1.6 with a recurrent layer of PyTorch's whose gradient is clipped to a norm of 1. So try some rates for each network, and compare two networks
/// each at its own.
///
/// # Source
/// Loshchilov and Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, 2017, equation 5, for one run; without warm-up
/// PyTorch's `CosineAnnealingLR` with `T_max = n`, up to its last step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "CosineAnnealingLR")]
#[doc(alias = "CosineDecay")]
#[doc(alias = "warmup")]
pub struct Cosine {
    /// The highest rate, `α`.
    pub learning_rate: f32,
    /// The last rate, at most `α`.
    pub floor: f32,
    /// Steps of warm-up, `w`; 0 for none.
    pub warm_up: u32,
    /// Steps in all, `n`.
    pub steps: u32,
}

crate::state!(Cosine { learning_rate: f32, floor: f32, warm_up: u32, steps: u32 });

impl Schedule for Cosine {
    fn learning_rate(&self, step: u32) -> f32 {
        let makes_sense = Domain::NonNegative.contains(self.learning_rate) && Domain::NonNegative.contains(self.floor);
        if !(makes_sense && self.floor <= self.learning_rate) {
            return f32::NAN;
        }
        if step < self.warm_up {
            return self.learning_rate * (step as f32 + 1.0) / self.warm_up as f32;
        }
        if step >= self.steps {
            return self.floor;
        }
        let (done, all) = (step.saturating_sub(self.warm_up), self.steps.saturating_sub(self.warm_up));
        let x = core::f32::consts::PI * done as f32 / all as f32;
        self.floor + (self.learning_rate - self.floor) * ((1.0 + libm::cosf(x)) / 2.0)
    }
}

/// The rate falls when the loss has stopped falling. As PyTorch's `ReduceLROnPlateau` in its default mode.
///
/// A loss counts as better when it is below `best - threshold·|best|`; the first is. After more than `patience` losses in a row that are not, the
/// rate is multiplied by `factor`, but doesn't fall below `floor`, and the count starts again. A rate that is below `floor` already stays as it is.
///
/// # Order and rounding
/// The product with `|best|`, then the difference; the product with `factor`.
///
/// # Special values
/// A NaN or an infinity is not better than anything.
///
/// # Source
/// PyTorch's `torch.optim.lr_scheduler.ReduceLROnPlateau` with `mode="min"` and `threshold_mode="rel"`, from which the names and the defaults are. It
/// cites no text.
///
/// # Differs from PyTorch
/// PyTorch compares with `best·(1 - threshold)`, which lies *above* a negative `best`: a negative loss that stands still would be better each time. For
/// positive losses the two are the same, but for rounding. No cooldown, and a fall of less than 1e-8 is made all the same.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "ReduceLROnPlateau")]
pub struct ReduceOnPlateau {
    /// The rate now.
    pub learning_rate: f32,
    /// What a fall multiplies it by; PyTorch's default is 0.1.
    pub factor: f32,
    /// Losses in a row that may be no better; PyTorch's default is 10.
    pub patience: u32,
    /// The relative improvement that counts; PyTorch's default is 1e-4.
    pub threshold: f32,
    /// The lowest rate; PyTorch's default is 0.
    pub floor: f32,
    pub(crate) best: f32,
    pub(crate) waited: u32,
}

crate::state!(ReduceOnPlateau {
    learning_rate: f32,
    factor: f32,
    patience: u32,
    threshold: f32,
    floor: f32,
    best: f32,
    waited: u32,
});

impl ReduceOnPlateau {
    /// PyTorch's defaults, from this rate on.
    pub const fn new(learning_rate: f32) -> Self {
        Self { learning_rate, factor: 0.1, patience: 10, threshold: 1e-4, floor: 0.0, best: f32::INFINITY, waited: 0 }
    }

    /// Takes note of a loss, and gives the rate from now on.
    ///
    /// # Errors
    /// A setting makes no sense; nothing is changed then.
    pub fn observe(&mut self, loss: f32) -> Result<f32, SettingError> {
        Domain::NonNegative.check("learning_rate", self.learning_rate)?;
        Domain::PositiveBelowOne.check("factor", self.factor)?;
        Domain::BelowOne.check("threshold", self.threshold)?;
        Domain::NonNegative.check("floor", self.floor)?;
        // Of the infinity at the start there is no difference.
        let first = self.best == f32::INFINITY;
        if loss.is_finite() && (first || loss < self.best - self.threshold * self.best.abs()) {
            self.best = loss;
            self.waited = 0;
        } else {
            self.waited = self.waited.saturating_add(1);
        }
        if self.waited > self.patience {
            let lower = self.learning_rate * self.factor;
            if lower >= self.floor {
                self.learning_rate = lower;
            } else if self.learning_rate > self.floor {
                self.learning_rate = self.floor;
            }
            self.waited = 0;
        }
        Ok(self.learning_rate)
    }
}

/// Tells when to stop: when the loss (of a validation set, say) has not fallen for a while.
///
/// To keep the best weights, copy the network when [`Verdict::Better`] comes: `*best = trainer.network`.
///
/// A loss is better when it is below `best - min_delta`; the first is.
///
/// # Order and rounding
/// The difference, rounded, then the comparison: a `min_delta` below a quarter of a unit of the last place of `best` counts as 0.
///
/// # Special values
/// A NaN or an infinity is not better than anything.
///
/// # Source
/// Prechelt, *Early Stopping - But When?*, 1998; `patience` and `min_delta` as Keras's `EarlyStopping` has them, which takes the absolute value of a
/// negative `min_delta`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EarlyStopping {
    /// It stops at so many losses in a row that are no better; at least at the first.
    pub patience: u32,
    /// How much lower than the best a loss must be to count as better: finite, from 0 on.
    pub min_delta: f32,
    pub(crate) best: f32,
    pub(crate) waited: u32,
}

crate::state!(EarlyStopping { patience: u32, min_delta: f32, best: f32, waited: u32 });

/// What [`EarlyStopping`] says of a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Verdict {
    /// The best so far: keep these weights.
    Better,
    /// No better, go on.
    Wait,
    /// No better for `patience` losses in a row.
    Stop,
}

impl EarlyStopping {
    /// Stops at `patience` losses in a row without a new best.
    pub const fn new(patience: u32) -> Self {
        Self { patience, min_delta: 0.0, best: f32::INFINITY, waited: 0 }
    }

    /// The best loss so far; infinite before the first.
    pub const fn best(&self) -> f32 {
        self.best
    }

    /// Takes note of a loss.
    ///
    /// # Errors
    /// `min_delta` is outside of its domain: with a negative one a rising loss would be better. Nothing is changed then.
    pub fn observe(&mut self, loss: f32) -> Result<Verdict, SettingError> {
        Domain::NonNegative.check("min_delta", self.min_delta)?;
        if loss.is_finite() && loss < self.best - self.min_delta {
            self.best = loss;
            self.waited = 0;
            return Ok(Verdict::Better);
        }
        self.waited = self.waited.saturating_add(1);
        Ok(if self.waited >= self.patience { Verdict::Stop } else { Verdict::Wait })
    }
}

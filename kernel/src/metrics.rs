//! Metrics: how well a network does on a data set.

use core::fmt;

use crate::zero::Zero;

/// Loss and accuracy of a classifier over a data set.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Evaluation {
    /// The loss over all samples.
    pub loss: f32,
    /// Number of samples, at least 1.
    pub samples: usize,
    /// Samples whose label has the largest output.
    pub correct: usize,
    /// Samples whose label is among the `k` largest outputs.
    pub correct_top_k: usize,
}

impl Evaluation {
    /// Share of the samples whose label has the largest output, 0 to 1.
    pub fn accuracy(&self) -> f32 {
        self.correct as f32 / self.samples as f32
    }

    /// Share of the samples whose label is among the `k` largest outputs, 0 to 1.
    pub fn top_k_accuracy(&self) -> f32 {
        self.correct_top_k as f32 / self.samples as f32
    }
}

/// How many outputs come before that of `label`: larger ones, and equal ones of a lower class; 0 is right.
///
/// A NaN comes before everything, as in [`Vector::argmax`](crate::matrix::Vector::argmax). A label out of range comes last.
pub fn rank(outputs: &[f32], label: usize) -> usize {
    let Some(&own) = outputs.get(label) else { return outputs.len() };
    let mut rank = 0_usize;
    // Counted without `enumerate` and `count`: they would panic on overflow in a build that looks for it.
    for (k, &other) in (0..outputs.len()).zip(outputs) {
        let tie = (k < label) & (other == own || (other.is_nan() & own.is_nan()));
        let before = (other > own) | (other.is_nan() & !own.is_nan()) | tie;
        rank = rank.wrapping_add(usize::from(before));
    }
    rank
}

/// A class is not below the number of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ClassOutOfRange {
    /// The class.
    pub class: usize,
    /// Number of classes.
    pub classes: usize,
}

impl fmt::Display for ClassOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "class {} is out of range: there are {} classes", self.class, self.classes)
    }
}

impl core::error::Error for ClassOutOfRange {}

/// Counts of (actual class, predicted class).
///
/// `counts[actual][predicted]`, as scikit-learn arranges it.
///
/// # Long runs
/// A count that would pass `u32::MAX` halves all counts before it grows, each rounded up, so that a rare cell does not vanish. So shares of counts stay
/// right, to one part in 2³¹ of all samples for each cell and halving, and samples before count half of those after: an exponential memory. Until one
/// cell has counted 4,294,967,295 samples, all counts are exact. Sums of counts are `u64`, so they do not overflow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConfusionMatrix<const CLASSES: usize> {
    /// A row for each actual class, in it a column for each predicted class.
    pub counts: [[u32; CLASSES]; CLASSES],
}

crate::state!(ConfusionMatrix<const CLASSES: usize> { counts: [[u32; CLASSES]; CLASSES] });

impl<const CLASSES: usize> Zero for ConfusionMatrix<CLASSES> {
    const ZERO: Self = Self::NEW;
}

impl<const CLASSES: usize> ConfusionMatrix<CLASSES> {
    /// No counts.
    pub const NEW: Self = Self { counts: [[0; CLASSES]; CLASSES] };

    /// Counts one sample. If its cell is full, all counts are halved first.
    ///
    /// # Errors
    /// A class out of range; nothing is counted then.
    pub fn record(&mut self, actual: usize, predicted: usize) -> Result<(), ClassOutOfRange> {
        let out_of_range = |class| ClassOutOfRange { class, classes: CLASSES };
        let row = self.counts.get(actual).ok_or(out_of_range(actual))?;
        if *row.get(predicted).ok_or(out_of_range(predicted))? == u32::MAX {
            for count in self.counts.as_flattened_mut() {
                *count = count.div_ceil(2);
            }
        }
        if let Some(count) = self.counts.get_mut(actual).and_then(|row| row.get_mut(predicted)) {
            *count = count.saturating_add(1);
        }
        Ok(())
    }

    /// The sum of all counts: the number of samples, until they are halved.
    pub fn samples(&self) -> u64 {
        self.counts.as_flattened().iter().fold(0, |sum, &count| sum.saturating_add(count.into()))
    }

    /// Number of samples whose class was predicted: the sum of the diagonal.
    pub fn correct(&self) -> u64 {
        let diagonal = (0..CLASSES).zip(&self.counts).filter_map(|(class, row)| row.get(class));
        diagonal.fold(0, |sum, &count| sum.saturating_add(count.into()))
    }

    /// Share of the samples predicted right, or `None` before the first sample.
    pub fn accuracy(&self) -> Option<f32> {
        let samples = self.samples();
        if samples == 0 { None } else { Some(self.correct() as f32 / samples as f32) }
    }
}

/// With two classes, 0 is negative and 1 is positive.
impl ConfusionMatrix<2> {
    /// Class 0 predicted as 0 (TN).
    pub const fn true_negatives(&self) -> u32 {
        let [[count, _], _] = self.counts;
        count
    }

    /// Class 0 predicted as 1 (FP).
    pub const fn false_positives(&self) -> u32 {
        let [[_, count], _] = self.counts;
        count
    }

    /// Class 1 predicted as 0 (FN).
    pub const fn false_negatives(&self) -> u32 {
        let [_, [count, _]] = self.counts;
        count
    }

    /// Class 1 predicted as 1 (TP).
    pub const fn true_positives(&self) -> u32 {
        let [_, [_, count]] = self.counts;
        count
    }
}

impl<const CLASSES: usize> fmt::Display for ConfusionMatrix<CLASSES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "actual \\ predicted")?;
        for class in 0..CLASSES {
            write!(f, "{class:>7}")?;
        }
        for (class, row) in (0..CLASSES).zip(&self.counts) {
            write!(f, "\n{class:>18}")?;
            for count in row {
                write!(f, "{count:>7}")?;
            }
        }
        Ok(())
    }
}

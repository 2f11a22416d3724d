//! A network over a whole data set: outputs, loss, accuracy.

use super::{StepError, Workspace, check_loss, forward};
use crate::data::{Index, Samples};
use crate::loss::Loss;
use crate::matrix::argmax;
use crate::metrics::{ConfusionMatrix, Evaluation, rank};
use crate::network::Network;
use crate::setting::Domain;
use crate::shape::{ArrayShape, SampleOf, Shape, Values};
use crate::sum::Sum;

/// Calls `visit(index, output, target)` for each sample in order, computed in batches of the workspace. The outputs are those of a prediction.
///
/// # Errors
/// [`StepError::NoSamples`], a non-finite input or pre-activation; samples before the batch where it shows have been visited.
pub fn for_each_output<N, D, const B: usize, const FLOATS: usize>(
    network: &N,
    workspace: &mut Workspace<B, FLOATS>,
    samples: &D,
    mut visit: impl FnMut(usize, &SampleOf<N::Out>, &D::Target),
) -> Result<(), StepError>
where
    N: Network,
    D: Samples<Input = SampleOf<N::In>>,
{
    let total = samples.len();
    if total == 0 {
        return Err(StepError::NoSamples);
    }
    let mut start = 0;
    while start < total {
        let count = total.saturating_sub(start).min(B);
        forward(network, usize::MAX, workspace, samples, start, count)?;
        let (outputs, _) = workspace.split::<N>(count);
        let outputs = &*outputs;
        for offset in 0..count {
            let index = start.saturating_add(offset);
            let output = outputs.get(offset.saturating_mul(N::Out::SIZE)..).and_then(SampleOf::<N::Out>::first_of);
            match (output, samples.target(index)) {
                (Some(output), Some(target)) => visit(index, output, target),
                _ => return Err(StepError::MissingSample { sample: index }),
            }
        }
        start = start.saturating_add(count);
    }
    Ok(())
}

/// The samples whose values are added as those of a batch are, each sum rounded to `f32`.
///
/// As many as a large batch on a device has, so the loss over such a data set has the bits of the step that trains on it at once. Values of one sign
/// lose little in so few additions: all of them round by less than `127·2⁻²⁴ < 2⁻¹⁷` of the sum.
const AS_A_BATCH: usize = 128;

/// The sum of the values and one more, that of this sample.
fn add(sum: Sum, index: usize, value: f32) -> Sum {
    if index < AS_A_BATCH { Sum { high: sum.high + value, low: 0.0 } } else { sum.plus(value) }
}

/// The loss over a data set.
///
/// # Order and rounding
/// The values of the samples in order, from 0. The first 128 as those of a batch, each sum rounded to `f32`: up to so many samples the loss has the bits
/// of one batch of them. From then on the sum is kept in two `f32`, so that the loss of a large data set does not lose its small terms: with values of one
/// sign those additions round by at most 2⁻⁴⁷ of the sum each.
///
/// # Errors
/// As a training step, but for the number of samples, which is free; nothing is changed in any case.
pub fn mean_loss<N, L, D, const B: usize, const FLOATS: usize>(
    network: &N,
    workspace: &mut Workspace<B, FLOATS>,
    samples: &D,
    loss: &L,
) -> Result<f32, StepError>
where
    N: Network,
    D: Samples<Input = SampleOf<N::In>>,
    L: Loss<N::Out, N::Activation, D::Target>,
{
    check_loss(samples, loss)?;
    let mut sum = Sum::ZERO;
    for_each_output(network, workspace, samples, |index, output, target| {
        sum = add(sum, index, loss.value(output, target));
    })?;
    finite(loss.total(sum.high, samples.len()))
}

/// Loss, accuracy and top-`k` accuracy of a classifier over a data set; the loss as [`mean_loss`] gives it, and whole numbers of samples.
///
/// # Errors
/// As [`mean_loss`].
pub fn evaluate<N, L, D, const B: usize, const FLOATS: usize>(
    network: &N,
    workspace: &mut Workspace<B, FLOATS>,
    samples: &D,
    loss: &L,
    k: usize,
) -> Result<Evaluation, StepError>
where
    N: Network,
    D: Samples<Input = SampleOf<N::In>>,
    D::Target: Index,
    L: Loss<N::Out, N::Activation, D::Target>,
{
    check_loss(samples, loss)?;
    let (mut sum, mut correct, mut correct_top_k) = (Sum::ZERO, 0usize, 0usize);
    for_each_output(network, workspace, samples, |index, output, target| {
        sum = add(sum, index, loss.value(output, target));
        let rank = rank(output.values(), target.index());
        correct = correct.saturating_add(usize::from(rank == 0));
        correct_top_k = correct_top_k.saturating_add(usize::from(rank < k));
    })?;
    let loss = finite(loss.total(sum.high, samples.len()))?;
    Ok(Evaluation { loss, samples: samples.len(), correct, correct_top_k })
}

/// Adds the predictions for a data set to a confusion matrix; the prediction is the class of the largest output.
///
/// # Errors
/// A label out of range: nothing is counted. A non-finite input or pre-activation: the batches before it have been counted.
pub fn confusion_matrix<N, D, const B: usize, const FLOATS: usize, const CLASSES: usize>(
    network: &N,
    workspace: &mut Workspace<B, FLOATS>,
    samples: &D,
    matrix: &mut ConfusionMatrix<CLASSES>,
) -> Result<(), StepError>
where
    N: Network,
    N::Out: ArrayShape<Sample = [f32; CLASSES]>,
    D: Samples<Input = SampleOf<N::In>>,
    D::Target: Index,
{
    for sample in 0..samples.len() {
        let label = samples.target(sample).ok_or(StepError::MissingSample { sample })?.index();
        if label >= CLASSES {
            return Err(StepError::LabelOutOfRange { sample, label, classes: CLASSES });
        }
    }
    for_each_output(network, workspace, samples, |_, output, target| {
        // Both are below CLASSES.
        let _ = matrix.record(target.index(), argmax(output));
    })
}

/// Adds the predictions of a network with one output for a data set of yes or no: it predicts class 1 where the output is above
/// `threshold` (0 for logits, 0.5 for probabilities), and a target above 0.5 is class 1.
///
/// # Errors
/// A threshold or a target that is infinite or NaN: nothing is counted. Otherwise as [`confusion_matrix`].
pub fn binary_confusion_matrix<N, D, const B: usize, const FLOATS: usize>(
    network: &N,
    workspace: &mut Workspace<B, FLOATS>,
    samples: &D,
    threshold: f32,
    matrix: &mut ConfusionMatrix<2>,
) -> Result<(), StepError>
where
    N: Network,
    N::Out: ArrayShape<Sample = [f32; 1]>,
    D: Samples<Input = SampleOf<N::In>, Target = [f32; 1]>,
{
    Domain::Finite.check("threshold", threshold)?;
    for sample in 0..samples.len() {
        let [target] = samples.target(sample).ok_or(StepError::MissingSample { sample })?;
        if !Domain::Finite.contains(*target) {
            return Err(StepError::NonFiniteTarget { sample });
        }
    }
    for_each_output(network, workspace, samples, |_, [output], [target]| {
        // Both are 0 or 1.
        let _ = matrix.record(usize::from(*target > 0.5), usize::from(*output > threshold));
    })
}

fn finite(loss: f32) -> Result<f32, StepError> {
    if loss.is_finite() { Ok(loss) } else { Err(StepError::NonFiniteLoss) }
}

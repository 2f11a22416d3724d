//! Counts the steps and predictions of one network.

use core::hint::black_box;

use baregrad::loss::Loss;
use baregrad::optimizer::Optimizer;
use baregrad::shape::{SampleOf, Shape, Values};
use baregrad::{Dataset, Network, Trainer, Uniform, Zero};
use instruction_counter::Counter;
use rand_pcg::Pcg32;

use crate::inputs::{Kind, below};

/// Steps that each network must make; the refused ones come on top.
pub(crate) const INPUTS: u32 = 1000;
/// Inputs until it must have made them.
const MOST_INPUTS: u32 = 2 * INPUTS;
/// Limits of the weights, one after the other: with them pre-activations and gradients are odd too.
const WEIGHTS: [f32; 5] = [0.5, 1e-3, 20.0, 1e-30, 1e-44];

/// The least and the most of some counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) min: u64,
    pub(crate) max: u64,
}

impl Range {
    /// Of nothing yet.
    pub(crate) const NONE: Self = Self { min: u64::MAX, max: 0 };

    pub(crate) fn add(&mut self, count: u64) {
        self.min = self.min.min(count);
        self.max = self.max.max(count);
    }

    pub(crate) fn is_constant(self) -> bool {
        self.min == self.max
    }
}

/// What was counted of a network.
pub(crate) struct Measured {
    /// Instructions of a step that was made.
    pub(crate) step: Range,
    /// Instructions of a prediction, whatever came out.
    pub(crate) predict: Range,
    /// Instructions of the longest slice of a step in slices.
    pub(crate) slice: Range,
    /// Instructions of all slices of a step.
    pub(crate) slices: Range,
    /// Steps that were made: [`INPUTS`], unless far too many were refused.
    pub(crate) made: u32,
    /// Steps that were refused with an error, because something overflowed. They end early, and are not counted.
    pub(crate) refused: u32,
}

/// A target of any value.
pub(crate) trait Target: Zero + Copy {
    fn draw(kind: Kind, classes: usize, generator: &mut Pcg32) -> Self;
}

impl Target for u8 {
    fn draw(_kind: Kind, classes: usize, generator: &mut Pcg32) -> Self {
        below(classes, generator) as u8
    }
}

impl<const N: usize> Target for [f32; N] {
    fn draw(kind: Kind, _classes: usize, generator: &mut Pcg32) -> Self {
        let mut target = [0.0; N];
        let kind = if below(2, generator) == 0 { Kind::ZeroOrOne } else { kind };
        kind.fill(&mut target, generator);
        target
    }
}

/// Counts a network trained by `optimizer` in batches of `B`. Each input meets new weights, and the slots that the steps before left.
#[inline(never)]
pub(crate) fn measure<N, O, L, T, const B: usize, const FLOATS: usize>(
    counter: &mut Counter,
    mut optimizer: O,
    loss: L,
) -> Measured
where
    N: Network,
    O: Optimizer,
    L: Loss<N::Out, N::Activation, T> + Copy,
    T: Target,
{
    let mut generator = Pcg32::new(1, 0);
    let mut trainer = Trainer::<N, O, B, FLOATS>::NEW;
    let (mut inputs, mut targets) = ([SampleOf::<N::In>::ZERO; B], [T::ZERO; B]);
    let mut measured = Measured {
        step: Range::NONE,
        predict: Range::NONE,
        slice: Range::NONE,
        slices: Range::NONE,
        made: 0,
        refused: 0,
    };
    let mut input = 0;
    while measured.made < INPUTS && input < MOST_INPUTS {
        let kind = Kind::ALL[input as usize % Kind::ALL.len()];
        let limit = WEIGHTS[input as usize / Kind::ALL.len() % WEIGHTS.len()];
        input += 1;
        trainer.network.initialize(Uniform::weights_and_biases(-limit, limit), &mut generator);
        for sample in &mut inputs {
            kind.fill(sample.values_mut(), &mut generator);
        }
        // Half of them are zeros and ones, which every loss takes.
        targets.fill_with(|| {
            loop {
                let target = T::draw(kind, <N::Out as Shape>::SIZE, &mut generator);
                if loss.check(&target).is_ok() {
                    break target;
                }
            }
        });

        let (trainer, sample) = (black_box(&mut trainer), black_box(&inputs[0]));
        measured.predict.add(counter.of(|| drop(black_box(trainer.network.predict(sample)))));
        let data = black_box(Dataset::from_arrays(&inputs, &targets));
        let mut made = false;
        let counted = counter.of(|| made = trainer.step(&data, loss, &mut optimizer).is_ok());
        if made {
            // Another step over the same samples, if its weights are still good for one.
            let mut step = black_box(trainer.step_in_slices(&data, loss, &mut optimizer));
            let (mut longest, mut all) = (0, 0);
            while step.remaining() > 0 {
                let counted = counter.of(|| _ = black_box(step.poll()));
                longest = longest.max(counted);
                all += counted;
            }
            if step.is_updating() {
                measured.slice.add(longest);
                measured.slices.add(all);
            }
            measured.made += 1;
            measured.step.add(counted);
        } else {
            measured.refused += 1;
        }
        if trainer.check().is_err() {
            trainer.slots = Zero::ZERO;
        }
    }
    measured
}

//! A training for each further row of the table, package `catalogue`: iris by 4-5-3, in which one thing is the row's. And one whose first
//! layer is frozen in some steps, for each optimizer that remembers something of layers.

use core::fmt::{self, Write};

use baregrad::activation::Activation;
use baregrad::fingerprint::Fingerprint;
use baregrad::loss::Loss;
use baregrad::optimizer::Slot;
use baregrad::shape::Features;
use baregrad::state::State;
use baregrad::{CrossEntropy, Dataset, Dense, Identity, Layer, Network, Sgd, Tanh, floats};
use catalogue::activations::{Curve, VisitActivations, VisitElementwise, WIDTH, each_elementwise, further_activations};
use catalogue::losses::{Formula, OUTPUTS, Target, VisitLosses, further_losses};
use catalogue::optimizers::{self, RATE, SavedRule, VisitOptimizers, each_optimizer, further_optimizers};
use heapless::String;

use super::Report;
use super::cases::{Start, train};
use crate::iris;

/// Samples in a batch.
pub const BATCH: usize = 3;
/// Every fourth sample of the training set is in use.
pub const SAMPLES: usize = 30;
/// Weights and biases are drawn from the negative of this to it: wide, so that activations leave their middle.
pub const WIDEST: f32 = 1.5;

/// What is trained: Tanh, cross-entropy and plain SGD, but for the row's own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FurtherCase {
    /// The activation behind the first layer, or the elementwise layer.
    pub activation: &'static str,
    /// The loss.
    pub loss: &'static str,
    /// The optimizer.
    pub optimizer: &'static str,
    /// Whether the first layer is frozen where [`frozen`] says so.
    pub thaws: bool,
}

/// How many layers are frozen in a step, counted from 1: a layer starts late, and misses steps again.
pub const fn frozen(step: usize) -> usize {
    if step <= 3 || step.is_multiple_of(4) { 1 } else { 0 }
}

impl FurtherCase {
    /// The one from which the others differ.
    pub const USUAL: Self = Self { activation: "Tanh", loss: "CrossEntropy", optimizer: "Sgd", thaws: false };

    /// Seed of the weights and the batches. It is made of the names, so that a row above another does not change it.
    pub fn seed(&self) -> u64 {
        u64::from(Fingerprint::of(self.activation).name(self.loss).name(self.optimizer).value())
    }
}

impl fmt::Display for FurtherCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { activation, loss, optimizer, thaws } = self;
        write!(f, "Iris/{activation}/{loss}/{optimizer}/{BATCH}{}", if *thaws { "/thaws" } else { "" })
    }
}

/// Trains all of them.
pub(super) fn train_further(report: Report<'_>) {
    let mut all = Further(report);
    further_optimizers(&mut all);
    further_activations(&mut all);
    each_elementwise(&mut all);
    further_losses(&mut all);
    each_optimizer(&mut Thawing(all.0));
}

struct Further<'a>(Report<'a>);

struct Thawing<'a>(Report<'a>);

type Usual = (Dense<4, WIDTH, Tanh>, Dense<WIDTH, OUTPUTS>);

impl VisitOptimizers for Further<'_> {
    #[inline(never)]
    fn optimizer<O: SavedRule>(&mut self, optimizer: &'static str, start: O, _: optimizers::Formula) {
        let case = FurtherCase { optimizer, ..FurtherCase::USUAL };
        on_iris::<Usual, _, u8, _, { floats::<Usual>() }>(case, CrossEntropy, start, self.0);
    }
}

impl VisitOptimizers for Thawing<'_> {
    #[inline(never)]
    fn optimizer<O: SavedRule>(&mut self, optimizer: &'static str, start: O, _: optimizers::Formula) {
        if const { <<O::Slot as Slot>::Layer as State>::BYTES > 0 } {
            let case = FurtherCase { optimizer, thaws: true, ..FurtherCase::USUAL };
            on_iris::<Usual, _, u8, _, { floats::<Usual>() }>(case, CrossEntropy, start, self.0);
        }
    }
}

impl VisitActivations for Further<'_> {
    #[inline(never)]
    fn activation<A: Activation>(&mut self, curve: Curve) {
        let case = FurtherCase { activation: curve.name, ..FurtherCase::USUAL };
        // Floats of a workspace depend on the sizes alone.
        on_iris::<(Dense<4, WIDTH, A>, Dense<WIDTH, OUTPUTS>), _, u8, _, { floats::<Usual>() }>(
            case,
            CrossEntropy,
            Sgd::new(RATE),
            self.0,
        );
    }
}

impl VisitElementwise for Further<'_> {
    #[inline(never)]
    fn elementwise<L>(&mut self, curve: Curve)
    where
        L: Layer<Features<WIDTH>, Out = Features<WIDTH>, Activation = Identity>,
    {
        const ENOUGH: usize = floats::<(Usual, (Dense<OUTPUTS, WIDTH>, Dense<WIDTH, WIDTH>))>();
        let case = FurtherCase { activation: curve.name, ..FurtherCase::USUAL };
        on_iris::<(Dense<4, WIDTH>, L, Dense<WIDTH, OUTPUTS>), _, u8, _, ENOUGH>(
            case,
            CrossEntropy,
            Sgd::new(RATE),
            self.0,
        );
    }
}

impl VisitLosses for Further<'_> {
    #[inline(never)]
    fn loss<L: Loss<Features<OUTPUTS>, Identity, T> + Copy, T: Target>(&mut self, loss: L, formula: Formula) {
        let case = FurtherCase { loss: formula.name, ..FurtherCase::USUAL };
        on_iris::<Usual, _, T, _, { floats::<Usual>() }>(case, loss, Sgd::new(RATE), self.0);
    }
}

fn on_iris<N, L, T, O, const FLOATS: usize>(case: FurtherCase, loss: L, optimizer: O, report: Report<'_>)
where
    N: Network<In = Features<4>, Out = Features<OUTPUTS>, Activation = Identity>,
    L: Loss<Features<OUTPUTS>, Identity, T> + Copy,
    T: Target,
    O: SavedRule,
{
    let (mut inputs, mut targets) = ([[0.0; 4]; SAMPLES], [T::ZERO; SAMPLES]);
    let table = iris::TRAIN.inputs().iter().zip(iris::TRAIN.targets()).step_by(4);
    for ((input, target), (from, label)) in inputs.iter_mut().zip(&mut targets).zip(table) {
        (*input, *target) = (*from, T::of_label(*label));
    }
    // Were a name longer, it would be empty and no line would be as expected.
    let mut name = String::<64>::new();
    let _ = write!(name, "{case}");
    let start = Start { name: &name, seed: case.seed(), widest: WIDEST };
    let data = Dataset::from_arrays(&inputs, &targets);
    train::<N, _, _, _, _, BATCH, FLOATS>(start, data, optimizer, report, |trainer, number, batch, optimizer| {
        let frozen = if case.thaws { frozen(number) } else { 0 };
        if frozen == 0 {
            trainer.step(batch, loss, optimizer)
        } else {
            trainer.step_frozen(frozen, batch, loss, optimizer)
        }
    });
}

//! The cases, and training them.

use core::fmt::{self, Write};

use baregrad::activation::Activation;
use baregrad::data::RandomIndices;
use baregrad::layer::Tensors;
use baregrad::loss::Loss;
use baregrad::optimizer::Optimizer;
use baregrad::shape::{ArrayShape, Features, SampleOf, Values};
use baregrad::state::State;
use baregrad::{
    CrossEntropy, Dataset, Dense, GatherBuffer, MeanSquaredError, Network, Parameters, Sgd, StepError, Trainer,
    Uniform, Zero, floats,
};
use heapless::String;
use rand_pcg::Pcg32;

use super::choices::{Choice, ChosenActivation, ChosenLoss, ChosenOptimizer};
use super::further::train_further;
use super::networks::{train_blocks, train_networks};
use super::{
    ACTIVATIONS, BATCHES, Checksum, DIGITS, DIVERGENCE, FUNCTIONS, LOSSES, MOST_DIVERGING, OPTIMIZERS, OUTPUTS,
    REPORTED, STEPS, grid,
};
use crate::{digits, iris, xor};

/// What a case trains on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// XOR by 2-3-1.
    Xor,
    /// Iris by 4-5-3.
    Iris,
    /// 200 digits by 64-32-10.
    Digits,
}

/// A training of [`STEPS`] steps, described by the numbers of its choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The data, and with them the sizes of the network.
    pub data: Data,
    /// In [`ACTIVATIONS`].
    pub activation: usize,
    /// In [`LOSSES`].
    pub loss: usize,
    /// In [`OPTIMIZERS`].
    pub optimizer: usize,
    /// In [`BATCHES`].
    pub batch: usize,
}

impl Case {
    /// Seed of the weights and the batches: another for each loss with each optimizer.
    ///
    /// Those of ten losses with ten optimizers are the numbers below 100; all others begin above, so that none changes when one is added.
    pub fn seed(&self) -> u64 {
        let (loss, optimizer) = (self.loss as u64, self.optimizer as u64);
        if loss < 10 && optimizer < 10 { 10 * loss + optimizer } else { 1000 + 1000 * loss + optimizer }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (activation, loss) = (ACTIVATIONS[self.activation], LOSSES[self.loss]);
        let (optimizer, batch) = (OPTIMIZERS[self.optimizer], BATCHES[self.batch]);
        write!(f, "{:?}/{activation}/{loss}/{optimizer}/{batch}", self.data)
    }
}

/// The digits' cases: few, because their images are large. The last two are what the assembly loops of a hard-float Arm core do by
/// themselves: plain SGD and Adam, a sample at a time.
const DIGITS_CASES: [Case; 8] = {
    const fn case(activation: usize, loss: usize, optimizer: usize, batch: usize) -> Case {
        Case { data: Data::Digits, activation, loss, optimizer, batch }
    }
    [
        case(3, 6, 0, 2),
        case(2, 6, 6, 1),
        case(1, 8, 3, 2),
        case(4, 6, 5, 2),
        case(0, 8, 4, 1),
        case(3, 6, 1, 0),
        case(3, 6, 0, 0),
        case(3, 6, 6, 0),
    ]
};

/// The case where loss `i` meets optimizer `j`: XOR for the first six losses, iris for the others.
pub const fn small_case(i: usize, j: usize) -> Case {
    let data = if i < 6 { Data::Xor } else { Data::Iris };
    Case {
        data,
        activation: (i + j) % ACTIVATIONS.len(),
        loss: i,
        optimizer: j,
        batch: (i + j + j / 3) % BATCHES.len(),
    }
}

/// All cases in the order of [`run_parts`].
pub fn cases(small_only: bool) -> impl Iterator<Item = Case> {
    let small = (0..LOSSES.len()).flat_map(|i| (0..OPTIMIZERS.len()).map(move |j| small_case(i, j)));
    small.chain(DIGITS_CASES.into_iter().filter(move |_| !small_only))
}

/// What takes the name of a case, of a stage, and the CRC-32.
pub type Report<'a> = &'a mut dyn FnMut(&str, &str, u32);

/// Calls a function with the types of a case.
macro_rules! train {
    ($report:ident, $function:ident, $case:expr) => {{
        const CASE: Case = $case;
        type A = <Choice<{ CASE.activation }> as ChosenActivation>::Is;
        type L = Choice<{ CASE.loss }>;
        type O = Choice<{ CASE.optimizer }>;
        type Output = <L as ChosenLoss<A>>::Output;
        const B: usize = BATCHES[CASE.batch];
        $function::<A, Output, _, <O as ChosenOptimizer>::Is, B>(
            CASE,
            <L as ChosenLoss<A>>::LOSS,
            <O as ChosenOptimizer>::START,
            $report,
        );
    }};
}

/// Each optimizer with loss `$i`.
macro_rules! each_optimizer {
    ($report:ident, $function:ident, $i:literal: $($j:literal)*) => { $(train!($report, $function, small_case($i, $j));)* };
    ($report:ident, $function:ident, $($i:literal)*) => {
        $(if const { within($i, FROM, TO) } { each_optimizer!($report, $function, $i: 0 1 2 3 4 5 6 7 8 9); })*
    };
}

/// The parts of [`run_parts`]: each loss with every optimizer, then the digits, then the scalar functions and the divergences, then the
/// further rows of the table, then the networks on images, then those with residuals and normalization.
pub const PARTS: usize = LOSSES.len() + 5;
const DIGITS_PART: usize = LOSSES.len();
const FUNCTIONS_PART: usize = LOSSES.len() + 1;
const FURTHER_PART: usize = LOSSES.len() + 2;
const NETWORKS_PART: usize = LOSSES.len() + 3;
const BLOCKS_PART: usize = LOSSES.len() + 4;

const fn within(part: usize, from: usize, to: usize) -> bool {
    from <= part && part < to
}

/// Trains the cases (without the digits if `small_only`) and reports each stage; then the scalar functions, and two divergences; then
/// the cases of `same_bits_more.expected`.
/// Does the parts `FROM..TO` of it, `0..PARTS` for all, and only they are in the image: some processors have too little flash.
///
/// There is no function for all that isn't generic: it would be compiled into every program that uses this library at all.
pub fn run_parts<const FROM: usize, const TO: usize>(small_only: bool, report: Report<'_>) {
    each_optimizer!(report, xor_case, 0 1 2 3 4 5);
    each_optimizer!(report, iris_case, 6 7 8);
    if const { within(DIGITS_PART, FROM, TO) } && !small_only {
        train!(report, digits_case, DIGITS_CASES[0]);
        train!(report, digits_case, DIGITS_CASES[1]);
        train!(report, digits_case, DIGITS_CASES[2]);
        train!(report, digits_case, DIGITS_CASES[3]);
        train!(report, digits_case, DIGITS_CASES[4]);
        train!(report, digits_case, DIGITS_CASES[5]);
        train!(report, digits_case, DIGITS_CASES[6]);
        train!(report, digits_case, DIGITS_CASES[7]);
    }
    if const { within(FUNCTIONS_PART, FROM, TO) } {
        scalar_functions(report);
        divergences(report);
    }
    if const { within(FURTHER_PART, FROM, TO) } {
        train_further(report);
    }
    if const { within(NETWORKS_PART, FROM, TO) } {
        train_networks(report);
    }
    if const { within(BLOCKS_PART, FROM, TO) } {
        train_blocks(report);
    }
}

fn scalar_functions(report: Report<'_>) {
    for (name, function) in FUNCTIONS {
        let mut checksum = Checksum::new();
        grid().for_each(|x| checksum.add(&[function(x)]));
        report("scalar", name, checksum.finish());
    }
}

/// The networks without activations. Floats of a workspace depend on the sizes alone.
type SmallXor = (Dense<2, 3>, Dense<3, 1>);
type SmallIris = (Dense<4, 5>, Dense<5, 3>);
type Digits = (Dense<64, 32>, Dense<32, 10>);

fn divergences(report: Report<'_>) {
    let xor = Dataset::from_arrays(&xor::INPUTS, &xor::TARGETS);
    diverge::<SmallXor, _, _, _, 4, { floats::<SmallXor>() }>("Xor", xor, MeanSquaredError, DIVERGENCE[0], report);
    if let Ok(iris) = Dataset::new(iris::TRAIN.inputs().split_at(4).0, iris::TRAIN.targets().split_at(4).0) {
        diverge::<SmallIris, _, _, _, 4, { floats::<SmallIris>() }>("Iris", iris, CrossEntropy, DIVERGENCE[1], report);
    }
}

/// Trains by far too large a rate until a step is refused, and reports the error with the number of the step.
///
/// A NaN would have another payload on another processor, so it matters that every one refuses the same step.
fn diverge<N, X, T, L, const B: usize, const FLOATS: usize>(
    name: &str,
    data: Dataset<'_, X, T>,
    loss: L,
    learning_rate: f32,
    report: Report<'_>,
) where
    N: Network<In: ArrayShape<Sample = X>>,
    L: Loss<N::Out, N::Activation, T> + Copy,
{
    let mut trainer = Trainer::<N, Sgd, B, FLOATS>::NEW;
    trainer.network.initialize(Uniform::weights_and_biases(-0.5, 0.5), &mut Pcg32::new(1, 0));
    let mut optimizer = Sgd::new(learning_rate);
    for step in 1..=MOST_DIVERGING {
        let error = match trainer.step(&data, loss, &mut optimizer) {
            Ok(_) => continue,
            Err(StepError::NonFinitePreActivation { .. }) => "NonFinitePreActivation",
            Err(StepError::NonFiniteLoss) => "NonFiniteLoss",
            Err(_) => "other",
        };
        let mut stage = String::<40>::new();
        let _ = write!(stage, "diverges-{error}");
        report(name, &stage, step);
        return;
    }
    report(name, "converges", 0);
}

#[inline(never)]
fn xor_case<A, Output, L, O, const B: usize>(case: Case, loss: L, optimizer: O, report: Report<'_>)
where
    A: Activation,
    Output: Activation,
    L: Loss<Features<1>, Output, [f32; 1]> + Copy,
    O: Optimizer<Slot: State>,
{
    let data = Dataset::from_arrays(&xor::INPUTS, &xor::TARGETS);
    train_case::<(Dense<2, 3, A>, Dense<3, 1, Output>), _, _, _, _, B, { floats::<SmallXor>() }>(
        case, data, loss, optimizer, report,
    );
}

#[inline(never)]
fn iris_case<A, Output, L, O, const B: usize>(case: Case, loss: L, optimizer: O, report: Report<'_>)
where
    A: Activation,
    Output: Activation,
    L: Loss<Features<3>, Output, u8> + Copy,
    O: Optimizer<Slot: State>,
{
    train_case::<(Dense<4, 5, A>, Dense<5, 3, Output>), _, _, _, _, B, { floats::<SmallIris>() }>(
        case,
        iris::TRAIN,
        loss,
        optimizer,
        report,
    );
}

#[inline(never)]
fn digits_case<A, Output, L, O, const B: usize>(case: Case, loss: L, optimizer: O, report: Report<'_>)
where
    A: Activation,
    Output: Activation,
    L: Loss<Features<10>, Output, u8> + Copy,
    O: Optimizer<Slot: State>,
{
    let (inputs, _) = digits::TRAIN_INPUTS.split_at(DIGITS);
    let (labels, _) = digits::TRAIN_LABELS.split_at(DIGITS);
    if let Ok(data) = Dataset::new(inputs, labels) {
        train_case::<(Dense<64, 32, A>, Dense<32, 10, Output>), _, _, _, _, B, { floats::<Digits>() }>(
            case, data, loss, optimizer, report,
        );
    }
}

/// An input as the network takes it.
pub(super) trait Sample<X>: Sized {
    fn convert(&self) -> X;
}

impl<const N: usize> Sample<[f32; N]> for [f32; N] {
    fn convert(&self) -> [f32; N] {
        *self
    }
}

impl Sample<[f32; 64]> for [u8; 64] {
    fn convert(&self) -> [f32; 64] {
        let mut input = [0.0; 64];
        digits::scale(self, &mut input);
        input
    }
}

/// The name of a case, and what its weights are drawn from.
pub(super) struct Start<'a> {
    pub(super) name: &'a str,
    pub(super) seed: u64,
    pub(super) widest: f32,
}

#[inline(never)]
fn train_case<N, X, T, L, O, const B: usize, const FLOATS: usize>(
    case: Case,
    data: Dataset<'_, X, T>,
    loss: L,
    optimizer: O,
    report: Report<'_>,
) where
    N: Network,
    X: Sample<SampleOf<N::In>>,
    T: Copy + Zero,
    L: Loss<N::Out, N::Activation, T> + Copy,
    O: Optimizer<Slot: State>,
{
    // The longest name has 45 letters; were one longer, the name would be empty and no line would be as expected.
    let mut name = String::<64>::new();
    let _ = write!(name, "{case}");
    let start = Start { name: &name, seed: case.seed(), widest: 0.5 };
    train::<N, X, T, O, _, B, FLOATS>(start, data, optimizer, report, |trainer, _, batch, optimizer| {
        trainer.step(batch, loss, optimizer)
    });
}

/// Trains one case, step by step as told, and reports parameters, outputs and slots on the way.
///
/// Network, slots and workspace live on the stack here, because a `static` can't be of a generic type: at most 34 KB, and 2 KB
/// without the digits.
#[inline(always)]
pub(super) fn train<N, X, T, O, F, const B: usize, const FLOATS: usize>(
    start: Start<'_>,
    data: Dataset<'_, X, T>,
    mut optimizer: O,
    report: Report<'_>,
    make_step: F,
) where
    N: Network,
    X: Sample<SampleOf<N::In>>,
    T: Copy + Zero,
    O: Optimizer<Slot: State>,
    F: Fn(&mut Trainer<N, O, B, FLOATS>, usize, &GatherBuffer<N::In, T, B>, &mut O) -> Result<f32, StepError>,
{
    let Start { name, seed, widest } = start;
    let mut generator = Pcg32::new(seed, 0);
    let mut trainer = Trainer::<N, O, B, FLOATS>::NEW;
    trainer.network.initialize(Uniform::weights_and_biases(-widest, widest), &mut generator);
    report(name, "init", parameters(&trainer.network));
    report(name, "forward", outputs(&trainer.network, &data));
    let mut indices = RandomIndices::<B>::ZERO;
    let mut gathered = GatherBuffer::<N::In, T, B>::ZERO;
    for step in 1..=STEPS {
        let drawn = indices.draw(data.inputs().len(), &mut generator);
        let batch = drawn
            .and_then(|()| data.batch(&indices))
            .and_then(|batch| gathered.gather(&batch, |x, place| *place = x.convert()));
        let result =
            batch.map_err(StepError::from).and_then(|batch| make_step(&mut trainer, step, batch, &mut optimizer));
        if result.is_err() {
            report(name, "refused", step as u32);
            return;
        }
        if REPORTED.contains(&step) {
            let mut stage = String::<16>::new();
            let _ = write!(stage, "step{step}");
            report(name, &stage, parameters(&trainer.network));
        }
    }
    let mut checksum = Checksum::new();
    trainer.slots.for_each_tensor(&mut |piece| piece.iter().for_each(|slot| checksum.add_state(slot)));
    report(name, "state", checksum.finish());
    if const { N::STATE_COUNT > 0 } {
        let mut checksum = Checksum::new();
        (0..N::STATE_COUNT).for_each(|index| checksum.add(trainer.network.state_tensor(index)));
        report(name, "kept", checksum.finish());
    }
}

fn parameters(network: &impl Parameters) -> u32 {
    let mut checksum = Checksum::new();
    network.for_each_tensor(&mut |piece| checksum.add(piece));
    checksum.finish()
}

/// CRC of the outputs for the first samples.
fn outputs<N: Network, X: Sample<SampleOf<N::In>>, T>(network: &N, data: &Dataset<'_, X, T>) -> u32 {
    let mut checksum = Checksum::new();
    for input in data.inputs().iter().take(OUTPUTS) {
        if let Ok(output) = network.predict_in(&input.convert(), &mut [0.0; 384]) {
            checksum.add(output.values());
        }
    }
    checksum.finish()
}

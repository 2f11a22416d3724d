//! Every optimizer and every loss of the table against its plain formula, bit for bit.
//!
//! The oracle is the textbook's loops (`host_tests::textbook`) with the formula of the row. Training runs through the one-pass
//! step and, with the same result, through the two phases of gradients and update.

use crate::common::{FLOATS, Random, assert_same_bits, book_network, gradient, parameters, random_network};
use crate::losses::{self, OUTPUTS, VisitLosses, each_loss};
use crate::optimizers::{CLIP, DECAY, Formula, RATE, SavedRule, VisitOptimizers, adam, each_optimizer};
use baregrad::loss::Loss;
use baregrad::optimizer::{Moments, Optimizer};
use baregrad::state::State;
use baregrad::train::Gradients;
use baregrad::{
    Adam, ClipValue, CrossEntropy, Dense, Features, HalfMeanSquaredError, Huber, Identity, LeakyRelu,
    MeanAbsoluteError, OneHot, Sgd, Sigmoid, SumOfSquares, Tanh, Trainer, WeightDecay, Zero, floats,
};
use host_tests::precise;
use host_tests::textbook::{self as book, Target};

type Net = (Dense<5, 9, Tanh>, Dense<9, 6, LeakyRelu>, Dense<6, 3>);
const PARAMETERS: usize = 5 * 9 + 9 + 9 * 6 + 6 + 6 * 3 + 3;

/// Five samples of five inputs, with labels.
fn samples(random: &mut Random) -> (Vec<[f32; 5]>, Vec<u8>) {
    let inputs = (0..5).map(|_| std::array::from_fn(|_| random.input())).collect();
    (inputs, (0..5).map(|_| random.below(3) as u8).collect())
}

/// Twenty steps by both, by one pass and by two phases.
fn assert_rule_equals_the_formula<O: Optimizer + Copy>(what: &str, start: O, mut plain_rule: book::Optimizer) {
    let mut random = Random::new(11);
    let mut trainer = Trainer::<Net, O, 5, { floats::<Net>() }>::NEW;
    trainer.network = random_network(&mut random);
    let mut two_phase = Trainer::<Net, O, 5, { floats::<Net>() }>::NEW;
    two_phase.network = trainer.network;
    let mut gradients = Gradients::<Net>::ZERO;
    let mut plain = book_network(&trainer.network);
    let (mut rule, mut two_phase_rule) = (start, start);
    for step in 0..20 {
        let (inputs, labels) = samples(&mut random);
        let data = baregrad::Dataset::new(&inputs, &labels).expect("as many labels");
        trainer.step(&data, CrossEntropy, &mut rule).expect("sound data");
        two_phase.accumulate(&mut gradients, &data, CrossEntropy, 5).expect("sound data");
        two_phase.apply(&mut gradients, &mut two_phase_rule).expect("a finite gradient");
        let rows: Vec<Vec<f32>> = inputs.iter().map(|row| row.to_vec()).collect();
        let targets: Vec<Target> = labels.iter().map(|&label| Target::Label(label.into())).collect();
        book::step(&mut plain, &mut plain_rule, &rows, &targets, book::loss("CrossEntropy"));
        let now = parameters(&trainer.network);
        assert!(now.iter().all(|value| value.is_finite()), "{what}: diverged at step {step}");
        assert_same_bits(&now, &plain.parameters(), &format!("{what}, step {step}"));
        assert_same_bits(&now, &parameters(&two_phase.network), &format!("{what}, step {step}, two phases"));
    }
}

/// Every row of the table.
struct EqualsItsFormula;

impl VisitOptimizers for EqualsItsFormula {
    fn optimizer<O: SavedRule>(&mut self, name: &'static str, start: O, formula: Formula) {
        let plain = book::Optimizer::of_formula(formula, O::Slot::BYTES / 4, PARAMETERS);
        assert_rule_equals_the_formula(name, start, plain);
    }
}

#[test]
fn every_optimizer_equals_its_formula() {
    let mut all = EqualsItsFormula;
    each_optimizer(&mut all);
    all.optimizer("weight decay around Adam", WeightDecay::new(DECAY, Adam::new(RATE)), |step, theta, g, moments| {
        adam(step, theta, g + DECAY * theta, moments)
    });
    all.optimizer(
        "clipping around weight decay around SGD",
        ClipValue::new(CLIP, WeightDecay::new(DECAY, Sgd::new(RATE))),
        |_, theta, g, _| theta - RATE * (g.clamp(-CLIP, CLIP) + DECAY * theta),
    );
}

#[test]
fn adam_first_step_has_size_learning_rate() {
    // m/√v is the sign of the gradient at the first step, whatever its size; ε only matters for gradients near it.
    for gradient in [1e-3f32, -0.5, 40.0] {
        let mut adam = Adam::new(0.01);
        let step = adam.begin_step();
        let mut moments = Moments::ZERO;
        let moved = Adam::update(&step, 0.0, gradient, &mut moments);
        // Six roundings, each within 2⁻²⁴ relatively, and ε / |gradient| at most 1e-5.
        assert!((moved + 0.01 * gradient.signum()).abs() < 0.01 * 2e-5, "{gradient}: {moved}");
    }
}

#[test]
fn a_clipped_nan_stays_nan() {
    let mut rule = ClipValue::new(1.0, Sgd::new(0.1));
    let step = rule.begin_step();
    assert!(ClipValue::<Sgd>::update(&step, 0.0, f32::NAN, &mut ()).is_nan());
    assert_eq!(ClipValue::<Sgd>::update(&step, 0.0, f32::INFINITY, &mut ()), -0.1);
}

/// Gradients of a two-layer network with values as targets, and the loss.
fn gradient_by<A, L>(loss: L, kind: book::Loss)
where
    A: baregrad::activation::Activation,
    L: Loss<baregrad::Features<3>, A, [f32; 3]>,
{
    let mut random = Random::new(5);
    let mut trainer = Trainer::<(Dense<5, 7, Tanh>, Dense<7, 3, A>), Sgd, 5, FLOATS>::NEW;
    trainer.network = random_network(&mut random);
    let (inputs, _) = samples(&mut random);
    let targets: Vec<[f32; 3]> = (0..5).map(|_| std::array::from_fn(|_| random.uniform(-1.0, 1.0))).collect();
    let data = baregrad::Dataset::new(&inputs, &targets).expect("as many targets");
    let book_targets: Vec<Target> = targets.iter().map(|row| Target::Values(row.to_vec())).collect();
    check(&mut trainer, &data, loss, kind, &inputs, &book_targets);
}

/// Library, textbook (bits) and central differences agree.
fn check<N, D, L, const F: usize>(
    trainer: &mut Trainer<N, Sgd, 5, F>,
    data: &D,
    loss: L,
    kind: book::Loss,
    inputs: &[[f32; 5]],
    targets: &[Target],
) where
    N: baregrad::Network,
    D: baregrad::data::Samples<Input = baregrad::shape::SampleOf<N::In>>,
    L: Loss<N::Out, N::Activation, D::Target>,
{
    let mut gradients = Gradients::<N>::ZERO;
    let value = trainer.accumulate(&mut gradients, data, loss, 5).expect("sound data");
    let plain = book_network(&trainer.network);
    let rows: Vec<Vec<f32>> = inputs.iter().map(|row| row.to_vec()).collect();
    let (plain_value, plain_gradients) = plain.loss_and_gradient(&rows, targets, kind);
    let plain_gradients: Vec<f32> = plain_gradients.iter().flat_map(book::Layer::parameters).copied().collect();
    let ours = gradient(&gradients);
    assert_same_bits(&[value], &[plain_value], &format!("{kind:?}: loss"));
    assert_same_bits(&ours, &plain_gradients, &format!("{kind:?}: gradient"));
    let differences = precise::gradient(&plain, &rows, targets, kind, 1e-6);
    for (k, (a, d)) in ours.iter().zip(&differences).enumerate() {
        // The f32 side is a few dozen roundings of values below 2; the differences are good to some 1e-9.
        assert!((f64::from(*a) - d).abs() < 2e-6, "{kind:?}: gradient {k} is {a:e}, by differences {d:e}");
    }
}

#[test]
fn further_losses_equal_their_formula_and_their_central_differences() {
    gradient_by::<Identity, _>(HalfMeanSquaredError, book::loss("HalfMeanSquaredError"));
    gradient_by::<Sigmoid, _>(HalfMeanSquaredError, book::loss("HalfMeanSquaredError"));
    gradient_by::<Identity, _>(MeanAbsoluteError, book::loss("MeanAbsoluteError"));
    gradient_by::<Tanh, _>(MeanAbsoluteError, book::loss("MeanAbsoluteError"));
    gradient_by::<Identity, _>(Huber { delta: 0.5 }, book::loss("Huber"));
    gradient_by::<Sigmoid, _>(Huber { delta: 0.5 }, book::loss("Huber"));
}

/// Every row of the table, behind a network without activation at its end.
struct LossEqualsItsFormula;

impl VisitLosses for LossEqualsItsFormula {
    fn loss<L, T: losses::Target>(&mut self, loss: L, formula: losses::Formula)
    where
        L: Loss<Features<OUTPUTS>, Identity, T> + Copy,
    {
        let mut random = Random::new(6);
        let mut trainer = Trainer::<Net, Sgd, 5, { floats::<Net>() }>::NEW;
        trainer.network = random_network(&mut random);
        let (inputs, labels) = samples(&mut random);
        let targets: Vec<T> = labels.iter().map(|&label| T::of_label(label)).collect();
        let data = baregrad::Dataset::new(&inputs, &targets).expect("as many targets");
        let targets: Vec<Target> = targets.iter().map(|target| Target::Values(target.row().to_vec())).collect();
        check(&mut trainer, &data, loss, book::loss(formula.name), &inputs, &targets);
    }
}

#[test]
fn every_loss_equals_its_formula_and_its_central_differences() {
    each_loss(&mut LossEqualsItsFormula);
}

#[test]
fn one_hot_labels_give_the_bits_of_the_values_they_stand_for() {
    let mut random = Random::new(7);
    let network: (Dense<5, 7, Tanh>, Dense<7, 3, Sigmoid>) = random_network(&mut random);
    let (inputs, labels) = samples(&mut random);
    let values: Vec<[f32; 3]> =
        labels.iter().map(|&label| std::array::from_fn(|k| if k == usize::from(label) { 1.0 } else { 0.0 })).collect();
    let mut by_label = Trainer::<_, Sgd, 5, FLOATS> { network, slots: Zero::ZERO, workspace: Zero::ZERO };
    let mut by_value = Trainer::<_, Sgd, 5, FLOATS> { network, slots: Zero::ZERO, workspace: Zero::ZERO };
    let data = baregrad::Dataset::new(&inputs, &labels).expect("as many labels");
    let one = by_label.step(&data, OneHot(SumOfSquares), &mut Sgd::new(0.1)).expect("sound data");
    let data = baregrad::Dataset::new(&inputs, &values).expect("as many targets");
    let other = by_value.step(&data, SumOfSquares, &mut Sgd::new(0.1)).expect("sound data");
    assert_eq!(one.to_bits(), other.to_bits());
    assert_same_bits(&parameters(&by_label.network), &parameters(&by_value.network), "after one step");
}

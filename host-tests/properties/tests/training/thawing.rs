//! Layers that miss steps: an optimizer counts the steps of each layer by itself.
//!
//! Oracle: the textbook's loops, in which every parameter counts the steps that it has learnt in.

use crate::common::{Random, assert_same_bits, book_network, parameters, poll_to_the_end, random_network};
use crate::optimizers::{DECAY, Formula, RATE, SavedRule, VisitOptimizers, adam, each_optimizer};
use baregrad::checkpoint::training_bytes;
use baregrad::optimizer::{LayerPowers, Optimizer};
use baregrad::state::State;
use baregrad::train::Gradients;
use baregrad::{
    Adam, AdamW, ClipValue, CrossEntropy, Dataset, Dense, Features, HardSwish, Identity, LeakyRelu, MeanSquaredError,
    Model, Network, Tanh, Trainer, WeightDecay, Zero, floats,
};
use host_tests::textbook::{self as book, Target};

/// With networks inside, and a layer that has nothing to learn but is one of those that are frozen.
type Net = (Dense<4, 6>, HardSwish, (Dense<6, 5, Tanh>, (Dense<5, 4, LeakyRelu>,)), Dense<4, 3>);
type Training<O> = Trainer<Net, O, 3, { floats::<Net>() }>;
const PARAMETERS: usize = 4 * 6 + 6 + 6 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3;
/// Layers with parameters among the first so many.
const LEARNING: [usize; 5] = [0, 1, 1, 2, 3];

/// Steps with other numbers of frozen layers each, in every form; after every seventh the training goes on from a checkpoint.
fn assert_layers_count_their_own_steps<O: SavedRule>(what: &str, start: O, mut plain_rule: book::Optimizer) {
    let mut random = Random::new(23);
    let (mut trainer, mut rule) = (Training::<O>::NEW, start);
    trainer.network = random_network(&mut random);
    let mut plain = book_network(&trainer.network);
    let mut gradients = Gradients::<Net>::ZERO;
    for step in 0..80 {
        // The lower layers start late.
        let frozen = if step < 9 { 4 - step / 3 } else { random.below(8).min(5) % 5 };
        let inputs: [[f32; 4]; 3] = std::array::from_fn(|_| std::array::from_fn(|_| random.input()));
        let labels: [u8; 3] = std::array::from_fn(|_| random.below(3) as u8);
        let data = Dataset::from_arrays(&inputs, &labels);
        match (frozen, step % 3) {
            (0, 0) => drop(trainer.step(&data, CrossEntropy, &mut rule).expect("sound")),
            (0, 1) => drop(poll_to_the_end(&mut trainer, &data, CrossEntropy, &mut rule).expect("sound")),
            (0, _) => {
                trainer.accumulate(&mut gradients, &data, CrossEntropy, 3).expect("sound");
                trainer.apply(&mut gradients, &mut rule).expect("finite");
            }
            _ => drop(trainer.step_frozen(frozen, &data, CrossEntropy, &mut rule).expect("sound")),
        }
        let rows: Vec<Vec<f32>> = inputs.iter().map(|row| row.to_vec()).collect();
        let targets: Vec<Target> = labels.iter().map(|&label| Target::Label(label.into())).collect();
        let loss = book::loss("CrossEntropy");
        book::step_frozen(&mut plain, LEARNING[frozen], &mut plain_rule, &rows, &targets, loss);
        assert_same_bits(&parameters(&trainer.network), &plain.parameters(), &format!("{what}, step {step}"));
        if step % 7 == 6 {
            let mut bytes = vec![0; training_bytes::<Net, O, ()>()];
            trainer.save(&rule, &(), &mut bytes).expect("all finite");
            (trainer, rule) = (Training::NEW, start);
            trainer.load(&mut rule, &mut (), &bytes).expect("what was saved");
        }
    }
}

struct CountsTheStepsOfEachLayer;

impl VisitOptimizers for CountsTheStepsOfEachLayer {
    fn optimizer<O: SavedRule>(&mut self, name: &'static str, start: O, formula: Formula) {
        let plain = book::Optimizer::of_formula(formula, O::Slot::BYTES / 4, PARAMETERS);
        assert_layers_count_their_own_steps(name, start, plain);
    }
}

#[test]
fn every_optimizer_counts_the_steps_of_each_layer() {
    let mut all = CountsTheStepsOfEachLayer;
    each_optimizer(&mut all);
    all.optimizer("weight decay around Adam", WeightDecay::new(DECAY, Adam::new(RATE)), |step, theta, g, moments| {
        adam(step, theta, g + DECAY * theta, moments)
    });
    let clipped = ClipValue::new(1e-3, AdamW { weight_decay: DECAY, ..AdamW::new(RATE) });
    all.optimizer("clipping around AdamW", clipped, |step, theta, g, moments| {
        adam(step, theta * (1.0 - RATE * DECAY), g.clamp(-1e-3, 1e-3), moments)
    });
}

/// The first step of a layer is as long as the learning rate, whenever that is: its moments are new, and so is their correction.
#[test]
fn the_first_step_of_a_layer_that_thaws_is_as_long_as_the_learning_rate() {
    fn first_steps<O: Optimizer>(mut rule: O) -> Vec<f32> {
        type Small = (Dense<1, 1>, Dense<1, 1>);
        let mut trainer = Trainer::<Small, O, 1, { floats::<Small>() }>::NEW;
        trainer.network = random_network(&mut Random::new(3));
        let data = Dataset::from_arrays(&[[2.0]], &[[30.0]]);
        for _ in 0..100 {
            trainer.step_frozen(1, &data, MeanSquaredError, &mut rule).expect("sound");
        }
        let before = parameters(&trainer.network);
        trainer.step(&data, MeanSquaredError, &mut rule).expect("sound");
        before.iter().zip(parameters(&trainer.network)).take(2).map(|(before, after)| (after - before).abs()).collect()
    }
    let rate = 1e-3;
    let slow = Adam { beta2: 0.9999, ..Adam::new(rate) };
    let no_decay = AdamW { weight_decay: 0.0, ..AdamW::new(rate) };
    for first in [first_steps(Adam::new(rate)), first_steps(slow), first_steps(no_decay)].concat() {
        // A few roundings, the parameter's among them; `ε` is small beside the gradients.
        assert!((first - rate).abs() < rate * 1e-3, "{first}");
    }
}

/// A training beside the plain loops with a rule of their own.
struct Beside<N: Network, const F: usize> {
    trainer: Trainer<N, Adam, 1, F>,
    plain: book::Network,
    rule: book::Optimizer,
}

impl<N: Network<In = Features<3>, Out = Features<2>, Activation = Identity>, const F: usize> Beside<N, F> {
    fn new(seed: u64) -> Self {
        let mut trainer = Trainer::<N, Adam, 1, F>::NEW;
        trainer.network = random_network(&mut Random::new(seed));
        let plain = book_network(&trainer.network);
        Self { trainer, plain, rule: book::Optimizer::row("Adam", N::PARAMETERS) }
    }

    /// A step of the layers from `frozen` on, by an optimizer that others may use too.
    fn step(&mut self, frozen: usize, adam: &mut Adam, random: &mut Random) {
        let (input, target): ([f32; 3], [f32; 2]) =
            ([(); 3].map(|()| random.input()), [(); 2].map(|()| random.input()));
        let (inputs, targets) = ([input], [target]);
        let data = Dataset::from_arrays(&inputs, &targets);
        self.trainer.step_frozen(frozen, &data, MeanSquaredError, adam).expect("sound");
        let (inputs, targets) = ([input.to_vec()], [Target::Values(target.to_vec())]);
        let loss = book::loss("MeanSquaredError");
        book::step_frozen(&mut self.plain, frozen, &mut self.rule, &inputs, &targets, loss);
        assert_same_bits(&parameters(&self.trainer.network), &self.plain.parameters(), "beside the plain loops");
    }
}

/// A new head gets new slots, under an optimizer that has counted many steps.
#[test]
fn slots_that_are_set_to_zero_begin_anew() {
    type Small = (Dense<3, 4, Tanh>, Dense<4, 2>);
    let (mut random, mut adam) = (Random::new(41), Adam::new(RATE));
    let mut training = Beside::<Small, { floats::<Small>() }>::new(42);
    for step in 0..60 {
        if step == 30 {
            training.trainer.slots.1 = Zero::ZERO;
            let book::Optimizer::Row { steps, slots, .. } = &mut training.rule else { panic!("a row") };
            steps[16..].fill(0);
            slots[16..].iter_mut().for_each(|slot| slot.fill(0.0));
        }
        training.step(usize::from(step % 7 == 6), &mut adam, &mut random);
    }
}

#[test]
fn one_optimizer_trains_two_networks_as_two_would() {
    type Small = (Dense<3, 4, Tanh>, Dense<4, 2>);
    type Alone = Dense<3, 2>;
    type OnInput = Model<Features<3>, Dense<3, 2>>;
    let (mut random, mut adam) = (Random::new(43), Adam::new(RATE));
    let mut small = Beside::<Small, { floats::<Small>() }>::new(44);
    let mut alone = Beside::<Alone, { floats::<Alone>() }>::new(45);
    let mut model = Beside::<OnInput, { floats::<OnInput>() }>::new(46);
    for step in 0..40 {
        small.step(step % 2, &mut adam, &mut random);
        if step % 3 == 0 {
            alone.step(0, &mut adam, &mut random);
        }
        if step % 5 > 1 {
            model.step(0, &mut adam, &mut random);
        }
    }
}

/// A rate and a decay may change while a layer is frozen: powers are products of the decays of the steps that the layer learns in.
#[test]
fn a_layer_multiplies_the_decays_of_its_own_steps() {
    type Small = (Dense<3, 4, Tanh>, Dense<4, 2>);
    let (mut random, mut adam) = (Random::new(47), Adam::new(RATE));
    let mut training = Beside::<Small, { floats::<Small>() }>::new(48);
    training.step(0, &mut adam, &mut random);
    adam.beta1 = 0.5;
    for frozen in [1, 0, 1] {
        let (inputs, targets) = ([[random.input(); 3]], [[random.input(); 2]]);
        let data = Dataset::from_arrays(&inputs, &targets);
        training.trainer.step_frozen(frozen, &data, MeanSquaredError, &mut adam).expect("sound");
    }
    let powers = |layer: LayerPowers| (layer.beta1_power(), layer.beta2_power());
    assert_eq!(powers(training.trainer.slots.0.layer), (0.9 * 0.5, 0.999 * 0.999));
    assert_eq!(powers(training.trainer.slots.1.layer), (0.9 * 0.5 * 0.5 * 0.5, 0.999 * 0.999 * 0.999 * 0.999));
    assert_eq!((adam.beta1_power, powers(LayerPowers::ZERO)), (0.9 * 0.5 * 0.5 * 0.5, (1.0, 1.0)));
}

//! Networks of residuals and layer normalization: steps of all kinds, checkpoints, gradients, what memory they take.
//!
//! Oracle: `host_tests::blocks`, in plain loops, with the formulas of the optimizers' table; central differences in `f64`.

use baregrad::checkpoint::{State, load_weights, save_weights, training_bytes, weights_bytes};
use baregrad::optimizer::Optimizer;
use baregrad::safetensors::{self, Names};
use baregrad::shape::{SampleOf, Values};
use baregrad::train::{Gradients, accumulate};
use baregrad::{
    Dataset, Dense, Features, Flatten, Frozen, LayerNorm, MeanSquaredError, Model, Network, Relu, Residual, Sequence,
    Sgd, Skip, Tanh, Trainer, Workspace, Zero, floats, predict_floats,
};
use catalogue::optimizers::{Formula, SavedRule, VisitOptimizers, each_optimizer};
use host_tests::blocks::{Batch, Block, count, forward, loss_and_gradient, precise};
use host_tests::textbook;

use crate::common::training::assert_slices_are_the_step;
use crate::common::{Random, assert_same_bits, bits, gradient, parameters, poll_to_the_end};
use crate::passes::random;

/// On positions, with residuals inside of branches.
type Deep = Model<
    Sequence<3, 2>,
    (
        Dense<2, 4>,
        LayerNorm<4, Tanh>,
        Residual<(LayerNorm<4>, Dense<4, 6, Tanh>, Dense<6, 4>), Skip, Relu>,
        Residual<
            (Residual<Dense<4, 4>, Skip, Tanh>, Dense<4, 5>),
            (Residual<(Dense<4, 3, Relu>, Dense<3, 4>)>, Dense<4, 5>),
            Tanh,
        >,
        (LayerNorm<5, Relu>, Flatten<15>),
        Dense<15, 2>,
    ),
>;
/// A residual at the input, and one at the output.
type Ends = (
    Residual<(Dense<3, 5, Relu>, Dense<5, 4>), Dense<3, 4>, Tanh>,
    LayerNorm<4>,
    Residual<Dense<4, 2>, (Dense<4, 3, Tanh>, Dense<3, 2>), Tanh>,
);
/// Normalization at the input.
type Norm = (LayerNorm<4, Tanh>, Residual<Dense<4, 4>>, Dense<4, 2>);

/// A network with its blocks for the oracle.
pub(crate) trait Known: Network<Out = Features<2>> + Copy {
    fn blocks() -> Vec<Block>;
}

pub(crate) fn dense(inputs: usize, outputs: usize, activation: &str) -> Block {
    Block::Dense(inputs, outputs, textbook::activation(activation))
}

fn norm(channels: usize, activation: &str) -> Block {
    Block::LayerNorm(channels, textbook::activation(activation))
}

pub(crate) fn residual(body: Vec<Block>, shortcut: Option<Vec<Block>>, activation: &str) -> Block {
    Block::Residual(body, shortcut, textbook::activation(activation))
}

impl Known for Deep {
    fn blocks() -> Vec<Block> {
        let inner = [
            residual(vec![dense(4, 4, "Identity")], None, "Tanh"),
            residual(vec![dense(4, 3, "Relu"), dense(3, 4, "Identity")], None, "Identity"),
        ];
        let [body, shortcut] = inner.map(|inner| vec![inner, dense(4, 5, "Identity")]);
        vec![
            dense(2, 4, "Identity"),
            norm(4, "Tanh"),
            residual(vec![norm(4, "Identity"), dense(4, 6, "Tanh"), dense(6, 4, "Identity")], None, "Relu"),
            residual(body, Some(shortcut), "Tanh"),
            norm(5, "Relu"),
            dense(15, 2, "Identity"),
        ]
    }
}

impl Known for Ends {
    fn blocks() -> Vec<Block> {
        let body = vec![dense(3, 5, "Relu"), dense(5, 4, "Identity")];
        let shortcut = vec![dense(4, 3, "Tanh"), dense(3, 2, "Identity")];
        vec![
            residual(body, Some(vec![dense(3, 4, "Identity")]), "Tanh"),
            norm(4, "Identity"),
            residual(vec![dense(4, 2, "Identity")], Some(shortcut), "Tanh"),
        ]
    }
}

impl Known for Norm {
    fn blocks() -> Vec<Block> {
        vec![norm(4, "Tanh"), residual(vec![dense(4, 4, "Identity")], None, "Identity"), dense(4, 2, "Identity")]
    }
}

/// Samples of a network and targets, and the same for the oracle.
pub(crate) struct Data<N: Network> {
    pub(crate) inputs: Vec<SampleOf<N::In>>,
    pub(crate) targets: Vec<[f32; 2]>,
}

impl<N: Network> Data<N> {
    pub(crate) fn random(random: &mut Random, count: usize) -> Self {
        let mut sample = || {
            let mut sample = <SampleOf<N::In> as Zero>::ZERO;
            sample.values_mut().fill_with(|| random.input());
            sample
        };
        let inputs = (0..count).map(|_| sample()).collect();
        Self { inputs, targets: (0..count).map(|_| [random.input(), random.input()]).collect() }
    }

    pub(crate) fn dataset(&self) -> Dataset<'_, SampleOf<N::In>, [f32; 2]> {
        Dataset::new(&self.inputs, &self.targets).expect("as many targets")
    }

    pub(crate) fn batch(&self) -> (Batch, Batch) {
        let inputs = self.inputs.iter().map(|input| input.values().to_vec()).collect();
        (inputs, self.targets.iter().map(|target| target.to_vec()).collect())
    }
}

fn loss_formula() -> textbook::Loss {
    textbook::loss("MeanSquaredError")
}

/// Everything that training changes.
fn everything<N: Network, O: Optimizer<Slot: State> + State, const F: usize>(
    trainer: &Trainer<N, O, 5, F>,
    optimizer: &O,
) -> Vec<u8> {
    let mut bytes = vec![0; training_bytes::<N, O, ()>()];
    trainer.save(optimizer, &(), &mut bytes).expect("a finite training");
    bytes
}

/// Steps at once, in slices and in plain loops; in the middle both trainings go on from a checkpoint.
pub(crate) fn assert_training<N: Known, O: SavedRule, const F: usize>(name: &str, start: O, formula: Formula) {
    let mut numbers = Random::new(21);
    let (mut whole, mut sliced) = (Trainer::<N, O, 5, F>::NEW, Trainer::<N, O, 5, F>::NEW);
    whole.network = random(&mut numbers);
    sliced.network = whole.network;
    let (mut rule, mut sliced_rule, blocks) = (start, start, N::blocks());
    let mut plain = parameters(&whole.network);
    let (untrained, mut slots) = (plain.clone(), vec![vec![0.0; O::Slot::BYTES / 4]; plain.len()]);
    for (step, samples) in (1..).zip([5, 1, 4, 5]) {
        let (what, data) = (format!("{name}, step {step}"), Data::<N>::random(&mut numbers, samples));
        whole.workspace.memory = [[f32::NAN; F]; 5];
        let loss = whole.step(&data.dataset(), MeanSquaredError, &mut rule).expect("sound");
        let polled = poll_to_the_end(&mut sliced, &data.dataset(), MeanSquaredError, &mut sliced_rule);
        assert_eq!(polled.map(f32::to_bits), Ok(loss.to_bits()), "loss in slices, {what}");
        let (inputs, targets) = data.batch();
        let (plain_loss, gradient) = loss_and_gradient(&blocks, &plain, &inputs, &targets, loss_formula());
        assert_same_bits(&[loss], &[plain_loss], &format!("loss of {what}"));
        for (k, parameter) in plain.iter_mut().enumerate() {
            *parameter = formula(step, *parameter, gradient[k], &mut slots[k]);
        }
        assert_same_bits(&parameters(&whole.network), &plain, &format!("parameters of {what}"));
        let bytes = everything(&whole, &rule);
        assert!(bytes == everything(&sliced, &sliced_rule), "in slices, {what}");
        if step == 2 {
            (whole, rule) = (Trainer::NEW, start);
            whole.load(&mut rule, &mut (), &bytes).expect("the same architecture");
        }
    }
    assert_ne!(bits(&untrained), bits(&plain), "nothing trained");
}

#[test]
fn blocks_train_to_the_bits_of_the_plain_loops_with_every_optimizer() {
    struct Trains;
    impl VisitOptimizers for Trains {
        fn optimizer<O: SavedRule>(&mut self, name: &'static str, start: O, formula: Formula) {
            assert_training::<Deep, O, { floats::<Deep>() }>(name, start, formula);
            assert_training::<Ends, O, { floats::<Ends>() }>(name, start, formula);
        }
    }
    each_optimizer(&mut Trains);
    assert_training::<Norm, Sgd, { floats::<Norm>() }>("Sgd", Sgd::new(0.1), |_, theta, g, _| theta - 0.1 * g);
}

/// Frozen below, inside of a branch, and above: the layers that learn get what they get in a step of all.
fn assert_frozen<N: Known, const F: usize>(seed: u64) {
    let mut numbers = Random::new(seed);
    let (start, data): (N, _) = (random(&mut numbers), Data::<N>::random(&mut numbers, 3));
    let (inputs, targets) = data.batch();
    let before = parameters(&start);
    let (_, gradient) = loss_and_gradient(&N::blocks(), &before, &inputs, &targets, loss_formula());
    let mut layers = Vec::new();
    N::describe_layers(&mut |layer| layers.push(layer.parameters));
    assert_eq!(layers.len(), N::LAYERS);
    for frozen in 0..layers.len() {
        let border: usize = layers[..frozen].iter().sum();
        let mut trainer = Trainer::<N, Sgd, 3, F>::NEW;
        (trainer.network, trainer.workspace.memory) = (start, [[f32::NAN; F]; 3]);
        trainer.step_frozen(frozen, &data.dataset(), MeanSquaredError, &mut Sgd::new(0.1)).expect("sound");
        let after = parameters(&trainer.network);
        assert_same_bits(&after[..border], &before[..border], &format!("{frozen} frozen"));
        let trained: Vec<f32> = before.iter().zip(&gradient).map(|(theta, g)| theta - 0.1 * g).collect();
        assert_same_bits(&after[border..], &trained[border..], &format!("{frozen} frozen, the others"));
    }
}

#[test]
fn layers_frozen_anywhere_stay_and_the_others_train_as_ever() {
    assert_frozen::<Deep, { floats::<Deep>() }>(22);
    assert_frozen::<Ends, { floats::<Ends>() }>(23);
    assert_frozen::<Norm, { floats::<Norm>() }>(24);
}

/// Steps with other numbers of frozen layers each: an optimizer counts those of every layer in a branch by themselves.
fn assert_layers_count_their_own_steps<N: Known, O: SavedRule, const F: usize>(name: &str, start: O, formula: Formula) {
    let mut numbers = Random::new(34);
    let (mut trainer, mut rule, mut layers) = (Trainer::<N, O, 5, F>::NEW, start, Vec::new());
    N::describe_layers(&mut |layer| layers.push(layer.parameters));
    trainer.network = random(&mut numbers);
    let mut plain = parameters(&trainer.network);
    let (mut steps, mut slots) = (vec![0; plain.len()], vec![vec![0.0; O::Slot::BYTES / 4]; plain.len()]);
    for frozen in [6, 5, 3, 1, 0, 3, 7, 0] {
        let data = Data::<N>::random(&mut numbers, 3);
        trainer.workspace.memory = [[f32::NAN; F]; 5];
        trainer.step_frozen(frozen, &data.dataset(), MeanSquaredError, &mut rule).expect("sound");
        let (inputs, targets) = data.batch();
        let (_, gradient) = loss_and_gradient(&N::blocks(), &plain, &inputs, &targets, loss_formula());
        for k in layers[..frozen].iter().sum()..plain.len() {
            steps[k] += 1;
            plain[k] = formula(steps[k], plain[k], gradient[k], &mut slots[k]);
        }
        assert_same_bits(&parameters(&trainer.network), &plain, &format!("{name}, {frozen} frozen"));
    }
}

#[test]
fn every_optimizer_counts_the_steps_of_each_layer_in_a_branch() {
    struct Counts;
    impl VisitOptimizers for Counts {
        fn optimizer<O: SavedRule>(&mut self, name: &'static str, start: O, formula: Formula) {
            assert_layers_count_their_own_steps::<Deep, O, { floats::<Deep>() }>(name, start, formula);
            assert_layers_count_their_own_steps::<Ends, O, { floats::<Ends>() }>(name, start, formula);
        }
    }
    each_optimizer(&mut Counts);
}

/// The scratch of a shortcut's forward pass does not meet what the body keeps.
#[test]
fn a_frozen_shortcut_predicts_in_its_own_slices() {
    type Shortcut = Frozen<(Dense<3, 8, Relu>, Dense<8, 4>)>;
    type Net = (Residual<(Dense<3, 5, Tanh>, Dense<5, 4>), Shortcut, Tanh>, Dense<4, 2>);
    assert_slices_are_the_step::<Net, { floats::<Net>() }>(35);
}

/// A frozen body at the input of a network: the shortcut learns beside it.
#[test]
fn a_residual_with_a_frozen_body_stands_at_the_front() {
    type Body = (Dense<3, 5, Tanh>, Dense<5, 4>);
    type Part = (Residual<Frozen<Body>, Dense<3, 4>, Relu>, Dense<4, 2>);
    type All = (Residual<Body, Dense<3, 4>, Relu>, Dense<4, 2>);
    let mut numbers = Random::new(25);
    let start: All = random(&mut numbers);
    let mut all = Trainer::<All, Sgd, 4, { floats::<All>() }>::NEW;
    all.network = start;
    let mut part = Trainer::<Part, Sgd, 4, { floats::<Part>() }>::NEW;
    part.network = (Residual::new(Frozen(start.0.body), start.0.shortcut), start.1);
    let data = Data::<All>::random(&mut numbers, 4);
    let loss = all.step_frozen(2, &data.dataset(), MeanSquaredError, &mut Sgd::new(0.1)).expect("sound");
    part.workspace.memory = [[f32::NAN; floats::<Part>()]; 4];
    let found = part.step(&data.dataset(), MeanSquaredError, &mut Sgd::new(0.1)).expect("sound");
    assert_eq!(found.to_bits(), loss.to_bits());
    let trained = parameters(&all.network);
    assert_same_bits(&parameters(&part.network), &trained[20 + 24..], "beside a frozen body");
    assert_same_bits(&parameters(&part.network.0.body.0), &trained[..20 + 24], "frozen");
    assert_ne!(bits(&trained), bits(&parameters(&start)));
}

#[test]
fn gradients_match_central_differences_and_go_on_over_batches() {
    fn assert_gradient<N: Known, const F: usize>(seed: u64) {
        let mut numbers = Random::new(seed);
        let (mut network, data): (N, _) = (random(&mut numbers), Data::<N>::random(&mut numbers, 4));
        let (mut gradients, mut workspace) = (Gradients::<N>::NEW, Workspace::<4, F>::NEW);
        workspace.memory = [[f32::NAN; F]; 4];
        accumulate(&mut network, &mut gradients, &mut workspace, &data.dataset(), &MeanSquaredError, 4).expect("sound");
        let found = gradient(&gradients);
        gradients.restart();
        for part in [0..3, 3..4] {
            let data = Dataset::new(&data.inputs[part.clone()], &data.targets[part]).expect("as many targets");
            accumulate(&mut network, &mut gradients, &mut workspace, &data, &MeanSquaredError, 4).expect("sound");
        }
        assert_same_bits(&gradient(&gradients), &found, "in two batches");
        let wide = |values: &[f32]| -> Vec<f64> { values.iter().map(|value| f64::from(*value)).collect() };
        let (blocks, at) = (N::blocks(), wide(&parameters(&network)));
        assert_eq!(count(&blocks), N::PARAMETERS);
        let loss = |index: usize, shift: f64| -> f64 {
            let mut shifted = at.clone();
            shifted[index] += shift;
            let of = |(input, target): (&SampleOf<N::In>, &[f32; 2])| -> f64 {
                let output = precise(&blocks, &shifted, &wide(input.values()));
                output.iter().zip(wide(target)).map(|(y, target)| (y - target).powi(2)).sum()
            };
            data.inputs.iter().zip(&data.targets).map(of).sum::<f64>() / (2.0 * 4.0)
        };
        for (index, found) in found.iter().enumerate() {
            let difference = (loss(index, 1e-6) - loss(index, -1e-6)) / 2e-6;
            let error = (f64::from(*found) - difference).abs();
            assert!(error < 1e-5 * (1.0 + difference.abs()), "seed {seed}, parameter {index}: {found}, {difference}");
        }
        assert!(found.iter().filter(|found| found.abs() > 1e-3).count() > found.len() / 2, "seed {seed}: {found:?}");
    }
    assert_gradient::<Deep, { floats::<Deep>() }>(26);
    assert_gradient::<Ends, { floats::<Ends>() }>(27);
    assert_gradient::<Norm, { floats::<Norm>() }>(28);
}

#[test]
fn a_prediction_is_what_training_sees() {
    fn assert_predicts<N: Known, const F: usize>(seed: u64) {
        let mut numbers = Random::new(seed);
        let (network, data): (N, _) = (random(&mut numbers), Data::<N>::random(&mut numbers, 3));
        let traces = forward(&N::blocks(), &parameters(&network), &data.batch().0);
        for (input, expected) in data.inputs.iter().zip(&traces[traces.len() - 1].y) {
            let mut memory = [f32::NAN; F];
            let found = network.predict_in(input, &mut memory).expect("finite");
            assert_same_bits(found, expected, &format!("seed {seed}"));
        }
    }
    assert_predicts::<Deep, { predict_floats::<Deep>() }>(29);
    assert_predicts::<Ends, { predict_floats::<Ends>() }>(30);
    assert_predicts::<Norm, { predict_floats::<Norm>() }>(31);
}

#[test]
fn weights_come_back_from_a_checkpoint_and_from_a_file() {
    let network: Deep = random(&mut Random::new(32));
    let mut bytes = [0; weights_bytes::<Deep>()];
    save_weights(&network, &mut bytes).expect("finite");
    let mut loaded = Deep::ZERO;
    load_weights(&mut loaded, &bytes).expect("the same architecture");
    assert_same_bits(&parameters(&loaded), &parameters(&network), "checkpoint");
    // Not in front of a `Flatten`, where PyTorch's layout is refused.
    type Features = (Dense<3, 4>, LayerNorm<4, Tanh>, Residual<Dense<4, 4>>, Dense<4, 2>);
    let network: Features = random(&mut Random::new(33));
    let mut file = vec![0; 8192];
    let length = safetensors::save(&network, &Names::SEQUENTIAL, &mut file).expect("room");
    let mut loaded = Features::ZERO;
    safetensors::load(&mut loaded, &Names::SEQUENTIAL, &file[..length]).expect("the same names");
    assert_same_bits(&parameters(&loaded), &parameters(&network), "file");
    let header = String::from_utf8_lossy(&file[..length]).into_owned();
    // PyTorch keeps gain and bias as vectors, `weight` and `bias`.
    assert!(header.contains(r#""1.weight":{"dtype":"F32","shape":[4]"#), "{header}");
}

/// A sum that overflows is refused where it is made, in a step and in a slice.
#[test]
fn a_sum_that_overflows_is_refused() {
    type Net = (Dense<1, 1>, Residual<Dense<1, 1>>, Dense<1, 2>);
    let mut trainer = Trainer::<Net, Sgd, 1, { floats::<Net>() }>::NEW;
    (trainer.network.0.bias, trainer.network.1.body.bias) = ([3e38], [3e38]);
    let data = Dataset::from_arrays(&[[0.5]], &[[0.0, 0.0]]);
    let refused = trainer.step(&data, MeanSquaredError, &mut Sgd::new(0.1));
    assert_eq!(refused, Err(baregrad::StepError::NonFinitePreActivation { layer: 2 }));
    assert_eq!(poll_to_the_end(&mut trainer, &data, MeanSquaredError, &mut Sgd::new(0.1)), refused);
}

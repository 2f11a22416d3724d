//! Layers that see a whole batch: batch normalization by itself and in networks, bit for bit, in every form of step.
//!
//! Oracle: `host_tests::blocks`, in plain loops; for the gradients also central differences of the definition in `f64`.

use baregrad::activation::Activation;
use baregrad::checkpoint::{self, LoadError, SaveError, load_weights, save_weights, weights_bytes};
use baregrad::layer::{InputGradient, Layer, NonFinite, Parameters, Stacked, Whole};
use baregrad::optimizer::{Optimizer, StoreGradient};
use baregrad::safetensors::{self, ExportError, ImportError, Names};
use baregrad::shape::{Features, Grid, Line, One, Plane, Positions, SampleOf, Values};
use baregrad::train::{Gradients, accumulate};
use baregrad::{
    BatchNorm, Centered, Conv1d, Conv2d, Dataset, Dense, DepthwiseConv1d, Flatten, Frozen, GlobalAveragePool,
    HeUniform, Identity, Image, KerasNorm, MeanSquaredError, Model, Network, Relu, Residual, Same, Sequence, Sgd,
    Sigmoid, Skip, StepError, Tanh, Trainer, Workspace, Zero, floats, predict_floats,
};
use catalogue::optimizers::{Formula, SavedRule, VisitOptimizers, each_optimizer};
use host_tests::blocks::{Batch, Block, moved};
use host_tests::textbook::{self, activation};

use crate::blocks::{Data, Known, assert_training, dense, residual};
use crate::common::{Random, assert_same_bits, bits, gradient, parameters, poll_to_the_end};
use crate::passes::{FORMS, SAMPLES, learn, left, predictions, random};

fn norm(channels: usize, activation: &str) -> Block {
    Block::BatchNorm(channels, textbook::activation(activation))
}

/// All values of state.
fn state<N: Parameters>(network: &N) -> Vec<f32> {
    (0..N::STATE_COUNT).flat_map(|index| network.state_tensor(index).to_vec()).collect()
}

/// Gives a network running statistics of its own.
fn with_statistics<N: Parameters>(mut network: N, numbers: &mut Random) -> N {
    for index in 0..N::STATE_COUNT {
        network.state_tensor_mut(index).fill_with(|| numbers.uniform(0.1, 1.5));
    }
    network
}

/// What a prediction makes of a flat list of positions.
fn predicted<A: Activation, const N: usize>(layer: &BatchNorm<N, A>, x: &[f32]) -> Vec<f32> {
    let of = |(k, x): (usize, &f32)| {
        let c = k % N;
        let factor = layer.gain[c] / baregrad::scalar::sqrt(layer.running_variance[c] + 1e-5);
        (activation(A::NAME).value)((x - layer.running_mean[c]) * factor + layer.bias[c])
    };
    x.iter().enumerate().map(of).collect()
}

fn assert_norm<P: Positions, A: Activation, const N: usize>() {
    let what = format!("BatchNorm<{N}, {}> on {} positions", A::NAME, P::COUNT);
    let mut numbers = Random::new((N * 100 + P::COUNT) as u64);
    let layer: BatchNorm<N, A> = random(&mut numbers);
    let layer = with_statistics(layer, &mut numbers);
    let parameters = [layer.gain, layer.bias].concat();
    let block = norm(N, A::NAME);
    for (samples, all_are_zero) in [(1, false), (SAMPLES, false), (1, true)] {
        let mut batch =
            || -> Batch { (0..samples).map(|_| (0..P::COUNT * N).map(|_| numbers.input()).collect()).collect() };
        let (mut x, delta) = (batch(), batch());
        if all_are_zero {
            // A sum that starts with another term than its first shows in the sign.
            x[0].fill(-0.0);
        }
        let trace = block.forward(&parameters, &x);
        let (dx, gradient) = block.backward(&parameters, &trace, &delta);
        let statistics = moved([&layer.running_mean, &layer.running_variance], &x, N).concat();
        let (x, y, delta) = (x.concat(), trace.y.concat(), delta.concat());
        for form in FORMS {
            let what = format!("{what}, {samples} samples, {form:?}");
            let mut rule = StoreGradient::NEW;
            let made = learn::<Grid<P, N>, _, _>(form, &layer, &x, &delta, &mut rule, |slot: &f32| vec![*slot]);
            assert_same_bits(&made.y, &y, &format!("output of {what}"));
            assert_same_bits(&made.gradient, &left(form, &x, &dx.concat()), &format!("input's gradient of {what}"));
            assert_same_bits(&made.slots, &gradient, &format!("gradient of {what}"));
            assert_same_bits(&made.parameters, &parameters, &format!("parameters of {what}"));
            assert_same_bits(&made.state, &statistics, &format!("running statistics of {what}"));
        }
        let expected = predicted(&layer, &x);
        for found in predictions::<Grid<P, N>, _>(&layer, &x[..P::COUNT * N]) {
            assert_same_bits(&found, &expected[..P::COUNT * N], &format!("prediction of {what}"));
        }
        let (mut y, inputs) = (vec![f32::NAN; x.len()], Stacked::<Grid<P, N>>::new(&x));
        let pass = Whole::<SAMPLES>::inference(samples);
        Layer::<Grid<P, N>>::forward(&layer, pass, &inputs, &mut y, &mut []).expect("finite");
        assert_same_bits(&y, &expected, &format!("evaluation of {what}"));
    }
}

#[test]
fn batch_norm_has_the_bits_of_the_plain_loops() {
    assert_norm::<One, Identity, 1>();
    assert_norm::<One, Tanh, 3>();
    assert_norm::<One, Relu, 8>();
    assert_norm::<Line<7>, Sigmoid, 17>();
    assert_norm::<Plane<3, 2>, Relu, 16>();
}

/// At the input, inside, in both branches of a residual, and at the output.
type Net = (
    BatchNorm<3>,
    (Dense<3, 9>, BatchNorm<9, Tanh>),
    Residual<(Dense<9, 5>, BatchNorm<5, Relu>, Dense<5, 4>), (Dense<9, 4>, BatchNorm<4>), Relu>,
    Dense<4, 2>,
    (BatchNorm<2>,),
);
/// On positions, behind a convolution.
type OnPositions = Model<
    Sequence<5, 3>,
    (
        Residual<(Dense<3, 9>, BatchNorm<9, Tanh>, Dense<9, 3>), Skip, Tanh>,
        BatchNorm<3, Relu>,
        Flatten<15>,
        Dense<15, 2>,
    ),
>;

impl Known for Net {
    fn blocks() -> Vec<Block> {
        let body = vec![dense(9, 5, "Identity"), norm(5, "Relu"), dense(5, 4, "Identity")];
        let shortcut = vec![dense(9, 4, "Identity"), norm(4, "Identity")];
        vec![
            norm(3, "Identity"),
            dense(3, 9, "Identity"),
            norm(9, "Tanh"),
            residual(body, Some(shortcut), "Relu"),
            dense(4, 2, "Identity"),
            norm(2, "Identity"),
        ]
    }
}

impl Known for OnPositions {
    fn blocks() -> Vec<Block> {
        let body = vec![dense(3, 9, "Identity"), norm(9, "Tanh"), dense(9, 3, "Identity")];
        vec![residual(body, None, "Tanh"), norm(3, "Relu"), dense(15, 2, "Identity")]
    }
}

/// At once, in slices, over a checkpoint, which holds running statistics too.
#[test]
fn networks_train_to_the_bits_of_the_plain_loops_with_every_optimizer() {
    struct Trains;
    impl VisitOptimizers for Trains {
        fn optimizer<O: SavedRule>(&mut self, name: &'static str, start: O, formula: Formula) {
            assert_training::<Net, O, { floats::<Net>() }>(name, start, formula);
        }
    }
    each_optimizer(&mut Trains);
    type F = OnPositions;
    assert_training::<F, Sgd, { floats::<F>() }>("Sgd", Sgd::new(0.1), |_, theta, g, _| theta - 0.1 * g);
}

#[test]
fn running_statistics_follow_the_batches_of_steps_alone() {
    let mut numbers = Random::new(41);
    let mut trainer = Trainer::<Net, Sgd, 5, { floats::<Net>() }>::NEW;
    trainer.network = random(&mut numbers);
    let (mut rule, data) = (Sgd::new(0.1), Data::<Net>::random(&mut numbers, 5));
    let mut expected = [vec![0.0; 3], vec![0.0; 3]];
    for _ in 0..3 {
        trainer.step(&data.dataset(), MeanSquaredError, &mut rule).expect("sound");
        expected = moved([&expected[0], &expected[1]], &data.batch().0, 3);
        assert_same_bits(&state(&trainer.network.0), &expected.concat(), "at the input");
    }
    // What only looks moves nothing, and nor does a step that is refused.
    let before = state(&trainer.network);
    let loss = trainer.mean_loss(&data.dataset(), MeanSquaredError).expect("sound");
    let refused = Dataset::from_arrays(&[[0.5; 3], [f32::NAN; 3]], &[[0.0; 2]; 2]);
    let error = trainer.step(&refused, MeanSquaredError, &mut rule);
    assert_eq!(error, Err(StepError::NonFiniteInput { sample: 1 }));
    assert_eq!(poll_to_the_end(&mut trainer, &refused, MeanSquaredError, &mut rule), error);
    let first = Dataset::from_arrays(&[[f32::NAN; 3], [0.5; 3]], &[[0.0; 2]; 2]);
    let error = Err(StepError::NonFiniteInput { sample: 0 });
    assert_eq!(poll_to_the_end(&mut trainer, &first, MeanSquaredError, &mut rule), error);
    assert_same_bits(&state(&trainer.network), &before, "looked at");
    // An evaluation sees what a prediction sees.
    let mut memory = [f32::NAN; predict_floats::<Net>()];
    let mut by_hand = 0.0;
    for (input, target) in data.inputs.iter().zip(&data.targets) {
        let output = trainer.network.predict_in(input, &mut memory).expect("finite");
        by_hand += (output[0] - target[0]).powi(2) + (output[1] - target[1]).powi(2);
    }
    assert!((loss - by_hand / 10.0).abs() < 1e-5, "{loss}, {}", by_hand / 10.0);
    let trained = trainer.step(&data.dataset(), MeanSquaredError, &mut rule).expect("sound");
    assert!((trained - loss).abs() > 1e-3, "a step sees the moments of the batch: {trained}, {loss}");
    // Each micro-batch moves them, as it would in a step.
    let (mut gradients, mut network, mut expected) = (Gradients::<Net>::NEW, trainer.network, trainer.network.0);
    let mut workspace = Workspace::<5, { floats::<Net>() }>::NEW;
    for part in [0..3, 3..5] {
        let data = Dataset::new(&data.inputs[part.clone()], &data.targets[part]).expect("as many targets");
        let batch: Batch = data.inputs().iter().map(|input| input.to_vec()).collect();
        let statistics = moved([&expected.running_mean, &expected.running_variance], &batch, 3);
        expected.running_mean.copy_from_slice(&statistics[0]);
        expected.running_variance.copy_from_slice(&statistics[1]);
        accumulate(&mut network, &mut gradients, &mut workspace, &data, &MeanSquaredError, 5).expect("sound");
        assert_same_bits(&state(&network.0), &state(&expected), "of micro-batches");
        assert_eq!(parameters(&network), parameters(&trainer.network));
    }
}

/// The gradient of a micro-batch is complete before it is added to that of those before.
#[test]
fn gradients_of_micro_batches_are_added() {
    let mut numbers = Random::new(42);
    let network: Net = random(&mut numbers);
    let (mut workspace, data) = (Workspace::<5, { floats::<Net>() }>::NEW, Data::<Net>::random(&mut numbers, 5));
    let mut of = |parts: &[std::ops::Range<usize>]| {
        let (mut gradients, mut network) = (Gradients::<Net>::NEW, network);
        for part in parts {
            let data = Dataset::new(&data.inputs[part.clone()], &data.targets[part.clone()]).expect("as many targets");
            accumulate(&mut network, &mut gradients, &mut workspace, &data, &MeanSquaredError, 5).expect("sound");
        }
        gradient(&gradients)
    };
    let parts = [0..3, 3..5];
    let [both, first, second] = [of(&parts), of(&parts[..1]), of(&parts[1..])];
    // Gain and bias at the input.
    for k in 0..6 {
        assert_eq!(both[k].to_bits(), (first[k] + second[k]).to_bits(), "parameter {k}");
    }
}

/// Frozen layers are those of a prediction: their statistics are used and stay.
#[test]
fn frozen_layers_predict() {
    type Rest =
        (Residual<(Dense<9, 5>, BatchNorm<5, Relu>, Dense<5, 4>), (Dense<9, 4>, BatchNorm<4>), Relu>, Dense<4, 2>);
    type Front = (BatchNorm<3>, (Dense<3, 9>, BatchNorm<9, Tanh>));
    type Whole = (Front, Rest);
    type Part = (Frozen<Front>, Rest);
    let mut numbers = Random::new(43);
    let start: Whole = with_statistics(random(&mut numbers), &mut numbers);
    let data = Data::<Whole>::random(&mut numbers, 4);
    let mut whole = Trainer::<Whole, Sgd, 4, { floats::<Whole>() }>::NEW;
    let mut part = Trainer::<Part, Sgd, 4, { floats::<Part>() }>::NEW;
    (whole.network, part.network) = (start, (Frozen(start.0), start.1));
    for _ in 0..3 {
        let loss = whole.step_frozen(3, &data.dataset(), MeanSquaredError, &mut Sgd::new(0.1)).expect("sound");
        let found = part.step(&data.dataset(), MeanSquaredError, &mut Sgd::new(0.1)).expect("sound");
        assert_eq!(loss.to_bits(), found.to_bits());
    }
    assert_same_bits(&state(&whole.network.0), &state(&start.0), "frozen");
    assert_same_bits(&state(&whole.network.1), &state(&part.network.1), "those that learn");
    assert_same_bits(&parameters(&whole.network.1), &parameters(&part.network.1), "parameters");
    assert_eq!(
        (state(&part.network).len(), <Part as Parameters>::STATE_VALUES),
        (18, 18),
        "a frozen body hides its own"
    );
    // Wherever the border is, what learns moves and all else stays; in a residual the body counts first. Layers of the whole: norm, dense, norm, then
    // dense, norm, dense of the body, dense, norm of the shortcut, the sum, dense.
    for frozen in 0..10 {
        let mut trainer = Trainer::<Whole, Sgd, 4, { floats::<Whole>() }>::NEW;
        trainer.network = start;
        trainer.step_frozen(frozen, &data.dataset(), MeanSquaredError, &mut Sgd::new(0.1)).expect("sound");
        let ((first, (_, second)), (block, _)) = &trainer.network;
        let ((first_before, (_, second_before)), (block_before, _)) = &start;
        let moved = [
            bits(&state(first)) != bits(&state(first_before)),
            bits(&state(second)) != bits(&state(second_before)),
            bits(&state(&block.body)) != bits(&state(&block_before.body)),
            bits(&state(&block.shortcut)) != bits(&state(&block_before.shortcut)),
        ];
        assert_eq!(moved, [0, 2, 4, 7].map(|layer| layer >= frozen), "{frozen} frozen");
    }
}

/// A shortcut that learns beside a frozen body is normalized by the batch, and the body by running statistics.
#[test]
fn a_residual_may_be_frozen_in_part() {
    type Body = (Dense<3, 4>, BatchNorm<4>);
    type Whole = (Residual<Body, (Dense<3, 4>, BatchNorm<4>), Tanh>, Dense<4, 2>);
    type Part = (Residual<Frozen<Body>, (Dense<3, 4>, BatchNorm<4>), Tanh>, Dense<4, 2>);
    let mut numbers = Random::new(44);
    let start: Whole = with_statistics(random(&mut numbers), &mut numbers);
    let data = Data::<Whole>::random(&mut numbers, 4);
    let mut whole = Trainer::<Whole, Sgd, 4, { floats::<Whole>() }>::NEW;
    let mut part = Trainer::<Part, Sgd, 4, { floats::<Part>() }>::NEW;
    (whole.network, part.network) = (start, (Residual::new(Frozen(start.0.body), start.0.shortcut), start.1));
    let loss = whole.step_frozen(2, &data.dataset(), MeanSquaredError, &mut Sgd::new(0.1)).expect("sound");
    let found = poll_to_the_end(&mut part, &data.dataset(), MeanSquaredError, &mut Sgd::new(0.1)).expect("sound");
    assert_eq!(loss.to_bits(), found.to_bits());
    assert_same_bits(&state(&whole.network.0.shortcut), &state(&part.network), "statistics");
    assert_same_bits(&parameters(&whole.network.0.shortcut), &parameters(&part.network)[..24], "shortcut");
}

#[test]
fn gradients_match_central_differences() {
    let mut numbers = Random::new(45);
    let layer: BatchNorm<5, Tanh> = random(&mut numbers);
    let block = norm(5, "Tanh");
    let mut values = || -> Vec<f32> { (0..SAMPLES * 15).map(|_| numbers.uniform(-1.0, 1.0)).collect() };
    let (x, weights) = (values(), values());
    let parameters = [layer.gain, layer.bias].concat();
    let trace = block.forward(&parameters, &vec![x.clone()]);
    // The loss is the sum of the outputs, each times a weight; this is its gradient at the pre-activations.
    let delta: Vec<f32> = weights.iter().zip(&trace.y[0]).map(|(weight, y)| weight * (1.0 - y * y)).collect();
    let mut rule = StoreGradient::NEW;
    let made = learn::<Sequence<3, 5>, _, _>(FORMS[1], &layer, &x, &delta, &mut rule, |slot: &f32| vec![*slot]);
    let precise = |values: &[f32]| -> Vec<f64> { values.iter().map(|value| f64::from(*value)).collect() };
    let (parameters, x) = (precise(&parameters), precise(&x));
    let loss = |parameters: &[f64], x: &[f64]| -> f64 {
        block.precise(parameters, x).iter().zip(&weights).map(|(y, weight)| y * f64::from(*weight)).sum()
    };
    let shifted = |values: &[f64], index: usize, shift: f64| {
        let mut values = values.to_vec();
        values[index] += shift;
        values
    };
    for (index, found) in made.slots.iter().enumerate() {
        let at = |shift| loss(&shifted(&parameters, index, shift), &x);
        let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
        assert!((f64::from(*found) - difference).abs() < 2e-6, "parameter {index}: {found}, {difference}");
    }
    for (index, found) in made.gradient.iter().enumerate() {
        let at = |shift| loss(&parameters, &shifted(&x, index, shift));
        let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
        assert!((f64::from(*found) - difference).abs() < 2e-6, "input {index}: {found}, {difference}");
    }
}

/// Three steps and a prediction by PyTorch: `fixtures/pytorch_batch_norm.txt`. Of values above 1 the error is relative.
#[test]
fn steps_are_those_of_pytorch_within_rounding() {
    const SIZE: usize = 4 * 5 * 9;
    type In = Sequence<5, 9>;
    let path = format!("{}/../fixtures/pytorch_batch_norm.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the fixture");
    let array = |name: &str| -> Vec<f32> {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).expect("an array");
        let (_, values) = line.split_once(": ").expect("values");
        values.split(' ').map(|value| value.parse().expect("a number")).collect()
    };
    let mut most = 0_f32;
    let mut assert_near = |what: &str, found: &[f32], expected: &[f32]| {
        assert_eq!(found.len(), expected.len(), "{what}");
        for (found, expected) in found.iter().zip(expected) {
            let error = (found - expected).abs() / expected.abs().max(1.0);
            assert!(error < 1e-5, "{what}: {found}, {expected}");
            most = most.max(error);
        }
    };
    let nine = |values: &[f32]| -> [f32; 9] { values.try_into().expect("a value for each channel") };
    let mut layer = BatchNorm::<9>::new(nine(&array("gain")), nine(&array("bias")), [0.0; 9], [1.0; 9]);
    for step in 0..3 {
        let of = |name: &str, size: usize| array(name)[step * size..][..size].to_vec();
        let (x, delta, rule) = (of("inputs", SIZE), of("weights", SIZE), &mut Sgd::new(0.1));
        let (pass, inputs, mut y) = (Whole::<4>::new(4), Stacked::<In>::new(&x), vec![f32::NAN; SIZE]);
        Layer::<In>::forward(&layer, pass, &inputs, &mut y, &mut []).expect("finite");
        assert_near("outputs", &y, &of("outputs", SIZE));
        let (mut dx, mut slots) = (vec![f32::NAN; SIZE], <BatchNorm<9> as Parameters>::Slots::<()>::ZERO);
        let (write, step) = (InputGradient::Write(&mut dx), rule.begin_step());
        Layer::<In>::backward::<_, Sgd, _>(&mut layer, pass, &inputs, &delta, write, &mut [], &mut slots, &step);
        assert_near("gradients", &dx, &of("gradients", SIZE));
        assert_near("gain", &layer.gain, &of("gains", 9));
        assert_near("bias", &layer.bias, &of("biases", 9));
        assert_near("running mean", &layer.running_mean, &of("means", 9));
        assert_near("running variance", &layer.running_variance, &of("variances", 9));
    }
    let x = array("inputs");
    for (sample, expected) in x[..SIZE].chunks(45).zip(array("predictions").chunks(45)) {
        let mut y = vec![f32::NAN; 45];
        Layer::<In>::predict_into(&layer, sample, &mut y, &mut []).expect("finite");
        assert_near("prediction", &y, expected);
    }
    println!("largest difference from PyTorch: {most:e}");
}

#[test]
fn infinities_nan_and_a_variance_that_overflows_are_refused() {
    let layer = BatchNorm::<1>::new([1.0], [0.5], [0.0], [1.0]);
    for x in [[f32::INFINITY, 0.0], [f32::NAN, 0.0], [3e38, 3e38], [1e20, -1e20]] {
        let (mut y, inputs) = ([0.0; 2], Stacked::<Features<1>>::new(&x));
        let refused = Layer::<Features<1>>::forward(&layer, Whole::<2>::new(2), &inputs, &mut y, &mut []);
        assert_eq!(refused, Err(NonFinite { layer: 0 }), "{x:?}");
    }
    // Of a variance that is infinite nothing would be left but the bias.
    let unsound = BatchNorm::<1>::new([1.0], [0.5], [0.0], [f32::INFINITY]);
    assert_eq!(unsound.predict_in(&[1.0], &mut [0.0]), Err(NonFinite { layer: 0 }));
    type Inside = (Dense<1, 1>, BatchNorm<1>, Dense<1, 1>);
    let network = (Dense::ZERO, unsound, Dense::ZERO);
    assert_eq!(Inside::predict_in(&network, &[1.0], &mut [0.0; 4]), Err(NonFinite { layer: 1 }));
    // A single value is its own mean, and says nothing of a variance.
    let mut trainer = Trainer::<(BatchNorm<1>,), Sgd, 1, { floats::<(BatchNorm<1>,)>() }>::NEW;
    trainer.network.0 = BatchNorm::new([2.0], [0.5], [1.0], [1.0]);
    let data = Dataset::from_arrays(&[[7.0]], &[[0.5]]);
    let loss = trainer.step(&data, MeanSquaredError, &mut Sgd::new(0.1));
    assert_eq!(loss, Ok(0.0));
    let BatchNorm { running_mean, running_variance, .. } = trainer.network.0;
    assert_eq!((running_mean, running_variance), ([1.0], [1.0]));
}

#[test]
fn an_initializer_draws_nothing_for_it() {
    type Net = (Dense<3, 4>, BatchNorm<4, Relu>, Dense<4, 2>);
    let mut words = Random::new(46);
    let (mut net, mut count) = (Net::ZERO, 0);
    net.1 = BatchNorm::new([7.0; 4], [7.0; 4], [7.0; 4], [7.0; 4]);
    net.initialize_with(HeUniform, || {
        count += 1;
        words.word()
    });
    assert_eq!(net.1, BatchNorm::new([1.0; 4], [0.0; 4], [0.0; 4], [1.0; 4]));
    assert_eq!(count, 3 * 4 + 4 * 2);
    assert_eq!((BatchNorm::<4>::ZERO.running_variance, Net::PARAMETERS, Net::STATE_VALUES), ([0.0; 4], 34, 8));
    // In place: nothing but the channels themselves, in a prediction and in training.
    const { assert!(predict_floats::<Net>() == 4 + 2 && floats::<Net>() == floats::<(Dense<3, 4>, Dense<4, 2>)>() + 4) };
    let summary = Net::summary().to_string();
    assert!(summary.ends_with("34 parameters and 8 values of state, 168 bytes"), "{summary}");
    // Other settings are another architecture.
    assert_ne!(BatchNorm::<4, Relu>::FINGERPRINT, BatchNorm::<4, Relu, KerasNorm>::FINGERPRINT);
    let keras = BatchNorm::<1, Identity, KerasNorm>::new([1.0], [0.0], [0.0], [0.003]).predict(&[1.0]);
    assert!((keras.as_array()[0] - 0.004_f32.sqrt().recip()).abs() < 1e-4, "{keras:?}");
}

/// The largest difference between predictions of a network and of the same without its norms.
fn difference<N: Network<Out = Features<2>>, M: Network<In = N::In, Out = Features<2>>>(
    network: &N,
    folded: &M,
    numbers: &mut Random,
) -> f32 {
    let mut most = 0_f32;
    for _ in 0..20 {
        let mut sample = <SampleOf<N::In> as Zero>::ZERO;
        sample.values_mut().fill_with(|| numbers.input());
        let (left, right) = (network.predict(&sample), folded.predict(&sample));
        let pairs = left.as_array().iter().zip(right.as_array());
        most = pairs.map(|(left, right)| (left - right).abs()).fold(most, f32::max);
    }
    most
}

#[test]
fn a_folded_network_predicts_what_it_did() {
    type Along<L> = Model<Sequence<9, 3>, L>;
    type Norms = Along<(
        (Conv1d<3, 9, 3>, BatchNorm<9, Relu>),
        (DepthwiseConv1d<9, 3, Centered<2>>, BatchNorm<9, Tanh>),
        (Dense<9, 17>, BatchNorm<17, Relu, KerasNorm>),
        GlobalAveragePool,
        Dense<17, 2>,
    )>;
    type Folded = Along<(
        Conv1d<3, 9, 3, Same, Relu>,
        DepthwiseConv1d<9, 3, Centered<2>, Tanh>,
        Dense<9, 17, Relu>,
        GlobalAveragePool,
        Dense<17, 2>,
    )>;
    let mut numbers = Random::new(47);
    let network: Norms = with_statistics(random(&mut numbers), &mut numbers);
    let (mut folded, layers) = (Folded::ZERO, &network.layers);
    layers.0.1.fold_into(&layers.0.0, &mut folded.layers.0);
    layers.1.1.fold_into(&layers.1.0, &mut folded.layers.1);
    layers.2.1.fold_into(&layers.2.0, &mut folded.layers.2);
    folded.layers.4 = layers.4;
    let found = difference(&network, &folded, &mut numbers);
    assert!(found < 2e-6, "{found}");
    // The formula of one weight and one bias, bit for bit.
    let (conv, norm) = &layers.0;
    let k = norm.gain[8] / baregrad::scalar::sqrt(norm.running_variance[8] + 1e-5);
    assert_eq!(folded.layers.0.weights[2][0][1][8].to_bits(), (conv.weights[2][0][1][8] * k).to_bits());
    let bias = conv.bias[8] * k + (norm.bias[8] - norm.running_mean[8] * k);
    assert_eq!(folded.layers.0.bias[8].to_bits(), bias.to_bits());
}

#[test]
fn statistics_come_back_from_a_checkpoint() {
    let mut numbers = Random::new(48);
    let network: Net = with_statistics(random(&mut numbers), &mut numbers);
    let mut bytes = [0; weights_bytes::<Net>()];
    save_weights(&network, &mut bytes).expect("finite");
    assert_eq!(bytes.len(), 36 + 4 * (Net::PARAMETERS + 2 * (3 + 9 + 5 + 4 + 2)));
    let mut loaded = Net::ZERO;
    load_weights(&mut loaded, &bytes).expect("the same architecture");
    assert_same_bits(&parameters(&loaded), &parameters(&network), "parameters");
    assert_same_bits(&state(&loaded), &state(&network), "statistics");
    // Neither saved nor loaded: a variance below 0, and what is not finite.
    for value in [-0.5, f32::NAN, f32::INFINITY] {
        for index in 0..Net::STATE_COUNT {
            let is_unsound = index % 2 == 1 || !value.is_finite();
            let mut unsound = network;
            *unsound.state_tensor_mut(index).last_mut().expect("channels") = value;
            let mut other = bytes;
            let saved = save_weights(&unsound, &mut other);
            assert_eq!(saved.is_err(), is_unsound, "state {index}: {value}");
            if is_unsound {
                assert_eq!((saved, other), (Err(SaveError::UnsoundState), bytes));
                let place = 32 + 4 * (Net::PARAMETERS + state(&network).len());
                let before: usize = (index + 1..Net::STATE_COUNT).map(|k| network.state_tensor(k).len()).sum();
                other[place - 4 * (before + 1)..][..4].copy_from_slice(&value.to_le_bytes());
                let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&other[..place]);
                other[place..].copy_from_slice(&crc.to_le_bytes());
                let mut loaded = network;
                assert_eq!(load_weights(&mut loaded, &other), Err(LoadError::UnsoundState));
                assert_same_bits(&state(&loaded), &state(&network), "refused");
                let mut trainer = Trainer::<Net, Sgd, 1, { floats::<Net>() }>::NEW;
                trainer.network = unsound;
                assert_eq!(trainer.check(), Err(StepError::NonFiniteState));
            }
        }
    }
    assert!(checkpoint::weights_bytes::<Dense<3, 4>>() == 36 + 4 * 16, "a network without state is as it was");
}

/// A file of given tensors.
fn file_of(tensors: &[(&str, &str, &[usize], Vec<u8>)]) -> Vec<u8> {
    let (mut header, mut data) = (Vec::new(), Vec::new());
    for (name, kind, shape, bytes) in tensors {
        let (begin, end) = (data.len(), data.len() + bytes.len());
        header.push(format!(r#""{name}":{{"dtype":"{kind}","shape":{shape:?},"data_offsets":[{begin},{end}]}}"#));
        data.extend_from_slice(bytes);
    }
    let header = format!("{{{}}}", header.join(","));
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
}

#[test]
fn the_four_tensors_go_in_and_out_of_files() {
    type Net = Model<Image<2, 2, 3>, (Conv2d<3, 2, 1, 1>, BatchNorm<2, Relu>, Flatten<8>, BatchNorm<8>, Dense<8, 2>)>;
    let mut numbers = Random::new(49);
    let network: Net = with_statistics(random(&mut numbers), &mut numbers);
    let given = ["a", "b", "c", "d", "e", "f", "g", "h", "bn.running_mean", "bn.running_var", "mean", "variance"];
    for names in [Names::SEQUENTIAL, Names::PyTorch(&given), Names::Keras(&given)] {
        let mut file = vec![0; 4096];
        let length = safetensors::save(&network, &names, &mut file).expect("room");
        assert_eq!(length, safetensors::file_bytes::<Net>(&names));
        let mut loaded = Net::ZERO;
        safetensors::load(&mut loaded, &names, &file[..length]).expect("the same names");
        assert_same_bits(&parameters(&loaded), &parameters(&network), "parameters");
        assert_same_bits(&state(&loaded), &state(&network), "statistics");
        let file = safetensors_of(&file[..length]);
        let (mean, behind) = match names {
            Names::Sequential { .. } => ("1.running_mean", "4.running_var"),
            _ => ("bn.running_mean", "variance"),
        };
        assert_eq!(file.iter().find(|(name, _)| name == mean).expect("a mean").1, network.layers.1.running_mean);
        let behind = &file.iter().find(|(name, _)| name == behind).expect("a variance").1;
        // PyTorch has channels first behind its `Flatten`.
        let expected = match names {
            Names::Keras(_) => network.layers.3.running_variance,
            _ => [0, 2, 4, 6, 1, 3, 5, 7].map(|k| network.layers.3.running_variance[k]),
        };
        assert_eq!(behind, &expected);
    }
}

/// Names and numbers of a file, as the crate of the format reads them.
fn safetensors_of(bytes: &[u8]) -> Vec<(String, Vec<f32>)> {
    let file = ::safetensors::SafeTensors::deserialize(bytes).expect("a file");
    let numbers = |bytes: &[u8]| bytes.chunks(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    file.tensors().into_iter().map(|(name, view)| (name, numbers(view.data()))).collect()
}

#[test]
fn counts_of_batches_are_skipped() {
    type Net = (BatchNorm<2>,);
    let f32s = |values: [f32; 2]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let count = 1234_i64.to_le_bytes().to_vec();
    let four = |count: Option<&str>, variance: f32| {
        let mut tensors: Vec<(&str, &str, &[usize], Vec<u8>)> = vec![
            ("0.bias", "F32", &[2], f32s([3.0, 4.0])),
            ("0.running_mean", "F32", &[2], f32s([5.0, 6.0])),
            ("0.running_var", "F32", &[2], f32s([7.0, variance])),
            ("0.weight", "F32", &[2], f32s([1.0, 2.0])),
        ];
        tensors.extend(count.map(|name| (name, "I64", &[][..], 1234_i64.to_le_bytes().to_vec())));
        file_of(&tensors)
    };
    let expected = BatchNorm::new([1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]);
    let names = ["0.weight", "0.bias", "0.running_mean", "0.running_var"];
    for (count, names) in [
        (None, Names::SEQUENTIAL),
        (Some("0.num_batches_tracked"), Names::SEQUENTIAL),
        (Some("0.num_batches_tracked"), Names::PyTorch(&names)),
    ] {
        let mut loaded = Net::ZERO;
        assert_eq!(safetensors::load(&mut loaded, &names, &four(count, 8.0)), Ok(()), "{count:?}, {names:?}");
        assert_eq!(loaded.0, expected);
    }
    let mut loaded = Net::ZERO;
    let mut refuse = |names: Names<'_>, file: &[u8]| safetensors::load(&mut loaded, &names, file);
    let extra = refuse(Names::SEQUENTIAL, &four(Some("1.num_batches_tracked"), 8.0));
    assert!(matches!(extra, Err(ImportError::ExtraTensor { .. })), "{extra:?}");
    let keras = refuse(Names::Keras(&names), &four(Some("0.num_batches_tracked"), 8.0));
    assert!(matches!(keras, Err(ImportError::ExtraTensor { .. })), "{keras:?}");
    let negative = refuse(Names::SEQUENTIAL, &four(None, -8.0));
    assert_eq!(negative, Err(ImportError::UnsoundState { tensor: 3 }));
    let infinite = refuse(Names::SEQUENTIAL, &four(None, f32::INFINITY));
    assert_eq!(infinite, Err(ImportError::NonFiniteWeight { tensor: 3 }));
    // What is no count.
    for (kind, shape, bytes) in [("F32", &[][..], 4), ("I32", &[], 4), ("I64", &[2], 16), ("I64", &[1], 8)] {
        let file = file_of(&[
            ("0.bias", "F32", &[2], f32s([3.0, 4.0])),
            ("0.running_mean", "F32", &[2], f32s([5.0, 6.0])),
            ("0.num_batches_tracked", kind, shape, vec![0; bytes]),
            ("0.running_var", "F32", &[2], f32s([7.0, 8.0])),
            ("0.weight", "F32", &[2], f32s([1.0, 2.0])),
        ]);
        assert_eq!(refuse(Names::SEQUENTIAL, &file), Err(ImportError::WrongType { tensor: 2 }), "{kind} {shape:?}");
    }
    // A count beyond the end of the file, and two of them.
    let mut cut = four(Some("0.num_batches_tracked"), 8.0);
    cut.truncate(cut.len() - count.len());
    assert_eq!(refuse(Names::SEQUENTIAL, &cut), Err(ImportError::OutOfRange { tensor: 2 }));
    let twice = file_of(&[
        ("0.bias", "F32", &[2], f32s([3.0, 4.0])),
        ("0.running_mean", "F32", &[2], f32s([5.0, 6.0])),
        ("0.num_batches_tracked", "I64", &[], count.clone()),
        ("0.running_var", "F32", &[2], f32s([7.0, 8.0])),
        ("0.num_batches_tracked", "I64", &[], count),
        ("0.weight", "F32", &[2], f32s([1.0, 2.0])),
    ]);
    assert_eq!(refuse(Names::SEQUENTIAL, &twice), Err(ImportError::RepeatedTensor { tensor: 2 }));
    assert_eq!(loaded, Net::ZERO);
    let refused = safetensors::save(
        &(BatchNorm::<2>::new([1.0; 2], [0.0; 2], [0.0; 2], [-1.0; 2]),),
        &Names::SEQUENTIAL,
        &mut [0; 1024],
    );
    assert_eq!(refused, Err(ExportError::UnsoundState));
}

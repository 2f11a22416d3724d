//! Bad data and bad weights: each is refused by its own name, and nothing but the workspace is changed.
//!
//! The oracle is a copy of all bits of network, slots and optimizer (and stored gradients) from before the refused call. The trainer
//! has taken a few good steps first, so that slots and powers are not the zeros and ones they start from.

use crate::common::{
    Data, FLOATS, Random, Rule, TestLoss, bits, gradient, parameters, poll_to_the_end, random_network, set_parameters,
};
use baregrad::activation::Activation;
use baregrad::checkpoint::{State, training_bytes};
use baregrad::data::DataError;
use baregrad::optimizer::Optimizer;
use baregrad::train::Gradients;
use baregrad::{
    Adam, BinaryCrossEntropy, ConfusionMatrix, CrossEntropy, Dataset, Dense, Features, GatherBuffer, Identity,
    LeakyRelu, MeanSquaredError, Order, Relu, Sgd, Sigmoid, StepError, SumOfSquares, Tanh, Trainer, Zero, floats,
};
use baregrad::{Network, Parameters};
use catalogue::optimizers::{Formula, SavedRule, VisitOptimizers, each_optimizer};

const B: usize = 4;
const BAD: [f32; 3] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];

type Values<A> = (Dense<3, 5, A>, Dense<5, 4, A>, Dense<4, 2, A>);
type Classes = (Dense<3, 5, Relu>, Dense<5, 4, Tanh>, Dense<4, 3>);

/// A trainer on its way: three good steps, and a good micro-batch in the gradients.
struct Fixture<N: Network, const OUT: usize> {
    trainer: Trainer<N, Adam, B, FLOATS>,
    optimizer: Adam,
    gradients: Gradients<N>,
}

impl<N: Network<In = Features<3>, Out = Features<OUT>>, const OUT: usize> Fixture<N, OUT> {
    fn new<L: TestLoss<N::Activation, OUT>>() -> Self {
        let mut random = Random::new(1);
        let mut new = Self { trainer: Trainer::NEW, optimizer: Adam::START, gradients: Gradients::ZERO };
        new.trainer.network = random_network(&mut random);
        let data = Data::<3, _>::random::<N::Activation, L, OUT>(&mut random, B);
        for _ in 0..3 {
            new.trainer.step(&data.dataset(), L::LOSS, &mut new.optimizer).expect("sound data");
        }
        new.trainer.accumulate(&mut new.gradients, &data.dataset(), L::LOSS, 2 * B).expect("sound data");
        new
    }

    /// Bits of network, slots, optimizer and gradients.
    fn all_bits(&self) -> Vec<u32> {
        let mut values = parameters(&self.trainer.network);
        values.extend(self.optimizer.state::<N>(&self.trainer.slots));
        // The fields that `state` leaves out.
        values.extend([self.optimizer.beta1, self.optimizer.beta2, self.optimizer.epsilon]);
        values.extend(gradient(&self.gradients));
        bits(&values)
    }

    /// `step`, in one go and in slices, and `accumulate` refuse the samples with this error and change nothing.
    fn refuses<L, D>(&mut self, samples: &D, loss: L, error: StepError, what: &str)
    where
        L: baregrad::loss::Loss<Features<OUT>, N::Activation, D::Target> + Copy,
        D: baregrad::data::Samples<Input = [f32; 3]>,
    {
        let before = self.all_bits();
        assert_eq!(self.trainer.step(samples, loss, &mut self.optimizer), Err(error), "step, {what}");
        assert_eq!(before, self.all_bits(), "a refused step changed something: {what}");
        let in_slices = poll_to_the_end(&mut self.trainer, samples, loss, &mut self.optimizer);
        assert_eq!(in_slices, Err(error), "step in slices, {what}");
        assert_eq!(before, self.all_bits(), "a step refused in slices changed something: {what}");
        let accumulated = self.trainer.accumulate(&mut self.gradients, samples, loss, B);
        assert_eq!(accumulated, Err(error), "accumulate, {what}");
        assert_eq!(before, self.all_bits(), "a refused accumulate changed something: {what}");
    }
}

/// Inputs for up to `B` samples, none of them zero.
const INPUTS: [[f32; 3]; B] = [[0.5, -0.25, 1.0], [-1.0, 0.75, 0.125], [0.25, 0.5, -0.5], [1.0, 1.0, -0.75]];
const LABELS: [u8; B] = [0, 1, 2, 1];
const TARGETS: [[f32; 2]; B] = [[0.5, 0.25], [0.0, 1.0], [1.0, 0.0], [0.75, 0.5]];

#[test]
fn a_bad_input_is_refused_and_its_sample_named() {
    let mut fixture = Fixture::<Classes, 3>::new::<CrossEntropy>();
    for (sample, k, bad) in (0..B).flat_map(|s| (0..3).flat_map(move |k| BAD.map(|bad| (s, k, bad)))) {
        let mut inputs = INPUTS;
        inputs[sample][k] = bad;
        let data = Dataset::from_arrays(&inputs, &LABELS);
        fixture.refuses(&data, CrossEntropy, StepError::NonFiniteInput { sample }, &format!("{bad} in {sample}, {k}"));
    }
}

#[test]
fn the_first_of_several_bad_inputs_is_named_by_its_place_in_the_batch() {
    let mut fixture = Fixture::<Classes, 3>::new::<CrossEntropy>();
    let mut inputs = INPUTS;
    inputs[0][1] = f32::NAN;
    inputs[3][0] = f32::INFINITY;
    // Sample 3 of the data set is sample 1 of the batch, and sample 0 the last of it.
    let order: [u8; 3] = [1, 3, 0];
    let data = Dataset::from_arrays(&inputs, &LABELS);
    let batch = data.batch(&order).unwrap();
    fixture.refuses(&batch, CrossEntropy, StepError::NonFiniteInput { sample: 1 }, "batch by an order");
}

#[test]
fn a_bad_input_is_seen_behind_zero_weights() {
    let mut fixture = Fixture::<Classes, 3>::new::<CrossEntropy>();
    set_parameters(&mut fixture.trainer.network, &[0.0; Classes::PARAMETERS]);
    for bad in BAD {
        let mut inputs = INPUTS;
        inputs[2][1] = bad;
        let data = Dataset::from_arrays(&inputs, &LABELS);
        fixture.refuses(&data, CrossEntropy, StepError::NonFiniteInput { sample: 2 }, &format!("{bad}"));
    }
}

#[test]
fn a_bad_target_is_refused_and_its_sample_named() {
    let mut fixture = Fixture::<Values<Tanh>, 2>::new::<MeanSquaredError>();
    let mut logits = Fixture::<(Dense<3, 4, Tanh>, Dense<4, 2>), 2>::new::<BinaryCrossEntropy>();
    for (sample, k, bad) in (0..B).flat_map(|s| (0..2).flat_map(move |k| BAD.map(|bad| (s, k, bad)))) {
        let mut targets = TARGETS;
        targets[sample][k] = bad;
        let data = Dataset::from_arrays(&INPUTS, &targets);
        let (error, what) = (StepError::NonFiniteTarget { sample }, format!("{bad} in {sample}, {k}"));
        fixture.refuses(&data, MeanSquaredError, error, &what);
        fixture.refuses(&data, SumOfSquares, error, &what);
        logits.refuses(&data, BinaryCrossEntropy, error, &what);
    }
}

#[test]
fn a_label_out_of_range_is_refused_and_named() {
    let mut fixture = Fixture::<Classes, 3>::new::<CrossEntropy>();
    for (sample, label) in [(0, 3), (1, 4), (3, u8::MAX)] {
        let mut labels = LABELS;
        labels[sample] = label;
        let error = StepError::LabelOutOfRange { sample, label: label.into(), classes: 3 };
        let data = Dataset::from_arrays(&INPUTS, &labels);
        fixture.refuses(&data, CrossEntropy, error, &format!("label {label} in {sample}"));
    }
    let error = StepError::LabelOutOfRange { sample: 0, label: usize::MAX, classes: 3 };
    fixture.refuses(&Dataset::from_arrays(&INPUTS, &[usize::MAX; B]), CrossEntropy, error, "label usize::MAX");
}

/// Every parameter made bad in turn: the error names its layer.
fn assert_bad_parameters_are_refused<N, L>(what: &str)
where
    N: Network<In = Features<3>, Out = Features<2>>,
    L: TestLoss<N::Activation, 2, Target = [f32; 2]>,
{
    let mut layer_of = Vec::new();
    let mut layers = 0;
    N::describe_layers(&mut |layer| {
        layer_of.extend(vec![layers; layer.parameters]);
        layers += 1;
    });
    let mut fixture = Fixture::<N, 2>::new::<L>();
    let good = parameters(&fixture.trainer.network);
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    for (k, layer) in layer_of.into_iter().enumerate() {
        for bad in BAD {
            let mut values = good.clone();
            values[k] = bad;
            set_parameters(&mut fixture.trainer.network, &values);
            let error = StepError::NonFinitePreActivation { layer };
            fixture.refuses(&data, L::LOSS, error, &format!("{bad} in parameter {k}, {what}"));
        }
    }
}

#[test]
fn no_activation_swallows_a_bad_parameter() {
    assert_bad_parameters_are_refused::<Values<Identity>, MeanSquaredError>("identity");
    assert_bad_parameters_are_refused::<Values<Sigmoid>, MeanSquaredError>("sigmoid");
    assert_bad_parameters_are_refused::<Values<Tanh>, MeanSquaredError>("tanh");
    assert_bad_parameters_are_refused::<Values<Relu>, MeanSquaredError>("ReLU");
    assert_bad_parameters_are_refused::<Values<LeakyRelu>, MeanSquaredError>("leaky ReLU");
}

#[test]
fn layers_of_a_nested_network_are_counted_through() {
    type Nested = (Dense<3, 4, Sigmoid>, ((Dense<4, 4, Tanh>, Dense<4, 3, Relu>), Dense<3, 2, Sigmoid>));
    assert_bad_parameters_are_refused::<Nested, SumOfSquares>("nested");
}

#[test]
fn finite_weights_that_overflow_are_refused() {
    let mut fixture = Fixture::<Values<Relu>, 2>::new::<MeanSquaredError>();
    // Layer 0 gives about 1e30, layer 1 overflows: to -∞, which a ReLU would show as 0.
    let mut values = vec![1e30; 3 * 5 + 5];
    values.extend([-1e30; 5 * 4 + 4]);
    values.extend([1.0; 4 * 2 + 2]);
    set_parameters(&mut fixture.trainer.network, &values);
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    fixture.refuses(&data, MeanSquaredError, StepError::NonFinitePreActivation { layer: 1 }, "overflow in layer 1");
}

#[test]
fn a_loss_that_overflows_with_finite_outputs_is_refused() {
    const LARGE: f32 = 3e38;
    let bias = |values: [f32; 2]| [&[0.0; 6][..], &values].concat();
    let mut fixture = Fixture::<Dense<3, 2>, 2>::new::<MeanSquaredError>();
    set_parameters(&mut fixture.trainer.network, &bias([LARGE, -LARGE]));
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    assert_eq!(fixture.trainer.network.predict(&INPUTS[0]).as_array(), &[LARGE, -LARGE], "the outputs are finite");
    fixture.refuses(&data, MeanSquaredError, StepError::NonFiniteLoss, "mean squared error");
    fixture.refuses(&data, SumOfSquares, StepError::NonFiniteLoss, "sum of squares");
    // The label's logit is further below the other than f32 reaches.
    let data = Dataset::from_arrays(&INPUTS, &[1u8; B]);
    fixture.refuses(&data, CrossEntropy, StepError::NonFiniteLoss, "cross-entropy");
    // Each output's loss is 3e38, their sum overflows.
    set_parameters(&mut fixture.trainer.network, &bias([LARGE, LARGE]));
    let data = Dataset::from_arrays(&INPUTS, &[[0.0; 2]; B]);
    fixture.refuses(&data, BinaryCrossEntropy, StepError::NonFiniteLoss, "binary cross-entropy");
}

#[test]
fn no_samples_and_too_many_are_refused() {
    let mut fixture = Fixture::<Classes, 3>::new::<CrossEntropy>();
    let empty = GatherBuffer::<Features<3>, u8, B>::ZERO;
    fixture.refuses(&empty, CrossEntropy, StepError::NoSamples, "an empty gather buffer");
    let data = Dataset::from_arrays(&[[0.5; 3]; B + 1], &[0u8; B + 1]);
    let error = StepError::TooManySamples { samples: B + 1, capacity: B };
    fixture.refuses(&data, CrossEntropy, error, "one sample too many");
}

#[test]
fn sgd_changes_nothing_when_it_refuses() {
    let mut random = Random::new(2);
    let mut trainer = Trainer::<Classes, Sgd, B, { floats::<Classes>() }>::NEW;
    trainer.network = random_network(&mut random);
    let mut optimizer = Sgd::new(0.1);
    let before = bits(&parameters(&trainer.network));
    let mut inputs = INPUTS;
    inputs[1][2] = f32::NAN;
    let refused = trainer.step(&Dataset::from_arrays(&inputs, &LABELS), CrossEntropy, &mut optimizer);
    assert_eq!(refused, Err(StepError::NonFiniteInput { sample: 1 }));
    assert_eq!(before, bits(&parameters(&trainer.network)));
    assert_eq!(optimizer.learning_rate.to_bits(), 0.1f32.to_bits());
}

/// Everything that a checkpoint keeps of a training by this optimizer, before and after each refusal.
fn assert_refusals_change_nothing<O: Optimizer<Slot: State> + State>(mut optimizer: O, name: &str) {
    const LARGE: f32 = 3e38;
    let mut trainer = Trainer::<Classes, O, B, { floats::<Classes>() }>::NEW;
    trainer.network = random_network(&mut Random::new(2));
    for _ in 0..3 {
        trainer.step(&Dataset::from_arrays(&INPUTS, &LABELS), CrossEntropy, &mut optimizer).expect("sound data");
    }
    let mut inputs = INPUTS;
    inputs[1][2] = f32::NAN;
    let bad_input = Dataset::from_arrays(&inputs, &LABELS);
    let bad_label = Dataset::from_arrays(&INPUTS, &[0u8, 1, 3, 0]);
    let good = Dataset::from_arrays(&INPUTS, &[1u8; B]);
    let everything = |trainer: &Trainer<Classes, O, B, { floats::<Classes>() }>, optimizer: &O| {
        let mut bytes = vec![0; training_bytes::<Classes, O, ()>()];
        trainer.save(optimizer, &(), &mut bytes).expect("a finite state");
        bytes
    };
    let mut refuses = |network: Option<Vec<f32>>, data: &Dataset<'_, [f32; 3], u8>, error| {
        if let Some(values) = network {
            set_parameters(&mut trainer.network, &values);
        }
        let before = everything(&trainer, &optimizer);
        assert_eq!(trainer.step(data, CrossEntropy, &mut optimizer), Err(error), "{name}");
        assert!(before == everything(&trainer, &optimizer), "{name}: {error} in a step changed something");
        assert_eq!(poll_to_the_end(&mut trainer, data, CrossEntropy, &mut optimizer), Err(error), "{name}, in slices");
        assert!(before == everything(&trainer, &optimizer), "{name}: {error} in slices changed something");
    };
    refuses(None, &bad_input, StepError::NonFiniteInput { sample: 1 });
    refuses(None, &bad_label, StepError::LabelOutOfRange { sample: 2, label: 3, classes: 3 });
    // Finite weights that overflow in layer 1; and logits further apart than an f32 can say.
    let overflow = [&[1e30; 20][..], &[-1e30; 24], &[1.0; 15]].concat();
    refuses(Some(overflow), &good, StepError::NonFinitePreActivation { layer: 1 });
    let apart = [&[0.0; 20 + 24 + 12][..], &[LARGE, -LARGE, 0.0]].concat();
    refuses(Some(apart), &good, StepError::NonFiniteLoss);
    // A target can be infinite only where it is a value.
    trainer.network = random_network(&mut Random::new(2));
    let mut targets = [[0.5; 3]; B];
    targets[2][1] = f32::INFINITY;
    let (bad_target, error) = (Dataset::from_arrays(&INPUTS, &targets), Err(StepError::NonFiniteTarget { sample: 2 }));
    let before = everything(&trainer, &optimizer);
    assert_eq!(trainer.step(&bad_target, MeanSquaredError, &mut optimizer), error, "{name}");
    assert_eq!(
        poll_to_the_end(&mut trainer, &bad_target, MeanSquaredError, &mut optimizer),
        error,
        "{name}, in slices"
    );
    assert!(before == everything(&trainer, &optimizer), "{name}: a bad target changed something");
}

#[test]
fn every_optimizer_is_as_before_after_every_refusal() {
    struct Refusals;
    impl VisitOptimizers for Refusals {
        fn optimizer<O: SavedRule>(&mut self, name: &'static str, start: O, _: Formula) {
            assert_refusals_change_nothing(start, name);
        }
    }
    each_optimizer(&mut Refusals);
}

#[test]
fn a_good_step_after_a_refused_one_is_as_without_it() {
    let good = Dataset::from_arrays(&INPUTS, &LABELS);
    let mut inputs = INPUTS;
    inputs[3][2] = f32::NAN;
    let bad = Dataset::from_arrays(&inputs, &LABELS);
    let (mut refused, mut spared) = (Fixture::<Classes, 3>::new::<CrossEntropy>(), Fixture::new::<CrossEntropy>());
    refused.trainer.step(&bad, CrossEntropy, &mut refused.optimizer).unwrap_err();
    refused.trainer.accumulate(&mut refused.gradients, &bad, CrossEntropy, B).unwrap_err();
    for fixture in [&mut refused, &mut spared] {
        fixture.trainer.step(&good, CrossEntropy, &mut fixture.optimizer).unwrap();
        fixture.trainer.accumulate(&mut fixture.gradients, &good, CrossEntropy, B).unwrap();
    }
    assert_eq!(refused.all_bits(), spared.all_bits());
}

#[test]
fn apply_refuses_every_non_finite_gradient_and_changes_nothing() {
    let mut fixture = Fixture::<Classes, 3>::new::<CrossEntropy>();
    let good = gradient(&fixture.gradients);
    for k in 0..Classes::PARAMETERS {
        for bad in BAD {
            let mut values = good.clone();
            values[k] = bad;
            let mut values = values.into_iter();
            fixture.gradients.visit_mut(&mut |piece| piece.fill_with(|| values.next().expect("one for each")));
            let before = fixture.all_bits();
            let applied = fixture.trainer.apply(&mut fixture.gradients, &mut fixture.optimizer);
            assert_eq!(applied, Err(StepError::NonFiniteGradient), "{bad} in gradient {k}");
            assert_eq!(before, fixture.all_bits(), "{bad} in gradient {k}");
        }
    }
}

#[test]
fn apply_refuses_without_a_gradient_and_changes_nothing() {
    let mut fixture = Fixture::<Classes, 3>::new::<CrossEntropy>();
    fixture.trainer.apply(&mut fixture.gradients, &mut fixture.optimizer).expect("a stored gradient");
    let before = fixture.all_bits();
    let mut never_accumulated = Gradients::ZERO;
    for gradients in [&mut fixture.gradients, &mut never_accumulated] {
        let applied = fixture.trainer.apply(gradients, &mut fixture.optimizer);
        assert_eq!(applied, Err(StepError::NoGradient));
    }
    assert_eq!(before, fixture.all_bits());
}

#[test]
fn a_first_micro_batch_that_is_refused_stores_no_gradient() {
    let mut fixture = Fixture::<Classes, 3>::new::<CrossEntropy>();
    fixture.gradients.restart();
    let data = Dataset::from_arrays(&INPUTS, &[9u8; B]);
    fixture.trainer.accumulate(&mut fixture.gradients, &data, CrossEntropy, B).unwrap_err();
    let applied = fixture.trainer.apply(&mut fixture.gradients, &mut fixture.optimizer);
    assert_eq!(applied, Err(StepError::NoGradient));
}

/// One weight of 1e-12 and an input of 1e30: output 1e18, squared error 1e36, but a gradient of 2e48.
#[test]
fn a_gradient_that_overflows_shows_before_apply_and_one_step_after_step() {
    let data = Dataset::from_arrays(&[[1e30]], &[[0.0]]);
    let mut trainer = Trainer::<Dense<1, 1>, Sgd, 1, { floats::<Dense<1, 1>>() }>::NEW;
    trainer.network.weights.rows = [[1e-12]];
    let mut optimizer = Sgd::new(0.1);
    let mut gradients = Gradients::ZERO;
    trainer.accumulate(&mut gradients, &data, SumOfSquares, 1).expect("a finite loss");
    assert_eq!(trainer.apply(&mut gradients, &mut optimizer), Err(StepError::NonFiniteGradient));
    assert_eq!(trainer.network.weights.rows, [[1e-12]]);

    trainer.step(&data, SumOfSquares, &mut optimizer).expect("a step does not look at gradients");
    let next = trainer.step(&data, SumOfSquares, &mut optimizer);
    assert_eq!(next, Err(StepError::NonFinitePreActivation { layer: 0 }));
}

#[test]
fn unsound_data_sets_are_refused() {
    assert_eq!(Dataset::<[f32; 3], u8>::new(&[], &[]).err(), Some(DataError::Empty));
    let mismatch = DataError::LengthMismatch { inputs: 4, targets: 3 };
    assert_eq!(Dataset::new(&INPUTS, &LABELS[..3]).err(), Some(mismatch));
    let mismatch = DataError::LengthMismatch { inputs: 0, targets: 4 };
    assert_eq!(Dataset::new(&INPUTS[..0], &LABELS).err(), Some(mismatch));
}

#[test]
fn unsound_orders_and_batch_sizes_are_refused() {
    let data = Dataset::from_arrays(&INPUTS, &LABELS);
    let out_of_range = |index| Some(DataError::IndexOutOfRange { index, samples: B });
    assert_eq!(data.batch::<u8>(&[0, 4, 9]).err(), out_of_range(4), "the first bad one");
    assert_eq!(data.batches::<u16>(&[3, 2, u16::MAX], 2).err(), out_of_range(65535), "in a later batch");
    assert_eq!(data.batches(&Order::<5>::IDENTITY, 2).err(), out_of_range(4), "an order for more samples");
    assert_eq!(data.batch::<u8>(&[]).err(), Some(DataError::Empty));
    assert_eq!(data.batches::<u8>(&[0], 0).err(), Some(DataError::Empty));
    assert_eq!(data.chunks(0).err(), Some(DataError::Empty));
}

#[test]
fn a_gather_buffer_too_small_is_refused_and_keeps_its_content() {
    use baregrad::data::Samples;
    let mut buffer = GatherBuffer::<Features<3>, u8, 3>::ZERO;
    let copy = |from: &[f32; 3], to: &mut [f32; 3]| *to = *from;
    let two = Dataset::new(&INPUTS[1..3], &LABELS[1..3]).unwrap();
    buffer.gather(&two, copy).unwrap();
    let four = Dataset::from_arrays(&INPUTS, &LABELS);
    assert_eq!(buffer.gather(&four, copy).err(), Some(DataError::BufferTooSmall { needed: 4, capacity: 3 }));
    assert_eq!(buffer.len(), 2);
    let content = |index| (buffer.input(index).copied(), buffer.target(index).copied());
    assert_eq!([0, 1].map(content), [1, 2].map(|i| (Some(INPUTS[i]), Some(LABELS[i]))));
    assert_eq!(content(2), (None, None), "beyond the last");
}

#[test]
fn data_errors_pass_through_a_training_loop() {
    let data = Dataset::from_arrays(&INPUTS, &LABELS);
    let epoch = || -> Result<usize, StepError> { Ok(data.batches::<u8>(&[7], 1)?.count()) };
    assert_eq!(epoch(), Err(StepError::Data(DataError::IndexOutOfRange { index: 7, samples: B })));
}

fn assert_nan_weights_show<A: Activation>() {
    let mut random = Random::new(3);
    let good = random_network::<Values<A>>(&mut random);
    for k in 0..Values::<A>::PARAMETERS {
        let mut values = parameters(&good);
        values[k] = f32::NAN;
        let mut network = Values::<A>::ZERO;
        set_parameters(&mut network, &values);
        let output = network.predict(&INPUTS[0]);
        assert!(output.as_slice().iter().any(|value| value.is_nan()), "{}: parameter {k} gives {output:?}", A::NAME);
        let mut activations = [0.0; FLOATS];
        assert!(network.predict_in(&INPUTS[0], &mut activations).is_err(), "{}: parameter {k}", A::NAME);
    }
    let mut activations = [0.0; FLOATS];
    let output = good.predict_in(&INPUTS[0], &mut activations).expect("a sound network");
    assert_eq!(bits(output.as_slice()), bits(good.predict(&INPUTS[0]).as_slice()), "{}", A::NAME);
}

#[test]
fn predict_shows_nan_for_nan_weights_behind_every_activation() {
    assert_nan_weights_show::<Identity>();
    assert_nan_weights_show::<Sigmoid>();
    assert_nan_weights_show::<Tanh>();
    assert_nan_weights_show::<Relu>();
    assert_nan_weights_show::<LeakyRelu>();
}

#[test]
fn evaluation_names_the_sample_of_the_data_set_and_keeps_to_the_same_errors() {
    let mut fixture = Fixture::<Classes, 3>::new::<CrossEntropy>();
    let before = fixture.all_bits();
    // More samples than the workspace: the bad one is in the third batch.
    let (mut inputs, labels) = ([[0.5; 3]; 11], [0u8; 11]);
    inputs[9][0] = f32::NAN;
    let error = Some(StepError::NonFiniteInput { sample: 9 });
    let data = Dataset::from_arrays(&inputs, &labels);
    assert_eq!(fixture.trainer.evaluate(&data, CrossEntropy, 1).err(), error);
    assert_eq!(fixture.trainer.mean_loss(&data, CrossEntropy).err(), error);
    let mut labels = labels;
    labels[10] = 3;
    let data = Dataset::from_arrays(&[[0.5; 3]; 11], &labels);
    let error = Some(StepError::LabelOutOfRange { sample: 10, label: 3, classes: 3 });
    assert_eq!(fixture.trainer.evaluate(&data, CrossEntropy, 1).err(), error);
    let mut matrix = ConfusionMatrix::<3>::NEW;
    assert_eq!(fixture.trainer.confusion_matrix(&data, &mut matrix).err(), error);
    let empty = GatherBuffer::<Features<3>, u8, B>::ZERO;
    assert_eq!(fixture.trainer.evaluate(&empty, CrossEntropy, 1).err(), Some(StepError::NoSamples));
    assert_eq!(before, fixture.all_bits());
}

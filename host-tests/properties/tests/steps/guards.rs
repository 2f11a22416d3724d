//! What training notices beyond bad input: overflow on the way back, in the two phases, and in the state; and what it keeps.
//!
//! The oracle is the promise in the docs of `train::step`, `train::check`, `Gradients::clip_norm` and `accumulate_all`.

use crate::common::{Data, Random, assert_same_bits, gradient, parameters, poll_to_the_end, random_network};
use baregrad::data::{DataError, RandomIndices, Samples};
use baregrad::layer::NonFinite;
use baregrad::loss::{Pointwise, Reduction, TargetError};
use baregrad::optimizer::{Moments, Slot};
use baregrad::schedule::{EarlyStopping, Verdict};
use baregrad::train::Gradients;
use baregrad::{
    Adam, BinaryCrossEntropy, ConfusionMatrix, CrossEntropy, Dataset, Dense, Features, GatherBuffer, GlorotUniform,
    MeanSquaredError, Network, Relu, Sgd, StepError, Tanh, Trainer, floats,
};

type Net = (Dense<4, 7, Tanh>, Dense<7, 3>);

/// A loss with a value but no gradient: its derivative is NaN.
#[derive(Clone, Copy)]
struct NoGradient;

impl Pointwise for NoGradient {
    const REDUCTION: Reduction = Reduction::Mean;

    fn term(&self, _output: f32, _target: f32) -> f32 {
        1.0
    }

    fn derivative(&self, _output: f32, _target: f32) -> f32 {
        f32::NAN
    }
}

#[test]
fn a_loss_without_a_finite_gradient_changes_nothing() {
    let mut trainer = Trainer::<Net, Adam, 2, { floats::<Net>() }>::NEW;
    trainer.network = random_network(&mut Random::new(1));
    let before = parameters(&trainer.network);
    let mut adam = Adam::new(0.1);
    let data = Dataset::from_arrays(&[[0.5; 4]; 2], &[[1.0; 3]; 2]);
    assert_eq!(trainer.step(&data, NoGradient, &mut adam), Err(StepError::NonFiniteGradient));
    assert_same_bits(&parameters(&trainer.network), &before, "weights");
    assert_eq!(adam, Adam::new(0.1), "the step is not counted");
    assert_eq!(poll_to_the_end(&mut trainer, &data, NoGradient, &mut adam), Err(StepError::NonFiniteGradient));
    assert_same_bits(&parameters(&trainer.network), &before, "weights");
    assert_eq!(adam, Adam::new(0.1), "the step is not counted");
    let mut gradients = Gradients::<Net>::NEW;
    assert_eq!(trainer.accumulate(&mut gradients, &data, NoGradient, 2), Err(StepError::NonFiniteGradient));
    assert_eq!(trainer.apply(&mut gradients, &mut adam), Err(StepError::NoGradient));
}

#[test]
fn check_finds_a_slot_that_has_overflowed() {
    // A gradient of about 1e20: the loss is finite, but Adam's second moment is its square.
    let mut trainer = Trainer::<(Dense<1, 1>,), Adam, 1, { floats::<(Dense<1, 1>,)>() }>::NEW;
    let data = Dataset::from_arrays(&[[2e19]], &[[-5.0]]);
    trainer.check().expect("zeros are finite");
    trainer.step(&data, MeanSquaredError, &mut Adam::new(0.01)).expect("the loss is finite");
    assert!(parameters(&trainer.network).iter().all(|value| value.is_finite()), "the weights don't show it");
    assert_eq!(trainer.check(), Err(StepError::NonFiniteState));
}

#[test]
fn a_slot_is_finite_where_every_number_in_it_is() {
    assert!(().is_finite());
    assert!(Slot::is_finite(&f32::MAX));
    assert!(Moments { first_moment: -f32::MAX, second_moment: f32::MAX }.is_finite());
    for bad in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
        assert!(!Slot::is_finite(&bad), "{bad}");
        for (first_moment, second_moment) in [(bad, 1.0), (1.0, bad), (bad, bad)] {
            let moments = Moments { first_moment, second_moment };
            assert!(!moments.is_finite(), "{moments:?}");
        }
    }
}

#[test]
fn check_finds_a_weight_that_has_overflowed() {
    let mut trainer = Trainer::<(Dense<1, 1>,), Sgd, 1, { floats::<(Dense<1, 1>,)>() }>::NEW;
    let data = Dataset::from_arrays(&[[1e19]], &[[-5.0]]);
    trainer.step(&data, MeanSquaredError, &mut Sgd::new(1e20)).expect("the loss is finite");
    assert_eq!(trainer.check(), Err(StepError::NonFiniteState));
    let next = trainer.step(&data, MeanSquaredError, &mut Sgd::new(1e20));
    assert_eq!(next, Err(StepError::NonFinitePreActivation { layer: 0 }), "and the next step says so by itself");
}

#[test]
fn clip_norm_refuses_a_norm_that_is_not_finite_and_changes_nothing() {
    let mut trainer = Trainer::<(Dense<1, 1>,), Sgd, 1, { floats::<(Dense<1, 1>,)>() }>::NEW;
    let mut gradients = Gradients::NEW;
    let data = Dataset::from_arrays(&[[2e19]], &[[-5.0]]);
    trainer.accumulate(&mut gradients, &data, MeanSquaredError, 1).expect("the loss is finite");
    let before = gradient(&gradients);
    assert!(before.iter().all(|value| value.is_finite()), "only the squares overflow");
    assert_eq!(gradients.clip_norm(1.0), Err(StepError::NonFiniteGradient));
    assert_same_bits(&gradient(&gradients), &before, "gradients");
}

#[test]
fn clip_norm_scales_down_to_its_limit_and_leaves_a_shorter_gradient() {
    let mut trainer = Trainer::<Net, Sgd, 4, { floats::<Net>() }>::NEW;
    trainer.network = random_network(&mut Random::new(2));
    let data = Data::<4, u8>::random::<baregrad::Identity, CrossEntropy, 3>(&mut Random::new(3), 4);
    let mut gradients = Gradients::NEW;
    trainer.accumulate(&mut gradients, &data.dataset(), CrossEntropy, 4).expect("sound data");
    let before = gradient(&gradients);
    let norm = gradients.norm();
    assert_eq!(gradients.clip_norm(2.0 * norm), Ok(norm));
    assert_same_bits(&gradient(&gradients), &before, "a shorter gradient");
    gradients.clip_norm(0.1).expect("finite");
    // 1e-6 beside the norm, which is above 0.1, and the roundings of 60 squares.
    assert!((gradients.norm() - 0.1).abs() < 0.1 * 2e-5, "{}", gradients.norm());
}

#[test]
fn a_batch_larger_than_the_workspace_gives_the_bits_of_one_that_fits() {
    let data = Data::<4, u8>::random::<baregrad::Identity, CrossEntropy, 3>(&mut Random::new(4), 23);
    let network: Net = random_network(&mut Random::new(5));
    let mut small = Trainer::<Net, Adam, 5, { floats::<Net>() }>::NEW;
    let mut large = Trainer::<Net, Adam, 23, { floats::<Net>() }>::NEW;
    (small.network, large.network) = (network, network);
    let mut gradients = Gradients::NEW;
    let (mut adam, mut other) = (Adam::new(0.01), Adam::new(0.01));
    for _ in 0..3 {
        let in_pieces = small.accumulate_all(&mut gradients, &data.dataset(), CrossEntropy).expect("sound data");
        small.apply(&mut gradients, &mut adam).expect("a gradient");
        let at_once = large.step(&data.dataset(), CrossEntropy, &mut other).expect("sound data");
        assert_eq!(in_pieces.to_bits(), at_once.to_bits(), "loss");
        assert_same_bits(&parameters(&small.network), &parameters(&large.network), "weights");
    }
}

#[test]
fn an_error_in_a_later_piece_names_its_sample_and_forgets_the_gradient() {
    let mut data = Data::<4, u8>::random::<baregrad::Identity, CrossEntropy, 3>(&mut Random::new(6), 12);
    data.inputs[9][2] = f32::NAN;
    let mut trainer = Trainer::<Net, Sgd, 5, { floats::<Net>() }>::NEW;
    trainer.network = random_network(&mut Random::new(7));
    let mut gradients = Gradients::NEW;
    let refused = trainer.accumulate_all(&mut gradients, &data.dataset(), CrossEntropy);
    assert_eq!(refused, Err(StepError::NonFiniteInput { sample: 9 }));
    assert_eq!(trainer.apply(&mut gradients, &mut Sgd::new(0.1)), Err(StepError::NoGradient));
}

/// Says that it has three samples, and has two.
struct Liar;

impl Samples for Liar {
    type Input = [f32; 4];
    type Target = u8;

    fn len(&self) -> usize {
        3
    }

    fn input(&self, index: usize) -> Option<&[f32; 4]> {
        if index < 2 { Some(&[0.5; 4]) } else { None }
    }

    fn target(&self, index: usize) -> Option<&u8> {
        if index < 3 { Some(&1) } else { None }
    }
}

#[test]
fn a_sample_that_is_only_counted_is_an_error() {
    let mut trainer = Trainer::<Net, Sgd, 4, { floats::<Net>() }>::NEW;
    trainer.network = random_network(&mut Random::new(8));
    let before = parameters(&trainer.network);
    let missing = Err(StepError::MissingSample { sample: 2 });
    assert_eq!(trainer.step(&Liar, CrossEntropy, &mut Sgd::new(0.1)), missing);
    assert_eq!(poll_to_the_end(&mut trainer, &Liar, CrossEntropy, &mut Sgd::new(0.1)), missing);
    assert_same_bits(&parameters(&trainer.network), &before, "weights");
    assert_eq!(trainer.mean_loss(&Liar, CrossEntropy), missing);
    let mut buffer = GatherBuffer::<Features<4>, u8, 4>::NEW;
    assert!(buffer.gather(&Liar, |from, to| *to = *from).is_err());
    assert!(buffer.is_empty(), "nothing of an earlier batch is left");
}

#[test]
fn random_indices_refuse_more_samples_than_they_can_name() {
    let mut indices = RandomIndices::<4>::NEW;
    assert!(indices.draw_with(65_537, || u32::MAX).is_err());
    indices.draw_with(65_536, || u32::MAX).expect("16 bits suffice");
    assert_eq!(indices.as_ref(), [65_535; 4]);
}

#[test]
fn the_best_weights_are_kept_by_a_copy() {
    // A rate so large that the loss rises again: the copy made at the best loss must still give it.
    let mut trainer = Trainer::<Net, Sgd, 8, { floats::<Net>() }>::NEW;
    let mut random = Random::new(9);
    trainer.network.initialize_with(GlorotUniform, || random.word());
    let data = Data::<4, u8>::random::<baregrad::Identity, CrossEntropy, 3>(&mut random, 8);
    let mut stopping = EarlyStopping::new(3);
    let mut best = trainer.network;
    let mut optimizer = Sgd::new(2.0);
    let mut stopped = false;
    for step in 0..1000 {
        let loss = trainer.mean_loss(&data.dataset(), CrossEntropy).expect("sound data");
        match stopping.observe(loss).expect("sound settings") {
            Verdict::Better => best = trainer.network,
            Verdict::Wait => {}
            Verdict::Stop => {
                stopped = true;
                break;
            }
        }
        optimizer.learning_rate *= if step > 20 { 1.5 } else { 1.0 };
        trainer.step(&data.dataset(), CrossEntropy, &mut optimizer).expect("sound data");
    }
    assert!(stopped, "the loss never rose");
    trainer.network = best;
    let loss = trainer.mean_loss(&data.dataset(), CrossEntropy).expect("sound data");
    assert_eq!(loss.to_bits(), stopping.best().to_bits());
}

#[test]
fn one_output_is_counted_by_a_threshold() {
    let mut trainer = Trainer::<(Dense<1, 1>,), Sgd, 4, { floats::<(Dense<1, 1>,)>() }>::NEW;
    trainer.network.0.weights.as_mut_slice().fill(1.0);
    let data = Dataset::from_arrays(&[[-2.0], [-1.0], [1.0], [2.0], [3.0]], &[[0.0], [1.0], [0.0], [1.0], [1.0]]);
    let mut matrix = ConfusionMatrix::NEW;
    trainer.binary_confusion_matrix(&data, 0.0, &mut matrix).expect("sound data");
    let counts = [matrix.true_negatives(), matrix.false_positives(), matrix.false_negatives(), matrix.true_positives()];
    assert_eq!(counts, [1, 1, 1, 2]);
    // And the same network is trained by a loss on logits.
    trainer
        .step(&data.chunks(4).expect("not 0").next().expect("some"), BinaryCrossEntropy, &mut Sgd::new(0.1))
        .expect("sound");
}

#[test]
fn a_label_out_of_range_leaves_a_confusion_matrix_as_it_was() {
    let mut trainer = Trainer::<(Dense<1, 3, Relu>,), Sgd, 2, { floats::<(Dense<1, 3, Relu>,)>() }>::NEW;
    let data = Dataset::from_arrays(&[[1.0], [1.0], [1.0]], &[0u8, 1, 3]);
    let mut matrix = ConfusionMatrix::<3>::NEW;
    let refused = trainer.confusion_matrix(&data, &mut matrix);
    assert_eq!(refused, Err(StepError::LabelOutOfRange { sample: 2, label: 3, classes: 3 }));
    assert_eq!(matrix, ConfusionMatrix::NEW);
}

#[test]
fn the_text_of_a_refused_step_says_what_and_where() {
    let texts = [
        (StepError::NoSamples, "the batch has no samples"),
        (StepError::TooManySamples { samples: 9, capacity: 8 }, "9 samples; at most 8 are allowed"),
        (StepError::MissingSample { sample: 7 }, "sample 7 is missing, though the length counts it"),
        (
            StepError::LabelOutOfRange { sample: 7, label: 5, classes: 3 },
            "sample 7 has label 5, but the network has 3 outputs",
        ),
        (StepError::NonFiniteInput { sample: 7 }, "an input of sample 7 is infinite or NaN"),
        (StepError::NonFiniteTarget { sample: 7 }, "a target of sample 7 is infinite or NaN"),
        (
            StepError::NonFinitePreActivation { layer: 2 },
            "a pre-activation of layer 2 is infinite or NaN: diverged, or bad weights",
        ),
        (StepError::NonFiniteLoss, "the loss is infinite or NaN: the outputs are far too large"),
        (StepError::NonFiniteGradient, "a gradient is infinite or NaN"),
        (
            StepError::NonFiniteState,
            "a parameter, a slot of the optimizer or the state of a layer is infinite, NaN or outside of its domain",
        ),
        (StepError::NoGradient, "no gradient has been accumulated"),
        (StepError::AllFrozen { layers: 2 }, "all 2 layers are frozen, so none is left to train"),
        (StepError::Data(DataError::Empty), &DataError::Empty.to_string()),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
    }
    let texts = [
        (DataError::Empty, "no samples: an empty data set or order, or batches of size 0"),
        (DataError::LengthMismatch { inputs: 4, targets: 3 }, "4 inputs but 3 targets"),
        (DataError::IndexOutOfRange { index: 9, samples: 8 }, "the order names sample 9 of a data set of 8"),
        (DataError::TooManySamples { samples: 70_000 }, "70000 samples, but 16-bit indices name at most 65536"),
        (DataError::MissingSample { index: 7 }, "sample 7 is missing, though the length counts it"),
        (DataError::BufferTooSmall { needed: 4, capacity: 3 }, "4 samples for a buffer of 3"),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
    }
    assert_eq!(NonFinite { layer: 2 }.to_string(), "a pre-activation of layer 2 is infinite or NaN");
    let target = TargetError::LabelOutOfRange { label: 5, classes: 3 };
    assert_eq!(target.to_string(), "label 5 is out of range: the network has 3 outputs");
    assert_eq!(TargetError::NonFinite.to_string(), "target is infinite or NaN");
    assert_eq!(StepError::from(NonFinite { layer: 2 }), StepError::NonFinitePreActivation { layer: 2 });
}

//! Metrics: known counts, ranks by a stable sort over all small vectors of awkward values, and evaluation in pieces.
//!
//! An evaluation over more samples than the workspace holds is compared, bit for bit, with one large batch and with the plain textbook loops.

use crate::common::{Data, Random, TestLoss, assert_same_bits, bits, book_network, random_network};
use baregrad::matrix::argmax;
use baregrad::metrics::{ClassOutOfRange, Evaluation, rank};
use baregrad::setting::{Domain, SettingError};
use baregrad::train::for_each_output;
use baregrad::{
    Adam, BinaryCrossEntropy, ConfusionMatrix, CrossEntropy, Dataset, Dense, Identity, MeanSquaredError, Network, Relu,
    StepError, Tanh, Trainer, Vector, floats,
};

#[test]
fn two_class_counts_have_their_names() {
    let mut matrix = ConfusionMatrix::<2>::NEW;
    for (actual, predicted, times) in [(0, 0, 1), (0, 1, 2), (1, 0, 3), (1, 1, 4)] {
        for _ in 0..times {
            matrix.record(actual, predicted).unwrap();
        }
    }
    assert_eq!(matrix.counts, [[1, 2], [3, 4]], "a row per actual class");
    assert_eq!((matrix.true_negatives(), matrix.false_positives()), (1, 2));
    assert_eq!((matrix.false_negatives(), matrix.true_positives()), (3, 4));
    assert_eq!((matrix.samples(), matrix.correct(), matrix.accuracy()), (10, 5, Some(0.5)));
}

#[test]
fn a_confusion_matrix_without_samples_has_no_accuracy() {
    assert_eq!(ConfusionMatrix::<3>::NEW.accuracy(), None);
    assert_eq!(ConfusionMatrix::<3>::NEW.samples(), 0);
}

#[test]
fn a_class_out_of_range_is_refused_and_not_counted() {
    let mut matrix = ConfusionMatrix::<3>::NEW;
    assert_eq!(matrix.record(3, 0), Err(ClassOutOfRange { class: 3, classes: 3 }));
    assert_eq!(matrix.record(0, 4), Err(ClassOutOfRange { class: 4, classes: 3 }));
    assert_eq!(matrix.record(7, 8), Err(ClassOutOfRange { class: 7, classes: 3 }), "the actual class first");
    assert_eq!(matrix, ConfusionMatrix::NEW);
    let message = ClassOutOfRange { class: 3, classes: 3 }.to_string();
    assert_eq!(message, "class 3 is out of range: there are 3 classes");
}

#[test]
fn sums_of_large_counts_do_not_saturate() {
    const LARGE: u32 = 3_000_000_000;
    for (counts, accuracy) in [
        ([[LARGE, LARGE], [0, 0]], 0.5),
        ([[u32::MAX, u32::MAX], [0, 0]], 0.5),
        ([[u32::MAX; 2]; 2], 0.5),
        ([[u32::MAX, 0], [0, u32::MAX]], 1.0),
        ([[u32::MAX, 0], [u32::MAX, u32::MAX]], 2.0 / 3.0),
    ] {
        assert_eq!(ConfusionMatrix { counts }.accuracy(), Some(accuracy), "{counts:?}");
    }
    assert_eq!(ConfusionMatrix { counts: [[LARGE; 2]; 2] }.samples(), 12_000_000_000);
    assert_eq!(ConfusionMatrix { counts: [[LARGE; 2]; 2] }.correct(), 6_000_000_000);
}

#[test]
fn a_full_cell_halves_all_counts_and_keeps_their_shares() {
    const FULL: u32 = u32::MAX;
    let mut matrix = ConfusionMatrix { counts: [[FULL - 1, FULL], [1, 0]] };
    matrix.record(0, 0).unwrap();
    assert_eq!(matrix.counts, [[FULL, FULL], [1, 0]], "the last that fits");
    matrix.record(0, 0).unwrap();
    assert_eq!(matrix.counts, [[(1 << 31) + 1, 1 << 31], [1, 0]], "each half rounded up, then the sample");
    // A full cell that is wrong, while all that come are right.
    let mut matrix = ConfusionMatrix { counts: [[FULL, FULL], [FULL, FULL]] };
    let before = matrix.accuracy();
    matrix.record(1, 1).unwrap();
    assert_eq!((before, matrix.accuracy()), (Some(0.5), Some(0.5)));
    assert_eq!(matrix.record(2, 0), Err(ClassOutOfRange { class: 2, classes: 2 }));
    assert_eq!(matrix.samples(), (1 << 33) + 1);
}

#[test]
fn a_confusion_matrix_prints_as_a_table() {
    let text = ConfusionMatrix { counts: [[10, 0, 0], [0, 9, 1], [0, 123, 10]] }.to_string();
    let expected = "\
actual \\ predicted      0      1      2
                 0     10      0      0
                 1      0      9      1
                 2      0    123     10";
    assert_eq!(text, expected);
}

/// Every vector of four of these.
fn awkward_vectors() -> impl Iterator<Item = [f32; 4]> {
    const VALUES: [f32; 7] = [f32::NEG_INFINITY, -1.0, -0.0, 0.0, 1.0, f32::INFINITY, f32::NAN];
    (0..7usize.pow(4)).map(|word| [1, 7, 49, 343].map(|place| VALUES[word / place % 7]))
}

/// Classes from the first to the last: NaN, then larger values; equal ones (0 and -0 too) as they lie.
fn sorted_classes(outputs: &[f32; 4]) -> Vec<usize> {
    let key = |class: &usize| outputs[*class];
    let mut classes: Vec<usize> = (0..4).collect();
    classes.sort_by(|a, b| match (key(a).is_nan(), key(b).is_nan()) {
        (false, false) => key(b).partial_cmp(&key(a)).expect("numbers"),
        (a, b) => b.cmp(&a),
    });
    classes
}

#[test]
fn rank_is_the_place_in_a_stable_sort() {
    for outputs in awkward_vectors() {
        for (place, class) in sorted_classes(&outputs).into_iter().enumerate() {
            assert_eq!(rank(&outputs, class), place, "class {class} of {outputs:?}");
        }
    }
}

#[test]
fn argmax_is_the_class_of_rank_0() {
    for outputs in awkward_vectors() {
        assert_eq!(argmax(&outputs), sorted_classes(&outputs)[0], "{outputs:?}");
        assert_eq!(Vector::from_rows([outputs]).argmax(), argmax(&outputs), "{outputs:?}");
    }
}

#[test]
fn a_label_without_an_output_comes_last() {
    assert_eq!(rank(&[1.0, f32::NAN], 2), 2);
    assert_eq!(rank(&[], 0), 0);
    assert_eq!(argmax(&[]), 0);
}

/// Logits are the inputs themselves.
fn copying_trainer() -> Trainer<Dense<3, 3>, Adam, 2, { floats::<Dense<3, 3>>() }> {
    let mut trainer = Trainer::NEW;
    trainer.network =
        Dense::new(baregrad::Matrix::from_rows([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), [0.0; 3]);
    trainer
}

#[test]
fn top_k_counts_labels_among_the_k_largest_and_ties_go_to_the_lower_class() {
    let inputs = [[3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [2.0, 2.0, 1.0], [2.0, 2.0, 1.0]];
    let labels = [0u8, 1, 2, 0, 1];
    let data = Dataset::from_arrays(&inputs, &labels);
    for (k, correct_top_k) in [(0, 0), (1, 2), (2, 4), (3, 5), (9, 5)] {
        let evaluation = copying_trainer().evaluate(&data, CrossEntropy, k).unwrap();
        assert_eq!((evaluation.samples, evaluation.correct), (5, 2));
        assert_eq!(evaluation.correct_top_k, correct_top_k, "top {k}");
        assert_eq!(evaluation.top_k_accuracy(), correct_top_k as f32 / 5.0, "top {k}");
        assert_eq!(evaluation.accuracy(), 0.4);
    }
}

type Net = (Dense<4, 7, Tanh>, Dense<7, 5, Relu>, Dense<5, 3>);

#[test]
fn evaluation_in_pieces_equals_one_batch() {
    const SEED: u64 = 1;
    let mut random = Random::new(SEED);
    let network = random_network::<Net>(&mut random);
    let data = Data::<4, u8>::random::<Identity, CrossEntropy, 3>(&mut random, 23);
    fn evaluate<const B: usize>(network: &Net, data: &Data<4, u8>) -> (Evaluation, ConfusionMatrix<3>) {
        let mut trainer = Trainer::<Net, Adam, B, { floats::<Net>() }>::NEW;
        trainer.network = *network;
        let mut matrix = ConfusionMatrix::NEW;
        trainer.confusion_matrix(&data.dataset(), &mut matrix).unwrap();
        (trainer.evaluate(&data.dataset(), CrossEntropy, 2).unwrap(), matrix)
    }
    let (whole, matrix) = evaluate::<23>(&network, &data);
    for (pieces, same_matrix) in
        [evaluate::<1>(&network, &data), evaluate::<4>(&network, &data), evaluate::<16>(&network, &data)]
    {
        assert_same_bits(&[pieces.loss], &[whole.loss], "loss, seed 1");
        assert_eq!((pieces, same_matrix), (whole, matrix.clone()), "seed {SEED}");
    }

    // By the plain loops.
    let plain = book_network(&network);
    let (loss, _) =
        plain.loss_and_gradient(&data.book_inputs, &data.book_targets, host_tests::textbook::loss("CrossEntropy"));
    assert_same_bits(&[whole.loss], &[loss], "loss by the textbook, seed 1");
    let mut counts = [[0; 3]; 3];
    for (input, label) in data.inputs.iter().zip(&data.targets) {
        counts[usize::from(*label)][network.predict(input).argmax()] += 1;
    }
    assert_eq!(matrix.counts, counts, "seed {SEED}");
    assert_eq!((matrix.samples(), matrix.correct() as usize), (23, whole.correct), "seed {SEED}");
    assert!(whole.correct < whole.correct_top_k && whole.correct_top_k < 23, "{whole:?} tells top 1, 2 and 3 apart");
}

fn assert_mean_loss_in_pieces_is_the_plain_loops<L: TestLoss<Identity, 3>>(seed: u64, samples: usize) {
    let mut random = Random::new(seed);
    let mut trainer = Trainer::<Net, Adam, 4, { floats::<Net>() }>::NEW;
    trainer.network = random_network(&mut random);
    let data = Data::<4, _>::random::<Identity, L, 3>(&mut random, samples);
    let loss = trainer.mean_loss(&data.dataset(), L::LOSS).unwrap();
    let plain = book_network(&trainer.network);
    let (plain, _) =
        plain.loss_and_gradient(&data.book_inputs, &data.book_targets, host_tests::textbook::loss(L::BOOK));
    assert_same_bits(&[loss], &[plain], &format!("{:?}, seed {seed}", L::BOOK));
}

#[test]
fn mean_loss_in_pieces_equals_the_plain_loops() {
    assert_mean_loss_in_pieces_is_the_plain_loops::<MeanSquaredError>(2, 23);
    assert_mean_loss_in_pieces_is_the_plain_loops::<baregrad::SumOfSquares>(3, 23);
    assert_mean_loss_in_pieces_is_the_plain_loops::<CrossEntropy>(4, 23);
    assert_mean_loss_in_pieces_is_the_plain_loops::<BinaryCrossEntropy>(5, 23);
    for seed in 6..10 {
        // The most that are added as a batch.
        assert_mean_loss_in_pieces_is_the_plain_loops::<CrossEntropy>(seed, 128);
    }
}

#[test]
fn the_loss_of_a_large_data_set_keeps_its_small_terms() {
    // The output is the input, so each loss is its square: 10^8 in the midst of ones, which are below half of its last place in one f32.
    let mut trainer = Trainer::<Dense<1, 1>, Adam, 64, { floats::<Dense<1, 1>>() }>::NEW;
    trainer.network = Dense::new(baregrad::Matrix::from_rows([[1.0]]), [0.0]);
    let mut inputs = vec![[1.0_f32]; 50_000];
    inputs[200] = [1e4];
    let targets = vec![[0.0_f32]; 50_000];
    let data = Dataset::new(&inputs, &targets).unwrap();
    let one_float = inputs.iter().fold(0.0_f32, |sum, [x]| sum + x * x);
    assert_eq!((one_float, trainer.mean_loss(&data, baregrad::SumOfSquares).unwrap()), (100_000_200.0, 100_050_000.0));
    assert_eq!(trainer.mean_loss(&data, MeanSquaredError).unwrap(), 2001.0);
    // Of two classes, with the logit of the second 0: ln(1 + e^-x) for a label 0, and the sum of many equal terms drifts in one f32.
    let mut classifier = Trainer::<Dense<1, 2>, Adam, 64, { floats::<Dense<1, 2>>() }>::NEW;
    classifier.network = Dense::new(baregrad::Matrix::from_rows([[1.0, 0.0]]), [0.0; 2]);
    let (inputs, labels) = (vec![[2.5_f32]; 200_000], vec![0_u8; 200_000]);
    let one = classifier.mean_loss(&Dataset::new(&inputs[..1], &labels[..1]).unwrap(), CrossEntropy).unwrap();
    let many = classifier.evaluate(&Dataset::new(&inputs, &labels).unwrap(), CrossEntropy, 1).unwrap();
    assert_eq!((many.samples, many.correct), (200_000, 200_000));
    let one_float = (0..200_000).fold(0.0_f32, |sum, _| sum + one) / 200_000.0;
    // 127 additions of 2^-24 among 200,000 equal terms, the last ones' 2^-47, and two roundings.
    let tolerance = f64::from(one) * 2.0_f64.powi(-22);
    assert!((f64::from(many.loss) - f64::from(one)).abs() < tolerance, "{} for {one}", many.loss);
    assert!((f64::from(one_float) - f64::from(one)).abs() > tolerance, "one f32 is off by more: {one_float}");
}

#[test]
fn a_binary_confusion_matrix_refuses_what_is_not_finite_and_counts_nothing() {
    let mut trainer = Trainer::<Dense<1, 1>, Adam, 2, { floats::<Dense<1, 1>>() }>::NEW;
    let inputs = [[0.0], [1.0], [2.0]];
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut matrix = ConfusionMatrix::NEW;
        let (sound, targets) = ([[0.0], [1.0], [1.0]], [[0.0], [1.0], [bad]]);
        let refused = trainer.binary_confusion_matrix(&Dataset::from_arrays(&inputs, &targets), 0.5, &mut matrix);
        assert_eq!(refused, Err(StepError::NonFiniteTarget { sample: 2 }), "{bad}");
        let refused = trainer.binary_confusion_matrix(&Dataset::from_arrays(&inputs, &sound), bad, &mut matrix);
        assert_eq!(
            refused,
            Err(StepError::Setting(SettingError { setting: "threshold", domain: Domain::Finite })),
            "{bad}"
        );
        assert_eq!(matrix, ConfusionMatrix::NEW);
    }
}

/// So many samples that one `f32` can't be their sum.
struct Endless(usize);

impl baregrad::data::Samples for Endless {
    type Input = [f32; 1];
    type Target = [f32; 1];

    fn len(&self) -> usize {
        self.0
    }

    fn input(&self, _index: usize) -> Option<&[f32; 1]> {
        Some(&[1.0])
    }

    fn target(&self, _index: usize) -> Option<&[f32; 1]> {
        Some(&[1.0])
    }
}

#[test]
fn a_gradient_over_more_samples_than_one_float_can_add_up_is_refused() {
    const MOST: usize = (1 << 24) - 1;
    let mut trainer = Trainer::<Dense<1, 1>, Adam, 2, { floats::<Dense<1, 1>>() }>::NEW;
    let mut gradients = baregrad::Gradients::NEW;
    let refused = |samples| Err(StepError::TooManySamples { samples, capacity: MOST });
    for samples in [MOST + 1, 1 << 25] {
        assert_eq!(trainer.accumulate_all(&mut gradients, &Endless(samples), MeanSquaredError), refused(samples));
        assert_eq!(trainer.accumulate(&mut gradients, &Endless(2), MeanSquaredError, samples), refused(samples));
    }
    assert_eq!(trainer.apply(&mut gradients, &mut Adam::new(0.1)), Err(StepError::NoGradient));
    assert!(trainer.accumulate(&mut gradients, &Endless(2), MeanSquaredError, MOST).is_ok());
}

#[test]
fn for_each_output_shows_every_prediction_once_and_in_order() {
    const SEED: u64 = 6;
    let mut random = Random::new(SEED);
    let mut trainer = Trainer::<Net, Adam, 4, { floats::<Net>() }>::NEW;
    trainer.network = random_network(&mut random);
    let data = Data::<4, u8>::random::<Identity, CrossEntropy, 3>(&mut random, 11);
    let mut next = 0;
    let Trainer { network, workspace, .. } = &mut trainer;
    for_each_output(network, workspace, &data.dataset(), |index, output, target| {
        assert_eq!((index, *target), (next, data.targets[next]), "seed {SEED}");
        assert_eq!(bits(output), bits(network.predict(&data.inputs[next]).as_array()), "sample {next}, seed {SEED}");
        next += 1;
    })
    .unwrap();
    assert_eq!(next, 11);
    assert_eq!(<Net as baregrad::Parameters>::LAYERS, 3);
}

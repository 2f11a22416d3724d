//! Statistics of a stream against formulas that look at all of it at once, in `f64`; what is not finite changes nothing; what is saved goes on.
//!
//! Tolerances: `f32` keeps a mean of 1000 to 6e-5 a step, and the errors of a thousand steps partly cancel; 1e-3 in the mean and 1 % in a variance
//! of 1 are far below what the squares' own `f32` sum, the formula that Welford's replaces, is off by.

use crate::common::{Random, bits, load, parameters, saved};
use baregrad::checkpoint::{LoadError, State};
use baregrad::fingerprint::Fingerprint;
use baregrad::metrics::ClassOutOfRange;
use baregrad::setting::{Domain, SettingError};
use baregrad::streaming::{MinMax, MovingAccuracy, NonFiniteValue, PageHinkley, Standardizer, StreamError, one_hot};
use baregrad::{CrossEntropy, Dataset, Dense, HeUniform, Network, Relu, Sgd, StepError, Trainer, floats};
use host_tests::occupancy::minutes;
use rand_pcg::Pcg32;

fn setting(setting: &'static str, domain: Domain) -> SettingError {
    SettingError { setting, domain }
}

pub(super) fn restored<T: State>(mut state: T, bytes: &[u8]) -> T {
    load(&mut state, bytes);
    state
}

#[test]
fn standardizer_has_mean_and_variance_of_all_samples_also_far_from_zero() {
    let mut random = Random::new(4);
    let samples: Vec<[f32; 2]> =
        (0..1000).map(|_| [1000.0 + random.uniform(-1.75, 1.75), random.uniform(0.0, 5.0)]).collect();
    let mut standardizer = Standardizer::<2>::NEW;
    for sample in &samples {
        standardizer.observe(sample).expect("finite");
    }
    assert_eq!(standardizer.count(), 1000);
    for k in 0..2 {
        let values = || samples.iter().map(|sample| f64::from(sample[k]));
        let mean = values().sum::<f64>() / 1000.0;
        let variance = values().map(|x| (x - mean).powi(2)).sum::<f64>() / 1000.0;
        assert!((f64::from(standardizer.mean()[k]) - mean).abs() < 1e-3, "{k}");
        assert!((f64::from(standardizer.variance()[k]) / variance - 1.0).abs() < 0.01, "{k}");
        let expected = (f64::from(samples[7][k]) - mean) / variance.sqrt();
        assert!((f64::from(standardizer.standardize(&samples[7])[k]) - expected).abs() < 0.01, "{k}");
        if k == 0 {
            let naive = samples.iter().map(|sample| sample[0] * sample[0]).sum::<f32>() / 1000.0 - (mean * mean) as f32;
            assert!((f64::from(naive) / variance - 1.0).abs() > 0.05, "the naive formula is no better: {naive}");
        }
    }
}

#[test]
fn standardizer_only_subtracts_the_mean_of_what_has_not_varied() {
    let mut standardizer = Standardizer::<1>::NEW;
    assert_eq!(standardizer.standardize(&[3.0]), [3.0]);
    for _ in 0..5 {
        standardizer.observe(&[2.5]).expect("finite");
    }
    assert_eq!(
        (standardizer.mean(), standardizer.variance(), standardizer.standardize(&[3.0])),
        (&[2.5], [0.0], [0.5])
    );
}

#[test]
fn what_is_not_finite_or_too_large_is_refused_and_changes_nothing() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut standardizer = Standardizer::<2>::NEW;
        let mut range = MinMax::<2>::NEW;
        let mut alarm = PageHinkley::new(0.1, 1.0);
        standardizer.observe(&[1.0, 2.0]).expect("finite");
        range.observe(&[1.0, 2.0]).expect("finite");
        alarm.observe(1.0).expect("finite");
        let before = (saved(&standardizer), saved(&range), saved(&alarm));
        let refused = Err(NonFiniteValue { index: 1 });
        assert_eq!((standardizer.observe(&[5.0, bad]), range.observe(&[5.0, bad])), (refused, refused));
        assert_eq!(alarm.observe(bad), Err(NonFiniteValue { index: 0 }.into()));
        assert_eq!(standardizer.observe(&[5.0, f32::MAX]), refused, "the square overflows");
        assert_eq!((saved(&standardizer), saved(&range), saved(&alarm)), before);
        range.observe(&[1.0, f32::MAX]).expect("finite");
        assert_eq!(range.observe(&[1.0, f32::MIN]), refused, "the difference overflows");
    }
}

#[test]
fn a_dead_sensor_comes_through_every_scaler_and_the_step_refuses_it() {
    for dead in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        // No sample, one, equal ones, and different ones.
        for seen in [&[][..], &[5.0], &[5.0, 5.0], &[5.0, 7.0]] {
            let (mut range, mut standardizer) = (MinMax::<2>::NEW, Standardizer::<2>::NEW);
            for x in seen {
                range.observe(&[*x, 1.0]).expect("finite");
                standardizer.observe(&[*x, 1.0]).expect("finite");
            }
            for input in [range.scale(&[dead, 1.0]), standardizer.standardize(&[dead, 1.0])] {
                let same = input[0] == dead || (input[0].is_nan() && dead.is_nan());
                assert!(same && input[1].is_finite(), "{dead} after {seen:?}: {input:?}");
                let mut trainer = Trainer::<Dense<2, 2>, Sgd, 1, { floats::<Dense<2, 2>>() }>::NEW;
                let step = trainer.step(&Dataset::from_arrays(&[input], &[1_u8]), CrossEntropy, &mut Sgd::new(0.1));
                assert_eq!(step, Err(StepError::NonFiniteInput { sample: 0 }));
            }
        }
    }
    // Squares that are NaN, which no observation makes but any bytes can hold.
    let standardizer = restored(Standardizer::<1>::NEW, &[[0; 20], [0xFF; 20]].concat()[..28]);
    assert!(standardizer.standardize(&[1.0])[0].is_nan());
}

#[test]
fn settings_that_make_no_sense_are_refused_and_change_nothing() {
    for fading in [f32::NAN, f32::INFINITY, 0.0, -0.5, 1.0 + f32::EPSILON] {
        let mut accuracy = MovingAccuracy::new(0.5);
        accuracy.record(true).expect("a sound setting");
        accuracy.fading = fading;
        let before = saved(&accuracy);
        assert_eq!(accuracy.record(true), Err(setting("fading", Domain::PositiveUpToOne)), "{fading}");
        assert_eq!(saved(&accuracy), before);
    }
    let unsound = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -f32::MIN_POSITIVE];
    let tolerances = unsound.map(|tolerance| (tolerance, 1.0, setting("tolerance", Domain::NonNegative)));
    let thresholds = unsound.map(|threshold| (0.0, threshold, setting("threshold", Domain::Positive)));
    for (tolerance, threshold, error) in
        [&tolerances[..], &thresholds, &[(0.0, 0.0, setting("threshold", Domain::Positive))]].concat()
    {
        let mut alarm = PageHinkley::new(tolerance, threshold);
        let before = saved(&alarm);
        assert_eq!(alarm.observe(1.0), Err(StreamError::Setting(error)), "{tolerance} {threshold}");
        assert_eq!(saved(&alarm), before);
    }
}

/// The states as they were saved when each sum was one `f32`.
mod before {
    pub(super) struct MovingAccuracy {
        pub(super) fading: f32,
        pub(super) hits: f32,
        pub(super) weight: f32,
    }
    baregrad::state!(MovingAccuracy { fading: f32, hits: f32, weight: f32 });

    pub(super) struct PageHinkley {
        pub(super) tolerance: f32,
        pub(super) threshold: f32,
        pub(super) least_count: u32,
        pub(super) count: u32,
        pub(super) mean: f32,
        pub(super) sum: f32,
        pub(super) least: f32,
    }
    baregrad::state!(PageHinkley {
        tolerance: f32,
        threshold: f32,
        least_count: u32,
        count: u32,
        mean: f32,
        sum: f32,
        least: f32,
    });
}

#[test]
fn a_checkpoint_with_statistics_of_another_layout_is_another_extra_state() {
    type Small = Dense<2, 2>;
    let trainer = Trainer::<Small, Sgd, 1, { floats::<Small>() }>::NEW;
    let mut other = Trainer::<Small, Sgd, 1, { floats::<Small>() }>::NEW;
    let mut bytes = [0; 256];
    let refused = Err(LoadError::OtherExtra);
    let old = before::MovingAccuracy { fading: 0.9, hits: 1.0, weight: 1.0 };
    let length = trainer.save(&Sgd::new(0.1), &old, &mut bytes).expect("finite");
    assert_eq!(other.load(&mut Sgd::new(0.1), &mut MovingAccuracy::new(0.9), &bytes[..length]), refused);
    let (tolerance, threshold, least_count) = (0.1, 1.0, 30);
    let old = before::PageHinkley { tolerance, threshold, least_count, count: 9, mean: 0.5, sum: 0.0, least: 0.0 };
    let length = trainer.save(&Sgd::new(0.1), &old, &mut bytes).expect("finite");
    assert_eq!(other.load(&mut Sgd::new(0.1), &mut PageHinkley::new(0.1, 1.0), &bytes[..length]), refused);
    assert_eq!(<before::MovingAccuracy as State>::BYTES + 8, MovingAccuracy::BYTES);
    // The fingerprints of the two scalers were of name and size alone.
    let old = |name| Fingerprint::of(name).number(5).value();
    assert_ne!(Standardizer::<5>::FINGERPRINT, old("Standardizer"));
    assert_ne!(MinMax::<5>::FINGERPRINT, old("MinMax"));
    assert_eq!((Standardizer::<5>::BYTES, MinMax::<5>::BYTES), (8 + 20 * 5, 8 * 5 + 1));
}

#[test]
fn statistics_of_nothing_are_zero_bytes() {
    assert!(saved(&(Standardizer::<3>::NEW, MinMax::<3>::NEW)).iter().all(|byte| *byte == 0));
    assert_eq!(saved(&MovingAccuracy::new(0.5))[4..], [0; 16]);
    assert_eq!(saved(&PageHinkley::OF_ERRORS)[12..], [0; 28]);
}

#[test]
fn range_scales_to_0_and_1_and_beyond_what_was_seen_further() {
    let mut range = MinMax::<3>::NEW;
    assert_eq!(range.scale(&[1.0, 2.0, 3.0]), [0.0; 3], "nothing has varied yet");
    assert_eq!((range.least(), range.largest()), (None, None));
    for sample in [[2.0, -1.0, 7.0], [4.0, -3.0, 7.0], [3.0, 1.0, 7.0]] {
        range.observe(&sample).expect("finite");
    }
    assert_eq!((range.least(), range.largest()), (Some(&[2.0, -3.0, 7.0]), Some(&[4.0, 1.0, 7.0])));
    assert_eq!(range.scale(&[2.5, 1.0, 9.0]), [0.25, 1.0, 0.0]);
    assert_eq!(range.scale(&[6.0, -7.0, 7.0]), [2.0, -1.0, 0.0]);
}

/// The zeros that a range starts with are no sample: of neither sign, and however far they are away.
#[test]
fn the_first_sample_is_the_whole_range() {
    for first in [[3.0, -3.0], [f32::MAX, f32::MIN], [-0.0, 0.0]] {
        let mut range = MinMax::<2>::NEW;
        range.observe(&first).expect("finite");
        let [least, largest] = [range.least(), range.largest()].map(|bound| bound.map(bits));
        assert_eq!((&least, &largest), (&Some(bits(&first)), &Some(bits(&first))));
        assert_eq!(range.scale(&[1.0, 1.0]), [0.0; 2], "nothing has varied yet");
    }
    // A sample that is refused is not the first.
    let mut range = MinMax::<2>::NEW;
    assert_eq!(range.observe(&[1.0, f32::NAN]), Err(NonFiniteValue { index: 1 }));
    assert_eq!((range.least(), range.largest()), (None, None));
}

#[test]
fn one_hot_is_1_at_the_class() {
    assert_eq!(one_hot::<3>(2), Ok([0.0, 0.0, 1.0]));
    assert_eq!(one_hot::<3>(3), Err(ClassOutOfRange { class: 3, classes: 3 }));
}

#[test]
fn moving_accuracy_is_the_mean_of_the_predictions_by_their_weights() {
    let mut random = Random::new(2);
    for fading in [1.0, 0.9, 0.5] {
        let mut accuracy = MovingAccuracy::new(fading);
        assert_eq!(accuracy.accuracy(), None);
        let mut hits: Vec<bool> = Vec::new();
        for _ in 0..200 {
            hits.push(random.below(3) > 0);
            accuracy.record(*hits.last().expect("one")).expect("a sound setting");
            let weight = |age: usize| f64::from(fading).powi(age as i32);
            let (mut sum, mut weights) = (0.0, 0.0);
            for (age, hit) in hits.iter().rev().enumerate() {
                sum += weight(age) * f64::from(u8::from(*hit));
                weights += weight(age);
            }
            let found = f64::from(accuracy.accuracy().expect("predictions"));
            assert!((found - sum / weights).abs() < 1e-5, "{fading}: {found} for {}", sum / weights);
        }
    }
}

/// Page and Hinkley's sums over all values so far, each by its definition, in `f64`: `m - M`.
fn page_hinkley(values: &[f32], tolerance: f64) -> f64 {
    let mut sums = Vec::new();
    let (mut sum, mut total) = (0.0, 0.0);
    for (n, value) in (1..).zip(values) {
        total += f64::from(*value);
        sum += f64::from(*value) - total / f64::from(n) - tolerance;
        sums.push(sum);
    }
    sum - sums.iter().copied().fold(0.0, f64::min)
}

#[test]
fn page_hinkley_rings_after_a_rise_and_not_before() {
    for seed in 0..20 {
        let mut random = Random::new(seed);
        let mut alarm = PageHinkley::new(0.1, 15.0);
        let (mut values, mut first) = (Vec::new(), None);
        for index in 0..1000 {
            let level = if index < 600 { 0.2 } else { 0.7 };
            values.push(level + random.uniform(-0.2, 0.2));
            let rings = alarm.observe(*values.last().expect("one")).expect("finite");
            let sum = page_hinkley(&values, f64::from(0.1_f32));
            // Where rounding could decide, either is right.
            assert!(rings == (sum > 15.0 && index >= 29) || (sum - 15.0).abs() < 0.01, "{seed} {index}: {sum}");
            if rings && first.is_none() {
                first = Some(index);
            }
        }
        let first = first.expect("it rings");
        assert!((600..660).contains(&first), "{seed}: {first}");
        alarm.restart();
        assert_eq!(alarm, PageHinkley::new(0.1, 15.0));
        assert!(values[..600].iter().all(|value| alarm.observe(*value) == Ok(false)), "{seed}: no false alarm");
    }
}

#[test]
fn page_hinkley_waits_for_its_least_count() {
    let mut alarm = PageHinkley::new(0.0, 0.5);
    alarm.least_count = 12;
    let rung: Vec<bool> = (0..13).map(|index| alarm.observe(index as f32).expect("finite")).collect();
    assert_eq!(rung, [[false; 11].to_vec(), vec![true; 2]].concat());
}

type Net = (Dense<5, 8, Relu>, Dense<8, 2>);
type Stream = (Standardizer<5>, MinMax<5>, MovingAccuracy, PageHinkley);

/// Goes through some minutes: predicts each, then trains on it.
fn learn(
    trainer: &mut Trainer<Net, Sgd, 1, { floats::<Net>() }>,
    stream: &mut Stream,
    minutes: &[host_tests::occupancy::Minute],
) -> usize {
    let mut right = 0;
    for minute in minutes {
        let (scale, range, accuracy, alarm) = &mut *stream;
        scale.observe(&minute.measures).expect("finite");
        range.observe(&minute.measures).expect("finite");
        let (input, label) = ([scale.standardize(&minute.measures)], [minute.occupied]);
        let hit = trainer.network.predict(&input[0]).argmax() == usize::from(minute.occupied);
        right += usize::from(hit);
        accuracy.record(hit).expect("a sound setting");
        let loss = trainer.step(&Dataset::from_arrays(&input, &label), CrossEntropy, &mut Sgd::new(0.02));
        alarm.observe(loss.expect("sound data")).expect("finite");
    }
    right
}

#[test]
fn a_room_is_learned_from_its_stream_and_goes_on_from_a_checkpoint_to_the_same_bits() {
    let minutes = minutes();
    assert_eq!(minutes.len(), 20_560);
    let mut trainer = Trainer::<Net, Sgd, 1, { floats::<Net>() }>::NEW;
    trainer.network.initialize(HeUniform, &mut Pcg32::new(1, 0));
    let new: Stream = (Standardizer::NEW, MinMax::NEW, MovingAccuracy::new(0.999), PageHinkley::new(0.005, 25.0));
    let mut stream = new;
    let (first, second) = minutes.split_at(10_000);
    let right = learn(&mut trainer, &mut stream, first);
    let mut checkpoint = vec![0; baregrad::checkpoint::training_bytes::<Net, Sgd, Stream>()];
    trainer.save(&Sgd::new(0.02), &stream, &mut checkpoint).expect("finite");

    let (mut other, mut resumed, mut rule) = (Trainer::<Net, Sgd, 1, { floats::<Net>() }>::NEW, new, Sgd::new(0.0));
    other.load(&mut rule, &mut resumed, &checkpoint).expect("its own");
    assert_eq!(saved(&resumed), saved(&stream));
    let right = right + learn(&mut trainer, &mut stream, second);
    learn(&mut other, &mut resumed, second);
    assert_eq!(saved(&resumed), saved(&stream));
    assert_eq!(bits(&parameters(&other.network)), bits(&parameters(&trainer.network)));
    // Always saying the more frequent answer so far gives 76.9 %; the network, seen once, 99.0 %.
    assert!(right * 1000 >= minutes.len() * 985, "{right}");
}

//! Streams of 2³² values and more. The short tests start from a saved state near the limit and go on beside sums in `f64`, which keep 53 bits; the
//! long ones start from the first value, and run only when asked for:
//!
//! ```text
//! cargo test --release -p properties --test library long_streams -- --ignored
//! ```

use super::streaming::restored;
use crate::common::{Random, saved};
use baregrad::streaming::{MovingAccuracy, PageHinkley, Standardizer};

/// `2^exponent`.
fn two(exponent: i32) -> f64 {
    2.0_f64.powi(exponent)
}

/// The numbers as they are saved, each kind in its order.
fn bytes(whole: &[u64], floats: &[f32]) -> Vec<u8> {
    let whole = whole.iter().flat_map(|number| number.to_le_bytes());
    whole.chain(floats.iter().flat_map(|number| number.to_le_bytes())).collect()
}

/// The sum of saved floats, from this byte on.
fn sum_at(bytes: &[u8], at: usize, floats: usize) -> f64 {
    let words = bytes[at..].chunks_exact(4).take(floats);
    words.map(|word| f64::from(f32::from_le_bytes(word.try_into().expect("4 bytes")))).sum()
}

/// Welford's formulas in `f64`: count, mean, squares.
struct Exact(f64, f64, f64);

impl Exact {
    fn observe(&mut self, x: f64) {
        let Self(count, mean, squares) = self;
        let before = x - *mean;
        *count += 1.0;
        *mean += before / *count;
        *squares += before * (x - *mean);
    }
}

#[test]
fn standardizer_follows_a_level_that_moves_after_100_000_samples() {
    let mut standardizer = Standardizer::<1>::NEW;
    for level in [100.0, 100.5] {
        for _ in 0..100_000 {
            standardizer.observe(&[level]).expect("finite");
        }
    }
    // 100.25 is an f32, and the steps' own roundings are far below its last place.
    assert_eq!((standardizer.count(), standardizer.mean()), (200_000, &[100.25]));
    // The docs' 2^-21 + n·2^-47, and the roundings of M, n and the quotient.
    let [variance] = standardizer.variance();
    assert!(
        (f64::from(variance) / 0.0625 - 1.0).abs() < two(-21) + 200_000.0 * two(-47) + 3.0 * two(-24),
        "{variance}"
    );
}

#[test]
fn standardizer_goes_on_beyond_2_to_the_32_samples() {
    let (mut random, before, steps) = (Random::new(3), (1_u64 << 32) - (1 << 16), 1_u64 << 17);
    // A variance of 1.
    let start = bytes(&[before], &[0.25, 0.0, 0.0, before as f32, 0.0]);
    let mut standardizer = restored(Standardizer::<1>::NEW, &start);
    let mut exact = Exact(before as f64, 0.25, f64::from(before as f32));
    let squares = exact.2;
    for _ in 0..steps {
        let x = random.uniform(-1.0, 3.0);
        standardizer.observe(&[x]).expect("finite");
        exact.observe(f64::from(x));
    }
    assert_eq!(standardizer.count(), (1 << 32) + (1 << 16));
    let after = saved(&standardizer);
    // Each addition to M rounds by at most 2^-47 of 2^32, each term by 2^-21 of itself.
    let tolerance = steps as f64 * two(32 - 47) + (exact.2 - squares) * two(-21);
    let grown = sum_at(&after, 20, 2) - squares;
    assert!((grown - (exact.2 - squares)).abs() <= tolerance, "{grown}, not {}", exact.2 - squares);
    assert!(tolerance < 1e-4 * grown, "the tolerance is small: {tolerance}");
    // The mean moves by 1e-5; a step is rounded to 2^-22 of itself, and steps go either way: of all of them that is 2^17·2^-22·2/2^32.
    let mean = sum_at(&after, 8, 3);
    assert!((mean - exact.1).abs() <= steps as f64 * two(-22) * 2.0 * two(-32), "{mean}, not {}", exact.1);
    assert!((mean - 0.25).abs() > 1e-6, "it has moved: {mean}");
}

#[test]
fn standardizer_follows_steps_far_below_48_bits_of_the_mean() {
    // A sixteenth is the last place of a million: a step of the mean is 2^-35, and 48 bits of the mean end at 2^-28.
    let (before, steps) = (1_u64 << 31, 1_u64 << 17);
    let mut standardizer = restored(Standardizer::<1>::NEW, &bytes(&[before], &[1e6, 0.0, 0.0, 0.0, 0.0]));
    for _ in 0..steps {
        standardizer.observe(&[1e6 + 0.0625]).expect("finite");
    }
    let share = steps as f64 / (before + steps) as f64;
    let after = saved(&standardizer);
    let (moved, squares) = (sum_at(&after, 8, 3) - 1e6, sum_at(&after, 20, 2));
    assert!((moved / (0.0625 * share) - 1.0).abs() < two(-21), "{moved}");
    let exact = 0.0625 * 0.0625 * steps as f64 * (1.0 - share);
    assert!((squares / exact - 1.0).abs() < two(-21) + steps as f64 * two(-47), "{squares}, not {exact}");
}

#[test]
fn accuracy_without_fading_is_exact_to_2_to_the_32_predictions_and_beyond() {
    for predictions in [1_u64 << 24, 1 << 25, 1 << 32, 1 << 47] {
        let count = predictions as f32;
        let state: Vec<u8> = [1.0, count / 2.0, 0.0, count, 0.0].iter().flat_map(|x: &f32| x.to_le_bytes()).collect();
        let mut accuracy = restored(MovingAccuracy::new(0.0), &state);
        for index in 0..1000 {
            accuracy.record(index % 2 == 0).expect("a sound setting");
        }
        assert_eq!(accuracy.accuracy(), Some(0.5), "{predictions}");
        let after = saved(&accuracy);
        assert_eq!(
            (sum_at(&after, 4, 2), sum_at(&after, 12, 2)),
            (predictions as f64 / 2.0 + 500.0, predictions as f64 + 1000.0)
        );
    }
}

#[test]
fn accuracy_with_the_longest_memories_stays_at_the_share_of_right_predictions() {
    for fading in [0.9999999_f32, 1.0 - f32::EPSILON / 2.0, 0.99999] {
        // What an endless stream comes to, three right of ten.
        let limit = 1.0 / (1.0 - f64::from(fading));
        let state: Vec<u8> =
            [fading, (0.3 * limit) as f32, 0.0, limit as f32, 0.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let mut accuracy = restored(MovingAccuracy::new(0.0), &state);
        let (mut hits, mut weight) = (f64::from((0.3 * limit) as f32), f64::from(limit as f32));
        for index in 0..1 << 19 {
            accuracy.record(index % 10 < 3).expect("a sound setting");
            hits = hits * f64::from(fading) + f64::from(u8::from(index % 10 < 3));
            weight = weight * f64::from(fading) + 1.0;
        }
        let found = f64::from(accuracy.accuracy().expect("predictions"));
        assert!((found - hits / weight).abs() < two(-20), "{fading}: {found}, not {}", hits / weight);
        // The last few predictions count at most 1 - fading more than those long ago, ten of them at the fastest fading 1e-4.
        assert!((found - 0.3).abs() < 1e-4 + two(-20), "{fading}: {found}");
    }
}

#[test]
fn page_hinkley_adds_up_after_2_to_the_32_values() {
    // A mean of 0.1, and a sum that is near its threshold: one f32 of such a sum has steps of 4.
    let (threshold, steps) = (67_110_000.0, 100_000);
    let count = (1_u64 << 32) - 1000;
    let mut state = [0.05_f32, threshold].iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    state.extend(30_u32.to_le_bytes());
    state.extend(bytes(&[count], &[0.1, 0.0, 0.0, 67_108_864.0, 0.0]));
    let mut alarm = restored(PageHinkley::new(0.0, 1.0), &state);
    let (mut mean, mut sum) = (f64::from(0.1_f32), 67_108_864.0_f64);
    for index in 0..steps {
        let x = [0.2_f32, 0.15, 0.175, 0.2][index as usize % 4];
        let rings = alarm.observe(x).expect("finite");
        mean += (f64::from(x) - mean) / (count as f64 + f64::from(index) + 1.0);
        sum += f64::from(x) - mean - f64::from(0.05_f32);
        // Each addition rounds by at most 2^-47 of 2^27, each difference by 2^-21 of at most 0.1.
        let tolerance = f64::from(index) * (two(27 - 47) + 0.1 * two(-21));
        assert!(rings == (sum > f64::from(threshold)) || (sum - f64::from(threshold)).abs() <= tolerance, "{index}");
        let found = sum_at(&saved(&alarm), 32, 2);
        assert!((found - sum).abs() <= tolerance + two(-21), "{found}, not {sum}");
    }
    assert!(sum > f64::from(threshold), "it has risen by thousands");
}

/// Whether an alarm rings, and when, of errors that come with this probability.
fn first_alarm(mut alarm: PageHinkley, seed: u64, probability: impl Fn(u32) -> f32, values: u32) -> Option<u32> {
    let mut random = Random::new(seed);
    (0..values).find(|index| {
        let error = random.uniform(0.0, 1.0) < probability(*index);
        alarm.observe(f32::from(u8::from(error))).expect("finite")
    })
}

#[test]
fn the_alarm_for_errors_is_silent_at_any_steady_share_and_rings_soon_after_a_rise() {
    for (share, seed) in [(0.02, 1), (0.1, 2), (0.1, 3), (0.3, 4), (0.5, 5), (0.8, 6)] {
        assert_eq!(first_alarm(PageHinkley::OF_ERRORS, seed, |_| share, 200_000), None, "{share}, seed {seed}");
    }
    for seed in 0..10 {
        // The same streams do ring an alarm that is set too fine, so they could ring this one.
        let fine = first_alarm(PageHinkley::new(0.01, 10.0), seed, |_| 0.1, 100_000);
        assert!(fine.is_some(), "seed {seed}");
        // λ / (rise - δ) = 50 / 0.35 = 143 values on average; the sum's deviation after them is √(143/4) = 6, another 17 values, and the
        // mean has moved by 0.4·143/5000 at most: five deviations are 230 values.
        let rise = |index: u32| if index < 5000 { 0.1 } else { 0.5 };
        let rung = first_alarm(PageHinkley::OF_ERRORS, seed, rise, 10_000).expect("it rings");
        assert!((5000..5230).contains(&rung), "seed {seed}: {rung}");
    }
    // One right of ten, without any chance in it.
    let mut alarm = PageHinkley::OF_ERRORS;
    assert!((0..100_000).all(|index| alarm.observe(f32::from(u8::from(index % 10 == 0))) == Ok(false)));
}

/// A generator for the long runs: the sum of the four bytes of a word and of the word before, as a deviate of mean 0 and variance 1.
///
/// By the central limit; the variance of a byte is (256² - 1)/12.
fn bell(word: &mut u64) -> f32 {
    *word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let mixed = (*word ^ (*word >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let sum: u32 = (mixed ^ (mixed >> 32)).to_le_bytes().iter().map(|byte| u32::from(*byte)).sum();
    (sum as f32 - 1020.0) / (8.0_f32 * 65_535.0 / 12.0).sqrt()
}

#[test]
#[ignore = "minutes, in a release build"]
fn standardizer_has_the_variance_of_2_to_the_32_samples_from_the_first() {
    let (mut word, mut standardizer) = (1, Standardizer::<1>::NEW);
    let (mut sum, mut squares) = (0.0_f64, 0.0_f64);
    for n in 1..=1_u64 << 32 {
        let x = bell(&mut word);
        standardizer.observe(&[x]).expect("finite");
        sum += f64::from(x);
        squares += f64::from(x) * f64::from(x);
        if n.is_power_of_two() && n > 1 << 20 {
            let (mean, count) = (sum / n as f64, n as f64);
            let variance = squares / count - mean * mean;
            let found = f64::from(standardizer.variance()[0]);
            println!(
                "2^{}: {found} for {variance}, mean {:e} for {mean:e}",
                n.trailing_zeros(),
                standardizer.mean()[0]
            );
            // The formula's bound, and that of the f64 sums.
            let tolerance = two(-21) + count * (two(-47) + two(-52)) + 3.0 * two(-24);
            assert!((found / variance - 1.0).abs() < tolerance, "2^{}", n.trailing_zeros());
            assert!((f64::from(standardizer.mean()[0]) - mean).abs() < two(-21), "2^{}", n.trailing_zeros());
        }
    }
}

#[test]
#[ignore = "minutes, in a release build"]
fn accuracies_and_the_alarm_hold_from_the_first_prediction_to_2_to_the_32() {
    let mut even = MovingAccuracy::new(1.0);
    let mut faded = MovingAccuracy::new(0.9999999);
    let mut alarm = PageHinkley::OF_ERRORS;
    let mut word = 2;
    for n in 1..=1_u64 << 32 {
        even.record(n % 2 == 0).expect("a sound setting");
        faded.record(n % 10 < 3).expect("a sound setting");
        bell(&mut word);
        let error = (word >> 40) as f32 / 16_777_216.0 < 0.1;
        assert_eq!(alarm.observe(f32::from(u8::from(error))), Ok(false), "{n}");
        if n.is_power_of_two() && n > 1 << 20 {
            println!("2^{}: {:?} {:?} {}", n.trailing_zeros(), even.accuracy(), faded.accuracy(), alarm.mean());
            assert_eq!(even.accuracy(), Some(0.5));
            // Ten predictions count at most 10·2^-23 more than all before.
            assert!((faded.accuracy().expect("predictions") - 0.3).abs() < 4e-6);
            assert!((alarm.mean() - 0.1).abs() < 0.3 * 5.0 / (n as f32).sqrt(), "five deviations");
        }
    }
}

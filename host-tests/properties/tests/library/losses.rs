//! Losses: values known by hand, f64 at extreme logits, and the laws of softmax.
//!
//! Called directly, one sample at a time; `gradients.rs` has their derivatives, `one_pass_bits.rs` their bits inside a step.

use crate::common::{Random, bits};
use baregrad::loss::Loss;
use baregrad::matrix::softmax;
use baregrad::{BinaryCrossEntropy, CrossEntropy, Features, Identity, MeanSquaredError, Sigmoid, SumOfSquares, Vector};

/// Half an ulp of 1: what one rounding may be off by, relative to its result.
const ROUNDING: f64 = 1.0 / 16_777_216.0;

/// Loss of a batch and the gradient at its outputs.
fn batch<L, T, const N: usize, const S: usize>(loss: L, outputs: [[f32; N]; S], targets: [T; S]) -> (f32, [[f32; N]; S])
where
    L: Loss<Features<N>, Identity, T> + Copy,
    T: Copy,
{
    let mut delta = outputs;
    let mut sum = 0.0;
    for ((output, delta), target) in outputs.iter().zip(&mut delta).zip(&targets) {
        let value = loss.value_and_delta(delta, target, loss.scale(S));
        assert_eq!(value.to_bits(), loss.value(output, target).to_bits(), "the value with delta is the value alone");
        sum += value;
    }
    (loss.total(sum, S), delta)
}

#[test]
fn squared_errors_have_their_known_values() {
    let (outputs, targets) = ([[1.0, 2.0], [3.0, 5.0]], [[0.0, 0.0], [3.0, 4.0]]);
    // Squares 1, 4, 0, 1; four elements.
    assert_eq!(batch(MeanSquaredError, outputs, targets), (1.5, [[0.5, 1.0], [0.0, 0.5]]));
    assert_eq!(batch(SumOfSquares, outputs, targets), (6.0, [[2.0, 4.0], [0.0, 2.0]]));
}

#[test]
fn squared_error_delta_goes_through_the_slope_of_the_output() {
    fn delta<L: Loss<Features<1>, Sigmoid, [f32; 1]> + Copy>(
        loss: L,
        mut output: [f32; 1],
        target: [f32; 1],
    ) -> (f32, [f32; 1]) {
        (loss.value_and_delta(&mut output, &target, loss.scale(1)), output)
    }
    // -1 · 2 · 0.25 · 0.75
    assert_eq!(delta(SumOfSquares, [0.25], [1.25]), (1.0, [-0.375]));
    assert_eq!(delta(MeanSquaredError, [0.25], [1.25]), (1.0, [-0.375]), "the mean of one");
}

#[test]
fn cross_entropy_of_equal_logits_is_the_logarithm_of_their_number() {
    let (value, delta) = batch(CrossEntropy, [[7.0f32; 4], [-3.0; 4]], [0u8, 3]);
    // Two ulps of 1.39 for the logarithm.
    assert!((value - 4f32.ln()).abs() <= 2.4e-7, "{value}");
    // (1/4 - 1)/2 at the label, 1/8 elsewhere: exact.
    assert_eq!(delta, [[-0.375, 0.125, 0.125, 0.125], [0.125, 0.125, 0.125, -0.375]]);
}

#[test]
fn cross_entropy_of_a_sure_and_right_answer_is_zero() {
    assert_eq!(batch(CrossEntropy, [[200.0f32, 0.0]], [0u8]), (0.0, [[0.0, 0.0]]));
}

#[test]
fn cross_entropy_of_a_sure_and_wrong_answer_is_the_distance_of_the_logits() {
    assert_eq!(batch(CrossEntropy, [[200.0f32, 0.0]], [1u8]), (200.0, [[1.0, -1.0]]));
}

#[test]
fn cross_entropy_is_the_same_for_every_type_of_label() {
    let logits = [[0.5f32, -1.0, 2.0]];
    let (value, delta) = batch(CrossEntropy, logits, [1u8]);
    let others = [
        batch(CrossEntropy, logits, [1u16]),
        batch(CrossEntropy, logits, [1u32]),
        batch(CrossEntropy, logits, [1usize]),
    ];
    for (other, other_delta) in others {
        assert_eq!(value.to_bits(), other.to_bits());
        assert_eq!(bits(&delta[0]), bits(&other_delta[0]));
    }
}

#[test]
fn binary_cross_entropy_of_logit_0_is_ln_2() {
    let (value, delta) = batch(BinaryCrossEntropy, [[0.0f32; 2]], [[0.0, 1.0]]);
    // Two ulps of 0.69 for the logarithm.
    assert!((value - 2f32.ln()).abs() <= 1.2e-7, "{value}");
    assert_eq!(delta, [[0.25, -0.25]], "±1/2 over two outputs");
}

#[test]
fn binary_cross_entropy_of_sure_answers_is_0_or_the_logit() {
    let (value, delta) = batch(BinaryCrossEntropy, [[200.0f32, -200.0]], [[1.0, 0.0]]);
    // exp(-200) is below f32's range, and sigmoid(-200) with it or at most a subnormal.
    assert_eq!(value, 0.0);
    assert_eq!(delta[0][0], 0.0);
    assert!(delta[0][1].abs() <= f32::MIN_POSITIVE, "{delta:?}");
    let (value, delta) = batch(BinaryCrossEntropy, [[200.0f32, -200.0]], [[0.0, 1.0]]);
    assert_eq!((value, delta), (200.0, [[0.5, -0.5]]));
}

/// Logits of all sizes up to ±1e4.
fn logits<const N: usize>(random: &mut Random) -> [f32; N] {
    let size = [0.1, 1.0, 10.0, 100.0, 1e4][random.below(5)];
    std::array::from_fn(|_| random.uniform(-size, size))
}

#[test]
fn cross_entropy_matches_f64_up_to_extreme_logits() {
    const SEED: u64 = 1;
    const N: usize = 5;
    let mut random = Random::new(SEED);
    for _ in 0..20_000 {
        let (z, label) = (logits::<N>(&mut random), random.below(N));
        let value = CrossEntropy.value(&z, &label);
        let wide = z.map(f64::from);
        let max = wide.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let exact = wide.iter().map(|z| (z - max).exp()).sum::<f64>().ln() + max - wide[label];
        // The sum of N exponentials, between 1 and N, is off by at most 2 roundings for each of its N terms, which
        // its logarithm passes on as they are; each exponent's difference is rounded too, by up to 16 ulps of where its
        // exponential still counts (e⁻¹⁶); the logarithm and two differences round by what the value is large.
        let tolerance = ROUNDING * (2.0 * N as f64 + 16.0 + 4.0 * exact);
        assert!(
            (f64::from(value) - exact).abs() <= tolerance,
            "{z:?}, label {label}, seed {SEED}: {value}, f64 {exact}"
        );
    }
}

#[test]
fn binary_cross_entropy_matches_f64_up_to_extreme_logits() {
    const SEED: u64 = 2;
    let mut random = Random::new(SEED);
    for k in 0..20_000 {
        let [z] = logits::<1>(&mut random);
        let t = if k % 2 == 0 { random.below(2) as f32 } else { random.uniform(0.0, 1.0) };
        let value: f32 = BinaryCrossEntropy.value(&[z], &[t]);
        let (z, t) = (f64::from(z), f64::from(t));
        let exact = z.max(0.0) - z * t + (-z.abs()).exp().ln_1p();
        // The product, the difference and the sum round by what they are large; exp and ln together by a few ulps.
        let product_rounding = if t.fract() == 0.0 { 0.0 } else { 2.0 * z.abs() };
        // Below the smallest normal number, a few steps of the subnormals.
        let tolerance = ROUNDING * (8.0 * exact + product_rounding) + 8.0 * f64::from(f32::from_bits(1));
        assert!((f64::from(value) - exact).abs() <= tolerance, "z {z}, t {t}, seed {SEED}: {value}, f64 {exact}");
    }
}

#[test]
fn softmax_is_unchanged_by_adding_a_constant() {
    const SEED: u64 = 3;
    let mut random = Random::new(SEED);
    for _ in 0..1000 {
        // Quarters up to ±8, and ±1024: every sum is exact, so the differences from the largest are the same numbers.
        let z: [f32; 6] = std::array::from_fn(|_| random.below(65) as f32 / 4.0 - 8.0);
        let probabilities = Vector::from_rows([z]).softmax();
        for constant in [1024.0, -1024.0] {
            let shifted = Vector::from_rows([z.map(|z| z + constant)]).softmax();
            assert_eq!(bits(probabilities.as_array()), bits(shifted.as_array()), "{z:?}, {constant}, seed {SEED}");
        }
    }
}

#[test]
fn softmax_gives_probabilities_that_sum_to_1() {
    const SEED: u64 = 4;
    const N: usize = 9;
    let mut random = Random::new(SEED);
    for _ in 0..20_000 {
        let z = logits::<N>(&mut random);
        let probabilities = Vector::from_rows([z]).softmax();
        assert!(
            probabilities.as_array().iter().all(|p| (0.0..=1.0).contains(p)),
            "{z:?}, seed {SEED}: {probabilities:?}"
        );
        assert_eq!(probabilities.argmax(), Vector::from_rows([z]).argmax(), "{z:?}, seed {SEED}");
        let sum: f64 = probabilities.as_array().iter().map(|&p| f64::from(p)).sum();
        // N - 1 roundings of the sum that all are divided by, and one of each quotient; a tenth more for their products.
        assert!((sum - 1.0).abs() <= 1.1 * N as f64 * ROUNDING, "{z:?}, seed {SEED}: sum {sum}");
    }
}

#[test]
fn softmax_gives_back_the_largest_logit_and_the_sum() {
    let mut z = [1.0f32, 3.0, 3.0, -200.0];
    let (max, sum) = softmax(&mut z);
    // exp(-2) = 0.135335…, to a few ulps; exp(-203) is 0 in f32.
    assert_eq!(max, 3.0);
    assert!((f64::from(sum) - (2.0 + (-2f64).exp())).abs() <= 4.0 * 2.0 * ROUNDING, "{sum}");
    assert_eq!(z[1], z[2]);
    assert_eq!(z[3], 0.0);
}

#[test]
fn softmax_does_not_overflow() {
    assert_eq!(Vector::from_rows([[1e4, -1e4, 0.0]]).softmax().as_array(), &[1.0, 0.0, 0.0]);
    assert_eq!(Vector::from_rows([[f32::MAX, f32::MIN]]).softmax().as_array(), &[1.0, 0.0]);
    assert_eq!(Vector::from_rows([[-1e4, -1e4]]).softmax().as_array(), &[0.5, 0.5]);
}

#[test]
fn softmax_shows_nan() {
    for z in [[f32::NAN, 0.0], [0.0, f32::NAN], [f32::INFINITY, 0.0], [f32::NEG_INFINITY; 2]] {
        let probabilities = Vector::from_rows([z]).softmax();
        assert!(probabilities.as_array().iter().any(|p| p.is_nan()), "{z:?}: {probabilities:?}");
    }
}

//! `exp`, `tanh`, `sigmoid`, `ln` and `ln_1p`: a strided sample of all inputs against the double-precision functions of `libm`,
//! special values, and golden bits. `scalar_all_inputs.rs` runs every input.

use baregrad::scalar::{exp, ln, ln_1p, power, sigmoid, tanh};

const SUBNORMAL_MIN: f32 = f32::from_bits(1);
const SUBNORMAL_MAX: f32 = f32::from_bits(0x007f_ffff);

/// A function, its reference, and its largest error in ULP as the run over all inputs found it.
struct Promise {
    name: &'static str,
    function: fn(f32) -> f32,
    reference: fn(f64) -> f64,
    bound: f64,
}

const EXP: Promise = Promise { name: "exp", function: exp, reference: libm::exp, bound: 0.996 };
const TANH: Promise = Promise { name: "tanh", function: tanh, reference: libm::tanh, bound: 1.332 };
const SIGMOID: Promise = Promise { name: "sigmoid", function: sigmoid, reference: sigmoid_reference, bound: 1.889 };
const LN: Promise = Promise { name: "ln", function: ln, reference: libm::log, bound: 0.958 };
const PROMISES: [Promise; 4] = [EXP, TANH, SIGMOID, LN];
/// For inputs from 0 to 1, and alone in not being monotone.
const LN_1P: Promise = Promise { name: "ln_1p", function: ln_1p, reference: libm::log1p, bound: 2.501 };

fn sigmoid_reference(x: f64) -> f64 {
    let e = libm::exp(-x.abs());
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

/// The float at a place of the total order: negative NaNs, -∞ … -0, +0 … ∞, positive NaNs.
fn input_at(place: u32) -> f32 {
    f32::from_bits(if place >> 31 == 1 { place ^ 0x8000_0000 } else { !place })
}

/// About a million inputs from all over the total order. The step is a prime, so that all low bits occur.
fn sample() -> impl Iterator<Item = f32> {
    (0..=u32::MAX).step_by(4099).map(input_at)
}

/// Spacing of the f32 numbers at `reference`; 2⁻¹⁴⁹ for subnormal ones.
fn ulp(reference: f64) -> f64 {
    let exponent = ((reference.to_bits() >> 52) & 0x7ff).max(1023 - 126);
    f64::from_bits((exponent - 23) << 52)
}

fn assert_close(promise: &Promise, x: f32) {
    let Promise { name, function, reference, bound } = *promise;
    let (value, wanted) = (function(x), reference(f64::from(x)));
    let rounded = wanted as f32;
    if wanted.is_nan() {
        assert!(value.is_nan(), "{name}({x:e}) is {value:e} instead of NaN");
    } else if rounded.is_infinite() || rounded == 0.0 {
        assert_eq!(value, rounded, "{name}({x:e})");
    } else {
        let error = (f64::from(value) - wanted).abs() / ulp(wanted);
        assert!(error <= bound, "{name}({x:e} = {:#010x}) is {value:e}, {error} ULP off", x.to_bits());
    }
}

fn assert_close_on_the_sample(promise: &Promise) {
    sample().for_each(|x| assert_close(promise, x));
}

fn assert_bits(name: &str, function: fn(f32) -> f32, pairs: &[(f32, u32)]) {
    for &(x, bits) in pairs {
        let value = function(x);
        assert_eq!(value.to_bits(), bits, "{name}({x:e}) is {value:e} = {:#010x}", value.to_bits());
    }
}

// Strided sample against double precision.

#[test]
fn bounds_here_are_those_of_the_documentation() {
    let documentation = include_str!("../../../../kernel/src/scalar.rs");
    for Promise { name, bound, .. } in PROMISES.into_iter().chain([LN_1P]) {
        let row = format!("//! | [`{name}`] | {bound:.3} | ");
        assert!(documentation.contains(&row), "{name}: {bound} is looser or tighter than the documented bound");
        let sentence = format!("/// Within {bound:.3} ULP ");
        assert!(documentation.contains(&sentence), "{name}: its own documentation says another bound than {bound}");
    }
}

#[test]
fn exp_is_within_one_ulp_on_a_strided_sample() {
    const { assert!(EXP.bound <= 1.0) };
    assert_close_on_the_sample(&EXP);
}

#[test]
fn tanh_is_within_two_ulp_on_a_strided_sample() {
    const { assert!(TANH.bound <= 2.0) };
    assert_close_on_the_sample(&TANH);
}

#[test]
fn sigmoid_is_within_two_ulp_on_a_strided_sample() {
    const { assert!(SIGMOID.bound <= 2.0) };
    assert_close_on_the_sample(&SIGMOID);
}

#[test]
fn ln_is_within_one_ulp_on_a_strided_sample() {
    const { assert!(LN.bound <= 1.0) };
    assert_close_on_the_sample(&LN);
}

#[test]
fn ln_1p_is_within_three_ulp_on_a_strided_sample_from_0_to_1() {
    const { assert!(LN_1P.bound <= 3.0) };
    sample().filter(|x| (0.0..=1.0).contains(x)).for_each(|x| assert_close(&LN_1P, x));
}

#[test]
fn none_decreases_on_a_strided_sample() {
    for Promise { name, function, .. } in PROMISES {
        let mut previous = f32::NEG_INFINITY;
        for x in sample().filter(|x| !function(*x).is_nan()) {
            let value = function(x);
            assert!(value >= previous, "{name}({x:e}) = {value:e} after {previous:e}");
            previous = value;
        }
    }
}

#[test]
fn tanh_is_odd_bit_for_bit() {
    for x in sample().filter(|x| !x.is_nan()) {
        assert_eq!(tanh(-x).to_bits(), (-tanh(x)).to_bits(), "{x:e}");
    }
}

// Special values.

#[test]
fn nan_of_either_sign_stays_nan() {
    for Promise { name, function, .. } in PROMISES {
        for bits in [0x7fc0_0000, 0xffc0_0000, 0x7f80_0001, 0xff80_0001, 0x7fff_ffff, 0xffff_ffff] {
            assert!(function(f32::from_bits(bits)).is_nan(), "{name} of the NaN {bits:#010x}");
        }
    }
}

#[test]
fn exp_of_zero_and_infinities_is_exact() {
    let pairs = [(0.0, 1.0_f32.to_bits()), (-0.0, 1.0_f32.to_bits()), (f32::NEG_INFINITY, 0)];
    assert_bits("exp", exp, &pairs);
    assert_eq!(exp(f32::INFINITY), f32::INFINITY);
}

#[test]
fn tanh_of_zeros_and_infinities_keeps_the_sign() {
    let one = 1.0_f32.to_bits();
    let pairs = [(0.0, 0), (-0.0, 1 << 31), (f32::INFINITY, one), (f32::NEG_INFINITY, one | 1 << 31)];
    assert_bits("tanh", tanh, &pairs);
}

#[test]
fn sigmoid_of_zeros_and_infinities_is_exact() {
    let half = 0.5_f32.to_bits();
    let pairs = [(0.0, half), (-0.0, half), (f32::INFINITY, 1.0_f32.to_bits()), (f32::NEG_INFINITY, 0)];
    assert_bits("sigmoid", sigmoid, &pairs);
}

#[test]
fn ln_of_one_is_positive_zero() {
    assert_bits("ln", ln, &[(1.0, 0)]);
}

#[test]
fn ln_of_either_zero_is_minus_infinity() {
    assert_eq!(ln(0.0), f32::NEG_INFINITY);
    assert_eq!(ln(-0.0), f32::NEG_INFINITY);
}

#[test]
fn ln_of_any_negative_number_is_nan() {
    for x in [-SUBNORMAL_MIN, -SUBNORMAL_MAX, -f32::MIN_POSITIVE, -1.0, f32::MIN, f32::NEG_INFINITY] {
        assert!(ln(x).is_nan(), "{x:e}");
    }
}

#[test]
fn ln_1p_of_zeros_and_nan_is_themselves() {
    assert_bits("ln_1p", ln_1p, &[(0.0, 0), (-0.0, 1 << 31)]);
    assert!(ln_1p(f32::NAN).is_nan());
}

#[test]
fn ln_of_infinity_is_infinity() {
    assert_eq!(ln(f32::INFINITY), f32::INFINITY);
}

// Saturation: the last input before and the first one after.

#[test]
fn exp_overflows_from_ln_of_the_largest_float() {
    assert!(exp(f32::from_bits(0x42b1_7217)).is_finite());
    for x in [f32::from_bits(0x42b1_7218), 89.0, 1e4, f32::MAX] {
        assert_eq!(exp(x), f32::INFINITY, "{x:e}");
    }
}

#[test]
fn exp_and_sigmoid_underflow_from_ln_of_half_the_smallest_subnormal() {
    for function in [exp, sigmoid] {
        assert_eq!(function(f32::from_bits(0xc2cf_f1b4)), SUBNORMAL_MIN);
        for x in [f32::from_bits(0xc2cf_f1b5), -104.0, -1e4, f32::MIN] {
            assert_eq!(function(x).to_bits(), 0, "{x:e}");
        }
    }
}

#[test]
fn tanh_reaches_one_where_the_rounded_tanh_does() {
    assert_eq!(tanh(f32::from_bits(0x4110_2cb3)), 1.0 - f32::EPSILON / 2.0);
    for x in [f32::from_bits(0x4110_2cb4), 10.0, 45.0, 1e4, f32::MAX] {
        assert_eq!(tanh(x), 1.0, "{x:e}");
        assert_eq!(tanh(-x), -1.0, "{x:e}");
    }
}

#[test]
fn sigmoid_of_large_inputs_is_one() {
    for x in [f32::from_bits(0x4185_1592), 17.4, 89.0, 104.0, f32::MAX] {
        assert_eq!(sigmoid(x), 1.0, "{x:e}");
    }
}

// Subnormals.

#[test]
fn tanh_of_a_subnormal_is_that_subnormal() {
    for x in [SUBNORMAL_MIN, SUBNORMAL_MAX, f32::from_bits(0x0001_16c2), f32::MIN_POSITIVE] {
        assert_eq!(tanh(x).to_bits(), x.to_bits());
        assert_eq!(tanh(-x).to_bits(), (-x).to_bits());
    }
}

#[test]
fn exp_and_sigmoid_of_a_subnormal_are_those_of_zero() {
    for x in [SUBNORMAL_MIN, SUBNORMAL_MAX, -SUBNORMAL_MIN, -SUBNORMAL_MAX] {
        assert_eq!(exp(x), 1.0);
        assert_eq!(sigmoid(x), 0.5);
    }
}

#[test]
fn subnormal_results_of_exp_and_sigmoid_keep_their_bound() {
    // From ln of the smallest normal number down to where the result is 0.
    for bits in (0xc2ae_ac50..=0xc2cf_f1b5).step_by(7) {
        assert_close(&EXP, f32::from_bits(bits));
        assert_close(&SIGMOID, f32::from_bits(bits));
    }
}

#[test]
fn ln_of_subnormals_keeps_its_bound() {
    (1..0x0080_0000).step_by(61).for_each(|bits| assert_close(&LN, f32::from_bits(bits)));
    (0..23).for_each(|k| assert_close(&LN, f32::from_bits(1 << k)));
}

#[test]
fn power_multiplies_squares_from_the_lowest_bit_up() {
    let base = 0.987_f32;
    // 13 = 1101 in binary: base, then base⁴, then base⁸.
    let (square, fourth) = (base * base, (base * base) * (base * base));
    assert_eq!(square.to_bits(), power(base, 2).to_bits());
    assert_eq!(((base * fourth) * (fourth * fourth)).to_bits(), power(base, 13).to_bits());
    assert_eq!((power(base, 0), power(f32::NAN, 0)), (1.0, 1.0));
    assert!(power(f32::NAN, 1).is_nan());
}

// Golden bits, made by running the functions: they say that nothing has changed, not that it is right.

#[test]
fn exp_gives_its_golden_bits() {
    let pairs = [
        (1.0, 0x402d_f854),
        (-1.0, 0x3ebc_5ab2),
        (0.5, 0x3fd3_094c),
        (-87.5, 0x006c_b2bc),
        (-100.0, 0x0000_001b),
        (88.7, 0x7f7a_37fc),
        (10.3, 0x46e8_4940),
        (1e-6, 0x3f80_0008),
        (-0.34657, 0x3f35_051e),
    ];
    assert_bits("exp", exp, &pairs);
}

#[test]
fn tanh_gives_its_golden_bits() {
    let pairs = [
        (1.0, 0x3f42_f7d6),
        (0.5, 0x3eec_9a9f),
        (0.624, 0x3f0d_ccd8),
        (0.626, 0x3f0e_279a),
        (0.1, 0x3dcc_1ebc),
        (3.0, 0x3f7e_bbe9),
        (-2.0, 0xbf76_ca83),
        (1e-40, 0x0001_16c2),
        (8.9, 0x3f7f_ffff),
    ];
    assert_bits("tanh", tanh, &pairs);
}

#[test]
fn sigmoid_gives_its_golden_bits() {
    let pairs = [
        (1.0, 0x3f3b_26a8),
        (-1.0, 0x3e89_b2b1),
        (-0.5, 0x3ec1_4d03),
        (-0.7, 0x3ea9_e34c),
        (5.0, 0x3f7e_4961),
        (-5.0, 0x3bdb_4fb4),
        (-20.0, 0x310d_a433),
        (-95.0, 0x0000_0f64),
        (16.0, 0x3f7f_fffe),
    ];
    assert_bits("sigmoid", sigmoid, &pairs);
}

#[test]
fn ln_1p_gives_its_golden_bits() {
    let pairs = [
        (1.0, 0x3f31_7218),
        (0.5, 0x3ecf_991f),
        (0.1, 0x3dc3_31fc),
        (0.015_624_82, 0x3c7e_048a),
        (1e-3, 0x3a83_01aa),
        (1e-7, 0x33d6_bf94),
        (5e-8, 0x3356_bf95),
        (1e-40, 0x0001_16c2),
    ];
    assert_bits("ln_1p", ln_1p, &pairs);
}

#[test]
fn ln_gives_its_golden_bits() {
    let pairs = [
        (2.0, 0x3f31_7218),
        (10.0, 0x4013_5d8e),
        (0.5, 0xbf31_7218),
        (0.7, 0xbeb6_9e1a),
        (1.5, 0x3ecf_991f),
        (1.0000001, 0x33ff_ffff),
        (1e-40, 0xc2b8_34f2),
        (3.4e38, 0x42b1_71ab),
        (1e-6, 0xc15d_0c55),
    ];
    assert_bits("ln", ln, &pairs);
}

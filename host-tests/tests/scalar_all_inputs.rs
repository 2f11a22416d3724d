//! `exp`, `tanh`, `sigmoid` and `ln` at every one of the 2³² inputs, against the double-precision functions of `libm`.
//!
//! This is where the table in the documentation of `baregrad::scalar` comes from: each test prints its row and fails
//! when the documentation says something else. Slow (minutes), so ignored by default.

use baregrad::scalar;
use std::ops::Range;

/// What a run over a range of inputs found.
#[derive(Clone, Copy)]
struct Worst {
    error_in_ulp: f64,
    input: f32,
}

/// The float at a place of the total order: negative NaNs, -∞ … -0, +0 … ∞, positive NaNs.
fn input_at(place: u32) -> f32 {
    f32::from_bits(if place >> 31 == 1 { place ^ 0x8000_0000 } else { !place })
}

/// Spacing of the f32 numbers at `reference`; 2⁻¹⁴⁹ for subnormal ones.
fn ulp(reference: f64) -> f64 {
    let exponent = ((reference.to_bits() >> 52) & 0x7ff).max(1023 - 126);
    f64::from_bits((exponent - 23) << 52)
}

/// Distance to the reference. Overflow, underflow to zero of the wrong input, and NaN count as infinitely wrong.
fn error_in_ulp(value: f32, reference: f64) -> f64 {
    let rounded = reference as f32;
    if reference.is_nan() || value.is_nan() {
        return if reference.is_nan() && value.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if rounded.is_infinite() || value.is_infinite() || (value == 0.0) != (rounded == 0.0) {
        return if value == rounded { 0.0 } else { f64::INFINITY };
    }
    (f64::from(value) - reference).abs() / ulp(reference)
}

fn check(name: &str, places: Range<u64>, function: fn(f32) -> f32, reference: fn(f64) -> f64) -> Worst {
    let mut worst = Worst { error_in_ulp: 0.0, input: 0.0 };
    let mut previous = match places.start {
        0 => f32::NAN,
        start => function(input_at((start - 1) as u32)),
    };
    for place in places {
        let x = input_at(place as u32);
        let y = function(x);
        assert!(!x.is_nan() || y.is_nan(), "{name} of the NaN {:#010x} is {y}", x.to_bits());
        // False as well where one of the two is NaN.
        let decreases = y < previous;
        assert!(!decreases, "{name} decreases at {x:e} ({:#010x}): {previous:e}, then {y:e}", x.to_bits());
        let error = error_in_ulp(y, reference(f64::from(x)));
        if error > worst.error_in_ulp {
            worst = Worst { error_in_ulp: error, input: x };
        }
        previous = y;
    }
    worst
}

/// Runs every input, prints the table row of the documentation and compares it with the one that is there.
fn check_all_inputs(name: &str, function: fn(f32) -> f32, reference: fn(f64) -> f64) {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let share = (1_u64 << 32).div_ceil(threads);
    let worst = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|i| (i * share).min(1 << 32)..((i + 1) * share).min(1 << 32))
            .map(|places| scope.spawn(move || check(name, places, function, reference)))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a worker found a wrong value"))
            // The first of equal errors, so that the number of threads doesn't show.
            .fold(Worst { error_in_ulp: 0.0, input: 0.0 }, |a, b| if b.error_in_ulp > a.error_in_ulp { b } else { a })
    });
    // Rounded up, so that what is written is a bound.
    let bound = (worst.error_in_ulp * 1000.0).ceil() / 1000.0;
    let row = format!("| [`{name}`] | {bound:.3} | {} = `{:#010x}` | yes |", worst.input, worst.input.to_bits());
    println!("{row} ({:.5})", worst.error_in_ulp);
    let documentation = include_str!("../../kernel/src/scalar.rs");
    assert!(documentation.contains(&row), "the documentation of baregrad::scalar doesn't have the row\n{row}");
}

fn sigmoid_reference(x: f64) -> f64 {
    // Not 1 / (1 + exp(-x)) on both sides: exp(-x) overflows where the sigmoid is still a subnormal f32.
    let e = libm::exp(-x.abs());
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

#[test]
#[ignore = "all 2^32 inputs: run with cargo test --release -p host-tests --test scalar_all_inputs -- --ignored --nocapture"]
fn exp_is_monotone_and_within_its_documented_bound_on_all_inputs() {
    check_all_inputs("exp", scalar::exp, libm::exp);
}

#[test]
#[ignore = "all 2^32 inputs: run with cargo test --release -p host-tests --test scalar_all_inputs -- --ignored --nocapture"]
fn tanh_is_monotone_and_within_its_documented_bound_on_all_inputs() {
    check_all_inputs("tanh", scalar::tanh, libm::tanh);
}

#[test]
#[ignore = "all 2^32 inputs: run with cargo test --release -p host-tests --test scalar_all_inputs -- --ignored --nocapture"]
fn sigmoid_is_monotone_and_within_its_documented_bound_on_all_inputs() {
    check_all_inputs("sigmoid", scalar::sigmoid, sigmoid_reference);
}

#[test]
#[ignore = "all 2^32 inputs: run with cargo test --release -p host-tests --test scalar_all_inputs -- --ignored --nocapture"]
fn ln_is_monotone_and_within_its_documented_bound_on_all_inputs() {
    check_all_inputs("ln", scalar::ln, libm::log);
}

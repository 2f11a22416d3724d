//! `exp`, `tanh`, `sigmoid` and `ln` at every one of the 2³² inputs, and `ln_1p` at every one that it is made for, against
//! the double-precision functions of `libm`.
//!
//! This is where the table in the documentation of `baregrad::scalar` comes from: each test prints its row and fails
//! when the documentation says something else. Slow (minutes), so ignored by default.

use baregrad::scalar;
use std::ops::Range;

/// What a run over a range of inputs found.
#[derive(Clone, Copy)]
struct Found {
    /// The largest error, and where it is.
    error_in_ulp: f64,
    input: f32,
    /// How often the function is less than at the input before.
    decreases: u64,
    /// The largest such step down.
    largest_decrease_in_ulp: f64,
}

impl Found {
    const NOTHING: Self = Self { error_in_ulp: 0.0, input: 0.0, decreases: 0, largest_decrease_in_ulp: 0.0 };

    /// Of equal errors the first is kept, so that the number of threads doesn't show.
    fn and(self, later: Self) -> Self {
        let worse = if later.error_in_ulp > self.error_in_ulp { later } else { self };
        Self {
            decreases: self.decreases + later.decreases,
            largest_decrease_in_ulp: self.largest_decrease_in_ulp.max(later.largest_decrease_in_ulp),
            ..worse
        }
    }
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

fn check(name: &str, places: Range<u64>, function: fn(f32) -> f32, reference: fn(f64) -> f64) -> Found {
    let mut found = Found::NOTHING;
    let mut previous = match places.start {
        0 => f32::NAN,
        start => function(input_at((start - 1) as u32)),
    };
    for place in places {
        let x = input_at(place as u32);
        let y = function(x);
        assert!(!x.is_nan() || y.is_nan(), "{name} of the NaN {:#010x} is {y}", x.to_bits());
        let exact = reference(f64::from(x));
        // False as well where one of the two is NaN.
        if y < previous {
            found.decreases += 1;
            let step = (f64::from(previous) - f64::from(y)) / ulp(exact);
            found.largest_decrease_in_ulp = found.largest_decrease_in_ulp.max(step);
        }
        let error = error_in_ulp(y, exact);
        if error > found.error_in_ulp {
            found = Found { error_in_ulp: error, input: x, ..found };
        }
        previous = y;
    }
    found
}

/// Every input, NaNs too.
const ALL: Range<u64> = 0..1 << 32;

/// Every input from `-0` to 1.
const ZERO_TO_ONE: Range<u64> = (1 << 31) - 1..(1 << 31) + 1.0_f32.to_bits() as u64 + 1;

/// Runs every input of a range, prints the table row of the documentation and compares it with the one that is there.
fn check_all_inputs(name: &str, places: Range<u64>, function: fn(f32) -> f32, reference: fn(f64) -> f64) {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let share = (places.end - places.start).div_ceil(threads);
    let found = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|i| places.start + i * share..(places.start + (i + 1) * share).min(places.end))
            .map(|places| scope.spawn(move || check(name, places, function, reference)))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a worker found a wrong value"))
            .fold(Found::NOTHING, Found::and)
    });
    // Rounded up, so that what is written is a bound.
    let bound = (found.error_in_ulp * 1000.0).ceil() / 1000.0;
    let never_decreases = match found.decreases {
        0 => "yes".to_owned(),
        _ => format!("no, by at most {:.3} ULP", found.largest_decrease_in_ulp),
    };
    let row = format!(
        "| [`{name}`] | {bound:.3} | {} = `{:#010x}` | {never_decreases} |",
        found.input,
        found.input.to_bits()
    );
    println!("{row} ({:.5})", found.error_in_ulp);
    println!("{name} decreases at {} of them", found.decreases);
    let documentation = include_str!("../../../../kernel/src/scalar.rs");
    assert!(documentation.contains(&row), "the documentation of baregrad::scalar doesn't have the row\n{row}");
}

fn sigmoid_reference(x: f64) -> f64 {
    // Not 1 / (1 + exp(-x)) on both sides: exp(-x) overflows where the sigmoid is still a subnormal f32.
    let e = libm::exp(-x.abs());
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

#[test]
#[ignore = "all 2^32 inputs: run with cargo test --release -p properties --test library scalar_all_inputs -- --ignored --nocapture"]
fn exp_is_monotone_and_within_its_documented_bound_on_all_inputs() {
    check_all_inputs("exp", ALL, scalar::exp, libm::exp);
}

#[test]
#[ignore = "all 2^32 inputs: run with cargo test --release -p properties --test library scalar_all_inputs -- --ignored --nocapture"]
fn tanh_is_monotone_and_within_its_documented_bound_on_all_inputs() {
    check_all_inputs("tanh", ALL, scalar::tanh, libm::tanh);
}

#[test]
#[ignore = "all 2^32 inputs: run with cargo test --release -p properties --test library scalar_all_inputs -- --ignored --nocapture"]
fn sigmoid_is_monotone_and_within_its_documented_bound_on_all_inputs() {
    check_all_inputs("sigmoid", ALL, scalar::sigmoid, sigmoid_reference);
}

#[test]
#[ignore = "all 2^32 inputs: run with cargo test --release -p properties --test library scalar_all_inputs -- --ignored --nocapture"]
fn ln_is_monotone_and_within_its_documented_bound_on_all_inputs() {
    check_all_inputs("ln", ALL, scalar::ln, libm::log);
}

#[test]
#[ignore = "2^30 inputs: run with cargo test --release -p properties --test library scalar_all_inputs -- --ignored --nocapture"]
fn ln_1p_is_within_its_documented_bound_on_all_inputs_from_0_to_1() {
    check_all_inputs("ln_1p", ZERO_TO_ONE, scalar::ln_1p, libm::log1p);
}

//! Learning-rate schedules and early stopping against values worked out by hand or in `f64`.

use baregrad::schedule::{Constant, Cosine, EarlyStopping, Exponential, ReduceOnPlateau, Schedule, StepDecay, Verdict};

/// Within a few roundings of an `f64` value.
fn assert_close(ours: f32, expected: f64, what: &str) {
    // The longest chain here is a cosine and five operations; 1e-6 relatively is 16 roundings.
    assert!((f64::from(ours) - expected).abs() <= 1e-6 * expected.abs() + 1e-9, "{what}: {ours}, not {expected}");
}

#[test]
fn constant_rate_stays() {
    let schedule = Constant { learning_rate: 0.3 };
    assert_eq!(schedule.learning_rate(0).to_bits(), schedule.learning_rate(u32::MAX).to_bits());
}

#[test]
fn step_decay_falls_by_its_factor_at_each_multiple() {
    let schedule = StepDecay { learning_rate: 0.1, factor: 0.5, every: 10 };
    for step in 0..100 {
        assert_close(schedule.learning_rate(step), 0.1 * 0.5f64.powi(step as i32 / 10), &format!("step {step}"));
    }
    assert_eq!(schedule.learning_rate(9).to_bits(), 0.1f32.to_bits());
    assert_eq!(schedule.learning_rate(10).to_bits(), 0.05f32.to_bits());
    let every_step = StepDecay { every: 0, ..schedule };
    assert_eq!(every_step.learning_rate(3).to_bits(), 0.0125f32.to_bits(), "0 counts as 1");
}

#[test]
fn exponential_is_a_power_of_its_factor() {
    let schedule = Exponential { learning_rate: 0.1, factor: 0.95 };
    for step in [0, 1, 2, 3, 10, 31, 100] {
        assert_close(schedule.learning_rate(step), 0.1 * f64::from(0.95f32).powi(step as i32), &format!("step {step}"));
    }
    assert_eq!(schedule.learning_rate(u32::MAX), 0.0, "the power runs out to zero");
}

#[test]
fn cosine_warms_up_peaks_and_ends_at_the_floor() {
    let schedule = Cosine { learning_rate: 0.1, floor: 0.01, warm_up: 5, steps: 25 };
    for step in 0..5u32 {
        assert_close(schedule.learning_rate(step), 0.1 * f64::from(step + 1) / 5.0, &format!("step {step}"));
    }
    for step in 5..25u32 {
        let x = std::f64::consts::PI * f64::from(step - 5) / 20.0;
        assert_close(schedule.learning_rate(step), 0.01 + 0.09 * (1.0 + x.cos()) / 2.0, &format!("step {step}"));
    }
    assert_eq!(schedule.learning_rate(25), 0.01);
    assert_eq!(schedule.learning_rate(u32::MAX), 0.01);
    let none = Cosine { warm_up: 0, steps: 0, ..schedule };
    assert_eq!(none.learning_rate(0), 0.01, "no steps, no division by zero");
    let only_warm_up = Cosine { warm_up: 5, steps: 5, ..schedule };
    assert_eq!(only_warm_up.learning_rate(5), 0.01);
}

#[test]
fn plateau_lowers_the_rate_after_its_patience_and_not_below_the_floor() {
    let mut schedule = ReduceOnPlateau::new(0.1);
    (schedule.factor, schedule.patience, schedule.floor) = (0.5, 2, 0.02);
    let losses = [1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, f32::NAN, f32::NAN, f32::NAN];
    let rates = losses.map(|loss| schedule.observe(loss));
    // Worked out by hand: 0.9 is best; the third loss in a row that is no better lowers the rate.
    assert_eq!(rates, [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.02]);
    // Below the best by less than the threshold is no better.
    let mut strict = ReduceOnPlateau::new(0.1);
    strict.patience = 0;
    assert_eq!(strict.observe(1.0), 0.1);
    assert_ne!(strict.observe(0.99995), 0.1);
}

#[test]
fn early_stopping_keeps_the_best_and_stops_after_its_patience() {
    let mut stopping = EarlyStopping::new(3);
    let verdicts = [1.0, 0.5, 0.6, f32::NAN, 0.4, 0.4, 0.41, 0.5].map(|loss| stopping.observe(loss));
    use Verdict::{Better, Stop, Wait};
    assert_eq!(verdicts, [Better, Better, Wait, Wait, Better, Wait, Wait, Stop]);
    assert_eq!(stopping.best(), 0.4);
    let mut demanding = EarlyStopping::new(1);
    demanding.min_delta = 0.1;
    assert_eq!(demanding.observe(1.0), Better);
    assert_eq!(demanding.observe(0.95), Stop);
}

//! Learning-rate schedules and early stopping against values worked out by hand or in `f64`.

use baregrad::schedule::{Constant, Cosine, EarlyStopping, Exponential, ReduceOnPlateau, Schedule, StepDecay, Verdict};
use baregrad::setting::{Domain, SettingError};

fn setting(setting: &'static str, domain: Domain) -> SettingError {
    SettingError { setting, domain }
}

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
    let rates = losses.map(|loss| schedule.observe(loss).expect("sound settings"));
    // Worked out by hand: 0.9 is best; the third loss in a row that is no better lowers the rate.
    assert_eq!(rates, [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.02]);
    // Below the best by less than the threshold is no better.
    let mut strict = ReduceOnPlateau::new(0.1);
    strict.patience = 0;
    assert_eq!(strict.observe(1.0), Ok(0.1));
    assert_ne!(strict.observe(0.99995), Ok(0.1));
}

#[test]
fn early_stopping_keeps_the_best_and_stops_after_its_patience() {
    let mut stopping = EarlyStopping::new(3);
    let verdicts =
        [1.0, 0.5, 0.6, f32::NAN, 0.4, 0.4, 0.41, 0.5].map(|loss| stopping.observe(loss).expect("sound settings"));
    use Verdict::{Better, Stop, Wait};
    assert_eq!(verdicts, [Better, Better, Wait, Wait, Better, Wait, Wait, Stop]);
    assert_eq!(stopping.best(), 0.4);
    let mut demanding = EarlyStopping::new(1);
    demanding.min_delta = 0.1;
    assert_eq!(demanding.observe(1.0), Ok(Better));
    assert_eq!(demanding.observe(0.95), Ok(Stop));
}

#[test]
fn plateau_sees_losses_of_any_sign_as_they_are() {
    // Each alike 20 times: the first is better, patience lasts 10, and the twelfth lowers the rate.
    for loss in [-1.0, -1e-30, 0.0, 1.0, -3e38] {
        let mut schedule = ReduceOnPlateau::new(0.1);
        let rates: Vec<f32> = (0..20).map(|_| schedule.observe(loss).expect("sound settings")).collect();
        assert_eq!(rates, [vec![0.1; 11], vec![0.1 * 0.1; 9]].concat(), "{loss}");
    }
    // best - |best|/8, exactly.
    for (best, limit) in [(-1.0, -1.125), (0.5, 0.4375), (0.0, 0.0)] {
        for (loss, better) in
            [(limit, false), (f32::next_down(limit), true), (f32::next_up(limit), false), (best, false)]
        {
            let mut schedule = ReduceOnPlateau::new(0.1);
            (schedule.patience, schedule.threshold) = (0, 0.125);
            schedule.observe(best).expect("sound settings");
            let rate = schedule.observe(loss).expect("sound settings");
            assert_eq!(rate == 0.1, better, "{loss} after {best}");
        }
    }
    // A rise is not better: -1, then -0.61.
    let mut schedule = ReduceOnPlateau::new(0.1);
    (schedule.patience, schedule.threshold) = (0, 0.4);
    assert_eq!((schedule.observe(-1.0), schedule.observe(-0.61)), (Ok(0.1), Ok(0.1 * 0.1)));
}

#[test]
fn plateau_never_raises_the_rate() {
    for (rate, floor, expected) in [(0.01, 0.5, 0.01), (0.5, 0.5, 0.5), (0.6, 0.5, 0.5), (10.0, 0.5, 1.0)] {
        let mut schedule = ReduceOnPlateau::new(rate);
        (schedule.patience, schedule.floor) = (0, floor);
        assert_eq!((schedule.observe(1.0), schedule.observe(1.0)), (Ok(rate), Ok(expected)));
    }
}

#[test]
fn infinite_losses_are_not_better_than_anything() {
    let (mut schedule, mut stopping) = (ReduceOnPlateau::new(0.1), EarlyStopping::new(2));
    schedule.patience = 1;
    for loss in [f32::NEG_INFINITY, f32::INFINITY] {
        (schedule.learning_rate, stopping) = (0.1, EarlyStopping::new(2));
        assert_eq!(schedule.observe(loss), Ok(0.1));
        assert_eq!(schedule.observe(loss), Ok(0.1 * 0.1));
        assert_eq!((stopping.observe(loss), stopping.observe(loss)), (Ok(Verdict::Wait), Ok(Verdict::Stop)));
    }
    assert_eq!((stopping.observe(5.0), stopping.best()), (Ok(Verdict::Better), 5.0), "a finite one is, after them");
}

/// Neither finite nor from 0 on.
const UNSOUND: [f32; 4] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -f32::MIN_POSITIVE];

#[test]
fn settings_that_make_no_sense_are_refused_and_change_nothing() {
    type Set = fn(&mut ReduceOnPlateau, f32);
    let settings: [(Set, &[f32], SettingError); 4] = [
        (|schedule, value| schedule.learning_rate = value, &[], setting("learning_rate", Domain::NonNegative)),
        (|schedule, value| schedule.factor = value, &[0.0, 1.0, 2.0], setting("factor", Domain::PositiveBelowOne)),
        (|schedule, value| schedule.threshold = value, &[1.0, 2.0], setting("threshold", Domain::BelowOne)),
        (|schedule, value| schedule.floor = value, &[], setting("floor", Domain::NonNegative)),
    ];
    for (set, more, error) in settings {
        for value in UNSOUND.iter().chain(more) {
            let mut schedule = ReduceOnPlateau::new(0.1);
            schedule.observe(1.0).expect("sound settings");
            set(&mut schedule, *value);
            let before = format!("{schedule:?}");
            assert_eq!(schedule.observe(0.5), Err(error), "{value}");
            assert_eq!(format!("{schedule:?}"), before);
        }
    }
    for value in UNSOUND {
        let mut stopping = EarlyStopping::new(3);
        stopping.min_delta = value;
        let before = format!("{stopping:?}");
        assert_eq!(stopping.observe(0.5), Err(setting("min_delta", Domain::NonNegative)), "{value}");
        assert_eq!(format!("{stopping:?}"), before);
    }
}

#[test]
fn schedules_without_sense_have_no_rate_at_any_step() {
    let none = |schedule: &dyn Fn(u32) -> f32| [0, 1, 5, 30].iter().all(|step| schedule(*step).is_nan());
    for value in UNSOUND {
        assert!(none(&|step| Constant { learning_rate: value }.learning_rate(step)), "{value}");
        for (learning_rate, factor) in [(value, 0.5), (0.1, value), (0.1, 0.0)] {
            assert!(none(&|step| StepDecay { learning_rate, factor, every: 2 }.learning_rate(step)), "{value}");
            assert!(none(&|step| Exponential { learning_rate, factor }.learning_rate(step)), "{value}");
        }
        for (learning_rate, floor) in [(value, 0.0), (0.1, value)] {
            let cosine = Cosine { learning_rate, floor, warm_up: 2, steps: 9 };
            assert!(none(&|step| cosine.learning_rate(step)), "{value}");
        }
    }
    // It does not rise to its floor.
    let rises = Cosine { learning_rate: 0.1, floor: 0.1_f32.next_up(), warm_up: 2, steps: 9 };
    assert!(none(&|step| rises.learning_rate(step)));
}

#[test]
fn decay_is_right_after_billions_of_steps() {
    for factor in [1.0 - f32::EPSILON / 2.0, 0.999999, 1.0 + f32::EPSILON] {
        for step in [1_u32 << 20, (1 << 22) - 1, 1 << 24, 50_000_000, 1 << 29, u32::MAX] {
            let exact = f64::from(factor).powf(f64::from(step));
            if (1e-30..1e30).contains(&exact) {
                let rate = f64::from(Exponential { learning_rate: 1.0, factor }.learning_rate(step));
                // A pair's product rounds by less than 2^-45; the rest is the last rounding, and that of `powf`.
                let tolerance = f64::from(step) * 2.0_f64.powi(-45) + 2.0_f64.powi(-23);
                assert!((rate / exact - 1.0).abs() < tolerance, "{factor} {step}: {rate}, not {exact}");
            }
        }
    }
    // In one f32 the first of these is off by 0.4 % at 2^29.
}

//! The PyTorch loop: 100 steps from PyTorch's initial weights, against what PyTorch gave (`fixtures/`).
//!
//! Network 10-20-K, ReLU, full batch of five samples. PyTorch adds in another order and computes Adam's corrections in `f64`, so
//! the weights agree within 1e-5 (the largest difference seen is printed, most are near 1e-7), not to the bit.

use crate::common::FLOATS;
use std::collections::HashMap;

use baregrad::loss::Loss;
use baregrad::matrix::Matrix;
use baregrad::optimizer::Optimizer;
use baregrad::schedule::{Cosine, Exponential, ReduceOnPlateau, Schedule, StepDecay};
use baregrad::train::Gradients;
use baregrad::{
    AdaGrad, Adam, AdamW, BinaryCrossEntropy, ClipValue, CrossEntropy, Dataset, Dense, Features, Huber, Identity,
    MeanAbsoluteError, MeanSquaredError, Nesterov, Relu, RmsProp, Sgd, SgdMomentum, Trainer, WeightDecay,
    WeightedCrossEntropy, Zero,
};

type Net<const K: usize> = (Dense<10, 20, Relu>, Dense<20, K>);

/// What every weight and every loss may differ by.
const TOLERANCE: f32 = 1e-5;

/// The arrays of a fixture by name.
struct Fixture(HashMap<String, Vec<f32>>);

impl Fixture {
    fn read(name: &str) -> Self {
        let path = format!("{}/../fixtures/pytorch_{name}.txt", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let arrays = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let (head, values) = line.split_once(": ").expect("name: values");
            let name = head.split(' ').next().expect("a name").to_owned();
            (name, values.split(' ').map(|value| value.parse().expect("a number")).collect())
        });
        Self(arrays.collect())
    }

    fn get(&self, name: &str) -> &[f32] {
        self.0.get(name).unwrap_or_else(|| panic!("no array {name}"))
    }

    fn scalar(&self, name: &str) -> f32 {
        self.get(name)[0]
    }

    fn rows<const N: usize>(&self, name: &str) -> Vec<[f32; N]> {
        self.get(name).as_chunks::<N>().0.to_vec()
    }

    fn dense<const IN: usize, const OUT: usize, A>(&self, name: &str) -> Dense<IN, OUT, A> {
        let weights = self.rows(&format!("{name}_weights")).try_into().expect("a row for each input");
        let bias = self.get(&format!("{name}_bias")).try_into().expect("a bias for each output");
        Dense::new(Matrix::from_rows(weights), bias)
    }
}

/// How gradients get to the weights.
enum Phases {
    One,
    /// Two, with the gradient clipped to this norm in between.
    TwoClipped(f32),
}

/// Trains 100 steps and compares with a fixture.
fn assert_follows<O, L, T, const K: usize>(run: &str, mut optimizer: O, loss: L, targets: &[T], phases: Phases)
where
    O: Optimizer,
    L: Loss<Features<K>, Identity, T> + Copy,
{
    let (start, fixture) = (Fixture::read("start"), Fixture::read(run));
    let inputs = start.rows::<10>("inputs");
    let data = Dataset::new(&inputs, targets).expect("as many targets");
    let mut trainer = Trainer::<Net<K>, O, 5, FLOATS>::NEW;
    trainer.network = (start.dense("hidden"), start.dense(&format!("output_{K}")));
    let mut gradients = Gradients::<Net<K>>::ZERO;
    let mut farthest_loss = 0.0_f32;
    for expected in fixture.get("losses") {
        let value = match phases {
            Phases::One => trainer.step(&data, loss, &mut optimizer).expect("sound data"),
            Phases::TwoClipped(norm) => {
                let value = trainer.accumulate(&mut gradients, &data, loss, 5).expect("sound data");
                gradients.clip_norm(norm).expect("a finite gradient");
                trainer.apply(&mut gradients, &mut optimizer).expect("a finite gradient");
                value
            }
        };
        assert!(value.is_finite());
        farthest_loss = farthest_loss.max((value - expected).abs());
    }
    let hidden: Dense<10, 20, Relu> = fixture.dense("hidden");
    let output: Dense<20, K> = fixture.dense("output");
    let pairs = [
        (trainer.network.0.weights.as_slice(), hidden.weights.as_slice()),
        (&trainer.network.0.bias, &hidden.bias),
        (trainer.network.1.weights.as_slice(), output.weights.as_slice()),
        (&trainer.network.1.bias, &output.bias),
    ];
    let differences = pairs.iter().flat_map(|(ours, theirs)| ours.iter().zip(*theirs).map(|(a, b)| (a - b).abs()));
    let farthest = differences.inspect(|difference| assert!(difference.is_finite())).fold(0.0, f32::max);
    println!("{run}: farthest weight {farthest:.1e}, farthest loss {farthest_loss:.1e}");
    assert!(farthest <= TOLERANCE, "{run}: a weight is {farthest:e} off");
    assert!(farthest_loss <= TOLERANCE, "{run}: a loss is {farthest_loss:e} off");
}

/// The same by mean squared error on one output.
fn assert_optimizer_follows<O: Optimizer>(run: &str, optimizer: impl Fn(&Fixture) -> O) {
    let targets = Fixture::read("start").rows::<1>("values");
    assert_follows(run, optimizer(&Fixture::read(run)), MeanSquaredError, &targets, Phases::One);
}

#[test]
fn sgd_follows_pytorch() {
    assert_optimizer_follows("sgd", |run| Sgd::new(run.scalar("learning_rate")));
    assert_optimizer_follows("sgd_weight_decay", |run| {
        WeightDecay::new(run.scalar("weight_decay"), Sgd::new(run.scalar("learning_rate")))
    });
}

#[test]
fn momentum_follows_pytorch() {
    assert_optimizer_follows("sgd_momentum", |run| SgdMomentum {
        learning_rate: run.scalar("learning_rate"),
        momentum: run.scalar("momentum"),
    });
    // At a constant rate the texts' form takes the same way.
    assert_optimizer_follows("sgd_momentum", |run| baregrad::Momentum {
        learning_rate: run.scalar("learning_rate"),
        momentum: run.scalar("momentum"),
    });
    assert_optimizer_follows("sgd_nesterov", |run| Nesterov {
        learning_rate: run.scalar("learning_rate"),
        momentum: run.scalar("momentum"),
    });
}

#[test]
fn clipping_follows_pytorch() {
    assert_optimizer_follows("sgd_clip_value", |run| {
        ClipValue::new(run.scalar("clip_value"), Sgd::new(run.scalar("learning_rate")))
    });
    let (run, targets) = (Fixture::read("sgd_clip_norm"), Fixture::read("start").rows::<1>("values"));
    let phases = Phases::TwoClipped(run.scalar("clip_norm"));
    assert_follows("sgd_clip_norm", Sgd::new(run.scalar("learning_rate")), MeanSquaredError, &targets, phases);
}

#[test]
fn adagrad_and_rmsprop_follow_pytorch() {
    let adagrad = |run: &Fixture, epsilon| AdaGrad { learning_rate: run.scalar("learning_rate"), epsilon };
    let rmsprop = |run: &Fixture, epsilon| RmsProp {
        learning_rate: run.scalar("learning_rate"),
        decay: run.scalar("decay"),
        epsilon,
    };
    assert_optimizer_follows("adagrad_epsilon_inside", |run| adagrad(run, run.scalar("epsilon")));
    assert_optimizer_follows("rmsprop_epsilon_inside", |run| rmsprop(run, run.scalar("epsilon")));
    // PyTorch's own have ε outside the root: √G + ε is nearly √(G + ε²), so ours gets the square of theirs.
    assert_optimizer_follows("adagrad", |run| adagrad(run, run.scalar("epsilon").powi(2)));
    assert_optimizer_follows("rmsprop", |run| rmsprop(run, run.scalar("epsilon").powi(2)));
}

#[test]
fn adam_follows_pytorch() {
    let adam = |run: &Fixture| Adam {
        beta1: run.scalar("beta1"),
        beta2: run.scalar("beta2"),
        epsilon: run.scalar("epsilon"),
        ..Adam::new(run.scalar("learning_rate"))
    };
    assert_optimizer_follows("adam", adam);
    assert_optimizer_follows("adamw", |run| AdamW { adam: adam(run), weight_decay: run.scalar("weight_decay") });
    assert_optimizer_follows("adam_weight_decay", |run| WeightDecay::new(run.scalar("weight_decay"), adam(run)));
}

#[test]
fn losses_follow_pytorch() {
    let start = Fixture::read("start");
    let sgd = |run: &str| Sgd::new(Fixture::read(run).scalar("learning_rate"));
    let values = start.rows::<1>("values");
    assert_follows("absolute_error", sgd("absolute_error"), MeanAbsoluteError, &values, Phases::One);
    let huber = Huber { delta: Fixture::read("huber").scalar("delta") };
    assert_follows("huber", sgd("huber"), huber, &values, Phases::One);
    let answers = start.rows::<2>("answers");
    assert_follows("binary_cross_entropy", sgd("binary_cross_entropy"), BinaryCrossEntropy, &answers, Phases::One);
    let labels: Vec<u8> = start.get("labels").iter().map(|&label| label as u8).collect();
    assert_follows::<_, _, _, 3>("cross_entropy", sgd("cross_entropy"), CrossEntropy, &labels, Phases::One);
    // PyTorch divides by the weights of the batch's labels, this library by their number.
    let weights = Fixture::read("weighted_cross_entropy").rows::<3>("class_weights")[0];
    let divisor: f32 = labels.iter().map(|&label| weights[usize::from(label)]).sum();
    let weighted = WeightedCrossEntropy { weights: weights.map(|weight| weight * 5.0 / divisor) };
    assert_follows("weighted_cross_entropy", sgd("weighted_cross_entropy"), weighted, &labels, Phases::One);
}

#[test]
fn schedules_follow_pytorch() {
    let fixture = Fixture::read("schedules");
    // PyTorch computes in f64; ours is a few roundings, a dozen in the longest power, of values up to 0.1.
    let assert_near = |name: &str, rate: &dyn Fn(u32) -> f32, steps: usize| {
        for (step, expected) in fixture.get(name).iter().enumerate().take(steps) {
            let rate = rate(step as u32);
            assert!((rate - expected).abs() <= 1e-7, "{name}, step {step}: {rate}, not {expected}");
        }
    };
    let step = StepDecay { learning_rate: 0.1, factor: 0.1, every: 30 };
    assert_near("step", &|t| step.learning_rate(t), 101);
    let exponential = Exponential { learning_rate: 0.1, factor: 0.95 };
    assert_near("exponential", &|t| exponential.learning_rate(t), 101);
    let cosine = Cosine { learning_rate: 0.1, floor: 0.0, warm_up: 0, steps: 100 };
    assert_near("cosine", &|t| cosine.learning_rate(t), 101);
    let to_floor = Cosine { floor: 0.001, ..cosine };
    assert_near("cosine_to_floor", &|t| to_floor.learning_rate(t), 101);
    let warm_up = Cosine { warm_up: 10, ..cosine };
    assert_near("warmup_cosine", &|t| warm_up.learning_rate(t), 101);

    let mut plateau = ReduceOnPlateau::new(0.1);
    let rates: Vec<f32> =
        fixture.get("plateau_losses").iter().map(|&loss| plateau.observe(loss).expect("sound settings")).collect();
    for (epoch, (rate, expected)) in rates.iter().zip(&fixture.get("plateau_default")[1..]).enumerate() {
        assert!((rate - expected).abs() <= 1e-7 * 0.1, "plateau, epoch {epoch}: {rate}, not {expected}");
    }
    assert_ne!(rates.first(), rates.last(), "the rate has fallen");
}

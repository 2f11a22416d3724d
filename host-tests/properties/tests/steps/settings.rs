//! Settings and targets outside of their domains: each is refused by its name, and nothing but the workspace is changed.
//!
//! The oracle is the table in the docs of `baregrad::setting`, and a copy of all bits from before the refused call.

use crate::common::{FLOATS, Random, bits, load, parameters, poll_to_the_end, random_network, saved};
use baregrad::checkpoint::State;
use baregrad::data::Samples;
use baregrad::initializer::Initializer;
use baregrad::layer::Tensors;
use baregrad::loss::Loss;
use baregrad::optimizer::Optimizer;
use baregrad::setting::{Domain, SettingError};
use baregrad::shape::Features;
use baregrad::train::{Gradients, accumulate_all, apply, evaluate, mean_loss};
use baregrad::{
    AdaGrad, Adam, AdamW, BinaryCrossEntropy, ClipValue, ConfusionMatrix, CrossEntropy, Dataset, Dense, Huber,
    Identity, LabelSmoothing, Lion, MeanSquaredError, Momentum, Nesterov, Network, OneHot, Relu, RmsProp, Sgd,
    SgdMomentum, SoftCrossEntropy, StepError, Trainer, Uniform, WeightDecay, WeightedCrossEntropy,
};
use catalogue::losses::{Formula as LossFormula, Target, VisitLosses, each_loss};
use catalogue::optimizers::{Formula, SavedRule, VisitOptimizers, each_optimizer};

type Net = (Dense<3, 4, Relu>, Dense<4, 3>);
const B: usize = 4;
const INPUTS: [[f32; 3]; B] = [[0.5, -0.25, 1.0], [-1.0, 0.75, 0.125], [0.25, 0.5, -0.5], [1.0, 1.0, -0.75]];
const LABELS: [u8; B] = [0, 1, 2, 1];
/// The smallest above 0, and the neighbours of 1.
const TINY: f32 = f32::from_bits(1);
const BELOW_1: f32 = 1.0 - f32::EPSILON / 2.0;
const ABOVE_1: f32 = 1.0 + f32::EPSILON;

/// Values just outside of a domain and far out, and values at its edges inside.
fn outside_and_inside(domain: Domain) -> (Vec<f32>, Vec<f32>) {
    let (mut outside, inside) = match domain {
        Domain::Finite => (vec![], vec![-f32::MAX, -1.0, -0.0, 0.0, f32::MAX]),
        Domain::NonNegative => (vec![-1.0, -TINY, -f32::MAX], vec![-0.0, 0.0, TINY, 1.0, f32::MAX]),
        Domain::Positive => (vec![-1.0, -TINY, -0.0, 0.0], vec![TINY, 1.0, f32::MAX]),
        Domain::BelowOne => (vec![-1.0, -TINY, 1.0, ABOVE_1, 255.0], vec![-0.0, 0.0, TINY, 0.5, BELOW_1]),
        Domain::UpToOne => (vec![-1.0, -TINY, ABOVE_1, 255.0], vec![-0.0, 0.0, TINY, 0.5, BELOW_1, 1.0]),
        Domain::PositiveBelowOne => (vec![-1.0, -TINY, -0.0, 0.0, 1.0, ABOVE_1, 255.0], vec![TINY, 0.5, BELOW_1]),
        Domain::PositiveUpToOne => (vec![-1.0, -TINY, -0.0, 0.0, ABOVE_1, 255.0], vec![TINY, 0.5, BELOW_1, 1.0]),
    };
    outside.extend([f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
    (outside, inside)
}

const DOMAINS: [Domain; 7] = [
    Domain::Finite,
    Domain::NonNegative,
    Domain::Positive,
    Domain::BelowOne,
    Domain::UpToOne,
    Domain::PositiveBelowOne,
    Domain::PositiveUpToOne,
];

#[test]
fn a_domain_contains_what_its_text_says() {
    let plain = |domain, x: f32| match domain {
        Domain::Finite => x.is_finite(),
        Domain::NonNegative => x.is_finite() && x >= 0.0,
        Domain::Positive => x.is_finite() && x > 0.0,
        Domain::BelowOne => (0.0..1.0).contains(&x),
        Domain::UpToOne => (0.0..=1.0).contains(&x),
        Domain::PositiveBelowOne => 0.0 < x && x < 1.0,
        Domain::PositiveUpToOne => 0.0 < x && x <= 1.0,
    };
    let mut random = Random::new(1);
    let words = (0..100_000).map(|_| random.word());
    // Each power of two of either sign, with its neighbours.
    let borders = (0..512_u32).flat_map(|top| (0..3_u32).map(move |k| (top << 23).wrapping_add(k).wrapping_sub(1)));
    for x in words.chain(borders).map(f32::from_bits) {
        for domain in DOMAINS {
            assert_eq!(domain.contains(x), plain(domain, x), "{x:e} ({:#x}), {domain}", x.to_bits());
        }
    }
    for domain in DOMAINS {
        let (outside, inside) = outside_and_inside(domain);
        assert!(outside.iter().all(|x| !domain.contains(*x)) && inside.iter().all(|x| domain.contains(*x)), "{domain}");
    }
}

/// A training on its way, with a stored gradient.
struct Training<O: Optimizer> {
    trainer: Box<Trainer<Net, O, B, FLOATS>>,
    optimizer: O,
    gradients: Gradients<Net>,
}

impl<O: Optimizer<Slot: State> + State> Training<O> {
    fn new(optimizer: O) -> Self {
        let mut new = Self { trainer: Box::new(Trainer::NEW), optimizer, gradients: Gradients::NEW };
        new.trainer.network = random_network(&mut Random::new(2));
        let data = Dataset::from_arrays(&INPUTS, &LABELS);
        for _ in 0..3 {
            new.trainer.step(&data, CrossEntropy, &mut new.optimizer).expect("sound data");
        }
        new.trainer.accumulate(&mut new.gradients, &data, CrossEntropy, 2 * B).expect("sound data");
        new
    }

    /// All bits that a training keeps, the gradient among them, and whether it is stored.
    fn everything(&self) -> (Vec<u8>, Vec<u32>) {
        let mut bytes = [saved(&self.optimizer), saved(&self.gradients)].concat();
        self.trainer.slots.for_each_tensor(&mut |slots| slots.iter().for_each(|slot| bytes.extend(saved(slot))));
        (bytes, bits(&parameters(&self.trainer.network)))
    }

    /// Every way to update refuses, and changes nothing.
    fn refuses_the_optimizer(&mut self, error: StepError, what: &str) {
        let before = self.everything();
        let data = Dataset::from_arrays(&INPUTS, &LABELS);
        let Self { trainer, optimizer, gradients } = self;
        assert_eq!(trainer.step(&data, CrossEntropy, optimizer), Err(error), "step: {what}");
        assert_eq!(trainer.step_frozen(1, &data, CrossEntropy, optimizer), Err(error), "frozen: {what}");
        assert_eq!(poll_to_the_end(trainer, &data, CrossEntropy, optimizer), Err(error), "slices: {what}");
        let mut slices = trainer.step_in_slices(&data, CrossEntropy, optimizer);
        assert_eq!((slices.poll(), slices.is_updating()), (Err(error), false), "the first slice: {what}");
        assert_eq!(trainer.apply(gradients, optimizer), Err(error), "apply: {what}");
        assert_eq!(before, self.everything(), "{what}");
        // The gradient is still stored.
        let Trainer { network, slots, .. } = &mut *self.trainer;
        let again = apply::<Net, O>(network, slots, &mut self.gradients, &mut self.optimizer);
        assert_eq!(again, Err(error), "apply again: {what}");
    }

    /// Every pass with a loss refuses, and changes nothing.
    fn refuses_the_loss<L, D>(&mut self, samples: &D, loss: L, error: StepError, what: &str)
    where
        L: Loss<Features<3>, Identity, D::Target> + Copy,
        D: Samples<Input = [f32; 3]>,
    {
        let before = self.everything();
        let Self { trainer, optimizer, gradients } = self;
        assert_eq!(trainer.step(samples, loss, optimizer), Err(error), "step: {what}");
        assert_eq!(trainer.step_frozen(1, samples, loss, optimizer), Err(error), "frozen: {what}");
        assert_eq!(poll_to_the_end(trainer, samples, loss, optimizer), Err(error), "slices: {what}");
        assert_eq!(trainer.accumulate(gradients, samples, loss, B), Err(error), "accumulate: {what}");
        assert_eq!(trainer.mean_loss(samples, loss), Err(error), "mean_loss: {what}");
        assert_eq!(before, self.everything(), "{what}");
        let Trainer { network, workspace, .. } = &mut *self.trainer;
        let all = accumulate_all(network, &mut self.gradients, workspace, samples, &loss);
        assert_eq!(all, Err(error), "accumulate_all: {what}");
        assert_eq!(before, self.everything(), "accumulate_all: {what}");
    }
}

/// A setting of an optimizer, before its first step and on its way.
fn setting<O>(start: O, name: &'static str, domain: Domain, set: impl Fn(&mut O, f32))
where
    O: Optimizer<Slot: State> + State + Copy,
{
    let (outside, inside) = outside_and_inside(domain);
    let mut training = Training::new(start);
    let good = training.optimizer;
    for bad in outside {
        let what = format!("{name} = {bad:e} of {}", std::any::type_name::<O>());
        set(&mut training.optimizer, bad);
        training.refuses_the_optimizer(StepError::Setting(SettingError { setting: name, domain }), &what);
        training.optimizer = good;
    }
    training.trainer.apply(&mut training.gradients, &mut training.optimizer).expect("the gradient is still there");
    for edge in inside {
        let mut training = Training::new(start);
        set(&mut training.optimizer, edge);
        let data = Dataset::from_arrays(&INPUTS, &LABELS);
        let stepped = training.trainer.step(&data, CrossEntropy, &mut training.optimizer);
        assert!(stepped.is_ok(), "{name} = {edge:e} of {}: {stepped:?}", std::any::type_name::<O>());
    }
}

#[test]
fn every_setting_of_every_optimizer_is_refused_outside_of_its_domain() {
    use Domain::{BelowOne, NonNegative, Positive, UpToOne};
    setting(Sgd::new(0.1), "learning_rate", NonNegative, |o, x| o.learning_rate = x);
    setting(Momentum::new(0.1), "learning_rate", NonNegative, |o, x| o.learning_rate = x);
    setting(Momentum::new(0.1), "momentum", BelowOne, |o, x| o.momentum = x);
    setting(SgdMomentum::new(0.1), "learning_rate", NonNegative, |o, x| o.learning_rate = x);
    setting(SgdMomentum::new(0.1), "momentum", BelowOne, |o, x| o.momentum = x);
    setting(Nesterov::new(0.1), "learning_rate", NonNegative, |o, x| o.learning_rate = x);
    setting(Nesterov::new(0.1), "momentum", BelowOne, |o, x| o.momentum = x);
    setting(AdaGrad::new(0.1), "learning_rate", NonNegative, |o, x| o.learning_rate = x);
    setting(AdaGrad::new(0.1), "epsilon", Positive, |o, x| o.epsilon = x);
    setting(RmsProp::new(0.1), "learning_rate", NonNegative, |o, x| o.learning_rate = x);
    setting(RmsProp::new(0.1), "decay", BelowOne, |o, x| o.decay = x);
    setting(RmsProp::new(0.1), "epsilon", Positive, |o, x| o.epsilon = x);
    setting(Adam::new(0.1), "learning_rate", NonNegative, |o, x| o.learning_rate = x);
    setting(Adam::new(0.1), "beta1", BelowOne, |o, x| o.beta1 = x);
    setting(Adam::new(0.1), "beta2", BelowOne, |o, x| o.beta2 = x);
    setting(Adam::new(0.1), "epsilon", Positive, |o, x| o.epsilon = x);
    setting(Adam::new(0.1), "beta1_power", UpToOne, |o, x| o.beta1_power = x);
    setting(Adam::new(0.1), "beta2_power", UpToOne, |o, x| o.beta2_power = x);
    setting(AdamW::new(0.1), "weight_decay", NonNegative, |o, x| o.weight_decay = x);
    setting(AdamW::new(0.1), "beta2", BelowOne, |o, x| o.adam.beta2 = x);
    setting(Lion::new(0.1), "learning_rate", NonNegative, |o, x| o.learning_rate = x);
    setting(Lion::new(0.1), "beta1", BelowOne, |o, x| o.beta1 = x);
    setting(Lion::new(0.1), "beta2", BelowOne, |o, x| o.beta2 = x);
    setting(Lion::new(0.1), "weight_decay", NonNegative, |o, x| o.weight_decay = x);
    setting(WeightDecay::new(0.1, Sgd::new(0.1)), "weight_decay", NonNegative, |o, x| o.weight_decay = x);
    setting(WeightDecay::new(0.1, Adam::new(0.1)), "epsilon", Positive, |o, x| o.optimizer.epsilon = x);
    setting(ClipValue::new(0.1, Adam::new(0.1)), "limit", Positive, |o, x| o.limit = x);
    let nested = ClipValue::new(0.1, WeightDecay::new(0.1, AdamW::new(0.1)));
    setting(nested, "learning_rate", NonNegative, |o, x| o.optimizer.optimizer.adam.learning_rate = x);
}

/// Finds an optimizer that is added without `check_settings`, or with a field that it forgets.
#[test]
fn no_optimizer_of_the_catalogue_has_a_number_that_may_be_anything() {
    struct EachNumber;
    impl VisitOptimizers for EachNumber {
        fn optimizer<O: SavedRule>(&mut self, name: &'static str, start: O, _: Formula) {
            let bytes = saved(&start);
            assert_eq!(start.check_settings(), Ok(()), "{name}");
            // All that they keep are `f32`s.
            for place in (0..bytes.len()).step_by(4) {
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0] {
                    let mut damaged = bytes.clone();
                    damaged[place..place + 4].copy_from_slice(&bad.to_le_bytes());
                    let mut optimizer = start;
                    load(&mut optimizer, &damaged);
                    assert!(optimizer.check_settings().is_err(), "{name} accepts {bad}: {optimizer:?}");
                }
            }
        }
    }
    each_optimizer(&mut EachNumber);
}

fn of_loss<L>(name: &'static str, domain: Domain, loss: impl Fn(f32) -> L)
where
    L: Loss<Features<3>, Identity, u8> + Copy,
{
    let (outside, inside) = outside_and_inside(domain);
    let data = Dataset::from_arrays(&INPUTS, &LABELS);
    for bad in outside {
        let mut training = Training::new(Adam::new(0.1));
        let error = StepError::Setting(SettingError { setting: name, domain });
        let what = format!("{name} = {bad:e} of {}", std::any::type_name::<L>());
        training.refuses_the_loss(&data, loss(bad), error, &what);
        let Trainer { network, workspace, .. } = &mut *training.trainer;
        assert_eq!(evaluate(network, workspace, &data, &loss(bad), 1).err(), Some(error), "evaluate: {what}");
        assert_eq!(mean_loss(network, workspace, &data, &loss(bad)).err(), Some(error), "mean_loss: {what}");
    }
    for edge in inside {
        assert_eq!(loss(edge).check_settings(), Ok(()), "{name} = {edge:e} of {}", std::any::type_name::<L>());
    }
}

#[test]
fn every_setting_of_every_loss_is_refused_outside_of_its_domain() {
    of_loss("delta", Domain::Positive, |delta| OneHot(Huber { delta }));
    of_loss("smoothing", Domain::UpToOne, |smoothing| LabelSmoothing { smoothing });
    for class in 0..3 {
        of_loss("weights", Domain::NonNegative, |weight| {
            let mut weights = [0.5, 1.0, 2.0];
            weights[class] = weight;
            WeightedCrossEntropy { weights }
        });
    }
    let error = StepError::Setting(SettingError { setting: "delta", domain: Domain::Positive });
    let data = Dataset::from_arrays(&INPUTS, &[[0.5; 3]; B]);
    for delta in outside_and_inside(Domain::Positive).0 {
        Training::new(Sgd::new(0.1)).refuses_the_loss(&data, Huber { delta }, error, &format!("delta = {delta:e}"));
    }
}

/// Finds a loss that is added with settings: it needs a line in the test above.
#[test]
fn no_other_loss_of_the_catalogue_has_settings() {
    struct WithSettings(Vec<&'static str>);
    impl VisitLosses for WithSettings {
        fn loss<L: Loss<Features<3>, Identity, T> + Copy, T: Target>(&mut self, loss: L, formula: LossFormula) {
            assert_eq!(loss.check_settings(), Ok(()), "{}", formula.name);
            if size_of::<L>() > 0 {
                self.0.push(formula.name);
            }
        }
    }
    let mut found = WithSettings(Vec::new());
    each_loss(&mut found);
    assert_eq!(found.0, ["Huber", "WeightedCrossEntropy", "LabelSmoothing"]);
}

#[test]
fn a_target_outside_of_its_domain_is_refused_and_its_sample_named() {
    fn refused<L: Loss<Features<3>, Identity, [f32; 3]> + Copy>(loss: L, domain: Domain) {
        let mut training = Training::new(Adam::new(0.1));
        let (outside, inside) = outside_and_inside(domain);
        for (place, bad) in (0..3 * B).flat_map(|place| outside.iter().map(move |bad| (place, *bad))) {
            let (sample, mut targets) = (place / 3, [[0.25; 3]; B]);
            targets[sample][place % 3] = bad;
            let error = match bad.is_finite() {
                true => StepError::TargetOutOfRange { sample, domain },
                false => StepError::NonFiniteTarget { sample },
            };
            let data = Dataset::from_arrays(&INPUTS, &targets);
            training.refuses_the_loss(&data, loss, error, &format!("{bad:e} at {place}"));
        }
        for edge in inside {
            assert_eq!(loss.check(&[0.5, edge, 0.25]), Ok(()), "{edge:e}");
        }
    }
    refused(BinaryCrossEntropy, Domain::UpToOne);
    refused(SoftCrossEntropy, Domain::NonNegative);
    refused(MeanSquaredError, Domain::Finite);
}

#[test]
fn clip_norm_refuses_a_limit_outside_of_its_domain_and_changes_nothing() {
    let mut training = Training::new(Adam::new(0.1));
    let before = training.everything();
    let (outside, inside) = outside_and_inside(Domain::Positive);
    for limit in outside {
        let error = StepError::Setting(SettingError { setting: "limit", domain: Domain::Positive });
        assert_eq!(training.gradients.clip_norm(limit), Err(error), "{limit:e}");
        assert_eq!(before, training.everything(), "{limit:e}");
    }
    for limit in inside {
        assert!(training.gradients.clip_norm(limit).is_ok(), "{limit:e}");
    }
}

#[test]
fn a_mean_over_no_samples_is_refused_and_changes_nothing() {
    let mut training = Training::new(Adam::new(0.1));
    let before = training.everything();
    let (labels, values) = (Dataset::from_arrays(&INPUTS, &LABELS), Dataset::from_arrays(&INPUTS, &[[0.5; 3]; B]));
    let Training { trainer, gradients, .. } = &mut training;
    assert_eq!(trainer.accumulate(gradients, &labels, CrossEntropy, 0), Err(StepError::NoSamples));
    assert_eq!(trainer.accumulate(gradients, &values, baregrad::SumOfSquares, 0), Err(StepError::NoSamples));
    assert_eq!(before, training.everything());
}

#[test]
fn a_threshold_or_target_that_is_not_finite_leaves_a_confusion_matrix_as_it_was() {
    let mut trainer = Trainer::<Dense<3, 1>, Sgd, 2, FLOATS>::NEW;
    let mut matrix = ConfusionMatrix::NEW;
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let good = Dataset::from_arrays(&INPUTS, &[[1.0]; B]);
        let error = StepError::Setting(SettingError { setting: "threshold", domain: Domain::Finite });
        assert_eq!(trainer.binary_confusion_matrix(&good, bad, &mut matrix), Err(error), "{bad}");
        // In the second batch.
        let targets = [[0.0], [1.0], [0.0], [bad]];
        let bad_target = Dataset::from_arrays(&INPUTS, &targets);
        let error = Err(StepError::NonFiniteTarget { sample: 3 });
        assert_eq!(trainer.binary_confusion_matrix(&bad_target, 0.0, &mut matrix), error, "{bad}");
    }
    assert_eq!(matrix, ConfusionMatrix::NEW);
}

#[test]
fn a_uniform_that_makes_no_sense_gives_a_network_that_nothing_uses() {
    let refused = |low, high| Uniform::weights(low, high).check_settings().err().map(|error| error.setting);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!((refused(bad, 1.0), refused(-1.0, bad)), (Some("low"), Some("high")), "{bad}");
    }
    assert_eq!(refused(0.5, -0.5), Some("high - low"), "the wrong way round");
    assert_eq!(refused(-f32::MAX, f32::MAX), Some("high - low"), "too wide");
    assert_eq!([refused(0.5, 0.5), refused(-0.0, 0.0), refused(0.0, f32::MAX), refused(-TINY, TINY)], [None; 4]);

    let data = Dataset::from_arrays(&INPUTS, &LABELS);
    for (low, high) in [(f32::NAN, 1.0), (0.5, -0.5), (0.0, f32::INFINITY), (-f32::MAX, f32::MAX)] {
        let mut trainer = Trainer::<Net, Sgd, B, FLOATS>::NEW;
        trainer.network.initialize_with(Uniform::weights(low, high), || panic!("nothing is drawn"));
        assert!(parameters(&trainer.network).iter().all(|value| value.is_nan()), "[{low}, {high})");
        let error = StepError::NonFinitePreActivation { layer: 0 };
        assert_eq!(trainer.step(&data, CrossEntropy, &mut Sgd::new(0.1)), Err(error));
        assert_eq!(trainer.mean_loss(&data, CrossEntropy), Err(error));
        assert!(trainer.network.predict_in(&INPUTS[0], &mut [0.0; FLOATS]).is_err());
        assert_eq!(trainer.check(), Err(StepError::NonFiniteState));
    }
}

#[test]
fn the_text_of_a_refused_setting_says_which_and_what_it_must_be() {
    let texts: [&str; DOMAINS.len()] = [
        "finite",
        "finite and at least 0",
        "finite and above 0",
        "at least 0 and below 1",
        "at least 0 and at most 1",
        "above 0 and below 1",
        "above 0 and at most 1",
    ];
    for (domain, text) in DOMAINS.into_iter().zip(texts) {
        let error = SettingError { setting: "momentum", domain };
        assert_eq!(StepError::from(error).to_string(), format!("setting `momentum` must be {text}"));
        let error = StepError::TargetOutOfRange { sample: 7, domain };
        assert_eq!(error.to_string(), format!("a target of sample 7 must be {text}"));
    }
}

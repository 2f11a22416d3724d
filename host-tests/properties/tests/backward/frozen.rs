//! Frozen layers: a step that leaves the first layers as they are is a step of the others on what those make of the samples.
//!
//! Oracle: the upper layers as a network of their own, trained by `step` on the outputs of the lower ones; bit for bit.

use crate::common::{FLOATS, Random, bits, parameters, random_network};
use baregrad::optimizer::Optimizer;
use baregrad::{
    Adam, CrossEntropy, Dataset, Dense, Momentum, Network, Relu, Sgd, Sigmoid, StepError, Tanh, Trainer, floats,
};

type First = Dense<3, 7, Relu>;
type Second = Dense<7, 5, Tanh>;
type Third = Dense<5, 4, Sigmoid>;
type Last = Dense<4, 3>;
/// With a network inside, where one of the borders lies.
type Net = (First, (Second, Third), Last);

const SAMPLES: usize = 6;

/// Steps of the whole network with `frozen` layers, and of `Upper` alone on what `below` makes of the samples.
fn assert_same_as_upper<O: Optimizer + Clone, const IN: usize, Upper>(
    frozen: usize,
    optimizer: O,
    below: impl Fn(&Net, &[f32; 3]) -> [f32; IN],
    upper: impl Fn(&Net) -> Upper,
) where
    Upper: Network<In = baregrad::Features<IN>, Out = baregrad::Features<3>, Activation = baregrad::Identity>,
{
    let mut random = Random::new(11);
    let network: Net = random_network(&mut random);
    let inputs: [[f32; 3]; SAMPLES] = std::array::from_fn(|_| std::array::from_fn(|_| random.input()));
    let labels: [u8; SAMPLES] = std::array::from_fn(|_| random.below(3) as u8);
    let seen = inputs.map(|input| below(&network, &input));

    let mut whole = Trainer::<Net, O, SAMPLES, { floats::<Net>() }>::NEW;
    whole.network = network;
    let mut alone = Trainer::<Upper, O, SAMPLES, FLOATS>::NEW;
    alone.network = upper(&network);
    let (mut first, mut second) = (optimizer.clone(), optimizer);
    for count in [SAMPLES, 1, 4, SAMPLES] {
        let data = Dataset::new(&inputs[..count], &labels[..count]).expect("as many labels");
        let seen = Dataset::new(&seen[..count], &labels[..count]).expect("as many labels");
        whole.workspace.memory = [[f32::NAN; floats::<Net>()]; SAMPLES];
        let left = whole.step_frozen(frozen, &data, CrossEntropy, &mut first).expect("sound");
        let right = alone.step(&seen, CrossEntropy, &mut second).expect("sound");
        assert_eq!(left.to_bits(), right.to_bits());
    }
    let (before, after) = (parameters(&network), parameters(&whole.network));
    let border = before.len() - Upper::PARAMETERS;
    assert_eq!(bits(&after[..border]), bits(&before[..border]), "frozen");
    assert_eq!(bits(&after[border..]), bits(&parameters(&alone.network)), "as alone");
    assert_ne!(bits(&after[border..]), bits(&before[border..]), "trained");
}

fn assert_all_borders<O: Optimizer + Clone>(optimizer: O) {
    assert_same_as_upper(0, optimizer.clone(), |_, input| *input, |network| *network);
    let first = |network: &Net, input: &[f32; 3]| *network.0.predict(input).as_array();
    assert_same_as_upper(1, optimizer.clone(), first, |network| (network.1, network.2));
    let second = move |network: &Net, input: &[f32; 3]| *network.1.0.predict(&first(network, input)).as_array();
    assert_same_as_upper(2, optimizer.clone(), second, |network| (network.1.1, network.2));
    let third = move |network: &Net, input: &[f32; 3]| *network.1.1.predict(&second(network, input)).as_array();
    assert_same_as_upper(3, optimizer, third, |network| network.2);
}

#[test]
fn steps_with_frozen_layers_are_those_of_the_layers_above_alone() {
    assert_all_borders(Sgd::new(0.1));
    assert_all_borders(Momentum::new(0.1));
    assert_all_borders(Adam::new(0.01));
}

#[test]
fn freezing_every_layer_is_refused_and_changes_nothing() {
    let mut trainer = Trainer::<Net, Adam, 1, { floats::<Net>() }>::NEW;
    trainer.network = random_network(&mut Random::new(1));
    let before = parameters(&trainer.network);
    let data = Dataset::from_arrays(&[[0.5; 3]], &[1_u8]);
    let mut adam = Adam::new(0.1);
    for frozen in [4, 5, usize::MAX] {
        let refused = trainer.step_frozen(frozen, &data, CrossEntropy, &mut adam);
        assert_eq!(refused, Err(StepError::AllFrozen { layers: 4 }));
    }
    assert_eq!(adam, Adam::new(0.1));
    assert_eq!(bits(&parameters(&trainer.network)), bits(&before));
    let refused = trainer.step_frozen(3, &Dataset::from_arrays(&[[f32::NAN; 3]], &[1_u8]), CrossEntropy, &mut adam);
    assert_eq!(refused, Err(StepError::NonFiniteInput { sample: 0 }));
    assert_eq!((adam, bits(&parameters(&trainer.network))), (Adam::new(0.1), bits(&before)));
}

//! What the program `same_bits` must print, by the textbook's loops: where `firmware-example/same_bits.expected` comes from.

use std::fmt::Write;

use firmware_example::same_bits::{
    ACTIVATIONS, BATCHES, CLIP, Case, Checksum, DIGITS, DIVERGENCE, Data, FUNCTIONS, LEARNING_RATE, LOSSES,
    MOST_DIVERGING, OPTIMIZERS, OUTPUTS, REPORTED, STEPS, WEIGHT_DECAY, cases, grid,
};
use firmware_example::{digits, iris, xor};
use rand_core::Rng;
use rand_pcg::Pcg32;

use crate::textbook::{Activation, Layer, Loss, Network, Optimizer, SlotRule, Target, step, uniform};

/// All lines, `case stage crc`.
pub fn expected(small_only: bool) -> String {
    let mut lines = String::new();
    for case in cases(small_only) {
        train(case, &mut |stage, crc| writeln!(lines, "{case} {stage} {crc:08x}").expect("a String takes everything"));
    }
    for (name, function) in FUNCTIONS {
        let values: Vec<f32> = grid().map(function).collect();
        writeln!(lines, "scalar {name} {:08x}", crc(&values)).expect("a String takes everything");
    }
    for (name, data, loss) in [("Xor", Data::Xor, Loss::MeanSquaredError), ("Iris", Data::Iris, Loss::CrossEntropy)] {
        let (error, step) = diverge(data, loss);
        writeln!(lines, "{name} diverges-{error} {step:08x}").expect("a String takes everything");
    }
    lines
}

/// Which error a training by far too large a rate ends with, and at which step. Without activations the outputs of a layer are its
/// pre-activations.
fn diverge(data: Data, loss: Loss) -> (&'static str, u32) {
    let (sizes, inputs, targets, learning_rate) = match data {
        Data::Xor => {
            let targets = xor::TARGETS.map(|row| Target::Values(row.to_vec()));
            ([2, 3, 1], rows(&xor::INPUTS), targets.to_vec(), DIVERGENCE[0])
        }
        _ => {
            let targets = iris::TRAIN_LABELS[..4].iter().map(|&label| Target::Label(label.into()));
            ([4, 5, 3], rows(&iris::TRAIN_INPUTS[..4]), targets.collect(), DIVERGENCE[1])
        }
    };
    let layer = |inputs, outputs| Layer::zero(inputs, outputs, Activation::Identity);
    let mut network = Network { layers: vec![layer(sizes[0], sizes[1]), layer(sizes[1], sizes[2])] };
    let mut generator = Pcg32::new(1, 0);
    let drawn: Vec<f32> = network.parameters().iter().map(|_| uniform(-0.5, 0.5, generator.next_u32())).collect();
    network.set_parameters(&drawn);
    let mut rule = Optimizer::Sgd { learning_rate };
    for number in 1..=MOST_DIVERGING {
        if !network.forward(&inputs).concat().concat().iter().all(|z| z.is_finite()) {
            return ("NonFinitePreActivation", number);
        }
        if !step(&mut network, &mut rule, &inputs, &targets, loss).is_finite() {
            return ("NonFiniteLoss", number);
        }
    }
    panic!("{data:?} does not diverge")
}

fn crc(values: &[f32]) -> u32 {
    let mut checksum = Checksum::new();
    checksum.add(values);
    checksum.finish()
}

fn train(case: Case, report: &mut dyn FnMut(&str, u32)) {
    let (sizes, inputs, labels) = match case.data {
        Data::Xor => ([2, 3, 1], rows(&xor::INPUTS), Vec::new()),
        Data::Iris => ([4, 5, 3], rows(&iris::TRAIN_INPUTS), iris::TRAIN_LABELS.to_vec()),
        Data::Digits => {
            let pixels = digits::TRAIN_INPUTS[..DIGITS].iter();
            let inputs = pixels.map(|row| row.iter().map(|&p| f32::from(p) / 16.0).collect());
            ([64, 32, 10], inputs.collect(), digits::TRAIN_LABELS[..DIGITS].to_vec())
        }
    };
    let hidden = activation(ACTIVATIONS[case.activation]);
    let (loss, on_logits) = loss(LOSSES[case.loss]);
    let output = if on_logits { Activation::Identity } else { hidden };
    let target = |i: usize| match loss {
        Loss::CrossEntropy | Loss::WeightedCrossEntropy => Target::Label(labels[i].into()),
        // One-hot, where there are labels.
        _ if labels.is_empty() => Target::Values(xor::TARGETS[i].to_vec()),
        _ => Target::Values((0..sizes[2]).map(|k| if k == usize::from(labels[i]) { 1.0 } else { 0.0 }).collect()),
    };

    let mut generator = Pcg32::new(case.seed(), 0);
    let mut network =
        Network { layers: vec![Layer::zero(sizes[0], sizes[1], hidden), Layer::zero(sizes[1], sizes[2], output)] };
    let drawn: Vec<f32> = network.parameters().iter().map(|_| uniform(-0.5, 0.5, generator.next_u32())).collect();
    network.set_parameters(&drawn);
    report("init", crc(&network.parameters()));
    let outputs = network.forward(&inputs[..OUTPUTS.min(inputs.len())]);
    report("forward", crc(&outputs[1].concat()));

    let mut rule = optimizer(OPTIMIZERS[case.optimizer], drawn.len());
    for number in 1..=STEPS {
        let chosen: Vec<usize> = (0..BATCHES[case.batch])
            .map(|_| ((u64::from(generator.next_u32()) * inputs.len() as u64) >> 32) as usize)
            .collect();
        let batch: Vec<Vec<f32>> = chosen.iter().map(|&i| inputs[i].clone()).collect();
        let targets: Vec<Target> = chosen.iter().map(|&i| target(i)).collect();
        step(&mut network, &mut rule, &batch, &targets, loss);
        if REPORTED.contains(&number) {
            report(&format!("step{number}"), crc(&network.parameters()));
        }
    }
    report("state", crc(&state(&rule)));
}

fn rows<const N: usize>(rows: &[[f32; N]]) -> Vec<Vec<f32>> {
    rows.iter().map(|row| row.to_vec()).collect()
}

fn activation(name: &str) -> Activation {
    match name {
        "Identity" => Activation::Identity,
        "Sigmoid" => Activation::Sigmoid,
        "Tanh" => Activation::Tanh,
        "Relu" => Activation::Relu,
        "LeakyRelu" => Activation::LeakyRelu,
        other => panic!("no activation {other}"),
    }
}

/// The loss, and whether it takes logits.
fn loss(name: &str) -> (Loss, bool) {
    match name {
        "MeanSquaredError" => (Loss::MeanSquaredError, false),
        "HalfMeanSquaredError" => (Loss::HalfMeanSquaredError, false),
        "SumOfSquares" | "OneHot" => (Loss::SumOfSquares, false),
        "MeanAbsoluteError" => (Loss::MeanAbsoluteError, false),
        "Huber" => (Loss::Huber, false),
        "BinaryCrossEntropy" => (Loss::BinaryCrossEntropy, true),
        "CrossEntropy" => (Loss::CrossEntropy, true),
        "WeightedCrossEntropy" => (Loss::WeightedCrossEntropy, true),
        other => panic!("no loss {other}"),
    }
}

fn optimizer(name: &str, parameters: usize) -> Optimizer {
    let (learning_rate, weight_decay) = (LEARNING_RATE, WEIGHT_DECAY);
    let slotted = |rule| Optimizer::slotted(rule, learning_rate, parameters);
    let sgd = || Box::new(Optimizer::Sgd { learning_rate });
    let adam = || Box::new(Optimizer::adam(learning_rate, parameters));
    match name {
        "Sgd" => *sgd(),
        "Momentum" => slotted(SlotRule::Momentum),
        "SgdMomentum" => slotted(SlotRule::SgdMomentum),
        "Nesterov" => slotted(SlotRule::Nesterov),
        "AdaGrad" => slotted(SlotRule::AdaGrad),
        "RmsProp" => slotted(SlotRule::RmsProp),
        "Adam" => *adam(),
        "AdamW" => Optimizer::AdamW { learning_rate, weight_decay, adam: adam() },
        "WeightDecay" => Optimizer::WeightDecay { weight_decay, inner: sgd() },
        "ClipValue" => Optimizer::ClipValue { limit: CLIP, inner: sgd() },
        other => panic!("no optimizer {other}"),
    }
}

/// What an optimizer remembers of the parameters, in their order.
fn state(optimizer: &Optimizer) -> Vec<f32> {
    match optimizer {
        Optimizer::Sgd { .. } => Vec::new(),
        Optimizer::Adam { moments, .. } => moments.concat(),
        Optimizer::Slotted { slots, .. } => slots.clone(),
        Optimizer::AdamW { adam: inner, .. }
        | Optimizer::WeightDecay { inner, .. }
        | Optimizer::ClipValue { inner, .. } => state(inner),
    }
}

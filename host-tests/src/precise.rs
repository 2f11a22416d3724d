//! The loss of a network in `f64`, straight from the definitions: what central differences are taken of.

use crate::textbook::{Activation, Loss, Network, Target};

/// Loss of a batch with these parameters in place of the network's own, in storage order.
pub fn loss(network: &Network, parameters: &[f64], inputs: &[Vec<f32>], targets: &[Target], loss: Loss) -> f64 {
    let mut sum = 0.0;
    let mut outputs = 0;
    for (input, target) in inputs.iter().zip(targets) {
        let mut rest = parameters;
        let mut x: Vec<f64> = input.iter().map(|&value| f64::from(value)).collect();
        for layer in &network.layers {
            let (weights, after) = rest.split_at(x.len() * layer.bias.len());
            let (bias, after) = after.split_at(layer.bias.len());
            rest = after;
            let mut y = Vec::new();
            for (o, b) in bias.iter().enumerate() {
                let products = x.iter().enumerate().map(|(i, value)| value * weights[i * bias.len() + o]);
                y.push(activate(layer.activation, b + products.sum::<f64>()));
            }
            x = y;
        }
        outputs = x.len();
        sum += sample_loss(&x, target, loss);
    }
    match loss {
        Loss::SumOfSquares => sum,
        Loss::CrossEntropy | Loss::WeightedCrossEntropy | Loss::HalfMeanSquaredError => sum / inputs.len() as f64,
        Loss::MeanSquaredError | Loss::BinaryCrossEntropy | Loss::MeanAbsoluteError | Loss::Huber => {
            sum / (inputs.len() * outputs) as f64
        }
    }
}

/// The gradient by central differences with step `h`.
pub fn gradient(network: &Network, inputs: &[Vec<f32>], targets: &[Target], kind: Loss, h: f64) -> Vec<f64> {
    let mut parameters: Vec<f64> = network.parameters().iter().map(|&value| f64::from(value)).collect();
    (0..parameters.len())
        .map(|k| {
            let centre = parameters[k];
            parameters[k] = centre + h;
            let above = loss(network, &parameters, inputs, targets, kind);
            parameters[k] = centre - h;
            let below = loss(network, &parameters, inputs, targets, kind);
            parameters[k] = centre;
            (above - below) / (2.0 * h)
        })
        .collect()
}

fn activate(activation: Activation, z: f64) -> f64 {
    match activation {
        Activation::Identity => z,
        Activation::Sigmoid => 1.0 / (1.0 + (-z).exp()),
        Activation::Tanh => z.tanh(),
        Activation::Relu => z.max(0.0),
        // The library's factor is 0.01 in f32.
        Activation::LeakyRelu => z.max(0.0) + f64::from(0.01f32) * z.min(0.0),
    }
}

fn sample_loss(outputs: &[f64], target: &Target, loss: Loss) -> f64 {
    match (loss, target) {
        (Loss::MeanSquaredError | Loss::SumOfSquares, Target::Values(t)) => {
            outputs.iter().zip(t).map(|(a, t)| (a - f64::from(*t)).powi(2)).sum()
        }
        (Loss::HalfMeanSquaredError | Loss::MeanAbsoluteError | Loss::Huber, Target::Values(t)) => {
            let errors = outputs.iter().zip(t).map(|(a, t)| a - f64::from(*t));
            let term = |e: f64| match loss {
                Loss::MeanAbsoluteError => e.abs(),
                Loss::Huber if e.abs() > 0.5 => 0.5 * (e.abs() - 0.25),
                _ => 0.5 * e * e,
            };
            errors.map(term).sum()
        }
        (Loss::CrossEntropy | Loss::WeightedCrossEntropy, Target::Label(label)) => {
            let weight = if loss == Loss::CrossEntropy { 1.0 } else { 0.5 + 0.5 * *label as f64 };
            weight * (outputs.iter().map(|z| z.exp()).sum::<f64>().ln() - outputs[*label])
        }
        (Loss::BinaryCrossEntropy, Target::Values(t)) => outputs
            .iter()
            .zip(t)
            .map(|(z, t)| {
                let p = 1.0 / (1.0 + (-z).exp());
                -(f64::from(*t) * p.ln() + (1.0 - f64::from(*t)) * (1.0 - p).ln())
            })
            .sum(),
        _ => panic!("{loss:?} does not take {target:?}"),
    }
}

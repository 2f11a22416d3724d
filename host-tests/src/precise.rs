//! The loss of a network in `f64`, straight from the definitions: what central differences are taken of.

use crate::textbook::{Loss, Network, Target};

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
                y.push((layer.activation.precise)(b + products.sum::<f64>()));
            }
            x = y;
        }
        outputs = x.len();
        let targets: Vec<f64> = target.row(outputs).into_iter().map(f64::from).collect();
        sum += (loss.precise)(&x, &targets);
    }
    sum / f64::from(loss.divisor.of(inputs.len(), outputs))
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

//! Networks of convolutions, pools and dense layers in plain loops: all gradients first, then the update.

use catalogue::networks::{Part, Row};

use crate::convolution::Convolution;
use crate::textbook::{Activation, Loss, Optimizer, Target, activation, loss_and_delta};
use crate::windows::{Pool, Window, axis, pool, pool_gradient, precise_pool, windows};

/// A layer on an image of a certain size.
enum Stage {
    Convolution(Convolution, Activation),
    /// Which pool, its windows, and the channels.
    Pool(Pool, Vec<Vec<usize>>, usize),
}

/// A network, and all of its parameters in storage order.
pub struct Images {
    stages: Vec<Stage>,
    /// Weights and biases.
    pub parameters: Vec<f32>,
}

impl Images {
    /// The network of a row, all zero.
    pub fn of(row: &Row) -> Self {
        let (mut image, mut channels, mut stages, mut count) = (row.image, row.channels, Vec::new(), 0);
        for part in row.parts {
            match *part {
                Part::Convolution {
                    places: (kernel, stride, window),
                    channels: [inputs, outputs],
                    is_depthwise,
                    activation: name,
                } => {
                    assert_eq!(inputs, channels, "{row:?}");
                    let plain = Convolution { image, kernel, stride, window, inputs, outputs, is_depthwise };
                    count += plain.weights() + outputs;
                    image = [0, 1].map(|side| axis(window, image[side], kernel[side], stride[side]).len());
                    channels = outputs;
                    stages.push(Stage::Convolution(plain, activation(name)));
                }
                Part::Pool { places, is_maximum } => {
                    let (kernel, stride, window) = places.unwrap_or((image, image, Window::Valid));
                    let [rows, columns] = [0, 1].map(|side| axis(window, image[side], kernel[side], stride[side]));
                    let kind = if is_maximum { Pool::Maximum } else { Pool::Average };
                    stages.push(Stage::Pool(kind, windows(&rows, &columns, image[1]), channels));
                    image = [rows.len(), columns.len()];
                }
                Part::Flatten => (image, channels) = ([1, 1], image[0] * image[1] * channels),
            }
        }
        assert_eq!(image, [1, 1], "{row:?}");
        Self { stages, parameters: vec![0.0; count] }
    }

    /// What goes into each layer, its pre-activations, and what comes out: `[sample][layer]`.
    fn values(&self, input: &[f32]) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
        let (mut z, mut a, mut rest) = (Vec::new(), vec![input.to_vec()], &self.parameters[..]);
        for stage in &self.stages {
            let x = a.last().expect("the input");
            let (before, after) = match stage {
                Stage::Convolution(plain, curve) => {
                    let (weights, behind) = rest.split_at(plain.weights());
                    let (bias, behind) = behind.split_at(plain.outputs);
                    rest = behind;
                    let z = plain.forward(weights, bias, x);
                    let a = z.iter().map(|z| (curve.value)(*z)).collect();
                    (z, a)
                }
                Stage::Pool(kind, windows, channels) => {
                    let y = pool(*kind, windows, *channels, x);
                    (y.clone(), y)
                }
            };
            z.push(before);
            a.push(after);
        }
        (z, a)
    }

    /// The output for one sample.
    pub fn predict(&self, input: &[f32]) -> Vec<f32> {
        self.values(input).1.pop().expect("an output")
    }

    /// The output for one sample in `f64`.
    pub fn precise(&self, input: &[f64]) -> Vec<f64> {
        let parameters: Vec<f64> = self.parameters.iter().map(|value| f64::from(*value)).collect();
        let (mut x, mut rest) = (input.to_vec(), &parameters[..]);
        for stage in &self.stages {
            x = match stage {
                Stage::Convolution(plain, curve) => {
                    let (weights, behind) = rest.split_at(plain.weights());
                    let (bias, behind) = behind.split_at(plain.outputs);
                    rest = behind;
                    plain.precise(weights, bias, &x).into_iter().map(curve.precise).collect()
                }
                Stage::Pool(kind, windows, channels) => precise_pool(*kind, windows, *channels, &x),
            };
        }
        x
    }

    /// One training step; gives the loss before it.
    pub fn step(&mut self, optimizer: &mut Optimizer, inputs: &[Vec<f32>], targets: &[Target], loss: Loss) -> f32 {
        let all: Vec<_> = inputs.iter().map(|input| self.values(input)).collect();
        let last = self.stages.len() - 1;
        let (z, a): (Vec<_>, Vec<_>) = all.iter().map(|(z, a)| (z[last].clone(), a[last + 1].clone())).unzip();
        let (value, mut delta) = loss_and_delta(&z, &a, targets, loss, activation("Identity"));
        let (mut gradients, mut end) = (Vec::new(), self.parameters.len());
        for stage in (0..=last).rev() {
            // The gradient of what went in, sample by sample.
            let dx: Vec<Vec<f32>> = match &self.stages[stage] {
                Stage::Convolution(plain, _) => {
                    let start = end - plain.weights() - plain.outputs;
                    let weights = &self.parameters[start..start + plain.weights()];
                    let x: Vec<f32> = all.iter().flat_map(|(_, a)| a[stage].clone()).collect();
                    let (of_weights, of_bias) = plain.gradients(&x, &delta.concat());
                    gradients = [of_weights, of_bias, gradients].concat();
                    end = start;
                    delta.iter().map(|delta| plain.input_gradient(weights, delta)).collect()
                }
                Stage::Pool(kind, windows, channels) => {
                    let samples = all.iter().zip(&delta);
                    samples.map(|((_, a), delta)| pool_gradient(*kind, windows, *channels, &a[stage], delta)).collect()
                }
            };
            if stage > 0 {
                delta = match &self.stages[stage - 1] {
                    Stage::Convolution(_, curve) => {
                        let back = |dx: &[f32], z: &[f32], a: &[f32]| -> Vec<f32> {
                            (0..dx.len()).map(|k| (curve.back)(dx[k], z[k], a[k])).collect()
                        };
                        dx.iter().zip(&all).map(|(dx, (z, a))| back(dx, &z[stage - 1], &a[stage])).collect()
                    }
                    Stage::Pool(..) => dx,
                };
            }
        }
        optimizer.update(0, &mut self.parameters, &gradients);
        value
    }
}

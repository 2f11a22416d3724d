//! A convolution with a max pool behind it as one layer, in the plainest loops: what the library's `PooledConv2d` must equal, bit for bit.
//!
//! Nothing here is of the library. The whole map is made, and made again for the gradients.

use crate::convolution::Convolution;
use crate::windows::{Pool, Window, axis, first_greatest, precise_pool, windows};

/// The convolution, and rows and columns of a window of the pool.
#[derive(Clone, Debug)]
pub struct Pooled {
    /// All places of it are in the map.
    pub plain: Convolution,
    /// The windows lie side by side.
    pub pool: [usize; 2],
}

impl Pooled {
    /// The places of each window.
    fn windows(&self) -> Vec<Vec<usize>> {
        let size = |side: usize| self.plain.image[side] + 1 - self.plain.kernel[side];
        let places = |side: usize| axis(Window::Valid, size(side), self.pool[side], self.pool[side]);
        windows(&places(0), &places(1), size(1))
    }

    /// Rows and columns that come out.
    pub fn size(&self) -> [usize; 2] {
        [0, 1].map(|side| (self.plain.image[side] + 1 - self.plain.kernel[side]) / self.pool[side])
    }

    /// What counts in each window, of each channel: the place and its pre-activation.
    fn counts(&self, weights: &[f32], bias: &[f32], x: &[f32]) -> Vec<(usize, f32)> {
        let (map, channels) = (self.plain.forward(weights, bias, x), self.plain.outputs);
        let mut all = Vec::new();
        for window in self.windows() {
            for channel in 0..channels {
                let place = first_greatest(&window, channels, channel, &map);
                all.push((place, map[place * channels + channel]));
            }
        }
        all
    }

    /// The pre-activations of one sample that count.
    pub fn forward(&self, weights: &[f32], bias: &[f32], x: &[f32]) -> Vec<f32> {
        self.counts(weights, bias, x).into_iter().map(|(_, z)| z).collect()
    }

    /// The gradient of the input of one sample: output by output, of each the windows row by row, from 0 on.
    pub fn input_gradient(&self, weights: &[f32], bias: &[f32], x: &[f32], delta: &[f32]) -> Vec<f32> {
        let (counts, mut gradient) = (self.counts(weights, bias, x), vec![0.0; x.len()]);
        let Convolution { inputs, outputs, .. } = self.plain;
        for output in 0..outputs {
            for at in (output..counts.len()).step_by(outputs) {
                for (_, tap, position) in self.plain.meetings().into_iter().filter(|(place, ..)| *place == counts[at].0)
                {
                    for input in 0..inputs {
                        let weight = self.plain.weight(tap, input, output).expect("of every channel");
                        gradient[position * inputs + input] += delta[at] * weights[weight];
                    }
                }
            }
        }
        gradient
    }

    /// The gradients of weights and bias over samples: sample by sample, the windows row by row.
    pub fn gradients(&self, weights: &[f32], bias: &[f32], x: &[Vec<f32>], delta: &[Vec<f32>]) -> (Vec<f32>, Vec<f32>) {
        let Convolution { inputs, outputs, .. } = self.plain;
        let (mut of_weights, mut of_bias) = (vec![Vec::new(); weights.len()], vec![Vec::new(); outputs]);
        for (x, delta) in x.iter().zip(delta) {
            for (at, (counts, _)) in self.counts(weights, bias, x).into_iter().enumerate() {
                of_bias[at % outputs].push(delta[at]);
                for (_, tap, position) in self.plain.meetings().into_iter().filter(|(place, ..)| *place == counts) {
                    for input in 0..inputs {
                        let weight = self.plain.weight(tap, input, at % outputs).expect("of every channel");
                        of_weights[weight].push(x[position * inputs + input] * delta[at]);
                    }
                }
            }
        }
        let sum = |terms: Vec<f32>| terms.into_iter().reduce(|sum, term| sum + term).expect("a term");
        (of_weights.into_iter().map(sum).collect(), of_bias.into_iter().map(sum).collect())
    }

    /// The pre-activations of one sample in `f64`: what predictions are held against, too.
    pub fn precise(&self, weights: &[f64], bias: &[f64], x: &[f64]) -> Vec<f64> {
        precise_pool(Pool::Maximum, &self.windows(), self.plain.outputs, &self.plain.precise(weights, bias, x))
    }
}

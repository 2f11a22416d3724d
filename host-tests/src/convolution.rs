//! Convolutions in the plainest loops: what the library's layers must equal, bit for bit.
//!
//! Nothing here is of the library. Each sum is a list of terms, written out in the order of the docs, and added from the first on.

#![allow(clippy::needless_range_loop)] // indices as the formulas write them

use crate::windows::{Window, taps};

/// What a convolution is, without its weights.
#[derive(Clone, Debug)]
pub struct Convolution {
    /// Rows and columns of the image.
    pub image: [usize; 2],
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Rows and columns from a place to the next.
    pub stride: [usize; 2],
    /// Where the kernel is put.
    pub window: Window,
    /// Channels in.
    pub inputs: usize,
    /// Channels out.
    pub outputs: usize,
    /// Whether each channel has a kernel of its own, and goes into one output.
    pub is_depthwise: bool,
}

impl Convolution {
    /// Taps inside, at each place along an axis.
    fn taps(&self, axis: usize) -> Vec<Vec<(usize, usize)>> {
        taps(self.window, self.image[axis], self.kernel[axis], self.stride[axis])
    }

    /// Places of the kernel.
    pub fn places(&self) -> usize {
        self.taps(0).len() * self.taps(1).len()
    }

    /// Number of weights.
    pub fn weights(&self) -> usize {
        let per_tap = if self.is_depthwise { self.outputs } else { self.inputs * self.outputs };
        self.kernel[0] * self.kernel[1] * per_tap
    }

    /// Which weight a tap has between two channels, if any.
    pub(crate) fn weight(&self, [row, column]: [usize; 2], input: usize, output: usize) -> Option<usize> {
        let tap = row * self.kernel[1] + column;
        match self.is_depthwise {
            false => Some((tap * self.inputs + input) * self.outputs + output),
            true if input == output => Some(tap * self.outputs + output),
            true => None,
        }
    }

    /// All that meets: `(place, tap, position)`, place by place, then row by row of the kernel.
    pub(crate) fn meetings(&self) -> Vec<(usize, [usize; 2], usize)> {
        let (rows, columns) = (self.taps(0), self.taps(1));
        let mut all = Vec::new();
        for r in 0..rows.len() {
            for c in 0..columns.len() {
                for (tap_row, row) in &rows[r] {
                    for (tap_column, column) in &columns[c] {
                        let position = row * self.image[1] + column;
                        all.push((r * columns.len() + c, [*tap_row, *tap_column], position));
                    }
                }
            }
        }
        all
    }

    /// The pre-activations of one sample.
    pub fn forward(&self, weights: &[f32], bias: &[f32], x: &[f32]) -> Vec<f32> {
        let mut z = bias.repeat(self.places());
        for (place, tap, position) in self.meetings() {
            for input in 0..self.inputs {
                for output in 0..self.outputs {
                    if let Some(weight) = self.weight(tap, input, output) {
                        z[place * self.outputs + output] += x[position * self.inputs + input] * weights[weight];
                    }
                }
            }
        }
        z
    }

    /// The gradient of the input of one sample.
    pub fn input_gradient(&self, weights: &[f32], delta: &[f32]) -> Vec<f32> {
        let mut meetings = self.meetings();
        // Row by row of the kernel. No two places have the same tap over one position.
        meetings.sort_by_key(|(_, tap, position)| (*position, *tap));
        let mut terms = vec![Vec::new(); self.image[0] * self.image[1] * self.inputs];
        for (place, tap, position) in meetings {
            for input in 0..self.inputs {
                for output in 0..self.outputs {
                    if let Some(weight) = self.weight(tap, input, output) {
                        let term = delta[place * self.outputs + output] * weights[weight];
                        terms[position * self.inputs + input].push(term);
                    }
                }
            }
        }
        terms.into_iter().map(sum).collect()
    }

    /// The gradients of weights and bias, of samples that lie one after the other.
    pub fn gradients(&self, x: &[f32], delta: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (mut weights, mut bias) = (vec![Vec::new(); self.weights()], vec![Vec::new(); self.outputs]);
        let size = self.image[0] * self.image[1] * self.inputs;
        for (x, delta) in x.chunks(size).zip(delta.chunks(self.places() * self.outputs)) {
            for (place, tap, position) in self.meetings() {
                for input in 0..self.inputs {
                    for output in 0..self.outputs {
                        if let Some(weight) = self.weight(tap, input, output) {
                            let term = x[position * self.inputs + input] * delta[place * self.outputs + output];
                            weights[weight].push(term);
                        }
                    }
                }
            }
            for place in 0..self.places() {
                for output in 0..self.outputs {
                    bias[output].push(delta[place * self.outputs + output]);
                }
            }
        }
        (weights.into_iter().map(sum).collect(), bias.into_iter().map(sum).collect())
    }

    /// The pre-activations of one sample in `f64`: what central differences are taken of.
    pub fn precise(&self, weights: &[f64], bias: &[f64], x: &[f64]) -> Vec<f64> {
        let mut z = bias.repeat(self.places());
        for (place, tap, position) in self.meetings() {
            for input in 0..self.inputs {
                for output in 0..self.outputs {
                    if let Some(weight) = self.weight(tap, input, output) {
                        z[place * self.outputs + output] += x[position * self.inputs + input] * weights[weight];
                    }
                }
            }
        }
        z
    }
}

/// The sum of some terms from the first on; 0 of none.
fn sum(terms: Vec<f32>) -> f32 {
    terms.into_iter().reduce(|sum, term| sum + term).unwrap_or(0.0)
}

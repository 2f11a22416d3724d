//! Networks of all layers in the plainest loops: what the library's networks must equal, bit for bit.
//!
//! A network is a list of [`Block`]s, and its parameters are one flat list in storage order. Forward, then the gradients from the last block to the
//! first, each in a loop of its own. Nothing here is of the library but its scalar functions. Beside it stands the same network in `f64`.
//! The loops of [`Convolution`] and of pools are in files of their own.

#![allow(clippy::needless_range_loop)] // indices as the formulas write them

use crate::convolution::Convolution;
use crate::pooled::Pooled;
use crate::textbook::{Activation, Loss, activation};
use crate::windows::{Pool, pool, pool_gradient, precise_pool};
use baregrad::scalar::sqrt;

/// A layer, or two branches of layers. A sample is one flat list, position after position.
#[derive(Clone, Debug)]
pub enum Block {
    /// `g(x·W + b)` of each position: inputs, outputs, activation.
    Dense(usize, usize, Activation),
    /// Each position of so many channels by its own mean and variance.
    LayerNorm(usize, Activation),
    /// Each of so many channels by its mean and variance over a batch.
    BatchNorm(usize, Activation),
    /// So many percent of the values are 0: percent, seed, steps so far.
    Dropout(u32, u32, u32),
    /// A convolution of each image.
    Convolution(Convolution, Activation),
    /// A convolution of each image, and a max pool.
    Pooled(Pooled, Activation),
    /// A pool: the positions of each window, and the channels.
    Pool(Pool, Vec<Vec<usize>>, usize),
    /// `g(body(x) + shortcut(x))`; without a shortcut the input itself.
    Residual(Vec<Block>, Option<Vec<Block>>, Activation),
}

/// Samples.
pub type Batch = Vec<Vec<f32>>;

/// What a block has made of a batch.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Inputs.
    pub x: Batch,
    /// Pre-activations.
    z: Batch,
    /// Outputs.
    pub y: Batch,
    body: Vec<Trace>,
    shortcut: Vec<Trace>,
}

const EPSILON: f32 = 1e-5;

impl Block {
    fn activation(&self) -> Activation {
        match self {
            Self::Dense(_, _, curve)
            | Self::LayerNorm(_, curve)
            | Self::BatchNorm(_, curve)
            | Self::Convolution(_, curve)
            | Self::Pooled(_, curve)
            | Self::Residual(_, _, curve) => *curve,
            Self::Pool(..) | Self::Dropout(..) => activation("Identity"),
        }
    }

    /// Number of parameters.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Dense(inputs, outputs, _) => inputs * outputs + outputs,
            Self::LayerNorm(channels, _) | Self::BatchNorm(channels, _) => 2 * channels,
            Self::Convolution(plain, _) | Self::Pooled(Pooled { plain, .. }, _) => plain.weights() + plain.outputs,
            Self::Pool(..) | Self::Dropout(..) => 0,
            Self::Residual(body, shortcut, _) => {
                body.iter().chain(shortcut.iter().flatten()).map(Self::parameters).sum()
            }
        }
    }

    /// The parameters before training: those of a normalization change nothing, all others are drawn.
    pub fn initial(&self, draw: &mut impl FnMut() -> f32) -> Vec<f32> {
        match self {
            Self::LayerNorm(channels, _) | Self::BatchNorm(channels, _) => {
                [vec![1.0; *channels], vec![0.0; *channels]].concat()
            }
            Self::Residual(body, shortcut, _) => {
                let mut all = Vec::new();
                for block in body.iter().chain(shortcut.iter().flatten()) {
                    all.extend(block.initial(draw));
                }
                all
            }
            _ => (0..self.parameters()).map(|_| draw()).collect(),
        }
    }

    /// Goes forward over a batch.
    pub fn forward(&self, parameters: &[f32], x: &Batch) -> Trace {
        let (mut z, mut trace) = (Batch::new(), Trace { x: x.clone(), ..Trace::default() });
        match self {
            Self::Dense(inputs, outputs, _) => {
                for sample in x {
                    let mut all = Vec::new();
                    for x in sample.chunks(*inputs) {
                        for o in 0..*outputs {
                            let mut sum = parameters[inputs * outputs + o];
                            for i in 0..*inputs {
                                sum += x[i] * parameters[i * outputs + o];
                            }
                            all.push(sum);
                        }
                    }
                    z.push(all);
                }
            }
            Self::LayerNorm(channels, _) => {
                for sample in x {
                    let mut all = Vec::new();
                    for x in sample.chunks(*channels) {
                        let (normalized, _) = normalize(x);
                        for c in 0..*channels {
                            all.push(normalized[c] * parameters[c] + parameters[channels + c]);
                        }
                    }
                    z.push(all);
                }
            }
            Self::Convolution(plain, _) => {
                let (weights, bias) = parameters.split_at(plain.weights());
                for x in x {
                    z.push(plain.forward(weights, bias, x));
                }
            }
            Self::Pooled(pooled, _) => {
                let (weights, bias) = parameters.split_at(pooled.plain.weights());
                for x in x {
                    z.push(pooled.forward(weights, bias, x));
                }
            }
            Self::Pool(kind, windows, channels) => {
                for x in x {
                    z.push(pool(*kind, windows, *channels, x));
                }
            }
            Self::BatchNorm(channels, _) => {
                z.clone_from(x);
                for c in 0..*channels {
                    let (mean, squares, n) = moments(x, *channels, c);
                    let factor = parameters[c] / sqrt(squares / n + EPSILON);
                    for z in z.iter_mut().flat_map(|z| z.chunks_mut(*channels)) {
                        z[c] = (z[c] - mean) * factor + parameters[channels + c];
                    }
                }
            }
            Self::Dropout(percent, seed, steps) => z = dropped(x, *percent, *seed, *steps),
            Self::Residual(body, shortcut, _) => {
                let (of_body, of_shortcut) = parameters.split_at(count(body));
                trace.body = forward(body, of_body, x);
                let of_body = &trace.body[body.len() - 1].y;
                let of_shortcut = match shortcut {
                    Some(layers) => {
                        trace.shortcut = forward(layers, of_shortcut, x);
                        &trace.shortcut[layers.len() - 1].y
                    }
                    None => x,
                };
                z = sums(of_body, of_shortcut);
            }
        }
        trace.y = z.iter().map(|z| z.iter().map(|z| (self.activation().value)(*z)).collect()).collect();
        trace.z = z;
        trace
    }

    /// The gradients of the input and of the parameters, from that of the pre-activations.
    pub fn backward(&self, parameters: &[f32], trace: &Trace, delta: &Batch) -> (Batch, Vec<f32>) {
        match self {
            Self::Dense(inputs, outputs, _) => {
                let mut dx = Batch::new();
                for delta in delta {
                    let mut all = Vec::new();
                    for delta in delta.chunks(*outputs) {
                        for i in 0..*inputs {
                            all.push(sum((0..*outputs).map(|o| delta[o] * parameters[i * outputs + o])));
                        }
                    }
                    dx.push(all);
                }
                let pairs: Vec<(&[f32], &[f32])> = pairs(&trace.x, *inputs, delta, *outputs);
                let mut gradient = Vec::new();
                for i in 0..*inputs {
                    for o in 0..*outputs {
                        gradient.push(sum(pairs.iter().map(|(x, delta)| x[i] * delta[o])));
                    }
                }
                for o in 0..*outputs {
                    gradient.push(sum(pairs.iter().map(|(_, delta)| delta[o])));
                }
                (dx, gradient)
            }
            Self::LayerNorm(channels, _) => {
                let n = *channels;
                let mut dx = Batch::new();
                for (x, delta) in trace.x.iter().zip(delta) {
                    let mut all = Vec::new();
                    for (x, delta) in x.chunks(n).zip(delta.chunks(n)) {
                        let (normalized, factor) = normalize(x);
                        let u = sum((0..n).map(|c| delta[c] * parameters[c])) / n as f32;
                        let v = sum((0..n).map(|c| delta[c] * parameters[c] * normalized[c])) / n as f32;
                        for c in 0..n {
                            let centred = delta[c] * parameters[c] - u;
                            all.push((centred - normalized[c] * v) * factor);
                        }
                    }
                    dx.push(all);
                }
                let pairs = pairs(&trace.x, n, delta, n);
                let mut gradient = Vec::new();
                for c in 0..n {
                    gradient.push(sum(pairs.iter().map(|(x, delta)| delta[c] * normalize(x).0[c])));
                }
                for c in 0..n {
                    gradient.push(sum(pairs.iter().map(|(_, delta)| delta[c])));
                }
                (dx, gradient)
            }
            Self::Convolution(plain, _) => {
                let (weights, _) = parameters.split_at(plain.weights());
                let dx = delta.iter().map(|delta| plain.input_gradient(weights, delta)).collect();
                let (of_weights, of_bias) = plain.gradients(&trace.x.concat(), &delta.concat());
                (dx, [of_weights, of_bias].concat())
            }
            Self::Pooled(pooled, _) => {
                let (weights, bias) = parameters.split_at(pooled.plain.weights());
                let samples = trace.x.iter().zip(delta);
                let dx = samples.map(|(x, delta)| pooled.input_gradient(weights, bias, x, delta)).collect();
                let (of_weights, of_bias) = pooled.gradients(weights, bias, &trace.x, delta);
                (dx, [of_weights, of_bias].concat())
            }
            Self::Pool(kind, windows, channels) => {
                let mut dx = Batch::new();
                for (x, delta) in trace.x.iter().zip(delta) {
                    dx.push(pool_gradient(*kind, windows, *channels, x, delta));
                }
                (dx, Vec::new())
            }
            Self::BatchNorm(channels, _) => {
                let (mut dx, mut of_gain, mut of_bias) = (trace.x.clone(), Vec::new(), Vec::new());
                let pairs = pairs(&trace.x, *channels, delta, *channels);
                for c in 0..*channels {
                    let (mean, squares, n) = moments(&trace.x, *channels, c);
                    let (variance, root) = (squares / n + EPSILON, sqrt(squares / n + EPSILON));
                    let all = sum(pairs.iter().map(|(_, delta)| delta[c]));
                    let products = sum(pairs.iter().map(|(x, delta)| delta[c] * (x[c] - mean)));
                    let (u, v, factor) = (all / n, products / variance / n, parameters[c] / root);
                    let places = dx.iter_mut().flat_map(|dx| dx.chunks_mut(*channels));
                    for (dx, (x, delta)) in places.zip(&pairs) {
                        dx[c] = ((delta[c] - u) - (x[c] - mean) * v) * factor;
                    }
                    of_gain.push(products / root);
                    of_bias.push(all);
                }
                (dx, [of_gain, of_bias].concat())
            }
            Self::Dropout(percent, seed, steps) => (dropped(delta, *percent, *seed, *steps), Vec::new()),
            Self::Residual(body, shortcut, _) => {
                let (of_body, of_shortcut) = parameters.split_at(count(body));
                let (dx_of_body, mut gradient) = backward(body, of_body, &trace.body, delta);
                let dx_of_shortcut = match shortcut {
                    Some(layers) => {
                        let (dx, rest) = backward(layers, of_shortcut, &trace.shortcut, delta);
                        gradient.extend(rest);
                        dx
                    }
                    None => delta.clone(),
                };
                (sums(&dx_of_body, &dx_of_shortcut), gradient)
            }
        }
    }

    /// The output for one sample in `f64`, from the definitions. To a normalization over a batch it is the whole batch.
    pub fn precise(&self, parameters: &[f64], x: &[f64]) -> Vec<f64> {
        let z: Vec<f64> = match self {
            Self::Dense(inputs, outputs, _) => {
                let (weights, bias) = parameters.split_at(inputs * outputs);
                let of =
                    |x: &[f64], o: usize| bias[o] + (0..*inputs).map(|i| x[i] * weights[i * outputs + o]).sum::<f64>();
                x.chunks(*inputs).flat_map(|x| (0..*outputs).map(move |o| of(x, o))).collect()
            }
            Self::LayerNorm(channels, _) => {
                let mut all = Vec::new();
                for x in x.chunks(*channels) {
                    let mean = x.iter().sum::<f64>() / x.len() as f64;
                    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64;
                    let root = (variance + f64::from(EPSILON)).sqrt();
                    all.extend((0..*channels).map(|c| (x[c] - mean) / root * parameters[c] + parameters[channels + c]));
                }
                all
            }
            Self::Convolution(plain, _) => {
                let (weights, bias) = parameters.split_at(plain.weights());
                plain.precise(weights, bias, x)
            }
            Self::Pooled(pooled, _) => {
                let (weights, bias) = parameters.split_at(pooled.plain.weights());
                pooled.precise(weights, bias, x)
            }
            Self::Pool(kind, windows, channels) => precise_pool(*kind, windows, *channels, x),
            Self::BatchNorm(channels, _) => {
                let (n, mut all) = ((x.len() / channels) as f64, x.to_vec());
                for c in 0..*channels {
                    let of_channel = || x.iter().skip(c).step_by(*channels);
                    let mean = of_channel().sum::<f64>() / n;
                    let variance = of_channel().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
                    let root = (variance + f64::from(EPSILON)).sqrt();
                    for z in all.chunks_mut(*channels) {
                        z[c] = (z[c] - mean) / root * parameters[c] + parameters[channels + c];
                    }
                }
                all
            }
            Self::Dropout(..) => x.to_vec(),
            Self::Residual(body, shortcut, _) => {
                let (of_body, of_shortcut) = parameters.split_at(count(body));
                let left = precise(body, of_body, x);
                let right = shortcut.as_ref().map_or_else(|| x.to_vec(), |layers| precise(layers, of_shortcut, x));
                left.iter().zip(&right).map(|(left, right)| left + right).collect()
            }
        };
        z.into_iter().map(self.activation().precise).collect()
    }
}

/// Sum in order, from the first term on.
fn sum(terms: impl Iterator<Item = f32>) -> f32 {
    terms.reduce(|sum, term| sum + term).expect("a term")
}

fn sums(left: &Batch, right: &Batch) -> Batch {
    left.iter()
        .zip(right)
        .map(|(left, right)| left.iter().zip(right).map(|(left, right)| left + right).collect())
        .collect()
}

/// The normalized channels of a position, and `1/√(variance + ε)`.
fn normalize(x: &[f32]) -> (Vec<f32>, f32) {
    let n = x.len() as f32;
    let mean = sum(x.iter().copied()) / n;
    let variance = sum(x.iter().map(|x| (x - mean) * (x - mean))) / n;
    let factor = 1.0 / sqrt(variance + EPSILON);
    (x.iter().map(|x| (x - mean) * factor).collect(), factor)
}

/// Mean of a channel over a batch, the sum of squares about it, and the number of values.
fn moments(x: &Batch, channels: usize, c: usize) -> (f32, f32, f32) {
    let values = || x.iter().flat_map(|x| x.chunks(channels)).map(|x| x[c]);
    let n = values().count() as f32;
    let mean = sum(values()) / n;
    (mean, sum(values().map(|x| (x - mean) * (x - mean))), n)
}

/// Running mean and running variance of all channels after a batch.
pub fn moved(running: [&[f32]; 2], x: &Batch, channels: usize) -> [Vec<f32>; 2] {
    let step = |c: usize| {
        let (mean, squares, n) = moments(x, channels, c);
        if n == 1.0 {
            return [running[0][c], running[1][c]];
        }
        [running[0][c] * 0.9 + mean * 0.1, running[1][c] * 0.9 + squares / (n - 1.0) * 0.1]
    };
    [0, 1].map(|which| (0..channels).map(|c| step(c)[which]).collect())
}

/// The outputs of a prediction by running mean and running variance.
pub fn normalized(x: &[f32], parameters: &[f32], running: [&[f32]; 2], curve: Activation) -> Vec<f32> {
    let channels = running[0].len();
    let of = |k: usize| {
        let c = k % channels;
        let factor = parameters[c] / sqrt(running[1][c] + EPSILON);
        (curve.value)((x[k] - running[0][c]) * factor + parameters[channels + c])
    };
    (0..x.len()).map(of).collect()
}

/// The values of a batch that a dropout leaves.
fn dropped(x: &Batch, percent: u32, seed: u32, steps: u32) -> Batch {
    let count = x.iter().map(Vec::len).sum();
    let mut factors = dropout_factors(percent, seed, steps, count).into_iter();
    let mut of = |x: &f32| x * factors.next().expect("a factor for each value");
    x.iter().map(|x| x.iter().map(&mut of).collect()).collect()
}

/// What a dropout multiplies each value of a batch by.
pub fn dropout_factors(percent: u32, seed: u32, steps: u32, count: usize) -> Vec<f32> {
    let key = lowbias32(lowbias32(seed).wrapping_add(steps));
    let border = u64::from(percent) * (1 << 32) / 100;
    let stays = |index: u32| u64::from(lowbias32(key ^ index.wrapping_mul(0x9e37_79b1))) >= border;
    (0..count as u32).map(|index| if stays(index) { 100.0 / (100 - percent) as f32 } else { 0.0 }).collect()
}

/// As Wellons gives it.
fn lowbias32(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^= x >> 16;
    x
}

/// Input and `delta` of each position of each sample.
fn pairs<'a>(x: &'a Batch, inputs: usize, delta: &'a Batch, outputs: usize) -> Vec<(&'a [f32], &'a [f32])> {
    x.iter().zip(delta).flat_map(|(x, delta)| x.chunks(inputs).zip(delta.chunks(outputs))).collect()
}

/// Number of parameters.
pub fn count(blocks: &[Block]) -> usize {
    blocks.iter().map(Block::parameters).sum()
}

/// Goes forward through blocks, one after the other.
pub fn forward(blocks: &[Block], parameters: &[f32], x: &Batch) -> Vec<Trace> {
    let (mut traces, mut rest): (Vec<Trace>, _) = (Vec::new(), parameters);
    for block in blocks {
        let (own, after) = rest.split_at(block.parameters());
        rest = after;
        let trace = block.forward(own, traces.last().map_or(x, |trace| &trace.y));
        traces.push(trace);
    }
    traces
}

/// The gradients of the input and of the parameters, from that of the last pre-activations.
pub fn backward(blocks: &[Block], parameters: &[f32], traces: &[Trace], delta: &Batch) -> (Batch, Vec<f32>) {
    let (mut delta, mut gradient, mut rest) = (delta.clone(), Vec::new(), parameters);
    for index in (0..blocks.len()).rev() {
        let (before, own) = rest.split_at(count(&blocks[..index]));
        rest = before;
        let (dx, own) = blocks[index].backward(own, &traces[index], &delta);
        gradient.splice(0..0, own);
        delta = dx;
        if index > 0 {
            let (below, back) = (&traces[index - 1], blocks[index - 1].activation().back);
            for s in 0..delta.len() {
                for k in 0..delta[s].len() {
                    delta[s][k] = back(delta[s][k], below.z[s][k], below.y[s][k]);
                }
            }
        }
    }
    (delta, gradient)
}

/// Loss of a batch, and its gradient with respect to every parameter.
pub fn loss_and_gradient(
    blocks: &[Block],
    parameters: &[f32],
    inputs: &Batch,
    targets: &Batch,
    loss: Loss,
) -> (f32, Vec<f32>) {
    let traces = forward(blocks, parameters, inputs);
    let last = &traces[blocks.len() - 1];
    let back = blocks[blocks.len() - 1].activation().back;
    let divisor = loss.divisor.of(inputs.len(), targets[0].len());
    let (mut total, mut delta) = (0.0, Batch::new());
    for s in 0..inputs.len() {
        let mut gradient = vec![0.0; targets[s].len()];
        total += (loss.sample)(&last.y[s], &targets[s], 1.0 / divisor, &mut gradient);
        for o in 0..gradient.len() {
            gradient[o] = back(gradient[o], last.z[s][o], last.y[s][o]);
        }
        delta.push(gradient);
    }
    (total / divisor, backward(blocks, parameters, &traces, &delta).1)
}

/// The output for one sample in `f64`: what central differences are taken of.
pub fn precise(blocks: &[Block], parameters: &[f64], x: &[f64]) -> Vec<f64> {
    let (mut x, mut rest) = (x.to_vec(), parameters);
    for block in blocks {
        let (own, after) = rest.split_at(block.parameters());
        rest = after;
        x = block.precise(own, &x);
    }
    x
}

//! Training as the textbooks write it: nested loops over `Vec`s, one statement per formula, nothing tiled.
//!
//! Forward, then three separate backward loops (input gradient, weight gradient, bias gradient) over all layers, then the
//! update. Sums run in the order of their formula, as the docs of `Dense` promise. The scalar functions are the library's: their
//! accuracy is tested by themselves.

#![allow(clippy::needless_range_loop)] // indices as the formulas write them

use baregrad::scalar;

/// Activation of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `z`
    Identity,
    /// `1 / (1 + exp(-z))`
    Sigmoid,
    /// `tanh z`
    Tanh,
    /// `max(z, 0)`
    Relu,
    /// `z` or `0.01·z`
    LeakyRelu,
}

impl Activation {
    fn value(self, z: f32) -> f32 {
        match self {
            Self::Identity => z,
            Self::Sigmoid => scalar::sigmoid(z),
            Self::Tanh => scalar::tanh(z),
            Self::Relu if z <= 0.0 => 0.0,
            Self::LeakyRelu if z < 0.0 => 0.01 * z,
            Self::Relu | Self::LeakyRelu => z,
        }
    }

    fn slope(self, a: f32) -> f32 {
        match self {
            Self::Identity => 1.0,
            Self::Sigmoid => a * (1.0 - a),
            Self::Tanh => 1.0 - a * a,
            Self::Relu | Self::LeakyRelu if a > 0.0 => 1.0,
            Self::Relu => 0.0,
            Self::LeakyRelu => 0.01,
        }
    }

    /// The gradient with respect to `z` from that with respect to `a`.
    fn through(self, gradient: f32, a: f32) -> f32 {
        match self {
            Self::Relu if a > 0.0 => gradient,
            Self::Relu => 0.0,
            _ => gradient * self.slope(a),
        }
    }
}

/// The loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Mean over samples and outputs.
    MeanSquaredError,
    /// Sum over samples and outputs.
    SumOfSquares,
    /// Mean over samples, from logits.
    CrossEntropy,
    /// Mean over samples and outputs, from logits.
    BinaryCrossEntropy,
    /// Half, mean over samples.
    HalfMeanSquaredError,
    /// Mean over samples and outputs.
    MeanAbsoluteError,
    /// With a border of 0.5; mean over samples and outputs.
    Huber,
    /// With weights 0.5, 1.0, 1.5, … for the classes; mean over samples, from logits.
    WeightedCrossEntropy,
}

/// Target of one sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A value per output.
    Values(Vec<f32>),
    /// A class.
    Label(usize),
}

/// Parameters of a fully connected layer, or a value for each of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// A row per input, a column per output.
    pub weights: Vec<Vec<f32>>,
    /// One per output.
    pub bias: Vec<f32>,
    /// The activation.
    pub activation: Activation,
}

impl Layer {
    /// All parameters zero.
    pub fn zero(inputs: usize, outputs: usize, activation: Activation) -> Self {
        Self { weights: vec![vec![0.0; outputs]; inputs], bias: vec![0.0; outputs], activation }
    }

    /// The parameters in storage order.
    pub fn parameters(&self) -> impl Iterator<Item = &f32> {
        self.weights.iter().flatten().chain(&self.bias)
    }

    /// The parameters in storage order, to write.
    pub fn parameters_mut(&mut self) -> impl Iterator<Item = &mut f32> {
        self.weights.iter_mut().flatten().chain(&mut self.bias)
    }
}

/// Layers, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// From the input on.
    pub layers: Vec<Layer>,
}

impl Network {
    /// All parameters in storage order.
    pub fn parameters(&self) -> Vec<f32> {
        self.layers.iter().flat_map(Layer::parameters).copied().collect()
    }

    /// Overwrites all parameters, in storage order.
    pub fn set_parameters(&mut self, values: &[f32]) {
        let places: Vec<&mut f32> = self.layers.iter_mut().flat_map(Layer::parameters_mut).collect();
        assert_eq!(places.len(), values.len(), "a value for each parameter");
        for (place, value) in places.into_iter().zip(values) {
            *place = *value;
        }
    }

    /// Outputs of every layer, `[layer][sample][output]`.
    pub fn forward(&self, inputs: &[Vec<f32>]) -> Vec<Vec<Vec<f32>>> {
        let mut outputs: Vec<Vec<Vec<f32>>> = Vec::new();
        for layer in &self.layers {
            let x = outputs.last().map_or(inputs, Vec::as_slice);
            let mut y = Vec::new();
            for sample in x {
                let mut row = Vec::new();
                for o in 0..layer.bias.len() {
                    let mut z = layer.bias[o];
                    for i in 0..sample.len() {
                        z += sample[i] * layer.weights[i][o];
                    }
                    row.push(layer.activation.value(z));
                }
                y.push(row);
            }
            outputs.push(y);
        }
        outputs
    }

    /// Loss of the batch, and its gradient with respect to every parameter.
    pub fn loss_and_gradient(&self, inputs: &[Vec<f32>], targets: &[Target], loss: Loss) -> (f32, Vec<Layer>) {
        let outputs = self.forward(inputs);
        let last = self.layers.len() - 1;
        let (value, mut delta) = loss_and_delta(&outputs[last], targets, loss, self.layers[last].activation);
        let mut gradients = Vec::new();
        for l in (0..=last).rev() {
            let layer = &self.layers[l];
            let x = if l == 0 { inputs } else { &outputs[l - 1] };
            let (ins, outs) = (layer.weights.len(), layer.bias.len());
            let mut gradient = Layer::zero(ins, outs, layer.activation);
            for i in 0..ins {
                for o in 0..outs {
                    let mut sum = x[0][i] * delta[0][o];
                    for s in 1..x.len() {
                        sum += x[s][i] * delta[s][o];
                    }
                    gradient.weights[i][o] = sum;
                }
            }
            for o in 0..outs {
                let mut sum = delta[0][o];
                for row in &delta[1..] {
                    sum += row[o];
                }
                gradient.bias[o] = sum;
            }
            gradients.insert(0, gradient);
            if l > 0 {
                let below = self.layers[l - 1].activation;
                let mut delta_below = vec![vec![0.0; ins]; x.len()];
                for s in 0..x.len() {
                    for i in 0..ins {
                        let mut sum = delta[s][0] * layer.weights[i][0];
                        for o in 1..outs {
                            sum += delta[s][o] * layer.weights[i][o];
                        }
                        delta_below[s][i] = below.through(sum, x[s][i]);
                    }
                }
                delta = delta_below;
            }
        }
        (value, gradients)
    }
}

/// Loss of the batch, and its gradient with respect to the last pre-activations.
fn loss_and_delta(
    outputs: &[Vec<f32>],
    targets: &[Target],
    loss: Loss,
    activation: Activation,
) -> (f32, Vec<Vec<f32>>) {
    let samples = outputs.len() as f32;
    let elements = (outputs.len() * outputs[0].len()) as f32;
    let mut total = 0.0;
    let mut delta = Vec::new();
    for (a, target) in outputs.iter().zip(targets) {
        let mut row = Vec::new();
        let mut value = 0.0;
        match (loss, target) {
            (Loss::MeanSquaredError | Loss::SumOfSquares, Target::Values(t)) => {
                let scale = if loss == Loss::SumOfSquares { 2.0 } else { 2.0 / elements };
                for o in 0..a.len() {
                    value += (a[o] - t[o]) * (a[o] - t[o]);
                    row.push(activation.through((a[o] - t[o]) * scale, a[o]));
                }
            }
            (Loss::HalfMeanSquaredError | Loss::MeanAbsoluteError | Loss::Huber, Target::Values(t)) => {
                for o in 0..a.len() {
                    let e = a[o] - t[o];
                    let sign = if e == 0.0 { e } else { e.signum() };
                    let (term, derivative, divisor) = match loss {
                        Loss::HalfMeanSquaredError => (0.5 * (e * e), e, samples),
                        Loss::MeanAbsoluteError => (e.abs(), sign, elements),
                        _ if e.abs() > 0.5 => (0.5 * (e.abs() - 0.5 * 0.5), 0.5 * sign, elements),
                        _ => (0.5 * (e * e), e, elements),
                    };
                    value += term;
                    row.push(activation.through(derivative * (1.0 / divisor), a[o]));
                }
            }
            (Loss::CrossEntropy | Loss::WeightedCrossEntropy, Target::Label(label)) => {
                let weight = if loss == Loss::CrossEntropy { 1.0 } else { 0.5 + 0.5 * *label as f32 };
                let max = a.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let mut sum = 0.0;
                for z in a {
                    sum += scalar::exp(z - max);
                }
                value = weight * (scalar::ln(sum) - (a[*label] - max));
                for (k, z) in a.iter().enumerate() {
                    let p = scalar::exp(z - max) / sum;
                    let y = if k == *label { 1.0 } else { 0.0 };
                    row.push((p - y) * (weight * (1.0 / samples)));
                }
            }
            (Loss::BinaryCrossEntropy, Target::Values(t)) => {
                for o in 0..a.len() {
                    let z = a[o];
                    value += (z.max(0.0) - z * t[o]) + scalar::ln_1p(scalar::exp(-z.abs()));
                    row.push((scalar::sigmoid(z) - t[o]) * (1.0 / elements));
                }
            }
            _ => panic!("{loss:?} does not take {target:?}"),
        }
        total += value;
        delta.push(row);
    }
    let value = match loss {
        Loss::SumOfSquares => total,
        Loss::CrossEntropy | Loss::WeightedCrossEntropy | Loss::HalfMeanSquaredError => total / samples,
        Loss::MeanSquaredError | Loss::BinaryCrossEntropy | Loss::MeanAbsoluteError | Loss::Huber => total / elements,
    };
    (value, delta)
}

/// An optimizer with what it remembers of each parameter.
#[derive(Clone, Debug)]
pub enum Optimizer {
    /// `θ - α·∇`
    Sgd {
        /// `α`
        learning_rate: f32,
    },
    /// Kingma and Ba's, in the form that the library's docs state.
    Adam {
        /// `α`
        learning_rate: f32,
        /// `β₁ᵗ` and `β₂ᵗ`
        powers: [f32; 2],
        /// `m` and `v` of each parameter
        moments: Vec<[f32; 2]>,
    },
    /// A rule with one value for each parameter.
    Slotted {
        /// The formula.
        rule: SlotRule,
        /// `α`
        learning_rate: f32,
        /// `v` or `G` of each parameter
        slots: Vec<f32>,
    },
    /// `θ ← (1 - α·λ)·θ`, then Adam.
    AdamW {
        /// `α`
        learning_rate: f32,
        /// `λ`
        weight_decay: f32,
        /// Adam
        adam: Box<Optimizer>,
    },
    /// Another rule with the gradient `∇ + λ·θ`.
    WeightDecay {
        /// `λ`
        weight_decay: f32,
        /// The rule
        inner: Box<Optimizer>,
    },
    /// Another rule with the gradient clipped.
    ClipValue {
        /// The largest absolute value
        limit: f32,
        /// The rule
        inner: Box<Optimizer>,
    },
}

/// Formulas with one value for each parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SlotRule {
    /// `v ← β·v - α·∇`, `θ ← θ + v`
    Momentum,
    /// `v ← μ·v + ∇`, `θ ← θ - α·v`
    SgdMomentum,
    /// `v ← μ·v + ∇`, `θ ← θ - α·(∇ + μ·v)`
    Nesterov,
    /// `G ← G + ∇²`, `θ ← θ - α·∇/√(G + ε)`
    AdaGrad,
    /// `G ← β·G + (1-β)·∇²`, `θ ← θ - α·∇/√(G + ε)`
    RmsProp,
}

impl SlotRule {
    /// The new parameter; `slot` becomes the new value.
    fn update(self, learning_rate: f32, theta: f32, g: f32, slot: &mut f32) -> f32 {
        let (beta, epsilon) = (0.9, 1e-8);
        match self {
            Self::Momentum => {
                *slot = beta * *slot - learning_rate * g;
                theta + *slot
            }
            Self::SgdMomentum => {
                *slot = beta * *slot + g;
                theta - learning_rate * *slot
            }
            Self::Nesterov => {
                *slot = beta * *slot + g;
                theta - learning_rate * (g + beta * *slot)
            }
            Self::AdaGrad => {
                *slot += g * g;
                theta - (learning_rate * g) / (*slot + epsilon).sqrt()
            }
            Self::RmsProp => {
                *slot = beta * *slot + (1.0 - beta) * (g * g);
                theta - (learning_rate * g) / (*slot + epsilon).sqrt()
            }
        }
    }
}

impl Optimizer {
    /// Adam before its first step, for so many parameters.
    pub fn adam(learning_rate: f32, parameters: usize) -> Self {
        Self::Adam { learning_rate, powers: [1.0; 2], moments: vec![[0.0; 2]; parameters] }
    }

    /// A rule with one value for each parameter, before its first step.
    pub fn slotted(rule: SlotRule, learning_rate: f32, parameters: usize) -> Self {
        Self::Slotted { rule, learning_rate, slots: vec![0.0; parameters] }
    }

    /// One step: every parameter by its gradient.
    pub fn step(&mut self, network: &mut Network, gradients: &[Layer]) {
        let gradients: Vec<f32> = gradients.iter().flat_map(Layer::parameters).copied().collect();
        let mut parameters = network.parameters();
        self.update(&mut parameters, &gradients);
        network.set_parameters(&parameters);
    }

    fn update(&mut self, parameters: &mut [f32], gradients: &[f32]) {
        match self {
            Self::Slotted { rule, learning_rate, slots } => {
                for k in 0..parameters.len() {
                    parameters[k] = rule.update(*learning_rate, parameters[k], gradients[k], &mut slots[k]);
                }
            }
            Self::AdamW { learning_rate, weight_decay, adam } => {
                for theta in parameters.iter_mut() {
                    *theta *= 1.0 - *learning_rate * *weight_decay;
                }
                adam.update(parameters, gradients);
            }
            Self::WeightDecay { weight_decay, inner } => {
                let pairs = gradients.iter().zip(parameters.iter());
                let decayed: Vec<f32> = pairs.map(|(g, theta)| g + *weight_decay * theta).collect();
                inner.update(parameters, &decayed);
            }
            Self::ClipValue { limit, inner } => {
                let clipped: Vec<f32> = gradients.iter().map(|g| g.clamp(-*limit, *limit)).collect();
                inner.update(parameters, &clipped);
            }
            Self::Sgd { learning_rate } => {
                for k in 0..parameters.len() {
                    parameters[k] -= *learning_rate * gradients[k];
                }
            }
            Self::Adam { learning_rate, powers, moments } => {
                let (beta1, beta2, epsilon) = (0.9, 0.999, 1e-8);
                powers[0] *= beta1;
                powers[1] *= beta2;
                let rate = *learning_rate / (1.0 - powers[0]);
                let correction = 1.0 / (1.0 - powers[1]).sqrt();
                for k in 0..parameters.len() {
                    let (g, [m, v]) = (gradients[k], moments[k]);
                    let m = beta1 * m + (1.0 - beta1) * g;
                    let v = beta2 * v + (1.0 - beta2) * (g * g);
                    moments[k] = [m, v];
                    parameters[k] -= (rate * m) / (v.sqrt() * correction + epsilon);
                }
            }
        }
    }
}

/// One training step; gives the loss before it.
pub fn step(
    network: &mut Network,
    optimizer: &mut Optimizer,
    inputs: &[Vec<f32>],
    targets: &[Target],
    loss: Loss,
) -> f32 {
    let (value, gradients) = network.loss_and_gradient(inputs, targets, loss);
    optimizer.step(network, &gradients);
    value
}

/// A random word as a number in `[low, high)`, as the docs of `initializer::uniform` say.
pub fn uniform(low: f32, high: f32, word: u32) -> f32 {
    low + (high - low) * ((word >> 8) as f32 / 16_777_216.0)
}

/// Shuffles as the docs of `Order::shuffle_with` say.
pub fn shuffle(order: &mut [u16], mut random: impl FnMut() -> u32) {
    for last in (1..order.len()).rev() {
        let other = (u64::from(random()) * (last as u64 + 1)) >> 32;
        order.swap(last, other as usize);
    }
}

//! Training as the textbooks write it: nested loops over `Vec`s, one statement per formula, nothing tiled.
//!
//! Forward, then three separate backward loops (input gradient, weight gradient, bias gradient) over all layers, then the
//! update. Sums run in the order of their formula, as the docs of `Dense` promise. What is a formula of single numbers (an activation, a
//! loss, the rule of an optimizer) is in the table, package `catalogue`.

#![allow(clippy::needless_range_loop)] // indices as the formulas write them

use baregrad::activation::Activation as InTheLibrary;
use baregrad::shape::Features;
use baregrad::state::State;
use catalogue::activations::{Curve, VisitActivations, VisitElementwise, WIDTH, each_activation, each_elementwise};
use catalogue::losses::{Formula, VisitLosses, each_loss};
use catalogue::optimizers::{self, SavedRule, VisitOptimizers, each_optimizer};

pub use catalogue::activations::Curve as Activation;
pub use catalogue::losses::Formula as Loss;

/// The activation of this name: the type's, or the one that the library prints.
pub fn activation(name: &str) -> Activation {
    struct Search<'a>(&'a str, Option<Curve>);
    impl VisitActivations for Search<'_> {
        fn activation<A: InTheLibrary>(&mut self, curve: Curve) {
            if [curve.name, A::NAME].contains(&self.0) {
                self.1 = Some(curve);
            }
        }
    }
    impl VisitElementwise for Search<'_> {
        fn elementwise<L>(&mut self, curve: Curve)
        where
            L: baregrad::Layer<Features<WIDTH>>,
        {
            if curve.name == self.0 {
                self.1 = Some(curve);
            }
        }
    }
    let mut search = Search(name, None);
    each_activation(&mut search);
    each_elementwise(&mut search);
    search.1.unwrap_or_else(|| panic!("the table has no activation {name}"))
}

/// The loss of this type.
pub fn loss(name: &str) -> Loss {
    struct Search<'a>(&'a str, Option<Formula>);
    impl VisitLosses for Search<'_> {
        fn loss<L, T>(&mut self, _: L, formula: Formula) {
            if formula.name == self.0 {
                self.1 = Some(formula);
            }
        }
    }
    let mut search = Search(name, None);
    each_loss(&mut search);
    search.1.unwrap_or_else(|| panic!("the table has no loss {name}"))
}

/// Target of one sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A value per output.
    Values(Vec<f32>),
    /// A class.
    Label(usize),
}

impl Target {
    /// A value for each output; of a label 1 at its place and 0 elsewhere.
    pub fn row(&self, outputs: usize) -> Vec<f32> {
        match self {
            Self::Values(values) => values.clone(),
            Self::Label(label) => (0..outputs).map(|k| if k == *label { 1.0 } else { 0.0 }).collect(),
        }
    }
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
        self.values(inputs).1
    }

    /// Pre-activations and outputs of every layer.
    #[allow(clippy::type_complexity)] // `[layer][sample][output]`
    fn values(&self, inputs: &[Vec<f32>]) -> (Vec<Vec<Vec<f32>>>, Vec<Vec<Vec<f32>>>) {
        let (mut pre_activations, mut outputs): (Vec<Vec<Vec<f32>>>, Vec<Vec<Vec<f32>>>) = (Vec::new(), Vec::new());
        for layer in &self.layers {
            let x = outputs.last().map_or(inputs, Vec::as_slice);
            let (mut all_z, mut all_a) = (Vec::new(), Vec::new());
            for sample in x {
                let (mut row_z, mut row_a) = (Vec::new(), Vec::new());
                for o in 0..layer.bias.len() {
                    let mut z = layer.bias[o];
                    for i in 0..sample.len() {
                        z += sample[i] * layer.weights[i][o];
                    }
                    row_z.push(z);
                    row_a.push((layer.activation.value)(z));
                }
                all_z.push(row_z);
                all_a.push(row_a);
            }
            pre_activations.push(all_z);
            outputs.push(all_a);
        }
        (pre_activations, outputs)
    }

    /// Loss of the batch, and its gradient with respect to every parameter.
    pub fn loss_and_gradient(&self, inputs: &[Vec<f32>], targets: &[Target], loss: Loss) -> (f32, Vec<Layer>) {
        let (z, outputs) = self.values(inputs);
        let last = self.layers.len() - 1;
        let (value, mut delta) = loss_and_delta(&z[last], &outputs[last], targets, loss, self.layers[last].activation);
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
                        delta_below[s][i] = (below.back)(sum, z[l - 1][s][i], x[s][i]);
                    }
                }
                delta = delta_below;
            }
        }
        (value, gradients)
    }
}

/// Loss of the batch, and its gradient with respect to the last pre-activations.
pub fn loss_and_delta(
    z: &[Vec<f32>],
    outputs: &[Vec<f32>],
    targets: &[Target],
    loss: Loss,
    activation: Activation,
) -> (f32, Vec<Vec<f32>>) {
    let divisor = loss.divisor.of(outputs.len(), outputs[0].len());
    let mut total = 0.0;
    let mut delta = Vec::new();
    for ((z, a), target) in z.iter().zip(outputs).zip(targets) {
        let mut gradient = vec![0.0; a.len()];
        total += (loss.sample)(a, &target.row(a.len()), 1.0 / divisor, &mut gradient);
        for o in 0..a.len() {
            gradient[o] = (activation.back)(gradient[o], z[o], a[o]);
        }
        delta.push(gradient);
    }
    (total / divisor, delta)
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
    /// A row of the table.
    Row {
        /// The formula.
        formula: optimizers::Formula,
        /// Steps that each parameter has learnt in.
        steps: Vec<u32>,
        /// What it remembers of each parameter.
        slots: Vec<Vec<f32>>,
    },
}

impl Optimizer {
    /// Adam before its first step, for so many parameters.
    pub fn adam(learning_rate: f32, parameters: usize) -> Self {
        Self::Adam { learning_rate, powers: [1.0; 2], moments: vec![[0.0; 2]; parameters] }
    }

    /// The rule of this type, before its first step, for so many parameters.
    pub fn row(name: &str, parameters: usize) -> Self {
        struct Search<'a>(&'a str, Option<(optimizers::Formula, usize)>);
        impl VisitOptimizers for Search<'_> {
            fn optimizer<O: SavedRule>(&mut self, name: &'static str, _: O, formula: optimizers::Formula) {
                if name == self.0 {
                    self.1 = Some((formula, O::Slot::BYTES / 4));
                }
            }
        }
        let mut search = Search(name, None);
        each_optimizer(&mut search);
        let (formula, numbers) = search.1.unwrap_or_else(|| panic!("the table has no optimizer {name}"));
        Self::of_formula(formula, numbers, parameters)
    }

    /// A formula that remembers so many numbers of each of so many parameters.
    pub fn of_formula(formula: optimizers::Formula, numbers: usize, parameters: usize) -> Self {
        Self::Row { formula, steps: vec![0; parameters], slots: vec![vec![0.0; numbers]; parameters] }
    }

    /// What it remembers of the parameters, in their order.
    pub fn slots(&self) -> Vec<f32> {
        match self {
            Self::Sgd { .. } => Vec::new(),
            Self::Adam { moments, .. } => moments.concat(),
            Self::Row { slots, .. } => slots.concat(),
        }
    }

    /// One step: every parameter by its gradient.
    pub fn step(&mut self, network: &mut Network, gradients: &[Layer]) {
        self.step_frozen(network, 0, gradients);
    }

    /// One step of the layers from `frozen` on.
    pub fn step_frozen(&mut self, network: &mut Network, frozen: usize, gradients: &[Layer]) {
        let gradients: Vec<f32> = gradients.iter().flat_map(Layer::parameters).copied().collect();
        let mut parameters = network.parameters();
        let first = network.layers[..frozen].iter().flat_map(Layer::parameters).count();
        self.update(first, &mut parameters, &gradients);
        network.set_parameters(&parameters);
    }

    /// One step of the parameters from `first` on.
    pub fn update(&mut self, first: usize, parameters: &mut [f32], gradients: &[f32]) {
        match self {
            Self::Row { formula, steps, slots } => {
                for k in first..parameters.len() {
                    steps[k] += 1;
                    parameters[k] = formula(steps[k], parameters[k], gradients[k], &mut slots[k]);
                }
            }
            Self::Sgd { learning_rate } => {
                for k in first..parameters.len() {
                    parameters[k] -= *learning_rate * gradients[k];
                }
            }
            Self::Adam { learning_rate, powers, moments } => {
                assert_eq!(first, 0, "these powers are those of all layers: take the row of the table");
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
    step_frozen(network, 0, optimizer, inputs, targets, loss)
}

/// One training step of the layers from `frozen` on; gives the loss before it.
pub fn step_frozen(
    network: &mut Network,
    frozen: usize,
    optimizer: &mut Optimizer,
    inputs: &[Vec<f32>],
    targets: &[Target],
    loss: Loss,
) -> f32 {
    let (value, gradients) = network.loss_and_gradient(inputs, targets, loss);
    optimizer.step_frozen(network, frozen, &gradients);
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

//! The work: networks, data and initial weights, the same for all who are measured.
//!
//! `python/peers.py` makes the same numbers by the same formulas; change both.

use std::ops::Range;

/// What the network learns, which settles activations and loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Values: sigmoid in every layer, mean squared error.
    Values,
    /// Classes: ReLU in the hidden layers, softmax with cross-entropy on the logits of the last.
    Classes,
}

/// The rule that updates the weights, with its learning rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Plain gradient descent.
    Sgd(f32),
    /// Adam with the paper's decays 0.9 and 0.999 and epsilon 1e-8.
    Adam(f32),
}

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Steps through the batches in turn. The batches are laid out beforehand, in whatever form a library likes best.
    Steps(usize),
    /// Epochs in an order shuffled anew for each; whoever copies samples to form a batch does so within the time.
    Epochs(usize),
    /// Steps with batches drawn at random; copies count likewise.
    Drawn(usize),
    /// Predictions, one sample at a time.
    Predictions(usize),
}

/// Where the samples come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The four of XOR.
    Xor,
    /// Iris flowers: four measures.
    Iris,
    /// Handwritten digits: 8 × 8 pixels.
    Digits,
    /// Made-up images of 14 × 14 pixels in ten classes, for the net of the MNIST text. The time doesn't depend on what the
    /// pixels show, and this needs no download.
    Images,
    /// The same of 28 × 28 pixels, for a network of convolutions.
    LargeImages,
}

/// One network with one way to train it.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Unique.
    pub name: &'static str,
    /// Where the samples come from.
    pub source: Source,
    /// How many of them.
    pub samples: usize,
    /// Values in, hidden units, values out. Of the network of convolutions values in and out alone, see [`Work::is_convolutional`].
    pub sizes: &'static [usize],
    /// What is learnt.
    pub task: Task,
    /// The rule.
    pub rule: Rule,
    /// Samples in a batch.
    pub batch: usize,
    /// What a run does.
    pub plan: Plan,
}

const XOR: Work = Work {
    name: "",
    source: Source::Xor,
    samples: 4,
    sizes: &[2, 3, 1],
    task: Task::Values,
    rule: Rule::Sgd(2.0),
    batch: 1,
    // Short runs: the rest of a noisy machine leaves some of them alone, and no moment of Adam's has the time to decay to
    // subnormal numbers, which would measure something else. One step more than whole rounds, so that the last is on the
    // first batch again.
    plan: Plan::Steps(401),
};

const IRIS: Work = Work {
    name: "",
    source: Source::Iris,
    samples: 112,
    sizes: &[4, 16, 3],
    task: Task::Classes,
    rule: Rule::Adam(0.01),
    batch: 1,
    plan: Plan::Steps(337),
};

const DIGITS: Work = Work {
    name: "",
    source: Source::Digits,
    samples: 512,
    sizes: &[64, 32, 10],
    task: Task::Classes,
    rule: Rule::Sgd(0.1),
    batch: 1,
    plan: Plan::Steps(513),
};

const IMAGES: Work = Work {
    name: "",
    source: Source::Images,
    samples: 128,
    sizes: &[196, 100, 50, 10],
    task: Task::Values,
    // The text's rate 1 with its half squared error, summed over ten outputs, is 5 with the mean over them.
    rule: Rule::Sgd(5.0),
    batch: 1,
    plan: Plan::Steps(129),
};

const LARGE_IMAGES: Work = Work {
    name: "",
    source: Source::LargeImages,
    samples: 10,
    sizes: &[784, 10],
    task: Task::Classes,
    // With these the loss has left the one of an untrained network far behind.
    rule: Rule::Sgd(0.05),
    batch: 1,
    plan: Plan::Steps(161),
};

/// Everything that is measured.
pub const ALL: &[Work] = &[
    Work { name: "XOR 2-3-1 SGD, batch 1", ..XOR },
    Work { name: "XOR 2-3-1 SGD, batch 4", batch: 4, ..XOR },
    Work { name: "iris 4-16-3 Adam, batch 1", ..IRIS },
    Work { name: "iris 4-16-3 Adam, batch 16", batch: 16, ..IRIS },
    Work { name: "digits 64-32-10 SGD, batch 1", ..DIGITS },
    Work { name: "digits 64-32-10 SGD, batch 32", batch: 32, plan: Plan::Steps(97), ..DIGITS },
    Work { name: "196-100-50-10 SGD, batch 1", ..IMAGES },
    Work { name: "196-100-50-10 SGD, batch 64", batch: 64, samples: 512, plan: Plan::Steps(25), ..IMAGES },
    Work { name: "predict 196-100-50-10", plan: Plan::Predictions(1000), ..IMAGES },
    Work { name: "iris, an epoch in batches of 16", batch: 16, samples: 120, plan: Plan::Epochs(20), ..IRIS },
    Work { name: "digits, an epoch in batches of 32", batch: 32, samples: 1438, plan: Plan::Epochs(2), ..DIGITS },
    Work { name: "MNIST, random mini-batches of 64", batch: 64, samples: 60_000, plan: Plan::Drawn(2000), ..IMAGES },
    Work { name: "MNIST 28x28 convolutions SGD, batch 1", ..LARGE_IMAGES },
    Work {
        name: "MNIST 28x28 convolutions SGD, batch 32",
        batch: 32,
        samples: 128,
        rule: Rule::Sgd(0.1),
        plan: Plan::Steps(49),
        ..LARGE_IMAGES
    },
    Work { name: "predict MNIST 28x28 convolutions", plan: Plan::Predictions(200), ..LARGE_IMAGES },
];

impl Work {
    /// The work of this name.
    ///
    /// # Panics
    /// There is none.
    pub fn named(name: &str) -> &'static Work {
        ALL.iter().find(|work| work.name == name).unwrap_or_else(|| panic!("no work is called {name:?}"))
    }

    /// How many of what the time is told for: steps, predictions or epochs.
    pub fn count(&self) -> usize {
        match self.plan {
            Plan::Steps(count) | Plan::Epochs(count) | Plan::Drawn(count) | Plan::Predictions(count) => count,
        }
    }

    /// Values of an input.
    pub fn inputs(&self) -> usize {
        self.sizes[0]
    }

    /// Values of an output.
    pub fn outputs(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }

    /// Whether the network is that of convolutions: 3 × 3 to 8 channels, ReLU, the maxima of 2 × 2, 3 × 3 to 16 channels, ReLU, the maxima of
    /// 2 × 2, and a layer on the 5 × 5 × 16 values that are left. No padding: 5,258 parameters.
    pub fn is_convolutional(&self) -> bool {
        self.source == Source::LargeImages
    }

    /// Positions, inputs at each and outputs of every layer with parameters. A kernel is a layer on its taps.
    fn layers(&self) -> Vec<(usize, usize, usize)> {
        if self.is_convolutional() {
            return vec![(9, 1, 8), (9, 8, 16), (25, 16, 10)];
        }
        self.sizes.windows(2).map(|sizes| (1, sizes[0], sizes[1])).collect()
    }

    /// Parameters layer by layer: weights, a row per input, uniform within Glorot's bound; and biases of zero.
    pub fn parameters(&self) -> Vec<Parameters> {
        let layers = self.layers().into_iter().zip(0..);
        layers
            .map(|((positions, channels, outputs), layer)| {
                let inputs = positions * channels;
                let bound = (6.0 / (inputs + outputs) as f32).sqrt();
                let weights = range(inputs * outputs).map(|index| bound * (2.0 * unit(layer, index) - 1.0)).collect();
                Parameters { positions, inputs, outputs, weights, bias: vec![0.0; outputs] }
            })
            .collect()
    }

    /// The samples.
    pub fn samples(&self) -> Samples {
        let (inputs, labels) = match self.source {
            Source::Xor => return xor(),
            Source::Iris => table(include_str!("../../host-tests/data/iris.csv"), 8.0),
            Source::Digits => table(include_str!("../../host-tests/data/digits.csv"), 16.0),
            Source::Images | Source::LargeImages => images(self.samples, self.inputs()),
        };
        // The tables are sorted by class; a stride without a common factor mixes them.
        let rows = labels.len();
        let stride = if matches!(self.source, Source::Images | Source::LargeImages) { 1 } else { 37 };
        let order: Vec<usize> = (0..self.samples).map(|sample| sample * stride % rows).collect();
        let row = |&sample: &usize| &inputs[sample * self.inputs()..(sample + 1) * self.inputs()];
        let labels: Vec<u8> = order.iter().map(|&sample| labels[sample]).collect();
        let one_hot = |&label: &u8| (0..self.outputs()).map(move |k| f32::from(u8::from(k == usize::from(label))));
        Samples {
            inputs: order.iter().flat_map(row).copied().collect(),
            targets: labels.iter().flat_map(one_hot).collect(),
            labels,
        }
    }
}

/// Initial parameters of a layer.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// Positions that the inputs come from: taps of a kernel, pixels before the layer above convolutions, or one.
    pub positions: usize,
    /// Values in.
    pub inputs: usize,
    /// Values out.
    pub outputs: usize,
    /// A row per input: position by position, and the channels of each.
    pub weights: Vec<f32>,
    /// A value per output.
    pub bias: Vec<f32>,
}

impl Parameters {
    /// The weights with a row per input: channel by channel, and the positions of each, as the other libraries have them.
    pub fn weights_by_channel(&self) -> Vec<f32> {
        let channels = self.inputs / self.positions;
        let row = |input: usize| input % self.positions * channels + input / self.positions;
        (0..self.inputs).flat_map(|input| &self.weights[row(input) * self.outputs..][..self.outputs]).copied().collect()
    }

    /// The same with a row per output, as most of them keep it.
    pub fn weights_by_output(&self) -> Vec<f32> {
        let weights = self.weights_by_channel();
        let column = |output: usize| weights.iter().skip(output).step_by(self.outputs);
        (0..self.outputs).flat_map(column).copied().collect()
    }
}

/// Samples, a row each.
#[derive(Clone, Debug)]
pub struct Samples {
    /// Inputs.
    pub inputs: Vec<f32>,
    /// Target values; 1 for the class and 0 for all others where there are classes.
    pub targets: Vec<f32>,
    /// Classes.
    pub labels: Vec<u8>,
}

fn xor() -> Samples {
    Samples {
        inputs: vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0],
        targets: vec![0.0, 1.0, 1.0, 0.0],
        labels: vec![0, 1, 1, 0],
    }
}

/// Inputs, divided by `scale`, and labels of a table in text.
fn table(text: &str, scale: f32) -> (Vec<f32>, Vec<u8>) {
    let (mut inputs, mut labels) = (Vec::new(), Vec::new());
    for line in text.lines().skip(1) {
        let (values, label) = line.rsplit_once(',').expect("values, then a label");
        inputs.extend(values.split(',').map(|value| value.parse::<f32>().expect("a number") / scale));
        labels.push(label.parse().expect("a class"));
    }
    (inputs, labels)
}

/// Half a pattern of the class, half noise.
fn images(samples: usize, pixels: usize) -> (Vec<f32>, Vec<u8>) {
    let pixel = |sample: u32, pixel: u32| 0.5 * unit(100 + sample % 10, pixel) + 0.5 * unit(1000 + sample, pixel);
    let image = |sample: u32| range(pixels).map(move |at| pixel(sample, at));
    (range(samples).flat_map(image).collect(), range(samples).map(|sample| (sample % 10) as u8).collect())
}

fn range(end: usize) -> Range<u32> {
    0..u32::try_from(end).expect("few")
}

/// A number in [0, 1) that two indices settle, so that it can be made anywhere and in any order.
fn unit(a: u32, b: u32) -> f32 {
    let mut word = a.wrapping_mul(0x9e37_79b1).wrapping_add(b.wrapping_mul(0x85eb_ca77));
    word = (word ^ (word >> 15)).wrapping_mul(0x2c1b_3c6d);
    word = (word ^ (word >> 12)).wrapping_mul(0x297a_2d39);
    word ^= word >> 15;
    (word >> 8) as f32 / 16_777_216.0
}

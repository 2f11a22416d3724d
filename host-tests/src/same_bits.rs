//! What the program `same_bits` must print, by the textbook's loops: where `firmware-example/same_bits.expected` and
//! `same_bits_more.expected` come from.

use std::fmt::Write;

use baregrad::activation::Activation;
use baregrad::shape::Features;
use catalogue::activations::{Curve, VisitActivations, VisitElementwise, WIDTH, each_elementwise, further_activations};
use catalogue::blocks::each_network_of_blocks;
use catalogue::losses::{Formula, Target as RowTarget, VisitLosses, further_losses};
use catalogue::networks::{CLASSES, Row, VisitNetworks, each_network};
use catalogue::optimizers::{self, SavedRule, VisitOptimizers, each_optimizer, further_optimizers};
use firmware_example::same_bits::{
    ACTIVATIONS, BATCHES, Case, Checksum, DIGITS, DIVERGENCE, Data, FUNCTIONS, FURTHER_BATCH, FURTHER_SAMPLES,
    FURTHER_WIDEST, FurtherCase, LOSSES, MOST_DIVERGING, NETWORK_SAMPLES, OPTIMIZERS, OUTPUTS, REPORTED, STEPS, cases,
    frozen, grid, network_name, network_seed,
};
use firmware_example::{digits, iris, xor};
use rand_core::Rng;
use rand_pcg::Pcg32;

use crate::networks::Images;
use crate::textbook::{self, Layer, Loss, Network, Optimizer, Target, activation, loss, step, step_frozen, uniform};

/// All lines of `same_bits.expected`, `case stage crc`.
pub fn expected(small_only: bool) -> String {
    let mut lines = String::new();
    for case in cases(small_only) {
        train(case, &mut |stage, crc| writeln!(lines, "{case} {stage} {crc:08x}").expect("a String takes everything"));
    }
    for (name, function) in FUNCTIONS {
        let values: Vec<f32> = grid().map(function).collect();
        writeln!(lines, "scalar {name} {:08x}", crc(&values)).expect("a String takes everything");
    }
    for (name, data, loss) in [("Xor", Data::Xor, "MeanSquaredError"), ("Iris", Data::Iris, "CrossEntropy")] {
        let (error, step) = diverge(data, textbook::loss(loss));
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
    let layer = |inputs, outputs| Layer::zero(inputs, outputs, activation("Identity"));
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
    let name = LOSSES[case.loss];
    let on_logits = name.ends_with("CrossEntropy");
    let targets = match case.data {
        Data::Xor => xor::TARGETS.map(|row| Target::Values(row.to_vec())).to_vec(),
        _ => labels.iter().map(|&label| Target::Label(label.into())).collect(),
    };
    let training = Training {
        sizes,
        hidden,
        output: if on_logits { activation("Identity") } else { hidden },
        loss: loss(name),
        optimizer: OPTIMIZERS[case.optimizer],
        seed: case.seed(),
        widest: 0.5,
        batch: BATCHES[case.batch],
        frozen: |_| 0,
    };
    training.run(&inputs, &targets, report);
}

/// What a case trains.
struct Training {
    sizes: [usize; 3],
    hidden: Curve,
    output: Curve,
    loss: Loss,
    optimizer: &'static str,
    seed: u64,
    widest: f32,
    batch: usize,
    frozen: fn(usize) -> usize,
}

impl Training {
    fn run(self, inputs: &[Vec<f32>], targets: &[Target], report: &mut dyn FnMut(&str, u32)) {
        let Self { sizes, widest, .. } = self;
        let mut generator = Pcg32::new(self.seed, 0);
        let layers = vec![Layer::zero(sizes[0], sizes[1], self.hidden), Layer::zero(sizes[1], sizes[2], self.output)];
        let mut network = Network { layers };
        let drawn: Vec<f32> =
            network.parameters().iter().map(|_| uniform(-widest, widest, generator.next_u32())).collect();
        network.set_parameters(&drawn);
        report("init", crc(&network.parameters()));
        let outputs = network.forward(&inputs[..OUTPUTS.min(inputs.len())]);
        report("forward", crc(&outputs[1].concat()));

        let mut rule = Optimizer::row(self.optimizer, drawn.len());
        for number in 1..=STEPS {
            let chosen: Vec<usize> = (0..self.batch)
                .map(|_| ((u64::from(generator.next_u32()) * inputs.len() as u64) >> 32) as usize)
                .collect();
            let batch: Vec<Vec<f32>> = chosen.iter().map(|&i| inputs[i].clone()).collect();
            let targets: Vec<Target> = chosen.iter().map(|&i| targets[i].clone()).collect();
            step_frozen(&mut network, (self.frozen)(number), &mut rule, &batch, &targets, self.loss);
            if REPORTED.contains(&number) {
                report(&format!("step{number}"), crc(&network.parameters()));
            }
        }
        report("state", crc(&rule.slots()));
    }
}

/// All lines of `same_bits_more.expected`: a training for each further row of the table.
pub fn expected_of_further_rows() -> String {
    let mut lines = FurtherLines(String::new());
    further_optimizers(&mut lines);
    further_activations(&mut lines);
    each_elementwise(&mut lines);
    further_losses(&mut lines);
    let mut thawing = Thawing(lines);
    each_optimizer(&mut thawing);
    let mut networks = NetworkLines(thawing.0.0);
    each_network(&mut networks);
    each_network_of_blocks(&mut networks);
    networks.0
}

struct FurtherLines(String);

struct Thawing(FurtherLines);

impl VisitOptimizers for Thawing {
    fn optimizer<O: SavedRule>(&mut self, optimizer: &'static str, _: O, _: optimizers::Formula) {
        if optimizer.starts_with("Adam") {
            self.0.train_on_labels(FurtherCase { optimizer, thaws: true, ..FurtherCase::USUAL });
        }
    }
}

impl FurtherLines {
    fn train(&mut self, case: FurtherCase, target: impl Fn(u8) -> Target) {
        let table = iris::TRAIN_INPUTS.iter().zip(&iris::TRAIN_LABELS).step_by(4).take(FURTHER_SAMPLES);
        let (inputs, targets): (Vec<Vec<f32>>, Vec<Target>) =
            table.map(|(row, &label)| (row.to_vec(), target(label))).unzip();
        let training = Training {
            sizes: [4, WIDTH, 3],
            hidden: activation(case.activation),
            output: activation("Identity"),
            loss: loss(case.loss),
            optimizer: case.optimizer,
            seed: case.seed(),
            widest: FURTHER_WIDEST,
            batch: FURTHER_BATCH,
            frozen: if case.thaws { frozen } else { |_| 0 },
        };
        training.run(&inputs, &targets, &mut |stage, crc| {
            writeln!(self.0, "{case} {stage} {crc:08x}").expect("a String takes everything");
        });
    }

    fn train_on_labels(&mut self, case: FurtherCase) {
        self.train(case, |label| Target::Label(label.into()));
    }
}

impl VisitOptimizers for FurtherLines {
    fn optimizer<O: SavedRule>(&mut self, optimizer: &'static str, _: O, _: optimizers::Formula) {
        self.train_on_labels(FurtherCase { optimizer, ..FurtherCase::USUAL });
    }
}

impl VisitActivations for FurtherLines {
    fn activation<A: Activation>(&mut self, curve: Curve) {
        self.train_on_labels(FurtherCase { activation: curve.name, ..FurtherCase::USUAL });
    }
}

impl VisitElementwise for FurtherLines {
    fn elementwise<L>(&mut self, curve: Curve)
    where
        L: baregrad::Layer<Features<WIDTH>>,
    {
        self.train_on_labels(FurtherCase { activation: curve.name, ..FurtherCase::USUAL });
    }
}

impl VisitLosses for FurtherLines {
    fn loss<L, T: RowTarget>(&mut self, _: L, formula: Formula) {
        let case = FurtherCase { loss: formula.name, ..FurtherCase::USUAL };
        self.train(case, |label| Target::Values(T::of_label(label).row().to_vec()));
    }
}

struct NetworkLines(String);

impl VisitNetworks for NetworkLines {
    fn network<N: baregrad::Network, O: SavedRule, const B: usize, const FLOATS: usize>(&mut self, row: Row, _: O) {
        let mut report = |stage: &str, crc: u32| {
            writeln!(self.0, "{} {stage} {crc:08x}", network_name(&row)).expect("a String takes everything");
        };
        let size = row.image[0] * row.image[1] * row.channels;
        let mut generator = Pcg32::new(network_seed(&row), 0);
        let inputs: Vec<Vec<f32>> = (0..NETWORK_SAMPLES)
            .map(|_| (0..size).map(|_| uniform(-1.0, 1.0, generator.next_u32())).collect())
            .collect();
        let targets: Vec<Target> = (0..NETWORK_SAMPLES).map(|k| Target::Label(k % CLASSES)).collect();
        let mut generator = Pcg32::new(network_seed(&row) + 1, 0);
        let mut network = Images::of(&row, &mut || generator.next_u32());
        report("init", crc(&network.parameters));
        let outputs: Vec<f32> = inputs[..OUTPUTS].iter().flat_map(|input| network.predict(input)).collect();
        report("forward", crc(&outputs));
        let mut rule = Optimizer::row(row.optimizer, network.parameters.len());
        for number in 1..=STEPS {
            let chosen: Vec<usize> = (0..row.batch)
                .map(|_| ((u64::from(generator.next_u32()) * inputs.len() as u64) >> 32) as usize)
                .collect();
            let batch: Vec<Vec<f32>> = chosen.iter().map(|&i| inputs[i].clone()).collect();
            let targets: Vec<Target> = chosen.iter().map(|&i| targets[i].clone()).collect();
            network.step(&mut rule, &batch, &targets, loss("CrossEntropy"));
            if REPORTED.contains(&number) {
                report(&format!("step{number}"), crc(&network.parameters));
            }
        }
        report("state", crc(&rule.slots()));
        if !network.state().is_empty() {
            report("kept", crc(&network.state()));
        }
    }
}

fn rows<const N: usize>(rows: &[[f32; N]]) -> Vec<Vec<f32>> {
    rows.iter().map(|row| row.to_vec()).collect()
}

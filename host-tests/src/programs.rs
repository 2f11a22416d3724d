//! The firmware's programs again, in the textbook's loops: where `firmware-example/expected.txt` comes from.

use baregrad::shape::Values;
use catalogue::networks::{Part, Window};
use crc::{CRC_32_ISO_HDLC, Crc};
use firmware_example::lesson::Lesson;
use firmware_example::voice::Trained;
use firmware_example::{digits, iris, voice, xor};
use rand_core::Rng;
use rand_pcg::Pcg32;
use safetensors::SafeTensors;

use crate::networks::Images;
use crate::source::{Architecture, numbers};
use crate::textbook::{Layer, Network, Optimizer, Target, activation, loss, shuffle, step, uniform};

/// CRC-32 of all parameters, little-endian, in storage order.
pub fn weights_crc(parameters: &[f32]) -> u32 {
    let bytes: Vec<u8> = parameters.iter().flat_map(|value| value.to_le_bytes()).collect();
    Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(&bytes)
}

/// What program `xor` ends with.
pub fn xor() -> Network {
    let mut generator = Pcg32::new(xor::SEED, 0);
    let mut network =
        Network { layers: vec![Layer::zero(2, 4, activation("Tanh")), Layer::zero(4, 1, activation("Identity"))] };
    for layer in &mut network.layers {
        for weight in layer.weights.iter_mut().flatten() {
            *weight = uniform(-1.0, 1.0, generator.next_u32());
        }
    }
    let inputs: Vec<Vec<f32>> = xor::INPUTS.iter().map(|row| row.to_vec()).collect();
    let targets: Vec<Target> = xor::TARGETS.iter().map(|row| Target::Values(row.to_vec())).collect();
    let mut optimizer = Optimizer::Sgd { learning_rate: xor::LEARNING_RATE };
    for _ in 0..xor::STEPS {
        step(&mut network, &mut optimizer, &inputs, &targets, loss("BinaryCrossEntropy"));
    }
    network
}

/// What program `digits` ends with.
pub fn digits() -> Network {
    let mut generator = Pcg32::new(digits::SEED, 0);
    let mut network =
        Network { layers: vec![Layer::zero(64, 32, activation("Relu")), Layer::zero(32, 10, activation("Identity"))] };
    he_uniform(&mut network, &mut generator);
    let mut optimizer = Optimizer::Sgd { learning_rate: digits::LEARNING_RATE };
    let mut order: Vec<u16> = (0..1438).collect();
    for _ in 0..digits::EPOCHS {
        shuffle(&mut order, || generator.next_u32());
        for batch in order.chunks(digits::BATCH) {
            let pixels = batch.iter().map(|&i| digits::TRAIN_INPUTS[usize::from(i)]);
            let inputs: Vec<Vec<f32>> = pixels.map(|row| row.map(|p| f32::from(p) / 16.0).to_vec()).collect();
            let labels = batch.iter().map(|&i| Target::Label(digits::TRAIN_LABELS[usize::from(i)].into()));
            step(&mut network, &mut optimizer, &inputs, &labels.collect::<Vec<_>>(), loss("CrossEntropy"));
        }
    }
    network
}

/// What program `voice` ends with, for one of the six speakers: all layers have learned.
pub fn voice(speaker: usize) -> Network {
    let architecture = Architecture::parse("Dense<312, 64, Relu>, Dense<64, 10>").expect("layers");
    let mut network =
        Network { layers: vec![Layer::zero(312, 64, activation("Relu")), Layer::zero(64, 10, activation("Identity"))] };
    let file = crate::voice::weights("dense", speaker);
    network.set_parameters(&architecture.weights_of_safetensors(&file, "").expect("PyTorch's file"));
    let mut optimizer = Optimizer::Sgd { learning_rate: voice::DenseNet::LEARNING_RATE };
    learn_voice(speaker, |inputs, targets| {
        step(&mut network, &mut optimizer, inputs, targets, loss("CrossEntropy"));
    });
    network
}

/// What program `voice_convolution` ends with.
pub fn voice_convolution(speaker: usize) -> Images {
    const CONVOLUTION: ([usize; 2], [usize; 2], Window) = ([3, 1], [1, 1], Window::Same);
    const LAYERS: [(usize, usize, usize); 2] = [(0, 13, 24), (3, 24, 32)];
    let part = |places, channels, activation| Part::Convolution { places, channels, is_depthwise: false, activation };
    let parts = [
        part(CONVOLUTION, [13, 24], "Relu"),
        Part::Pool { places: Some(([2, 1], [2, 1], Window::Valid)), is_maximum: true },
        part(CONVOLUTION, [24, 32], "Relu"),
        Part::Pool { places: None, is_maximum: false },
        part(([1, 1], [1, 1], Window::Same), [32, 10], "Identity"),
    ];
    let mut network = Images::new([24, 1], 13, &parts, &mut || 0);
    let file = crate::voice::weights("convolution", speaker);
    let file = SafeTensors::deserialize(&file).expect("PyTorch's file");
    let tensor = |name: String, shape: &[usize]| numbers(&file, &name, shape).expect("PyTorch's file");
    let mut parameters = Vec::new();
    for (module, inputs, outputs) in LAYERS {
        // PyTorch has [output][input][tap].
        let weights = tensor(format!("{module}.weight"), &[outputs, inputs, 3]);
        for tap in 0..3 {
            for input in 0..inputs {
                parameters.extend((0..outputs).map(|output| weights[(output * inputs + input) * 3 + tap]));
            }
        }
        parameters.extend(tensor(format!("{module}.bias"), &[outputs]));
    }
    let weights = tensor("7.weight".to_owned(), &[10, 32]);
    parameters.extend((0..32).flat_map(|input| weights.iter().skip(input).step_by(32)));
    parameters.extend(tensor("7.bias".to_owned(), &[10]));
    assert_eq!(parameters.len(), network.parameters.len());
    network.parameters = parameters;
    let mut optimizer = Optimizer::Sgd { learning_rate: voice::ConvolutionNet::LEARNING_RATE };
    learn_voice(speaker, |inputs, targets| {
        network.step(&mut optimizer, inputs, targets, loss("CrossEntropy"));
    });
    network
}

/// What programs `wake_word` and `keyword_spotting` end with, from the published network in plain loops.
pub fn lesson<N: Lesson<CLASSES>, const CLASSES: usize>(mut network: Images) -> Images {
    let mut optimizer = Optimizer::Sgd { learning_rate: N::LEARNING_RATE };
    for _ in 0..N::EPOCHS {
        for (pattern, kind) in N::TRAIN.inputs().iter().zip(N::TRAIN.targets()) {
            let target = Target::Label(usize::from(*kind));
            network.step(&mut optimizer, &[pattern.values().to_vec()], &[target], loss("CrossEntropy"));
        }
    }
    network
}

/// The batches of a speaker's few recordings, in the order that the firmware has them.
fn learn_voice(speaker: usize, mut step: impl FnMut(&[Vec<f32>], &[Target])) {
    let few = crate::voice::split(speaker).few;
    let mut generator = Pcg32::new(voice::SEED, 0);
    let mut order: Vec<u16> = (0..50).collect();
    for _ in 0..voice::EPOCHS {
        shuffle(&mut order, || generator.next_u32());
        for batch in order.chunks(voice::BATCH) {
            let values =
                |i: &u16| few.inputs[usize::from(*i)].iter().map(|&byte| f32::from(byte as i8) / 32.0).collect();
            let inputs: Vec<Vec<f32>> = batch.iter().map(values).collect();
            let labels = batch.iter().map(|&i| Target::Label(few.labels[usize::from(i)].into()));
            step(&inputs, &labels.collect::<Vec<_>>());
        }
    }
}

/// Weights uniform in `±√(6 / inputs)`.
fn he_uniform(network: &mut Network, generator: &mut Pcg32) {
    for layer in &mut network.layers {
        let limit = (6.0 / layer.weights.len() as f32).sqrt();
        for weight in layer.weights.iter_mut().flatten() {
            *weight = uniform(-limit, limit, generator.next_u32());
        }
    }
}

/// What program `iris` ends with.
pub fn iris() -> Network {
    let mut generator = Pcg32::new(iris::SEED, 0);
    let mut network =
        Network { layers: vec![Layer::zero(4, 16, activation("Relu")), Layer::zero(16, 3, activation("Identity"))] };
    he_uniform(&mut network, &mut generator);
    let mut optimizer = Optimizer::adam(iris::LEARNING_RATE, network.parameters().len());
    let mut order: Vec<u16> = (0..120).collect();
    for _ in 0..iris::EPOCHS {
        shuffle(&mut order, || generator.next_u32());
        for batch in order.chunks(iris::BATCH) {
            let inputs: Vec<Vec<f32>> = batch.iter().map(|&i| iris::TRAIN_INPUTS[usize::from(i)].to_vec()).collect();
            let labels = batch.iter().map(|&i| Target::Label(iris::TRAIN_LABELS[usize::from(i)].into()));
            step(&mut network, &mut optimizer, &inputs, &labels.collect::<Vec<_>>(), loss("CrossEntropy"));
        }
    }
    network
}

//! The networks of MLPerf Tiny, and the files in which their weights are published.
//!
//! `github.com/mlcommons/tiny`, Apache-2.0; the files are not part of this repository, but for the two that `data/README.md` names.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use baregrad::safetensors::{self, ImportError, Names};
use baregrad::shape::{SampleOf, Values};
use baregrad::{Network, Zero};

use catalogue::networks::{Part, Size, Window, conv, dense, depthwise};

pub use catalogue::mlperf_tiny::*;
pub use firmware_example::mlperf_tiny::Example;
use firmware_example::mlperf_tiny::output_crc;

use crate::networks::Images;
use crate::tensor_file;

/// [`KeywordSpotting`] in plain loops.
pub fn keyword_spotting() -> Images {
    const NINE: (Size, Size, Window) = ([3, 3], [1, 1], Window::Same);
    const PARTS: &[Part] = &[
        conv(([10, 4], [2, 2], Window::Strided), [1, 64], "Relu"),
        depthwise(NINE, 64, "Relu"),
        dense(64, 64, "Relu"),
        depthwise(NINE, 64, "Relu"),
        dense(64, 64, "Relu"),
        depthwise(NINE, 64, "Relu"),
        dense(64, 64, "Relu"),
        depthwise(NINE, 64, "Relu"),
        dense(64, 64, "Relu"),
        Part::Pool { places: None, is_maximum: false },
        dense(64, 12, "Identity"),
    ];
    plain::<KeywordSpotting>([49, 10], 1, PARTS)
}

/// [`WakeWord`] in plain loops.
pub fn wake_word() -> Images {
    const fn along(moments: usize) -> (Size, Size, Window) {
        ([moments, 1], [1, 1], Window::Valid)
    }
    const PARTS: &[Part] = &[
        depthwise(along(3), 40, "Identity"),
        dense(40, 128, "Relu"),
        depthwise(along(5), 128, "Identity"),
        dense(128, 128, "Relu"),
        depthwise(along(10), 128, "Identity"),
        dense(128, 128, "Relu"),
        depthwise(along(15), 128, "Identity"),
        dense(128, 32, "Relu"),
        dense(32, 3, "Identity"),
    ];
    plain::<WakeWord>([30, 1], 40, PARTS)
}

/// With the weights that the board has.
fn plain<N: Example>(image: Size, channels: usize, parts: &'static [Part]) -> Images {
    let mut network = Images::new(image, channels, parts, &mut || 0);
    network.parameters.clear();
    N::NETWORK.for_each_tensor(&mut |values| network.parameters.extend_from_slice(values));
    network
}

/// CRC-32 of what the plain loops make of the board's input.
pub fn prediction_crc<N: Example>(plain: &Images) -> u32 {
    let mut input = <SampleOf<N::In> as Zero>::ZERO;
    N::fill(&mut input);
    output_crc(&plain.predict(input.values()))
}

/// Where the files lie: the folder named by `MLPERF_TINY`, else `../shared/data/mlperf_tiny` beside the repository if it is there.
pub fn folder() -> Option<PathBuf> {
    if let Some(named) = env::var_os("MLPERF_TINY") {
        return Some(PathBuf::from(named));
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/mlperf_tiny");
    beside.is_dir().then_some(beside)
}

/// The bytes of a file.
pub fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Little-endian numbers.
pub fn floats_of(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect()
}

/// A tensor as Keras has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Taps, inputs, outputs.
    pub shape: Vec<usize>,
    /// Row by row.
    pub values: Vec<f32>,
}

impl Tensor {
    /// From TensorFlow Lite's layout: outputs first, but for a kernel of each channel, `[1, rows, columns, channels]`.
    pub fn of_tflite(shape: &[usize], values: &[f32]) -> Self {
        match *shape {
            [1, rows, columns, channels] => Self { shape: vec![rows, columns, channels, 1], values: values.to_vec() },
            [outputs, ref inner @ ..] => {
                let inputs = values.len() / outputs;
                let columns = (0..inputs).flat_map(|i| (0..outputs).map(move |o| values[o * inputs + i]));
                Self { shape: [inner, &[outputs]].concat(), values: columns.collect() }
            }
            [] => panic!("a number is no tensor"),
        }
    }
}

/// The names of so many tensors in a file: `0`, `1` and so on.
pub fn names(count: usize) -> Vec<String> {
    (0..count).map(|index| index.to_string()).collect()
}

/// Puts tensors in the order of a network into a file in Keras's layout, and loads that.
///
/// # Errors
/// As `safetensors::load`.
pub fn load<N: Network>(network: &mut N, tensors: &[Tensor]) -> Result<(), ImportError> {
    let names = names(tensors.len());
    let (mut entries, mut data) = (Vec::new(), Vec::new());
    for (name, tensor) in names.iter().zip(tensors) {
        let begin = data.len();
        data.extend(tensor.values.iter().flat_map(|value| value.to_le_bytes()));
        entries.push(tensor_file::entry(name, &tensor.shape, begin, data.len()));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    safetensors::load(network, &Names::Keras(&names), &tensor_file::file(&tensor_file::header(&entries), &data))
}

/// Weights and bias of each layer of a `.tflite` file, in the order of execution. Whole numbers are multiplied by their scales.
///
/// Numbers of fields and types: `tensorflow/lite/schema/schema.fbs`.
pub fn tflite(bytes: &[u8]) -> Vec<Tensor> {
    let model = Table { bytes, at: offset(bytes, 0) };
    let graph = model.tables(2)[0];
    let (tensors, buffers) = (graph.tables(0), model.tables(4));
    let mut found = Vec::new();
    for operator in graph.tables(3) {
        // Input, weights, bias. What has no weights has fewer.
        let inputs = operator.numbers(1);
        if let [_, weights, bias] = inputs[..] {
            found.extend([weights, bias].map(|index| tensors[index].tensor(&buffers)));
        }
    }
    found
}

/// A table of a flat buffer.
#[derive(Clone, Copy)]
struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("four bytes"))
}

/// Where the offset at a place points to.
fn offset(bytes: &[u8], at: usize) -> usize {
    at + word(bytes, at) as usize
}

impl<'a> Table<'a> {
    /// Where a field is, if it is there.
    fn field(self, index: usize) -> Option<usize> {
        let vtable =
            self.at.checked_add_signed(-(word(self.bytes, self.at) as i32 as isize)).expect("in front or behind");
        let half = |at: usize| usize::from(u16::from_le_bytes(*self.bytes[at..].first_chunk().expect("two bytes")));
        let place = 4 + 2 * index;
        let distance = if place < half(vtable) { half(vtable + place) } else { 0 };
        (distance > 0).then_some(self.at + distance)
    }

    /// A vector: its first element, and the number of them.
    fn vector(self, index: usize) -> (usize, usize) {
        let Some(start) = self.field(index).map(|field| offset(self.bytes, field)) else { return (0, 0) };
        (start + 4, word(self.bytes, start) as usize)
    }

    fn tables(self, index: usize) -> Vec<Self> {
        let (first, count) = self.vector(index);
        (0..count).map(|k| Self { at: offset(self.bytes, first + 4 * k), ..self }).collect()
    }

    fn words(self, index: usize) -> Vec<u32> {
        let (first, count) = self.vector(index);
        (0..count).map(|k| word(self.bytes, first + 4 * k)).collect()
    }

    fn numbers(self, index: usize) -> Vec<usize> {
        self.words(index).into_iter().map(|word| word as usize).collect()
    }

    /// Of a table `Tensor`.
    fn tensor(self, buffers: &[Self]) -> Tensor {
        let shape = self.numbers(0);
        let kind = self.field(1).map_or(0, |at| self.bytes[at]);
        let buffer = self.field(2).map_or(0, |at| word(self.bytes, at) as usize);
        let (first, count) = buffers[buffer].vector(0);
        let data = &self.bytes[first..first + count];
        let whole: Vec<f32> = match kind {
            0 => return Tensor::of_tflite(&shape, &floats_of(data)),
            2 => data.as_chunks().0.iter().map(|&four| i32::from_le_bytes(four) as f32).collect(),
            9 => data.iter().map(|&byte| f32::from(byte as i8)).collect(),
            _ => panic!("tensors of type {kind} are not known here"),
        };
        // A scale for each output, or one for all.
        let quantization = Self { at: offset(self.bytes, self.field(4).expect("a quantization")), ..self };
        let scales: Vec<f32> = quantization.words(2).into_iter().map(f32::from_bits).collect();
        let scale = |index: usize| match shape[..] {
            _ if scales.len() == 1 => scales[0],
            [1, _, _, channels] => scales[index % channels],
            _ => scales[index * scales.len() / whole.len()],
        };
        let values: Vec<f32> = whole.iter().enumerate().map(|(index, value)| value * scale(index)).collect();
        Tensor::of_tflite(&shape, &values)
    }
}

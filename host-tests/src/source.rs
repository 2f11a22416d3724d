//! A network as Rust source: `const NET: Net = …`, bit for bit, for weights in flash with nothing to read at boot.
//!
//! The sizes are known only when the command runs, so nothing here is generic over them: the layers are read from the text of their type, the
//! weights from a file, and the same text goes into the source. The example `as_source` is the command.

use std::fmt::Write as _;

use baregrad::activation::Activation;
use baregrad::fingerprint::{Fingerprint, chain};
use baregrad::{Identity, LeakyRelu, Relu, Sigmoid, Tanh};
use safetensors::{Dtype, SafeTensors};

/// A layer as its type says it.
struct Layer {
    inputs: usize,
    outputs: usize,
    /// `Relu`; empty for none.
    activation: String,
    fingerprint: u32,
}

/// A network of dense layers.
pub struct Architecture(Vec<Layer>);

impl Architecture {
    /// Reads layers as a program writes them: `Dense<4, 16, Relu>, Dense<16, 3>`.
    ///
    /// # Errors
    /// Says what can't be read, or which layers don't fit.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut layers = Vec::new();
        let mut rest = text.trim().trim_start_matches('(').trim_end_matches(')').trim().trim_end_matches(',');
        while !rest.is_empty() {
            let bad = || format!("not a layer: `{rest}`");
            let inside = rest.strip_prefix("Dense<").ok_or_else(bad)?;
            // An activation may have brackets of its own.
            let mut depth = 1;
            let end = inside.find(|character| {
                depth += match character {
                    '<' => 1,
                    '>' => -1,
                    _ => 0,
                };
                depth == 0
            });
            let (arguments, after) = inside.split_at(end.ok_or_else(bad)?);
            let mut arguments = arguments.splitn(3, ',').map(str::trim);
            let mut size =
                || arguments.next().and_then(|size| size.parse().ok()).filter(|size| *size > 0).ok_or_else(bad);
            let (inputs, outputs): (usize, usize) = (size()?, size()?);
            let activation = arguments.next().unwrap_or("").trim_end_matches(',').to_owned();
            let own = activation_fingerprint(&activation).ok_or_else(|| format!("no activation `{activation}`"))?;
            let fingerprint = Fingerprint::of("Dense").number(inputs).number(outputs).part(own).value();
            if let Some(Layer { outputs: before, .. }) = layers.last()
                && *before != inputs
            {
                return Err(format!("a layer of {inputs} inputs after one of {before} outputs"));
            }
            layers.push(Layer { inputs, outputs, activation, fingerprint });
            rest = after[1..].trim_start_matches([',', ' ', '\n']);
        }
        match layers.len() {
            1..=8 => Ok(Self(layers)),
            count => Err(format!("{count} layers; a tuple of one to eight is a network")),
        }
    }

    fn fingerprint(&self) -> u32 {
        let fingerprints = self.0.iter().map(|layer| layer.fingerprint);
        fingerprints.reduce(|first, next| chain(first, next, 1)).expect("at least one layer")
    }

    fn parameters(&self) -> usize {
        self.0.iter().map(|layer| (layer.inputs + 1) * layer.outputs).sum()
    }

    /// The weights in a `.safetensors` file by the names of PyTorch's `Sequential`, in the library's order.
    ///
    /// # Errors
    /// Says what is wrong with the file.
    pub fn weights_of_safetensors(&self, bytes: &[u8], prefix: &str) -> Result<Vec<f32>, String> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let mut weights = Vec::new();
        let mut position = 0;
        for Layer { inputs, outputs, activation, .. } in &self.0 {
            let matrix = numbers(&file, &format!("{prefix}{position}.weight"), &[*outputs, *inputs])?;
            weights.extend((0..*inputs).flat_map(|i| matrix.iter().skip(i).step_by(*inputs)));
            weights.extend(numbers(&file, &format!("{prefix}{position}.bias"), &[*outputs])?);
            position += if matches!(activation.as_str(), "" | "Identity") { 1 } else { 2 };
        }
        if file.len() != 2 * self.0.len() {
            return Err(format!("the file has {} tensors, the network {}", file.len(), 2 * self.0.len()));
        }
        Ok(weights)
    }

    /// The weights in a checkpoint of weights or of a training.
    ///
    /// # Errors
    /// Says what is wrong with the checkpoint.
    pub fn weights_of_checkpoint(&self, bytes: &[u8]) -> Result<Vec<f32>, String> {
        let word =
            |at: usize| bytes.get(at..at + 4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        if bytes.get(..6) != Some(b"BGRD\x01\0") {
            return Err("not a checkpoint of version 1".to_owned());
        }
        let checksum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&bytes[..bytes.len() - 4]);
        if word(bytes.len() - 4) != Some(checksum) {
            return Err("the checkpoint is damaged".to_owned());
        }
        if word(8) != Some(self.fingerprint()) {
            return Err("a checkpoint of another network".to_owned());
        }
        let weights = bytes.get(32..32 + 4 * self.parameters()).ok_or("the checkpoint is too short")?;
        finite(weights.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect())
    }

    /// The source: a type `Net` and its weights, `const NET: Net`.
    pub fn source(&self, weights: &[f32], origin: &str) -> String {
        let mut source = format!(
            "// Made from {origin} by `cargo run -p examples --bin as_source`.\n\
             #![cfg_attr(rustfmt, rustfmt_skip)]\n\
             #![allow(clippy::unreadable_literal)]\n\n\
             use baregrad::{{{}}};\n\n",
            self.imports().join(", ")
        );
        let types: Vec<String> = self.0.iter().map(Layer::as_type).collect();
        // A tuple of one has a comma.
        let comma = if types.len() == 1 { "," } else { "" };
        let parameters = self.parameters();
        // Writing to a string can't fail.
        let _ = write!(
            source,
            "/// {parameters} parameters.\npub type Net = ({}{comma});\n\n\
             /// The weights, bit for bit. Where they shall stay in flash, make a `static` of them: a `const` is copied to where it is used.\n\
             pub const NET: Net = (\n",
            types.join(", ")
        );
        let mut rest = weights;
        for Layer { inputs, outputs, .. } in &self.0 {
            source += "    Dense::new(\n        Matrix::from_rows([\n";
            for _ in 0..*inputs {
                let (row, after) = rest.split_at(*outputs);
                let _ = writeln!(source, "            [{}],", bits(row));
                rest = after;
            }
            let (bias, after) = rest.split_at(*outputs);
            let _ = write!(source, "        ]),\n        [{}],\n    ),\n", bits(bias));
            rest = after;
        }
        source += ");\n\nconst fn f(bits: u32) -> f32 {\n    f32::from_bits(bits)\n}\n";
        source
    }

    /// What of the library the source names.
    fn imports(&self) -> Vec<&str> {
        let activations = self.0.iter().filter_map(|layer| layer.activation.split('<').next());
        let mut names: Vec<&str> = activations.filter(|name| !name.is_empty()).chain(["Dense", "Matrix"]).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Layer {
    fn as_type(&self) -> String {
        let Self { inputs, outputs, activation, .. } = self;
        let activation = if activation.is_empty() { String::new() } else { format!(", {activation}") };
        format!("Dense<{inputs}, {outputs}{activation}>")
    }
}

fn activation_fingerprint(name: &str) -> Option<u32> {
    Some(match name {
        "" | "Identity" => Identity::FINGERPRINT,
        "Sigmoid" => Sigmoid::FINGERPRINT,
        "Tanh" => Tanh::FINGERPRINT,
        "Relu" => Relu::FINGERPRINT,
        "LeakyRelu" => LeakyRelu::<10>::FINGERPRINT,
        _ => {
            let per_mille: u16 = name.strip_prefix("LeakyRelu<")?.strip_suffix('>')?.trim().parse().ok()?;
            Fingerprint::of(LeakyRelu::<10>::NAME).number(usize::from(per_mille)).value()
        }
    })
}

fn bits(values: &[f32]) -> String {
    values.iter().map(|value| format!("f(0x{:08x})", value.to_bits())).collect::<Vec<_>>().join(", ")
}

/// A tensor as `f32`.
pub(crate) fn numbers(file: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
    let tensor = file.tensor(name).map_err(|error| error.to_string())?;
    if tensor.shape() != shape {
        return Err(format!("{name} has the shape {:?}, not {shape:?}", tensor.shape()));
    }
    let data = tensor.data();
    finite(match tensor.dtype() {
        Dtype::F32 => data.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect(),
        Dtype::F16 => data.as_chunks().0.iter().map(|&two| widened(u16::from_le_bytes(two))).collect(),
        Dtype::BF16 => data.as_chunks().0.iter().map(|&[low, high]| f32::from_le_bytes([0, 0, low, high])).collect(),
        other => return Err(format!("{name} has numbers of type {other:?}")),
    })
}

/// A binary16 by the formula of the standard; every value is one of `f32` too.
fn widened(half: u16) -> f32 {
    let fraction = f32::from(half & 0x3FF) / 1024.0;
    let magnitude = match (half >> 10) & 0x1F {
        0 => fraction * 2f32.powi(-14),
        0x1F => f32::INFINITY,
        exponent => (1.0 + fraction) * 2f32.powi(i32::from(exponent) - 15),
    };
    if half & 0x8000 == 0 { magnitude } else { -magnitude }
}

fn finite(numbers: Vec<f32>) -> Result<Vec<f32>, String> {
    if numbers.iter().all(|number| number.is_finite()) {
        Ok(numbers)
    } else {
        Err("a weight is infinite or NaN".to_owned())
    }
}

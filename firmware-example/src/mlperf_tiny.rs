//! Two networks of MLPerf Tiny that predict on the board, from weights in flash: keyword spotting, and the streaming wake word.
//!
//! The others need more than its 128 KB of RAM, or more than its megabyte of flash.

use baregrad::shape::{ArrayShape, SampleOf, Values};
use baregrad::{Conv2d, Dense, DepthwiseConv2d, Flatten, GlobalAveragePool, Matrix, Model, Network, Zero};
pub use catalogue::mlperf_tiny::{KeywordSpotting, WakeWord};
use catalogue::mlperf_tiny::{Moments, Separable};
use crc::{CRC_32_ISO_HDLC, Crc, NoTable};

/// Weights and an input of a network of this benchmark.
pub trait Example: Network<In: ArrayShape> + Sized + 'static {
    /// Its name in `expected.txt`.
    const PROGRAM: &'static str;
    /// The network, in flash.
    const NETWORK: &'static Self;

    /// An input within the bounds of the benchmark's, always the same.
    fn fill(input: &mut SampleOf<Self::In>);
}

impl Example for KeywordSpotting {
    const PROGRAM: &'static str = "keyword_spotting";
    const NETWORK: &'static Self = &KEYWORDS;

    fn fill(input: &mut SampleOf<Self::In>) {
        fill(input.values_mut(), 0.584_702_9, 83);
    }
}

impl Example for WakeWord {
    const PROGRAM: &'static str = "wake_word";
    const NETWORK: &'static Self = &WAKE_WORD;

    fn fill(input: &mut SampleOf<Self::In>) {
        fill(input.values_mut(), 0.003_701_042_6, -128);
    }
}

/// Whole numbers of 8 bits without a pattern, as a quantized network has them, times their scale.
fn fill(values: &mut [f32], scale: f32, zero: i32) {
    let mut word = 1_u32;
    for value in values {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *value = scale * (i32::from((word >> 24) as i8) - zero) as f32;
    }
}

/// CRC-32 of an output, little-endian.
pub fn output_crc(output: &[f32]) -> u32 {
    let crc = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);
    let mut digest = crc.digest();
    for value in output {
        digest.update(&value.to_le_bytes());
    }
    digest.finalize()
}

static KEYWORDS: KeywordSpotting = {
    let mut numbers = Numbers::of(include_bytes!("../../host-tests/data/mlperf_tiny_kws.safetensors"));
    Model::new((
        Conv2d::new(numbers.kernels(), numbers.vector()),
        numbers.separable(),
        numbers.separable(),
        numbers.separable(),
        numbers.separable(),
        GlobalAveragePool::ZERO,
        numbers.dense(),
    ))
};

static WAKE_WORD: WakeWord = {
    let mut numbers = Numbers::of(include_bytes!("../../host-tests/data/mlperf_tiny_sww.safetensors"));
    Model::new((numbers.moments(), numbers.moments(), numbers.moments(), numbers.moments(), Flatten, numbers.dense()))
};

/// The numbers of a `.safetensors` file that has them in the order of memory.
///
/// The compiler reads it, so that the network needs no RAM. A host test compares it with what the library loads.
struct Numbers {
    numbers: &'static [[u8; 4]],
    at: usize,
}

impl Numbers {
    /// Behind the header, whose length is in front of it.
    const fn of(file: &'static [u8]) -> Self {
        let Some((length, rest)) = file.split_first_chunk() else { panic!("no file of tensors") };
        let (_, numbers) = rest.split_at(u64::from_le_bytes(*length) as usize);
        Self { numbers: numbers.as_chunks().0, at: 0 }
    }

    const fn vector<const N: usize>(&mut self) -> [f32; N] {
        let (mut values, mut index) = ([0.0; N], 0);
        while index < N {
            values[index] = f32::from_le_bytes(self.numbers[self.at]);
            self.at += 1;
            index += 1;
        }
        values
    }

    const fn rows<const N: usize, const ROWS: usize>(&mut self) -> [[f32; N]; ROWS] {
        let (mut values, mut index) = ([[0.0; N]; ROWS], 0);
        while index < ROWS {
            values[index] = self.vector();
            index += 1;
        }
        values
    }

    const fn planes<const N: usize, const ROWS: usize, const PLANES: usize>(&mut self) -> [[[f32; N]; ROWS]; PLANES] {
        let (mut values, mut index) = ([[[0.0; N]; ROWS]; PLANES], 0);
        while index < PLANES {
            values[index] = self.rows();
            index += 1;
        }
        values
    }

    /// Of one channel in.
    const fn kernels<const N: usize, const KW: usize, const KH: usize>(&mut self) -> [[[[f32; N]; 1]; KW]; KH] {
        let (mut values, mut index) = ([[[[0.0; N]; 1]; KW]; KH], 0);
        while index < KH {
            values[index] = self.planes();
            index += 1;
        }
        values
    }

    const fn dense<const IN: usize, const OUT: usize, A>(&mut self) -> Dense<IN, OUT, A> {
        Dense::new(Matrix::from_rows(self.rows()), self.vector())
    }

    const fn depthwise<const N: usize, const KH: usize, const KW: usize, W, A>(
        &mut self,
    ) -> DepthwiseConv2d<N, KH, KW, W, A> {
        DepthwiseConv2d::new(self.planes(), self.vector())
    }

    const fn separable<const N: usize>(&mut self) -> Separable<N, N> {
        (self.depthwise(), self.dense())
    }

    const fn moments<const IN: usize, const OUT: usize, const K: usize>(&mut self) -> Moments<IN, OUT, K> {
        (self.depthwise(), self.dense())
    }
}

//! The training code of the example programs: the same source runs in the firmware and in the host's tests.
//!
//! Each program is a network, its data and a `train` function that reports progress through a closure; what a program prints, and
//! how, is the firmware's business (`src/bin`). [`expected_crc`] gives the CRC-32 that the final weights, or a prediction, must have on every
//! machine; the numbers in `expected.txt` were made by the plain textbook loops of `host-tests`, not by the library.
#![no_std]

#[cfg(all(feature = "board", target_os = "none"))]
pub mod board;
pub mod digits;
#[cfg(all(feature = "board", target_os = "none"))]
pub mod file_flash;
pub mod iris;
#[cfg(feature = "board")] // as `mlperf_tiny`
pub mod keyword_spotting;
#[cfg(feature = "board")] // as `mlperf_tiny`
pub mod lesson;
#[cfg(feature = "board")] // reading the weights takes the compiler a second
pub mod mlperf_tiny;
pub mod record;
#[cfg(all(feature = "board", target_os = "none"))]
pub mod report;
pub mod resume;
pub mod same_bits;
#[cfg(all(feature = "board", target_os = "none"))]
pub mod serving;
pub mod voice;
#[cfg(feature = "board")] // as `mlperf_tiny`
pub mod wake_word;
pub mod xor;

use baregrad::Parameters;
use crc::{CRC_32_ISO_HDLC, Crc, NoTable};

/// CRC-32 (the one of Ethernet and zip) of all parameters, little-endian, in storage order.
pub fn weights_crc(network: &impl Parameters) -> u32 {
    let crc = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);
    let mut digest = crc.digest();
    network.for_each_tensor(&mut |piece| {
        for value in piece {
            digest.update(&value.to_le_bytes());
        }
    });
    digest.finalize()
}

/// The CRC-32 that `expected.txt` has for a program: a line `name crc`, the number in hexadecimal.
pub fn expected_crc(program: &str) -> Option<u32> {
    let mut lines = include_str!("../expected.txt").lines().filter_map(|line| line.split_once(' '));
    let (_, crc) = lines.find(|(name, _)| *name == program)?;
    u32::from_str_radix(crc, 16).ok()
}

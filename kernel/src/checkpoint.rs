//! Checkpoints: weights, or a whole training state, to bytes and back.
//!
//! ```text
//!  0  "BGRD"                        magic
//!  4  u16    1                      version of this format
//!  6  u16    1 weights, 2 training  kind
//!  8  u32    architecture           fingerprint: kinds of layers, sizes, activations
//! 12  u32    w                      bytes of weights, biases and state, 4 each
//! 16  u32    optimizer              fingerprint of rule and slot  ┐
//! 20  u32    o                      bytes of slots and rule       │ all 0 in
//! 24  u32    extra                  fingerprint                   │ kind 1
//! 28  u32    e                      bytes of extra state          ┘
//! 32  w      weights, state         f32 each, in the order of `Tensors::for_each_tensor`; then what layers keep, such as running statistics
//!     o      slots, layers, rule    a slot per parameter in the same order, the state of each layer with parameters, the optimizer's own fields
//!     e      extra state            what the user gave
//!     u32    checksum               CRC-32 (IEEE 802.3) of everything before
//! ```
//!
//! Everything is little-endian on every target, nothing is padded. A checkpoint's length is known when the program compiles
//! ([`weights_bytes`], [`training_bytes`]), and so are its first 32 bytes.
//!
//! ```
//! use baregrad::{Adam, Dataset, Dense, MeanSquaredError, Relu, Trainer, checkpoint, floats};
//!
//! type Net = (Dense<2, 4, Relu>, Dense<4, 1>);
//! type Extra = (u32, u64); // steps taken, state of the generator: whatever else the training needs to go on
//! const BYTES: usize = checkpoint::training_bytes::<Net, Adam, Extra>();
//! const { assert!(BYTES == 36 + 4 * 17 + 8 * 17 + 2 * 8 + 24 + 12) }
//!
//! let (mut trainer, mut optimizer) = (Trainer::<Net, Adam, 4, { floats::<Net>() }>::NEW, Adam::new(0.01));
//! let mut extra: Extra = (0, 1);
//! trainer.step(&Dataset::from_arrays(&[[1.0, 2.0]], &[[3.0]]), MeanSquaredError, &mut optimizer)?;
//! extra.0 += 1;
//! let mut bytes = [0; BYTES];
//! trainer.save(&optimizer, &extra, &mut bytes)?;
//!
//! // After a restart:
//! let (mut trainer, mut optimizer) = (Trainer::<Net, Adam, 4, { floats::<Net>() }>::NEW, Adam::new(0.01));
//! let mut extra: Extra = (0, 0);
//! trainer.load(&mut optimizer, &mut extra, &bytes)?;
//! assert_eq!(extra, (1, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is saved
//! *Weights*: weights and biases, and the [state](crate::Parameters::STATE) of layers, to predict with. *Training*: these, the optimizer's slots, what it remembers of each layer, its own numbers
//! (learning rate, powers), and extra state, a [`State`] that the user names: a count of steps, a schedule, a generator, an order; `()` for none. Between
//! two steps that is all there is, so training goes on from it bit for bit, on any target. The workspace and a stored gradient
//! are not saved.
//!
//! # Nothing goes wrong quietly
//! A save is refused when a weight or a slot is infinite or NaN, before the buffer or the sink sees a byte: so a diverged training
//! never takes the place of a good checkpoint. (The optimizer's own numbers and the extra state may hold infinities.) A load looks
//! at everything, the checksum and each weight and slot, before it changes anything: one that fails changes nothing.
//!
//! # Order of the errors
//! Magic, version, length, checksum, then kind, architecture, optimizer, extra state, finite values. So everything from
//! [`LoadError::OtherKind`] on speaks of a checkpoint that is whole. One that is cut, or has a bit flipped, gets an
//! error of the first four, and never loads.
//!
//! # Without a buffer
//! [`write_weights`] and [`write_training`] hand pieces of [`CHUNK`] bytes (the last may be shorter) to a sink that may fail, the
//! header first and the checksum last: flash, a file, a radio. From flash that the processor can address, load the slice as it lies there;
//! from anything else, [`read_weights`] and [`read_training`] fetch pieces of the same size, twice. With feature `embedded-storage` module
//! `flash` does both, and survives a loss of power.
//!
//! # What the version means
//! A version's bytes never change their meaning, and the fingerprints of this library's types are part of it. A release that writes
//! another version says so in the changelog under "Format", with the versions that it still loads; one that can no longer load what
//! the release before wrote is a breaking release. A training by [`Adam`](crate::Adam) or [`AdamW`](crate::AdamW) without state of layers, as this version
//! had it first, still loads. It counts as one in which no layer missed a step.
//!
//! # Source
//! CRC-32 as in IEEE 802.3. The fingerprints are in [`fingerprint`](crate::fingerprint).

mod crc;
mod error;
#[cfg(feature = "embedded-storage")]
pub mod flash;
mod header;
mod payload;
mod stream;

pub use crate::state::State;
pub use error::{LoadError, ReadError, SaveError, WriteError};

use core::convert::Infallible;

use crate::layer::{Parameters, Slots, Tensors};
use crate::network::Network;
use crate::optimizer::Optimizer;
use crate::train::Trainer;
use header::{Header, as_length};
use payload::{
    check_training, check_weights, put_weights, saveable_state, saveable_weights, steady, take_training, take_weights,
};
use stream::{Reader, Writer};

/// Version of the format that this release writes, and the only one that it loads.
pub const VERSION: u16 = 1;
/// Bytes before the weights.
pub const HEADER_BYTES: usize = 32;
/// Bytes of the pieces that are written and read; the last of a checkpoint may be shorter. A multiple of every usual flash word.
pub const CHUNK: usize = 64;

/// Bytes of a checkpoint of the weights alone: 36, and 4 for each parameter and each value of state.
pub const fn weights_bytes<N: Parameters>() -> usize {
    const { addressable(Header::of_weights::<N>().total()) }
}

/// Bytes of a checkpoint of a training state: 36, 4 for each parameter and each value of a layer's state, the slots, the optimizer's own numbers, the extra
/// state.
pub const fn training_bytes<N: Parameters, O: Optimizer<Slot: State> + State, E: State>() -> usize {
    const { addressable(Header::of_training::<N, O, E>().total()) }
}

/// A number of bytes as a `usize`; what is larger doesn't compile, where addresses have 16 bits.
const fn addressable(bytes: u64) -> usize {
    assert!(bytes <= usize::MAX as u64, "the checkpoint is larger than what can be addressed");
    bytes as usize
}

/// Saves the weights; gives [`weights_bytes`], the number of bytes used at the start of the buffer.
///
/// # Errors
/// See [`SaveError`]: the buffer is then as it was.
pub fn save_weights<N: Parameters>(network: &N, buffer: &mut [u8]) -> Result<usize, SaveError> {
    let needed = weights_bytes::<N>();
    let mut sink = buffer_sink(buffer, needed)?;
    write_weights(network, &mut sink).map_err(refusal)?;
    Ok(needed)
}

/// Loads weights from exactly the bytes of a checkpoint.
///
/// # Errors
/// See [`LoadError`]: the network is then as it was.
pub fn load_weights<N: Parameters>(network: &mut N, bytes: &[u8]) -> Result<(), LoadError> {
    let mut source = slice_source(bytes);
    check_weights::<N, _, _>(bytes.len(), &mut source).map_err(complaint)?;
    let mut reader = Reader::new(&mut source, bytes.len());
    take_weights(network, &mut reader);
    Ok(())
}

/// Saves a training state; gives [`training_bytes`], the number of bytes used at the start of the buffer.
///
/// # Errors
/// See [`SaveError`]: the buffer is then as it was.
pub fn save_training<N: Parameters, O: Optimizer<Slot: State> + State, E: State>(
    network: &N,
    slots: &N::Slots<O::Slot>,
    optimizer: &O,
    extra: &E,
    buffer: &mut [u8],
) -> Result<usize, SaveError> {
    let needed = training_bytes::<N, O, E>();
    let mut sink = buffer_sink(buffer, needed)?;
    write_training(network, slots, optimizer, extra, &mut sink).map_err(refusal)?;
    Ok(needed)
}

/// Loads a training state from exactly the bytes of a checkpoint.
///
/// # Errors
/// See [`LoadError`]: network, slots, optimizer and extra state are then as they were.
pub fn load_training<N: Parameters, O: Optimizer<Slot: State> + State, E: State>(
    network: &mut N,
    slots: &mut N::Slots<O::Slot>,
    optimizer: &mut O,
    extra: &mut E,
    bytes: &[u8],
) -> Result<(), LoadError> {
    let mut source = slice_source(bytes);
    let layers = check_training::<N, O, E, _, _>(bytes.len(), &mut source).map_err(complaint)?;
    let mut reader = Reader::new(&mut source, bytes.len());
    take_training(network, slots, optimizer, extra, layers, &mut reader);
    Ok(())
}

/// Writes the weights to a sink, in pieces of [`CHUNK`] bytes but for the last; gives the number of bytes.
///
/// # Errors
/// Refused, as [`save_weights`]: the sink has not been called then. Or the sink failed, and is not called again.
pub fn write_weights<N: Parameters, F>(
    network: &N,
    sink: &mut impl FnMut(&[u8]) -> Result<(), F>,
) -> Result<usize, WriteError<F>> {
    saveable_weights(network)?;
    let mut writer = Writer::new(sink);
    const { Header::of_weights::<N>() }.write(&mut writer);
    put_weights(network, &mut writer);
    writer.finish().map_err(WriteError::Sink)?;
    Ok(weights_bytes::<N>())
}

/// Writes a training state to a sink, in pieces of [`CHUNK`] bytes but for the last; gives the number of bytes.
///
/// # Errors
/// Refused, as [`save_training`]: the sink has not been called then. Or the sink failed, and is not called again.
pub fn write_training<N: Parameters, O: Optimizer<Slot: State> + State, E: State, F>(
    network: &N,
    slots: &N::Slots<O::Slot>,
    optimizer: &O,
    extra: &E,
    sink: &mut impl FnMut(&[u8]) -> Result<(), F>,
) -> Result<usize, WriteError<F>> {
    saveable_weights(network)?;
    saveable_state::<N, O, E>(slots, optimizer, extra)?;
    let mut writer = Writer::new(sink);
    const { Header::of_training::<N, O, E>() }.write(&mut writer);
    put_weights(network, &mut writer);
    slots.for_each_tensor(&mut |piece| {
        for slot in piece {
            slot.save(&mut |bytes| writer.put(bytes));
        }
    });
    slots.for_each_layer(&mut |layer| layer.save(&mut |bytes| writer.put(bytes)));
    optimizer.save(&mut |bytes| writer.put(bytes));
    extra.save(&mut |bytes| writer.put(bytes));
    writer.finish().map_err(WriteError::Sink)?;
    Ok(training_bytes::<N, O, E>())
}

/// Loads weights from a checkpoint of `length` bytes that `source` gives in pieces: it fills the slice from the offset on.
///
/// Everything is read twice: first to check it, then to take it. Offsets are multiples of [`CHUNK`], in order; slices have
/// [`CHUNK`] bytes but for the last.
///
/// # Errors
/// See [`ReadError`]: the network is then as it was, but for [`ReadError::Unsteady`].
pub fn read_weights<N: Parameters, F>(
    network: &mut N,
    length: usize,
    source: &mut impl FnMut(usize, &mut [u8]) -> Result<(), F>,
) -> Result<(), ReadError<F>> {
    check_weights::<N, _, _>(length, source)?;
    let mut reader = Reader::new(source, length);
    take_weights(network, &mut reader);
    steady(reader)
}

/// Loads a training state from a checkpoint of `length` bytes that `source` gives in pieces; see [`read_weights`].
///
/// # Errors
/// See [`ReadError`]: everything is then as it was, but for [`ReadError::Unsteady`].
pub fn read_training<N: Parameters, O: Optimizer<Slot: State> + State, E: State, F>(
    network: &mut N,
    slots: &mut N::Slots<O::Slot>,
    optimizer: &mut O,
    extra: &mut E,
    length: usize,
    source: &mut impl FnMut(usize, &mut [u8]) -> Result<(), F>,
) -> Result<(), ReadError<F>> {
    let layers = check_training::<N, O, E, _, _>(length, source)?;
    let mut reader = Reader::new(source, length);
    take_training(network, slots, optimizer, extra, layers, &mut reader);
    steady(reader)
}

/// How long the checkpoint is that starts with these bytes, at least [`HEADER_BYTES`] of them: for a place in flash that
/// may hold another network's. Only the load itself tells whether the checkpoint is sound.
///
/// # Errors
/// Too few bytes, no checkpoint, or one of another version.
pub fn stated_bytes(start: &[u8]) -> Result<usize, LoadError> {
    let mut source = slice_source(start);
    let mut reader = Reader::new(&mut source, start.len());
    let header = Header::read(&mut reader, start.len(), HEADER_BYTES)?;
    Ok(as_length(header.total()))
}

/// Checkpoints of a training.
impl<N: Network, O: Optimizer<Slot: State> + State, const B: usize, const FLOATS: usize> Trainer<N, O, B, FLOATS> {
    /// Saves the training state; see [`save_training`](crate::checkpoint::save_training).
    ///
    /// # Errors
    /// See [`SaveError`]: the buffer is then as it was.
    pub fn save<E: State>(&self, optimizer: &O, extra: &E, buffer: &mut [u8]) -> Result<usize, SaveError> {
        save_training(&self.network, &self.slots, optimizer, extra, buffer)
    }

    /// Loads a training state; see [`load_training`](crate::checkpoint::load_training).
    ///
    /// # Errors
    /// See [`LoadError`]: trainer, optimizer and extra state are then as they were.
    pub fn load<E: State>(&mut self, optimizer: &mut O, extra: &mut E, bytes: &[u8]) -> Result<(), LoadError> {
        load_training(&mut self.network, &mut self.slots, optimizer, extra, bytes)
    }
}

/// A sink that fills a buffer from its start on.
fn buffer_sink(buffer: &mut [u8], needed: usize) -> Result<impl FnMut(&[u8]) -> Result<(), Infallible>, SaveError> {
    if buffer.len() < needed {
        return Err(SaveError::BufferTooSmall { needed });
    }
    let mut places = buffer.iter_mut();
    Ok(move |piece: &[u8]| {
        // In this order: `zip` looks at its second only when the first had one more.
        for (byte, place) in piece.iter().zip(places.by_ref()) {
            *place = *byte;
        }
        Ok(())
    })
}

/// A source that reads from a slice.
fn slice_source(bytes: &[u8]) -> impl FnMut(usize, &mut [u8]) -> Result<(), Infallible> {
    |offset, piece| {
        for (place, byte) in piece.iter_mut().zip(bytes.get(offset..).unwrap_or_default()) {
            *place = *byte;
        }
        Ok(())
    }
}

fn refusal(error: WriteError<Infallible>) -> SaveError {
    match error {
        WriteError::Save(error) => error,
        WriteError::Sink(never) => match never {},
    }
}

fn complaint(error: ReadError<Infallible>) -> LoadError {
    match error {
        ReadError::Load(error) => error,
        ReadError::Source(never) => match never {},
        // Said only by the second reading, which a slice doesn't need.
        ReadError::Unsteady => LoadError::ChecksumMismatch,
    }
}

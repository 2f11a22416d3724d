//! Weights out.

use super::error::ExportError;
use super::header::{LENGTH_BYTES, METADATA};
use super::layout::Stored;
use super::names::{Names, decimal};
use super::tensors::{Entry, are_as_described, without_order};
use crate::checkpoint::CHUNK;
use crate::kernels::{Kernels, ThisCpu};
use crate::layer::has_sound_state;
use crate::network::OnInput;

/// Bytes of the `.safetensors` file of a network.
pub fn file_bytes<N: OnInput>(names: &Names<'_>) -> usize {
    LENGTH_BYTES.saturating_add(header_bytes::<N>(names)).saturating_add(data_bytes::<N>())
}

/// Writes the weights into a buffer; gives [`file_bytes`], the number of bytes used at its start.
///
/// # Errors
/// See [`ExportError`]: the buffer is then as it was.
pub fn save<N: OnInput>(network: &N, names: &Names<'_>, buffer: &mut [u8]) -> Result<usize, ExportError> {
    check(network, names)?;
    let needed = file_bytes::<N>(names);
    let Some(mut rest) = buffer.get_mut(..needed) else { return Err(ExportError::BufferTooSmall { needed }) };
    write(network, names, &mut |piece: &[u8]| {
        if let Some(place) = rest.split_off_mut(..piece.len()) {
            for (to, from) in place.iter_mut().zip(piece) {
                *to = *from;
            }
        }
        Ok(())
    })
}

/// Writes the weights to a sink, in pieces of [`CHUNK`] bytes but for the last; gives the number of bytes.
///
/// A file, a radio. `E` is the sink's error, and can be made of an [`ExportError`].
///
/// # Errors
/// See [`ExportError`]: the sink has not been called then. Or the sink failed, and is not called again.
pub fn write<N: OnInput, E: From<ExportError>>(
    network: &N,
    names: &Names<'_>,
    sink: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<usize, E> {
    check(network, names)?;
    let mut writer = Writer { sink, chunk: [0; CHUNK], filled: 0, result: Ok(()) };
    let header = header_bytes::<N>(names);
    for byte in (header as u64).to_le_bytes() {
        writer.put(byte);
    }
    let mut text = 0usize;
    header_text::<N>(names, &mut |byte| {
        writer.put(byte);
        text = text.wrapping_add(1);
    });
    for _ in text..header {
        writer.put(b' ');
    }
    for entry in Entry::all::<N>() {
        let values = entry.values(network);
        for place in Stored::of::<N>(&entry, names.layout()).places() {
            let bytes = values.get(place).map_or([0; 4], |value| value.to_le_bytes());
            bytes.into_iter().for_each(|byte| writer.put(byte));
        }
    }
    writer.flush();
    writer.result?;
    Ok(file_bytes::<N>(names))
}

/// Refuses what should not be in a file.
fn check<N: OnInput>(network: &N, names: &Names<'_>) -> Result<(), ExportError> {
    names.check::<N>()?;
    for entry in Entry::all::<N>() {
        if names.of(&entry).bytes().eq(METADATA.bytes()) {
            return Err(ExportError::ReservedName { tensor: entry.index });
        }
    }
    if !are_as_described(network) {
        return Err(ExportError::WrongTensors);
    }
    if let Some(tensor) = without_order::<N>(names.layout()) {
        return Err(ExportError::UnknownOrder { tensor });
    }
    let mut finite = true;
    network.for_each_tensor(&mut |values| finite &= ThisCpu::all_finite(values));
    if !finite {
        return Err(ExportError::NonFiniteWeights);
    }
    if has_sound_state(network) { Ok(()) } else { Err(ExportError::UnsoundState) }
}

/// Bytes of the header: a multiple of 8, so that the numbers behind it are aligned.
fn header_bytes<N: OnInput>(names: &Names<'_>) -> usize {
    let mut bytes = 0usize;
    header_text::<N>(names, &mut |_| bytes = bytes.wrapping_add(1));
    bytes.wrapping_add(7) & !7
}

fn data_bytes<N: OnInput>() -> usize {
    let tensors = Entry::all::<N>().map(|entry| entry.tensor.len());
    tensors.fold(0, usize::saturating_add).saturating_mul(4)
}

/// The header without the spaces at its end.
#[inline(never)]
fn header_text<N: OnInput>(names: &Names<'_>, put: &mut impl FnMut(u8)) {
    let mut offset = 0usize;
    put(b'{');
    for entry in Entry::all::<N>() {
        if entry.index > 0 {
            put(b',');
        }
        put(b'"');
        names.of(&entry).bytes().for_each(|byte| put_escaped(byte, put));
        br#"":{"dtype":"F32","shape":["#.iter().for_each(|byte| put(*byte));
        let mut separated = false;
        for size in Stored::of::<N>(&entry, names.layout()).dimensions().sizes() {
            if separated {
                put(b',');
            }
            separated = true;
            decimal(*size as usize).for_each(&mut *put);
        }
        br#"],"data_offsets":["#.iter().for_each(|byte| put(*byte));
        decimal(offset).for_each(&mut *put);
        put(b',');
        offset = offset.saturating_add(entry.tensor.len().saturating_mul(4));
        decimal(offset).for_each(&mut *put);
        b"]}".iter().for_each(|byte| put(*byte));
    }
    put(b'}');
}

/// A byte of a JSON string. What is not ASCII stands as it is, in UTF-8.
fn put_escaped(byte: u8, put: &mut impl FnMut(u8)) {
    match byte {
        b'"' | b'\\' => [b'\\', byte].into_iter().for_each(put),
        0..0x20 => {
            b"\\u00".iter().for_each(|byte| put(*byte));
            [byte >> 4, byte & 0x0F]
                .into_iter()
                .for_each(|digit| put(digit.wrapping_add(if digit < 10 { b'0' } else { b'a' - 10 })));
        }
        _ => put(byte),
    }
}

/// Gathers bytes into pieces for a sink.
struct Writer<'s, S, E> {
    sink: &'s mut S,
    chunk: [u8; CHUNK],
    filled: usize,
    result: Result<(), E>,
}

impl<E, S: FnMut(&[u8]) -> Result<(), E>> Writer<'_, S, E> {
    #[inline(never)]
    fn put(&mut self, byte: u8) {
        if let Some(place) = self.chunk.get_mut(self.filled) {
            *place = byte;
        }
        self.filled = self.filled.wrapping_add(1);
        if self.filled >= CHUNK {
            self.flush();
        }
    }

    /// Hands on what has been gathered; nothing more after the sink has failed.
    fn flush(&mut self) {
        if let Some(piece) = self.chunk.get(..self.filled)
            && !piece.is_empty()
            && self.result.is_ok()
        {
            self.result = (self.sink)(piece);
        }
        self.filled = 0;
    }
}

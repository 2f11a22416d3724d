//! What stands behind the header: looked at before anything is written or changed, then put or taken.

use super::header::{FRAME, Header};
use super::stream::{Reader, Writer};
use super::{HEADER_BYTES, LoadError, ReadError, SaveError, State};
use crate::layer::{Parameters, Slots, StateTensor, Tensors, has_sound_state, state_values};
use crate::optimizer::{Optimizer, Slot};
use crate::zero::Zero;

/// Refuses weights that are not finite, and state outside of its domain.
pub(super) fn saveable_weights<N: Parameters>(network: &N) -> Result<(), SaveError> {
    let (mut finite, mut count) = (true, 0usize);
    network.for_each_tensor(&mut |piece| {
        finite &= piece.iter().all(|value| value.is_finite());
        count = count.saturating_add(piece.len());
    });
    if !finite {
        Err(SaveError::NonFiniteWeights)
    } else if count != N::PARAMETERS || state_values(network) != N::STATE_VALUES {
        Err(SaveError::WrongLength)
    } else if !has_sound_state(network) {
        Err(SaveError::UnsoundState)
    } else {
        Ok(())
    }
}

/// Refuses slots that are not finite, and states that are not as long as they say.
pub(super) fn saveable_state<N: Parameters, O: Optimizer<Slot: State> + State, E: State>(
    slots: &N::Slots<O::Slot>,
    optimizer: &O,
    extra: &E,
) -> Result<(), SaveError> {
    let (mut finite, mut right, mut count, mut layers) = (true, true, 0usize, 0usize);
    slots.for_each_tensor(&mut |piece| {
        finite &= piece.iter().all(Slot::is_finite);
        right &= piece.iter().all(has_right_length);
        count = count.saturating_add(piece.len());
    });
    slots.for_each_layer(&mut |layer| {
        finite &= layer.is_finite();
        right &= has_right_length(layer);
        layers = layers.saturating_add(1);
    });
    right &= count == N::PARAMETERS && layers == <N::Slots<O::Slot>>::STATES;
    if !finite {
        Err(SaveError::NonFiniteSlots)
    } else if !right || !has_right_length(optimizer) || !has_right_length(extra) {
        Err(SaveError::WrongLength)
    } else {
        Ok(())
    }
}

fn has_right_length<T: State>(state: &T) -> bool {
    let mut count = 0usize;
    state.save(&mut |bytes| count = count.saturating_add(bytes.len()));
    count == T::BYTES
}

pub(super) fn put_weights<N: Parameters, S: FnMut(&[u8]) -> Result<(), F>, F>(
    network: &N,
    writer: &mut Writer<'_, S, F>,
) {
    network.for_each_tensor(&mut |piece| piece.iter().for_each(|value| writer.put(&value.to_le_bytes())));
    for index in 0..N::STATE_COUNT {
        network.state_tensor(index).iter().for_each(|value| writer.put(&value.to_le_bytes()));
    }
}

/// Reads all of a checkpoint and says what is wrong with it; `payload` looks at the values, if they are of the right types.
fn check<T, S: FnMut(usize, &mut [u8]) -> Result<(), F>, F>(
    length: usize,
    source: &mut S,
    payload: impl FnOnce(Header, &mut Reader<'_, S, F>) -> Result<T, LoadError>,
) -> Result<T, ReadError<F>> {
    let mut reader = Reader::new(source, length);
    let header = match Header::read(&mut reader, length, FRAME) {
        Ok(header) => header,
        // What is read after a failure of the source is no reason to complain of the bytes.
        Err(error) => return Err(reader.result().map_or_else(ReadError::Source, |()| error.into())),
    };
    if let Err(error) = header.check_length(length) {
        return Err(reader.result().map_or_else(ReadError::Source, |()| error.into()));
    }
    let verdict = payload(header, &mut reader);
    if reader.finish().map_err(ReadError::Source)? {
        verdict.map_err(ReadError::Load)
    } else {
        Err(LoadError::ChecksumMismatch.into())
    }
}

pub(super) fn check_weights<N: Parameters, S: FnMut(usize, &mut [u8]) -> Result<(), F>, F>(
    length: usize,
    source: &mut S,
) -> Result<(), ReadError<F>> {
    check(length, source, |header, reader| {
        header.check_type(const { Header::of_weights::<N>() })?;
        sound_weights::<N, S, F>(reader)
    })
}

/// Gives the number of layers whose state follows the slots; 0 in a checkpoint from before layers had one.
pub(super) fn check_training<
    N: Parameters,
    O: Optimizer<Slot: State> + State,
    E: State,
    S: FnMut(usize, &mut [u8]) -> Result<(), F>,
    F,
>(
    length: usize,
    source: &mut S,
) -> Result<usize, ReadError<F>> {
    check(length, source, |header, reader| {
        let layers = match header.check_type(const { Header::of_training::<N, O, E>() }) {
            Ok(()) => <N::Slots<O::Slot>>::STATES,
            Err(error) => {
                header.check_type(const { Header::without_layers::<N, O, E>() }).map_err(|_| error)?;
                0
            }
        };
        sound_weights::<N, S, F>(reader)?;
        let mut finite = true;
        for _ in 0..N::PARAMETERS {
            finite &= taken::<O::Slot, S, F>(reader).is_finite();
        }
        for _ in 0..layers {
            finite &= taken::<<O::Slot as Slot>::Layer, S, F>(reader).is_finite();
        }
        if finite { Ok(layers) } else { Err(LoadError::NonFiniteSlots) }
    })
}

/// The next value of a checkpoint.
fn taken<T: Zero + State, S: FnMut(usize, &mut [u8]) -> Result<(), F>, F>(reader: &mut Reader<'_, S, F>) -> T {
    let mut value = T::ZERO;
    value.load(&mut |bytes| reader.take(bytes));
    value
}

fn sound_weights<N: Parameters, S: FnMut(usize, &mut [u8]) -> Result<(), F>, F>(
    reader: &mut Reader<'_, S, F>,
) -> Result<(), LoadError> {
    let mut finite = true;
    for _ in 0..N::PARAMETERS {
        finite &= f32::from_le_bytes(reader.array()).is_finite();
    }
    if !finite {
        return Err(LoadError::NonFiniteWeights);
    }
    let mut sound = true;
    for index in 0..N::STATE_COUNT {
        let Some((_, StateTensor { tensor, domain, .. })) = N::describe_state(index) else { continue };
        for _ in 0..tensor.len() {
            sound &= domain.contains(f32::from_le_bytes(reader.array()));
        }
    }
    if sound { Ok(()) } else { Err(LoadError::UnsoundState) }
}

/// Takes the weights and the state out of a checkpoint that has been checked.
pub(super) fn take_weights<N: Parameters, S: FnMut(usize, &mut [u8]) -> Result<(), F>, F>(
    network: &mut N,
    reader: &mut Reader<'_, S, F>,
) {
    reader.skip(HEADER_BYTES);
    network.for_each_tensor_mut(&mut |piece| {
        for value in piece {
            *value = f32::from_le_bytes(reader.array());
        }
    });
    for index in 0..N::STATE_COUNT {
        for value in network.state_tensor_mut(index) {
            *value = f32::from_le_bytes(reader.array());
        }
    }
}

/// Takes everything out of a checkpoint that has been checked.
pub(super) fn take_training<
    N: Parameters,
    O: Optimizer<Slot: State> + State,
    E: State,
    S: FnMut(usize, &mut [u8]) -> Result<(), F>,
    F,
>(
    network: &mut N,
    slots: &mut N::Slots<O::Slot>,
    optimizer: &mut O,
    extra: &mut E,
    layers: usize,
    reader: &mut Reader<'_, S, F>,
) {
    take_weights(network, reader);
    slots.for_each_tensor_mut(&mut |piece| {
        for slot in piece {
            slot.load(&mut |bytes| reader.take(bytes));
        }
    });
    if layers > 0 {
        slots.for_each_layer_mut(0, &mut |_, layer| *layer = taken(reader));
    }
    optimizer.load(&mut |bytes| reader.take(bytes));
    if layers == 0 {
        slots.for_each_layer_mut(0, &mut |_, layer| *layer = optimizer.layer_without_state());
    }
    extra.load(&mut |bytes| reader.take(bytes));
}

/// Whether the second reading gave sound bytes too.
pub(super) fn steady<S: FnMut(usize, &mut [u8]) -> Result<(), F>, F>(
    reader: Reader<'_, S, F>,
) -> Result<(), ReadError<F>> {
    match reader.finish() {
        Ok(true) => Ok(()),
        _ => Err(ReadError::Unsteady),
    }
}

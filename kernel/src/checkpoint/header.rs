//! The first bytes of a checkpoint: what it is, and how long.

use super::stream::{Reader, Writer};
use super::{HEADER_BYTES, LoadError, State, VERSION};
use crate::fingerprint::Fingerprint;
use crate::layer::{Parameters, Slots};
use crate::optimizer::{Optimizer, Slot};

pub(super) const MAGIC: [u8; 4] = *b"BGRD";
pub(super) const WEIGHTS: u16 = 1;
pub(super) const TRAINING: u16 = 2;
/// Header and checksum.
pub(super) const FRAME: usize = HEADER_BYTES + 4;

/// Fingerprint and length of a part of the payload.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) fingerprint: u32,
    pub(super) bytes: u32,
}

/// The first bytes of a checkpoint, but for magic and version.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) kind: u16,
    pub(super) weights: Part,
    pub(super) optimizer: Part,
    pub(super) extra: Part,
}

impl Header {
    pub(super) const fn of_weights<N: Parameters>() -> Self {
        let none = Part { fingerprint: 0, bytes: 0 };
        let weights = Part::new(N::FINGERPRINT, 4 * (N::PARAMETERS + N::STATE_VALUES));
        Self { kind: WEIGHTS, weights, optimizer: none, extra: none }
    }

    pub(super) const fn of_training<N: Parameters, O: Optimizer<Slot: State> + State, E: State>() -> Self {
        let before = Self::without_layers::<N, O, E>();
        let layer = <<O::Slot as Slot>::Layer as State>::BYTES;
        if layer == 0 {
            return before;
        }
        let rule = Self::rule::<O>().part(<<O::Slot as Slot>::Layer as State>::FINGERPRINT).value();
        let bytes = N::PARAMETERS * <O::Slot as State>::BYTES + <N::Slots<O::Slot>>::STATES * layer + O::BYTES;
        Self { optimizer: Part::new(rule, bytes), ..before }
    }

    /// The header where nothing is remembered of layers, as no optimizer did at first.
    pub(super) const fn without_layers<N: Parameters, O: Optimizer<Slot: State> + State, E: State>() -> Self {
        let optimizer = Part::new(Self::rule::<O>().value(), N::PARAMETERS * <O::Slot as State>::BYTES + O::BYTES);
        let extra = Part::new(E::FINGERPRINT, E::BYTES);
        Self { kind: TRAINING, optimizer, extra, ..Self::of_weights::<N>() }
    }

    const fn rule<O: Optimizer<Slot: State> + State>() -> Fingerprint {
        Fingerprint::of("optimizer").part(O::FINGERPRINT).part(<O::Slot as State>::FINGERPRINT)
    }

    /// Length of the whole checkpoint.
    pub(super) const fn total(self) -> u64 {
        FRAME as u64 + self.weights.bytes as u64 + self.optimizer.bytes as u64 + self.extra.bytes as u64
    }

    pub(super) fn write<S: FnMut(&[u8]) -> Result<(), F>, F>(self, writer: &mut Writer<'_, S, F>) {
        writer.put(&MAGIC);
        writer.put(&VERSION.to_le_bytes());
        writer.put(&self.kind.to_le_bytes());
        for part in [self.weights, self.optimizer, self.extra] {
            writer.put(&part.fingerprint.to_le_bytes());
            writer.put(&part.bytes.to_le_bytes());
        }
    }

    /// Reads the header of a checkpoint of which there are `length` bytes, where fewer than `least` are too few.
    pub(super) fn read<S: FnMut(usize, &mut [u8]) -> Result<(), F>, F>(
        reader: &mut Reader<'_, S, F>,
        length: usize,
        least: usize,
    ) -> Result<Self, LoadError> {
        let magic = reader.array::<4>();
        let version = u16::from_le_bytes(reader.array());
        let kind = u16::from_le_bytes(reader.array());
        let [weights, optimizer, extra] = [Part::read(reader), Part::read(reader), Part::read(reader)];
        match length {
            4.. if magic != MAGIC => Err(LoadError::NotACheckpoint),
            6.. if version != VERSION => Err(LoadError::UnknownVersion { found: version }),
            _ if length < least => Err(LoadError::Truncated { expected: least }),
            _ => Ok(Self { kind, weights, optimizer, extra }),
        }
    }

    /// Whether a checkpoint has as many bytes as its header says.
    pub(super) fn check_length(self, length: usize) -> Result<(), LoadError> {
        let expected = as_length(self.total());
        match (length as u64).cmp(&self.total()) {
            core::cmp::Ordering::Less => Err(LoadError::Truncated { expected }),
            core::cmp::Ordering::Equal => Ok(()),
            core::cmp::Ordering::Greater => Err(LoadError::TooLong { expected }),
        }
    }

    /// Whether this is the header that is asked for.
    pub(super) fn check_type(self, expected: Self) -> Result<(), LoadError> {
        if self.kind != expected.kind {
            Err(LoadError::OtherKind { found: self.kind })
        } else if self.weights != expected.weights {
            Err(LoadError::OtherArchitecture)
        } else if self.optimizer != expected.optimizer {
            Err(LoadError::OtherOptimizer)
        } else if self.extra != expected.extra {
            Err(LoadError::OtherExtra)
        } else {
            Ok(())
        }
    }
}

impl Part {
    pub(super) const fn new(fingerprint: u32, bytes: usize) -> Self {
        assert!(bytes as u64 <= u32::MAX as u64, "a checkpoint holds less than 4 GB of each part");
        Self { fingerprint, bytes: bytes as u32 }
    }

    pub(super) fn read<S: FnMut(usize, &mut [u8]) -> Result<(), F>, F>(reader: &mut Reader<'_, S, F>) -> Self {
        let fingerprint = u32::from_le_bytes(reader.array());
        Self { fingerprint, bytes: u32::from_le_bytes(reader.array()) }
    }
}

/// The largest length that the target has stands for all above it.
pub(super) fn as_length(total: u64) -> usize {
    usize::try_from(total).unwrap_or(usize::MAX)
}

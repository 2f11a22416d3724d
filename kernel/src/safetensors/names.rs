//! What the tensors of a network are called.

use super::error::{ExportError, ImportError};
use super::layout::Layout;
use super::tensors::Entry;
use super::text::unescaped;
use crate::layer::Parameters;

/// How the tensors of a network are named in a file, and whose layout they have there.
///
/// A square matrix of PyTorch and one of Keras look the same. So each variant stands for one layout, and nothing is guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Names<'a> {
    /// As in PyTorch's `Sequential`, behind a prefix: the position of the module, a point, the name of the tensor in the module.
    ///
    /// A model that keeps its `Sequential` in an attribute `net` has the prefix `net.`: `net.0.weight`. Layers in nested tuples are counted
    /// through, as if they stood in one.
    Sequential {
        /// What stands before each name, its point included; empty for a bare `Sequential`.
        prefix: &'a str,
    },
    /// A name for each tensor, from the input on: weights and bias of the first [`Dense`](crate::Dense), of the second, and so on; behind them all
    /// running statistics, mean and variance of each [`BatchNorm`](crate::BatchNorm). The tensors have PyTorch's layout.
    PyTorch(&'a [&'a str]),
    /// A name for each tensor in the same order. The tensors have Keras's layout.
    Keras(&'a [&'a str]),
}

const RUNNING_MEAN: &str = "running_mean";
const BATCHES: &str = "num_batches_tracked";

/// What is wrong with names that were given.
pub(super) enum Mistake {
    Count { needed: usize },
    Repeated { tensor: usize },
}

impl Names<'_> {
    /// PyTorch's `Sequential` without a prefix: `0.weight`, `0.bias`, `2.weight` and so on.
    pub const SEQUENTIAL: Self = Self::Sequential { prefix: "" };

    /// The layout of the tensors.
    pub(super) fn layout(&self) -> Layout {
        match self {
            Self::Sequential { .. } | Self::PyTorch(_) => Layout::PyTorch,
            Self::Keras(_) => Layout::Keras,
        }
    }

    /// Whether there is one name for each tensor, and no two are the same.
    pub(super) fn check<N: Parameters>(&self) -> Result<(), Mistake> {
        let (Self::PyTorch(names) | Self::Keras(names)) = self else { return Ok(()) };
        let needed = Entry::all::<N>().fold(0, |count: usize, _| count.saturating_add(1)); // not by `count`, which looks for an overflow
        if names.len() != needed {
            return Err(Mistake::Count { needed });
        }
        for (tensor, name) in (0..names.len()).zip(*names) {
            if names.iter().take(tensor).any(|earlier| earlier == name) {
                return Err(Mistake::Repeated { tensor });
            }
        }
        Ok(())
    }

    /// The name of a tensor.
    pub(super) fn of(&self, entry: &Entry) -> Name<'_> {
        match *self {
            Self::Sequential { prefix } => {
                Name { start: prefix, position: Some(entry.position), end: entry.tensor.name }
            }
            Self::PyTorch(names) | Self::Keras(names) => {
                Name { start: names.get(entry.index).unwrap_or(&""), position: None, end: "" }
            }
        }
    }

    /// What PyTorch calls the count of batches that lies beside a running mean; nothing here needs it.
    pub(super) fn count_beside(&self, entry: &Entry) -> Option<Name<'_>> {
        if entry.tensor.name != RUNNING_MEAN {
            return None;
        }
        let Name { start, position, .. } = self.of(entry);
        match self {
            Self::Sequential { .. } => Some(Name { start, position, end: BATCHES }),
            Self::PyTorch(_) => Some(Name { start: start.strip_suffix(RUNNING_MEAN)?, position, end: BATCHES }),
            Self::Keras(_) => None,
        }
    }
}

/// A name in its parts.
#[derive(Clone, Copy)]
pub(super) struct Name<'a> {
    start: &'a str,
    position: Option<usize>,
    end: &'static str,
}

impl<'a> Name<'a> {
    /// The bytes of the name.
    pub(super) fn bytes(&self) -> impl Iterator<Item = u8> + use<'a> {
        let number = self.position.into_iter().flat_map(|position| decimal(position).chain([b'.']));
        self.start.bytes().chain(number).chain(self.end.bytes())
    }

    /// Whether a JSON string, without its quotation marks, says this name.
    pub(super) fn is(&self, json: &[u8]) -> bool {
        self.bytes().eq(unescaped(json))
    }
}

/// The decimal digits of a number.
pub(super) fn decimal(number: usize) -> impl Iterator<Item = u8> {
    // As many as 2^64 has.
    let mut digits = [0; 20];
    let (mut rest, mut leading) = (number, 20_usize);
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        leading = leading.saturating_sub(1);
        if rest == 0 {
            break;
        }
    }
    digits.into_iter().skip(leading)
}

impl From<Mistake> for ImportError {
    fn from(mistake: Mistake) -> Self {
        match mistake {
            Mistake::Count { needed } => Self::WrongNumberOfNames { needed },
            Mistake::Repeated { tensor } => Self::RepeatedName { tensor },
        }
    }
}

impl From<Mistake> for ExportError {
    fn from(mistake: Mistake) -> Self {
        match mistake {
            Mistake::Count { needed } => Self::WrongNumberOfNames { needed },
            Mistake::Repeated { tensor } => Self::RepeatedName { tensor },
        }
    }
}

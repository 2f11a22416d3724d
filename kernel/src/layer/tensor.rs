//! A tensor of a layer: its name, its size, and what its rows and columns are.
//!
//! A layer keeps each tensor as rows and columns, whatever the tensor is. A file of another library has more dimensions, in an order of its own. [`Form`]
//! tells what such a file needs to know.

use crate::initializer::Fan;
use crate::setting::Domain;

/// What a [`Tensor`] is before training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Initial {
    /// Drawn by [`Initializer::weight`](crate::initializer::Initializer::weight).
    Weight(Fan),
    /// Drawn by [`Initializer::bias`](crate::initializer::Initializer::bias).
    Bias(Fan),
    /// All 1, whatever the initializer.
    Ones,
    /// All 0, whatever the initializer.
    Zeros,
    /// Whole numbers below 2²⁴, drawn whatever the initializer.
    Seed,
}

/// The taps of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Taps {
    /// Moments of a sequence.
    OnSequence {
        /// How many.
        length: usize,
    },
    /// Positions of an image.
    OnImage {
        /// Rows.
        height: usize,
        /// Taps in a row.
        width: usize,
    },
}

impl Taps {
    /// All taps.
    pub const fn count(self) -> usize {
        match self {
            Self::OnSequence { length } => length,
            Self::OnImage { height, width } => height.saturating_mul(width),
        }
    }
}

/// What the rows and columns of a [`Tensor`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Form {
    /// One row: a value for each output.
    Vector,
    /// One row: a value for each channel of a layer that PyTorch has on the last axis, such as [`LayerNorm`](crate::LayerNorm).
    LastAxis,
    /// A row for each input, a column for each output.
    Matrix,
    /// The same of a layer that goes over each position by itself, as [`Dense`](crate::Dense): a kernel of one tap, too.
    Pointwise,
    /// For each tap in turn a row for each input channel; a column for each output channel.
    Kernel(Taps),
    /// A row for each tap; a column for each channel, which is input and output.
    Depthwise(Taps),
}

/// A weight matrix, a kernel or a bias, as checkpoints, files and initializers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tensor {
    /// Its name in the layer, as PyTorch has it: `weight`, `bias`.
    pub name: &'static str,
    /// Rows; 1 of a vector.
    pub rows: usize,
    /// Columns; the values of a row are contiguous.
    pub columns: usize,
    /// What rows and columns are.
    pub form: Form,
    /// What it is before training.
    pub initial: Initial,
}

impl Tensor {
    /// Weights, `inputs` rows of `outputs` columns.
    pub const fn weights(name: &'static str, inputs: usize, outputs: usize) -> Self {
        let initial = Initial::Weight(Fan { inputs, outputs });
        Self { name, rows: inputs, columns: outputs, form: Form::Matrix, initial }
    }

    /// The same of a layer that goes over each position by itself.
    pub const fn pointwise(name: &'static str, inputs: usize, outputs: usize) -> Self {
        Self { form: Form::Pointwise, ..Self::weights(name, inputs, outputs) }
    }

    /// The kernel of a convolution: for each tap `inputs` rows of `outputs` columns.
    ///
    /// An output is made of `taps · inputs` values, and an input goes into `taps · outputs` values: its fans, as in PyTorch.
    pub const fn kernel(name: &'static str, taps: Taps, inputs: usize, outputs: usize) -> Self {
        let fan = Fan { inputs: taps.count().saturating_mul(inputs), outputs: taps.count().saturating_mul(outputs) };
        Self { name, rows: fan.inputs, columns: outputs, form: Form::Kernel(taps), initial: Initial::Weight(fan) }
    }

    /// The kernels of a depthwise convolution: a row for each tap, a column for each channel.
    ///
    /// An output is made of as many values as there are taps, and an input goes into as many.
    pub const fn depthwise(name: &'static str, taps: Taps, channels: usize) -> Self {
        let fan = Fan { inputs: taps.count(), outputs: taps.count() };
        Self { name, rows: fan.inputs, columns: channels, form: Form::Depthwise(taps), initial: Initial::Weight(fan) }
    }

    /// A bias for each of `outputs` values, each made of `inputs`.
    pub const fn bias(name: &'static str, inputs: usize, outputs: usize) -> Self {
        Self::vector(name, outputs, Initial::Bias(Fan { inputs, outputs }))
    }

    /// A single row of `len` values.
    pub const fn vector(name: &'static str, len: usize, initial: Initial) -> Self {
        Self { name, rows: 1, columns: len, form: Form::Vector, initial }
    }

    /// As [`vector`](Self::vector), of a layer that PyTorch applies to the last axis, such as [`LayerNorm`](crate::LayerNorm).
    pub const fn last_axis(name: &'static str, len: usize, initial: Initial) -> Self {
        Self { form: Form::LastAxis, ..Self::vector(name, len, initial) }
    }

    /// Number of values.
    #[allow(clippy::len_without_is_empty)] // a tensor without values is a mistake
    pub const fn len(&self) -> usize {
        self.rows.saturating_mul(self.columns)
    }
}

/// Numbers that a layer keeps from one step to the next, and that no optimizer sees: running statistics, a count of steps.
///
/// They are saved with the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StateTensor {
    /// Name, size, and what it is before training.
    pub tensor: Tensor,
    /// The values that it may have: a checkpoint or a file with others is refused.
    pub domain: Domain,
    /// Whether files of other libraries have it.
    pub is_in_files: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Same;
    use crate::layer::{Conv1d, Conv2d, Dense, DepthwiseConv1d, DepthwiseConv2d, Parameters};

    const PLANE: Taps = Taps::OnImage { height: 2, width: 3 };
    const LINE: Taps = Taps::OnSequence { length: 4 };

    fn weight(form: Form, [rows, columns]: [usize; 2], [inputs, outputs]: [usize; 2]) -> Tensor {
        Tensor { name: "weight", rows, columns, form, initial: Initial::Weight(Fan { inputs, outputs }) }
    }

    fn bias(inputs: usize, columns: usize) -> Tensor {
        let initial = Initial::Bias(Fan { inputs, outputs: columns });
        Tensor { name: "bias", rows: 1, columns, form: Form::Vector, initial }
    }

    #[test]
    fn the_fans_of_kernels_count_their_taps() {
        assert_eq!(Conv2d::<5, 7, 2, 3>::TENSORS, [weight(Form::Kernel(PLANE), [30, 7], [30, 42]), bias(30, 7)]);
        assert_eq!(DepthwiseConv2d::<5, 2, 3>::TENSORS, [weight(Form::Depthwise(PLANE), [6, 5], [6, 6]), bias(6, 5)]);
        assert_eq!(Dense::<5, 7>::TENSORS, [weight(Form::Pointwise, [5, 7], [5, 7]), bias(5, 7)]);
    }

    #[test]
    fn kernels_along_a_sequence_have_one_dimension() {
        assert_eq!(Conv1d::<2, 3, 4, Same>::TENSORS, [weight(Form::Kernel(LINE), [8, 3], [8, 12]), bias(8, 3)]);
        assert_eq!(DepthwiseConv1d::<2, 4>::TENSORS, [weight(Form::Depthwise(LINE), [4, 2], [4, 4]), bias(4, 2)]);
        // A kernel of one column on an image has two.
        let plane = Form::Kernel(Taps::OnImage { height: 4, width: 1 });
        assert_eq!(Conv2d::<2, 3, 4, 1>::TENSORS, [weight(plane, [8, 3], [8, 12]), bias(8, 3)]);
    }
}

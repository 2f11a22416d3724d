//! Where the values of a tensor lie in a file of another library.

use super::dimensions::Dimensions;
use super::tensors::{Entry, Source};
use crate::layer::{ChannelOrder, Form, LayerSummary, Taps, Tensor};
use crate::network::OnInput;

/// The library whose order of dimensions a file has. The head of module `safetensors` has the table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Outputs, inputs, taps; channels first.
    PyTorch,
    /// Taps, inputs, outputs; channels last, as in this library.
    Keras,
}

/// Which channels of a tensor come from a `Flatten`, and so have another order where channels are first.
#[derive(Clone, Copy)]
enum Flattened {
    None,
    Inputs { positions: usize, channels: usize },
    Outputs { positions: usize, channels: usize },
}

/// A tensor as a file has it.
#[derive(Clone, Copy)]
pub(super) struct Stored {
    layout: Layout,
    tensor: Tensor,
    /// `None` where the order of the channels can't be known.
    flattened: Option<Flattened>,
    /// The taps that a pointwise matrix has in a file, because it is a convolution there.
    taps: Option<Taps>,
    /// Whether it can't be a matrix there.
    needs_taps: bool,
}

impl Stored {
    /// A tensor of a network.
    pub(super) fn of<N: OnInput>(entry: &Entry, layout: Layout) -> Self {
        let tensor = entry.tensor;
        let Some(place) = Place::of::<N>(entry.source) else {
            return Self { layout, tensor, flattened: None, taps: None, needs_taps: false };
        };
        let (flattened, is_in_front) = match layout {
            Layout::PyTorch => (place.flattened(&tensor), place.is_flattened_behind),
            Layout::Keras => (Some(Flattened::None), false),
        };
        let LayerSummary { height, width, .. } = place.layer;
        let has_positions = (height, width) != (1, 1);
        // On the last axis PyTorch has channels last, and its `Flatten` another order; or the layer is one of a user's there, with channels first.
        let flattened = if tensor.form == Form::LastAxis && has_positions && is_in_front { None } else { flattened };
        let is_pointwise = tensor.form == Form::Pointwise && has_positions;
        let taps = match kernel_of::<N>() {
            _ if !is_pointwise => None,
            Some(Taps::OnSequence { .. }) => Some(ONE_MOMENT),
            Some(Taps::OnImage { .. }) => Some(ONE_PIXEL),
            None if !is_in_front => None,
            None if width == 1 => Some(ONE_MOMENT),
            None => Some(ONE_PIXEL),
        };
        Self { layout, tensor, flattened, taps, needs_taps: is_pointwise && is_in_front }
    }

    /// Whether it is known where its values belong.
    pub(super) fn has_known_order(&self) -> bool {
        self.flattened.is_some()
    }

    /// The shape that it is written in.
    pub(super) fn dimensions(&self) -> Dimensions {
        self.dimensions_with(match self.tensor.form {
            Form::Kernel(taps) | Form::Depthwise(taps) => Some(taps),
            Form::Pointwise => self.taps,
            Form::Vector | Form::LastAxis | Form::Matrix => None,
        })
    }

    /// Whether a file has it in a shape that can be read.
    pub(super) fn can_be(&self, found: &Dimensions) -> bool {
        // A single tap puts no value elsewhere. Features from a `Flatten` have no positions that a convolution could go over.
        let has_choice = self.tensor.form == Form::Pointwise && matches!(self.flattened, Some(Flattened::None));
        let others = [(None, !self.needs_taps), (Some(ONE_MOMENT), true), (Some(ONE_PIXEL), true)];
        let is_other = others.into_iter().any(|(taps, is_allowed)| is_allowed && self.dimensions_with(taps).are(found));
        self.dimensions().are(found) || has_choice && is_other
    }

    fn dimensions_with(&self, taps: Option<Taps>) -> Dimensions {
        let Tensor { columns: outputs, form, .. } = self.tensor;
        let (first, second) = match (form, self.layout) {
            (Form::Vector | Form::LastAxis, _) => return Dimensions::of(&[outputs]),
            (Form::Depthwise(_), _) => (outputs, 1),
            (_, Layout::PyTorch) => (outputs, self.inputs()),
            (_, Layout::Keras) => (self.inputs(), outputs),
        };
        match (taps, self.layout) {
            (None, _) => Dimensions::of(&[first, second]),
            (Some(Taps::OnSequence { length }), Layout::PyTorch) => Dimensions::of(&[first, second, length]),
            (Some(Taps::OnSequence { length }), Layout::Keras) => Dimensions::of(&[length, first, second]),
            (Some(Taps::OnImage { height, width }), Layout::PyTorch) => Dimensions::of(&[first, second, height, width]),
            (Some(Taps::OnImage { height, width }), Layout::Keras) => Dimensions::of(&[height, width, first, second]),
        }
    }

    /// Input channels, as rows of each tap.
    fn inputs(&self) -> usize {
        let Tensor { rows, form, .. } = self.tensor;
        inputs_of(rows, form)
    }

    /// Where in the network the numbers of a file belong, in the order of the file.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> + use<> {
        let mut axes = self.axes();
        let (mut place, mut left) = (0usize, self.tensor.len());
        core::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let this = place;
            for axis in axes.iter_mut().rev() {
                axis.at = axis.at.wrapping_add(1);
                place = place.wrapping_add(axis.stride);
                if axis.at < axis.count {
                    break;
                }
                axis.at = 0;
                place = place.wrapping_sub(axis.stride.wrapping_mul(axis.count));
            }
            Some(this)
        })
    }

    /// The loops over a file, from the outermost in.
    fn axes(&self) -> [Axis; 4] {
        let Tensor { rows, columns: outputs, .. } = self.tensor;
        let inputs = self.inputs();
        let taps = Axis::new(rows.checked_div(inputs).unwrap_or(0), inputs.wrapping_mul(outputs));
        match (self.layout, self.flattened) {
            (Layout::Keras, _) => [Axis::ONE, Axis::ONE, Axis::ONE, Axis::new(self.tensor.len(), 1)],
            (Layout::PyTorch, None | Some(Flattened::None)) => {
                [Axis::ONE, Axis::new(outputs, 1), Axis::new(inputs, outputs), taps]
            }
            (Layout::PyTorch, Some(Flattened::Inputs { positions, channels })) => [
                Axis::new(outputs, 1),
                Axis::new(channels, outputs),
                Axis::new(positions, channels.wrapping_mul(outputs)),
                taps,
            ],
            (Layout::PyTorch, Some(Flattened::Outputs { positions, channels })) => {
                [Axis::new(channels, 1), Axis::new(positions, channels), Axis::new(inputs, outputs), taps]
            }
        }
    }
}

const ONE_MOMENT: Taps = Taps::OnSequence { length: 1 };
const ONE_PIXEL: Taps = Taps::OnImage { height: 1, width: 1 };

/// One of the loops over the values of a file.
#[derive(Clone, Copy)]
struct Axis {
    count: usize,
    /// How far its values lie apart in the network.
    stride: usize,
    at: usize,
}

impl Axis {
    const ONE: Self = Self::new(1, 0);

    const fn new(count: usize, stride: usize) -> Self {
        Self { count, stride, at: 0 }
    }
}

/// Input channels of a tensor of so many rows.
fn inputs_of(rows: usize, form: Form) -> usize {
    match form {
        Form::Kernel(taps) => rows.checked_div(taps.count()).unwrap_or(0),
        Form::Matrix | Form::Pointwise => rows,
        Form::Vector | Form::LastAxis | Form::Depthwise(_) => 1,
    }
}

/// The layer of a tensor, and what lies around it.
struct Place {
    layer: LayerSummary,
    /// What the layers in front do to the order of channels.
    before: ChannelOrder,
    /// Whether channels of several positions are flattened behind it.
    is_flattened_behind: bool,
}

impl Place {
    fn of<N: OnInput>(source: Source) -> Option<Self> {
        // The input of a network has the same order for both: each library has it as it likes.
        let (mut found, mut before, mut tensors) = (None::<Self>, ChannelOrder::Mixed, 0usize);
        N::describe_layers(&mut |layer| {
            let (own, index) = match source {
                Source::Parameters(index) => (layer.tensors, index),
                Source::State(index) => (layer.state_tensors, index),
            };
            tensors = tensors.saturating_add(own);
            if layer.is_in_branch {
                // The other branch takes in the same features.
                before = before.then(ChannelOrder::Undeclared);
            }
            match &mut found {
                Some(found) => found.is_flattened_behind |= matches!(layer.order, ChannelOrder::Flattened { .. }),
                None if index < tensors => found = Some(Self { layer, before, is_flattened_behind: false }),
                None => {}
            }
            // What is not known is not known in another order either.
            if !matches!((before, layer.order), (ChannelOrder::Unknown, ChannelOrder::Flattened { .. })) {
                before = before.then(layer.order);
            }
        });
        found
    }

    /// The channels of a tensor that come from a `Flatten`; `None` where nobody knows.
    fn flattened(&self, tensor: &Tensor) -> Option<Flattened> {
        let ChannelOrder::Flattened { positions, channels } = self.before else {
            return (self.before != ChannelOrder::Unknown).then_some(Flattened::None);
        };
        let (flattened, size) = match (self.layer.order, tensor.form) {
            (ChannelOrder::Mixed, Form::Vector) => return Some(Flattened::None),
            (ChannelOrder::Mixed, form) => (Flattened::Inputs { positions, channels }, inputs_of(tensor.rows, form)),
            (ChannelOrder::Kept, _) => (Flattened::Outputs { positions, channels }, tensor.columns),
            _ => return None,
        };
        (positions.checked_mul(channels) == Some(size)).then_some(flattened)
    }
}

/// The taps of the first convolution of a network.
fn kernel_of<N: OnInput>() -> Option<Taps> {
    Entry::all::<N>().find_map(|entry| match entry.tensor.form {
        Form::Kernel(taps) | Form::Depthwise(taps) => Some(taps),
        Form::Vector | Form::LastAxis | Form::Matrix | Form::Pointwise => None,
    })
}

//! Parameters: what of a layer learns, whatever the layer is put on.
//!
//! Checkpoints, files of other libraries, optimizers and initializers see a layer as a list of tensors, and know nothing else of it.

use super::tensor::{Initial, StateTensor, Tensor};
use crate::fingerprint::Fingerprint;
use crate::initializer::Initializer;
use crate::optimizer::{Optimizer, Slot};
use crate::zero::Zero;

/// A `T` for each parameter, tensor by tensor: the parameters themselves, an optimizer's slots, gradients.
pub trait Tensors<T> {
    /// Number of tensors.
    const COUNT: usize = 0;

    /// The values of tensor `index`; empty beyond the last.
    fn tensor(&self, _index: usize) -> &[T] {
        &[]
    }

    /// The values of tensor `index`, to write.
    fn tensor_mut(&mut self, _index: usize) -> &mut [T] {
        &mut []
    }

    /// Shows all values, tensor by tensor.
    fn for_each_tensor(&self, visit: &mut impl FnMut(&[T])) {
        for index in 0..Self::COUNT {
            visit(self.tensor(index));
        }
    }

    /// Hands out all values to write, tensor by tensor.
    fn for_each_tensor_mut(&mut self, visit: &mut impl FnMut(&mut [T])) {
        for index in 0..Self::COUNT {
            visit(self.tensor_mut(index));
        }
    }
}

impl<T> Tensors<T> for () {}

/// Tensor `index` of a layer that has two; empty beyond.
pub(super) const fn pair<'a, T>(index: usize, first: &'a [T], second: &'a [T]) -> &'a [T] {
    match index {
        0 => first,
        1 => second,
        _ => &[],
    }
}

/// The same, to write.
pub(super) const fn pair_mut<'a, T>(index: usize, first: &'a mut [T], second: &'a mut [T]) -> &'a mut [T] {
    match index {
        0 => first,
        1 => second,
        _ => &mut [],
    }
}

/// An optimizer's state for a layer or a network: a slot for each parameter, and one value for each layer.
pub trait Slots<T: Slot>: Tensors<T> + Zero {
    /// Number of layers, as in [`Parameters::LAYERS`].
    const LAYERS: usize = 1;
    /// How many layers have something to remember: those with parameters.
    const STATES: usize = if Self::COUNT == 0 { 0 } else { 1 };

    /// What is remembered of the layer; `None` of a network, which has it layer by layer, and where there are no parameters.
    fn layer(&self) -> Option<&T::Layer>;

    /// The same, to write.
    fn layer_mut(&mut self) -> Option<&mut T::Layer>;

    /// What is remembered of the layer that has tensor `index`.
    fn layer_of(&self, _index: usize) -> Option<&T::Layer> {
        self.layer()
    }

    /// Shows what is remembered of each layer.
    fn for_each_layer(&self, visit: &mut impl FnMut(&T::Layer)) {
        if let Some(layer) = self.layer() {
            visit(layer);
        }
    }

    /// Hands out what is remembered of each layer, with its number; the first layer has number `first`.
    fn for_each_layer_mut(&mut self, first: usize, visit: &mut impl FnMut(usize, &mut T::Layer)) {
        if let Some(layer) = self.layer_mut() {
            visit(first, layer);
        }
    }
}

impl<T: Slot> Slots<T> for () {
    fn layer(&self) -> Option<&T::Layer> {
        None
    }

    fn layer_mut(&mut self) -> Option<&mut T::Layer> {
        None
    }
}

/// The parameters of a layer or of a network.
///
/// A layer without any is three lines:
///
/// ```
/// # use baregrad::{Parameters, Zero, layer::Tensors, optimizer::Slot};
/// struct Squares;
/// impl Zero for Squares { const ZERO: Self = Self; }
/// impl Tensors<f32> for Squares {}
/// impl Parameters for Squares { const KIND: &'static str = "Squares"; type Slots<T: Slot> = (); }
/// ```
pub trait Parameters: Zero + Tensors<f32> {
    /// The kind of layer, such as `Dense`.
    const KIND: &'static str;
    /// The tensors, in the order of [`Tensors::tensor`].
    const TENSORS: &'static [Tensor] = &[];
    /// A value for each parameter, such as the slot of an optimizer, and what an optimizer remembers of each layer.
    type Slots<T: Slot>: Slots<T>;

    /// Number of parameters.
    const PARAMETERS: usize = count(Self::TENSORS);
    /// Number of layers: 1, but networks, [`Residual`](crate::Residual) and [`Recompute`](crate::Recompute) count theirs, and [`Skip`](crate::Skip) has 0.
    const LAYERS: usize = 1;
    /// Modules that it takes in a `Sequential` of PyTorch: one, and one more for an activation.
    const MODULES: usize = 1;
    /// Tells architectures apart in a checkpoint; from [`KIND`](Self::KIND) and the sizes of the tensors, those of state too, unless said otherwise.
    const FINGERPRINT: u32 = of_tensors(Self::KIND, Self::TENSORS, Self::STATE);

    /// Tensor `index`, and the number of PyTorch's modules in front of its own.
    fn describe_tensor(index: usize) -> Option<(usize, Tensor)> {
        Self::TENSORS.get(index).map(|tensor| (0, *tensor))
    }

    /// The tensors of state, in the order of [`state_tensor`](Self::state_tensor): what is saved, and not trained.
    ///
    /// The backward pass moves it. A layer with state and without parameters must not look at `delta` there: in front of the first layer that learns
    /// nobody computes it.
    const STATE: &'static [StateTensor] = &[];
    /// Number of tensors of state.
    const STATE_COUNT: usize = Self::STATE.len();
    /// Number of values in them.
    const STATE_VALUES: usize = count_state(Self::STATE);

    /// The values of state tensor `index`; empty beyond the last.
    fn state_tensor(&self, _index: usize) -> &[f32] {
        &[]
    }

    /// The values of state tensor `index`, to write.
    fn state_tensor_mut(&mut self, _index: usize) -> &mut [f32] {
        &mut []
    }

    /// As [`describe_tensor`](Self::describe_tensor), of state tensor `index`.
    fn describe_state(index: usize) -> Option<(usize, StateTensor)> {
        Self::STATE.get(index).map(|tensor| (0, *tensor))
    }
}

const fn count_state(tensors: &[StateTensor]) -> usize {
    let (mut sum, mut rest) = (0, tensors);
    while let [first, others @ ..] = rest {
        sum += first.tensor.len();
        rest = others;
    }
    sum
}

/// Number of values of state that a network hands out.
pub(crate) fn state_values<N: Parameters>(network: &N) -> usize {
    (0..N::STATE_COUNT).fold(0, |sum: usize, index| sum.saturating_add(network.state_tensor(index).len()))
}

/// Whether all values of state are in their domains, and as many as the layers say.
pub(crate) fn has_sound_state<N: Parameters>(network: &N) -> bool {
    let (mut sound, mut count) = (true, 0usize);
    for index in 0..N::STATE_COUNT {
        let values = network.state_tensor(index);
        sound &= N::describe_state(index).is_some_and(|(_, StateTensor { tensor, domain, .. })| {
            values.len() == tensor.len() && values.iter().all(|value| domain.contains(*value))
        });
        count = count.saturating_add(values.len());
    }
    sound && count == N::STATE_VALUES
}

const fn count(tensors: &[Tensor]) -> usize {
    let (mut sum, mut rest) = (0, tensors);
    while let [first, others @ ..] = rest {
        sum += first.len();
        rest = others;
    }
    sum
}

const fn of_tensors(kind: &str, tensors: &[Tensor], state: &[StateTensor]) -> u32 {
    let (mut fingerprint, mut rest, mut state) = (Fingerprint::of(kind), tensors, state);
    while let [first, others @ ..] = rest {
        fingerprint = fingerprint.number(first.rows).number(first.columns);
        rest = others;
    }
    while let [first, others @ ..] = state {
        fingerprint = fingerprint.name(first.tensor.name).number(first.tensor.len());
        state = others;
    }
    fingerprint.value()
}

/// Draws initial parameters, tensor by tensor, then what the state begins with. All parameters are NaN where the initializer has settings that make no
/// sense, and the state stays: nothing uses such a network.
pub(crate) fn draw<N: Parameters>(network: &mut N, initializer: &impl Initializer, random: &mut impl FnMut() -> u32) {
    if initializer.check_settings().is_err() {
        return network.for_each_tensor_mut(&mut |parameters| parameters.fill(f32::NAN));
    }
    for index in 0..N::COUNT {
        let Some((_, Tensor { initial, .. })) = N::describe_tensor(index) else { continue };
        network.tensor_mut(index).iter_mut().for_each(|parameter| *parameter = first(initial, initializer, random));
    }
    for index in 0..N::STATE_COUNT {
        let Some((_, StateTensor { tensor, .. })) = N::describe_state(index) else { continue };
        let values = network.state_tensor_mut(index);
        values.iter_mut().for_each(|value| *value = first(tensor.initial, initializer, random));
    }
}

/// A value before training.
#[inline(always)]
fn first(initial: Initial, initializer: &impl Initializer, random: &mut impl FnMut() -> u32) -> f32 {
    match initial {
        Initial::Weight(fan) => initializer.weight(fan, random),
        Initial::Bias(fan) => initializer.bias(fan, random),
        Initial::Ones => 1.0,
        Initial::Zeros => 0.0,
        Initial::Seed => (random() >> 8) as f32,
    }
}

/// Begins a step of the layers from `frozen` on: what all their parameters share.
pub(crate) fn begin_step<N: Parameters, O: Optimizer>(
    slots: &mut N::Slots<O::Slot>,
    optimizer: &mut O,
    frozen: usize,
) -> O::Step {
    slots.for_each_layer_mut(0, &mut |number, layer| optimizer.begin_layer(layer, number >= frozen));
    optimizer.begin_step()
}

/// What the parameters of a layer share in a step, from what its slots remember of it ([`Slots::layer`]). A network finds it out for each of its layers.
#[inline(always)]
pub fn step_of_layer<O: Optimizer>(layer: Option<&<O::Slot as Slot>::Layer>, step: &O::Step) -> O::Step {
    layer.map_or(*step, |layer| O::step_of_layer(step, layer))
}

/// Updates every parameter by its stored gradient.
pub(crate) fn update<N: Parameters, O: Optimizer>(
    network: &mut N,
    gradients: &N::Slots<f32>,
    slots: &mut N::Slots<O::Slot>,
    step: &O::Step,
) {
    for index in 0..N::COUNT {
        let step = &step_of_layer::<O>(slots.layer_of(index), step);
        let parameters = network.tensor_mut(index).iter_mut().zip(gradients.tensor(index));
        for ((parameter, gradient), slot) in parameters.zip(slots.tensor_mut(index)) {
            *parameter = O::update(step, *parameter, *gradient, slot);
        }
    }
}

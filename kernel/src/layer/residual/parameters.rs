//! The parameters of a residual: those of its body, then those of its shortcut.

use super::Residual;
use crate::activation::{Activation, Identity};
use crate::fingerprint::Fingerprint;
use crate::layer::{Parameters, Slots, StateTensor, Tensor, Tensors};
use crate::optimizer::Slot;
use crate::zero::Zero;

/// The optimizer's slots of a [`Residual`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ResidualSlots<B, S> {
    /// Those of the body.
    pub body: B,
    /// Those of the shortcut.
    pub shortcut: S,
}

impl<B: Zero, S: Zero> Zero for ResidualSlots<B, S> {
    const ZERO: Self = Self { body: B::ZERO, shortcut: S::ZERO };
}

impl<T, B: Tensors<T>, S: Tensors<T>> Tensors<T> for ResidualSlots<B, S> {
    const COUNT: usize = B::COUNT + S::COUNT;

    fn tensor(&self, index: usize) -> &[T] {
        if index < B::COUNT { self.body.tensor(index) } else { self.shortcut.tensor(index.wrapping_sub(B::COUNT)) }
    }

    fn tensor_mut(&mut self, index: usize) -> &mut [T] {
        if index < B::COUNT {
            self.body.tensor_mut(index)
        } else {
            self.shortcut.tensor_mut(index.wrapping_sub(B::COUNT))
        }
    }
}

impl<T: Slot, B: Slots<T>, S: Slots<T>> Slots<T> for ResidualSlots<B, S> {
    const LAYERS: usize = B::LAYERS + S::LAYERS + 1;
    const STATES: usize = B::STATES + S::STATES;

    fn layer(&self) -> Option<&T::Layer> {
        None
    }

    fn layer_mut(&mut self) -> Option<&mut T::Layer> {
        None
    }

    fn layer_of(&self, index: usize) -> Option<&T::Layer> {
        if index < B::COUNT { self.body.layer_of(index) } else { self.shortcut.layer_of(index.wrapping_sub(B::COUNT)) }
    }

    fn for_each_layer(&self, visit: &mut impl FnMut(&T::Layer)) {
        self.body.for_each_layer(visit);
        self.shortcut.for_each_layer(visit);
    }

    fn for_each_layer_mut(&mut self, first: usize, visit: &mut impl FnMut(usize, &mut T::Layer)) {
        self.body.for_each_layer_mut(first, visit);
        self.shortcut.for_each_layer_mut(first.saturating_add(B::LAYERS), visit);
    }
}

impl<B: Tensors<f32>, S: Tensors<f32>, A> Tensors<f32> for Residual<B, S, A> {
    const COUNT: usize = B::COUNT + S::COUNT;

    fn tensor(&self, index: usize) -> &[f32] {
        if index < B::COUNT { self.body.tensor(index) } else { self.shortcut.tensor(index.wrapping_sub(B::COUNT)) }
    }

    fn tensor_mut(&mut self, index: usize) -> &mut [f32] {
        if index < B::COUNT {
            self.body.tensor_mut(index)
        } else {
            self.shortcut.tensor_mut(index.wrapping_sub(B::COUNT))
        }
    }
}

impl<B: Parameters, S: Parameters, A: Activation> Parameters for Residual<B, S, A> {
    const KIND: &'static str = "Residual";
    type Slots<T: Slot> = ResidualSlots<B::Slots<T>, S::Slots<T>>;
    const PARAMETERS: usize = B::PARAMETERS + S::PARAMETERS;
    const LAYERS: usize = B::LAYERS + S::LAYERS + 1;
    const MODULES: usize = B::MODULES + S::MODULES + (A::FINGERPRINT != Identity::FINGERPRINT) as usize;
    const FINGERPRINT: u32 =
        Fingerprint::of("Residual").part(B::FINGERPRINT).part(S::FINGERPRINT).part(A::FINGERPRINT).value();

    fn describe_tensor(index: usize) -> Option<(usize, Tensor)> {
        if index < B::COUNT {
            B::describe_tensor(index)
        } else {
            let (modules, tensor) = S::describe_tensor(index.wrapping_sub(B::COUNT))?;
            Some((modules.saturating_add(B::MODULES), tensor))
        }
    }

    const STATE_COUNT: usize = B::STATE_COUNT + S::STATE_COUNT;
    const STATE_VALUES: usize = B::STATE_VALUES + S::STATE_VALUES;

    fn state_tensor(&self, index: usize) -> &[f32] {
        if index < B::STATE_COUNT {
            self.body.state_tensor(index)
        } else {
            self.shortcut.state_tensor(index.wrapping_sub(B::STATE_COUNT))
        }
    }

    fn state_tensor_mut(&mut self, index: usize) -> &mut [f32] {
        if index < B::STATE_COUNT {
            self.body.state_tensor_mut(index)
        } else {
            self.shortcut.state_tensor_mut(index.wrapping_sub(B::STATE_COUNT))
        }
    }

    fn describe_state(index: usize) -> Option<(usize, StateTensor)> {
        if index < B::STATE_COUNT {
            B::describe_state(index)
        } else {
            let (modules, tensor) = S::describe_state(index.wrapping_sub(B::STATE_COUNT))?;
            Some((modules.saturating_add(B::MODULES), tensor))
        }
    }
}

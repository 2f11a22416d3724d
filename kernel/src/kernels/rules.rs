//! What the loops know of single rules: some are done by a body of their own.
//!
//! Rules and activations are written by users too and know nothing of the loops. So a rule is known by its type. An optimised build decides
//! each question here when it compiles.
#![allow(unsafe_code)]

use core::any::{Any, TypeId};

use crate::activation::{Activation, Identity, Relu};
use crate::optimizer::{Adam, AdamConstants, Moments, Optimizer, Sgd, StoreGradient};

#[inline(always)]
fn is<T: 'static, U: 'static>() -> bool {
    TypeId::of::<T>() == TypeId::of::<U>()
}

/// `value`, if it is a `U`.
#[inline(always)]
fn as_type<T: 'static, U: Copy + 'static>(value: &T) -> Option<U> {
    (value as &dyn Any).downcast_ref().copied()
}

/// Back through ReLU a gradient is selected: it passes where the output is positive. No output of ReLU is `-0`.
#[allow(dead_code)] // only some processors have a body for it
#[inline(always)]
pub(super) fn is_relu<A: Activation>() -> bool {
    is::<A, Relu>()
}

/// There is nothing to be done.
#[inline(always)]
pub(super) fn is_identity<A: Activation>() -> bool {
    is::<A, Identity>()
}

/// The learning rate, if the update is `parameter - rate·gradient`.
#[inline(always)]
pub(super) fn sgd_rate<O: Optimizer>(step: &O::Step) -> Option<f32> {
    if is::<O, Sgd>() { as_type(step) } else { None }
}

/// Whether the sums over the samples go on from those of an earlier batch.
#[inline(always)]
pub(super) fn accumulates<O: Optimizer>(step: &O::Step) -> bool {
    is::<O, StoreGradient>() && as_type(step) == Some(true)
}

/// Where the sum over the samples of a gradient goes on from. `None`: it starts with the first product.
#[inline(always)]
pub(crate) fn running_sum<O: Optimizer>(step: &O::Step, slot: &O::Slot) -> Option<f32> {
    if accumulates::<O>(step) { as_type(slot) } else { None }
}

/// Constants and moments, if the rule is Adam's.
#[allow(dead_code)] // only some processors have a body for it
#[inline(always)]
pub(super) fn adam<'a, O: Optimizer>(
    step: &'a O::Step,
    slots: &'a mut [O::Slot],
) -> Option<(&'a AdamConstants, &'a mut [Moments])> {
    if !is::<O, Adam>() {
        return None;
    }
    let (start, count) = (slots.as_mut_ptr(), slots.len());
    // SAFETY: the rule is `Adam`, so its slots are `Moments`: these are as many of the same type at the same place, borrowed as before.
    let moments = unsafe { core::slice::from_raw_parts_mut(start.cast::<Moments>(), count) };
    Some(((step as &dyn Any).downcast_ref()?, moments))
}

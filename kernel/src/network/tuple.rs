//! A tuple of layers is a layer.
#![allow(clippy::indexing_slicing)] // Only in constants.

use super::Entry;
use super::plan::{Sizes, Spot, behind, cut_at, own, spots};
use crate::activation::Activation;
use crate::fingerprint;
use crate::layer::memory::{cut, first_end, largest, max, predict_between, stack};
use crate::layer::misfit::first_of;
use crate::layer::{
    Backward, ChannelOrder, End, InputGradient, Inputs, Layer, LayerSummary, NonFinite, Parameters, Pass, Slots,
    Stacked, StateTensor, Tensor, Tensors, forward_due, step_of_layer,
};
use crate::optimizer::{Optimizer, Slot};
use crate::shape::Shape;
use crate::zero::Zero;

/// Forward pass of a layer, with `before` layers in front: the part that is due.
#[inline(always)]
pub(super) fn forward<In: Shape, L: Layer<In>, P: Pass, X: Inputs + ?Sized>(
    layer: &L,
    pass: P,
    before: usize,
    x: &X,
    y: &mut [f32],
    memory: &mut [f32],
) -> Result<(), NonFinite> {
    forward_due(layer, pass.behind(before), before, x, y, memory).map_err(|error| error.behind(before))
}

/// What the two backward passes of a tuple have in common.
trait Stack<In: Shape>: Layer<In> {
    const SPOTS: &'static [Spot];

    /// The forward pass of all layers, or what is due of it; without `y` the last one makes only what it keeps.
    fn forward_or_again<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: Option<&mut [f32]>,
        memory: &mut [f32],
    ) -> Result<(), NonFinite>;

    /// The backward pass of all layers but the first; `unwanted` if nobody asks for the gradient of its input.
    fn backward_above<P: Pass, O: Optimizer>(
        &mut self,
        pass: P,
        delta: &[f32],
        memory: &mut [f32],
        slots: &mut Self::Slots<O::Slot>,
        step: &O::Step,
        unwanted: bool,
    );
}

/// Backward pass of a layer of a tuple that is not its first: the part that is due.
#[inline(always)]
fn backward<In: Shape, L: Layer<In>, Below: Activation, P: Pass, O: Optimizer>(
    layer: &mut L,
    spot: Spot,
    pass: P,
    delta: &[f32],
    memory: &mut [f32],
    slots: &mut L::Slots<O::Slot>,
    step: &O::Step,
) {
    let (x, delta, memory) = cut_at::<In, P>(spot, pass, delta, memory);
    let step = &step_of_layer::<O>(slots.layer(), step);
    match pass.backward_part(spot.place) {
        Backward::Inner(pass) => layer.backward_inner::<P, O, Below>(pass, x, delta, memory, slots, step),
        Backward::First(pass) => {
            if const { P::FREEZES } {
                let x = &Stacked::<In>::new(x);
                layer.backward::<P, O, _>(pass, x, delta, InputGradient::Unwanted, memory, slots, step);
            }
        }
        Backward::Nothing => {}
    }
}

/// The same of a layer behind others that do not learn.
#[inline(always)]
fn backward_first<In: Shape, L: Layer<In>, P: Pass, O: Optimizer>(
    layer: &mut L,
    spot: Spot,
    pass: P,
    delta: &[f32],
    memory: &mut [f32],
    slots: &mut L::Slots<O::Slot>,
    step: &O::Step,
) {
    let (x, delta, memory) = cut_at::<In, P>(spot, pass, delta, memory);
    let step = &step_of_layer::<O>(slots.layer(), step);
    if let Backward::Inner(pass) | Backward::First(pass) = pass.backward_part(spot.place) {
        let x = &Stacked::<In>::new(x);
        layer.backward::<P, O, _>(pass, x, delta, InputGradient::Unwanted, memory, slots, step);
    }
}

// Makes a tuple a layer. No function can be generic over the length of a tuple, hence a macro; what it calls is above.
//
// `up` has each layer but the last, `down` each but the first, from the last on, with the one below it. For two layers it reads, in part:
//
//     impl<In: Shape, L0: Layer<In>, L1: Layer<L0::Out>> Layer<In> for (L0, L1) {
//         fn forward(…) {
//             let (out, memory) = cut(memory, P::CAPACITY * L0::Out::SIZE);
//             let result = forward(&self.0, pass, 0, x, out, memory);
//             let (_, memory) = cut(memory, P::CAPACITY * L0::KEPT);
//             let x = Stacked::new(out);
//             result.and(forward(&self.1, pass, L0::LAYERS, x, y, memory)) // in `forward_or_again`, which `recompute` calls too, without `y`
//         }
//         fn backward(…) {
//             backward(&mut self.1, Self::SPOTS[1], pass, delta, memory, …); // the output of layer 0 is its `delta` then
//             let (delta, memory) = own(Self::SPOTS[0], pass, delta, memory);
//             self.0.backward(pass, x, delta, dx, memory, …);
//         }
//     }
macro_rules! network {
    (
        [$($layer:ident $index:tt)*] first [$first:ident] last [$last:ident $last_index:tt]
        up [$($low:ident $low_index:tt $high:ident)*]
        down [$($above:ident $above_index:tt $below:ident)*]
    ) => {
        impl<$($layer: Zero),*> Zero for ($($layer,)*) {
            const ZERO: Self = ($($layer::ZERO,)*);
        }

        impl<Value, $($layer: Tensors<Value>),*> Tensors<Value> for ($($layer,)*) {
            const COUNT: usize = 0 $(+ $layer::COUNT)*;

            fn tensor(&self, index: usize) -> &[Value] {
                $(
                    if index < $layer::COUNT {
                        return self.$index.tensor(index);
                    }
                    let index = index.wrapping_sub($layer::COUNT);
                )*
                let _ = index;
                &[]
            }

            fn tensor_mut(&mut self, index: usize) -> &mut [Value] {
                $(
                    if index < $layer::COUNT {
                        return self.$index.tensor_mut(index);
                    }
                    let index = index.wrapping_sub($layer::COUNT);
                )*
                let _ = index;
                &mut []
            }
        }

        impl<Value: Slot, $($layer: Slots<Value>),*> Slots<Value> for ($($layer,)*) {
            const LAYERS: usize = 0 $(+ $layer::LAYERS)*;
            const STATES: usize = 0 $(+ $layer::STATES)*;

            fn layer(&self) -> Option<&Value::Layer> {
                None
            }

            fn layer_mut(&mut self) -> Option<&mut Value::Layer> {
                None
            }

            fn layer_of(&self, index: usize) -> Option<&Value::Layer> {
                $(
                    if index < $layer::COUNT {
                        return self.$index.layer_of(index);
                    }
                    let index = index.wrapping_sub($layer::COUNT);
                )*
                let _ = index;
                None
            }

            fn for_each_layer(&self, visit: &mut impl FnMut(&Value::Layer)) {
                $(self.$index.for_each_layer(visit);)*
            }

            fn for_each_layer_mut(&mut self, first: usize, visit: &mut impl FnMut(usize, &mut Value::Layer)) {
                $(
                    self.$index.for_each_layer_mut(first, visit);
                    let first = first.wrapping_add($layer::LAYERS);
                )*
                let _ = first;
            }
        }

        impl<$($layer: Parameters),*> Parameters for ($($layer,)*) {
            const KIND: &'static str = "network";
            type Slots<Value: Slot> = ($($layer::Slots<Value>,)*);
            const PARAMETERS: usize = 0 $(+ $layer::PARAMETERS)*;
            const LAYERS: usize = 0 $(+ $layer::LAYERS)*;
            const MODULES: usize = 0 $(+ $layer::MODULES)*;
            const FINGERPRINT: u32 = {
                let fingerprint = 0;
                $(let fingerprint = fingerprint::chain(fingerprint, $layer::FINGERPRINT, $layer::LAYERS);)*
                fingerprint
            };

            fn describe_tensor(index: usize) -> Option<(usize, Tensor)> {
                let modules = 0_usize;
                $(
                    if index < $layer::COUNT {
                        return $layer::describe_tensor(index).map(|(own, tensor)| (modules.wrapping_add(own), tensor));
                    }
                    let (index, modules) = (index.wrapping_sub($layer::COUNT), modules.wrapping_add($layer::MODULES));
                )*
                let _ = (index, modules);
                None
            }

            const STATE_COUNT: usize = 0 $(+ $layer::STATE_COUNT)*;
            const STATE_VALUES: usize = 0 $(+ $layer::STATE_VALUES)*;

            fn state_tensor(&self, index: usize) -> &[f32] {
                $(
                    if index < $layer::STATE_COUNT {
                        return self.$index.state_tensor(index);
                    }
                    let index = index.wrapping_sub($layer::STATE_COUNT);
                )*
                let _ = index;
                &[]
            }

            fn state_tensor_mut(&mut self, index: usize) -> &mut [f32] {
                $(
                    if index < $layer::STATE_COUNT {
                        return self.$index.state_tensor_mut(index);
                    }
                    let index = index.wrapping_sub($layer::STATE_COUNT);
                )*
                let _ = index;
                &mut []
            }

            fn describe_state(index: usize) -> Option<(usize, StateTensor)> {
                let modules = 0_usize;
                $(
                    if index < $layer::STATE_COUNT {
                        return $layer::describe_state(index).map(|(own, tensor)| (modules.wrapping_add(own), tensor));
                    }
                    let (index, modules) =
                        (index.wrapping_sub($layer::STATE_COUNT), modules.wrapping_add($layer::MODULES));
                )*
                let _ = (index, modules);
                None
            }
        }

        impl<$first: Entry, $($high),*> Entry for ($first, $($high,)*) {
            type In = $first::In;
        }

        impl<In: Shape, $first: Layer<In>, $($high: Layer<$low::Out>),*> Layer<In> for ($($layer,)*) {
            type Out = $last::Out;
            type Activation = $last::Activation;

            const MISFIT: Option<&'static str> = first_of([$($layer::MISFIT),*]);
            const UNTRAINABLE: Option<&'static str> =
                first_of([$($layer::UNTRAINABLE,)* $(behind::<$below::Out, $above>()),*]);
            const KEPT: usize = 0 $(+ $low::Out::SIZE + $low::KEPT)* + $last::KEPT;
            const SCRATCH: usize = stack(
                [$($layer::Out::SIZE),*],
                [$($layer::KEPT),*],
                [$first::SCRATCH, $(max($high::SCRATCH, $high::SCRATCH_INNER)),*],
            ) - Self::KEPT;
            const SCRATCH_INNER: usize =
                max(Self::SCRATCH, (first_end([$(($layer::Out::SIZE, $layer::KEPT)),*]) + $first::SCRATCH_INNER).saturating_sub(Self::KEPT));
            const SLICES: usize = 0 $(+ $layer::SLICES)*;
            const GIVES_INPUT_GRADIENT: bool = $first::GIVES_INPUT_GRADIENT;
            const WHOLE_BATCH: bool = false $(|| $layer::WHOLE_BATCH)*;
            const ORDER: ChannelOrder = ChannelOrder::Kept$(.then($layer::ORDER))*;

            #[inline(always)]
            fn forward<P: Pass, X: Inputs + ?Sized>(
                &self,
                pass: P,
                x: &X,
                y: &mut [f32],
                memory: &mut [f32],
            ) -> Result<(), NonFinite> {
                const {
                    $(
                        assert!($layer::LAYERS > 0, "a layer counts as at least one");
                        assert!(
                            ($layer::PARAMETERS == 0) == (<$layer as Tensors<f32>>::COUNT == 0),
                            "a layer's `TENSORS` are not those that it stores"
                        );
                        assert!(
                            <$layer::Slots<()> as Slots<()>>::LAYERS == <$layer as Parameters>::LAYERS,
                            "a layer's slots count as another number of layers"
                        );
                    )*
                }
                self.forward_or_again(pass, x, Some(y), memory)
            }

            const RECOMPUTE: usize = $last::RECOMPUTE;

            fn recompute<P: Pass, X: Inputs + ?Sized>(&self, pass: P, x: &X, memory: &mut [f32]) {
                let _ = self.forward_or_again(pass, x, None, memory);
            }

            #[inline(always)]
            fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
                &mut self,
                pass: P,
                x: &X,
                delta: &[f32],
                dx: InputGradient<'_>,
                memory: &mut [f32],
                slots: &mut Self::Slots<O::Slot>,
                step: &O::Step,
            ) {
                let unwanted = matches!(dx, InputGradient::Unwanted);
                self.backward_above::<P, O>(pass, delta, memory, slots, step, unwanted);
                if unwanted && const { $first::PARAMETERS == 0 && $first::STATE_COUNT == 0 } {
                    return; // There is nothing to learn or to count, and nobody asks for a gradient.
                }
                let spot = const { Self::SPOTS[0] };
                let (delta, memory) = own(spot, pass, delta, memory);
                let step = &step_of_layer::<O>(slots.0.layer(), step);
                if let Backward::Inner(pass) | Backward::First(pass) = pass.backward_part(spot.place) {
                    self.0.backward::<P, O, X>(pass, x, delta, dx, memory, &mut slots.0, step);
                }
            }

            #[inline(always)]
            fn backward_inner<P: Pass, O: Optimizer, Below: Activation>(
                &mut self,
                pass: P,
                x: &mut [f32],
                delta: &[f32],
                memory: &mut [f32],
                slots: &mut Self::Slots<O::Slot>,
                step: &O::Step,
            ) {
                self.backward_above::<P, O>(pass, delta, memory, slots, step, false);
                let spot = const { Self::SPOTS[0] };
                let (delta, memory) = own(spot, pass, delta, memory);
                let step = &step_of_layer::<O>(slots.0.layer(), step);
                if let Backward::Inner(pass) | Backward::First(pass) = pass.backward_part(spot.place) {
                    self.0.backward_inner::<P, O, Below>(pass, x, delta, memory, &mut slots.0, step);
                }
            }

            // The first layer reads outside, the last one writes outside.
            const PREDICT: usize = max(
                predict_between([$($layer::FROM_OUTSIDE),*], [$($layer::ALONG),*]),
                network!(@last_input $($low)*) + $last::PREDICT,
            );

            #[inline(always)]
            fn predict_into(&self, x: &[f32], y: &mut [f32], memory: &mut [f32]) -> Result<(), NonFinite> {
                let (end, result, before) = (End::Outside, Ok(()), 0);
                $(
                    let (end, own) = self.$low_index.predict_along(end, x, memory);
                    let result = result.and(own.map_err(|error| error.behind(before)));
                    let before = before + $low::LAYERS;
                )*
                let (x, memory) = end.input(x, memory);
                result.and(self.$last_index.predict_into(x, y, memory).map_err(|error| error.behind(before)))
            }

            const ALONG: usize = largest([$($layer::ALONG),*]);
            const FROM_OUTSIDE: usize = max($first::FROM_OUTSIDE, largest([0, $($high::ALONG),*]));

            #[inline(always)]
            fn predict_along(&self, from: End, outside: &[f32], memory: &mut [f32]) -> (End, Result<(), NonFinite>) {
                let (end, result, before) = (from, Ok(()), 0);
                $(
                    let (end, own) = self.$index.predict_along(end, outside, memory);
                    let result = result.and(own.map_err(|error| error.behind(before)));
                    let before = before + $layer::LAYERS;
                )*
                let _ = before;
                (end, result)
            }

            fn describe(visit: &mut impl FnMut(LayerSummary)) {
                $($layer::describe(visit);)*
            }
        }

        impl<In: Shape, $first: Layer<In>, $($high: Layer<$low::Out>),*> Stack<In> for ($($layer,)*) {
            const SPOTS: &'static [Spot] = &spots([$(Sizes::of::<_, $layer>()),*], Self::KEPT + Self::SCRATCH);

            #[inline(always)]
            fn forward_or_again<P: Pass, X: Inputs + ?Sized>(
                &self,
                pass: P,
                x: &X,
                y: Option<&mut [f32]>,
                memory: &mut [f32],
            ) -> Result<(), NonFinite> {
                let (result, before) = (Ok(()), 0);
                $(
                    let (out, memory) = cut(memory, const { P::CAPACITY * $low::Out::SIZE });
                    let (out, _) = cut(out, pass.samples().wrapping_mul($low::Out::SIZE));
                    let result = result.and(forward(&self.$low_index, pass, before, x, out, memory));
                    let (_, memory) = cut(memory, const { P::CAPACITY * $low::KEPT });
                    let (x, before) = (&Stacked::<$low::Out>::new(out), before + $low::LAYERS);
                )*
                match y {
                    Some(y) => result.and(forward(&self.$last_index, pass, before, x, y, memory)),
                    None => {
                        self.$last_index.recompute(pass.behind(before), x, memory);
                        result
                    }
                }
            }

            #[inline(always)]
            #[allow(unused_variables)] // nothing is above a single layer
            fn backward_above<P: Pass, O: Optimizer>(
                &mut self,
                pass: P,
                delta: &[f32],
                memory: &mut [f32],
                slots: &mut Self::Slots<O::Slot>,
                step: &O::Step,
                unwanted: bool,
            ) {
                $(
                    let spot = const { Self::SPOTS[$above_index] };
                    let (layer, slots_of_layer) = (&mut self.$above_index, &mut slots.$above_index);
                    if unwanted && const { Self::SPOTS[$above_index].is_first_to_learn } {
                        backward_first::<_, _, P, O>(layer, spot, pass, delta, memory, slots_of_layer, step);
                    } else {
                        backward::<_, _, $below::Activation, P, O>(layer, spot, pass, delta, memory, slots_of_layer, step);
                    }
                )*
            }
        }
    };

    (@last_input) => { 0 };
    (@last_input $low:ident) => { $low::Out::SIZE };
    (@last_input $low:ident $($higher:ident)+) => { network!(@last_input $($higher)+) };
}

// All tuples of up to 16 layers: each is the one before and a layer more.
macro_rules! networks {
    ($layers:tt first $first:tt last $last:tt up $up:tt down $down:tt;) => {
        network!($layers first $first last $last up $up down $down);
    };
    (
        [$($layer:ident $index:tt)*] first $first:tt last [$last:ident $last_index:tt] up [$($up:tt)*] down [$($down:tt)*];
        $next:ident $next_index:tt $($rest:tt)*
    ) => {
        network!([$($layer $index)*] first $first last [$last $last_index] up [$($up)*] down [$($down)*]);
        networks!(
            [$($layer $index)* $next $next_index] first $first last [$next $next_index]
            up [$($up)* $last $last_index $next] down [$next $next_index $last $($down)*];
            $($rest)*
        );
    };
}

networks!(
    [L0 0] first [L0] last [L0 0] up [] down [];
    L1 1 L2 2 L3 3 L4 4 L5 5 L6 6 L7 7 L8 8 L9 9 L10 10 L11 11 L12 12 L13 13 L14 14 L15 15
);

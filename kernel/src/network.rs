//! Networks: a tuple of layers is a layer.
//!
//! `(Dense<4, 16, Relu>, Dense<16, 3>)` is a network with 4 inputs and 3 outputs. Its activations and slots are tuples
//! of its layers' own; the forward pass runs through the tuple from the left, the backward sweep from the right. Tuples of one to
//! eight layers are networks; as a network is a layer, deeper ones nest.

use crate::activation::Activation;
use crate::fingerprint;
use crate::initializer::Initializer;
use crate::layer::{Columns, Layer, LayerSummary, NonFinite, SlicedLayer};
use crate::optimizer::{Optimizer, StoreGradient};
use crate::shape::{BatchOf, Inputs, SampleOf};
use crate::summary::Summary;
use crate::zero::Zero;

// Makes a tuple a layer. No function can be generic over the length of a tuple, hence a macro.
// For three layers it reads, in part:
//
//     impl<L0: Layer, L1: Layer<In = L0::Out>, L2: Layer<In = L1::Out>> Layer for (L0, L1, L2) {
//         fn forward(…) {
//             self.0.forward(inputs, samples, &mut activations.0)
//                 .and(self.1.forward(L0::output(&activations.0), samples, &mut activations.1))
//                 .and(self.2.forward(L1::output(&activations.1), samples, &mut activations.2))
//         }
//         fn backward_first(…) {
//             self.2.backward::<B, O, L1::Activation>(L1::output_mut(&mut activations.1), …);
//             self.1.backward::<B, O, L0::Activation>(L0::output_mut(&mut activations.0), …);
//             self.0.backward_first(inputs, …);
//         }
//     }
//
// `up` lists each layer after the one below it, from the input on; `down` the same pairs from the output on.
macro_rules! network {
    (
        $first:ident .. $last_index:tt $last:ident,
        up [$($below_index:tt $below:ident -> $index:tt $layer:ident),*],
        down [$($d_below_index:tt $d_below:ident <- $d_index:tt $d_layer:ident),*]
    ) => {
        impl<$first: Zero, $($layer: Zero),*> Zero for ($first, $($layer,)*) {
            const ZERO: Self = ($first::ZERO, $($layer::ZERO,)*);
        }

        impl<$first: Layer, $($layer: Layer<In = $below::Out>),*> Layer for ($first, $($layer,)*) {
            type In = $first::In;
            type Out = $last::Out;
            type Activation = $last::Activation;
            type Slots<O: Optimizer> = ($first::Slots<O>, $($layer::Slots<O>,)*);
            type Activations<const B: usize> = ($first::Activations<B>, $($layer::Activations<B>,)*);

            const PARAMETERS: usize = $first::PARAMETERS $(+ $layer::PARAMETERS)*;
            const LAYERS: usize = $first::LAYERS $(+ $layer::LAYERS)*;
            const FINGERPRINT: u32 = {
                let fingerprint = $first::FINGERPRINT;
                $(let fingerprint = fingerprint::chain(fingerprint, $layer::FINGERPRINT, $layer::LAYERS);)*
                fingerprint
            };

            #[allow(unused_mut, unused_variables, unused_assignments)] // `below` in a network of one layer
            fn forward<const B: usize, X: Inputs<SampleOf<Self::In>> + ?Sized>(
                &self,
                inputs: &X,
                samples: usize,
                activations: &mut Self::Activations<B>,
            ) -> Result<(), NonFinite> {
                let mut result = self.0.forward(inputs, samples, &mut activations.0);
                let mut below = $first::LAYERS;
                $(
                    result = result.and(
                        self.$index
                            .forward($below::output(&activations.$below_index), samples, &mut activations.$index)
                            .map_err(|error| error.behind(below)),
                    );
                    below += $layer::LAYERS;
                )*
                result
            }

            fn output<const B: usize>(activations: &Self::Activations<B>) -> &BatchOf<Self::Out, B> {
                $last::output(&activations.$last_index)
            }

            fn output_mut<const B: usize>(activations: &mut Self::Activations<B>) -> &mut BatchOf<Self::Out, B> {
                $last::output_mut(&mut activations.$last_index)
            }

            fn into_output<const B: usize>(activations: Self::Activations<B>) -> BatchOf<Self::Out, B> {
                $last::into_output(activations.$last_index)
            }

            fn backward_first<const B: usize, O: Optimizer, X: Inputs<SampleOf<Self::In>> + ?Sized>(
                &mut self,
                inputs: &X,
                samples: usize,
                activations: &mut Self::Activations<B>,
                slots: &mut Self::Slots<O>,
                columns: &mut Columns<B>,
                step: &O::Step,
            ) {
                $(
                    self.$d_index.backward::<B, O, $d_below::Activation>(
                        $d_below::output_mut(&mut activations.$d_below_index),
                        samples,
                        &mut activations.$d_index,
                        &mut slots.$d_index,
                        columns,
                        step,
                    );
                )*
                self.0.backward_first::<B, O, X>(inputs, samples, &mut activations.0, &mut slots.0, columns, step);
            }

            fn backward<const B: usize, O: Optimizer, Below: Activation>(
                &mut self,
                inputs: &mut BatchOf<Self::In, B>,
                samples: usize,
                activations: &mut Self::Activations<B>,
                slots: &mut Self::Slots<O>,
                columns: &mut Columns<B>,
                step: &O::Step,
            ) {
                $(
                    self.$d_index.backward::<B, O, $d_below::Activation>(
                        $d_below::output_mut(&mut activations.$d_below_index),
                        samples,
                        &mut activations.$d_index,
                        &mut slots.$d_index,
                        columns,
                        step,
                    );
                )*
                self.0.backward::<B, O, Below>(inputs, samples, &mut activations.0, &mut slots.0, columns, step);
            }

            #[allow(unused_mut, unused_variables, unused_assignments)] // `start` in a network of one layer
            fn backward_above<const B: usize, O: Optimizer, X: Inputs<SampleOf<Self::In>> + ?Sized>(
                &mut self,
                frozen: usize,
                inputs: &X,
                samples: usize,
                activations: &mut Self::Activations<B>,
                slots: &mut Self::Slots<O>,
                columns: &mut Columns<B>,
                step: &O::Step,
            ) {
                // Layers in front of the one at hand.
                let mut start = Self::LAYERS;
                $(
                    start = start.wrapping_sub($d_layer::LAYERS);
                    if frozen < start {
                        self.$d_index.backward::<B, O, $d_below::Activation>(
                            $d_below::output_mut(&mut activations.$d_below_index),
                            samples,
                            &mut activations.$d_index,
                            &mut slots.$d_index,
                            columns,
                            step,
                        );
                    } else {
                        return self.$d_index.backward_above::<B, O, _>(
                            frozen.wrapping_sub(start),
                            $d_below::output(&activations.$d_below_index),
                            samples,
                            &mut activations.$d_index,
                            &mut slots.$d_index,
                            columns,
                            step,
                        );
                    }
                )*
                self.0.backward_above::<B, O, X>(frozen, inputs, samples, &mut activations.0, &mut slots.0, columns, step);
            }

            fn update<O: Optimizer>(
                &mut self,
                gradients: &Self::Slots<StoreGradient>,
                slots: &mut Self::Slots<O>,
                step: &O::Step,
            ) {
                self.0.update::<O>(&gradients.0, &mut slots.0, step);
                $(self.$index.update::<O>(&gradients.$index, &mut slots.$index, step);)*
            }

            fn draw_parameters(&mut self, initializer: &impl Initializer, random: &mut impl FnMut() -> u32) {
                self.0.draw_parameters(initializer, random);
                $(self.$index.draw_parameters(initializer, random);)*
            }

            fn parameters(&self, visit: &mut impl FnMut(&[f32])) {
                self.0.parameters(visit);
                $(self.$index.parameters(visit);)*
            }

            fn parameters_mut(&mut self, visit: &mut impl FnMut(&mut [f32])) {
                self.0.parameters_mut(visit);
                $(self.$index.parameters_mut(visit);)*
            }

            fn slots<O: Optimizer>(slots: &Self::Slots<O>, visit: &mut impl FnMut(&[O::Slot])) {
                $first::slots::<O>(&slots.0, visit);
                $($layer::slots::<O>(&slots.$index, visit);)*
            }

            fn slots_mut<O: Optimizer>(slots: &mut Self::Slots<O>, visit: &mut impl FnMut(&mut [O::Slot])) {
                $first::slots_mut::<O>(&mut slots.0, visit);
                $($layer::slots_mut::<O>(&mut slots.$index, visit);)*
            }

            fn describe(visit: &mut impl FnMut(LayerSummary)) {
                $first::describe(visit);
                $($layer::describe(visit);)*
            }
        }

        impl<$first: SlicedLayer, $($layer: SlicedLayer<In = $below::Out>),*> SlicedLayer for ($first, $($layer,)*) {
            const SLICES: usize = $first::SLICES $(+ $layer::SLICES)*;

            #[allow(unused_mut, unused_variables, unused_assignments)] // as `forward`
            fn forward_sample<const B: usize, X: Inputs<SampleOf<Self::In>> + ?Sized>(
                &self,
                inputs: &X,
                sample: usize,
                activations: &mut Self::Activations<B>,
            ) -> Result<(), NonFinite> {
                let mut result = self.0.forward_sample(inputs, sample, &mut activations.0);
                let mut below = $first::LAYERS;
                $(
                    let inputs = $below::output(&activations.$below_index);
                    result = result.and(
                        self.$index
                            .forward_sample(inputs, sample, &mut activations.$index)
                            .map_err(|error| error.behind(below)),
                    );
                    below += $layer::LAYERS;
                )*
                result
            }

            #[allow(unused_mut)] // in a network of one layer
            fn backward_first_slice<const B: usize, O: Optimizer, X: Inputs<SampleOf<Self::In>> + ?Sized>(
                &mut self,
                mut slice: usize,
                inputs: &X,
                samples: usize,
                activations: &mut Self::Activations<B>,
                slots: &mut Self::Slots<O>,
                columns: &mut Columns<B>,
                step: &O::Step,
            ) {
                $(
                    if slice < $d_layer::SLICES {
                        return self.$d_index.backward_slice::<B, O, $d_below::Activation>(
                            slice,
                            $d_below::output_mut(&mut activations.$d_below_index),
                            samples,
                            &mut activations.$d_index,
                            &mut slots.$d_index,
                            columns,
                            step,
                        );
                    }
                    slice -= $d_layer::SLICES;
                )*
                let (activations, slots) = (&mut activations.0, &mut slots.0);
                self.0.backward_first_slice::<B, O, X>(slice, inputs, samples, activations, slots, columns, step);
            }

            #[allow(unused_mut)] // in a network of one layer
            fn backward_slice<const B: usize, O: Optimizer, Below: Activation>(
                &mut self,
                mut slice: usize,
                inputs: &mut BatchOf<Self::In, B>,
                samples: usize,
                activations: &mut Self::Activations<B>,
                slots: &mut Self::Slots<O>,
                columns: &mut Columns<B>,
                step: &O::Step,
            ) {
                $(
                    if slice < $d_layer::SLICES {
                        return self.$d_index.backward_slice::<B, O, $d_below::Activation>(
                            slice,
                            $d_below::output_mut(&mut activations.$d_below_index),
                            samples,
                            &mut activations.$d_index,
                            &mut slots.$d_index,
                            columns,
                            step,
                        );
                    }
                    slice -= $d_layer::SLICES;
                )*
                let (activations, slots) = (&mut activations.0, &mut slots.0);
                self.0.backward_slice::<B, O, Below>(slice, inputs, samples, activations, slots, columns, step);
            }
        }
    };
}

network!(L0 .. 0 L0, up [], down []);
network!(L0 .. 1 L1, up [0 L0 -> 1 L1], down [0 L0 <- 1 L1]);
network!(L0 .. 2 L2, up [0 L0 -> 1 L1, 1 L1 -> 2 L2], down [1 L1 <- 2 L2, 0 L0 <- 1 L1]);
network!(
    L0 .. 3 L3,
    up [0 L0 -> 1 L1, 1 L1 -> 2 L2, 2 L2 -> 3 L3],
    down [2 L2 <- 3 L3, 1 L1 <- 2 L2, 0 L0 <- 1 L1]
);
network!(
    L0 .. 4 L4,
    up [0 L0 -> 1 L1, 1 L1 -> 2 L2, 2 L2 -> 3 L3, 3 L3 -> 4 L4],
    down [3 L3 <- 4 L4, 2 L2 <- 3 L3, 1 L1 <- 2 L2, 0 L0 <- 1 L1]
);
network!(
    L0 .. 5 L5,
    up [0 L0 -> 1 L1, 1 L1 -> 2 L2, 2 L2 -> 3 L3, 3 L3 -> 4 L4, 4 L4 -> 5 L5],
    down [4 L4 <- 5 L5, 3 L3 <- 4 L4, 2 L2 <- 3 L3, 1 L1 <- 2 L2, 0 L0 <- 1 L1]
);
network!(
    L0 .. 6 L6,
    up [0 L0 -> 1 L1, 1 L1 -> 2 L2, 2 L2 -> 3 L3, 3 L3 -> 4 L4, 4 L4 -> 5 L5, 5 L5 -> 6 L6],
    down [5 L5 <- 6 L6, 4 L4 <- 5 L5, 3 L3 <- 4 L4, 2 L2 <- 3 L3, 1 L1 <- 2 L2, 0 L0 <- 1 L1]
);
network!(
    L0 .. 7 L7,
    up [0 L0 -> 1 L1, 1 L1 -> 2 L2, 2 L2 -> 3 L3, 3 L3 -> 4 L4, 4 L4 -> 5 L5, 5 L5 -> 6 L6, 6 L6 -> 7 L7],
    down [6 L6 <- 7 L7, 5 L5 <- 6 L6, 4 L4 <- 5 L5, 3 L3 <- 4 L4, 2 L2 <- 3 L3, 1 L1 <- 2 L2, 0 L0 <- 1 L1]
);

/// Checks, when the program compiles, that the layers of a network fit: `const _: () = check::<Net>();`.
///
/// A [`Trainer`](crate::Trainer) needs no such line. Where a network is only used to predict, a method call on layers that
/// don't fit says less clearly which is the wrong one.
pub const fn check<N: Layer>() {}

/// What a user does with a network outside training: every [`Layer`], so every tuple of layers, has it.
pub trait Network: Layer {
    /// The output for one sample.
    ///
    /// The activations of this one sample live on the stack meanwhile, `size_of::<Self::Activations<1>>()` bytes;
    /// [`predict_in`](Self::predict_in) keeps them in a place of the user's.
    ///
    /// # Special values
    /// A NaN or an infinity that reaches the output shows there; ask [`predict_in`](Self::predict_in) to be told of one on the way.
    fn predict(&self, sample: &SampleOf<Self::In>) -> BatchOf<Self::Out, 1> {
        let mut activations = Self::Activations::<1>::ZERO;
        // A forward pass goes on to the end whatever it meets, so the output is what IEEE arithmetic makes of it.
        let _ = self.forward::<1, _>(core::slice::from_ref(sample), 1, &mut activations);
        Self::into_output(activations)
    }

    /// The output for one sample, computed in (and borrowed from) activations that the user placed.
    ///
    /// # Errors
    /// A pre-activation is infinite or NaN: by the sample, or by the weights.
    fn predict_in<'a>(
        &self,
        sample: &SampleOf<Self::In>,
        activations: &'a mut Self::Activations<1>,
    ) -> Result<&'a BatchOf<Self::Out, 1>, NonFinite> {
        self.forward::<1, _>(core::slice::from_ref(sample), 1, activations)?;
        Ok(Self::output(activations))
    }

    /// Draws initial parameters; `random` gives uniformly distributed 32-bit words.
    fn initialize_with(&mut self, initializer: impl Initializer, mut random: impl FnMut() -> u32) {
        self.draw_parameters(&initializer, &mut random);
    }

    /// Draws initial parameters from a generator of the `rand_core` traits; the seed is the user's.
    #[cfg(feature = "rand_core")]
    fn initialize(&mut self, initializer: impl Initializer, generator: &mut impl rand_core::Rng) {
        self.initialize_with(initializer, || generator.next_u32());
    }

    /// What the network looks like: print it with `{}`.
    fn summary() -> Summary<Self> {
        Summary::of_network()
    }
}

impl<N: Layer> Network for N {}

//! Networks: a tuple of layers is a layer.
//!
//! `(Dense<4, 16, Relu>, Dense<16, 3>)` is a network with 4 inputs and 3 outputs. Its slots are a tuple of its layers' own; the forward
//! pass runs through the tuple from the left, the backward pass from the right. Tuples of 1 to 16 layers are networks; as a network is a
//! layer, deeper ones nest. A network that begins with a layer for any size, such as an image's, is a [`Model`]: layers put on an input.

mod model;
mod plan;
mod summary;
mod tuple;

pub use model::Model;
pub use summary::Summary;

use core::marker::PhantomData;

use crate::activation::Activation;
use crate::initializer::Initializer;
use crate::layer::memory::max;
use crate::layer::misfit::refuse;
use crate::layer::{
    self, Backward, BatchNorm, Dense, End, Frozen, InputGradient, Inputs, Layer, LayerNorm, LayerSummary, NonFinite,
    Parameters, Pass, Place, Recompute, Residual, Slots, step_of_layer,
};
use crate::optimizer::Optimizer;
use crate::shape::{ArrayShape, Features, OutputOf, SampleOf, Shape, Values};

/// A layer, or a network, that says by itself what it takes in.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a network: nothing says what its first layer takes in",
    note = "`Model<Image<28, 28, 1>, (…)>` puts layers on an input; a tuple that begins with `Dense` needs none",
    note = "an activation is a parameter of its layer: `Dense<4, 16, Relu>`"
)]
pub trait Entry {
    /// What a sample looks like going in.
    type In: ArrayShape;
}

impl<const IN: usize, const OUT: usize, A> Entry for Dense<IN, OUT, A> {
    type In = Features<IN>;
}

impl<const N: usize, A, S> Entry for BatchNorm<N, A, S> {
    type In = Features<N>;
}

impl<const N: usize, A> Entry for LayerNorm<N, A> {
    type In = Features<N>;
}

impl<B: Entry, S, A> Entry for Residual<B, S, A> {
    type In = B::In;
}

impl<L: Entry> Entry for Recompute<L> {
    type In = L::In;
}

impl<B: layer::Body<Layers: Entry>> Entry for Frozen<B> {
    type In = <B::Layers as Entry>::In;
}

/// Layers on a known input; those that do not fit are refused where they compute ([`Layer::MISFIT`]). What they give out may be any shape: a [`Network`], or the layers at the front of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has layers that don't fit, or nothing says what the first takes in",
    note = "`Model<Image<28, 28, 1>, (…)>` puts layers on an input; a tuple that begins with `Dense` needs none",
    note = "`const _: usize = baregrad::floats::<Net>();` says what doesn't fit"
)]
pub trait OnInput: Parameters {
    /// [`Layer::describe`].
    fn describe_layers(visit: &mut impl FnMut(LayerSummary));
}

// So that a message does not list all that says what it takes in.
#[diagnostic::do_not_recommend]
impl<N: Entry + Layer<<N as Entry>::In>> OnInput for N {
    fn describe_layers(visit: &mut impl FnMut(LayerSummary)) {
        const { refuse(<N as Layer<<N as Entry>::In>>::MISFIT) };
        N::describe(visit);
    }
}

/// A network: layers behind a known input, each for the shape that comes out of the one before. Every tuple of such layers is one. Layers whose sizes do
/// not fit are refused where they compute ([`Layer::MISFIT`]).
///
/// A user calls what has a body here; the rest is for training.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a network: its layers don't fit, or nothing says what the first takes in",
    note = "a network is a tuple of 1 to 16 layers, and tuples nest; `Model<Image<28, 28, 1>, (…)>` puts layers on an input",
    note = "`const _: usize = baregrad::floats::<Net>();` says what doesn't fit"
)]
pub trait Network: OnInput {
    /// What a sample looks like going in.
    type In: ArrayShape;
    /// What a sample looks like coming out.
    type Out: ArrayShape;
    /// The activation of the output.
    type Activation: Activation;
    /// Why its layers do not fit, if so: [`Layer::MISFIT`].
    const MISFIT: Option<&'static str>;
    /// Why they can't be trained, if so: [`Layer::UNTRAINABLE`].
    const UNTRAINABLE: Option<&'static str>;
    /// Floats of a training pass for each sample: what [`floats`] gives.
    const FLOATS: usize;
    /// Floats of a prediction: what [`predict_floats`] gives.
    const PREDICT_FLOATS: usize;
    /// Slices of the backward pass.
    const SLICES: usize;
    /// [`Layer::WHOLE_BATCH`].
    const WHOLE_BATCH: bool;

    /// [`Layer::forward`].
    ///
    /// # Errors
    /// As there.
    fn forward_pass<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: &mut [f32],
        memory: &mut [f32],
    ) -> Result<(), NonFinite>;

    /// [`Layer::backward`], without a gradient of the input.
    fn backward_pass<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        pass: P,
        x: &X,
        delta: &[f32],
        memory: &mut [f32],
        slots: &mut Self::Slots<O::Slot>,
        step: &O::Step,
    );

    /// [`Layer::predict_along`] from an input outside.
    fn predict_pass(&self, x: &[f32], memory: &mut [f32]) -> (End, Result<(), NonFinite>);

    /// The output for one sample.
    ///
    /// Outputs of layers live on the stack meanwhile, [`predict_floats`] of them rounded up; a network that needs more than 2 KB for
    /// it does not compile here. [`predict_in`](Self::predict_in) keeps them in a place of the user's.
    ///
    /// # Special values
    /// A NaN or an infinity that reaches the output shows there; ask [`predict_in`](Self::predict_in) to be told of one on the way.
    #[inline]
    fn predict(&self, sample: &SampleOf<Self::In>) -> OutputOf<Self::Out> {
        // Places of constant size; all but one are gone before they cost anything.
        match Floats::<Self>::ON_THE_STACK {
            4 => on_the_stack::<Self, 4>(self, sample),
            8 => on_the_stack::<Self, 8>(self, sample),
            12 => on_the_stack::<Self, 12>(self, sample),
            16 => on_the_stack::<Self, 16>(self, sample),
            20 => on_the_stack::<Self, 20>(self, sample),
            24 => on_the_stack::<Self, 24>(self, sample),
            28 => on_the_stack::<Self, 28>(self, sample),
            32 => on_the_stack::<Self, 32>(self, sample),
            48 => on_the_stack::<Self, 48>(self, sample),
            64 => on_the_stack::<Self, 64>(self, sample),
            96 => on_the_stack::<Self, 96>(self, sample),
            128 => on_the_stack::<Self, 128>(self, sample),
            192 => on_the_stack::<Self, 192>(self, sample),
            256 => on_the_stack::<Self, 256>(self, sample),
            384 => on_the_stack::<Self, 384>(self, sample),
            _ => on_the_stack::<Self, 512>(self, sample),
        }
    }

    /// The output for one sample, computed in (and borrowed from) memory that the user placed: `[0.0; predict_floats::<Net>()]`.
    ///
    /// # Errors
    /// A pre-activation is infinite or NaN: by the sample, or by the weights.
    fn predict_in<'a, const FLOATS: usize>(
        &self,
        sample: &SampleOf<Self::In>,
        memory: &'a mut [f32; FLOATS],
    ) -> Result<&'a SampleOf<Self::Out>, NonFinite> {
        const {
            assert!(FLOATS >= predict_floats::<Self>(), "too little memory: write `[0.0; predict_floats::<Net>()]`");
        }
        let (output, result) = predicted::<Self, FLOATS>(self, sample, memory);
        result.map(|()| output)
    }

    /// Draws initial parameters; `random` gives uniformly distributed 32-bit words. [State](Parameters::STATE) begins anew.
    ///
    /// An initializer whose settings make no sense ([`Initializer::check_settings`]) makes every parameter NaN, so that the first step refuses the
    /// network.
    fn initialize_with(&mut self, initializer: impl Initializer, mut random: impl FnMut() -> u32) {
        layer::draw(self, &initializer, &mut random);
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

impl<N: Entry + Layer<<N as Entry>::In, Out: ArrayShape>> Network for N {
    type In = <N as Entry>::In;
    type Out = <N as Layer<<N as Entry>::In>>::Out;
    type Activation = <N as Layer<<N as Entry>::In>>::Activation;
    const MISFIT: Option<&'static str> = <N as Layer<<N as Entry>::In>>::MISFIT;
    const UNTRAINABLE: Option<&'static str> = <N as Layer<<N as Entry>::In>>::UNTRAINABLE;
    const FLOATS: usize = N::Out::SIZE + N::KEPT + N::SCRATCH;
    const PREDICT_FLOATS: usize = N::FROM_OUTSIDE;
    const SLICES: usize = <N as Layer<<N as Entry>::In>>::SLICES;
    const WHOLE_BATCH: bool = <N as Layer<<N as Entry>::In>>::WHOLE_BATCH;

    #[inline(always)]
    fn forward_pass<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: &mut [f32],
        memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        const { refuse(<Self as Network>::MISFIT) };
        tuple::forward(self, pass, 0, x, y, memory)
    }

    #[inline(always)]
    fn backward_pass<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        pass: P,
        x: &X,
        delta: &[f32],
        memory: &mut [f32],
        slots: &mut Self::Slots<O::Slot>,
        step: &O::Step,
    ) {
        let place =
            const { Place { before: 0, layers: N::LAYERS, slices_before: 0, slices: <Self as Network>::SLICES } };
        if let Backward::Inner(pass) | Backward::First(pass) = pass.backward_part(place) {
            let step = &step_of_layer::<O>(slots.layer(), step);
            self.backward::<P, O, X>(pass, x, delta, InputGradient::Unwanted, memory, slots, step);
        }
    }

    #[inline(always)]
    fn predict_pass(&self, x: &[f32], memory: &mut [f32]) -> (End, Result<(), NonFinite>) {
        self.predict_along(End::Outside, x, memory)
    }
}

/// Floats that training takes for each sample of a batch, scratch included: the size of a [`Workspace`](crate::Workspace).
///
/// It is also the place where the compiler says that layers don't fit: `const _: usize = floats::<Net>();`.
#[track_caller]
pub const fn floats<N: Network>() -> usize {
    refuse(N::MISFIT);
    refuse(N::UNTRAINABLE);
    // In a function of its own: its constants are computed when it is called, and those here before.
    Floats::<N>::of_training()
}

/// Floats that a prediction takes, the output included.
#[track_caller]
pub const fn predict_floats<N: Network>() -> usize {
    refuse(N::MISFIT);
    Floats::<N>::of_prediction()
}

/// What the two functions above give, in constants: a call that is no constant compiles only if they do.
struct Floats<N>(PhantomData<N>);

impl<N: Network> Floats<N> {
    const OF_TRAINING: usize = {
        refuse(N::MISFIT);
        refuse(N::UNTRAINABLE);
        N::FLOATS
    };
    const OF_PREDICTION: usize = {
        refuse(N::MISFIT);
        N::PREDICT_FLOATS
    };
    /// The size of a place in [`Network::predict`]. Where layers do not fit, their passes say so.
    const ON_THE_STACK: usize = {
        let floats = N::PREDICT_FLOATS;
        assert!(floats <= 512, "this network needs more than 2 KB to predict: use `predict_in`");
        place(floats)
    };

    const fn of_training() -> usize {
        Self::OF_TRAINING
    }

    const fn of_prediction() -> usize {
        Self::OF_PREDICTION
    }
}

/// The size of a place for so many floats on the stack.
const fn place(floats: usize) -> usize {
    match floats {
        0..=32 => max(floats.next_multiple_of(4), 4),
        33..=48 => 48,
        65..=96 => 96,
        129..=192 => 192,
        257..=384 => 384,
        _ => floats.next_power_of_two(),
    }
}

#[inline(always)]
fn on_the_stack<N: Network, const FLOATS: usize>(network: &N, sample: &SampleOf<N::In>) -> OutputOf<N::Out> {
    let mut memory = [0.0; FLOATS];
    // A forward pass goes on to the end whatever it meets, so the output is what IEEE arithmetic makes of it.
    let (output, _) = predicted::<N, FLOATS>(network, sample, &mut memory);
    (*output).into()
}

#[inline(always)]
fn predicted<'a, N: Network, const FLOATS: usize>(
    network: &N,
    sample: &SampleOf<N::In>,
    memory: &'a mut [f32; FLOATS],
) -> (&'a SampleOf<N::Out>, Result<(), NonFinite>) {
    let (end, result) = network.predict_pass(sample.values(), memory);
    let output = SampleOf::<N::Out>::first_of(end.of(memory)).unwrap_or(Values::ZEROS);
    (output, result)
}

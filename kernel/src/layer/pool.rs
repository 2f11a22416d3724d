//! Pools: a window of positions becomes one, each channel by itself.

mod gradient;
mod rule;

pub use rule::{Average, Maximum};

use core::marker::PhantomData;

use super::memory::{cut, rows, rows_mut};
use super::misfit::refuse;
use super::window::axis::{Axes, Places};
use super::window::{Along, Valid, Window};
use super::{
    ChannelOrder, InputGradient, Inputs, Layer, NonFinite, Parameters, Pass, Tensors, activate, backward_apart,
};
use crate::activation::{Activation, Identity};
use crate::fingerprint::Fingerprint;
use crate::optimizer::{Optimizer, Slot};
use crate::shape::{Grid, One, Positions, Shape};
use crate::zero::Zero;
use rule::Rule;

pub(super) use rule::is_greater;

/// The largest value of each window of `KH × KW` positions, each channel by itself: `y[p][c] = max x[q][c]` over the positions `q` inside.
///
/// `MaxPool2d<2>` has windows of 2 × 2, side by side: as in PyTorch and in Keras, the stride is the size of the kernel unless a window says
/// otherwise. `MaxPool2d<3, 3, Strided<2>>` is Keras's `MaxPooling2D(3, strides=2, padding="same")`,
/// `MaxPool2d<3, 3, Centered<2>>` PyTorch's `MaxPool2d(3, stride=2, padding=1)`.
///
/// It keeps nothing: the backward pass finds the largest value again. Where no position is in two windows, as by default, it works in place.
///
/// In a `Sequential` of PyTorch it is one module.
///
/// ```
/// # use baregrad::{Flatten, Image, MaxPool2d, Model, Network, Zero};
/// type Net = Model<Image<4, 4, 1>, (MaxPool2d<2>, Flatten<4>)>;
/// let image = [[[1.0], [2.0], [0.0], [0.0]], [[3.0], [4.0], [0.0], [-1.0]], [[-5.0]; 4], [[-5.0]; 4]];
/// assert_eq!(Net::ZERO.predict(&image).as_array(), &[4.0, 0.0, -5.0, -5.0]);
/// ```
///
/// # Order and rounding
/// No value is rounded. Positions are compared row by row; the first of equal values counts, `-0` for `0` too, in both passes.
///
/// Backward: `∂L/∂x[q][c]` is the sum over the windows that have `q`, row by row, of `δ` where `q` is the first largest and of 0 where it is not,
/// starting with the first term; 0 of a position in no window. The time does not depend on which value is the largest.
///
/// # Special values
/// A NaN in a window is its value: the first one. Infinities and NaN are refused as in any layer. `-∞` beside a greater value does not show here;
/// the layer that made it has refused it.
///
/// # Differs from PyTorch
/// In no value. PyTorch's `MaxPool2d(2)` leaves out a last odd row or column, as `Valid` does, unless it is told `ceil_mode=True`; a window
/// that reaches over the end is [`Strided`](crate::Strided), which pads other positions.
pub type MaxPool2d<const KH: usize, const KW: usize = KH, W = Valid<KH, KW>> = Pool<Maximum, Over<KH, KW, W>>;

/// [`MaxPool2d`] along a sequence: the largest value of each window of `K` moments, side by side unless a window says otherwise.
///
/// ```
/// # use baregrad::{Flatten, MaxPool1d, Model, Network, Sequence, Strided, Zero};
/// type Net = Model<Sequence<5, 1>, (MaxPool1d<3, Strided<2>>, Flatten<3>)>;
/// assert_eq!(Net::ZERO.predict(&[[1.0], [2.0], [0.0], [0.5], [0.25]]).as_array(), &[2.0, 2.0, 0.5]);
/// ```
pub type MaxPool1d<const K: usize, W = Valid<K>> = Pool<Maximum, Over<K, 1, Along<W>>>;

/// The mean of each window of `KH × KW` positions, each channel by itself: `y[p][c] = Σ x[q][c] / n` over the `n` positions `q` inside.
///
/// Windows are those of [`MaxPool2d`]: side by side unless a window says otherwise. It keeps nothing. In a `Sequential` of PyTorch it is one module.
///
/// # Order and rounding
/// The sum starts with the first position, and goes on row by row; then it is divided by `n`, the number of positions inside: one rounded quotient.
///
/// Backward: `∂L/∂x[q][c]` is the sum over the windows that have `q`, row by row, of the quotient `δ/n`, starting with the first term; 0 of a position in no
/// window.
///
/// # Special values
/// Arithmetic is IEEE 754's: a sum can overflow where the mean would not, and is refused then.
///
/// # Differs from PyTorch
/// PyTorch divides by the size of the kernel, also where some of it lies outside, unless it is told `count_include_pad=False`: that is this layer.
/// They differ at an edge alone. Keras divides by the number of positions inside, as here. Values can differ in the last bits.
pub type AveragePool2d<const KH: usize, const KW: usize = KH, W = Valid<KH, KW>> = Pool<Average, Over<KH, KW, W>>;

/// [`AveragePool2d`] along a sequence: the mean of each window of `K` moments, side by side unless a window says otherwise.
pub type AveragePool1d<const K: usize, W = Valid<K>> = Pool<Average, Over<K, 1, Along<W>>>;

/// The mean over all positions, each channel by itself: an image, or a sequence, of `N` channels becomes [`Features<N>`](crate::Features).
///
/// It is [`AveragePool2d`] with a single window, of any size, and works in place. In a `Sequential` of PyTorch it takes two modules,
/// `AdaptiveAvgPool2d(1)` and `Flatten()`.
///
/// ```
/// # use baregrad::{Dense, GlobalAveragePool, Model, Network, Relu, Sequence};
/// type Net = Model<Sequence<50, 3>, (Dense<3, 8, Relu>, GlobalAveragePool, Dense<8, 2>)>;
/// ```
///
/// # Order and rounding
/// As [`AveragePool2d`]: the sum of all positions, row by row, divided by their number. Backward: `δ/n` for each position.
#[doc(alias = "AdaptiveAvgPool2d")]
pub type GlobalAveragePool = Pool<Average, Global>;

/// The largest value over all positions, each channel by itself: an image, or a sequence, of `N` channels becomes [`Features<N>`](crate::Features).
///
/// It is [`MaxPool2d`] with a single window, of any size, and works in place: the first largest position gets `δ`, the others 0. In a `Sequential`
/// of PyTorch it takes two modules, `AdaptiveMaxPool2d(1)` and `Flatten()`.
#[doc(alias = "AdaptiveMaxPool2d")]
pub type GlobalMaxPool = Pool<Maximum, Global>;

/// A pool: what it makes of a window, and where its windows lie. Users write [`MaxPool2d`], [`AveragePool2d`], [`GlobalAveragePool`] and others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Pool<R, G> {
    rule: PhantomData<R>,
    region: PhantomData<G>,
}

/// Windows `W` of `KH × KW` positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Over<const KH: usize, const KW: usize, W>(PhantomData<W>);

/// A single window, of all positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Global;

/// What the windows of a pool are, whatever it is put on: [`Over`] or [`Global`].
pub trait Region {
    /// Their places on positions `P`.
    type Out<P: Positions>: Positions;
    /// Whether there is a single one.
    const IS_GLOBAL: bool;
    /// Tells them apart in a checkpoint.
    const FINGERPRINT: u32;
}

/// The windows of a pool on positions `P`, in numbers.
pub(crate) trait On<P: Positions>: Region {
    /// Their places.
    const AXES: Axes;
    /// Why they do not fit, if so.
    const MISFIT: Option<&'static str>;
}

impl<const KH: usize, const KW: usize, W: Window> Region for Over<KH, KW, W> {
    type Out<P: Positions> = W::Out<P, KH, KW>;
    const IS_GLOBAL: bool = false;
    const FINGERPRINT: u32 = Fingerprint::of("kernel").number(KH).number(KW).part(W::FINGERPRINT).value();
}

impl<P: Positions, const KH: usize, const KW: usize, W: Window> On<P> for Over<KH, KW, W> {
    const AXES: Axes = Places::<P, W, KH, KW>::AXES;
    const MISFIT: Option<&'static str> = Places::<P, W, KH, KW>::MISFIT;
}

impl Region for Global {
    type Out<P: Positions> = One;
    const IS_GLOBAL: bool = true;
    const FINGERPRINT: u32 = Fingerprint::of("global").value();
}

impl<P: Positions> On<P> for Global {
    const AXES: Axes = Axes::whole::<P>();
    const MISFIT: Option<&'static str> = None;
}

impl<R, G> Pool<R, G> {
    /// The pool.
    #[allow(clippy::new_without_default)] // as every layer, it is `Zero`
    pub const fn new() -> Self {
        Self { rule: PhantomData, region: PhantomData }
    }
}

impl<R, G> Zero for Pool<R, G> {
    const ZERO: Self = Self::new();
}

impl<R, G> Tensors<f32> for Pool<R, G> {}

impl<R: Rule, G: Region> Parameters for Pool<R, G> {
    const KIND: &'static str = if G::IS_GLOBAL { R::GLOBAL } else { R::KIND };
    type Slots<T: Slot> = ();
    /// PyTorch's global pools leave an image of one pixel, which a `Flatten` makes a vector.
    const MODULES: usize = if G::IS_GLOBAL { 2 } else { 1 };
    const FINGERPRINT: u32 = Fingerprint::of(Self::KIND).part(G::FINGERPRINT).value();
}

impl<P: Positions, const N: usize, R: Rule, G: On<P>> Layer<Grid<P, N>> for Pool<R, G> {
    type Out = Grid<G::Out<P>, N>;
    type Activation = Identity;
    const ORDER: ChannelOrder = ChannelOrder::Kept;
    const MISFIT: Option<&'static str> = G::MISFIT;
    /// Nothing; windows that do not fit do not compile.
    const KEPT: usize = {
        refuse(G::MISFIT);
        0
    };
    /// In place where no position is in two windows, else the gradient of the input.
    const SCRATCH_INNER: usize = if G::AXES.is_disjoint() { 0 } else { P::COUNT * N };

    fn forward<Q: Pass, X: Inputs + ?Sized>(
        &self,
        pass: Q,
        x: &X,
        y: &mut [f32],
        _memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        let mut outputs = rows_mut::<N>(y, pass.samples().wrapping_mul(G::Out::<P>::COUNT)).iter_mut();
        for index in 0..pass.samples() {
            let Some(x) = x.sample(index) else { break };
            let x = rows::<N>(x, P::COUNT);
            const { G::AXES }.for_each_place(|window| {
                if let Some(y) = outputs.next() {
                    R::value(window, P::WIDTH, x, y);
                }
            });
        }
        activate::<Identity>(y)
    }

    fn backward<Q: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        pass: Q,
        x: &X,
        delta: &[f32],
        dx: InputGradient<'_>,
        _memory: &mut [f32],
        _slots: &mut (),
        _step: &O::Step,
    ) {
        let (axes, is_added) = (const { G::AXES }, matches!(dx, InputGradient::Add(_)));
        let (InputGradient::Write(mut dx) | InputGradient::Add(mut dx)) = dx else { return };
        let mut deltas = delta;
        for index in 0..pass.samples() {
            let (gradient, other_gradients) = cut(dx, Grid::<P, N>::SIZE);
            let Some((delta, other_deltas)) = deltas.split_at_checked(Self::Out::SIZE) else { break };
            let Some(x) = x.sample(index) else { break };
            let (x, delta) = (rows::<N>(x, P::COUNT), rows::<N>(delta, G::Out::<P>::COUNT));
            let to = rows_mut::<N>(gradient, P::COUNT);
            if is_added && !axes.is_disjoint() {
                gradient::by_positions::<R, N>(axes, x, delta, to);
            } else {
                if !is_added {
                    // -0 plus the first term is that term, a -0 too.
                    to.as_flattened_mut().fill(-0.0);
                }
                gradient::by_windows::<R, N>(axes, Some(x), delta, to, |_, _, _| 0, |place, term| *place += term);
            }
            (dx, deltas) = (other_gradients, other_deltas);
        }
    }

    fn backward_inner<Q: Pass, O: Optimizer, Below: Activation>(
        &mut self,
        pass: Q,
        x: &mut [f32],
        delta: &[f32],
        memory: &mut [f32],
        _slots: &mut (),
        step: &O::Step,
    ) {
        if const { G::AXES.is_disjoint() } {
            let (mut rest, mut deltas) = (x, delta);
            for _ in 0..pass.samples() {
                let (x, others) = cut(rest, Grid::<P, N>::SIZE);
                let Some((delta, other_deltas)) = deltas.split_at_checked(Self::Out::SIZE) else { break };
                let (x, delta) = (rows_mut::<N>(x, P::COUNT), rows::<N>(delta, G::Out::<P>::COUNT));
                let in_place = |window, x: &mut _, delta: &_| R::in_place::<Below, N>(window, P::WIDTH, x, delta);
                gradient::by_windows::<R, N>(const { G::AXES }, None, delta, x, in_place, |x, term| {
                    *x = Below::backward(term, *x);
                });
                (rest, deltas) = (others, other_deltas);
            }
        } else {
            backward_apart::<Grid<P, N>, Self, Q, O, Below>(self, pass, x, delta, memory, &mut (), step);
        }
    }
}

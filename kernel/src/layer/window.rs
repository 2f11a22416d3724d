//! Windows: the places of a kernel on an image or on a sequence.
//!
//! A convolution or a pool looks at `KH × KW` positions at once, its *kernel*. A window says how far apart the places of the kernel are, the
//! *stride*, and how far they reach over the edge, the *padding*. Only the positions inside count: nothing is read for the others, and they are
//! terms of no sum. Dilation is 1.
//!
//! | window | where it is from | places along an axis of `size` positions |
//! | --- | --- | --- |
//! | [`Same`] | Keras's and PyTorch's `same`, stride 1 | `size` |
//! | [`Strided`] | Keras's and TensorFlow's `same`, any stride | `⌈size/stride⌉` |
//! | [`Centered`] | PyTorch's `padding = k // 2`, `k` odd | `⌈size/stride⌉` |
//! | [`Valid`] | `valid`, PyTorch's `padding = 0` | `⌊(size - k)/stride⌋ + 1` |
//!
//! [`Strided`] and [`Centered`] have equally many places, at different positions: of 96 positions and a kernel of 3, stride 2 begins at 0 in
//! Keras, and at -1 in PyTorch. Weights that were trained with the one do not fit the other.

pub(crate) mod axis;
#[cfg(test)]
mod tests;

use core::marker::PhantomData;

use crate::fingerprint::Fingerprint;
use crate::shape::{Every, Inside, Positions};

/// How far windows reach over the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Padding {
    /// The kernel stays inside.
    None,
    /// As much as `⌈size/stride⌉` places need, in all `max((⌈size/stride⌉ - 1)·stride + k - size, 0)` positions; half of them, rounded down, in front.
    AsNeeded,
    /// `k/2` positions on either side, of a kernel of odd size.
    Half,
}

/// Where the kernel of a convolution or of a pool is put.
///
/// A type of the user's can be one. That [`Out`](Self::Out) has as many places as the padding and the stride give is checked when a layer of it compiles.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a window",
    note = "windows are `Same`, `Strided<2>`, `Centered<2>`, `Valid` and `Valid<2>`"
)]
pub trait Window: 'static {
    /// The places of a kernel of `KH × KW` on positions `P`.
    type Out<P: Positions, const KH: usize, const KW: usize>: Positions;
    /// How far they reach over the edge.
    const PADDING: Padding;
    /// Rows from a place to the next one below.
    const STRIDE_HEIGHT: usize;
    /// Columns from a place to the next one in the row.
    const STRIDE_WIDTH: usize;
    /// Whether they are for sequences alone.
    const IS_ALONG: bool = false;
    /// Tells windows apart in a checkpoint.
    const FINGERPRINT: u32 = fingerprint(Self::PADDING, Self::STRIDE_HEIGHT, Self::STRIDE_WIDTH);
}

const fn fingerprint(padding: Padding, height: usize, width: usize) -> u32 {
    let kind = match padding {
        Padding::None => "Valid",
        Padding::AsNeeded => "Strided",
        Padding::Half => "Centered",
    };
    Fingerprint::of(kind).number(height).number(width).value()
}

/// A place at each position: as many places as positions, `(k - 1)/2` positions over the edge in front, rounded down, and the rest behind.
///
/// What it gives out has the type of what it takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Same;

impl Window for Same {
    type Out<P: Positions, const KH: usize, const KW: usize> = P;
    const PADDING: Padding = Padding::AsNeeded;
    const STRIDE_HEIGHT: usize = 1;
    const STRIDE_WIDTH: usize = 1;
}

/// Keras's and TensorFlow's `same` with strides: `⌈size/stride⌉` places, and what they reach over the edge shared out, an odd one behind.
///
/// `Strided<2>` has a stride of 2 in both directions; `Strided<2, 1>` goes down by 2 rows and across by 1 column. For a stride of 1
/// take [`Same`], which has the same places and gives out the type of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Strided<const DOWN: usize, const ACROSS: usize = DOWN>;

impl<const DOWN: usize, const ACROSS: usize> Window for Strided<DOWN, ACROSS> {
    type Out<P: Positions, const KH: usize, const KW: usize> = Every<P, DOWN, ACROSS>;
    const PADDING: Padding = Padding::AsNeeded;
    const STRIDE_HEIGHT: usize = DOWN;
    const STRIDE_WIDTH: usize = ACROSS;
}

/// PyTorch's `padding = k // 2` with strides: `k/2` positions over the edge on either side.
///
/// The kernel has an odd size: `(size + 2·(k/2) - k)/stride + 1` is `⌈size/stride⌉` then, so that kernels of 3 × 3 and of 1 × 1 give out one type.
/// (Of an even size PyTorch has another number of places, `size/stride + 1`; such a layer does not compile.) For a stride of 1 take [`Same`], which
/// has the same places then and gives out the type of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Centered<const DOWN: usize, const ACROSS: usize = DOWN>;

impl<const DOWN: usize, const ACROSS: usize> Window for Centered<DOWN, ACROSS> {
    type Out<P: Positions, const KH: usize, const KW: usize> = Every<P, DOWN, ACROSS>;
    const PADDING: Padding = Padding::Half;
    const STRIDE_HEIGHT: usize = DOWN;
    const STRIDE_WIDTH: usize = ACROSS;
}

/// Places that lie whole inside: `⌊(size - k)/stride⌋ + 1` of them. What is left over at the end, less than a stride, is in no window.
///
/// `Valid` has a stride of 1, `Valid<2>` of 2 in both directions. A kernel that is larger than the image does not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Valid<const DOWN: usize = 1, const ACROSS: usize = DOWN>;

impl<const DOWN: usize, const ACROSS: usize> Window for Valid<DOWN, ACROSS> {
    type Out<P: Positions, const KH: usize, const KW: usize> = Inside<P, KH, KW, DOWN, ACROSS>;
    const PADDING: Padding = Padding::None;
    const STRIDE_HEIGHT: usize = DOWN;
    const STRIDE_WIDTH: usize = ACROSS;
}

/// The windows `W` along a sequence, for kernels of `K × 1`. A layer with them does not compile on an image of several columns.
///
/// It is part of the 1-d layers, such as [`MaxPool1d`](crate::MaxPool1d), which are 2-d layers of one column; a user does not write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Along<W>(PhantomData<W>);

impl<W: Window> Window for Along<W> {
    type Out<P: Positions, const KH: usize, const KW: usize> = W::Out<P, KH, KW>;
    const PADDING: Padding = W::PADDING;
    const STRIDE_HEIGHT: usize = W::STRIDE_HEIGHT;
    const STRIDE_WIDTH: usize = 1;
    const IS_ALONG: bool = true;
}

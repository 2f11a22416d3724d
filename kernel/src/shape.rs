//! Shapes: what flows between layers, as zero-size types.
//!
//! A sample is a matrix: a row for each position, a column for each channel, channels last. [`Features`] has one position,
//! [`Sequence`] one for each moment, [`Image`] one for each pixel; all three are [`Grid`]s. Two layers fit when the shape that one
//! gives out is the shape that the next takes in; the compiler checks it.
//!
//! Sizes are constants of types, so a layer can compute the shape that it gives out from the one that it takes in.

mod computed;

pub use computed::{Every, Inside};

use core::marker::PhantomData;

use crate::matrix::Matrix;
use crate::zero::Zero;

/// The positions of a shape: rows and columns of an image, moments of a sequence.
pub trait Positions {
    /// Rows.
    const HEIGHT: usize;
    /// Positions in a row.
    const WIDTH: usize;
    /// All positions.
    const COUNT: usize = Self::HEIGHT * Self::WIDTH;
}

/// A single position: what [`Features`] have.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct One;

/// `LENGTH` positions one after the other: the moments of a [`Sequence`].
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Line<const LENGTH: usize>;

/// `HEIGHT` rows of `WIDTH` positions: the pixels of an [`Image`].
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Plane<const HEIGHT: usize, const WIDTH: usize>;

impl Positions for One {
    const HEIGHT: usize = 1;
    const WIDTH: usize = 1;
}

impl<const LENGTH: usize> Positions for Line<LENGTH> {
    const HEIGHT: usize = LENGTH;
    const WIDTH: usize = 1;
}

impl<const HEIGHT: usize, const WIDTH: usize> Positions for Plane<HEIGHT, WIDTH> {
    const HEIGHT: usize = HEIGHT;
    const WIDTH: usize = WIDTH;
}

/// What one sample looks like between two layers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a shape",
    note = "shapes are `Features<N>`, `Sequence<LENGTH, CHANNELS>` and `Image<HEIGHT, WIDTH, CHANNELS>`"
)]
pub trait Shape {
    /// The positions.
    type Positions: Positions;
    /// Values of each position.
    const CHANNELS: usize;
    /// Values of a sample.
    const SIZE: usize = Self::Positions::COUNT * Self::CHANNELS;
}

/// `CHANNELS` values for each of the positions `P`, position after position.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Grid<P, const CHANNELS: usize>(PhantomData<P>);

impl<P: Positions, const CHANNELS: usize> Shape for Grid<P, CHANNELS> {
    type Positions = P;
    const CHANNELS: usize = CHANNELS;
}

/// A flat vector of `N` features.
pub type Features<const N: usize> = Grid<One, N>;
/// `CHANNELS` values at each of `LENGTH` moments.
pub type Sequence<const LENGTH: usize, const CHANNELS: usize> = Grid<Line<LENGTH>, CHANNELS>;
/// `CHANNELS` values for each of `HEIGHT × WIDTH` pixels, row by row, channels last.
pub type Image<const HEIGHT: usize, const WIDTH: usize, const CHANNELS: usize> = Grid<Plane<HEIGHT, WIDTH>, CHANNELS>;

/// Values that lie one after the other.
pub trait Values: Copy + Zero + 'static {
    /// All zero.
    const ZEROS: &'static Self;

    /// All values, in storage order.
    fn values(&self) -> &[f32];
    /// All values, to write.
    fn values_mut(&mut self) -> &mut [f32];
    /// The first values of a slice; `None` where it has too few.
    fn first_of(values: &[f32]) -> Option<&Self>;
    /// The first values of a slice, to write.
    fn first_of_mut(values: &mut [f32]) -> Option<&mut Self>;
}

impl<const N: usize> Values for [f32; N] {
    const ZEROS: &'static Self = &[0.0; N];

    #[inline(always)]
    fn values(&self) -> &[f32] {
        self
    }

    #[inline(always)]
    fn values_mut(&mut self) -> &mut [f32] {
        self
    }

    #[inline(always)]
    fn first_of(values: &[f32]) -> Option<&Self> {
        values.first_chunk()
    }

    #[inline(always)]
    fn first_of_mut(values: &mut [f32]) -> Option<&mut Self> {
        values.first_chunk_mut()
    }
}

impl<const N: usize, const ROWS: usize> Values for [[f32; N]; ROWS] {
    const ZEROS: &'static Self = &[[0.0; N]; ROWS];

    #[inline(always)]
    fn values(&self) -> &[f32] {
        self.as_flattened()
    }

    #[inline(always)]
    fn values_mut(&mut self) -> &mut [f32] {
        self.as_flattened_mut()
    }

    #[inline(always)]
    fn first_of(values: &[f32]) -> Option<&Self> {
        values.as_chunks().0.first_chunk()
    }

    #[inline(always)]
    fn first_of_mut(values: &mut [f32]) -> Option<&mut Self> {
        values.as_chunks_mut().0.first_chunk_mut()
    }
}

impl<const N: usize, const COLUMNS: usize, const ROWS: usize> Values for [[[f32; N]; COLUMNS]; ROWS] {
    const ZEROS: &'static Self = &[[[0.0; N]; COLUMNS]; ROWS];

    #[inline(always)]
    fn values(&self) -> &[f32] {
        self.as_flattened().as_flattened()
    }

    #[inline(always)]
    fn values_mut(&mut self) -> &mut [f32] {
        self.as_flattened_mut().as_flattened_mut()
    }

    #[inline(always)]
    fn first_of(values: &[f32]) -> Option<&Self> {
        values.as_chunks().0.as_chunks().0.first_chunk()
    }

    #[inline(always)]
    fn first_of_mut(values: &mut [f32]) -> Option<&mut Self> {
        values.as_chunks_mut().0.as_chunks_mut().0.first_chunk_mut()
    }
}

/// Positions whose number is written out, so that a sample of them is an array.
pub trait Written: Positions {
    /// One sample.
    type Sample<const CHANNELS: usize>: Values;
    /// The output of a network for one sample.
    type Output<const CHANNELS: usize>: From<Self::Sample<CHANNELS>>;
}

impl Written for One {
    type Sample<const CHANNELS: usize> = [f32; CHANNELS];
    type Output<const CHANNELS: usize> = Matrix<1, CHANNELS>;
}

impl<const LENGTH: usize> Written for Line<LENGTH> {
    type Sample<const CHANNELS: usize> = [[f32; CHANNELS]; LENGTH];
    type Output<const CHANNELS: usize> = Matrix<LENGTH, CHANNELS>;
}

impl<const HEIGHT: usize, const WIDTH: usize> Written for Plane<HEIGHT, WIDTH> {
    type Sample<const CHANNELS: usize> = [[[f32; CHANNELS]; WIDTH]; HEIGHT];
    type Output<const CHANNELS: usize> = [[[f32; CHANNELS]; WIDTH]; HEIGHT];
}

/// A shape whose samples are arrays: what a network takes in, and what it gives out.
///
/// Between layers a shape may also be an expression of others.
#[diagnostic::on_unimplemented(
    message = "a sample of `{Self}` is not an array whose size is written out",
    note = "a network takes in and gives out `Features<N>`, `Sequence<LENGTH, CHANNELS>` or `Image<HEIGHT, WIDTH, CHANNELS>`",
    note = "a global pool or `Flatten<N>` makes features of the output of windows"
)]
pub trait ArrayShape: Shape {
    /// One sample: `[f32; N]` of `Features<N>`.
    type Sample: Values;
    /// The output of a network for one sample: a [`Vector`](crate::Vector) of `Features`, a [`Matrix`] of a `Sequence`.
    type Output: From<Self::Sample>;
}

// So that a message speaks of the shape, and not of its positions.
#[diagnostic::do_not_recommend]
impl<P: Written, const CHANNELS: usize> ArrayShape for Grid<P, CHANNELS> {
    type Sample = P::Sample<CHANNELS>;
    type Output = P::Output<CHANNELS>;
}

/// One sample of a shape.
pub type SampleOf<S> = <S as ArrayShape>::Sample;
/// The output of a network that ends in this shape, for one sample.
pub type OutputOf<S> = <S as ArrayShape>::Output;

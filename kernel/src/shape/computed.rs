//! Positions that are an expression of others: what windows leave of an image or of a sequence.
//!
//! A sample of them is a slice, not an array. A network does not end in one: [`Flatten`](crate::Flatten) or a global pool stands behind.

use core::marker::PhantomData;

use super::Positions;

/// Every `DOWN`-th row and every `ACROSS`-th column of the positions `P`, the first included: `⌈HEIGHT/DOWN⌉` rows, `⌈WIDTH/ACROSS⌉` columns.
///
/// The size of the kernel is no part of it, so two branches of a network with different kernels give out one type.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Every<P, const DOWN: usize, const ACROSS: usize>(PhantomData<P>);

impl<P: Positions, const DOWN: usize, const ACROSS: usize> Positions for Every<P, DOWN, ACROSS> {
    const HEIGHT: usize = if DOWN == 0 { 0 } else { P::HEIGHT.div_ceil(DOWN) };
    const WIDTH: usize = if ACROSS == 0 { 0 } else { P::WIDTH.div_ceil(ACROSS) };
}

/// The places of a kernel of `KH × KW` that lie whole inside of the positions `P`, `DOWN` rows and `ACROSS` columns apart.
///
/// `⌊(HEIGHT - KH)/DOWN⌋ + 1` rows, `⌊(WIDTH - KW)/ACROSS⌋ + 1` columns. Of a kernel that is larger than the image, or a stride of 0,
/// there are none: a layer with such a window says so in its [`MISFIT`](crate::Layer::MISFIT).
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Inside<P, const KH: usize, const KW: usize, const DOWN: usize, const ACROSS: usize>(PhantomData<P>);

impl<P: Positions, const KH: usize, const KW: usize, const DOWN: usize, const ACROSS: usize> Positions
    for Inside<P, KH, KW, DOWN, ACROSS>
{
    const HEIGHT: usize = inside(P::HEIGHT, KH, DOWN);
    const WIDTH: usize = inside(P::WIDTH, KW, ACROSS);
}

/// Places along an axis; none of a window that does not fit, which the layer that has it refuses.
const fn inside(size: usize, kernel: usize, stride: usize) -> usize {
    if kernel > size || stride == 0 { 0 } else { (size - kernel) / stride + 1 }
}

#[cfg(test)]
mod tests {
    use super::{Every, Inside, Positions};
    use crate::shape::{Line, Plane};

    fn size<P: Positions>() -> (usize, usize, usize) {
        (P::HEIGHT, P::WIDTH, P::COUNT)
    }

    #[test]
    fn sizes_follow_those_that_they_are_made_of() {
        assert_eq!(size::<Every<Plane<49, 10>, 2, 2>>(), (25, 5, 125));
        assert_eq!(size::<Every<Every<Plane<7, 5>, 2, 1>, 2, 3>>(), (2, 2, 4));
        assert_eq!(size::<Inside<Plane<28, 28>, 3, 3, 1, 1>>(), (26, 26, 676));
        assert_eq!(size::<Inside<Inside<Plane<28, 28>, 3, 3, 1, 1>, 2, 2, 2, 2>>(), (13, 13, 169));
        assert_eq!(size::<Inside<Plane<5, 6>, 5, 2, 3, 4>>(), (1, 2, 2));
        // A sequence has one column, whatever the stride.
        assert_eq!(size::<Every<Line<9>, 4, 4>>(), (3, 1, 3));
        assert_eq!(size::<Inside<Line<9>, 3, 1, 2, 2>>(), (4, 1, 4));
    }
}

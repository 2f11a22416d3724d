//! Every window, with kernels and strides and on sizes around them, for whatever layer goes over windows.

use baregrad::layer::Window;
use baregrad::{Centered, Same, Strided, Valid};
use host_tests::windows::Window as Name;

/// A window of the library with its name in the oracle.
pub(crate) trait Known: Window {
    const NAME: Name;
}

impl Known for Same {
    const NAME: Name = Name::Same;
}

impl<const DOWN: usize, const ACROSS: usize> Known for Strided<DOWN, ACROSS> {
    const NAME: Name = Name::Strided;
}

impl<const DOWN: usize, const ACROSS: usize> Known for Centered<DOWN, ACROSS> {
    const NAME: Name = Name::Centered;
}

impl<const DOWN: usize, const ACROSS: usize> Known for Valid<DOWN, ACROSS> {
    const NAME: Name = Name::Valid;
}

/// What is done with each window, kernel and size.
pub(crate) trait LookAtWindow {
    /// Along a sequence of `SIZE` time steps by a kernel of `K`.
    fn along<W: Known, const SIZE: usize, const K: usize>();
    /// Across an image of three rows and `SIZE` columns by a kernel of 3 × `K`.
    fn across<W: Known, const SIZE: usize, const K: usize>();
}

/// All windows: kernels to 4, strides to 3, sizes to 7, and one that has eight places side by side.
pub(crate) fn each_window<L: LookAtWindow>() {
    kernels::<L, Same>();
    kernels::<L, Strided<1>>();
    kernels::<L, Strided<2>>();
    kernels::<L, Strided<3>>();
    odd_kernels::<L, Centered<1>>();
    odd_kernels::<L, Centered<2>>();
    odd_kernels::<L, Centered<3>>();
    kernels_inside::<L, Valid<1>>();
    kernels_inside::<L, Valid<2>>();
    kernels_inside::<L, Valid<3>>();
}

fn kernels<L: LookAtWindow, W: Known>() {
    odd_kernels::<L, W>();
    sizes::<L, W, 2>();
    sizes::<L, W, 4>();
}

fn odd_kernels<L: LookAtWindow, W: Known>() {
    sizes::<L, W, 1>();
    sizes::<L, W, 3>();
}

fn kernels_inside<L: LookAtWindow, W: Known>() {
    sizes::<L, W, 1>();
    L::along::<W, 2, 2>();
    L::across::<W, 3, 2>();
    sizes_from_4::<L, W, 2>();
    L::across::<W, 3, 3>();
    sizes_from_4::<L, W, 3>();
    sizes_from_4::<L, W, 4>();
}

fn sizes<L: LookAtWindow, W: Known, const K: usize>() {
    L::along::<W, 1, K>();
    L::along::<W, 2, K>();
    L::across::<W, 3, K>();
    sizes_from_4::<L, W, K>();
}

/// Rows and columns find their windows by one code, so a size is that of a sequence or that of an image. Both have sizes that a stride of 2 and of 3
/// divides and sizes that it doesn't.
fn sizes_from_4<L: LookAtWindow, W: Known, const K: usize>() {
    L::across::<W, 4, K>();
    L::across::<W, 5, K>();
    L::along::<W, 6, K>();
    L::along::<W, 7, K>();
    L::across::<W, 10, K>();
}

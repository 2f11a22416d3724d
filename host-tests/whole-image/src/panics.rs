//! Panics on purpose, so that `cargo xtask panic` can show that it finds one.

use core::hint::black_box;

/// An index out of range, as far as the compiler knows.
#[inline(never)]
pub fn panics() {
    let values = black_box([1_u32, 2, 3]);
    black_box(values[black_box(2)]);
}

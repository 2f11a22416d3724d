//! A vector register as a type, and a loop compiled for each processor that may run it.

/// A few `f32` side by side. Each operation does in every lane what the scalar one does, and rounds alike.
pub(crate) trait Vector: Copy {
    /// Number of values.
    const LANES: usize;

    /// `x` in every lane.
    fn splat(x: f32) -> Self;

    /// `row[at..]`, as much as has room; zeros in the lanes beyond the end of the row.
    fn load(row: &[f32], at: usize) -> Self;

    /// Writes `row[at..]`, as much as there is; the lanes beyond the end of the row go nowhere.
    fn store(self, row: &mut [f32], at: usize);

    /// `self + other`.
    fn add(self, other: Self) -> Self;

    /// `self - other`.
    fn subtract(self, other: Self) -> Self;

    /// `self · other`.
    fn multiply(self, other: Self) -> Self;
}

/// A loop, written once for vectors of any length.
pub(crate) trait WithSimd {
    /// What it gives.
    type Output;

    /// Does it. Inlined with all that it calls, so that it is compiled for the processor of the function around it.
    fn with_simd<V: Vector>(self) -> Self::Output;
}

/// Which vectors a processor has.
pub(crate) trait Dispatch {
    /// Does the work by the longest of them.
    fn dispatch<W: WithSimd>(work: W) -> W::Output;
}

/// Four values in an array: what the compiler makes vectors of, where the processor has any.
pub(crate) struct Arrays;

impl Dispatch for Arrays {
    #[inline(always)]
    fn dispatch<W: WithSimd>(work: W) -> W::Output {
        work.with_simd::<[f32; 4]>()
    }
}

impl Vector for [f32; 4] {
    const LANES: usize = 4;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        [x; 4]
    }

    #[inline(always)]
    fn load(row: &[f32], at: usize) -> Self {
        let values = row.get(at..).unwrap_or(&[]);
        if let Some(whole) = values.first_chunk() {
            return *whole;
        }
        let mut lanes = [0.0; 4];
        for (lane, value) in lanes.iter_mut().zip(values) {
            *lane = *value;
        }
        lanes
    }

    #[inline(always)]
    fn store(self, row: &mut [f32], at: usize) {
        for (value, lane) in row.get_mut(at..).unwrap_or(&mut []).iter_mut().zip(self) {
            *value = lane;
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        each(self, other, |a, b| a + b)
    }

    #[inline(always)]
    fn subtract(self, other: Self) -> Self {
        each(self, other, |a, b| a - b)
    }

    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        each(self, other, |a, b| a * b)
    }
}

#[inline(always)]
fn each(mut a: [f32; 4], b: [f32; 4], operation: impl Fn(f32, f32) -> f32) -> [f32; 4] {
    for (a, b) in a.iter_mut().zip(b) {
        *a = operation(*a, b);
    }
    a
}

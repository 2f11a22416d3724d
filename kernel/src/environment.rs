//! A self-test of the float environment: does this processor, as it is set and as this program was built, round as promised?
//!
//! The same bits everywhere need IEEE 754 single precision, round to nearest (ties to even), subnormals kept and nothing fused. A
//! start-up file, another library or an operating system can set a processor otherwise, some vector units know no other
//! way, and a build can be told to fuse. All of these change results quietly; [`float_environment`] makes it an error.

use core::fmt;
use core::hint::black_box;

/// What differs from the arithmetic that this library's results are promised for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FloatEnvironmentError {
    /// A subnormal result or operand was taken as zero, by single operations or by the vector code of a loop.
    ///
    /// The remedies: clear FPSCR.FZ (Arm), FPCR.FZ (AArch64), FTZ and DAZ in MXCSR (x86); where vectors always flush
    /// (Helium), build with `-C target-feature=-mve.fp`.
    FlushesSubnormals,
    /// A sum or product was not rounded to the nearest value, ties to even.
    ///
    /// The remedy: clear the rounding mode in FPSCR, FPCR, MXCSR or `fcsr`.
    RoundsOtherwise,
    /// A product was not rounded before it was added: fused, or kept with excess precision.
    ///
    /// The remedy: build without floating-point contraction, and for x86 with SSE2.
    Fuses,
}

impl fmt::Display for FloatEnvironmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FlushesSubnormals => "subnormal numbers are flushed to zero",
            Self::RoundsOtherwise => "sums or products are not rounded to nearest, ties to even",
            Self::Fuses => "a product is not rounded before it is added",
        })
    }
}

impl core::error::Error for FloatEnvironmentError {}

/// Checks that this processor, as it is set now, and this build compute as the library promises; for the start of a program.
///
/// The setting belongs to a processor core and, with an operating system, to a thread: call it where the training runs. It
/// changes no setting, takes about a thousand instructions and 1.5 KB of flash (Cortex-M4F), and never panics.
///
/// # What is checked
/// `b + x·w` for 16 triples of numbers that the compiler cannot see, each result compared with its only right bits:
///
/// | triples | error | what shows |
/// | --- | --- | --- |
/// | 5 | [`FlushesSubnormals`](FloatEnvironmentError::FlushesSubnormals) | a flushed result of `·` or of `+`; a flushed operand of `·`, of `+` |
/// | 8 | [`RoundsOtherwise`](FloatEnvironmentError::RoundsOtherwise) | any of up, down, towards zero, ties away: each changes a sum, of either sign, and a product |
/// | 3 | [`Fuses`](FloatEnvironmentError::Fuses) | a product that is added before it is rounded, in `b + x·w` and `b - x·w` |
///
/// They are computed three times: one after the other; in a loop over slices, as in the library's activations; and in eight
/// lanes side by side, all products first, then all sums, as in its dense layers. So a vector unit that flushes is found
/// out although single operations are right: with Rust 1.95 for Cortex-M55, at every `opt-level`, one of these loops became
/// vector code exactly where one of the library's did. Where several things differ, the first that a result shows is
/// returned, in the order of the table for each of the three.
///
/// # What can't be checked
/// - What happens later: an interrupt handler or another library that changes the setting and doesn't restore it, another
///   core or thread.
/// - Every loop of the library: a compiler may fuse or vectorise another one than these. That a whole image contains no
///   fused instruction is checked from outside, by `cargo xtask fused`.
/// - Division and square root, which have no setting of their own, and a broken processor.
///
/// # Errors
/// See [`FloatEnvironmentError`]. The results of training are then not those of other machines; nothing else is wrong.
#[inline(never)]
pub fn float_environment() -> Result<(), FloatEnvironmentError> {
    let table = black_box(&TABLE);
    let mut results = table.start;
    one_by_one(&mut results, table);
    check(&results, table)?;
    results = table.start;
    in_a_loop(&mut results, &table.factor, &table.weight);
    check(&results, table)?;
    results = table.start;
    side_by_side(&mut results, table);
    check(&results, table)
}

/// Triples; two rounds of eight lanes.
const TRIPLES: usize = 16;
/// As many lanes as the tiles of `loops` have.
const LANES: usize = 8;
/// Triples before this one show flushing, …
const ROUNDING: usize = 5;
/// … from there on rounding, and from here on fusing.
const FUSING: usize = 13;

/// What to compute, `start + factor·weight`, and the bits that must come out.
struct Table {
    start: [f32; TRIPLES],
    factor: [f32; TRIPLES],
    weight: [f32; TRIPLES],
    bits: [u32; TRIPLES],
}

#[allow(clippy::indexing_slicing)] // runs when it compiles
static TABLE: Table = {
    /// 2⁻¹²⁶, the smallest normal number.
    const MIN: f32 = f32::MIN_POSITIVE;
    /// Half of it, a subnormal number.
    const HALF_MIN: f32 = f32::from_bits(0x0040_0000);
    /// 2⁻¹⁴⁹, the smallest subnormal number.
    const TINY: f32 = f32::from_bits(1);
    /// 2⁻²⁴, half the spacing of the numbers from 1 to 2.
    const HALF: f32 = f32::EPSILON / 2.0;
    /// 1 + 2⁻¹³, and its square without the last term, 2⁻²⁶, which rounding takes away.
    const A: f32 = f32::from_bits(0x3f80_0400);
    const A_SQUARED: f32 = f32::from_bits(0x3f80_0800);
    /// 1 + 2⁻²³ and 1 + 2⁻²²: the neighbours of 1.
    const NEXT: f32 = f32::from_bits(0x3f80_0001);
    /// 1 + 2⁻¹²: its square is 1 + 2⁻¹¹ and half a spacing.
    const C: f32 = f32::from_bits(0x3f80_0800);

    let rows: [(f32, f32, f32, u32); TRIPLES] = [
        // Exact, so no rounding matters: a product that is subnormal, of either sign; a sum that is; a factor; a summand.
        (0.0, 0.5, MIN, 0x0040_0000),
        (0.0, 0.5, -MIN, 0x8040_0000),
        (1.5 * MIN, 1.0, -MIN, 0x0040_0000),
        (0.0, 16_777_216.0, TINY, 0x0100_0000),
        (HALF_MIN, 1.0, MIN, 0x00c0_0000),
        // Products exact: a quarter of the spacing, a half (to even: down, and up), and three quarters; of either sign.
        (1.0, 0.5, HALF, 0x3f80_0000),
        (1.0, 1.0, HALF, 0x3f80_0000),
        (NEXT, 1.0, HALF, 0x3f80_0002),
        (1.0, 1.5, HALF, 0x3f80_0001),
        (-1.0, 0.5, -HALF, 0xbf80_0000),
        (-1.0, 1.5, -HALF, 0xbf80_0001),
        // Sums exact: a product of half a spacing more (to even: down) and of 2⁻²³ spacings more.
        (0.0, C, C, 0x3f80_1000),
        (0.0, NEXT, NEXT, 0x3f80_0002),
        // The product rounds to `-start`, and the sum to +0; if fused, ±2⁻²⁶ is left.
        (-A_SQUARED, A, A, 0),
        (A_SQUARED, -A, A, 0),
        (A_SQUARED, A, -A, 0),
    ];
    let mut table = Table { start: [0.0; TRIPLES], factor: [0.0; TRIPLES], weight: [0.0; TRIPLES], bits: [0; TRIPLES] };
    let mut row = 0;
    while row < TRIPLES {
        (table.start[row], table.factor[row], table.weight[row], table.bits[row]) = rows[row];
        row += 1;
    }
    table
};

/// The error of the first result that has other bits than the table says.
///
/// Not inlined, and integers: that what computed the results is vectorised or not is not to depend on what looks at them.
#[inline(never)]
fn check(results: &[f32; TRIPLES], table: &Table) -> Result<(), FloatEnvironmentError> {
    for (row, (result, bits)) in (0..results.len()).zip(results.iter().zip(table.bits)) {
        if result.to_bits() != bits {
            return Err(match row {
                0..ROUNDING => FloatEnvironmentError::FlushesSubnormals,
                ROUNDING..FUSING => FloatEnvironmentError::RoundsOtherwise,
                _ => FloatEnvironmentError::Fuses,
            });
        }
    }
    Ok(())
}

/// `start + factor·weight`, each by single operations: every operand passes a wall that no vector code reaches over.
#[inline(never)]
fn one_by_one(start: &mut [f32; TRIPLES], table: &Table) {
    for ((sum, factor), weight) in start.iter_mut().zip(table.factor).zip(table.weight) {
        *sum = black_box(black_box(*sum) + black_box(factor) * black_box(weight));
    }
}

/// `sums[i] += factors[i]·weights[i]`, the length unknown, as in the loops over slices.
#[inline(never)]
fn in_a_loop(sums: &mut [f32], factors: &[f32], weights: &[f32]) {
    let (sums, factors, weights) = black_box((sums, factors, weights));
    for ((sum, factor), weight) in sums.iter_mut().zip(factors).zip(weights) {
        *sum += *factor * *weight;
    }
}

/// The same in fixed numbers of lanes, as in the tiles of `loops`.
#[inline(never)]
fn side_by_side(sums: &mut [f32; TRIPLES], table: &Table) {
    let (sums, _) = sums.as_chunks_mut::<LANES>();
    let (factors, _) = table.factor.as_chunks::<LANES>();
    let (weights, _) = table.weight.as_chunks::<LANES>();
    for ((sums, factors), weights) in sums.iter_mut().zip(factors).zip(weights) {
        let mut products = *weights;
        for (product, factor) in products.iter_mut().zip(factors) {
            *product *= *factor;
        }
        for (sum, product) in sums.iter_mut().zip(products) {
            *sum += product;
        }
    }
}

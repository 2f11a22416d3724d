//! Windows side by side, and which of its places counts in each.

use core::hint::black_box;

use crate::kernels::Chosen;
use crate::shape::{Positions, Shape};

/// The most places that a window may have. A number below it in the highest byte of an `f32` makes no NaN, whose bits a processor might change.
pub(super) const MOST: usize = 127;

/// Windows of `PH × PW` places of a kernel, which moves by one position.
#[derive(Clone, Copy)]
pub(super) struct Windows<const PH: usize, const PW: usize> {
    /// Positions in a row of the image.
    pub(super) width: usize,
    /// Rows of windows.
    pub(super) down: usize,
    /// Windows in a row.
    pub(super) across: usize,
}

impl<const PH: usize, const PW: usize> Windows<PH, PW> {
    /// Those that give out `Out`, on positions `P`.
    pub(super) const fn of<P: Positions, Out: Shape>() -> Self {
        Self { width: P::WIDTH, down: Out::Positions::HEIGHT, across: Out::Positions::WIDTH }
    }

    /// All of them.
    pub(super) const fn count(self) -> usize {
        self.down.wrapping_mul(self.across)
    }

    /// Row by row: the first position under the first place of each.
    #[inline(always)]
    pub(super) fn for_each(self, mut each: impl FnMut(usize)) {
        for row in 0..self.down {
            let first = row.wrapping_mul(self.width).wrapping_mul(PH);
            for column in 0..self.across {
                each(first.wrapping_add(column.wrapping_mul(PW)));
            }
        }
    }

    /// Positions from the first place of a window to number `place`.
    #[inline(always)]
    pub(super) fn offset(self, place: usize) -> usize {
        let row = place.checked_div(PW).unwrap_or(0);
        row.wrapping_mul(self.width).wrapping_add(place.wrapping_sub(row.wrapping_mul(PW)))
    }

    /// Values from the first place of a window to each of its places, in positions of `channels`.
    #[inline(always)]
    pub(super) fn offsets(self, channels: usize) -> [[usize; PW]; PH] {
        let (mut offsets, mut place) = ([[0; PW]; PH], 0_usize);
        for offset in offsets.as_flattened_mut() {
            *offset = self.offset(place).wrapping_mul(channels);
            place = place.wrapping_add(1);
        }
        offsets
    }

    /// The windows with what was kept of them, in positions of `channels`.
    #[inline(always)]
    pub(super) fn chosen<'a>(self, channels: usize, offsets: &'a [usize], kept: &'a [f32]) -> Chosen<'a> {
        Chosen {
            down: self.down,
            across: self.across,
            step: channels.wrapping_mul(PW),
            line: channels.wrapping_mul(PH).wrapping_mul(self.width),
            offsets,
            places: kept,
        }
    }

    /// Row by row: the first position under the place that counts in each window for an output channel, and its `delta`.
    #[inline(always)]
    pub(super) fn for_each_that_counts<const OUT: usize>(
        self,
        output: usize,
        kept: &[f32],
        delta: &[[f32; OUT]],
        mut each: impl FnMut(usize, f32),
    ) {
        let (mut index, mut deltas) = (output, delta.iter());
        self.for_each(|first| {
            let delta = deltas.next().and_then(|delta| delta.get(output)).copied().unwrap_or(0.0);
            each(first.wrapping_add(self.offset(read(kept, index))), delta);
            index = index.wrapping_add(OUT);
        });
    }

    /// Under which tap of a kernel of `KH × KW` at the place that counts a position lies, with all bits of a mask set; 0 and no bit where it does not lie
    /// under it. `[row, column]` of window and of position. The compiler would make a
    /// branch of a mask that it sees through.
    #[inline(always)]
    pub(super) fn tap<const KH: usize, const KW: usize>(
        place: usize,
        window: [usize; 2],
        at: [usize; 2],
    ) -> (u32, usize) {
        let down = place.checked_div(PW).unwrap_or(0);
        let across = place.wrapping_sub(down.wrapping_mul(PW));
        // One in front of the kernel is a very large one.
        let row = at[0].wrapping_sub(window[0].wrapping_mul(PH)).wrapping_sub(down);
        let column = at[1].wrapping_sub(window[1].wrapping_mul(PW)).wrapping_sub(across);
        let mask = black_box(u32::from((row < KH) & (column < KW)).wrapping_neg());
        (mask, row.wrapping_mul(KW).wrapping_add(column) & mask as usize)
    }
}

/// Writes bytes one after the other, four to an `f32`, the first in the lowest bits.
pub(super) struct Writer<'a> {
    words: core::slice::IterMut<'a, f32>,
    word: u32,
    /// Bits that are there.
    bits: u32,
}

impl<'a> Writer<'a> {
    pub(super) fn new(words: &'a mut [f32]) -> Self {
        Self { words: words.iter_mut(), word: 0, bits: 0 }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, byte: u8) {
        self.word |= u32::from(byte).wrapping_shl(self.bits);
        self.bits = self.bits.wrapping_add(8);
        if self.bits == 32 {
            self.write();
        }
    }

    /// Four bytes at once.
    #[inline(always)]
    pub(super) fn push_four(&mut self, bytes: u32) {
        let bits = self.bits;
        self.word |= bytes.wrapping_shl(bits);
        self.write();
        if bits > 0 {
            (self.word, self.bits) = (bytes.wrapping_shr(32_u32.wrapping_sub(bits)), bits);
        }
    }

    /// Writes the last word, if it is not full.
    pub(super) fn finish(mut self) {
        if self.bits > 0 {
            self.write();
        }
    }

    fn write(&mut self) {
        if let Some(word) = self.words.next() {
            *word = f32::from_bits(self.word);
        }
        (self.word, self.bits) = (0, 0);
    }
}

/// Byte number `index`.
#[inline(always)]
pub(super) fn read(words: &[f32], index: usize) -> usize {
    let word = words.get(index / 4).map_or(0, |word| word.to_bits());
    (word.wrapping_shr((index % 4 * 8) as u32) & 0xFF) as usize
}

#[cfg(test)]
mod tests {
    use super::{MOST, Windows, Writer, read};

    #[test]
    fn bytes_come_back() {
        let bytes: [u8; 10] = [0, 126, 3, 126, 126, 126, 126, 126, 9, 8];
        let mut words = [f32::NAN; 3];
        let mut writer = Writer::new(&mut words);
        for byte in bytes {
            assert!(usize::from(byte) < MOST);
            writer.push(byte);
        }
        writer.finish();
        assert!(words.iter().all(|word| !word.is_nan()));
        for (index, byte) in bytes.iter().enumerate() {
            assert_eq!(read(&words, index), usize::from(*byte), "{index}");
        }
    }

    #[test]
    fn four_bytes_at_once_are_four_bytes() {
        for before in 0..5 {
            let bytes: [u8; 15] = [7, 126, 3, 0, 126, 5, 126, 9, 8, 1, 2, 6, 4, 125, 10];
            let (single, rest) = bytes.split_at(before);
            let mut words = [f32::NAN; 4];
            let mut writer = Writer::new(&mut words);
            single.iter().for_each(|byte| writer.push(*byte));
            rest.as_chunks().0.iter().for_each(|four| writer.push_four(u32::from_le_bytes(*four)));
            rest.as_chunks::<4>().1.iter().for_each(|byte| writer.push(*byte));
            writer.finish();
            for (index, byte) in bytes.iter().enumerate() {
                assert_eq!(read(&words, index), usize::from(*byte), "{index}, {before} in front");
            }
        }
    }

    #[test]
    fn a_tap_is_where_the_position_lies_under_the_kernel() {
        // Window (1, 2) of 2 × 3 places begins at (2, 6); its place 4 is (3, 7).
        type Two = Windows<2, 3>;
        assert_eq!(Two::tap::<3, 3>(4, [1, 2], [3, 7]), (u32::MAX, 0));
        assert_eq!(Two::tap::<3, 3>(4, [1, 2], [5, 9]), (u32::MAX, 8));
        assert_eq!(Two::tap::<3, 3>(4, [1, 2], [6, 7]), (0, 0));
        assert_eq!(Two::tap::<3, 3>(4, [1, 2], [2, 7]), (0, 0));
        assert_eq!(Two::tap::<3, 3>(4, [1, 2], [3, 6]), (0, 0));
    }
}

//! The shape of a tensor in a file.

use core::fmt;

/// Most dimensions that a tensor of a network has: those of a kernel on an image.
const MOST: usize = 4;

/// The shape of a tensor in a file: the sizes of its dimensions, `[8, 3, 5, 5]`.
///
/// Of more than four dimensions the first four are kept. A size that 32 bits can't hold counts as `u32::MAX`, and fits no tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Dimensions {
    count: u8,
    /// 0 where there is no dimension.
    sizes: [u32; MOST],
}

impl Dimensions {
    /// No dimension, as a scalar has.
    pub(super) const NONE: Self = Self { count: 0, sizes: [0; MOST] };

    /// These sizes.
    pub fn of(sizes: &[usize]) -> Self {
        let mut dimensions = Self::NONE;
        sizes.iter().for_each(|size| dimensions.push(*size as u64));
        dimensions
    }

    /// A dimension behind the others.
    pub(super) fn push(&mut self, size: u64) {
        if let Some(place) = self.sizes.get_mut(usize::from(self.count)) {
            *place = u32::try_from(size).unwrap_or(u32::MAX);
        }
        self.count = self.count.saturating_add(1);
    }

    /// The sizes; the first four of them if there are more.
    pub fn sizes(&self) -> &[u32] {
        self.sizes.get(..usize::from(self.count)).unwrap_or(&self.sizes)
    }

    /// Whether a tensor of these dimensions has exactly those that a file states.
    pub(super) fn are(&self, found: &Self) -> bool {
        self == found && !self.sizes.contains(&u32::MAX)
    }
}

impl fmt::Display for Dimensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "[";
        for size in self.sizes() {
            write!(f, "{separator}{size}")?;
            separator = ", ";
        }
        match usize::from(self.count) {
            0 => f.write_str("[]"),
            1..=MOST => f.write_str("]"),
            _ => f.write_str(", …]"),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn they_print_as_a_list() {
        let text = |sizes: &[usize]| Dimensions::of(sizes).to_string();
        assert_eq!([text(&[]), text(&[7]), text(&[8, 3, 5, 1])], ["[]", "[7]", "[8, 3, 5, 1]"]);
        assert_eq!(text(&[1, 2, 3, 4, 5]), "[1, 2, 3, 4, …]");
    }

    #[test]
    fn what_cannot_be_counted_fits_nothing() {
        let largest = Dimensions::of(&[u32::MAX as usize]);
        let mut larger = Dimensions::NONE;
        larger.push(u64::MAX);
        assert!(larger == largest && !largest.are(&larger) && !largest.are(&largest));
        // A fifth dimension is not forgotten, nor a dimension of size 0.
        assert!(!Dimensions::of(&[1, 2, 3, 4]).are(&Dimensions::of(&[1, 2, 3, 4, 1])));
        assert!(!Dimensions::of(&[1]).are(&Dimensions::of(&[1, 0])));
        assert!(Dimensions::of(&[1, 2]).are(&Dimensions::of(&[1, 2])));
        // As many as overflow the counter.
        let mut many = Dimensions::NONE;
        (0..260).for_each(|_| many.push(1));
        assert!(!Dimensions::of(&[1; 4]).are(&many));
    }
}

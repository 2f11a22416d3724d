//! The places of a kernel, and which of its taps lie inside, in constants: what convolutions and pools go through.

use core::marker::PhantomData;
use core::num::NonZeroUsize;
use core::ops::Range;

use super::{Padding, Window};
use crate::layer::misfit::{Sentence, first_of, refuse};
use crate::shape::Positions;

/// The places of windows along one axis: the rows of an image, or its columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    /// Positions.
    pub(crate) size: usize,
    /// Taps of the kernel.
    pub(crate) kernel: usize,
    /// Positions from a place to the next.
    pub(crate) stride: NonZeroUsize,
    /// Positions that the first place lies in front of the first position.
    pub(crate) before: usize,
    /// Places.
    pub(crate) places: usize,
}

/// The taps of a kernel that lie inside, at one place along an axis. There is one at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taps {
    /// The first tap that lies inside.
    pub(crate) first: usize,
    /// How many do.
    pub(crate) count: usize,
    /// The position of the first.
    pub(crate) position: usize,
}

impl Axis {
    /// Why a window does not fit, if so.
    const fn misfit(
        padding: Padding,
        size: usize,
        kernel: usize,
        stride: usize,
        places: usize,
    ) -> Option<&'static str> {
        if size == 0 {
            return Some("there are no positions");
        }
        if kernel == 0 {
            return Some("a kernel has at least one row and one column");
        }
        if stride == 0 {
            return Some("the stride is 0");
        }
        let expected = match padding {
            Padding::None if kernel > size => {
                return Some("the window is too large"); // `Places` says how large
            }
            Padding::None => (size - kernel) / stride + 1,
            Padding::AsNeeded | Padding::Half => size.div_ceil(stride),
        };
        if places == expected { None } else { Some("`Window::Out` has not as many places as padding and stride give") }
    }

    const fn of(padding: Padding, size: usize, kernel: usize, stride: usize, places: usize) -> Self {
        refuse(Self::misfit(padding, size, kernel, stride, places));
        let before = match padding {
            Padding::None => 0,
            Padding::AsNeeded => ((places - 1) * stride + kernel).saturating_sub(size) / 2,
            Padding::Half => kernel / 2,
        };
        Self { size, kernel, stride: NonZeroUsize::MIN.saturating_add(stride - 1), before, places }
    }

    /// A single place that has all positions.
    pub(crate) const fn whole(size: usize) -> Self {
        Self::of(Padding::None, size, size, size, 1)
    }

    /// The taps inside at place number `place`.
    #[inline(always)]
    pub(crate) fn taps(self, place: usize) -> Taps {
        // Both counted from the first place on.
        let start = place.wrapping_mul(self.stride.get());
        let end = start.wrapping_add(self.kernel).min(self.size.wrapping_add(self.before));
        let first = self.before.saturating_sub(start);
        let inside = start.wrapping_add(first);
        Taps { first, count: end.saturating_sub(inside), position: inside.wrapping_sub(self.before) }
    }

    /// The places at which a position is inside of the kernel, ascending. Its tap is [`tap`](Self::tap), so taps ascend the other way round.
    #[inline(always)]
    pub(crate) fn places_of(self, position: usize) -> Range<usize> {
        // All that begin in front of `end`, but for those whose kernel ends there already.
        let end = position.wrapping_add(self.before).wrapping_add(1);
        self.places_to(end.saturating_sub(self.kernel))..self.places_to(end).min(self.places)
    }

    /// The tap of the kernel that a position is, at a place of [`places_of`](Self::places_of).
    #[inline(always)]
    pub(crate) fn tap(self, position: usize, place: usize) -> usize {
        position.wrapping_add(self.before).wrapping_sub(place.wrapping_mul(self.stride.get()))
    }

    /// The places at which a tap lies inside, ascending: at [`position`](Self::position).
    #[inline(always)]
    pub(crate) fn places_with(self, tap: usize) -> Range<usize> {
        let end = self.size.wrapping_add(self.before).saturating_sub(tap);
        self.places_to(self.before.saturating_sub(tap))..self.places_to(end).min(self.places)
    }

    /// The position of a tap, at a place of [`places_with`](Self::places_with).
    #[inline(always)]
    pub(crate) fn position(self, place: usize, tap: usize) -> usize {
        place.wrapping_mul(self.stride.get()).wrapping_add(tap).wrapping_sub(self.before)
    }

    /// Whether `count` places from `place` on have the same taps inside.
    #[inline(always)]
    pub(crate) fn are_alike(self, place: usize, count: usize) -> bool {
        let end = place.wrapping_add(count);
        // Taps in front fall away from place to place, then there are all of them, then those behind fall away.
        let (first, last) = (self.taps(place), self.taps(end.wrapping_sub(1)));
        end <= self.places && first.first == last.first && first.count == last.count
    }

    /// Whether `count` positions, each a stride behind the one before, are seen by the same taps: from `position` on.
    #[inline(always)]
    pub(crate) fn are_seen_alike(self, position: usize, count: usize) -> bool {
        let end = position.wrapping_add(self.stride.get().wrapping_mul(count.wrapping_sub(1)));
        let (first, last) = (self.places_of(position), self.places_of(end));
        // As above: taps come in at one end and fall away at the other.
        end < self.size
            && first.len() == last.len()
            && self.tap(position, first.end.wrapping_sub(1)) == self.tap(end, last.end.wrapping_sub(1))
    }

    /// How many places begin within the first so many positions, counted from the first place on.
    #[inline(always)]
    fn places_to(self, positions: usize) -> usize {
        positions.wrapping_add(self.stride.get().wrapping_sub(1)) / self.stride
    }

    /// Whether a position is in no window.
    pub(crate) const fn has_gaps(self) -> bool {
        let end = self.places.wrapping_sub(1).wrapping_mul(self.stride.get()).wrapping_add(self.kernel);
        self.stride.get() > self.kernel || end < self.size.wrapping_add(self.before)
    }

    /// Whether no position is in two windows.
    pub(crate) const fn is_disjoint(self) -> bool {
        self.stride.get() >= self.kernel || self.places == 1
    }
}

/// The places of a window on positions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axes {
    /// Down.
    pub(crate) rows: Axis,
    /// Across.
    pub(crate) columns: Axis,
}

/// What a kernel has at one place: `rows.count × columns.count` taps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Covered {
    /// The kernel's rows inside, and the first row of the image that is under them.
    pub(crate) rows: Taps,
    /// Likewise the columns.
    pub(crate) columns: Taps,
}

impl Covered {
    /// Number of taps inside.
    #[inline(always)]
    pub(crate) fn count(self) -> usize {
        self.rows.count.wrapping_mul(self.columns.count)
    }

    /// The first position under each row of taps, of an image of `width` columns. The others of a row lie behind it, `columns.count` in all.
    #[inline(always)]
    pub(crate) fn row_starts(self, width: usize) -> impl Iterator<Item = usize> + Clone {
        let first = self.rows.position.wrapping_mul(width).wrapping_add(self.columns.position);
        (0..self.rows.count).map(move |row| first.wrapping_add(row.wrapping_mul(width)))
    }
}

impl Axes {
    /// The only window of a global pool: all positions.
    pub(crate) const fn whole<P: Positions>() -> Self {
        Self { rows: Axis::whole(P::HEIGHT), columns: Axis::whole(P::WIDTH) }
    }

    /// Hands out what the kernel has at each place, row by row.
    #[inline(always)]
    pub(crate) fn for_each_place(self, mut each: impl FnMut(Covered)) {
        for row in 0..self.rows.places {
            let rows = self.rows.taps(row);
            for column in 0..self.columns.places {
                each(Covered { rows, columns: self.columns.taps(column) });
            }
        }
    }

    /// Whether no position is in two windows.
    pub(crate) const fn is_disjoint(self) -> bool {
        self.rows.is_disjoint() && self.columns.is_disjoint()
    }
}

/// The places of a kernel of `KH × KW` on positions `P`, by windows `W`, in constants.
///
/// A layer whose windows do not fit has to be refused wherever it is used, so its `KEPT` refuses: every plan of memory, of training and of prediction,
/// counts that in.
pub(crate) struct Places<P, W, const KH: usize, const KW: usize>(PhantomData<(P, W)>);

impl<P: Positions, W: Window, const KH: usize, const KW: usize> Places<P, W, KH, KW> {
    const TOO_LARGE: &'static Sentence = &Sentence::new("a window of ")
        .number(KH)
        .text(" * ")
        .number(KW)
        .text(" is larger than what comes in, which has ")
        .number(P::HEIGHT)
        .text(" * ")
        .number(P::WIDTH)
        .text(" positions");
    /// Why they do not fit, if so.
    pub(crate) const MISFIT: Option<&'static str> = {
        let is_odd = KH % 2 == 1 && KW % 2 == 1;
        if W::IS_ALONG && P::WIDTH != 1 {
            Some("a 1-d layer takes in a sequence, not an image")
        } else if !is_odd && matches!(W::PADDING, Padding::Half) {
            Some("`Centered` is for kernels of odd size")
        } else if matches!(W::PADDING, Padding::None) && (KH > P::HEIGHT || KW > P::WIDTH) {
            Some(Self::TOO_LARGE.as_str())
        } else {
            first_of([
                Axis::misfit(W::PADDING, P::HEIGHT, KH, W::STRIDE_HEIGHT, W::Out::<P, KH, KW>::HEIGHT),
                Axis::misfit(W::PADDING, P::WIDTH, KW, W::STRIDE_WIDTH, W::Out::<P, KH, KW>::WIDTH),
            ])
        }
    };
    /// Down and across.
    pub(crate) const AXES: Axes = {
        refuse(Self::MISFIT);
        Axes {
            rows: Axis::of(W::PADDING, P::HEIGHT, KH, W::STRIDE_HEIGHT, W::Out::<P, KH, KW>::HEIGHT),
            columns: Axis::of(W::PADDING, P::WIDTH, KW, W::STRIDE_WIDTH, W::Out::<P, KH, KW>::WIDTH),
        }
    };
}

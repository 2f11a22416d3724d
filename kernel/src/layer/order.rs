//! The order of channels, which libraries with channels first and with channels last do not share.

/// What a layer does to the order of channels, for the files of a library that has channels first, as PyTorch has.
///
/// The order shows behind a [`Flatten`](crate::Flatten). Here it puts the channels of a position side by side; in PyTorch it puts the positions of a
/// channel side by side. From there on the two orders differ, until a layer mixes all features. A file of PyTorch has the parameters of such
/// features in PyTorch's order. Module `safetensors` follows the layers of a network, and puts each value in its place.
///
/// A layer that adds its input to what it makes of it is [`Undeclared`](Self::Undeclared).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ChannelOrder {
    /// Output channel `c` comes from input channel `c` alone, as in a pool. So do the parameters in column `c`.
    Kept,
    /// Each output channel comes from all input channels, as in [`Dense`](crate::Dense), in an order of its own. The rows of a matrix, or those of each tap of a
    /// kernel, are the input channels.
    Mixed,
    /// Channels of several positions become features: `[position][channel]` here, `[channel][position]` where channels are first.
    Flattened {
        /// How many positions.
        positions: usize,
        /// How many channels.
        channels: usize,
    },
    /// The layer does not say. That does no harm in front of a [`Flatten`](crate::Flatten), or in a network without one. Behind a `Flatten` the order
    /// is then [`Unknown`](Self::Unknown).
    Undeclared,
    /// The output may have another order than that of a library with channels first.
    Unknown,
}

impl ChannelOrder {
    /// What a layer does, and the next one behind it: what the two do together.
    #[must_use]
    pub const fn then(self, next: Self) -> Self {
        match (self, next) {
            (before, Self::Kept) => before,
            (Self::Mixed, Self::Undeclared) => Self::Mixed,
            (Self::Kept | Self::Undeclared, Self::Undeclared) => Self::Undeclared,
            (Self::Flattened { .. } | Self::Unknown, Self::Undeclared) => Self::Unknown,
            (_, next) => next,
        }
    }

    /// What a layer does that says nothing: between features and positions it may have an order of its own.
    pub(super) const fn undeclared(positions_in: usize, positions_out: usize) -> Self {
        if (positions_in == 1) == (positions_out == 1) { Self::Undeclared } else { Self::Unknown }
    }

    /// What the sum of two branches does, of which each does one of these.
    pub(super) const fn of_sum(self, other: Self) -> Self {
        match (self, other) {
            (Self::Kept, Self::Kept) => Self::Kept,
            (Self::Mixed, Self::Mixed) => Self::Mixed,
            (Self::Flattened { positions: a, channels: c }, Self::Flattened { positions: b, channels: d })
                if a == b && c == d =>
            {
                self
            }
            (Self::Flattened { .. } | Self::Unknown, _) | (_, Self::Flattened { .. } | Self::Unknown) => Self::Unknown,
            _ => Self::Undeclared,
        }
    }

    /// What [`Flatten`](crate::Flatten) does. Where one of the numbers is 1, there is only one order.
    pub(super) const fn of_flatten(positions: usize, channels: usize) -> Self {
        match (positions, channels) {
            // These features may come from another `Flatten`.
            (1, _) => Self::Kept,
            (_, 1) => Self::Mixed,
            _ => Self::Flattened { positions, channels },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ChannelOrder::{self, Flattened, Kept, Mixed, Undeclared, Unknown};
    use crate::layer::Layer;
    use crate::shape::{Features, Image, Sequence};
    use crate::{
        Conv2d, Dense, DepthwiseConv1d, Flatten, Frozen, GlobalMaxPool, HardSwish, LayerNorm, MaxPool2d, Model,
        Residual, Same,
    };

    const FLAT: ChannelOrder = Flattened { positions: 6, channels: 4 };

    #[test]
    fn two_layers_do_together_what_they_do_one_after_the_other() {
        let all = [Kept, Mixed, FLAT, Undeclared, Unknown];
        let behind = |next: ChannelOrder| all.map(|before| before.then(next));
        assert_eq!(behind(Kept), all);
        assert_eq!(behind(Mixed), [Mixed; 5]);
        assert_eq!(behind(FLAT), [FLAT; 5]);
        assert_eq!(behind(Undeclared), [Undeclared, Mixed, Unknown, Undeclared, Unknown]);
        assert_eq!(behind(Unknown), [Unknown; 5]);
        for a in all {
            for b in all {
                for c in all {
                    assert_eq!(a.then(b).then(c), a.then(b.then(c)), "{a:?} {b:?} {c:?}");
                }
            }
        }
    }

    #[test]
    fn each_layer_of_the_library_says_what_it_does() {
        type On = Image<3, 2, 4>;
        assert_eq!(<Dense<4, 5> as Layer<On>>::ORDER, Mixed);
        assert_eq!(<Conv2d<4, 5, 3, 3> as Layer<On>>::ORDER, Mixed);
        assert_eq!(<DepthwiseConv1d<4, 3, Same> as Layer<Sequence<6, 4>>>::ORDER, Kept);
        assert_eq!([<HardSwish as Layer<On>>::ORDER, <GlobalMaxPool as Layer<On>>::ORDER], [Kept; 2]);
        assert_eq!(<Flatten<24> as Layer<On>>::ORDER, FLAT);
        assert_eq!(<Flatten<24> as Layer<Features<24>>>::ORDER, Kept);
        assert_eq!(<Flatten<24> as Layer<Sequence<24, 1>>>::ORDER, Mixed);

        assert_eq!(<(MaxPool2d<1>, HardSwish) as Layer<On>>::ORDER, Kept);
        assert_eq!(<(Conv2d<4, 4, 3, 3>, (HardSwish, Flatten<24>)) as Layer<On>>::ORDER, FLAT);
        assert_eq!(<(Flatten<24>, Dense<24, 3>) as Layer<On>>::ORDER, Mixed);
        assert_eq!(<LayerNorm<4> as Layer<On>>::ORDER, Kept);
        assert_eq!(<Residual<HardSwish> as Layer<On>>::ORDER, Kept);
        assert_eq!(<Residual<Conv2d<4, 4, 3, 3>> as Layer<On>>::ORDER, Undeclared);
        assert_eq!(<Residual<Conv2d<4, 5, 3, 3>, Dense<4, 5>> as Layer<On>>::ORDER, Mixed);
        assert_eq!(<Residual<(HardSwish, Flatten<24>), Flatten<24>> as Layer<On>>::ORDER, FLAT);
        assert_eq!(<Residual<(Flatten<24>, Dense<24, 24>), Flatten<24>> as Layer<On>>::ORDER, Unknown);
        assert_eq!(<Model<On, (Flatten<24>, HardSwish)> as Layer<On>>::ORDER, FLAT);
        assert_eq!(<Frozen<(Flatten<24>, HardSwish)> as Layer<On>>::ORDER, FLAT);
    }

    #[test]
    fn a_layer_that_says_nothing_may_hide_a_flatten() {
        assert_eq!([ChannelOrder::undeclared(1, 1), ChannelOrder::undeclared(6, 3)], [Undeclared; 2]);
        assert_eq!([ChannelOrder::undeclared(6, 1), ChannelOrder::undeclared(1, 6)], [Unknown; 2]);
    }
}

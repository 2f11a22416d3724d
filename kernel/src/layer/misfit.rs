//! Why layers do not fit: sentences made when it compiles, which name the layer and both sizes.

use core::marker::PhantomData;

use super::Parameters;

/// The first reason not to fit that there is.
pub(crate) const fn first_of<const N: usize>(misfits: [Option<&'static str>; N]) -> Option<&'static str> {
    let mut rest = misfits.as_slice();
    while let [first, others @ ..] = rest {
        if first.is_some() {
            return *first;
        }
        rest = others;
    }
    None
}

/// Does not compile where there is a reason not to fit. The message is at the line that asks.
#[track_caller]
#[allow(clippy::panic)] // in constants alone
pub(crate) const fn refuse(misfit: Option<&'static str>) {
    if let Some(why) = misfit {
        panic!("{}", why);
    }
}

/// A layer `L` from `TAKEN` to `OUT` channels, where what comes in has `GIVEN`.
///
/// A layer could be one for its own number of channels alone, and the compiler would refuse another as a bound that is not met. Its message explains the
/// way from the network to the layer in twenty lines. So these layers are for any number, and refuse all but theirs with one sentence.
pub(crate) struct Channels<L, const TAKEN: usize, const OUT: usize, const GIVEN: usize>(PhantomData<L>);

impl<L: Parameters, const TAKEN: usize, const OUT: usize, const GIVEN: usize> Channels<L, TAKEN, OUT, GIVEN> {
    const SENTENCE: &'static Sentence = &Sentence::new("`")
        .text(L::KIND)
        .text("` from ")
        .number(TAKEN)
        .text(" to ")
        .number(OUT)
        .text(" channels is given ")
        .number(GIVEN);
    /// Why it does not fit, if so.
    pub(crate) const MISFIT: Option<&'static str> = if TAKEN == GIVEN { None } else { Some(Self::SENTENCE.as_str()) };
}

/// Text of at most 160 bytes; what goes beyond is left out.
pub(crate) struct Sentence {
    bytes: [u8; 160],
    length: usize,
}

impl Sentence {
    /// One that begins with this.
    pub(crate) const fn new(text: &str) -> Self {
        Self { bytes: [0; 160], length: 0 }.text(text)
    }

    /// With this behind it.
    pub(crate) const fn text(mut self, text: &str) -> Self {
        let mut text = text.as_bytes();
        while let [first, others @ ..] = text {
            self = self.byte(*first);
            text = others;
        }
        self
    }

    /// With a number behind it, in decimal.
    pub(crate) const fn number(self, number: usize) -> Self {
        let before = if number < 10 { self } else { self.number(number / 10) };
        before.byte(b'0' + (number % 10) as u8)
    }

    const fn byte(mut self, byte: u8) -> Self {
        if let Some(place) = self.bytes.split_at_mut(self.length).1.first_mut() {
            *place = byte;
            self.length += 1;
        }
        self
    }

    /// All of it.
    pub(crate) const fn as_str(&self) -> &str {
        match core::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => "the layer does not fit",
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::{Sentence, first_of};
    use crate::layer::Layer;
    use crate::shape::{Features, Image};
    use crate::{
        BatchNorm, Conv2d, Dense, DepthwiseConv2d, Flatten, Frozen, LayerNorm, MaxPool2d, Model, PooledConv2d,
        Recompute, Residual, Skip,
    };

    type Square = Image<5, 4, 3>;

    fn misfit<L: Layer<Square>>() -> Option<&'static str> {
        L::MISFIT
    }

    #[test]
    fn layers_for_these_channels_fit() {
        let all = [
            misfit::<Dense<3, 2>>(),
            misfit::<Conv2d<3, 2, 3, 3>>(),
            misfit::<PooledConv2d<3, 2, 2, 2>>(),
            misfit::<DepthwiseConv2d<3, 3, 3>>(),
            misfit::<BatchNorm<3>>(),
            misfit::<LayerNorm<3>>(),
            misfit::<Flatten<60>>(),
        ];
        assert_eq!(all, [None; 7]);
    }

    #[test]
    fn a_sentence_names_the_layer_and_the_sizes() {
        let all = [
            misfit::<Dense<4, 2>>(),
            misfit::<Conv2d<4, 2, 3, 3>>(),
            misfit::<PooledConv2d<4, 2, 3, 3>>(),
            misfit::<DepthwiseConv2d<4, 3, 3>>(),
            misfit::<BatchNorm<4>>(),
            misfit::<LayerNorm<4>>(),
            misfit::<Flatten<40>>(),
            misfit::<MaxPool2d<2, 5>>(),
            misfit::<PooledConv2d<3, 2, 2, 2, 5, 2>>(),
        ];
        let sentences = [
            "`Dense` from 4 to 2 channels is given 3",
            "`Conv2d` from 4 to 2 channels is given 3",
            "`PooledConv2d` from 4 to 2 channels is given 3",
            "`DepthwiseConv2d` from 4 to 4 channels is given 3",
            "`BatchNorm` from 4 to 4 channels is given 3",
            "`LayerNorm` from 4 to 4 channels is given 3",
            "`Flatten` takes in 40 values, and what comes in has 5 * 4 * 3",
            "a window of 2 * 5 is larger than what comes in, which has 5 * 4 positions",
            "a window of 5 * 2 is larger than what comes in, which has 4 * 3 positions",
        ];
        assert_eq!(all, sentences.map(Some));
    }

    #[test]
    fn a_byte_has_the_number_of_a_place() {
        let most = <PooledConv2d<1, 1, 1, 1, 127, 1> as Layer<Image<127, 1, 1>>>::MISFIT;
        let more = <PooledConv2d<1, 1, 1, 1, 16, 8> as Layer<Image<16, 8, 1>>>::MISFIT;
        assert_eq!([most, more], [None, Some("`PooledConv2d` pools at most 127 places")]);
    }

    #[test]
    fn layers_that_hold_layers_pass_it_on() {
        type Bad = Dense<4, 3>;
        let all = [
            misfit::<Recompute<Bad>>(),
            misfit::<Residual<Bad, Skip>>(),
            misfit::<(Dense<3, 3>, Bad)>(),
            misfit::<Model<Square, Bad>>(),
            misfit::<Frozen<Bad>>(),
        ];
        assert_eq!(all, [Some("`Dense` from 4 to 3 channels is given 3"); 5]);
        assert_eq!(<Dense<4, 3> as Layer<Features<4>>>::MISFIT, None);
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 9, 10, 100, 65_535] {
            assert_eq!(Sentence::new("").number(number).as_str(), std::format!("{number}"));
        }
    }

    #[test]
    fn a_long_sentence_ends_with_its_room() {
        assert_eq!(Sentence::new(&"x".repeat(300)).as_str(), "x".repeat(160));
    }

    #[test]
    fn the_first_reason_counts() {
        assert_eq!(first_of([None, Some("a"), Some("b")]), Some("a"));
        assert_eq!(first_of([None, None]), None);
    }
}

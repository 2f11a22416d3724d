//! The greatest of some places, and products with values at places that data choose, against plain loops.
//!
//! What a kind leaves to its caller stays as it was.

use super::super::{Chosen, Runs};
use super::{Check, Kernels, Vec, assert_same_bits, each_kind, fill, pairs, vec};
use crate::activation::{Activation, Identity, Relu, Tanh};

/// What stands where nothing may be written.
const UNTOUCHED: f32 = 0.5;

fn rows<const N: usize>(seed: u32, count: usize) -> Vec<[f32; N]> {
    let mut rows = vec![[0.0; N]; count];
    fill(seed, rows.as_flattened_mut());
    rows
}

/// The rows of a window, run by run.
fn places(runs: Runs) -> Vec<usize> {
    pairs(runs.lines, runs.run).map(|(line, at)| line * runs.apart + at).collect()
}

/// Values of a window, of which some channels have equals or zeros of either sign in front; and which of them counts.
struct Window<const N: usize> {
    runs: Runs,
    x: Vec<[f32; N]>,
    /// By channel, a row of `x`.
    first: [usize; N],
}

impl<const N: usize> Window<N> {
    fn new(runs: Runs) -> Self {
        let places = places(runs);
        let mut x = rows::<N>(1, places[places.len() - 1] + 2);
        for (channel, kind) in (0..N).zip([0, 1, 2, 3].into_iter().cycle()) {
            for (index, place) in places.iter().enumerate() {
                match kind {
                    1 => x[*place][channel] = [2.0, -3.0, 2.0][index % 3],
                    2 => x[*place][channel] = [-0.0, 0.0, -1.0][index % 3],
                    3 => x[*place][channel] = -1.0 - index as f32,
                    _ => {}
                }
            }
        }
        let first = core::array::from_fn(|channel| {
            places
                .iter()
                .fold(places[0], |first, place| if x[*place][channel] > x[first][channel] { *place } else { first })
        });
        Self { runs, x, first }
    }

    /// Says what is done: all groups of four, or none, as nothing is not a number.
    fn forward<K: Kernels>(&self) {
        let mut y = [UNTOUCHED; N];
        let done = K::greatest(self.runs, &self.x, &mut y);
        assert!(done == 0 || done == N / 4 * 4, "{done} of {N}");
        let expected: [f32; N] = core::array::from_fn(|c| if c < done { self.x[self.first[c]][c] } else { UNTOUCHED });
        assert_same_bits(&y, &expected, [N, done, 0], "greatest");
    }

    fn backward<K: Kernels, Below: Activation>(&self) {
        let (mut x, delta) = (self.x.clone(), rows::<N>(2, 1)[0]);
        let done = K::greatest_backward::<Below, N>(self.runs, &mut x, &delta);
        assert!(done == 0 || done == N / 4 * 4, "{done} of {N}");
        let mut expected = self.x.clone();
        for place in places(self.runs) {
            for channel in 0..done {
                let (first, value) = (self.first[channel], self.x[place][channel]);
                expected[place][channel] = Below::backward(if place == first { delta[channel] } else { 0.0 }, value);
            }
        }
        assert_same_bits(x.as_flattened(), expected.as_flattened(), [N, done, 0], "back from the greatest");
    }

    /// A NaN stops it in front of its group of four.
    fn stops<K: Kernels>(&self) {
        let delta = rows::<N>(2, 1)[0];
        for (place, channel) in pairs(places(self.runs).len(), N) {
            let mut x = self.x.clone();
            x[places(self.runs)[place]][channel] = f32::NAN;
            let most = channel / 4 * 4;
            let mut y = [UNTOUCHED; N];
            let done = K::greatest(self.runs, &x, &mut y);
            assert!(done <= most || channel >= N / 4 * 4, "{done} channels with a NaN in {channel}");
            assert!(y[done..].iter().all(|y| *y == UNTOUCHED));
            let mut changed = x.clone();
            let done = K::greatest_backward::<Identity, N>(self.runs, &mut changed, &delta);
            assert!(done <= most || channel >= N / 4 * 4, "{done} channels with a NaN in {channel}");
            for (x, changed) in x.iter().zip(&changed) {
                assert_same_bits(&changed[done..], &x[done..], [N, done, 0], "behind what is done");
            }
        }
    }
}

impl<const N: usize> Check for Window<N> {
    fn run<K: Kernels>(&self) {
        self.forward::<K>();
        self.backward::<K, Identity>();
        self.backward::<K, Relu>();
        self.backward::<K, Tanh>();
        if places(self.runs).len() > 1 {
            self.stops::<K>();
        }
        if let Ok(&[a, b, c, d]) = <&[_; 4]>::try_from(places(self.runs).as_slice()) {
            let z = [a, b, c, d].map(|place| self.x[place]);
            for channel in (0..N / 4 * 4).step_by(4) {
                let mut most = [UNTOUCHED; 4];
                let Some(found) = K::greatest_of_four(&z, channel, &mut most) else { continue };
                let expected: [f32; 4] = core::array::from_fn(|c| self.x[self.first[channel + c]][channel + c]);
                assert_same_bits(&most, &expected, [N, channel, 0], "greatest of four");
                let places = [a, b, c, d];
                let first = found.to_le_bytes().map(|place| places[usize::from(place)]);
                assert_eq!(first[..], self.first[channel..channel + 4]);
            }
            let mut z = z;
            z[2][0] = f32::NAN;
            if N >= 4 {
                assert_eq!(K::greatest_of_four(&z, 0, &mut [UNTOUCHED; 4]), None);
            }
        }
    }
}

fn check<const N: usize>() {
    for (lines, run) in [(2, 2), (1, 1), (3, 2), (1, 5), (4, 1)] {
        each_kind(&Window::<N>::new(Runs { lines, run, apart: run + 2, rows_apart: 0 }));
    }
}

#[test]
fn the_greatest_is_the_first_of_equals_and_no_nan() {
    check::<5>();
    if cfg!(miri) {
        return;
    }
    check::<1>();
    check::<4>();
    check::<8>();
    check::<19>();
}

/// Sums over windows of 2 × 3 places, for each of `OUT` outputs.
struct Products<const OUT: usize> {
    runs: Runs,
    bytes: Vec<u8>,
}

impl<const OUT: usize> Products<OUT> {
    const DOWN: usize = 2;
    const ACROSS: usize = 3;
    const OFFSETS: [usize; 6] = [0, 2, 4, 11, 13, 15];

    fn words(&self) -> Vec<f32> {
        let mut bytes = self.bytes.clone();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect()
    }
}

impl<const OUT: usize> Check for Products<OUT> {
    fn run<K: Kernels>(&self) {
        let (runs, words) = (self.runs, self.words());
        let (step, line) = (6, 22);
        let chosen =
            Chosen { down: Self::DOWN, across: Self::ACROSS, step, line, offsets: &Self::OFFSETS, places: &words };
        let last = (Self::DOWN - 1) * line + (Self::ACROSS - 1) * step + Self::OFFSETS[5];
        let x = rows::<1>(1, last + (runs.lines - 1) * runs.apart + runs.run);
        let (x, delta) = (x.as_flattened(), rows::<OUT>(2, Self::DOWN * Self::ACROSS));
        for output in 0..OUT {
            let mut sums = rows::<1>(3, runs.lines * runs.run + 1).as_flattened().to_vec();
            let mut expected = sums.clone();
            for (window, (row, column)) in pairs(Self::DOWN, Self::ACROSS).enumerate() {
                let place = Self::OFFSETS[usize::from(self.bytes[window * OUT + output])] + row * line + column * step;
                for (index, (l, r)) in pairs(runs.lines, runs.run).enumerate() {
                    expected[index] += x[place + l * runs.apart + r] * delta[window][output];
                }
            }
            let before = sums.clone();
            let is_done = K::add_chosen::<OUT>(chosen, runs, output, x, &delta, &mut sums);
            let expected = if is_done { &expected } else { &before };
            assert_same_bits(&sums, expected, [OUT, output, runs.run], "products with what was chosen");
            // A value too few, or no such output.
            assert!(!K::add_chosen::<OUT>(chosen, runs, output, &x[1..], &delta, &mut sums));
            assert!(!K::add_chosen::<OUT>(chosen, runs, OUT, x, &delta, &mut sums));
            assert!(!K::add_chosen::<OUT>(chosen, runs, output, x, &delta[1..], &mut sums));
            assert_same_bits(&sums, expected, [OUT, output, runs.run], "what is refused changes nothing");
        }
    }
}

#[test]
fn products_with_what_was_chosen_are_added_window_by_window() {
    for (lines, run) in [(3, 3), (1, 1), (2, 2), (3, 5), (2, 14), (1, 24), (2, 43)] {
        let runs = Runs { lines, run, apart: run + 4, rows_apart: run };
        let byte = |index: usize| (index * 5 + index / 7) as u8 % 6;
        each_kind(&Products::<3> { runs, bytes: (0..18).map(byte).collect() });
        if !cfg!(miri) {
            each_kind(&Products::<8> { runs, bytes: (0..48).map(byte).collect() });
        }
    }
}

/// A byte that is the number of no place is not followed outside.
struct Stray;

impl Check for Stray {
    fn run<K: Kernels>(&self) {
        let words = [f32::from_le_bytes([255, 6, 1, 128])];
        let chosen = Chosen { down: 1, across: 2, step: 2, line: 4, offsets: &[0, 1], places: &words };
        let runs = Runs { lines: 1, run: 1, apart: 1, rows_apart: 1 };
        let (x, delta) = ([1.0, 2.0, 3.0, 4.0], [[1.0, 10.0], [1.0, 10.0]]);
        let mut sums = [0.0];
        if K::add_chosen::<2>(chosen, runs, 1, &x, &delta, &mut sums) {
            assert_eq!(sums, [40.0]);
        }
        if K::add_chosen::<2>(chosen, runs, 0, &x, &delta, &mut sums) {
            assert_eq!(sums, [40.0 + 1.0 + 4.0]);
        }
    }
}

#[test]
fn a_byte_of_no_place_is_not_followed() {
    each_kind(&Stray);
}

/// A multiple of a row on top of another, in lengths on both sides of four.
struct Scaled;

impl Check for Scaled {
    fn run<K: Kernels>(&self) {
        for length in 0..14 {
            let values = rows::<14>(1, 1)[0];
            let mut sums = rows::<14>(2, 1)[0];
            let mut expected = sums;
            for (sum, value) in expected.iter_mut().zip(&values[..length]) {
                *sum += 0.7 * value;
            }
            K::add_scaled(&mut sums, &values[..length], 0.7);
            assert_same_bits(&sums, &expected, [length, 0, 0], "a multiple on top");
        }
    }
}

#[test]
fn a_multiple_is_added_value_by_value() {
    each_kind(&Scaled);
}

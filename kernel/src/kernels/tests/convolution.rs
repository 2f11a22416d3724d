//! The parts of convolutions against sums in plain loops, in walks that go down, up and nowhere, with rows between that stay as they are.

use super::super::{Runs, Steps, TURNED, Walk};
use super::{Check, Kernels, Vec, assert_same_bits, each_kind, fill, pairs as each_pair, vec};

/// What stands where nothing may be written.
const UNTOUCHED: f32 = 0.5;

fn rows<const N: usize>(seed: u32, count: usize) -> Vec<[f32; N]> {
    let mut rows = vec![[0.0; N]; count];
    fill(seed, rows.as_flattened_mut());
    rows
}

/// Of rows that were untouched, number `apart·n` is row `n` of what is expected, and no other has changed.
fn assert_rows<const N: usize>(found: &[[f32; N]], apart: usize, expected: &[[f32; N]], what: &str) {
    let mut whole = vec![[UNTOUCHED; N]; found.len()];
    for (index, expected) in expected.iter().enumerate() {
        whole[index * apart] = *expected;
    }
    assert_same_bits(found.as_flattened(), whole.as_flattened(), [found.len(), N, apart], what);
}

/// Runs at some starts within the same values.
struct Windows<const OUT: usize> {
    runs: Runs,
    starts: [usize; 4],
    /// Rows between the outputs of one and of the next.
    apart: usize,
}

impl<const OUT: usize> Check for Windows<OUT> {
    fn run<K: Kernels>(&self) {
        let Self { runs, starts, apart } = *self;
        let last = (runs.lines - 1) * runs.apart + runs.run;
        let values = rows::<1>(1, starts.iter().fold(last, |most, start| most.max(start + last)));
        let x = values.as_flattened();
        let weights = rows::<OUT>(2, (runs.lines - 1) * runs.rows_apart + runs.run);
        let bias = rows::<OUT>(3, 1)[0];
        let expected = starts.map(|start| {
            let mut z = bias;
            for (line, at) in each_pair(runs.lines, runs.run) {
                for (o, z) in z.iter_mut().enumerate() {
                    *z += x[start + line * runs.apart + at] * weights[line * runs.rows_apart + at][o];
                }
            }
            z
        });
        let mut z = [[UNTOUCHED; OUT]; 3];
        K::one_window(runs, &x[starts[0]..], &weights, &bias, &mut z[1]);
        assert_rows(&z[1..], 1, &expected[..1], "one window");
        assert_rows(&z[..1], 1, &[], "in front of one window");
        let mut z = vec![[UNTOUCHED; OUT]; 3 * apart + 3];
        K::four_windows(runs, starts.map(|start| &x[start..]), &weights, &bias, &mut z[1..], apart);
        assert_rows(&z[1..], apart, &expected, "four windows");
        assert_rows(&z[..1], 1, &[], "in front of four windows");
    }
}

fn check_windows<const OUT: usize>() {
    for (run, lines) in [(1, 1), (4, 2), (7, 3), (13, 1), (8, 2)] {
        let runs = Runs { lines, run, apart: run + 2, rows_apart: run + 3 };
        each_kind(&Windows::<OUT> { runs, starts: [3, 4, 5, 6], apart: 1 });
        each_kind(&Windows::<OUT> { runs, starts: [9, 0, 2, 5], apart: 3 });
    }
}

#[test]
fn windows_are_sums_run_by_run() {
    check_windows::<5>();
    if cfg!(miri) {
        return;
    }
    check_windows::<1>();
    check_windows::<4>();
    check_windows::<7>();
    check_windows::<11>();
    check_windows::<16>();
    check_windows::<30>();
    check_windows::<52>();
}

/// Of one pair, down, up, in place, and of none.
fn walks() -> Vec<Steps> {
    let walk = |first, step, line| Walk { first, step, line };
    let of = |lines, taps, a, w| Steps { lines, taps, a, w };
    vec![
        of(1, 1, walk(0, 0, 0), walk(0, 0, 0)),
        of(2, 3, walk(1, 1, 5), walk(7, -1, -3)),
        of(3, 5, walk(2, 2, 1), walk(0, 1, 5)),
        of(2, 9, walk(20, -2, 3), walk(1, 1, 0)),
        of(4, 4, walk(15, -1, -4), walk(0, 1, 4)),
        of(0, 3, walk(0, 1, 1), walk(0, 1, 1)),
        of(3, 0, walk(0, 1, 1), walk(0, 1, 1)),
    ]
}

/// The rows of both that belong together.
fn pairs(steps: Steps) -> Vec<(usize, usize)> {
    let at = |walk: Walk, line: usize, tap: usize| {
        walk.first.wrapping_add_signed(walk.line * line as isize + walk.step * tap as isize)
    };
    each_pair(steps.lines, steps.taps).map(|(line, tap)| (at(steps.a, line, tap), at(steps.w, line, tap))).collect()
}

/// As many rows as the first or the second of each pair need, and `more`.
fn reach(steps: Steps, more: usize) -> [usize; 2] {
    let (mut a, mut w) = (more, more);
    for (first, second) in pairs(steps) {
        (a, w) = (a.max(first + 1 + more), w.max(second + 1));
    }
    [a, w]
}

/// Channel by channel.
struct Channels<const N: usize>(Steps);

impl<const N: usize> Channels<N> {
    fn add<K: Kernels, const V: usize>(&self, channel: usize) {
        let [a, w] = reach(self.0, 1);
        let (a, w) = (rows::<N>(1, a), rows::<N>(2, w));
        let mut sums = rows::<V>(3, 1)[0];
        let mut expected = sums;
        for (first, second) in pairs(self.0) {
            for (v, sum) in expected.iter_mut().enumerate() {
                *sum += a[first][channel + v] * w[second][channel + v];
            }
        }
        K::add_channel_products::<V, N>(self.0, &a, &w, channel, &mut sums);
        assert_same_bits(&sums, &expected, [N, V, channel], "products of channels");
    }
}

impl<const N: usize> Check for Channels<N> {
    fn run<K: Kernels>(&self) {
        let apart = [2, 3];
        let [a, w] = reach(self.0, apart[0]);
        let (a, w, start) = (rows::<N>(1, a), rows::<N>(2, w), rows::<N>(3, 1)[0]);
        let expected = [0, apart[0]].map(|further| {
            let mut z = start;
            for (first, second) in pairs(self.0) {
                for (c, z) in z.iter_mut().enumerate() {
                    *z += a[first + further][c] * w[second][c];
                }
            }
            z
        });
        let mut z = [[UNTOUCHED; N]; 3];
        K::channel_sums(self.0, &a, &w, &start, &mut z[1]);
        assert_rows(&z[1..], 1, &expected[..1], "channels of one place");
        assert_rows(&z[..1], 1, &[], "in front of one place");
        let mut z = [[UNTOUCHED; N]; 6];
        K::two_channel_sums(self.0, &a, &w, &start, &mut z[1..], apart);
        assert_rows(&z[1..], apart[1], &expected, "channels of two places");
        assert_rows(&z[..1], 1, &[], "in front of two places");

        self.add::<K, 1>(N - 1);
        if N >= 21 {
            self.add::<K, 4>(17);
            self.add::<K, 8>(3);
            self.add::<K, 16>(5);
        }
    }
}

fn check_channels<const N: usize>() {
    for steps in walks() {
        each_kind(&Channels::<N>(steps));
    }
}

#[test]
fn sums_of_channels_are_pair_by_pair() {
    check_channels::<5>();
    if cfg!(miri) {
        return;
    }
    check_channels::<1>();
    check_channels::<4>();
    check_channels::<8>();
    check_channels::<21>();
    check_channels::<31>();
}

/// The gradients of some weights of a tap, and of some inputs.
struct Gradients<const IN: usize, const OUT: usize>(Steps);

impl<const IN: usize, const OUT: usize> Gradients<IN, OUT> {
    fn of_weights<K: Kernels, const C: usize, const V: usize>(&self) {
        let [x, delta] = reach(self.0, 0);
        let (x, delta) = (rows::<IN>(1, x), rows::<OUT>(2, delta));
        for at in [[0, 0], [IN - C, OUT - V]] {
            let mut sums: [[f32; V]; C] = core::array::from_fn(|c| rows(3 + c as u32, 1)[0]);
            let mut expected = sums;
            for (first, second) in pairs(self.0) {
                for (c, v) in each_pair(C, V) {
                    expected[c][v] += x[first][at[0] + c] * delta[second][at[1] + v];
                }
            }
            K::add_tap_products::<C, V, IN, OUT>(self.0, &x, &delta, at, &mut sums);
            assert_same_bits(sums.as_flattened(), expected.as_flattened(), [IN, OUT, C * V], "products of a tap");
        }
    }

    fn of_inputs<K: Kernels, const P: usize, const C: usize>(&self) {
        let apart = 2;
        let [delta, weights] = reach(self.0, apart * (P - 1));
        let delta = rows::<OUT>(1, delta);
        let weights: Vec<[[f32; OUT]; IN]> = rows(2, weights * IN).as_chunks().0.to_vec();
        for channel in [0, IN - C] {
            let mut sums: [[f32; C]; P] = core::array::from_fn(|p| rows(3 + p as u32, 1)[0]);
            let mut expected = sums;
            for (first, second) in pairs(self.0) {
                for (p, o) in each_pair(P, OUT) {
                    for (c, sum) in expected[p].iter_mut().enumerate() {
                        *sum += delta[first + p * apart][o] * weights[second][channel + c][o];
                    }
                }
            }
            K::add_input_gradients::<P, C, IN, OUT>(self.0, &delta, apart, &weights, channel, &mut sums);
            assert_same_bits(sums.as_flattened(), expected.as_flattened(), [IN, OUT, P * C], "gradients of inputs");
        }
    }
}

impl<const IN: usize, const OUT: usize> Gradients<IN, OUT> {
    fn by_turned_kernels<K: Kernels, const P: usize>(&self) {
        let apart = 3;
        let [delta, weights] = reach(self.0, apart * (P - 1));
        let delta = rows::<OUT>(1, delta);
        let turned: Vec<[[f32; TURNED]; OUT]> = rows(2, weights * OUT).as_chunks().0.to_vec();
        let mut sums: [[f32; TURNED]; P] = core::array::from_fn(|p| rows(3 + p as u32, 1)[0]);
        let mut expected = sums;
        for (first, second) in pairs(self.0) {
            for (p, o) in each_pair(P, OUT) {
                for (c, sum) in expected[p].iter_mut().enumerate() {
                    *sum += delta[first + p * apart][o] * turned[second][o][c];
                }
            }
        }
        K::add_turned_gradients::<P, OUT>(self.0, &delta, apart, &turned, &mut sums);
        assert_same_bits(sums.as_flattened(), expected.as_flattened(), [OUT, P, TURNED], "by turned kernels");
    }
}

impl<const IN: usize, const OUT: usize> Check for Gradients<IN, OUT> {
    fn run<K: Kernels>(&self) {
        self.of_weights::<K, 1, 1>();
        self.of_weights::<K, 3, 4>();
        self.of_weights::<K, 4, 4>();
        self.of_weights::<K, 1, 4>();
        self.of_inputs::<K, 1, 1>();
        self.of_inputs::<K, 1, 4>();
        self.of_inputs::<K, 4, 4>();
        self.by_turned_kernels::<K, 1>();
        self.by_turned_kernels::<K, 4>();
    }
}

/// The same, and wide rows.
struct WideGradients(Steps);

impl Check for WideGradients {
    fn run<K: Kernels>(&self) {
        let gradients = Gradients::<5, 19>(self.0);
        gradients.run::<K>();
        gradients.of_weights::<K, 1, 8>();
        gradients.of_weights::<K, 1, 16>();
        gradients.of_weights::<K, 4, 8>();
        gradients.of_weights::<K, 4, 3>();
    }
}

#[test]
fn gradients_of_a_tap_are_sums_pair_by_pair() {
    for steps in walks() {
        each_kind(&Gradients::<4, 4>(steps));
        if !cfg!(miri) {
            each_kind(&Gradients::<7, 6>(steps));
            each_kind(&WideGradients(steps));
        }
    }
}

//! Pools by themselves: every window, bit for bit, forward and in every form of the backward pass.
//!
//! Oracle: `host_tests::windows`, in plain loops; for the gradients also central differences of the definition in `f64`.

use baregrad::layer::{Along, Average, InputGradient, Maximum, Over, Pool, Window};
use baregrad::shape::{Grid, Line, Plane, Positions, Shape};
use baregrad::{
    AveragePool1d, AveragePool2d, Centered, Flatten, GlobalAveragePool, GlobalMaxPool, Image, Layer, MaxPool1d,
    MaxPool2d, Sequence, Strided, Tanh, Valid,
};
use host_tests::windows::{Pool as Kind, axis, pool, pool_gradient, precise_pool, windows};

use crate::common::{Random, assert_same_bits};
use crate::passes::{Passes, SAMPLES, backward, forward, inner, predict};
use crate::windows::{Known, LookAtWindow, each_window};

/// The windows of `KH × KW` on positions `P`, by the oracle.
fn of<P: Positions, W: Known>(kernel_height: usize, kernel_width: usize) -> Vec<Vec<usize>> {
    let rows = axis(W::NAME, P::HEIGHT, kernel_height, W::STRIDE_HEIGHT);
    let columns = axis(W::NAME, P::WIDTH, kernel_width, W::STRIDE_WIDTH);
    windows(&rows, &columns, P::WIDTH)
}

/// Values many of which are equal, and zeros of either sign.
fn values(random: &mut Random, count: usize) -> Vec<f32> {
    (0..count)
        .map(|_| if random.below(3) > 0 { (random.below(4) as f32 - 2.0) * 0.25 } else { random.input() })
        .collect()
}

/// Everything that a pool makes of some samples is what the oracle makes of each.
fn assert_pool<In: Shape, L: Layer<In>>(kind: Kind, windows: &[Vec<usize>], what: &str) {
    assert_passes(&Passes::of::<In, L>(), kind, windows, what);
}

fn assert_passes(passes: &Passes, kind: Kind, windows: &[Vec<usize>], what: &str) {
    let ([size, out], channels) = (passes.sizes, passes.channels[0]);
    assert_eq!((out, passes.channels[1]), (windows.len() * channels, channels), "{what}");
    let mut random = Random::new(size as u64 * 31 + out as u64);
    for samples in [1, SAMPLES] {
        let (x, delta) = (values(&mut random, samples * size), values(&mut random, samples * out));
        let (mut y, mut gradient) = (Vec::new(), Vec::new());
        for (x, delta) in x.chunks(size).zip(delta.chunks(out)) {
            y.extend(pool(kind, windows, channels, x));
            gradient.extend(pool_gradient(kind, windows, channels, x, delta));
        }
        assert_same_bits(&(passes.forward)(&x), &y, &format!("forward of {what}"));
        assert_same_bits(&(passes.predict)(&x[..size]), &y[..out], &format!("prediction of {what}"));
        assert_same_bits(&(passes.backward)(&x, &delta, None), &gradient, &format!("gradient of {what}"));
        let there = values(&mut random, x.len());
        let sums: Vec<f32> = there.iter().zip(&gradient).map(|(there, gradient)| there + gradient).collect();
        assert_same_bits(&(passes.backward)(&x, &delta, Some(&there)), &sums, &format!("added gradient of {what}"));
        let through: Vec<f32> = gradient.iter().zip(&x).map(|(gradient, x)| gradient * (1.0 - x * x)).collect();
        assert_same_bits(&(passes.behind_tanh)(&x, &delta), &through, &format!("gradient of {what}, through tanh"));
        let selected: Vec<f32> =
            gradient.iter().zip(&x).map(|(gradient, x)| if *x > 0.0 { *gradient } else { 0.0 }).collect();
        assert_same_bits(&(passes.behind_relu)(&x, &delta), &selected, &format!("gradient of {what}, through ReLU"));
        (passes.run)(&x, &delta, InputGradient::Unwanted);
    }
}

/// Both pools of `N` channels with these windows.
fn assert_pools<P: Positions, W: Known, Used: Window, const N: usize, const KH: usize, const KW: usize>() {
    let what =
        |kind| format!("{kind:?} {KH} × {KW}, {}, {} × {} × {N}", core::any::type_name::<Used>(), P::HEIGHT, P::WIDTH);
    let windows = of::<P, W>(KH, KW);
    assert_pool::<Grid<P, N>, Pool<Maximum, Over<KH, KW, Used>>>(Kind::Maximum, &windows, &what(Kind::Maximum));
    assert_pool::<Grid<P, N>, Pool<Average, Over<KH, KW, Used>>>(Kind::Average, &windows, &what(Kind::Average));
}

struct Pools;

impl LookAtWindow for Pools {
    fn along<W: Known, const SIZE: usize, const K: usize>() {
        assert_pools::<Line<SIZE>, W, Along<W>, 2, K, 1>();
    }

    fn across<W: Known, const SIZE: usize, const K: usize>() {
        assert_pools::<Plane<3, SIZE>, W, W, 1, 3, K>();
    }
}

#[test]
fn pools_have_the_bits_of_the_plain_loops_for_every_window() {
    each_window::<Pools>();
}

#[test]
fn strides_and_kernels_of_two_sizes_keep_their_directions() {
    assert_pools::<Plane<7, 5>, Strided<3, 2>, Strided<3, 2>, 2, 2, 4>();
    assert_pools::<Plane<5, 8>, Strided<1, 3>, Strided<1, 3>, 2, 4, 2>();
    assert_pools::<Plane<7, 6>, Centered<2, 1>, Centered<2, 1>, 2, 3, 5>();
    assert_pools::<Plane<7, 6>, Valid<2, 3>, Valid<2, 3>, 2, 3, 1>();
    assert_pools::<Plane<9, 4>, Valid<5, 2>, Valid<5, 2>, 2, 2, 2>();
}

/// Channels are made side by side, eight at a time.
#[test]
fn every_number_of_channels_has_the_bits_of_one() {
    assert_pools::<Plane<5, 4>, Strided<2>, Strided<2>, 7, 3, 2>();
    assert_pools::<Plane<5, 4>, Strided<2>, Strided<2>, 8, 3, 2>();
    assert_pools::<Plane<5, 4>, Strided<2>, Strided<2>, 9, 3, 2>();
    assert_pools::<Plane<5, 4>, Valid<2>, Valid<2>, 17, 2, 2>();
}

#[test]
fn global_pools_have_a_single_window() {
    fn assert_global<P: Positions, const N: usize>() {
        let (all, what) = ([(0..P::COUNT).collect()], format!("{} × {} × {N}", P::HEIGHT, P::WIDTH));
        assert_pool::<Grid<P, N>, GlobalMaxPool>(Kind::Maximum, &all, &format!("GlobalMaxPool, {what}"));
        assert_pool::<Grid<P, N>, GlobalAveragePool>(Kind::Average, &all, &format!("GlobalAveragePool, {what}"));
    }
    assert_global::<Plane<5, 3>, 2>();
    assert_global::<Plane<1, 7>, 9>();
    assert_global::<Line<6>, 11>();
    assert_global::<Line<1>, 3>();
}

#[test]
fn a_pool_has_windows_side_by_side_unless_another_is_named() {
    let windows = of::<Plane<7, 7>, Valid<2>>(2, 2);
    assert_pool::<Image<7, 7, 2>, MaxPool2d<2>>(Kind::Maximum, &windows, "MaxPool2d<2>");
    assert_pool::<Image<7, 7, 2>, AveragePool2d<2>>(Kind::Average, &windows, "AveragePool2d<2>");
    let windows = of::<Plane<7, 7>, Valid<3, 2>>(3, 2);
    assert_pool::<Image<7, 7, 2>, MaxPool2d<3, 2>>(Kind::Maximum, &windows, "MaxPool2d<3, 2>");
    let windows = of::<Line<8>, Valid<3>>(3, 1);
    assert_pool::<Sequence<8, 2>, MaxPool1d<3>>(Kind::Maximum, &windows, "MaxPool1d<3>");
    assert_pool::<Sequence<8, 2>, AveragePool1d<3>>(Kind::Average, &windows, "AveragePool1d<3>");
}

#[test]
fn gradients_match_central_differences() {
    fn assert_close<In: Shape, L: Layer<In>>(kind: Kind, windows: &[Vec<usize>]) {
        let mut random = Random::new(9);
        // No two values are closer than the step of a difference is wide.
        let mut x: Vec<f32> = (0..In::SIZE).map(|index| index as f32 / 16.0 - 1.0).collect();
        for last in (1..x.len()).rev() {
            x.swap(last, random.below(last + 1));
        }
        let delta: Vec<f32> = (0..L::Out::SIZE).map(|_| random.uniform(-1.0, 1.0)).collect();
        let loss = |index: usize, shift: f64| -> f64 {
            let mut x: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
            x[index] += shift;
            let y = precise_pool(kind, windows, In::CHANNELS, &x);
            y.iter().zip(&delta).map(|(y, delta)| y * f64::from(*delta)).sum()
        };
        for (index, found) in backward::<In, L>(&x, &delta, None).into_iter().enumerate() {
            let difference = (loss(index, 1e-3) - loss(index, -1e-3)) / 2e-3;
            assert!((f64::from(found) - difference).abs() < 1e-6, "{kind:?}, {index}: {found} and {difference}");
        }
    }
    let windows = of::<Plane<5, 6>, Strided<2>>(3, 3);
    assert_close::<Image<5, 6, 2>, MaxPool2d<3, 3, Strided<2>>>(Kind::Maximum, &windows);
    assert_close::<Image<5, 6, 2>, AveragePool2d<3, 3, Strided<2>>>(Kind::Average, &windows);
    let windows = of::<Plane<5, 6>, Valid<2>>(2, 2);
    assert_close::<Image<5, 6, 2>, MaxPool2d<2>>(Kind::Maximum, &windows);
    assert_close::<Image<5, 6, 2>, AveragePool2d<2>>(Kind::Average, &windows);
    assert_close::<Image<5, 6, 2>, GlobalMaxPool>(Kind::Maximum, &[(0..30).collect()]);
    assert_close::<Image<5, 6, 2>, GlobalAveragePool>(Kind::Average, &[(0..30).collect()]);
}

#[test]
fn flatten_moves_nothing() {
    type Flat = Flatten<24>;
    let mut random = Random::new(2);
    let (x, delta, there) = (values(&mut random, 72), values(&mut random, 72), values(&mut random, 72));
    assert_same_bits(&forward::<Image<4, 3, 2>, Flat>(&x), &x, "forward");
    assert_same_bits(&predict::<Image<4, 3, 2>, Flat>(&x[..24]), &x[..24], "prediction");
    assert_same_bits(&backward::<Image<4, 3, 2>, Flat>(&x, &delta, None), &delta, "gradient");
    let sums: Vec<f32> = there.iter().zip(&delta).map(|(there, delta)| there + delta).collect();
    assert_same_bits(&backward::<Sequence<8, 3>, Flat>(&x, &delta, Some(&there)), &sums, "added gradient");
    let through: Vec<f32> = delta.iter().zip(&x).map(|(delta, x)| delta * (1.0 - x * x)).collect();
    assert_same_bits(&inner::<Image<4, 3, 2>, Flat, Tanh>(&x, &delta), &through, "gradient through tanh");
}

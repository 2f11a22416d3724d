//! GFLOP/s of one convolution over a grid of sizes, to find cliffs: `cargo bench -p benches --bench sweep_convolutions`.
//!
//! As `sweep`: the cells that break its rule, and a map for each kernel and image, a row for each number of channels in, a column for each number
//! out. A cell is a forward pass and a backward pass with both gradients, of one image.

use std::hint::black_box;

use baregrad::layer::{InputGradient, Stacked, Whole};
use baregrad::optimizer::Optimizer;
use baregrad::{Conv2d, Identity, Image, Layer, Parameters, Same, Sgd, Zero};
use benches::map::{Map, Row, report};
use benches::peak::shortest;

const KERNELS: [usize; 3] = [1, 3, 5];
/// Rows, and columns, of an image.
const IMAGES: [usize; 3] = [1, 8, 32];
const MAPS: usize = KERNELS.len() * IMAGES.len();
const RUNS: usize = 3;

type Convolution<const IN: usize, const OUT: usize, const K: usize> = Conv2d<IN, OUT, K, K, Same, Identity>;

/// GFLOP/s on an image.
fn image<const SIZE: usize, const IN: usize, const OUT: usize, const K: usize>(
    layer: &mut Convolution<IN, OUT, K>,
) -> f64 {
    // Weights, inputs and delta stay as they are, far from subnormal numbers.
    let (inputs, delta) = (vec![0.5; SIZE * SIZE * IN], vec![1e-3; SIZE * SIZE * OUT]);
    let (mut outputs, mut gradient) = (vec![0.0; delta.len()], vec![0.0; inputs.len()]);
    let mut slots = Box::new(<Convolution<IN, OUT, K> as Parameters>::Slots::<()>::ZERO);
    let step = Sgd::new(0.0).begin_step();
    let pass = Whole::<1>::new(1);
    let x = Stacked::<Image<SIZE, SIZE, IN>>::new(&inputs);
    let seconds = shortest(RUNS, || {
        let (x, step) = (black_box(&x), black_box(&step));
        let _ = black_box(Layer::<Image<SIZE, SIZE, IN>>::forward(layer, pass, x, black_box(&mut outputs), &mut []));
        let dx = InputGradient::Write(black_box(&mut gradient));
        Layer::<Image<SIZE, SIZE, IN>>::backward::<_, Sgd, _>(layer, pass, x, &delta, dx, &mut [], &mut slots, step);
    });
    (6 * pairs(SIZE, K) * IN * OUT) as f64 / seconds / 1e9
}

/// Taps inside, over all places.
fn pairs(size: usize, kernel: usize) -> usize {
    let reach = kernel / 2;
    let across: usize = (0..size).map(|place| place.min(reach) + (size - 1 - place).min(reach) + 1).sum();
    across * across
}

/// Those on all images.
fn kernel<const IN: usize, const OUT: usize, const K: usize>() -> [f64; IMAGES.len()] {
    let mut layer = Box::new(Convolution::<IN, OUT, K>::new([[[[1e-3; OUT]; IN]; K]; K], [0.1; OUT]));
    [image::<1, IN, OUT, K>(&mut layer), image::<8, IN, OUT, K>(&mut layer), image::<32, IN, OUT, K>(&mut layer)]
}

fn layer<const IN: usize, const OUT: usize>() -> [f64; MAPS] {
    let speeds = [kernel::<IN, OUT, 1>(), kernel::<IN, OUT, 3>(), kernel::<IN, OUT, 5>()];
    std::array::from_fn(|map| speeds[map / IMAGES.len()][map % IMAGES.len()])
}

// A function can't take a list of sizes for its const parameters, hence a macro.
macro_rules! rows {
    ([$($input:literal)*] $outputs:tt) => { vec![$(rows!($input $outputs)),*] };
    ($input:literal [$($output:literal)*]) => { ($input, vec![$(($output, layer::<$input, $output>())),*]) };
}

fn main() {
    let rows: Vec<Row<_>> = rows!([1 4 8 9 33 130] [1 4 8 9 33 130]);
    let maps: [Map; MAPS] = std::array::from_fn(|map| {
        let (kernel, size) = (KERNELS[map / IMAGES.len()], IMAGES[map % IMAGES.len()]);
        Map { name: format!("kernel {kernel}, image {size}"), products: pairs(size, kernel) }
    });
    report("sweep-convolutions", &maps, &rows);
}

//! A layer of your own: it gives each input and its square, so that one dense layer behind it can draw a circle.
//!
//!     cargo run -p examples --bin 09_your_own_layer

use baregrad::layer::{Columns, LayerSummary, NonFinite};
use baregrad::{
    BinaryCrossEntropy, ConfusionMatrix, Dataset, Dense, Features, Identity, Layer, Matrix, Sgd, Trainer, Zero,
};
use baregrad::{activation::Activation, fingerprint::Fingerprint, initializer::Initializer};
use baregrad::{optimizer::Optimizer, shape::Inputs};

/// `y = (x₁, x₂, x₁², x₂²)`. Nothing to learn, so most of what a layer says is nothing.
struct Squares;

#[rustfmt::skip]
impl Zero for Squares { const ZERO: Self = Self; }

#[rustfmt::skip] // a line each for what there is nothing to say about
impl Layer for Squares {
    type In = Features<2>;
    type Out = Features<4>;
    type Activation = Identity;
    type Slots<O: Optimizer> = ();
    type Activations<const B: usize> = Matrix<B, 4>;
    const PARAMETERS: usize = 0;
    const FINGERPRINT: u32 = Fingerprint::of("Squares").value();

    fn forward<const B: usize, X: Inputs<[f32; 2]> + ?Sized>(&self, x: &X, samples: usize, y: &mut Matrix<B, 4>) -> Result<(), NonFinite> {
        for (row, x) in y.rows.iter_mut().zip((0..samples).filter_map(|s| x.sample(s))) { *row = [x[0], x[1], x[0] * x[0], x[1] * x[1]]; }
        if y.rows.as_flattened().iter().all(|y| y.is_finite()) { Ok(()) } else { Err(NonFinite { layer: 0 }) }
    }
    /// Below another layer `delta` is the gradient of `y`: `∂y/∂x` is 1 and `2x`.
    fn backward<const B: usize, O: Optimizer, Below: Activation>(&mut self, x: &mut Matrix<B, 2>, samples: usize, delta: &mut Matrix<B, 4>, _: &mut (), _: &mut Columns<B>, _: &O::Step) {
        for (x, delta) in x.rows.iter_mut().zip(&delta.rows).take(samples) {
            *x = [0, 1].map(|k| Below::through(delta[k] + delta[k + 2] * (2.0 * x[k]), x[k]));
        }
    }
    fn backward_first<const B: usize, O: Optimizer, X: Inputs<[f32; 2]> + ?Sized>(&mut self, _: &X, _: usize, _: &mut Matrix<B, 4>, _: &mut (), _: &mut Columns<B>, _: &O::Step) {}
    fn output<const B: usize>(y: &Matrix<B, 4>) -> &Matrix<B, 4> { y }
    fn output_mut<const B: usize>(y: &mut Matrix<B, 4>) -> &mut Matrix<B, 4> { y }
    fn into_output<const B: usize>(y: Matrix<B, 4>) -> Matrix<B, 4> { y }
    fn update<O: Optimizer>(&mut self, _: &(), _: &mut (), _: &O::Step) {}
    fn draw_parameters(&mut self, _: &impl Initializer, _: &mut impl FnMut() -> u32) {}
    fn parameters(&self, _: &mut impl FnMut(&[f32])) {}
    fn parameters_mut(&mut self, _: &mut impl FnMut(&mut [f32])) {}
    fn slots<O: Optimizer>(_: &(), _: &mut impl FnMut(&[O::Slot])) {}
    fn slots_mut<O: Optimizer>(_: &mut (), _: &mut impl FnMut(&mut [O::Slot])) {}
    fn describe(visit: &mut impl FnMut(LayerSummary)) {
        visit(LayerSummary { kind: "Squares", inputs: 2, outputs: 4, activation: "identity", parameters: 0 });
    }
}

type Net = (Squares, Dense<4, 1>);

fn main() -> Result<(), baregrad::StepError> {
    // A grid of points; inside of a circle or not.
    let inputs: [[f32; 2]; 81] = core::array::from_fn(|k| [(k % 9) as f32 / 4.0 - 1.0, (k / 9) as f32 / 4.0 - 1.0]);
    let targets = inputs.map(|[x, y]| [f32::from(u8::from(x * x + y * y < 0.6))]);
    let data = Dataset::from_arrays(&inputs, &targets);
    let (mut trainer, mut inside) = (Trainer::<Net, Sgd, 81>::NEW, ConfusionMatrix::<2>::NEW);
    for _ in 0..500 {
        trainer.step(&data, BinaryCrossEntropy, &mut Sgd::new(2.0))?;
    }
    trainer.binary_confusion_matrix(&data, 0.0, &mut inside)?;
    println!("{}\n{inside}", Trainer::<Net, Sgd, 81>::summary());
    assert_eq!(inside.accuracy(), Some(1.0));
    Ok(())
}

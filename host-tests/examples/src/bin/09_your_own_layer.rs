//! A layer of your own: it gives each input and its square, so that one dense layer behind it can draw a circle.
//!
//!     cargo run -p examples --bin 09_your_own_layer

use baregrad::layer::{InputGradient, Inputs, NonFinite, Pass, Tensors, activate};
use baregrad::optimizer::{Optimizer, Slot};
use baregrad::{BinaryCrossEntropy, ConfusionMatrix, Dataset, Dense, Features, Identity, Layer, Model};
use baregrad::{Parameters, Sgd, Trainer, Zero, floats};

/// `y = (x₁, x₂, x₁², x₂²)`: nothing to learn.
struct Squares;

impl Zero for Squares {
    const ZERO: Self = Self;
}
impl Tensors<f32> for Squares {}
impl Parameters for Squares {
    const KIND: &'static str = "Squares";
    type Slots<T: Slot> = ();
}
#[rustfmt::skip] // a line for each signature
impl Layer<Features<2>> for Squares {
    type Out = Features<4>;
    type Activation = Identity;
    fn forward<P: Pass, X: Inputs + ?Sized>(&self, _: P, x: &X, y: &mut [f32], _: &mut [f32]) -> Result<(), NonFinite> {
        for (s, y) in y.as_chunks_mut().0.iter_mut().enumerate() {
            if let Some(&[a, b]) = x.sample(s) { *y = [a, b, a * a, b * b]; }
        }
        activate::<Identity>(y)
    }
    fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(&mut self, _: P, x: &X, delta: &[f32], mut dx: InputGradient<'_>, _: &mut [f32], _: &mut (), _: &O::Step) {
        for (s, delta) in delta.as_chunks::<4>().0.iter().enumerate() {
            if let Some(&[a, b]) = x.sample(s) { dx.give(2 * s, &[delta[0] + 2.0 * a * delta[2], delta[1] + 2.0 * b * delta[3]]); }
        }
    }
}

type Net = Model<Features<2>, (Squares, Dense<4, 1>)>;
type Training = Trainer<Net, Sgd, 81, { floats::<Net>() }>;

fn main() -> Result<(), baregrad::StepError> {
    // A grid of points; inside of a circle or not.
    let inputs: [[f32; 2]; 81] = core::array::from_fn(|k| [(k % 9) as f32 / 4.0 - 1.0, (k / 9) as f32 / 4.0 - 1.0]);
    let targets = inputs.map(|[x, y]| [f32::from(u8::from(x * x + y * y < 0.6))]);
    let data = Dataset::from_arrays(&inputs, &targets);
    let (mut trainer, mut inside) = (Training::NEW, ConfusionMatrix::<2>::NEW);
    for _ in 0..500 {
        trainer.step(&data, BinaryCrossEntropy, &mut Sgd::new(2.0))?;
    }
    trainer.binary_confusion_matrix(&data, 0.0, &mut inside)?;
    println!("{}\n{inside}", Training::summary());
    assert_eq!(inside.accuracy(), Some(1.0));
    Ok(())
}

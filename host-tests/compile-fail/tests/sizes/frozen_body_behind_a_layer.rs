//! A frozen body gives no gradient to the layers in front of the residual.

use baregrad::{Dataset, Dense, Frozen, MeanSquaredError, Residual, Sgd, Trainer, floats};

type Net = (Dense<4, 3>, Residual<(Frozen<(Dense<3, 5>,)>, Dense<5, 3>)>);

fn main() {
    let mut trainer = Trainer::<Net, Sgd, 1, { floats::<Net>() }>::NEW;
    let data = Dataset::from_arrays(&[[0.5; 4]], &[[0.5; 3]]);
    let _ = trainer.step(&data, MeanSquaredError, &mut Sgd::new(0.1));
}

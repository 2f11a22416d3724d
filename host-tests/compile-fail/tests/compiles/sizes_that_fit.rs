//! What `sizes` does wrong, done right.

use baregrad::{Dataset, Dense, Frozen, MeanSquaredError, Network, Relu, Sgd, Trainer, Zero, floats, predict_floats};

type Net = (Frozen<(Dense<4, 16, Relu>,)>, Dense<16, 3>);

fn main() {
    let mut trainer = Trainer::<Net, Sgd, 16, { floats::<Net>() }>::NEW;
    let data = Dataset::from_arrays(&[[0.5; 4]], &[[0.5; 3]]);
    assert!(trainer.step(&data, MeanSquaredError, &mut Sgd::new(0.1)).is_ok());
    // A frozen part may predict anywhere.
    type Behind = (Dense<4, 4>, Frozen<(Dense<4, 16, Relu>,)>, Dense<16, 3>);
    assert!(Behind::ZERO.predict_in(&[0.5; 4], &mut [0.0; predict_floats::<Behind>()]).is_ok());
    assert!(Net::ZERO.predict(&[0.5; 4]).get(0, 2).is_some());
}

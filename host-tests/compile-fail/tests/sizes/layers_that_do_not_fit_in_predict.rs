//! The same mistake without a trainer: a network with its weights in flash, used for inference only.

use baregrad::{Dense, Matrix, Network, Relu};

static NETWORK: (Dense<2, 4, Relu>, Dense<3, 1>) =
    (Dense::new(Matrix::from_rows([[0.5; 4]; 2]), [0.0; 4]), Dense::new(Matrix::from_rows([[0.5]; 3]), [0.0]));

fn main() {
    let _ = NETWORK.predict(&[0.0, 1.0]);
}

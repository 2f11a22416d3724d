//! Three values for a network of four inputs.

use baregrad::{Dense, Network, Relu, Zero};

fn main() {
    let network = <(Dense<4, 16, Relu>, Dense<16, 3>)>::ZERO;
    let _ = network.predict(&[5.1, 3.5, 1.4]);
}

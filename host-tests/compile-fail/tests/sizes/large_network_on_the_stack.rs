//! A prediction that needs more than 2 KB of stack.

use baregrad::{Dense, Network, Relu, Zero};

type Net = (Dense<4, 1000, Relu>, Dense<1000, 3>);

fn main() {
    let _ = Net::ZERO.predict(&[0.5; 4]);
}

//! Activations, and layers that are a function of each value. A new one is a row in [`further_activations`], or in [`each_elementwise`].

use core::fmt::{self, Debug};

use baregrad::activation::Activation;
use baregrad::scalar;
use baregrad::shape::Features;
use baregrad::{HardSigmoid, HardSwish, Identity, Layer, LeakyRelu, Relu, Sigmoid, Tanh};

/// A function of each value by its formulas.
#[derive(Clone, Copy)]
pub struct Curve {
    /// Name of the type.
    pub name: &'static str,
    /// `a = g(z)`.
    pub value: fn(z: f32) -> f32,
    /// The gradient with respect to `z`, given that with respect to `a`, and both.
    pub back: fn(gradient: f32, z: f32, a: f32) -> f32,
    /// `g(z)` from its definition.
    pub precise: fn(z: f64) -> f64,
    /// Where its slope jumps.
    pub kinks: &'static [f64],
}

impl Debug for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Curve {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// What is done with each activation.
pub trait VisitActivations {
    /// A row.
    fn activation<A: Activation>(&mut self, curve: Curve);
}

/// All activations.
pub fn each_activation(to: &mut impl VisitActivations) {
    first_activations(to);
    further_activations(to);
}

/// Those of the cases in `same_bits.expected`, which name them by number: none is added here.
pub fn first_activations(to: &mut impl VisitActivations) {
    to.activation::<Identity>(Curve {
        name: "Identity",
        value: |z| z,
        back: |gradient, _, _| gradient,
        precise: |z| z,
        kinks: &[],
    });
    to.activation::<Sigmoid>(Curve {
        name: "Sigmoid",
        value: scalar::sigmoid,
        back: |gradient, _, a| gradient * (a * (1.0 - a)),
        precise: |z| 1.0 / (1.0 + libm::exp(-z)),
        kinks: &[],
    });
    to.activation::<Tanh>(Curve {
        name: "Tanh",
        value: scalar::tanh,
        back: |gradient, _, a| gradient * (1.0 - a * a),
        precise: libm::tanh,
        kinks: &[],
    });
    to.activation::<Relu>(Curve {
        name: "Relu",
        value: |z| if z <= 0.0 { 0.0 } else { z },
        back: |gradient, _, a| if a > 0.0 { gradient } else { 0.0 },
        precise: |z| z.max(0.0),
        kinks: &[0.0],
    });
    to.activation::<LeakyRelu>(Curve {
        name: "LeakyRelu",
        value: |z| if z < 0.0 { 0.01 * z } else { z },
        back: |gradient, _, a| gradient * if a > 0.0 { 1.0 } else { 0.01 },
        // The library's factor is 0.01 in f32.
        precise: |z| z.max(0.0) + f64::from(0.01_f32) * z.min(0.0),
        kinks: &[0.0],
    });
}

/// All others. Each has a training of its own in `same_bits_more.expected`.
pub fn further_activations(to: &mut impl VisitActivations) {
    to.activation::<HardSigmoid>(Curve {
        name: "HardSigmoid",
        value: |z| (z + 3.0).clamp(0.0, 6.0) * (1.0 / 6.0),
        back: |gradient, _, a| gradient * if 0.0 < a && a < 1.0 { 1.0 / 6.0 } else { 0.0 },
        precise: |z| (z + 3.0).clamp(0.0, 6.0) / 6.0,
        kinks: &[-3.0, 3.0],
    });
}

/// Values of a sample in a row of [`each_elementwise`].
pub const WIDTH: usize = 5;

/// What is done with each layer that is a function of each value.
pub trait VisitElementwise {
    /// A row.
    fn elementwise<L>(&mut self, curve: Curve)
    where
        L: Layer<Features<WIDTH>, Out = Features<WIDTH>, Activation = Identity>;
}

/// All layers that are a function of each value. Each has a training of its own in `same_bits_more.expected`.
pub fn each_elementwise(to: &mut impl VisitElementwise) {
    to.elementwise::<HardSwish>(Curve {
        name: "HardSwish",
        value: |z| z * ((z + 3.0).clamp(0.0, 6.0) * (1.0 / 6.0)),
        back: |gradient, z, _| {
            gradient
                * match z {
                    _ if z <= -3.0 => 0.0,
                    _ if z >= 3.0 => 1.0,
                    _ => z * (1.0 / 3.0) + 0.5,
                }
        },
        precise: |z| z * (z + 3.0).clamp(0.0, 6.0) / 6.0,
        kinks: &[-3.0, 3.0],
    });
}

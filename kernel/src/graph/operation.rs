//! The operations of a graph: value and gradient next to each other.

// `if` alone leaves the compiler free to branch on the data.
use core::hint::select_unpredictable as select;

use crate::activation::{Activation, Relu, Sigmoid, Tanh};
use crate::scalar;

/// How a node came about; operands are indices of earlier nodes.
#[derive(Clone, Copy)]
pub(super) enum Operation {
    Leaf,
    Unary(Unary, u16),
    Binary(Binary, u16, u16),
    /// A node to a constant power.
    Power(u16, i16),
}

#[derive(Clone, Copy)]
pub(super) enum Unary {
    Neg,
    Exp,
    Ln,
    Sqrt,
    Tanh,
    Sigmoid,
    Relu,
}

impl Unary {
    /// `y = f(a)`.
    pub(super) fn value(self, a: f32) -> f32 {
        match self {
            Self::Neg => -a,
            Self::Exp => scalar::exp(a),
            Self::Ln => scalar::ln(a),
            Self::Sqrt => scalar::sqrt(a),
            Self::Tanh => Tanh::value(a),
            Self::Sigmoid => Sigmoid::value(a),
            Self::Relu => Relu::value(a),
        }
    }

    /// `g·f'(a)`, given `y = f(a)`.
    pub(super) fn backward(self, g: f32, a: f32, y: f32) -> f32 {
        match self {
            Self::Neg => -g,
            Self::Exp => g * y,
            Self::Ln => g / a,
            Self::Sqrt => g / (y + y),
            Self::Tanh => Tanh::backward(g, y),
            Self::Sigmoid => Sigmoid::backward(g, y),
            Self::Relu => Relu::backward(g, y),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Max,
}

impl Binary {
    /// `y = f(a, b)`.
    pub(super) fn value(self, a: f32, b: f32) -> f32 {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            // A NaN in `a` stays, since nothing is larger.
            Self::Max => select((b > a) | b.is_nan(), b, a),
        }
    }

    /// `g·∂f/∂a` and `g·∂f/∂b`, given `y = f(a, b)`.
    pub(super) fn backward(self, g: f32, a: f32, b: f32, y: f32) -> (f32, f32) {
        match self {
            Self::Add => (g, g),
            Self::Sub => (g, -g),
            Self::Mul => (g * b, g * a),
            Self::Div => {
                let quotient = g / b;
                (quotient, -(quotient * y))
            }
            Self::Max => {
                let share = select(a == b, 0.5 * g, g);
                (select(a < b, 0.0, share), select(b < a, 0.0, share))
            }
        }
    }
}

/// `aⁿ`; see [`Graph::powi`](super::Graph::powi).
pub(super) fn power(a: f32, n: i32) -> f32 {
    let positive = scalar::power(a, n.unsigned_abs());
    // Of NaN even the power 0 is NaN: a graph hides none.
    let power = select(a.is_nan(), a, positive);
    if n < 0 { 1.0 / power } else { power }
}

/// `g·n·aⁿ⁻¹`.
pub(super) fn power_backward(g: f32, a: f32, n: i16) -> f32 {
    let n = i32::from(n);
    let slope = if n == 0 { 0.0 } else { n as f32 * power(a, n.saturating_sub(1)) };
    g * slope
}

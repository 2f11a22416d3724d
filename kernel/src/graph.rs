//! A scalar reverse-mode graph with static storage: the gradient of a user's own formula in one backward sweep.
//!
//! It serves custom losses, penalties and small formulas of a few dozen nodes, not layers: those have their own loops, which
//! are far faster and store less. The user builds the formula node by node, each value computed at once; then one sweep from
//! the output down gives the derivative of that output with respect to every node, the leaves among them.
//!
//! ```
//! use baregrad::graph::{Graph, GraphError};
//!
//! let graph = Graph::<16>::NEW; // 244 bytes
//! let x = graph.leaf(1.0)?;
//! let two = graph.leaf(2.0)?; // a constant is a leaf, too
//! let y = graph.mul(two, graph.mul(x, x)?)?;
//! assert_eq!(graph.value(y)?, 2.0);
//!
//! graph.backward(y)?;
//! assert_eq!(graph.gradient(x)?, 4.0); // of 2x² at 1
//! # Ok::<(), GraphError>(())
//! ```
//!
//! # Handles
//!
//! A [`Node`] borrows its graph. So one that is kept over [`Graph::clear`] does not compile (below); and one that is given to
//! another graph is known by the address of its own, and refused as [`GraphError::ForeignNode`].
//!
//! ```compile_fail,E0502
//! # use baregrad::graph::{Graph, GraphError};
//! let mut graph = Graph::<16>::NEW;
//! let x = graph.leaf(1.0)?;
//! graph.clear(); // cannot borrow `graph` as mutable because it is also borrowed as immutable
//! graph.value(x)?;
//! # Ok::<(), GraphError>(())
//! ```
//!
//! All other methods take `&self` (the storage is cells), so that calls nest, as above.
//!
//! # In a loss
//!
//! Example `graph` is a loss made so. The methods of [`Loss`](crate::loss::Loss) take `&self`, so let them build a small graph in a local
//! variable for each sample.
//! Its leaves are the outputs and the targets; the gradient of output `o` times `scale`, then
//! [back through](crate::activation::Activation::backward) the activation, is `delta[o]`. Where the graph returns an error, give NaN as
//! the value: a training step refuses it.
//!
//! # Order and rounding
//!
//! Each node's value is one operation of its operands, rounded by itself, but for the functions of [`scalar`](crate::scalar) and
//! [`Graph::powi`], which are fixed sequences. The sweep visits the nodes from the output down to the first. A node with the
//! complete gradient `g` gives its operands, `y` being its value, first to `a`, then to `b`:
//!
//! | node | to `a` | to `b` |
//! | --- | --- | --- |
//! | `a + b` | `g` | `g` |
//! | `a - b` | `g` | `-g` |
//! | `a · b` | `g·b` | `g·a` |
//! | `a / b` | `q = g/b` | `-(q·y)` |
//! | `max(a, b)` | `g`, `g/2` or 0 | `g`, `g/2` or 0 |
//! | `-a` | `-g` | |
//! | `exp a` | `g·y` | |
//! | `ln a` | `g/a` | |
//! | `√a` | `g/(y + y)` | |
//! | `tanh a` | `g·(1 - y·y)` | |
//! | `sigmoid a` | `g·(y·(1 - y))` | |
//! | `relu a` | `g` for `y > 0`, else 0 | |
//! | `aⁿ` | `g·(n·aⁿ⁻¹)`; `g·0` for `n = 0` | |
//!
//! A node's gradient is the sum of what it is given, in that order: from its *latest* use to its first, starting with the first
//! term. A node that the output does not depend on gives nothing and has the gradient 0. A node that is made after the sweep has none:
//! to ask for it is [`GraphError::NoGradient`], until the next sweep. The time depends on the graph, not on
//! the values. A neuron built like [`Dense`](crate::Dense) (from the bias, inputs 0, 1, …) has the bits of that layer.
//!
//! # Special values
//!
//! Arithmetic is IEEE 754's. A NaN operand makes a NaN, always: also in `max`, `relu` and `a⁰`. An infinite slope times a
//! gradient of 0 is NaN, as it is in PyTorch: `max(ln x, c)` at `x = 0` has a value but no gradient. Never panics.
//!
//! # Source
//!
//! Griewank and Walther, *Evaluating Derivatives*, 2nd edition, 2008, on the reverse mode; it goes back to Linnainmaa, 1970.

mod error;
mod operation;

pub use error::GraphError;

use core::cell::Cell;

use crate::zero::Zero;
use operation::{Binary, Operation, Unary, power, power_backward};

/// A value in a [`Graph`]: a leaf, or the result of an operation. A small handle that borrows the graph.
#[derive(Clone, Copy, Debug)]
pub struct Node<'g> {
    /// The graph's count of nodes. The graph cannot move while it is borrowed, so the address says whose node this is.
    owner: &'g Cell<u16>,
    pub(crate) index: u16,
}

/// Up to `NODES` scalars and how each came about, 15 bytes a node; see the [module](self).
///
/// In full `15·NODES + 2` bytes, rounded up to a multiple of 4. `NODES` is at most 65,535. All zero at first, so a `static` of
/// it (in a `StaticCell`, say; it is not `Sync`) lies in `.bss`; small ones can be local variables.
pub struct Graph<const NODES: usize> {
    values: [Cell<f32>; NODES],
    gradients: [Cell<f32>; NODES],
    operations: [Cell<Operation>; NODES],
    sweeps: [Cell<Sweep>; NODES],
    nodes: Cell<u16>,
}

/// What the last sweep was for a node.
#[derive(Clone, Copy, PartialEq)]
enum Sweep {
    /// There was none, or the node is younger.
    None,
    /// Its output does not depend on the node.
    PassedBy,
    /// Its output depends on the node.
    Reached,
}

impl<const NODES: usize> Zero for Graph<NODES> {
    const ZERO: Self = {
        assert!(NODES <= u16::MAX as usize, "a Graph has at most 65,535 nodes");
        Self {
            values: [const { Cell::new(0.0) }; NODES],
            gradients: [const { Cell::new(0.0) }; NODES],
            operations: [const { Cell::new(Operation::Leaf) }; NODES],
            sweeps: [const { Cell::new(Sweep::None) }; NODES],
            nodes: Cell::new(0),
        }
    };
}

impl<const NODES: usize> Graph<NODES> {
    /// A graph without nodes.
    #[allow(clippy::declare_interior_mutable_const)] // each use is to be a graph of its own
    pub const NEW: Self = Self::ZERO;
    /// Size in bytes.
    pub const BYTES: usize = size_of::<Self>();

    /// Number of nodes in use.
    pub fn nodes(&self) -> usize {
        usize::from(self.nodes.get())
    }

    /// Forgets all nodes. Handles of them may not be used any more, and the compiler sees to it.
    pub fn clear(&mut self) {
        self.nodes.set(0);
    }

    /// A variable or a constant.
    ///
    /// # Errors
    /// [`GraphError::NodesExhausted`].
    pub fn leaf(&self, value: f32) -> Result<Node<'_>, GraphError> {
        self.push(Operation::Leaf, value)
    }

    /// `a + b`.
    ///
    /// # Errors
    /// [`GraphError::NodesExhausted`] or [`GraphError::ForeignNode`], as for every operation.
    pub fn add(&self, a: Node<'_>, b: Node<'_>) -> Result<Node<'_>, GraphError> {
        self.binary(Binary::Add, a, b)
    }

    /// `a - b`.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn sub(&self, a: Node<'_>, b: Node<'_>) -> Result<Node<'_>, GraphError> {
        self.binary(Binary::Sub, a, b)
    }

    /// `a · b`.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn mul(&self, a: Node<'_>, b: Node<'_>) -> Result<Node<'_>, GraphError> {
        self.binary(Binary::Mul, a, b)
    }

    /// `a / b`.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn div(&self, a: Node<'_>, b: Node<'_>) -> Result<Node<'_>, GraphError> {
        self.binary(Binary::Div, a, b)
    }

    /// The larger of `a` and `b`; `a` where they are equal.
    ///
    /// The gradient goes to the larger. Where they are equal, each gets half; where either is NaN, so is the value, and each gets
    /// the whole. All as PyTorch's `maximum` (`tools/autograd/derivatives.yaml`). The smallest subnormal has a half of 0.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn max(&self, a: Node<'_>, b: Node<'_>) -> Result<Node<'_>, GraphError> {
        self.binary(Binary::Max, a, b)
    }

    /// `-a`, exact.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn neg(&self, a: Node<'_>) -> Result<Node<'_>, GraphError> {
        self.unary(Unary::Neg, a)
    }

    /// `exp a`; see [`scalar::exp`](crate::scalar::exp).
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn exp(&self, a: Node<'_>) -> Result<Node<'_>, GraphError> {
        self.unary(Unary::Exp, a)
    }

    /// `ln a`, the natural logarithm; see [`scalar::ln`](crate::scalar::ln).
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn ln(&self, a: Node<'_>) -> Result<Node<'_>, GraphError> {
        self.unary(Unary::Ln, a)
    }

    /// `√a`, correctly rounded; see [`scalar::sqrt`](crate::scalar::sqrt).
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn sqrt(&self, a: Node<'_>) -> Result<Node<'_>, GraphError> {
        self.unary(Unary::Sqrt, a)
    }

    /// `tanh a`, as [`Tanh`](crate::Tanh).
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn tanh(&self, a: Node<'_>) -> Result<Node<'_>, GraphError> {
        self.unary(Unary::Tanh, a)
    }

    /// `1 / (1 + exp(-a))`, as [`Sigmoid`](crate::Sigmoid).
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn sigmoid(&self, a: Node<'_>) -> Result<Node<'_>, GraphError> {
        self.unary(Unary::Sigmoid, a)
    }

    /// `max(a, 0)` with slope 0 at 0, as [`Relu`](crate::Relu); [`max`](Self::max) with a leaf of 0 has the slope 1/2 there.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn relu(&self, a: Node<'_>) -> Result<Node<'_>, GraphError> {
        self.unary(Unary::Relu, a)
    }

    /// `aⁿ` for a constant whole exponent, by multiplications alone; any sign of `a` and of `exponent`.
    ///
    /// # Order and rounding
    /// [`scalar::power`](crate::scalar::power) of `|n|`, so `a²` and `a³ = a·a²` are the products one would write. For `n < 0`
    /// follows `1 / power`, which is therefore 0 where `a^|n|` overflows and infinite where it underflows. The relative error is
    /// at most about `|n|·2⁻²⁴`.
    ///
    /// # Special values
    /// `a⁰ = 1`, also for 0 and ∞; but NaN for NaN, where IEEE 754's `pown` gives 1.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn powi(&self, a: Node<'_>, exponent: i16) -> Result<Node<'_>, GraphError> {
        let a = self.own(a)?;
        self.push(Operation::Power(a, exponent), power(read(&self.values, a), exponent.into()))
    }

    /// `aᵇ = exp(b · ln a)` for `a > 0`; both may vary. It takes three nodes: the logarithm, the product `b · ln a`, the exponential.
    ///
    /// # Order and rounding
    /// As these three nodes. The relative error grows with `|b · ln a|`, about `2⁻²⁴` of it: `powi` is better for whole exponents.
    ///
    /// # Special values
    /// NaN for `a < 0`, whatever `b`. At `a = 0` the value is 0 for `b > 0` and ∞ for `b < 0`, without a gradient (NaN); and
    /// NaN for `b = 0`, where IEEE 754's `pow` gives 1.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn pow(&self, a: Node<'_>, b: Node<'_>) -> Result<Node<'_>, GraphError> {
        self.own(a)?;
        self.own(b)?;
        if NODES.saturating_sub(self.nodes()) < 3 {
            return Err(GraphError::NodesExhausted { capacity: NODES });
        }
        self.exp(self.mul(b, self.ln(a)?)?)
    }

    /// The value of a node.
    ///
    /// # Errors
    /// [`GraphError::ForeignNode`].
    pub fn value(&self, node: Node<'_>) -> Result<f32, GraphError> {
        Ok(read(&self.values, self.own(node)?))
    }

    /// The sweep: the derivatives of `output` with respect to all nodes; see "Order and rounding" of the [module](self).
    ///
    /// It replaces the gradients of the sweep before. `output` itself has the gradient 1.
    ///
    /// # Errors
    /// [`GraphError::ForeignNode`]; the gradients are then as they were.
    pub fn backward(&self, output: Node<'_>) -> Result<(), GraphError> {
        let output = self.own(output)?;
        for (gradient, sweep) in self.gradients.iter().zip(&self.sweeps) {
            gradient.set(0.0);
            sweep.set(Sweep::PassedBy);
        }
        self.give(output, 1.0);
        let count = usize::from(output).saturating_add(1);
        let nodes = self.operations.iter().zip(&self.sweeps).zip(self.values.iter().zip(&self.gradients));
        for ((operation, sweep), (y, g)) in nodes.take(count).rev() {
            if sweep.get() == Sweep::Reached {
                self.give_operands(operation.get(), y.get(), g.get());
            }
        }
        Ok(())
    }

    /// The derivative with respect to `node` of the output of the last [`backward`](Self::backward).
    ///
    /// # Errors
    /// [`GraphError::NoGradient`] before the first sweep, and for a node that was made after the last; [`GraphError::ForeignNode`].
    pub fn gradient(&self, node: Node<'_>) -> Result<f32, GraphError> {
        let index = self.own(node)?;
        match self.sweeps.get(usize::from(index)).map(Cell::get) {
            None | Some(Sweep::None) => Err(GraphError::NoGradient),
            Some(Sweep::PassedBy | Sweep::Reached) => Ok(read(&self.gradients, index)),
        }
    }

    fn unary(&self, f: Unary, a: Node<'_>) -> Result<Node<'_>, GraphError> {
        let a = self.own(a)?;
        self.push(Operation::Unary(f, a), f.value(read(&self.values, a)))
    }

    fn binary(&self, f: Binary, a: Node<'_>, b: Node<'_>) -> Result<Node<'_>, GraphError> {
        let (a, b) = (self.own(a)?, self.own(b)?);
        self.push(Operation::Binary(f, a, b), f.value(read(&self.values, a), read(&self.values, b)))
    }

    /// The index of a node, if it is one of this graph: then it is below the count of nodes.
    fn own(&self, node: Node<'_>) -> Result<u16, GraphError> {
        if core::ptr::eq(node.owner, &self.nodes) { Ok(node.index) } else { Err(GraphError::ForeignNode) }
    }

    fn push(&self, operation: Operation, value: f32) -> Result<Node<'_>, GraphError> {
        let index = self.nodes.get();
        let at = usize::from(index);
        let (Some(y), Some(sweep), Some(how)) = (self.values.get(at), self.sweeps.get(at), self.operations.get(at))
        else {
            return Err(GraphError::NodesExhausted { capacity: NODES });
        };
        y.set(value);
        sweep.set(Sweep::None);
        how.set(operation);
        self.nodes.set(index.saturating_add(1));
        Ok(Node { owner: &self.nodes, index })
    }

    /// What a node of value `y` and gradient `g` gives its operands.
    fn give_operands(&self, operation: Operation, y: f32, g: f32) {
        match operation {
            Operation::Leaf => {}
            Operation::Unary(f, a) => self.give(a, f.backward(g, read(&self.values, a), y)),
            Operation::Power(a, n) => self.give(a, power_backward(g, read(&self.values, a), n)),
            Operation::Binary(f, a, b) => {
                let (to_a, to_b) = f.backward(g, read(&self.values, a), read(&self.values, b), y);
                self.give(a, to_a);
                self.give(b, to_b);
            }
        }
    }

    /// Adds a term to the gradient of a node; the first is the gradient.
    fn give(&self, index: u16, term: f32) {
        let at = usize::from(index);
        if let (Some(gradient), Some(sweep)) = (self.gradients.get(at), self.sweeps.get(at)) {
            let is_first = sweep.replace(Sweep::Reached) != Sweep::Reached;
            gradient.set(if is_first { term } else { gradient.get() + term });
        }
    }
}

/// Entry `index`, which is in range for every node there is.
fn read(cells: &[Cell<f32>], index: u16) -> f32 {
    cells.get(usize::from(index)).map_or(f32::NAN, Cell::get)
}

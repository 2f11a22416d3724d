//! What can go wrong in a graph.

use core::fmt;

/// Why a graph refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum GraphError {
    /// There is no room for the nodes asked for; none was added, and those there are can still be used.
    NodesExhausted {
        /// `NODES` of the graph.
        capacity: usize,
    },
    /// A node belongs to another graph.
    ForeignNode,
    /// A gradient was asked for before any backward sweep, or of a node that was made after the last.
    NoGradient,
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NodesExhausted { capacity } => write!(f, "no room in a graph of {capacity} nodes"),
            Self::ForeignNode => write!(f, "the node belongs to another graph"),
            Self::NoGradient => write!(f, "no backward sweep has been run since the node was made"),
        }
    }
}

impl core::error::Error for GraphError {}

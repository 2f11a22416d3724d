//! A printable summary: layers, shapes, parameters, bytes.

use core::fmt::{self, Write};
use core::marker::PhantomData;

use super::Network;
use crate::layer::LayerSummary;

/// Layers, shapes, parameter counts and bytes of a network, to print with `{}`.
pub struct Summary<N> {
    training: Option<Training>,
    network: PhantomData<N>,
}

/// The bytes that training adds to the weights.
struct Training {
    batch: usize,
    slots: usize,
    workspace: usize,
}

impl<N: Network> Summary<N> {
    pub(crate) const fn of_network() -> Self {
        Self { training: None, network: PhantomData }
    }

    pub(crate) const fn of_training(batch: usize, slots: usize, workspace: usize) -> Self {
        Self { training: Some(Training { batch, slots, workspace }), network: PhantomData }
    }
}

/// A name and spaces, so many letters in all. A width of `{:<width$}` leaves a panic at `opt-level = 1`.
fn padded(f: &mut fmt::Formatter<'_>, name: &str, width: usize) -> fmt::Result {
    f.write_str(name)?;
    (name.len()..width).try_for_each(|_| f.write_char(' '))
}

impl<N: Network> fmt::Display for Summary<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As wide as the longest name asks for.
        let mut width = 8;
        N::describe_layers(&mut |layer| width = layer.kind.len().max(width));
        padded(f, "layer", width)?;
        let mut result = writeln!(f, "{:>8}{:>8}  {:<12}{:>11}", "in", "out", "activation", "parameters");
        N::describe_layers(&mut |layer| {
            result = result.and_then(|()| padded(f, layer.kind, width)).and_then(|()| {
                let LayerSummary { inputs, outputs, activation, parameters, .. } = layer;
                writeln!(f, "{inputs:>8}{outputs:>8}  {activation:<12}{parameters:>11}")
            });
        });
        result?;
        let weights = size_of::<N>();
        write!(f, "{} parameters", N::PARAMETERS)?;
        if N::STATE_VALUES > 0 {
            write!(f, " and {} values of state", N::STATE_VALUES)?;
        }
        write!(f, ", {weights} bytes")?;
        if let Some(Training { batch, slots, workspace }) = self.training {
            let total = weights.saturating_add(slots).saturating_add(workspace);
            write!(
                f,
                "; training in batches of {batch}: optimizer {slots} bytes, workspace {workspace} bytes, in all {total} bytes"
            )?;
        }
        Ok(())
    }
}

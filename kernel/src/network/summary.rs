//! A printable summary: layers, shapes, parameters, bytes.

use core::fmt;
use core::marker::PhantomData;

use super::Network;

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

impl<N: Network> fmt::Display for Summary<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As wide as the longest name asks for.
        let mut width = 8;
        N::describe_layers(&mut |layer| width = layer.kind.len().max(width));
        let mut result =
            writeln!(f, "{:<width$}{:>8}{:>8}  {:<12}{:>11}", "layer", "in", "out", "activation", "parameters");
        N::describe_layers(&mut |layer| {
            result = result.and(writeln!(
                f,
                "{:<width$}{:>8}{:>8}  {:<12}{:>11}",
                layer.kind, layer.inputs, layer.outputs, layer.activation, layer.parameters
            ));
        });
        result?;
        let weights = size_of::<N>();
        write!(f, "{} parameters, {weights} bytes", N::PARAMETERS)?;
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

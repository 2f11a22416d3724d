//! One layer of a layer and the normalization behind it.

use super::tile::{TILE, copied, tile, tile_mut};
use super::{BatchNorm, NormSettings};
use crate::activation::{Activation, Identity};
use crate::layer::{Conv2d, Dense, DepthwiseConv2d, Parameters, Tensor, Tensors, Window};

/// A layer that a [`BatchNorm`] of `N` channels behind it can be folded into: [`Dense`], a convolution or a depthwise convolution, without activation.
///
/// A layer of one's own has two tensors, weights and a bias for each of the `N` outputs. Its weights have the outputs last, so each row of them has
/// `N` values, and it has no activation. [`Folded`](Self::Folded) has tensors of the same sizes: that is checked when it compiles.
#[diagnostic::on_unimplemented(
    message = "no `BatchNorm` of {N} channels can be folded into `{Self}`",
    note = "it is folded into a layer with so many outputs and without activation, that is `Dense` or a convolution"
)]
pub trait Fold<const N: usize, A>: Parameters {
    /// The same layer with the activation of the norm.
    type Folded: Parameters;
}

// So that a message does not list what could be folded.
#[diagnostic::do_not_recommend]
impl<const IN: usize, const N: usize, A: Activation> Fold<N, A> for Dense<IN, N, Identity> {
    type Folded = Dense<IN, N, A>;
}

#[diagnostic::do_not_recommend]
impl<const IN: usize, const N: usize, const KH: usize, const KW: usize, W: Window, A: Activation> Fold<N, A>
    for Conv2d<IN, N, KH, KW, W, Identity>
{
    type Folded = Conv2d<IN, N, KH, KW, W, A>;
}

#[diagnostic::do_not_recommend]
impl<const N: usize, const KH: usize, const KW: usize, W: Window, A: Activation> Fold<N, A>
    for DepthwiseConv2d<N, KH, KW, W, Identity>
{
    type Folded = DepthwiseConv2d<N, KH, KW, W, A>;
}

impl<const N: usize, A, S: NormSettings> BatchNorm<N, A, S> {
    /// Writes the layer that does what `layer` and this one behind it do in a prediction.
    ///
    /// ```text
    /// k  = γ / √(running variance + ε)
    /// W' = W·k
    /// b' = b·k + (β - running mean·k)
    /// ```
    ///
    /// # Order and rounding
    /// Every operation rounds to nearest `f32` by itself, so a prediction of the folded layer differs from that of the two in its last bits. With weights and
    /// statistics of an ordinary size that is some `2⁻²³` of the largest term.
    ///
    /// # Special values
    /// Arithmetic is IEEE 754's, and nothing is refused here: a prediction refuses what is not finite.
    ///
    /// # Source
    /// Jacob et al., *Quantization and training of neural networks for efficient integer-arithmetic-only inference*, 2018, section 3.2.
    pub fn fold_into<L: Fold<N, A>>(&self, layer: &L, folded: &mut L::Folded) {
        const {
            assert!(
                is_foldable(L::TENSORS, N)
                    && is_foldable(L::Folded::TENSORS, N)
                    && L::PARAMETERS == L::Folded::PARAMETERS,
                "a BatchNorm is folded into a layer of weights and a bias, and gives one of the same sizes"
            );
        }
        let mut at = 0_usize;
        while at.wrapping_add(TILE) <= N {
            self.fold_tile::<TILE, L>(layer, folded, at);
            at = at.wrapping_add(TILE);
        }
        while at < N {
            self.fold_tile::<1, L>(layer, folded, at);
            at = at.wrapping_add(1);
        }
    }

    fn fold_tile<const T: usize, L: Fold<N, A>>(&self, layer: &L, folded: &mut L::Folded, at: usize) {
        let (factors, mean) = (self.line_of_running::<T>(at).factor, copied::<T>(&self.running_mean, at));
        let rows = layer.tensor(0).as_chunks::<N>().0.iter().zip(folded.tensor_mut(0).as_chunks_mut::<N>().0);
        for (from, to) in rows {
            if let (Some(from), Some(to)) = (tile::<T>(from, at), tile_mut::<T>(to, at)) {
                for ((to, from), factor) in to.iter_mut().zip(from).zip(&factors) {
                    *to = from * factor;
                }
            }
        }
        let (bias, own) = (copied::<T>(layer.tensor(1), at), copied::<T>(&self.bias, at));
        if let Some(to) = tile_mut::<T>(folded.tensor_mut(1), at) {
            for ((((to, bias), own), mean), factor) in to.iter_mut().zip(bias).zip(own).zip(mean).zip(&factors) {
                *to = bias * factor + (own - mean * factor);
            }
        }
    }
}

/// Whether these are weights with `outputs` last, and a bias for each.
const fn is_foldable(tensors: &[Tensor], outputs: usize) -> bool {
    match tensors {
        [weights, bias] => outputs > 0 && weights.columns == outputs && bias.len() == outputs,
        _ => false,
    }
}

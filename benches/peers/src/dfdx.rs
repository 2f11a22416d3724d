//! `dfdx`: sizes in the type, as here.
//!
//! Its examples begin with `flush_denormals_to_zero`. That would change the arithmetic of everything else in this process, and
//! the runs are too short to meet subnormal numbers, so it is left out.

use benches::Contender;
use benches::work::{Rule, Source, Work};
use dfdx::optim::{Adam, Optimizer, Sgd};
use dfdx::prelude::*;
use dfdx::tensor::Gradients;
use dfdx::tensor_ops::{AdamConfig, SgdConfig};

use crate::peer::{Peer, Run};

type XorNet = (Linear<2, 3>, Sigmoid, Linear<3, 1>, Sigmoid);
type IrisNet = (Linear<4, 16>, ReLU, Linear<16, 3>);
type DigitsNet = (Linear<64, 32>, ReLU, Linear<32, 10>);
type ImagesNet = (Linear<196, 100>, Sigmoid, Linear<100, 50>, Sigmoid, Linear<50, 10>, Sigmoid);

/// `dfdx` at a work; its convolutions need a nightly compiler.
pub(crate) fn contender(work: &'static Work) -> Option<Box<dyn Contender>> {
    Some(match work.source {
        Source::Xor => Box::new(Run::new(work, Xor::new(work))),
        Source::Iris => Box::new(Run::new(work, Iris::new(work))),
        Source::Digits => Box::new(Run::new(work, Digits::new(work))),
        Source::Images => Box::new(Run::new(work, Images::new(work))),
        Source::LargeImages => return None,
    })
}

/// Samples and their target values; the number of samples is not in the type.
struct Batch<const IN: usize, const OUT: usize> {
    inputs: Tensor<(usize, Const<IN>), f32, Cpu>,
    targets: Tensor<(usize, Const<OUT>), f32, Cpu>,
}

fn rate(work: &Work) -> f64 {
    let (Rule::Sgd(rate) | Rule::Adam(rate)) = work.rule;
    f64::from(rate)
}

fn sgd<M>(work: &Work, model: &M) -> Sgd<M, f32, Cpu> {
    Sgd::new(model, SgdConfig { lr: rate(work), momentum: None, weight_decay: None })
}

fn adam<M>(work: &Work, model: &M) -> Adam<M, f32, Cpu> {
    Adam::new(model, AdamConfig { lr: rate(work), ..AdamConfig::default() })
}

// A struct with its steps for one network. In functions the bounds on a generic model would be longer than this.
macro_rules! peer {
    ($name:ident: $net:ty, [$($layer:tt),+], $inputs:literal, $outputs:literal, $loss:ident, $rule:ident by $make:ident) => {
        struct $name {
            work: &'static Work,
            device: Cpu,
            model: <$net as BuildOnDevice<Cpu, f32>>::Built,
            optimizer: $rule<<$net as BuildOnDevice<Cpu, f32>>::Built, f32, Cpu>,
            /// `None` only within a step, which takes it and gives it back.
            gradients: Option<Gradients<f32, Cpu>>,
        }

        impl $name {
            fn new(work: &'static Work) -> Self {
                let device = Cpu::default();
                let model = device.build_module::<$net, f32>();
                let (optimizer, gradients) = ($make(work, &model), Some(model.alloc_grads()));
                Self { work, device, model, optimizer, gradients }
            }
        }

        impl Peer for $name {
            type Batch = Batch<$inputs, $outputs>;
            type Value = f32;

            fn reset(&mut self) {
                let mut parameters = self.work.parameters().into_iter();
                $(
                    let layer = parameters.next().expect("as many layers");
                    self.model.$layer.weight.copy_from(&layer.weights_by_output());
                    self.model.$layer.bias.copy_from(&layer.bias);
                )+
                self.optimizer = $make(self.work, &self.model);
            }

            fn batch(&self, inputs: Vec<f32>, targets: Vec<f32>, labels: &[u8]) -> Self::Batch {
                let rows = labels.len();
                Batch {
                    inputs: self.device.tensor_from_vec(inputs, (rows, Const)),
                    targets: self.device.tensor_from_vec(targets, (rows, Const)),
                }
            }

            fn step(&mut self, batch: &Self::Batch) -> f32 {
                let gradients = self.gradients.take().expect("the last step gave it back");
                let output = self.model.forward(batch.inputs.clone().traced(gradients));
                let loss = $loss(output, batch.targets.clone());
                let value = loss.array(); // of no cost here, and the backward pass takes the loss away
                let mut gradients = loss.backward();
                self.optimizer.update(&mut self.model, &gradients).expect("every parameter is used");
                self.model.zero_grads(&mut gradients);
                self.gradients = Some(gradients);
                value
            }

            fn predict(&self, batch: &Self::Batch) -> f32 {
                self.model.forward(batch.inputs.clone())[[0, 0]]
            }

            fn read(value: f32) -> f32 {
                value
            }
        }
    };
}

peer!(Xor: XorNet, [0, 2], 2, 1, mse_loss, Sgd by sgd);
peer!(Iris: IrisNet, [0, 2], 4, 3, cross_entropy_with_logits_loss, Adam by adam);
peer!(Digits: DigitsNet, [0, 2], 64, 10, cross_entropy_with_logits_loss, Sgd by sgd);
peer!(Images: ImagesNet, [0, 2, 4], 196, 10, mse_loss, Sgd by sgd);

//! `burn` with its CPU backend `flex`.

use benches::Contender;
use benches::work::{Parameters, Rule, Task, Work};
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig, MseLoss, Reduction};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::peer::{Peer, Run};

/// `burn` at a work.
pub(crate) fn contender(work: &'static Work) -> Box<dyn Contender> {
    let device = Device::flex();
    let training = Device::flex().autodiff();
    let cross_entropy = CrossEntropyLossConfig::new().init(&training);
    let mut burn = Burn {
        work,
        network: None,
        trained: network(work, &device),
        optimizer: SgdConfig::new().init(),
        cross_entropy,
        device: training,
    };
    burn.reset();
    Box::new(Run::new(work, burn))
}

#[derive(Module, Debug)]
struct Layers {
    convolutions: Vec<Conv2d>,
    pool: MaxPool2d,
    layers: Vec<Linear>,
}

struct Burn {
    work: &'static Work,
    /// `None` only within a step, which takes it and gives it back.
    network: Option<Layers>,
    /// The same weights on the device without gradients.
    trained: Layers,
    optimizer: ModuleOptimizer,
    cross_entropy: CrossEntropyLoss,
    device: Device,
}

struct Batch {
    inputs: Tensor<2>,
    /// The same without gradients.
    plain: Tensor<2>,
    targets: Tensor<2>,
    labels: Tensor<1, Int>,
}

fn network(work: &Work, device: &Device) -> Layers {
    let mut parameters = work.parameters();
    let linear = parameters.split_off(if work.is_convolutional() { parameters.len() - 1 } else { 0 });
    let bias =
        |layer: &Parameters| Some(Param::from_data(TensorData::new(layer.bias.clone(), [layer.outputs]), device));
    let layer = |layer: Parameters| Linear {
        weight: Param::from_data(TensorData::new(layer.weights_by_channel(), [layer.inputs, layer.outputs]), device),
        bias: bias(&layer),
    };
    let convolution = |layer: Parameters| {
        let channels = layer.inputs / layer.positions;
        let weights = TensorData::new(layer.weights_by_output(), [layer.outputs, channels, 3, 3]);
        let made = Conv2dConfig::new([channels, layer.outputs], [3, 3]).init(device);
        Conv2d { weight: Param::from_data(weights, device), bias: bias(&layer), ..made }
    };
    Layers {
        convolutions: parameters.into_iter().map(convolution).collect(),
        pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
        layers: linear.into_iter().map(layer).collect(),
    }
}

fn forward(network: &Layers, task: Task, mut values: Tensor<2>) -> Tensor<2> {
    if !network.convolutions.is_empty() {
        let rows = values.dims()[0];
        let mut images = values.reshape([rows, 1, 28, 28]);
        for convolution in &network.convolutions {
            images = network.pool.forward(relu(convolution.forward(images)));
        }
        values = images.flatten(1, 3);
    }
    let last = network.layers.len() - 1;
    for (index, layer) in network.layers.iter().enumerate() {
        values = layer.forward(values);
        values = match task {
            Task::Values => sigmoid(values),
            Task::Classes if index < last => relu(values),
            Task::Classes => values,
        };
    }
    values
}

impl Peer for Burn {
    type Batch = Batch;
    type Value = Tensor<1>;

    fn reset(&mut self) {
        self.network = Some(network(self.work, &self.device));
        self.optimizer = match self.work.rule {
            Rule::Sgd(_) => SgdConfig::new().init(),
            Rule::Adam(_) => AdamConfig::new().with_epsilon(1e-8).init(),
        };
    }

    fn batch(&self, inputs: Vec<f32>, targets: Vec<f32>, labels: &[u8]) -> Batch {
        let rows = labels.len();
        let inputs = TensorData::new(inputs, [rows, self.work.inputs()]);
        let labels: Vec<i32> = labels.iter().map(|&label| label.into()).collect();
        Batch {
            inputs: Tensor::from_data(inputs.clone(), &self.device),
            plain: Tensor::from_data(inputs, &Device::flex()),
            targets: Tensor::from_data(TensorData::new(targets, [rows, self.work.outputs()]), &self.device),
            labels: Tensor::from_data(TensorData::new(labels, [rows]), &self.device),
        }
    }

    fn step(&mut self, batch: &Batch) -> Tensor<1> {
        let network = self.network.take().expect("the last step gave it back");
        let output = forward(&network, self.work.task, batch.inputs.clone());
        let loss = match self.work.task {
            Task::Values => MseLoss::new().forward(output, batch.targets.clone(), Reduction::Mean),
            Task::Classes => self.cross_entropy.forward(output, batch.labels.clone()),
        };
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        let (Rule::Sgd(rate) | Rule::Adam(rate)) = self.work.rule;
        self.network = Some(self.optimizer.step(f64::from(rate), network, gradients));
        loss
    }

    fn predict(&self, batch: &Batch) -> Tensor<1> {
        forward(&self.trained, self.work.task, batch.plain.clone()).flatten(0, 1)
    }

    fn read(value: Tensor<1>) -> f32 {
        value.into_data().as_slice::<f32>().expect("f32 throughout")[0]
    }
}

//! `candle`.

use benches::Contender;
use benches::work::{Parameters, Rule, Task, Work};
use candle_core::{Device, Result, Tensor, Var};
use candle_nn::ops::sigmoid;
use candle_nn::{AdamW, Conv2d, Linear, Module, Optimizer, ParamsAdamW, SGD, loss};

use crate::peer::{Peer, Run};

/// `candle` at a work.
pub(crate) fn contender(work: &'static Work) -> Box<dyn Contender> {
    Box::new(Run::new(work, Candle::new(work).expect(SOUND)))
}

const SOUND: &str = "the shapes fit";

enum Update {
    Sgd(SGD),
    Adam(AdamW),
}

struct Candle {
    work: &'static Work,
    layers: Vec<Kind>,
    /// The same weights as tensors that nothing records the use of.
    trained: Vec<Kind>,
    update: Update,
}

enum Kind {
    Linear(Linear),
    /// With ReLU and the maxima of 2 × 2 behind it.
    Convolution(Conv2d),
}

/// Maxima of 2 × 2.
type Pool = fn(&Tensor) -> Result<Tensor>;

/// For training. The gradient that goes back through `max_pool2d` is a quarter of what it should be, because it is multiplied by the mean of the
/// places that are greatest, and at the wrong places where a row or a column is left over.
fn maxima(images: &Tensor) -> Result<Tensor> {
    let (samples, channels, height, width) = images.dims4()?;
    let (rows, columns) = (height / 2, width / 2);
    let covered = images.narrow(2, 0, 2 * rows)?.narrow(3, 0, 2 * columns)?;
    covered.reshape((samples, channels, rows, 2, columns, 2))?.max(5)?.max(3)
}

struct Batch {
    inputs: Tensor,
    targets: Tensor,
    labels: Tensor,
}

impl Candle {
    fn new(work: &'static Work) -> Result<Self> {
        let layers_of_convolution = if work.is_convolutional() { 2 } else { 0 };
        let tensors = |(index, layer): (usize, Parameters)| {
            let shape = if index < layers_of_convolution {
                vec![layer.outputs, layer.inputs / layer.positions, 3, 3]
            } else {
                vec![layer.outputs, layer.inputs]
            };
            let weights = Tensor::from_vec(layer.weights_by_output(), shape, &Device::Cpu)?;
            Ok((weights, Tensor::from_vec(layer.bias, layer.outputs, &Device::Cpu)?))
        };
        let kind = |weights: Tensor, bias: Tensor| match weights.rank() {
            4 => Kind::Convolution(Conv2d::new(weights, Some(bias), Default::default())),
            _ => Kind::Linear(Linear::new(weights, Some(bias))),
        };
        let parameters = work.parameters().into_iter().enumerate().map(tensors).collect::<Result<Vec<_>>>()?;
        let (mut layers, mut trained, mut vars) = (Vec::new(), Vec::new(), Vec::new());
        for (weights, bias) in parameters {
            let (weights_var, bias_var) = (Var::from_tensor(&weights)?, Var::from_tensor(&bias)?);
            layers.push(kind(weights_var.as_tensor().clone(), bias_var.as_tensor().clone()));
            trained.push(kind(weights, bias));
            vars.extend([weights_var, bias_var]);
        }
        let update = match work.rule {
            Rule::Sgd(rate) => Update::Sgd(SGD::new(vars, f64::from(rate))?),
            // Without decay it is Adam.
            Rule::Adam(rate) => {
                let parameters = ParamsAdamW { lr: f64::from(rate), weight_decay: 0.0, ..ParamsAdamW::default() };
                Update::Adam(AdamW::new(vars, parameters)?)
            }
        };
        Ok(Self { work, layers, trained, update })
    }

    fn forward(&self, layers: &[Kind], inputs: &Tensor, pool: Pool) -> Result<Tensor> {
        let mut values = inputs.clone();
        for (index, layer) in layers.iter().enumerate() {
            values = match layer {
                Kind::Convolution(layer) => {
                    values = pool(&layer.forward(&values)?.relu()?)?;
                    continue;
                }
                Kind::Linear(layer) => layer.forward(&values.flatten_from(1)?)?,
            };
            values = match self.work.task {
                Task::Values => sigmoid(&values)?,
                Task::Classes if index + 1 < layers.len() => values.relu()?,
                Task::Classes => values,
            };
        }
        Ok(values)
    }

    fn try_step(&mut self, batch: &Batch) -> Result<Tensor> {
        let output = self.forward(&self.layers, &batch.inputs, maxima)?;
        let loss = match self.work.task {
            Task::Values => loss::mse(&output, &batch.targets)?,
            Task::Classes => loss::cross_entropy(&output, &batch.labels)?,
        };
        match &mut self.update {
            Update::Sgd(sgd) => sgd.backward_step(&loss)?,
            Update::Adam(adam) => adam.backward_step(&loss)?,
        }
        Ok(loss)
    }

    fn try_batch(&self, inputs: Vec<f32>, targets: Vec<f32>, labels: &[u8]) -> Result<Batch> {
        let rows = labels.len();
        let labels: Vec<u32> = labels.iter().map(|&label| label.into()).collect();
        Ok(Batch {
            inputs: if self.work.is_convolutional() {
                Tensor::from_vec(inputs, (rows, 1, 28, 28), &Device::Cpu)?
            } else {
                Tensor::from_vec(inputs, (rows, self.work.inputs()), &Device::Cpu)?
            },
            targets: Tensor::from_vec(targets, (rows, self.work.outputs()), &Device::Cpu)?,
            labels: Tensor::from_vec(labels, rows, &Device::Cpu)?,
        })
    }
}

impl Peer for Candle {
    type Batch = Batch;
    type Value = Tensor;

    fn reset(&mut self) {
        *self = Self::new(self.work).expect(SOUND);
    }

    fn batch(&self, inputs: Vec<f32>, targets: Vec<f32>, labels: &[u8]) -> Batch {
        self.try_batch(inputs, targets, labels).expect(SOUND)
    }

    fn step(&mut self, batch: &Batch) -> Tensor {
        self.try_step(batch).expect(SOUND)
    }

    fn predict(&self, batch: &Batch) -> Tensor {
        self.forward(&self.trained, &batch.inputs, |images| images.max_pool2d(2)).expect(SOUND)
    }

    fn read(value: Tensor) -> f32 {
        let values = value.flatten_all().and_then(|values| values.to_vec1::<f32>());
        values.expect("f32 throughout")[0]
    }
}

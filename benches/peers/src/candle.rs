//! `candle`.

use benches::Contender;
use benches::work::{Parameters, Rule, Task, Work};
use candle_core::{Device, Result, Tensor, Var};
use candle_nn::ops::sigmoid;
use candle_nn::{AdamW, Linear, Module, Optimizer, ParamsAdamW, SGD, loss};

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
    layers: Vec<Linear>,
    /// The same weights as tensors that nothing records the use of.
    trained: Vec<Linear>,
    update: Update,
}

struct Batch {
    inputs: Tensor,
    targets: Tensor,
    labels: Tensor,
}

impl Candle {
    fn new(work: &'static Work) -> Result<Self> {
        let tensors = |layer: Parameters| {
            let weights = Tensor::from_vec(layer.weights_by_output(), (layer.outputs, layer.inputs), &Device::Cpu)?;
            Ok((weights, Tensor::from_vec(layer.bias, layer.outputs, &Device::Cpu)?))
        };
        let parameters = work.parameters().into_iter().map(tensors).collect::<Result<Vec<_>>>()?;
        let (mut layers, mut trained, mut vars) = (Vec::new(), Vec::new(), Vec::new());
        for (weights, bias) in parameters {
            let (weights_var, bias_var) = (Var::from_tensor(&weights)?, Var::from_tensor(&bias)?);
            layers.push(Linear::new(weights_var.as_tensor().clone(), Some(bias_var.as_tensor().clone())));
            trained.push(Linear::new(weights, Some(bias)));
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

    fn forward(&self, layers: &[Linear], inputs: &Tensor) -> Result<Tensor> {
        let mut values = inputs.clone();
        for (index, layer) in layers.iter().enumerate() {
            values = layer.forward(&values)?;
            values = match self.work.task {
                Task::Values => sigmoid(&values)?,
                Task::Classes if index + 1 < layers.len() => values.relu()?,
                Task::Classes => values,
            };
        }
        Ok(values)
    }

    fn try_step(&mut self, batch: &Batch) -> Result<Tensor> {
        let output = self.forward(&self.layers, &batch.inputs)?;
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
            inputs: Tensor::from_vec(inputs, (rows, self.work.inputs()), &Device::Cpu)?,
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
        self.forward(&self.trained, &batch.inputs).expect(SOUND)
    }

    fn read(value: Tensor) -> f32 {
        let values = value.flatten_all().and_then(|values| values.to_vec1::<f32>());
        values.expect("f32 throughout")[0]
    }
}

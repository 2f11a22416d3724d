//! The networks of the table, package `catalogue`, as [`Block`]s.

use catalogue::networks::{Part, Row, Size};

use crate::blocks::{Block, backward, count, forward, precise};
use crate::convolution::Convolution;
use crate::textbook::{Loss, Optimizer, Target, activation, loss_and_delta};
use crate::windows::{Pool, Window, axis, windows};

/// A network, and all of its parameters in storage order.
pub struct Images {
    blocks: Vec<Block>,
    /// Weights and biases.
    pub parameters: Vec<f32>,
}

/// The blocks of some layers on an image of so many channels, and what comes out of the last.
pub fn blocks(parts: &[Part], image: Size, channels: usize) -> (Vec<Block>, Size, usize) {
    let (mut image, mut channels, mut blocks) = (image, channels, Vec::new());
    for part in parts {
        match *part {
            Part::Convolution {
                places: (kernel, stride, window),
                channels: [inputs, outputs],
                is_depthwise,
                activation: name,
            } => {
                assert_eq!(inputs, channels, "{part:?}");
                let plain = Convolution { image, kernel, stride, window, inputs, outputs, is_depthwise };
                image = [0, 1].map(|side| axis(window, image[side], kernel[side], stride[side]).len());
                channels = outputs;
                blocks.push(Block::Convolution(plain, activation(name)));
            }
            Part::Pool { places, is_maximum } => {
                let (kernel, stride, window) = places.unwrap_or((image, image, Window::Valid));
                let [rows, columns] = [0, 1].map(|side| axis(window, image[side], kernel[side], stride[side]));
                let kind = if is_maximum { Pool::Maximum } else { Pool::Average };
                blocks.push(Block::Pool(kind, windows(&rows, &columns, image[1]), channels));
                image = [rows.len(), columns.len()];
            }
            Part::Flatten => (image, channels) = ([1, 1], image[0] * image[1] * channels),
            Part::LayerNorm { channels: normalized, activation: name } => {
                assert_eq!(normalized, channels, "{part:?}");
                blocks.push(Block::LayerNorm(channels, activation(name)));
            }
            Part::Residual { body, shortcut, activation: name } => {
                let (body, out, outputs) = self::blocks(body, image, channels);
                let shortcut = shortcut.map(|parts| self::blocks(parts, image, channels).0);
                (image, channels) = (out, outputs);
                blocks.push(Block::Residual(body, shortcut, activation(name)));
            }
        }
    }
    (blocks, image, channels)
}

impl Images {
    /// The network of a row, its parameters drawn.
    pub fn of(row: &Row, draw: &mut impl FnMut() -> f32) -> Self {
        Self::new(row.image, row.channels, row.parts, draw)
    }

    /// The network of these layers on an image, its parameters drawn.
    pub fn new(image: Size, channels: usize, parts: &[Part], draw: &mut impl FnMut() -> f32) -> Self {
        let (blocks, image, _) = blocks(parts, image, channels);
        assert_eq!(image, [1, 1], "{parts:?}");
        let parameters = blocks.iter().flat_map(|block| block.initial(draw)).collect();
        Self { blocks, parameters }
    }

    /// The output for one sample.
    pub fn predict(&self, input: &[f32]) -> Vec<f32> {
        let mut traces = forward(&self.blocks, &self.parameters, &vec![input.to_vec()]);
        traces.pop().expect("a layer").y.remove(0)
    }

    /// The output for one sample in `f64`.
    pub fn precise(&self, input: &[f64]) -> Vec<f64> {
        let parameters: Vec<f64> = self.parameters.iter().map(|value| f64::from(*value)).collect();
        precise(&self.blocks, &parameters, input)
    }

    /// One training step; gives the loss before it.
    pub fn step(&mut self, optimizer: &mut Optimizer, inputs: &[Vec<f32>], targets: &[Target], loss: Loss) -> f32 {
        let traces = forward(&self.blocks, &self.parameters, &inputs.to_vec());
        let outputs = &traces.last().expect("a layer").y;
        let (value, delta) = loss_and_delta(outputs, outputs, targets, loss, activation("Identity"));
        let (_, gradients) = backward(&self.blocks, &self.parameters, &traces, &delta);
        assert_eq!(gradients.len(), count(&self.blocks), "a gradient for each parameter");
        optimizer.update(0, &mut self.parameters, &gradients);
        value
    }
}

//! The networks of the table, package `catalogue`, as [`Block`]s.

use catalogue::networks::{Part, Row, Size};

use crate::blocks::{Block, backward, count, forward, moved, normalized, precise};
use crate::convolution::Convolution;
use crate::pooled::Pooled;
use crate::textbook::{Loss, Optimizer, Target, activation, loss_and_delta, uniform};
use crate::windows::{Pool, Window, axis, windows};

/// A network, and all of its parameters in storage order.
pub struct Images {
    blocks: Vec<Block>,
    /// Weights and biases.
    pub parameters: Vec<f32>,
    /// Running mean and running variance of each block that has them; at the top level alone.
    running: Vec<[Vec<f32>; 2]>,
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
            Part::PooledConvolution { kernel, pool, channels: [inputs, outputs], activation: name } => {
                assert_eq!(inputs, channels, "{part:?}");
                let (stride, window) = ([1, 1], Window::Valid);
                let plain = Convolution { image, kernel, stride, window, inputs, outputs, is_depthwise: false };
                let pooled = Pooled { plain, pool };
                (image, channels) = (pooled.size(), outputs);
                blocks.push(Block::Pooled(pooled, activation(name)));
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
            Part::BatchNorm { channels: normalized, activation: name } => {
                assert_eq!(normalized, channels, "{part:?}");
                blocks.push(Block::BatchNorm(channels, activation(name)));
            }
            Part::Dropout { percent } => blocks.push(Block::Dropout(percent, 0, 0)),
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
    pub fn of(row: &Row, words: &mut impl FnMut() -> u32) -> Self {
        Self::new(row.image, row.channels, row.parts, words)
    }

    /// The network of these layers on an image, its parameters drawn.
    pub fn new(image: Size, channels: usize, parts: &[Part], words: &mut impl FnMut() -> u32) -> Self {
        let (mut blocks, image, _) = blocks(parts, image, channels);
        assert_eq!(image, [1, 1], "{parts:?}");
        let parameters = blocks.iter().flat_map(|block| block.initial(&mut || uniform(-0.5, 0.5, words()))).collect();
        for block in &mut blocks {
            if let Block::Dropout(_, seed, _) = block {
                *seed = words() >> 8;
            }
        }
        let running = blocks.iter().map(|block| match block {
            Block::BatchNorm(channels, _) => [vec![0.0; *channels], vec![1.0; *channels]],
            _ => [Vec::new(), Vec::new()],
        });
        Self { running: running.collect(), blocks, parameters }
    }

    /// The output for one sample.
    pub fn predict(&self, input: &[f32]) -> Vec<f32> {
        let (mut x, mut rest) = (input.to_vec(), &self.parameters[..]);
        for (block, [mean, variance]) in self.blocks.iter().zip(&self.running) {
            let (own, behind) = rest.split_at(block.parameters());
            rest = behind;
            x = match block {
                Block::BatchNorm(_, curve) => normalized(&x, own, [mean, variance], *curve),
                Block::Dropout(..) => x,
                _ => block.forward(own, &vec![x]).y.remove(0),
            };
        }
        x
    }

    /// The output for one sample in `f64`, of layers that train as they predict.
    pub fn precise(&self, input: &[f64]) -> Vec<f64> {
        let parameters: Vec<f64> = self.parameters.iter().map(|value| f64::from(*value)).collect();
        precise(&self.blocks, &parameters, input)
    }

    /// What layers keep from step to step.
    pub fn state(&self) -> Vec<f32> {
        let of = |(block, running): (&Block, &[Vec<f32>; 2])| match block {
            Block::Dropout(_, seed, steps) => vec![*seed as f32, *steps as f32],
            _ => running.concat(),
        };
        self.blocks.iter().zip(&self.running).flat_map(of).collect()
    }

    /// One training step; gives the loss before it.
    pub fn step(&mut self, optimizer: &mut Optimizer, inputs: &[Vec<f32>], targets: &[Target], loss: Loss) -> f32 {
        let traces = forward(&self.blocks, &self.parameters, &inputs.to_vec());
        let outputs = &traces.last().expect("a layer").y;
        let (value, delta) = loss_and_delta(outputs, outputs, targets, loss, activation("Identity"));
        let (_, gradients) = backward(&self.blocks, &self.parameters, &traces, &delta);
        assert_eq!(gradients.len(), count(&self.blocks), "a gradient for each parameter");
        optimizer.update(0, &mut self.parameters, &gradients);
        for ((block, running), trace) in self.blocks.iter_mut().zip(&mut self.running).zip(&traces) {
            match block {
                Block::BatchNorm(channels, _) => *running = moved([&running[0], &running[1]], &trace.x, *channels),
                Block::Dropout(_, _, steps) => *steps += 1,
                _ => {}
            }
        }
        value
    }
}

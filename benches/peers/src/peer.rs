//! A library with tensors at a work: the loop around its steps, the same for all of them.

use std::hint::black_box;

use crate::Clock;
use crate::ours::SEED;
use baregrad::data::shuffle_with;
use benches::work::{Plan, Samples, Work};
use benches::{Contender, Outcome};
use rand_core::Rng;
use rand_pcg::Pcg32;

/// A network of a work, as a library has it.
pub(crate) trait Peer {
    /// A batch of samples, laid out as the library likes it best.
    type Batch;
    /// A loss or an output that may not have been read out yet.
    type Value;

    /// Initial weights, a new optimizer.
    fn reset(&mut self);
    /// Lays out a batch: inputs and target values row by row, and the classes.
    fn batch(&self, inputs: Vec<f32>, targets: Vec<f32>, labels: &[u8]) -> Self::Batch;
    /// Forward, loss, backward, update.
    fn step(&mut self, batch: &Self::Batch) -> Self::Value;
    /// The forward pass alone, without whatever the library does to find gradients later.
    fn predict(&self, batch: &Self::Batch) -> Self::Value;
    /// The loss, or the first output.
    fn read(value: Self::Value) -> f32;
}

/// A peer with its work.
pub(crate) struct Run<P: Peer> {
    work: &'static Work,
    samples: Samples,
    batches: Vec<P::Batch>,
    peer: P,
}

impl<P: Peer> Run<P> {
    /// Lays out the batches of a plan that has them in turn.
    pub(crate) fn new(work: &'static Work, peer: P) -> Self {
        let mut run = Self { work, samples: work.samples(), batches: Vec::new(), peer };
        if matches!(work.plan, Plan::Steps(_) | Plan::Predictions(_)) {
            let rows: Vec<u16> = (0..=u16::MAX).take(work.samples).collect();
            run.batches = rows.chunks_exact(work.batch).map(|rows| run.gather(rows)).collect();
        }
        run
    }

    fn gather(&self, rows: &[u16]) -> P::Batch {
        let Samples { inputs, targets, labels } = &self.samples;
        let labels: Vec<u8> = rows.iter().map(|&row| labels[usize::from(row)]).collect();
        self.peer.batch(copy(inputs, self.work.inputs(), rows), copy(targets, self.work.outputs(), rows), &labels)
    }
}

fn copy(values: &[f32], width: usize, rows: &[u16]) -> Vec<f32> {
    let mut copied = Vec::with_capacity(rows.len() * width);
    for &row in rows {
        copied.extend_from_slice(&values[usize::from(row) * width..][..width]);
    }
    copied
}

impl<P: Peer> Contender for Run<P> {
    fn run(&mut self) -> Outcome {
        self.peer.reset();
        let samples = self.work.samples;
        let mut generator = Pcg32::new(SEED, 0);
        let mut value = None;
        // The last value is read with the clock stopped: a program need not read the others.
        let start = Clock::now();
        match self.work.plan {
            Plan::Steps(steps) => {
                for batch in self.batches.iter().cycle().take(steps) {
                    value = Some(self.peer.step(black_box(batch)));
                }
            }
            Plan::Epochs(epochs) => {
                let mut order: Vec<u16> = (0..=u16::MAX).take(samples).collect();
                for _ in 0..epochs {
                    shuffle_with(&mut order, || generator.next_u32());
                    for rows in order.chunks(self.work.batch) {
                        let batch = self.gather(rows);
                        value = Some(self.peer.step(&batch));
                    }
                }
            }
            Plan::Drawn(steps) => {
                for _ in 0..steps {
                    let draw = |_| ((u64::from(generator.next_u32()) * samples as u64) >> 32) as u16;
                    let rows: Vec<u16> = (0..self.work.batch).map(draw).collect();
                    let batch = self.gather(&rows);
                    value = Some(self.peer.step(&batch));
                }
            }
            Plan::Predictions(count) => {
                for batch in self.batches.iter().cycle().take(count) {
                    value = Some(black_box(self.peer.predict(black_box(batch))));
                }
            }
        }
        let time = start.elapsed();
        Outcome { time, value: value.map_or(f32::NAN, P::read) }
    }
}

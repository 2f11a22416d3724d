//! Time of one forward pass and of one training step, by criterion: `cargo bench -p benches`.
#![allow(missing_docs)] // criterion_group! makes a public function

use std::hint::black_box;

use baregrad::{CrossEntropy, Dataset, Dense, HeUniform, Network, Relu, Sgd, Trainer};
use criterion::{Criterion, criterion_group, criterion_main};
use rand_pcg::Pcg32;

type Digits = (Dense<64, 32, Relu>, Dense<32, 10>);

fn digits(c: &mut Criterion) {
    let mut trainer = Trainer::<Digits, Sgd, 32>::NEW;
    trainer.network.initialize(HeUniform, &mut Pcg32::new(1, 0));
    let inputs = [[0.5; 64]; 32];
    let labels = [3u8; 32];

    c.bench_function("predict 64-32-10", |b| b.iter(|| trainer.network.predict(black_box(&inputs[0]))));
    // A rate of zero, so that the weights stay sound however often the step is repeated.
    let mut optimizer = Sgd::new(0.0);
    let batch = Dataset::from_arrays(&inputs, &labels);
    c.bench_function("SGD step 64-32-10, batch 32", |b| {
        b.iter(|| trainer.step(black_box(&batch), CrossEntropy, &mut optimizer));
    });
}

criterion_group!(benches, digits);
criterion_main!(benches);

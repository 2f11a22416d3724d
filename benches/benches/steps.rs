//! Time of training steps, predictions and whole epochs, by criterion: `cargo bench -p benches --bench steps`.
#![allow(missing_docs)] // criterion_group! makes a public function

use std::time::Duration;

use benches::{ours, work};
use criterion::{Criterion, criterion_group, criterion_main};

fn steps(c: &mut Criterion) {
    for work in work::ALL {
        let mut contender = ours::contender(work);
        let count = work.count() as u32;
        // A run is a whole plan: from the initial weights, in as many steps as keep the weights sound. Its time is shared out.
        c.bench_function(work.name, |bencher| {
            bencher.iter_custom(|iterations| {
                let runs = iterations.div_ceil(u64::from(count));
                let time: Duration = (0..runs).map(|_| contender.run().time).sum();
                time.mul_f64(iterations as f64 / (runs * u64::from(count)) as f64)
            });
        });
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);

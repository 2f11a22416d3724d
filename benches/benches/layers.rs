//! Time of the forward pass of one layer, beside the same product by `nalgebra`: `cargo bench -p benches --bench layers`.
//!
//! The sizes are those of the networks in `steps`. `nalgebra` gets static sizes too, and adds the product to a matrix that
//! stands for the bias; the layer also copies the bias and looks whether all sums are finite.
#![allow(missing_docs)] // criterion_group! makes a public function

use std::hint::black_box;

use baregrad::layer::{Stacked, Whole};
use baregrad::{Dense, Features, HeUniform, Layer, Matrix, Network, Zero};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nalgebra::SMatrix;
use rand_pcg::Pcg32;

fn layer<const IN: usize, const OUT: usize, const B: usize>(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("forward {IN}-{OUT}, batch {B}"));
    group.throughput(Throughput::Elements((IN * OUT * B) as u64)); // multiply-accumulates

    let mut dense = Box::new(Dense::<IN, OUT>::ZERO);
    dense.initialize(HeUniform, &mut Pcg32::new(1, 0));
    let inputs = Box::new([[0.5; IN]; B]);
    let mut outputs = Box::new(Matrix::<B, OUT>::ZERO);
    group.bench_function("baregrad", |b| {
        b.iter(|| {
            let inputs = Stacked::<Features<IN>>::new(black_box(inputs.as_flattened()));
            let outputs = black_box(outputs.as_mut_slice());
            Layer::<Features<IN>>::forward(&*dense, Whole::<B>::new(B), &inputs, outputs, &mut [])
        });
    });

    // Column by column these are the layer's arrays: a column of weights per input, a column per sample.
    let weights = Box::new(SMatrix::<f32, OUT, IN>::from_iterator(dense.weights.as_slice().iter().copied()));
    let inputs = Box::new(SMatrix::<f32, IN, B>::from_element(0.5));
    let mut outputs = Box::new(SMatrix::<f32, OUT, B>::zeros());
    group.bench_function("nalgebra", |b| {
        b.iter(|| {
            outputs.fill(0.0);
            outputs.gemm(1.0, black_box(&*weights), black_box(&*inputs), 1.0);
            black_box(&mut *outputs);
        });
    });
}

fn layers(c: &mut Criterion) {
    layer::<4, 16, 1>(c);
    layer::<4, 16, 16>(c);
    layer::<64, 32, 1>(c);
    layer::<64, 32, 32>(c);
    layer::<32, 10, 1>(c);
    layer::<32, 10, 32>(c);
    layer::<196, 100, 1>(c);
    layer::<196, 100, 64>(c);
    layer::<100, 50, 1>(c);
    layer::<100, 50, 64>(c);
}

criterion_group!(benches, layers);
criterion_main!(benches);

//! Data sets and orders: laws (a shuffle is a permutation, an epoch sees every sample once) and the textbook's shuffle.

use crate::common::Random;
use baregrad::data::{DataError, Index, RandomIndices, Samples};
use baregrad::{Dataset, Features, GatherBuffer, Order, Zero};
use host_tests::textbook as book;
use rand_pcg::Pcg32;

fn assert_permutation<const N: usize>(order: &Order<N>, what: &str) {
    let mut indices: Vec<usize> = order.as_slice().iter().map(|&index| index.into()).collect();
    indices.sort_unstable();
    assert!(indices.into_iter().eq(0..N), "{what}: not a permutation of {N}");
}

fn assert_shuffle_permutes<const N: usize>() {
    for seed in 0..10 {
        let mut order = Box::new(Order::<N>::IDENTITY);
        order.shuffle(&mut Pcg32::new(seed, 0));
        assert_permutation(&order, &format!("seed {seed}"));
    }
    // The words that lead to either end of what is left.
    for word in [0, u32::MAX] {
        let mut order = Box::new(Order::<N>::IDENTITY);
        order.shuffle_with(&mut || word);
        assert_permutation(&order, &format!("words {word}"));
    }
}

#[test]
fn a_shuffled_order_is_a_permutation() {
    assert_shuffle_permutes::<1>();
    assert_shuffle_permutes::<2>();
    assert_shuffle_permutes::<17>();
    assert_shuffle_permutes::<120>();
    assert_shuffle_permutes::<65536>();
}

#[test]
fn the_identity_order_is_the_samples_as_they_lie() {
    assert_eq!(Order::<5>::IDENTITY.as_slice(), [0, 1, 2, 3, 4]);
    assert_eq!(Order::<65536>::IDENTITY.as_slice().last(), Some(&u16::MAX));
}

#[test]
fn the_same_seed_gives_the_same_orders_and_another_seed_others() {
    let shuffled = |seed| {
        let (mut order, mut generator) = (Order::<120>::IDENTITY, Pcg32::new(seed, 0));
        order.shuffle(&mut generator);
        let first = order.clone();
        order.shuffle(&mut generator);
        assert_ne!(first, order, "seed {seed}: the second epoch has its own order");
        (first, order)
    };
    assert_eq!(shuffled(1), shuffled(1));
    assert_ne!(shuffled(1).0, shuffled(2).0);
}

#[test]
fn a_shuffle_is_the_textbooks() {
    const SEED: u64 = 3;
    let (mut library, mut textbook) = (Random::new(SEED), Random::new(SEED));
    let mut order = Order::<120>::IDENTITY;
    let mut plain: Vec<u16> = (0..120).collect();
    for epoch in 0..3 {
        order.shuffle_with(&mut || library.word());
        book::shuffle(&mut plain, || textbook.word());
        assert_eq!(order.as_slice(), plain, "seed {SEED}, epoch {epoch}");
    }
    assert_eq!(library.word(), textbook.word(), "the same number of words was used");
}

#[test]
fn every_permutation_is_about_as_likely() {
    const SEED: u64 = 4;
    const DRAWS: u32 = 24_000;
    let mut generator = Pcg32::new(SEED, 0);
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..DRAWS {
        let mut order = Order::<4>::IDENTITY;
        order.shuffle(&mut generator);
        *counts.entry(order.as_slice().to_vec()).or_insert(0u32) += 1;
    }
    assert_eq!(counts.len(), 24, "4! permutations, seed {SEED}");
    for (order, count) in counts {
        // 1000 expected, standard deviation √(24000 · 1/24 · 23/24) = 31; five of them.
        assert!(count.abs_diff(1000) < 155, "{order:?} came {count} times, seed {SEED}");
    }
}

const INPUTS: [[f32; 1]; 7] = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0], [6.0]];
const TARGETS: [u8; 7] = [10, 11, 12, 13, 14, 15, 16];

/// The samples as (input, target); also checks that there are none beyond `len`.
fn samples(samples: &impl Samples<Input = [f32; 1], Target = u8>) -> Vec<(f32, u8)> {
    assert_eq!(samples.input(samples.len()), None);
    assert_eq!(samples.target(samples.len()), None);
    assert_eq!(samples.is_empty(), samples.len() == 0);
    (0..samples.len()).map(|k| (samples.input(k).unwrap()[0], *samples.target(k).unwrap())).collect()
}

#[test]
fn an_epoch_of_batches_sees_every_sample_once_with_its_own_target() {
    const SEED: u64 = 5;
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    let mut order = Order::<7>::IDENTITY;
    order.shuffle(&mut Pcg32::new(SEED, 0));
    for size in 1..=8 {
        let batches: Vec<_> = data.batches(&order, size).unwrap().map(|batch| samples(&batch)).collect();
        assert_eq!(batches.len(), 7usize.div_ceil(size), "batches of {size}");
        assert!(batches[..batches.len() - 1].iter().all(|batch| batch.len() == size), "batches of {size}");
        let expected: Vec<_> = order.as_slice().iter().map(|&i| (f32::from(i), 10 + i as u8)).collect();
        assert_eq!(batches.concat(), expected, "batches of {size}, seed {SEED}");
    }
}

#[test]
fn an_epoch_whose_order_leaves_samples_out_is_refused() {
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    for size in [1, 3, 7, 100] {
        let too_short = |indices| Some(DataError::OrderTooShort { indices, samples: 7 });
        assert_eq!(data.batches(&Order::<2>::IDENTITY, size).err(), too_short(2));
        assert_eq!(data.batches::<u8>(&[6, 5, 4, 3, 2, 1], size).err(), too_short(6));
        assert_eq!(data.batches::<u8>(&[], size).err(), Some(DataError::Empty));
        // More are an epoch that sees a sample again.
        let all: Vec<_> = data.batches::<u8>(&[0, 1, 2, 3, 4, 5, 6, 6], size).unwrap().collect();
        assert_eq!(all.iter().map(|batch| batch.len()).sum::<usize>(), 8);
    }
    // An index beyond the data set comes first, whatever the length; and a part of the samples goes batch by batch.
    assert_eq!(data.batches::<u8>(&[7], 1).err(), Some(DataError::IndexOutOfRange { index: 7, samples: 7 }));
    let part = [5_u8, 1, 3];
    let part = part.chunks(2).map(|piece| samples(&data.batch(piece).unwrap()));
    assert_eq!(part.collect::<Vec<_>>().concat(), [(5.0, 15), (1.0, 11), (3.0, 13)]);
    let text = DataError::OrderTooShort { indices: 2, samples: 3 }.to_string();
    assert_eq!(text, "an order of 2 indices leaves out some of 3 samples");
}

#[test]
fn random_indices_of_nothing_are_an_error_and_take_no_word() {
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    let mut indices = RandomIndices::<4>::NEW;
    assert_eq!(data.batch(&indices).err(), Some(DataError::Empty), "nothing drawn yet");
    let refused =
        |indices: &mut RandomIndices<4>, samples| indices.draw_with(samples, || panic!("a word was taken")).err();
    assert_eq!(refused(&mut indices, 0), Some(DataError::Empty));
    assert_eq!(refused(&mut indices, 65_537), Some(DataError::TooManySamples { samples: 65_537 }));
    assert!(indices.as_ref().is_empty());
    indices.draw_with(7, || u32::MAX).unwrap();
    assert_eq!(indices.as_ref(), [6; 4]);
    assert_eq!(refused(&mut indices, 0), Some(DataError::Empty));
    assert_eq!(indices.as_ref(), [6; 4], "as before");
}

#[test]
fn chunks_are_the_samples_as_they_lie() {
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    for size in 1..=8 {
        let chunks: Vec<_> = data.chunks(size).unwrap().map(|chunk| samples(&chunk)).collect();
        assert_eq!(chunks.len(), 7usize.div_ceil(size), "chunks of {size}");
        assert_eq!(chunks.concat(), samples(&data), "chunks of {size}");
    }
}

#[test]
fn a_batch_may_name_a_sample_twice() {
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    assert_eq!(samples(&data.batch::<u8>(&[6, 0, 6]).unwrap()), [(6.0, 16), (0.0, 10), (6.0, 16)]);
}

#[test]
fn a_batch_reads_samples_where_they_lie() {
    static IN_FLASH: [[f32; 1]; 7] = INPUTS;
    static LABELS: [u8; 7] = TARGETS;
    static DATA: Dataset<'static, [f32; 1], u8> = Dataset::from_arrays(&IN_FLASH, &LABELS);
    let batch = DATA.batch::<u32>(&[5]).unwrap();
    assert!(std::ptr::eq(batch.input(0).unwrap(), &IN_FLASH[5]));
    assert!(std::ptr::eq(batch.target(0).unwrap(), &LABELS[5]));
}

#[test]
fn a_gather_buffer_holds_the_converted_samples_and_no_older_ones() {
    let mut buffer = GatherBuffer::<Features<1>, u8, 4>::ZERO;
    assert_eq!(samples(&buffer), [], "nothing gathered yet");
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    let twice = |from: &[f32; 1], to: &mut [f32; 1]| *to = [2.0 * from[0]];
    let gathered = buffer.gather(&data.batch::<u8>(&[6, 2, 4, 1]).unwrap(), twice).unwrap();
    assert_eq!(samples(gathered), [(12.0, 16), (4.0, 12), (8.0, 14), (2.0, 11)]);
    let gathered = buffer.gather(&data.batch::<u8>(&[3]).unwrap(), twice).unwrap();
    assert_eq!(samples(gathered), [(6.0, 13)]);
}

#[test]
fn a_gather_buffer_has_zeros_where_nothing_was_written() {
    let mut buffer = GatherBuffer::<Features<3>, u8, 2>::ZERO;
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    let two = data.batch::<u8>(&[1, 2]).unwrap();
    buffer.gather(&two, |_, to| *to = [7.0; 3]).unwrap();
    let gathered = buffer.gather(&two, |from, to| to[1] = from[0]).unwrap();
    assert_eq!([gathered.input(0), gathered.input(1)], [Some(&[0.0, 1.0, 0.0]), Some(&[0.0, 2.0, 0.0])]);
    let gathered = buffer.gather(&two, |_, _| {}).unwrap();
    assert_eq!([gathered.input(0), gathered.input(1)], [Some(&[0.0; 3]); 2]);
}

#[test]
fn every_index_type_is_its_number() {
    assert_eq!((u8::MAX.index(), u16::MAX.index(), u32::MAX.index()), (255, 65_535, 4_294_967_295));
    assert_eq!(usize::MAX.index(), usize::MAX);
}

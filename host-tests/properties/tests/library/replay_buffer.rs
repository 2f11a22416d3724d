//! The replay buffer keeps each sample of a stream with the same probability; or with a horizon, mostly recent ones.
//!
//! Oracles: the probabilities by formula, within four and a half standard deviations over many streams (fixed seeds), and algorithm R in its plain form.

use baregrad::data::{DataError, Samples};
use baregrad::replay::ReplayBuffer;
use rand_core::Rng;
use rand_pcg::Pcg32;

/// How often each sample of a stream was in the buffer at its end.
fn counts<const N: usize>(empty: &ReplayBuffer<u32, u32, N>, stream: u32, streams: u32) -> Vec<u32> {
    let mut counts = vec![0; stream as usize];
    let mut generator = Pcg32::new(5, 0);
    for _ in 0..streams {
        let mut buffer = empty.clone();
        for sample in 0..stream {
            buffer.offer(sample, sample + 1000, &mut generator);
        }
        let data = buffer.dataset().expect("samples");
        assert_eq!(data.len(), N);
        for (input, target) in data.inputs().iter().zip(data.targets()) {
            assert_eq!(input + 1000, *target, "a target stays with its input");
            counts[*input as usize] += 1;
        }
    }
    counts
}

/// Whether a count is what a probability gives.
fn is_likely(count: u32, probability: f64, trials: u32) -> bool {
    let (mean, variance) = (probability * f64::from(trials), probability * (1.0 - probability) * f64::from(trials));
    (f64::from(count) - mean).abs() <= 4.5 * variance.sqrt()
}

#[test]
fn every_sample_of_a_stream_is_as_likely_to_be_kept() {
    let streams = 20_000;
    let counts = counts(&ReplayBuffer::<u32, u32, 5>::NEW, 40, streams);
    assert!(counts.iter().all(|count| is_likely(*count, 5.0 / 40.0, streams)), "{counts:?}");
}

#[test]
fn with_a_horizon_old_samples_fade_by_the_formula() {
    let (streams, horizon, stream) = (20_000, 20, 100);
    let counts = counts(&ReplayBuffer::<u32, u32, 5>::recent(horizon), stream, streams);
    for (sample, count) in (1..).zip(&counts) {
        // Samples up to the horizon were equally likely there; each one after replaces with probability 1 / horizon.
        let last_equal = sample.max(horizon);
        let entered = 5.0 / f64::from(horizon);
        let kept = entered * (1.0 - 1.0 / f64::from(horizon)).powi((stream - last_equal) as i32);
        assert!(is_likely(*count, kept, streams), "{sample}: {count} for {}", kept * f64::from(streams));
    }
}

#[test]
fn the_buffer_is_that_of_algorithm_r() {
    let mut generator = Pcg32::new(9, 0);
    let mut buffer = ReplayBuffer::<[f32; 2], u8, 3>::NEW;
    assert_eq!(buffer.dataset().err(), Some(DataError::Empty));
    let mut plain: Vec<u32> = Vec::new();
    for sample in 0..500_u32 {
        let mut drawn = None;
        let kept = buffer.offer_with([sample as f32, 0.5], sample as u8, || {
            assert!(drawn.is_none(), "one word a sample");
            *drawn.insert(generator.next_u32())
        });
        match drawn {
            None => {
                assert!(plain.len() < 3 && kept);
                plain.push(sample);
            }
            Some(word) => {
                let place = (u64::from(word) * u64::from(sample + 1) / (1 << 32)) as usize;
                assert_eq!(kept, place < 3);
                if kept {
                    plain[place] = sample;
                }
            }
        }
        let data = buffer.dataset().expect("samples");
        assert!(data.inputs().iter().map(|input| input[0] as u32).eq(plain.iter().copied()));
    }
}

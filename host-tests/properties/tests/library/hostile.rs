//! Any bytes at all: the properties of `host_tests::hostile`, for inputs that `proptest` makes from a fixed seed.
//!
//! The same properties are fuzzed by `cargo xtask fuzz`, for as long as one likes.

use host_tests::hostile;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// The same cases in every run, so no file of failures is kept.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(6), ..ProptestConfig::default() }
}

/// Few bytes and many: a single edit gets further than a hundred.
fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..10), vec(any::<u8>(), 0..most)]
}

proptest! {
    #![proptest_config(config(3000))]

    #[test]
    fn checkpoints_of_any_bytes_load_or_change_nothing(data in bytes(300)) {
        hostile::checkpoint(&data);
    }

    #[test]
    fn flash_of_any_bytes_loads_or_changes_nothing_and_can_be_saved_to(data in bytes(1000)) {
        hostile::flash(&data);
    }

    #[test]
    fn safetensors_of_any_bytes_load_or_change_nothing(data in bytes(300)) {
        hostile::safetensors(&data);
    }

    #[test]
    fn graphs_of_any_operations_give_values_or_errors(data in bytes(600)) {
        hostile::graph(&data);
    }
}

//! A network as Rust source: the committed one is compiled here, and holds the bits of the file that it was made from.
//!
//! `network_source/net.rs` is what this printed, and `BAREGRAD_WRITE_GOLDEN=1` writes anew:
//!
//!     cargo run -p examples --bin as_source -- host-tests/fixtures/safetensors/from_python_f16.safetensors \
//!         "Dense<4, 8, Relu>, Dense<8, 5, Tanh>, Dense<5, 3>"

// As a user would have it; only that nothing in a test can be reached from elsewhere.
#[allow(unreachable_pub)]
mod net;

use std::fs;
use std::path::Path;

use crate::common::{Random, bits, parameters, random_network};
use baregrad::checkpoint::{save_training, save_weights, training_bytes, weights_bytes};
use baregrad::safetensors::{self, Names};
use baregrad::{Adam, Dense, LeakyRelu, Parameters, Sigmoid, Zero};
use host_tests::source::Architecture;

const LAYERS: &str = "Dense<4, 8, Relu>, Dense<8, 5, Tanh>, Dense<5, 3>";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(root().join("../fixtures/safetensors").join(name)).expect("the fixture is there")
}

/// What the library makes of a file.
fn loaded(file: &[u8]) -> net::Net {
    let mut network = net::Net::ZERO;
    safetensors::load(&mut network, &Names::SEQUENTIAL, file).expect("a sound file");
    network
}

#[test]
fn the_compiled_source_has_the_bits_of_the_file_and_is_what_the_command_prints() {
    // In flash, as the docs of the source say.
    static NET: net::Net = net::NET;
    let file = fixture("from_python_f16.safetensors");
    assert_eq!(bits(&parameters(&NET)), bits(&parameters(&loaded(&file))));

    let architecture = Architecture::parse(LAYERS).expect("layers");
    let weights = architecture.weights_of_safetensors(&file, "").expect("a sound file");
    let source = architecture.source(&weights, "from_python_f16.safetensors");
    let committed = root().join("tests/library/network_source/net.rs");
    if std::env::var_os("BAREGRAD_WRITE_GOLDEN").is_some() {
        fs::write(&committed, &source).expect("the source can be written");
    }
    assert!(fs::read_to_string(&committed).expect("the source is there") == source);
}

#[test]
fn weights_come_with_their_bits_from_files_of_every_type_and_from_checkpoints() {
    let architecture = Architecture::parse(&format!("({LAYERS})")).expect("layers");
    for kind in ["f32", "f16", "bf16"] {
        let file = fixture(&format!("from_python_{kind}.safetensors"));
        let network = loaded(&file);
        let weights = architecture.weights_of_safetensors(&file, "").expect("a sound file");
        assert_eq!(bits(&weights), bits(&parameters(&network)), "{kind}");

        let mut checkpoint = [0; weights_bytes::<net::Net>()];
        save_weights(&network, &mut checkpoint).expect("finite");
        assert_eq!(architecture.weights_of_checkpoint(&checkpoint).map(|weights| bits(&weights)), Ok(bits(&weights)));
        let mut checkpoint = [0; training_bytes::<net::Net, Adam, ()>()];
        let slots = <net::Net as Parameters>::Slots::<<Adam as baregrad::optimizer::Optimizer>::Slot>::ZERO;
        save_training(&network, &slots, &Adam::new(0.1), &(), &mut checkpoint).expect("finite");
        assert_eq!(architecture.weights_of_checkpoint(&checkpoint).map(|weights| bits(&weights)), Ok(bits(&weights)));
        checkpoint[40] ^= 1;
        assert!(architecture.weights_of_checkpoint(&checkpoint).is_err());
    }
}

#[test]
fn checkpoints_of_any_activations_are_known_by_their_fingerprint() {
    type Net = (Dense<2, 3, LeakyRelu<20>>, Dense<3, 4, LeakyRelu>, Dense<4, 1, Sigmoid>);
    let network: Net = random_network(&mut Random::new(5));
    let mut checkpoint = [0; weights_bytes::<Net>()];
    save_weights(&network, &mut checkpoint).expect("finite");
    let weights = |layers: &str| Architecture::parse(layers).expect("layers").weights_of_checkpoint(&checkpoint);
    let own = "Dense<2, 3, LeakyRelu<20>>, Dense<3, 4, LeakyRelu>, Dense<4, 1, Sigmoid>";
    assert_eq!(weights(own).map(|weights| bits(&weights)), Ok(bits(&parameters(&network))));
    for other in
        [own.replace("20", "30"), own.replace(", Sigmoid", ""), own.replace("3, 4", "3, 5").replace("4, 1", "5, 1")]
    {
        assert_eq!(weights(&other), Err("a checkpoint of another network".to_owned()), "{other}");
    }
}

#[test]
fn layers_that_are_none_or_do_not_fit_and_files_of_others_are_refused() {
    for layers in [
        "",
        "Dense<4>",
        "Dense<0, 3>",
        "Conv<3, 4>",
        "Dense<4, 8, Gelu>",
        "Dense<4, 8, Relu",
        "Dense<4, 8>, Dense<9, 3>",
    ] {
        assert!(Architecture::parse(layers).is_err(), "{layers}");
    }
    let file = fixture("from_python_f32.safetensors");
    let refused =
        |layers: &str| Architecture::parse(layers).expect("layers").weights_of_safetensors(&file, "").is_err();
    assert!(!refused(LAYERS) && refused("Dense<4, 8, Relu>, Dense<8, 5, Tanh>"), "a tensor too many");
    assert!(refused("Dense<4, 8>, Dense<8, 5, Tanh>, Dense<5, 3>"), "other positions");
    assert!(refused("Dense<4, 7, Relu>, Dense<7, 5, Tanh>, Dense<5, 3>"), "another shape");
}

//! Memory: sizes against the formulas of the docs, written again here by hand.

use std::sync::Mutex;

use baregrad::layer::Tensors;
use baregrad::optimizer::Optimizer;
use baregrad::train::Gradients;
use baregrad::{
    Adam, CrossEntropy, Dataset, Dense, Features, GatherBuffer, Network, Relu, Sgd, Sigmoid, Tanh, Trainer, Workspace,
    floats,
};
use firmware_example::{iris, xor};
use host_tests::memory;

/// `outputs` is the sum of `OUT` over the layers; a backward pass saves four inputs of each sample beside. Adam, whose slots have 8 bytes,
/// remembers 8 bytes of each layer too.
fn assert_sizes<N: Network, O: Optimizer, const B: usize, const FLOATS: usize>(
    parameters: usize,
    outputs: usize,
    slot: usize,
) {
    assert_eq!(N::PARAMETERS, parameters);
    assert_eq!(size_of::<O::Slot>(), slot);
    assert_eq!(size_of::<N>(), 4 * parameters);
    assert_eq!(Trainer::<N, O, B, FLOATS>::NETWORK_BYTES, 4 * parameters);
    let slots = slot * parameters + if slot == 8 { 8 * N::LAYERS } else { 0 };
    assert_eq!(Trainer::<N, O, B, FLOATS>::SLOT_BYTES, slots);
    assert_eq!(Trainer::<N, O, B, FLOATS>::WORKSPACE_BYTES, 4 * B * (outputs + 4));
    assert_eq!(Workspace::<B, FLOATS>::BYTES, 4 * B * (outputs + 4));
    assert_eq!(Trainer::<N, O, B, FLOATS>::BYTES, 4 * parameters + slots + 4 * B * (outputs + 4));
    // Beside the gradients only a flag, padded to a float.
    assert_eq!(Gradients::<N>::BYTES, 4 * parameters + 4);
}

#[test]
fn memory_is_what_the_formulas_say() {
    assert_sizes::<Dense<1, 1>, Sgd, 1, { floats::<Dense<1, 1>>() }>(2, 1, 0);
    assert_sizes::<(Dense<7, 3, Tanh>,), Adam, 5, { floats::<(Dense<7, 3, Tanh>,)>() }>(24, 3, 8);
    assert_sizes::<xor::Net, Sgd, 4, { floats::<xor::Net>() }>(17, 5, 0);
    assert_sizes::<iris::Net, Adam, 16, { floats::<iris::Net>() }>(131, 19, 8);
    assert_sizes::<
        (Dense<5, 9, Tanh>, Dense<9, 6, Relu>, Dense<6, 3>),
        Adam,
        7,
        { floats::<(Dense<5, 9, Tanh>, Dense<9, 6, Relu>, Dense<6, 3>)>() },
    >(45 + 9 + 54 + 6 + 18 + 3, 18, 8);
    assert_sizes::<
        ((Dense<5, 9, Tanh>, Dense<9, 6, Relu>), Dense<6, 3>),
        Sgd,
        7,
        { floats::<((Dense<5, 9, Tanh>, Dense<9, 6, Relu>), Dense<6, 3>)>() },
    >(45 + 9 + 54 + 6 + 18 + 3, 18, 0);
    assert_sizes::<
        (Dense<784, 32, Relu>, Dense<32, 10>),
        Adam,
        32,
        { floats::<(Dense<784, 32, Relu>, Dense<32, 10>)>() },
    >(784 * 32 + 32 + 32 * 10 + 10, 42, 8);
}

#[test]
fn iris_keeps_to_its_limit() {
    const LIMIT: usize = 3 * 4 * 131 + 4 * 16 * (16 + 3) + 512;
    const { assert!(iris::IrisTrainer::BYTES <= LIMIT, "three floats per parameter, 19 per sample, 512 bytes") };
    // The limit is not so wide that another moment or layer output per sample would pass.
    const { assert!(iris::IrisTrainer::BYTES + 4 * 131 > LIMIT) };
}

#[test]
fn a_gather_buffer_holds_inputs_targets_and_a_length() {
    assert_eq!(size_of::<GatherBuffer<Features<4>, u32, 16>>(), 4 * 16 * 4 + 4 * 16 + size_of::<usize>());
}

#[test]
fn a_trainer_lives_in_a_static() {
    static TRAINER: Mutex<Trainer<iris::Net, Adam, 16, { floats::<iris::Net>() }>> = Mutex::new(Trainer::NEW);
    const { assert!(Trainer::<iris::Net, Adam, 16, { floats::<iris::Net>() }>::BYTES <= 4096) };
    let mut trainer = TRAINER.lock().expect("this test alone uses it");
    let mut zero = true;
    trainer.network.for_each_tensor(&mut |piece| zero &= piece.iter().all(|value| value.to_bits() == 0));
    assert!(zero, "all bits are 0, so that it lies in .bss");
    let loss = trainer.step(&Dataset::from_arrays(&[[1.0; 4]], &[2u8]), CrossEntropy, &mut Adam::default());
    // Three equal logits: ln 3, to two ulps of it for the logarithm.
    assert!((loss.expect("sound data") - 3f32.ln()).abs() <= 2.4e-7, "{loss:?}");
}

#[test]
fn the_summary_of_the_iris_trainer_reads_so() {
    let expected = "\
layer         in     out  activation   parameters
Dense          4      16  ReLU                 80
Dense         16       3  identity             51
131 parameters, 524 bytes; training in batches of 16: optimizer 1064 bytes, workspace 1472 bytes, in all 3060 bytes";
    assert_eq!(iris::IrisTrainer::summary().to_string(), expected);
}

#[test]
fn the_summary_of_a_network_says_nothing_of_training() {
    let expected = "\
layer         in     out  activation   parameters
Dense          2       3  sigmoid               9
Dense          3       4  tanh                 16
Dense          4       1  identity              5
30 parameters, 120 bytes";
    type Net = ((Dense<2, 3, Sigmoid>, Dense<3, 4, Tanh>), Dense<4, 1>);
    assert_eq!(Net::summary().to_string(), expected);
}

#[test]
fn the_page_on_memory_has_the_sizes_of_today() {
    let page = include_str!("../../../../docs/memory.md");
    assert!(memory::put(page) == page, "cargo run -p examples --bin memory");
}

//! The five networks of MLPerf Tiny: memory, and predictions from the published weights.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use ::safetensors::SafeTensors;
use baregrad::safetensors::{self, Names};
use baregrad::shape::{SampleOf, Values};
use baregrad::{
    Conv2d, Dataset, Dense, DepthwiseConv2d, GlobalAveragePool, Image, Model, Network, Parameters, Relu, Same, Strided,
    Vector, Zero, floats, predict_floats,
};
use firmware_example::keyword_spotting::{KeywordTrainer, LeanKeywordSpotting};
use firmware_example::lesson::{Lesson, begin, step};
use firmware_example::mlperf_tiny::output_crc;
use firmware_example::wake_word::WakeWordTrainer;
use firmware_example::{expected_crc, weights_crc};
use host_tests::mlperf_tiny::{
    AutoEncoder, Example, KeywordSpotting, MobileNet, ResNet8, Tensor, WakeWord, floats_of, folder, keyword_spotting,
    load, names, prediction_crc, read, tflite, wake_word,
};
use host_tests::networks::Images;
use host_tests::programs;
use host_tests::textbook::{Optimizer, Target, loss};

/// In training the outputs of all layers, and the gradient of an input where no memory is free for it; in prediction the most is at one layer, its
/// input and its output.
#[test]
fn the_networks_take_the_memory_that_is_planned() {
    const { assert!(KeywordSpotting::PARAMETERS == 22_604) };
    const { assert!(4 * floats::<KeywordSpotting>() == 320_048 && 4 * predict_floats::<KeywordSpotting>() == 64_000) };
    const { assert!(MobileNet::PARAMETERS == 210_850) };
    const { assert!(4 * floats::<MobileNet>() == 935_432 && 4 * predict_floats::<MobileNet>() == 221_184) };
    const { assert!(AutoEncoder::PARAMETERS == 265_864) };
    const { assert!(4 * floats::<AutoEncoder>() == 6_704 && 4 * predict_floats::<AutoEncoder>() == 3_072) };
    const { assert!(WakeWord::PARAMETERS == 46_883) };
    const { assert!(4 * floats::<WakeWord>() == 71_052 && 4 * predict_floats::<WakeWord>() == 26_624) };
}

/// Weights included, and with room for a stack. The same layers would take more than that without `Recompute`.
#[test]
fn keyword_spotting_that_runs_again_is_trained_in_256_kib() {
    type Stem = Conv2d<1, 64, 10, 4, Strided<2>, Relu>;
    type D = DepthwiseConv2d<64, 3, 3, Same, Relu>;
    type P = Dense<64, 64, Relu>;
    type Plain = Model<Image<49, 10, 1>, (Stem, D, P, D, P, D, P, D, P, GlobalAveragePool, Dense<64, 12>)>;
    const { assert!(Plain::PARAMETERS == LeanKeywordSpotting::PARAMETERS) };
    const { assert!(4 * (Plain::PARAMETERS + floats::<Plain>()) == 380_464) };
    const { assert!(4 * floats::<LeanKeywordSpotting>() == 162_048) };
    const { assert!(4 * predict_floats::<LeanKeywordSpotting>() == 64_000) };
    const { assert!(KeywordTrainer::BYTES == 252_464 && 252_464 + 4096 < 256 * 1024) };
}

/// The folder; if it is not there, says so.
fn files() -> Option<PathBuf> {
    let folder = folder();
    if folder.is_none() {
        // Not by `println!`, which a passing test swallows.
        let message = "SKIPPED: no files of MLPerf Tiny here; name their folder in the variable MLPERF_TINY\n";
        std::io::stderr().write_all(message.as_bytes()).expect("stderr takes it");
    }
    folder
}

/// The outputs of a network with these weights, for inputs that lie one after the other.
fn predictions<N: Network, const FLOATS: usize>(weights: &[Tensor], inputs: &[f32]) -> Vec<f32> {
    let (mut network, mut memory) = (Box::new(N::ZERO), Box::new([f32::NAN; FLOATS]));
    assert_eq!(load(&mut *network, weights), Ok(()));
    let mut outputs = Vec::new();
    for input in inputs.chunks(<SampleOf<N::In> as Values>::ZEROS.values().len()) {
        let sample = SampleOf::<N::In>::first_of(input).expect("whole samples");
        outputs.extend_from_slice(network.predict_in(sample, &mut memory).expect("finite").values());
    }
    outputs
}

/// The docs of the golden values: sums in another order differ by 1e-5 of the largest magnitude of a layer at most.
fn assert_near(what: &str, found: &[f32], golden: &[f32]) {
    assert_eq!(found.len(), golden.len(), "{what}");
    let largest = golden.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let farthest = found.iter().zip(golden).map(|(found, golden)| (found - golden).abs()).fold(0.0, f32::max);
    println!("{what}: {} values, farthest {farthest:e} of {largest}", golden.len());
    let near = found.iter().zip(golden).all(|(found, golden)| (found - golden).abs() <= 1e-5 * largest);
    assert!(near, "{what}: {farthest:e} off, the largest is {largest}");
}

/// Logits and probabilities.
fn assert_classes<const CLASSES: usize>(what: &str, found: &[f32], golden: &[u8]) {
    assert_near(what, found, &tensor(golden, "logits"));
    let probabilities = found.as_chunks::<CLASSES>().0.iter().flat_map(|row| *Vector::from(*row).softmax().as_array());
    assert_near(what, &probabilities.collect::<Vec<_>>(), &tensor(golden, "output"));
}

/// The class of each output is the one that the quantized network gives, whose bytes these are.
fn assert_quantized_agrees<const CLASSES: usize>(found: &[f32], quantized: &[u8]) {
    let classes = found.as_chunks::<CLASSES>().0.iter().map(|row| Vector::from(*row).argmax());
    let expected = quantized
        .as_chunks::<CLASSES>()
        .0
        .iter()
        .map(|row| Vector::from(row.map(|byte| f32::from(byte as i8))).argmax());
    assert!(classes.eq(expected));
}

/// Numbers of a tensor in a file.
fn tensor(bytes: &[u8], name: &str) -> Vec<f32> {
    let file = SafeTensors::deserialize(bytes).expect("a file of tensors");
    floats_of(file.tensor(name).expect("the tensor").data())
}

/// Inputs of the quantized networks as numbers.
fn scaled(bytes: &[u8], scale: f32, zero: i32) -> Vec<f32> {
    bytes.iter().map(|&byte| scale * (i32::from(byte as i8) - zero) as f32).collect()
}

#[test]
fn image_classification_predicts_what_litert_does() {
    let Some(folder) = files() else { return };
    let file = |name: &str| read(&folder.join(name));
    let bytes = [file("ic_real.bin"), file("ic_random.bin")].concat();
    let inputs = scaled(&bytes[..8 * 3072], 1.0, -128);
    let found = predictions::<ResNet8, { predict_floats::<ResNet8>() }>(&tflite(&file("ic_f32.tflite")), &inputs);
    assert_classes::<10>("image classification", &found, &file("ic_f32_golden.safetensors"));
}

#[test]
fn visual_wake_words_predict_what_litert_does() {
    let Some(folder) = files() else { return };
    let file = |name: &str| read(&folder.join(name));
    let inputs = scaled(&file("vww_random.bin"), 0.003_921_569, -128);
    let found = predictions::<MobileNet, { predict_floats::<MobileNet>() }>(&tflite(&file("vww_f32.tflite")), &inputs);
    assert_classes::<2>("visual wake words", &found, &file("vww_f32_golden.safetensors"));
}

#[test]
fn anomaly_detection_predicts_what_litert_does() {
    let Some(folder) = files() else { return };
    let file = |name: &str| read(&folder.join(name));
    // Frames of 128 values; an input is five of them.
    let clip = floats_of(&file("ad_clip_f32.bin"));
    let inputs: Vec<f32> =
        [0, 28, 56, 84, 112, 140, 168, 195].iter().flat_map(|&frame| &clip[128 * frame..][..640]).copied().collect();
    let weights = tflite(&file("ad_f32.tflite"));
    let found = predictions::<AutoEncoder, { predict_floats::<AutoEncoder>() }>(&weights, &inputs);
    assert_near("anomaly detection", &found, &tensor(&file("ad_f32_golden.safetensors"), "output"));
}

/// From TensorFlow Lite's layouts `[1, k, 1, c]`, `[out, 1, 1, in]` and `[out, in]`.
fn wake_word_weights(file: &[u8]) -> Vec<Tensor> {
    let file = SafeTensors::deserialize(file).expect("a file of tensors");
    let found = |name: String| file.tensor(&name).unwrap_or_else(|error| panic!("{name}: {error}"));
    let weights = |name| {
        let tensor = found(name);
        Tensor::of_tflite(tensor.shape(), &floats_of(tensor.data()))
    };
    let mut all = Vec::new();
    for block in 1..=4 {
        let depthwise = weights(format!("dw{block}.weight"));
        let [moments, 1, channels, 1] = depthwise.shape[..] else { panic!("{:?}", depthwise.shape) };
        all.push(Tensor { shape: vec![moments, channels, 1], ..depthwise });
        // There is no bias.
        all.push(Tensor { shape: vec![channels], values: vec![0.0; channels] });
        all.extend([weights(format!("pw{block}.weight")), weights(format!("pw{block}.bias"))]);
    }
    all.extend([weights("fc.weight".to_owned()), weights("fc.bias".to_owned())]);
    all
}

#[test]
fn the_streaming_wake_word_predicts_what_is_computed_in_f64() {
    let Some(folder) = files() else { return };
    let file = |name: &str| read(&folder.join(name));
    let weights = wake_word_weights(&file("sww_f32.safetensors"));
    let inputs = floats_of(&file("sww_real_f32.bin"));
    let found = predictions::<WakeWord, { predict_floats::<WakeWord>() }>(&weights, &inputs);
    assert_classes::<3>("streaming wake word", &found, &file("sww_f32_golden.safetensors"));
    assert_quantized_agrees::<3>(&found, &file("sww_real_output.bin"));
    assert_board_has::<WakeWord>("mlperf_tiny_sww.safetensors", &weights);
}

/// All 45 labelled samples, a step each, as program `wake_word` has them of patterns.
#[test]
fn the_streaming_wake_word_learns_its_own_samples_with_the_bits_of_the_plain_loops() {
    let Some(folder) = files() else { return };
    let inputs = floats_of(&read(&folder.join("sww_real_f32.bin")));
    let labels = read(&folder.join("sww_labels.bin"));
    let mut trainer = Box::new(WakeWordTrainer::NEW);
    begin(&mut trainer.network);
    let mut plain = wake_word();
    let mut optimizer = Optimizer::Sgd { learning_rate: WakeWord::LEARNING_RATE };
    let samples: Vec<_> = inputs.chunks_exact(1200).zip(&labels).collect();
    assert_eq!(samples.len(), 45);
    for (values, label) in samples {
        let input = SampleOf::<<WakeWord as Network>::In>::first_of(values).expect("whole samples");
        step(&mut trainer, &Dataset::from_arrays(&[*input], &[*label])).expect("finite");
        plain.step(&mut optimizer, &[values.to_vec()], &[Target::Label(usize::from(*label))], loss("CrossEntropy"));
    }
    assert_eq!(weights_crc(&trainer.network), programs::weights_crc(&plain.parameters));
    assert_ne!(weights_crc(&trainer.network), weights_crc(WakeWord::NETWORK));
}

#[test]
fn keyword_spotting_predicts_what_is_computed_in_f64() {
    let Some(folder) = files() else { return };
    let file = |name: &str| read(&folder.join(name));
    let weights = tflite(&file("kws_int8.tflite"));
    let inputs = scaled(&[file("kws_real.bin"), file("kws_random.bin")].concat(), 0.584_702_9, 83);
    let found = predictions::<KeywordSpotting, { predict_floats::<KeywordSpotting>() }>(&weights, &inputs);
    assert_board_has::<KeywordSpotting>("mlperf_tiny_kws.safetensors", &weights);
    let plain = keyword_spotting();
    let wide = |input: &[f32]| input.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
    let precise: Vec<f32> =
        inputs.chunks(490).flat_map(|input| plain.precise(&wide(input))).map(|value| value as f32).collect();
    assert_near("keyword spotting", &found, &precise);
    // The quantized network: class 5 with 255 of 256. (Of noise it makes something else, because its values are clamped.)
    assert_quantized_agrees::<12>(&found[..12], &file("kws_real_output.bin"));
    let probabilities = Vector::from(*found.first_chunk::<12>().expect("12 classes")).softmax();
    assert!(probabilities.as_array()[5] > 255.0 / 256.0, "{probabilities:?}");
}

/// The board's network is the one of a file in `data`, which has these weights.
fn assert_board_has<N: Example>(name: &str, weights: &[Tensor]) {
    let mut network = Box::new(N::ZERO);
    assert_eq!(load(&mut *network, weights), Ok(()));
    let names = names(weights.len());
    let names = Names::Keras(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut bytes = vec![0; safetensors::file_bytes::<N>(&names)];
    safetensors::save(&*network, &names, &mut bytes).expect("room");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name);
    if env::var_os("BAREGRAD_WRITE_GOLDEN").is_some() {
        fs::write(&path, &bytes).expect("the file can be written");
    }
    assert!(read(&path) == bytes, "{name}");
    for index in 0..N::COUNT {
        assert!(N::NETWORK.tensor(index) == network.tensor(index), "tensor {index}");
    }
}

fn assert_board_predicts<N: Example, const FLOATS: usize>(plain: &Images) {
    let mut input = <SampleOf<N::In> as Zero>::ZERO;
    N::fill(&mut input);
    let mut memory = Box::new([f32::NAN; FLOATS]);
    let found = N::NETWORK.predict_in(&input, &mut memory).expect("finite").values();
    assert_eq!(output_crc(found), prediction_crc::<N>(plain));
    assert_eq!(Some(output_crc(found)), expected_crc(N::PROGRAM));
}

#[test]
fn the_boards_networks_predict_what_the_plain_loops_give() {
    assert_board_predicts::<KeywordSpotting, { predict_floats::<KeywordSpotting>() }>(&keyword_spotting());
    assert_board_predicts::<WakeWord, { predict_floats::<WakeWord>() }>(&wake_word());
}

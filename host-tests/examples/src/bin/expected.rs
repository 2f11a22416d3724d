//! Prints `firmware-example/expected.txt`: the CRC-32 of each program's final weights, or of its prediction, by the textbook's plain loops.

use firmware_example::keyword_spotting::LeanKeywordSpotting;
use host_tests::mlperf_tiny::{KeywordSpotting, WakeWord, keyword_spotting, prediction_crc, wake_word};
use host_tests::programs;
use host_tests::voice::SPEAKERS;

fn main() {
    println!("xor {:08x}", programs::weights_crc(&programs::xor().parameters()));
    println!("iris {:08x}", programs::weights_crc(&programs::iris().parameters()));
    println!("digits {:08x}", programs::weights_crc(&programs::digits().parameters()));
    for (speaker, name) in SPEAKERS.iter().enumerate() {
        println!("voice_{name} {:08x}", programs::weights_crc(&programs::voice(speaker).parameters()));
        let network = programs::voice_convolution(speaker);
        println!("voice_convolution_{name} {:08x}", programs::weights_crc(&network.parameters));
    }
    println!("keyword_spotting {:08x}", prediction_crc::<KeywordSpotting>(&keyword_spotting()));
    println!("wake_word {:08x}", prediction_crc::<WakeWord>(&wake_word()));
    let trained = programs::lesson::<WakeWord, _>(wake_word());
    println!("wake_word_trained {:08x}", programs::weights_crc(&trained.parameters));
    let trained = programs::lesson::<LeanKeywordSpotting, _>(keyword_spotting());
    println!("keyword_spotting_trained {:08x}", programs::weights_crc(&trained.parameters));
}

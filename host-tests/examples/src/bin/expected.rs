//! Prints `firmware-example/expected.txt`: the CRC-32 of each program's final weights, by the textbook's plain loops.

use host_tests::programs;
use host_tests::voice::SPEAKERS;

fn main() {
    println!("xor {:08x}", programs::weights_crc(&programs::xor()));
    println!("iris {:08x}", programs::weights_crc(&programs::iris()));
    println!("digits {:08x}", programs::weights_crc(&programs::digits()));
    for (speaker, name) in SPEAKERS.iter().enumerate() {
        println!("voice_{name} {:08x}", programs::weights_crc(&programs::voice(speaker)));
    }
}

//! Why did unit 4711 misbehave? Replays its training on the desk, to the same bits.
//!
//!     cargo run -p examples --bin replay -- CHECKPOINT SAMPLES.csv [CRC]
//!
//! CHECKPOINT is a training state of the iris network (`Trainer::save` with its Adam), SAMPLES.csv the batches that the device
//! trained on since: a header line, then `batch,four inputs,label` for each sample. You will see the number of steps, the last loss and
//! the CRC-32 of the weights; with CRC, the device's own in hexadecimal, it ends well only if the two are the same.

use std::process::ExitCode;

use host_tests::replay::replay;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (checkpoint, samples, expected) = match arguments.as_slice() {
        [checkpoint, samples] => (checkpoint, samples, None),
        [checkpoint, samples, crc] => (checkpoint, samples, Some(u32::from_str_radix(crc, 16)?)),
        _ => {
            eprintln!("usage: replay CHECKPOINT SAMPLES.csv [CRC]");
            return Ok(ExitCode::from(2));
        }
    };
    let replayed = match replay(&std::fs::read(checkpoint)?, &std::fs::read_to_string(samples)?) {
        Ok(replayed) => replayed,
        Err(error) => {
            eprintln!("{error}");
            return Ok(ExitCode::FAILURE);
        }
    };
    println!("{} steps, last loss {}, CRC-32 of the weights {:08x}", replayed.steps, replayed.loss, replayed.crc);
    match expected {
        Some(crc) if crc != replayed.crc => {
            eprintln!("the device had {crc:08x}");
            Ok(ExitCode::FAILURE)
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

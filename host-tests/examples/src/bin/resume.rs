//! Begins a training that a device goes on with, and goes on with one that the device has begun.
//!
//!     cargo run -p examples --bin resume -- begin FOLDER
//!     cargo run -p examples --bin resume -- end FOLDER
//!
//! `begin` writes `host.bin`, a checkpoint after 50 of 100 steps. `end` ends well only if `host_then_device.bin`, where the device went on
//! from it, and `device.bin`, where the device made the first 50 steps, trained on here, are both byte for byte what 100 steps in one go
//! give. `firmware-example/run.sh resume` does it all with an emulated Cortex-M4F in between.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use firmware_example::resume::{CHECKPOINT_BYTES, HALF, Training, WHOLE};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, folder] = arguments.as_slice() else {
        eprintln!("usage: resume begin|end FOLDER");
        return Ok(ExitCode::from(2));
    };
    let file = |name: &str| Path::new(folder).join(name);
    let mut training = Box::new(Training::NEW);
    training.start();
    if what == "begin" {
        training.train_to(HALF)?;
        std::fs::write(file("host.bin"), checkpoint(&training)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    training.train_to(WHOLE)?;
    let in_one_go = checkpoint(&training)?;
    training.load(&std::fs::read(file("device.bin"))?)?;
    training.train_to(WHOLE)?;
    let device_then_host = checkpoint(&training)?;
    let host_then_device = std::fs::read(file("host_then_device.bin"))?;
    let same = [device_then_host == in_one_go, host_then_device == in_one_go];
    println!("the bytes of {WHOLE} steps here: device then host {}, host then device {}", same[0], same[1]);
    Ok(if same == [true; 2] { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn checkpoint(training: &Training) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = [0; CHECKPOINT_BYTES];
    training.save(&mut bytes)?;
    Ok(bytes.to_vec())
}

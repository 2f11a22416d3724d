//! Weights as Rust source, for flash with nothing to read at boot.
//!
//!     cargo run -p examples --bin as_source -- FILE "Dense<4, 8, Relu>, Dense<8, 3>" [PREFIX] > src/net.rs
//!
//! FILE is a `.safetensors` file with the names of PyTorch's `Sequential` (PREFIX stands before them, `net.` say), or a checkpoint of weights or
//! of a training. You will see a type `Net` with these layers, and `const NET: Net` with the bits of the file. Put `mod net;` into the
//! program and `static NET: net::Net = net::NET;`.

use std::process::ExitCode;

use host_tests::source::Architecture;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (file, layers, prefix) = match arguments.as_slice() {
        [file, layers] => (file, layers, ""),
        [file, layers, prefix] => (file, layers, prefix.as_str()),
        _ => {
            eprintln!("usage: as_source FILE LAYERS [PREFIX]");
            return Ok(ExitCode::from(2));
        }
    };
    let architecture = Architecture::parse(layers)?;
    let bytes = std::fs::read(file)?;
    let weights = if bytes.starts_with(b"BGRD") {
        architecture.weights_of_checkpoint(&bytes)?
    } else {
        architecture.weights_of_safetensors(&bytes, prefix)?
    };
    let name = std::path::Path::new(file).file_name().unwrap_or_default().to_string_lossy();
    print!("{}", architecture.source(&weights, &name));
    Ok(ExitCode::SUCCESS)
}

//! Weights that PyTorch saved, as they are: predict with them, and go on learning.
//!
//!     cargo run -p examples --bin 07_from_pytorch
//!
//! In Python: `save_file(model.state_dict(), "model.safetensors")`, for a model
//! `Sequential(Linear(4, 8), ReLU(), Linear(8, 5), Tanh(), Linear(5, 3))`.

use baregrad::safetensors::{self, Names};
use baregrad::{CrossEntropy, Dataset, Dense, Network, Relu, Sgd, Tanh, Trainer, floats};

type Net = (Dense<4, 8, Relu>, Dense<8, 5, Tanh>, Dense<5, 3>);

/// In firmware too: the file lies in flash, and nothing of it is copied but the weights.
static FILE: &[u8] = include_bytes!("../../../fixtures/safetensors/from_python_f32.safetensors");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut trainer = Trainer::<Net, Sgd, 1, { floats::<Net>() }>::NEW;
    safetensors::load(&mut trainer.network, &Names::SEQUENTIAL, FILE)?;
    let sample = [0.5, -0.5, 0.25, 1.0];
    let logits = trainer.network.predict(&sample);
    println!("logits {:?}, class {}", logits.as_array(), logits.argmax());

    // The user says that it was class 0. One sample, twenty steps.
    let (inputs, labels) = ([sample], [0_u8]);
    for _ in 0..20 {
        trainer.step(&Dataset::from_arrays(&inputs, &labels), CrossEntropy, &mut Sgd::new(0.1))?;
    }
    println!("now class {}", trainer.network.predict(&sample).argmax());
    assert_eq!(trainer.network.predict(&sample).argmax(), 0);

    // And back: `load_file` in Python reads this.
    let mut file = [0; 1024];
    let length = safetensors::save(&trainer.network, &Names::SEQUENTIAL, &mut file)?;
    println!("{length} bytes for PyTorch");
    Ok(())
}

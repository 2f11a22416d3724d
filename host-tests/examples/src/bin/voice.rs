//! A recogniser of spoken digits learns its owner's voice: all of it on this computer, in Rust.
//!
//!     cargo run --release -p examples --bin voice [-- FOLDER]
//!
//! For each of two networks and of six speakers: trains on the other five, as `python/voice.py` does, then learns from 50 recordings as the firmware
//! does. You will see how many of the other 450 are recognised before and after. With FOLDER, the networks are left there as
//! `dense/NAME.safetensors` and `convolution/NAME.safetensors`, and `VOICE_WEIGHTS=FOLDER firmware-example/run.sh voice` takes them instead of
//! PyTorch's.

use std::error::Error;
use std::path::Path;

use baregrad::safetensors::{self, Names};
use baregrad::{Order, floats};
use firmware_example::voice::{self, ConvolutionNet, DenseNet, FEW, Learns, State, Trained};
use host_tests::voice::{Base, Normalized, SPEAKERS, split, trained_on};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1);
    let folder = folder.as_ref().map(Path::new);
    type Dense = DenseNet;
    type Convolution = Normalized<24, 32>;
    table::<Dense, _, { floats::<Dense>() }, { floats::<DenseNet>() }>("dense", folder)?;
    table::<Convolution, _, { floats::<Convolution>() }, { floats::<ConvolutionNet>() }>("convolution", folder)
}

fn table<N: Base<Adapted = A>, A: Trained, const FLOATS: usize, const ADAPTED: usize>(
    kind: &str,
    folder: Option<&Path>,
) -> Result<(), Box<dyn Error>> {
    println!("| {kind} | before | after | last layer only |\n| --- | --- | --- | --- |");
    let (mut state, mut order) = (Box::new(State::<A, ADAPTED>::NEW), Order::<FEW>::IDENTITY);
    let mut sums = [0; 3];
    for (speaker, name) in SPEAKERS.iter().enumerate() {
        let split = split(speaker);
        let base = trained_on::<N, FLOATS>(&split.others, speaker as u64)?;
        base.network.adapted(&mut state.trainer.network);
        let mut file = vec![0; safetensors::file_bytes::<A>(&Names::SEQUENTIAL)];
        safetensors::save(&state.trainer.network, &Names::SEQUENTIAL, &mut file)?;
        if let Some(folder) = folder {
            let folder = folder.join(kind);
            std::fs::create_dir_all(&folder)?;
            std::fs::write(folder.join(format!("{name}.safetensors")), &file)?;
        }
        let mut row = [0; 3];
        for (right, learns) in row.iter_mut().zip([None, Some(Learns::AllLayers), Some(Learns::LastLayer)]) {
            voice::load(&mut state.trainer.network, &file)?;
            if let Some(learns) = learns {
                voice::adapt(&mut state, &mut order, &split.few.dataset(), learns, A::rule(learns))?;
            }
            *right = voice::right(&mut state, &split.rest.dataset())?;
        }
        print_row(name, row, 450);
        for (sum, right) in sums.iter_mut().zip(row) {
            *sum += right;
        }
    }
    print_row("mean", sums, 2700);
    println!();
    Ok(())
}

fn print_row(name: &str, right: [usize; 3], of: usize) {
    let [before, after, last] = right.map(|right| 100.0 * right as f64 / of as f64);
    println!("| {name} | {before:.1} | {after:.1} | {last:.1} |");
}

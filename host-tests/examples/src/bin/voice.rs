//! A recogniser of spoken digits learns its owner's voice: all of it on this computer, in Rust.
//!
//!     cargo run --release -p examples --bin voice [-- FOLDER]
//!
//! For each of six speakers: trains on the other five, as `python/voice.py` does, then learns from 50 recordings as the firmware does. You will
//! see how many of the other 450 are recognised before and after. With FOLDER, the networks are left there as `NAME.safetensors`, and
//! `VOICE_WEIGHTS=FOLDER firmware-example/run.sh voice` takes them instead of PyTorch's.

use std::path::Path;

use baregrad::Order;
use baregrad::safetensors::{self, Names};
use firmware_example::voice::{self, FEW, Learns, Net, State};
use host_tests::voice::{SPEAKERS, split, trained_on};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1);
    println!("| speaker | before | after | last layer only |\n| --- | --- | --- | --- |");
    let (mut state, mut order) = (Box::new(State::NEW), Order::<FEW>::IDENTITY);
    let mut sums = [0; 3];
    for (speaker, name) in SPEAKERS.iter().enumerate() {
        let split = split(speaker);
        let network = trained_on(&split.others, speaker as u64)?;
        let mut file = vec![0; safetensors::file_bytes::<Net>(&Names::SEQUENTIAL)];
        safetensors::save(&network, &Names::SEQUENTIAL, &mut file)?;
        if let Some(folder) = &folder {
            std::fs::write(Path::new(folder).join(format!("{name}.safetensors")), &file)?;
        }
        let mut row = [0; 3];
        for (right, learns) in row.iter_mut().zip([None, Some(Learns::AllLayers), Some(Learns::LastLayer)]) {
            voice::load(&mut state.trainer.network, &file)?;
            if let Some(learns) = learns {
                voice::adapt(&mut state, &mut order, &split.few.dataset(), learns)?;
            }
            *right = voice::right(&mut state, &split.rest.dataset())?;
        }
        print_row(name, row, 450);
        for (sum, right) in sums.iter_mut().zip(row) {
            *sum += right;
        }
    }
    print_row("mean", sums, 2700);
    Ok(())
}

fn print_row(name: &str, right: [usize; 3], of: usize) {
    let [before, after, last] = right.map(|right| 100.0 * right as f64 / of as f64);
    println!("| {name} | {before:.1} | {after:.1} | {last:.1} |");
}

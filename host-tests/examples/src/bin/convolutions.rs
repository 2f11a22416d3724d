//! Accuracies of convolutional networks beside PyTorch's, by the same settings.
//!
//!     cargo run --release -p examples --bin convolutions -- voice
//!     cargo run --release -p examples --bin convolutions -- mnist FOLDER
//!
//! You will see the mean over seeds 0 to 4, which are not chosen, beside the mean over PyTorch's seeds. Ends well if each reaches its limit. FOLDER has
//! the four files of MNIST.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use baregrad::{Dataset, Image, Parameters, StepError, floats};
use firmware_example::voice::{ConvolutionNet, DenseNet, Learns};
use host_tests::mnist::{Large, Mnist, Small, convolutional};
use host_tests::recipe::{accuracy, five_seeds, reaches};
use host_tests::voice::{Base, Normalized, SPEAKERS, inputs, official_split, right, trained_on};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let all_reach = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["voice"] => voice()?,
        ["mnist", folder] => mnist(Path::new(folder))?,
        _ => {
            eprintln!("usage: convolutions voice, or convolutions mnist FOLDER");
            return Ok(ExitCode::from(2));
        }
    };
    Ok(if all_reach { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn mnist(folder: &Path) -> Result<bool, Box<dyn Error>> {
    let mut all_reach = true;
    let set = Mnist::read(folder)?;
    let small = five_seeds(|seed| convolutional::<Image<14, 14, 1>, 64, { floats::<Small>() }>(&set, 5, seed));
    all_reach &= reaches("14 x 14, 5 epochs", 98.19, 97.9, &all(small)?);
    let set = Mnist::read(folder)?;
    for (epochs, reference, least) in [(1, 98.36, 98.0), (5, 98.92, 98.6)] {
        let large =
            five_seeds(|seed| convolutional::<Image<28, 28, 1>, 400, { floats::<Large>() }>(&set, epochs, seed));
        all_reach &= reaches(&format!("28 x 28, {epochs} epochs"), reference, least, &all(large)?);
    }
    Ok(all_reach)
}

fn voice() -> Result<bool, Box<dyn Error>> {
    use Learns::{AllLayers, LastLayer};
    type Dense = DenseNet;
    type Plain = ConvolutionNet;
    type Normal = Normalized<24, 32>;
    type Small = Normalized<16, 24>;
    const { assert!(<Small as Base>::Adapted::PARAMETERS == 2066 && <Normal as Base>::Adapted::PARAMETERS == 3626) };
    let mut all_reach = true;
    let dense = speakers::<Dense, { floats::<Dense>() }, { floats::<Dense>() }>(&[(AllLayers, 0.1)])?;
    all_reach &= reaches("speakers, dense", 90.85, 90.0, &dense[1]);
    let ways = [(AllLayers, 0.05), (LastLayer, 0.5)];
    let normal = speakers::<Normal, { floats::<Normal>() }, { floats::<ConvolutionNet>() }>(&ways)?;
    println!("speakers, before: dense {:.2?}, convolutions {:.2?}", dense[0], normal[0]);
    all_reach &= reaches("speakers, convolutions", 94.5, 93.4, &normal[1]);
    let more: Vec<f64> = normal[1].iter().zip(&dense[1]).map(|(normal, dense)| normal - dense).collect();
    all_reach &= reaches("speakers, convolutions less dense", 3.7, 2.0, &more);
    all_reach &= reaches("speakers, convolutions, last layer only", 90.0, 88.8, &normal[2]);
    let small =
        speakers::<Small, { floats::<Small>() }, { floats::<<Small as Base>::Adapted>() }>(&[(AllLayers, 0.05)])?;
    all_reach &= reaches("speakers, convolutions of 16 and 24 channels", 94.0, 92.7, &small[1]);
    let plain = speakers::<Plain, { floats::<Plain>() }, { floats::<Plain>() }>(&[(AllLayers, 0.1)])?;
    all_reach &= reaches("speakers, without batch normalization", 92.37, 91.0, &plain[1]);
    all_reach &= reaches("official split, convolutions", 99.67, 99.2, &official::<Normal, { floats::<Normal>() }>()?);
    all_reach &= reaches(
        "official split, without batch normalization",
        99.33,
        98.8,
        &official::<Plain, { floats::<Plain>() }>()?,
    );
    Ok(all_reach)
}

/// Percent before, and after each way of learning, by seed: the mean over six speakers, each left out in turn.
fn speakers<N: Base, const FLOATS: usize, const ADAPTED: usize>(
    ways: &[(Learns, f32)],
) -> Result<Vec<Vec<f64>>, StepError> {
    let by_seed = five_seeds(|seed| {
        (0..SPEAKERS.len())
            .map(|speaker| right::<N, FLOATS, ADAPTED>(speaker, seed, ways))
            .collect::<Result<Vec<_>, _>>()
    });
    let by_seed = all(by_seed)?;
    let mean = |rows: &Vec<Vec<usize>>, way: usize| rows.iter().map(|row| row[way]).sum::<usize>() as f64 / 27.0;
    Ok((0..=ways.len()).map(|way| by_seed.iter().map(|rows| mean(rows, way)).collect()).collect())
}

/// Percent of the first five recordings of each digit that are recognised after training on all others, by seed.
fn official<N: Base, const FLOATS: usize>() -> Result<Vec<f64>, StepError> {
    let [train, test] = official_split();
    all(five_seeds(|seed| {
        let inputs = inputs::<N>(&test);
        let mut trainer = trained_on::<N, FLOATS>(&train, seed)?;
        accuracy(&mut trainer, &Dataset::new(&inputs, &test.labels)?)
    }))
}

fn all<T>(runs: Vec<Result<T, StepError>>) -> Result<Vec<T>, StepError> {
    runs.into_iter().collect()
}

//! Short runs on MNIST, when the data are there: of the text's network, whose full run is
//! `cargo run --release -p examples --features progress --bin mnist`, and of a convolutional one, whose full run is
//! `cargo run --release -p examples --bin convolutions -- mnist`.

use std::io::Write;
use std::path::{Path, PathBuf};

use baregrad::{Image, Parameters, floats};
use host_tests::mnist::{self, Large, Mnist, MnistError, Pixels, Run, Small};

/// Where the data lie: the folder named by `MNIST`, else `../shared/data` beside the repository if it has any of them.
fn folder() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("MNIST") {
        return Some(PathBuf::from(named));
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let names = std::fs::read_dir(&beside).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.into_iter().any(|name| name.contains("-ubyte")).then_some(beside)
}

/// The whole set; where it is not here, `None`, and a line that says so.
fn whole_set<X: Pixels>() -> Option<Mnist<X>> {
    let Some(folder) = folder() else {
        // Not by `println!`, which a passing test swallows.
        let message = "SKIPPED: no MNIST files here; name their folder in the variable MNIST\n";
        std::io::stderr().write_all(message.as_bytes()).expect("stderr takes it");
        return None;
    };
    Some(Mnist::read(&folder).unwrap_or_else(|error| panic!("{error}")))
}

#[test]
fn mnist_after_2000_mini_batches_is_at_least_88_percent_right() {
    let Some(mnist) = whole_set() else { return };
    let (train, test) = (mnist.train.dataset(), mnist.test.dataset());
    let mut run = Run::new(0);
    for _ in 0..2000 {
        run.step(&train).expect("sound data");
    }
    let matrix = run.confusion(&test).expect("sound data");
    println!("{} of {} right", matrix.correct(), matrix.samples());
    assert_eq!(matrix.samples(), 10_000);
    assert!(matrix.correct() >= 8800, "{} of 10000 right", matrix.correct());
}

#[test]
fn mnist_after_an_epoch_of_convolutions_is_at_least_96_4_percent_right() {
    const { assert!(Small::PARAMETERS == 1898 && Large::PARAMETERS == 5258) };
    let Some(mnist) = whole_set() else { return };
    let accuracy =
        mnist::convolutional::<Image<14, 14, 1>, 64, { floats::<Small>() }>(&mnist, 1, 0).expect("sound data");
    println!("{accuracy:.2} % right (PyTorch: 97.16 ± 0.27)");
    // A single seed: three deviations below PyTorch's mean.
    assert!(accuracy >= 96.4, "{accuracy:.2} %");
}

#[test]
fn missing_and_corrupt_files_are_named() {
    let folder = std::env::temp_dir().join(format!("baregrad-mnist-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let message = |result: Result<Mnist, MnistError>| result.err().expect("an error").to_string();

    let missing = message(Mnist::read(&folder));
    assert!(missing.contains("train-images-idx3-ubyte") && missing.contains("not there"), "{missing}");

    std::fs::write(folder.join("train-images-idx3-ubyte"), b"no such format").expect("a temporary file");
    let corrupt = message(Mnist::read(&folder));
    assert!(corrupt.contains("not an IDX file"), "{corrupt}");

    let mut short = vec![0, 0, 8, 3];
    short.extend([60_000u32, 28, 28].iter().flat_map(|dimension| dimension.to_be_bytes()));
    short.extend([0; 100]);
    std::fs::write(folder.join("train-images-idx3-ubyte"), &short).expect("a temporary file");
    let truncated = message(Mnist::read(&folder));
    assert!(truncated.contains("100 values instead of 47040000"), "{truncated}");

    std::fs::write(folder.join("train-images-idx3-ubyte"), [0x1f, 0x8b, 8, 0, 1, 2]).expect("a temporary file");
    let not_gzip = message(Mnist::read(&folder));
    assert!(not_gzip.contains("train-images-idx3-ubyte"), "{not_gzip}");
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}

//! A short run of the text's MNIST network, when the data are there; the full run is `cargo run --release -p examples --features progress --bin mnist`.

use std::io::Write;
use std::path::{Path, PathBuf};

use host_tests::mnist::{Mnist, MnistError, Run};

/// Where the data lie: the folder named by `MNIST`, else `../shared/data` beside the repository if it has any of them.
fn folder() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("MNIST") {
        return Some(PathBuf::from(named));
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let names = std::fs::read_dir(&beside).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.into_iter().any(|name| name.contains("-ubyte")).then_some(beside)
}

#[test]
fn mnist_after_2000_mini_batches_is_at_least_88_percent_right() {
    let Some(folder) = folder() else {
        // Not by `println!`, which a passing test swallows.
        let message = "SKIPPED: no MNIST files here; name their folder in the variable MNIST\n";
        std::io::stderr().write_all(message.as_bytes()).expect("stderr takes it");
        return;
    };
    let mnist = Mnist::read(&folder).unwrap_or_else(|error| panic!("{error}"));
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

//! The likeliest mistakes do not compile, and say what to do: each program in `layers` and `sizes` with its message beside it.
//!
//! The messages are the pinned compiler's (rust-toolchain.toml). `TRYBUILD=overwrite` writes them again; read them like prose then.

#[test]
fn likely_mistakes_do_not_compile_and_say_why() {
    trybuild::TestCases::new().compile_fail("tests/layers/*.rs");
}

/// Messages of assertions in constants quote the standard library where its source is installed (`rust-src`), and these don't.
#[test]
fn sizes_that_make_no_sense_do_not_compile_and_say_why() {
    let sysroot = std::process::Command::new("rustc").args(["--print", "sysroot"]).output().expect("rustc runs").stdout;
    let sysroot = String::from_utf8(sysroot).expect("a path");
    if std::path::Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library").is_dir() {
        // Not by `eprintln!`, which a passing test swallows.
        let message = b"SKIPPED: the messages in sizes are those of a toolchain without rust-src\n";
        std::io::Write::write_all(&mut std::io::stderr(), message).expect("stderr takes it");
        return;
    }
    let cases = trybuild::TestCases::new();
    // With a program that does compile all are built, not only checked: some constants belong to code that is only then made.
    cases.pass("tests/compiles/sizes_that_fit.rs");
    cases.compile_fail("tests/sizes/*.rs");
}

/// Messages of more than 12 lines. What is wrong stands in the first lines of each. Of a bound on a trait the compiler adds a line for each
/// trait on the way, other types that have it, and five lines for the function that asks. Of a constant it adds five for each that uses it.
const LONGER: [(&str, usize); 17] = [
    ("activation_as_a_layer", 25),
    ("branch_with_an_activation", 16),
    ("cross_entropy_after_sigmoid", 23),
    ("float_labels_for_cross_entropy", 24),
    ("inputs_and_labels_of_different_number", 13),
    ("network_that_ends_in_an_image", 14),
    ("optimizer_of_another_type", 15),
    ("sample_of_wrong_size_in_predict", 13),
    ("sample_of_wrong_size_in_step", 16),
    ("seventeen_layers", 51),
    ("target_of_wrong_size", 33),
    ("weights_of_layers_without_an_input", 13),
    ("large_network_on_the_stack", 21),
    ("layers_that_do_not_fit_in_predict", 17),
    ("leaky_relu_without_a_slope", 21),
    ("workspace_for_no_samples", 27),
    ("workspace_too_small", 21),
];

#[test]
fn messages_are_short() {
    for folder in ["tests/layers", "tests/sizes"] {
        for file in std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path()) {
            if file.extension().is_some_and(|extension| extension == "stderr") {
                let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
                let lines = std::fs::read_to_string(&file).expect("text").lines().count();
                let most = LONGER.iter().find(|(case, _)| *case == name).map_or(12, |(_, most)| *most);
                assert!(lines <= most, "{name} has {lines} lines, {most} at most");
                assert!(most == 12 || lines == most, "{name} has {lines} lines now, no longer {most}");
            }
        }
    }
}

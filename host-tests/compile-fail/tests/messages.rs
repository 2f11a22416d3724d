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

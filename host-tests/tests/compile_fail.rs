//! The likeliest mistakes do not compile, and say what to do: each program in `compile-fail` with its message beside it.
//!
//! The messages are the pinned compiler's (rust-toolchain.toml). `TRYBUILD=overwrite` writes them again; read them like prose then.

#[test]
fn likely_mistakes_do_not_compile_and_say_why() {
    trybuild::TestCases::new().compile_fail("tests/compile-fail/*.rs");
}

//! The property is `host_tests::hostile::safetensors`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| host_tests::hostile::safetensors(data));

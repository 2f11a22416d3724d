//! WebAssembly without an operating system: text and the end go to two functions that `run.mjs` provides.
#![allow(unsafe_code, reason = "functions of another language")]

use std::fmt;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    /// Takes `length` bytes of text.
    fn print_text(text: *const u8, length: usize);
    /// Ends the program; it does not come back.
    safe fn exit_with(code: i32) -> !;
}

pub(crate) fn print(text: fmt::Arguments<'_>) {
    let text = text.to_string();
    // SAFETY: address and length are those of a string that lives until the call is over, and run.mjs only reads there.
    unsafe { print_text(text.as_ptr(), text.len()) }
}

pub(crate) fn exit(success: bool) -> ! {
    exit_with(i32::from(!success))
}

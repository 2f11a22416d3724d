//! An operating system, or Miri.

use std::fmt;

pub(crate) fn print(text: fmt::Arguments<'_>) {
    print!("{text}");
}

/// Ends the program. Nothing is lost: standard output writes itself out at every end of a line.
pub(crate) fn exit(success: bool) -> ! {
    std::process::exit(i32::from(!success))
}

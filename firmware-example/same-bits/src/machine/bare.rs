//! Bare metal with semihosting.

use core::fmt::{self, Write};
use core::panic::PanicInfo;

/// Prints; a machine that nobody listens to ends as a failure.
pub(crate) fn print(text: fmt::Arguments<'_>) {
    let mut line = Line { bytes: [0; 96], used: 0 };
    let written = line.write_fmt(text);
    line.flush();
    if written.is_err() {
        exit(false);
    }
}

/// Ends QEMU: with 0 if `success`, else with 1.
pub(crate) fn exit(success: bool) -> ! {
    semihosting::process::exit(i32::from(!success))
}

/// A panic ends as a failure, after its message.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    print(format_args!("{info}\n"));
    exit(false)
}

/// Text on its way out. Semihosting stops the processor for every call, so it gets whole lines.
struct Line {
    bytes: [u8; 96],
    used: usize,
}

impl Line {
    fn flush(&mut self) {
        if let Some(text) = self.bytes.get(..self.used).and_then(|bytes| core::str::from_utf8(bytes).ok()) {
            semihosting::print!("{text}");
        }
        self.used = 0;
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.used + text.len() > self.bytes.len() {
            self.flush();
        }
        let end = self.used + text.len();
        self.bytes.get_mut(self.used..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.used = end;
        Ok(())
    }
}

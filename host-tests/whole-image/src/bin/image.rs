//! An image with all of [`whole_image::everything`] and nothing else: no system, no log, no start-up code. It is looked
//! through, never run.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "an entry point has a name of its own")]

use core::panic::PanicInfo;

// SAFETY: nothing else in the image has this name; the linker starts from it to find what belongs to the image.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    whole_image::everything();
    stop()
}

/// The library never panics; Rust asks for this all the same.
#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    stop()
}

fn stop() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

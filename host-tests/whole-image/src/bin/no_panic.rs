//! An image with everything of the library that links only if no panic is left in it: see `cargo xtask panic`.
//!
//! The panic handler calls a function that does not exist. The linker drops what nothing calls, the handler too, and only
//! then doesn't miss it. With the feature `small` only the loops are in it. With the feature `handler` there is such a function, so that one can see who calls it.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "an entry point has a name of its own, and so has a function that is not there")]

use core::panic::PanicInfo;

// SAFETY: nothing else in the image has this name; the linker starts from it to find what belongs to the image.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    #[cfg(feature = "small")]
    whole_image::loops();
    #[cfg(not(feature = "small"))]
    {
        whole_image::everything();
        whole_image::edges();
        whole_image::texts();
    }
    #[cfg(feature = "panics")]
    whole_image::panics();
    loop {
        core::hint::spin_loop();
    }
}

// SAFETY: a program with it does not link, or has the function below.
unsafe extern "C" {
    safe fn a_panic_is_left_in_this_image() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    a_panic_is_left_in_this_image()
}

#[cfg(feature = "handler")]
mod handler {
    // SAFETY: nothing else in the image has this name.
    #[unsafe(no_mangle)]
    #[inline(never)] // so that it shows
    extern "C" fn a_panic_is_left_in_this_image() -> ! {
        loop {
            core::hint::spin_loop();
        }
    }
}

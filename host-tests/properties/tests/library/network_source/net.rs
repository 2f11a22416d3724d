// Made from from_python_f16.safetensors by `cargo run -p examples --bin as_source`.
#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::unreadable_literal)]

use baregrad::{Dense, Matrix, Relu, Tanh};

/// 103 parameters.
pub type Net = (Dense<4, 8, Relu>, Dense<8, 5, Tanh>, Dense<5, 3>);

/// The weights, bit for bit. Where they shall stay in flash, make a `static` of them: a `const` is copied to where it is used.
pub const NET: Net = (
    Dense::new(
        Matrix::from_rows([
            [f(0x3d0f0000), f(0xbe88e000), f(0xbe09e000), f(0xbe5a4000), f(0x3e61a000), f(0x3ec40000), f(0x3cab8000), f(0x3e87e000)],
            [f(0xbe9a4000), f(0xbd998000), f(0x3eb3e000), f(0xbe966000), f(0xbedaa000), f(0xbdb1e000), f(0x3dbf0000), f(0xbec60000)],
            [f(0x3e230000), f(0xbe960000), f(0x3eb5c000), f(0xbd60e000), f(0x3ef0a000), f(0x3e83a000), f(0x3ec26000), f(0x3eb64000)],
            [f(0x3e20a000), f(0x3e04e000), f(0x3d50a000), f(0xbe102000), f(0xbec8e000), f(0x3e478000), f(0x3e03a000), f(0x3e304000)],
        ]),
        [f(0x3e01c000), f(0x3d8d8000), f(0x3e79a000), f(0x3eeb2000), f(0xbde3e000), f(0xbe8ea000), f(0xbe00e000), f(0xbe9c0000)],
    ),
    Dense::new(
        Matrix::from_rows([
            [f(0x3e2e2000), f(0x3e2b8000), f(0xbe286000), f(0xbdf58000), f(0x3e464000)],
            [f(0xbe32e000), f(0xbea90000), f(0xba322000), f(0x3c62c000), f(0xbe468000)],
            [f(0xbe414000), f(0xbe93e000), f(0x3e314000), f(0xbe4ea000), f(0xbdaa0000)],
            [f(0x3e9c4000), f(0x3e90a000), f(0x3e204000), f(0xbe1e2000), f(0x3eaac000)],
            [f(0x3ea5a000), f(0x3eb2c000), f(0xbd29e000), f(0x3df34000), f(0x3d856000)],
            [f(0x3d268000), f(0xbcac2000), f(0x3d1f6000), f(0x3e506000), f(0x3ccc2000)],
            [f(0xbd7ac000), f(0xbe8f0000), f(0x3dc50000), f(0x3ba26000), f(0x3df42000)],
            [f(0xbd3ae000), f(0x3c1e4000), f(0xbe8de000), f(0xbe0ce000), f(0xbdb0a000)],
        ]),
        [f(0x3e9ae000), f(0xbe93a000), f(0xbdc72000), f(0xbd7a6000), f(0xbe150000)],
    ),
    Dense::new(
        Matrix::from_rows([
            [f(0xbde2a000), f(0xbea1a000), f(0xbe9e8000)],
            [f(0x3e8de000), f(0xbe888000), f(0xbe8b6000)],
            [f(0x3e7b4000), f(0x3e4ee000), f(0x3eb0e000)],
            [f(0x3ccbc000), f(0xbcc4e000), f(0x3e4f6000)],
            [f(0x3ec78000), f(0xbed0a000), f(0x3eb12000)],
        ]),
        [f(0xbeaa8000), f(0xbedf4000), f(0xbe962000)],
    ),
);

const fn f(bits: u32) -> f32 {
    f32::from_bits(bits)
}

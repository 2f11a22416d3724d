//! What the library promises, as tests: small networks and single functions, each held against an oracle of `host-tests`.
//!
//! | tests | what they hold |
//! | --- | --- |
//! | `shapes` | layers of every width and batch: what each processor's loops must pass |
//! | `training` | one-pass training, every optimizer and loss, against the plain loops, bit for bit |
//! | `same_bits` | the program of `cargo xtask bits`, on this computer |
//! | `backward` | gradients against central differences; frozen layers |
//! | `steps` | training steps: what they refuse, and slices |
//! | `schedules` | rates that change |
//! | `library` | everything else, a module a subject |
//!
//! They are compiled without optimisation: of many networks, each of its own shape, compiling takes the time. Package `portable` compiles
//! `shapes`, `training` and `backward` once more, with the loops of processors without vectors.

//! Benchmarks of `baregrad`; see `benches/`. This library is empty.

//! Writes the table of `docs/memory.md`: the memory of the project's networks, from the library's constants. A test holds the page against them.

use std::{fs, io};

use host_tests::memory;

fn main() -> io::Result<()> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/memory.md");
    fs::write(page, memory::put(&fs::read_to_string(page)?))
}

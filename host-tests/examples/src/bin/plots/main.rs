//! Draws the project's pictures as SVG:
//!
//!     cargo run --release -p examples --features drawings --bin plots [-- FOLDER-OF-MNIST]
//!
//! Into `docs/`: `optimizers.svg`, the loss of seven rules on iris; `xor.svg`, what 2-4-1 makes of the plane while it learns XOR;
//! `device.svg`, cycles on the Cortex-M4F beside their limits, from the table of `benches/README.md`; `ram.svg`, what a training needs, by
//! part; `memory.svg`, what each use of the networks of `memory.md` needs. With a folder that has MNIST also `target/mnist.svg`, the confusion matrix after 10,000 mini-batches.

mod bars;
mod confusion;
mod losses;
mod surface;

use std::error::Error;
use std::path::{Path, PathBuf};

/// What a picture can fail with.
type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let docs = root.join("docs");
    std::fs::create_dir_all(&docs)?;
    drawn(docs.join("optimizers.svg"), losses::draw)?;
    drawn(docs.join("xor.svg"), surface::draw)?;
    drawn(docs.join("device.svg"), |path| bars::cycles(path, &root.join("benches/README.md")))?;
    drawn(docs.join("ram.svg"), bars::memory)?;
    drawn(docs.join("memory.svg"), bars::networks)?;
    if let Some(mnist) = std::env::args().nth(1) {
        drawn(root.join("target/mnist.svg"), |path| confusion::draw(path, Path::new(&mnist)))?;
    }
    Ok(())
}

fn drawn(path: PathBuf, draw: impl FnOnce(&Path) -> Result) -> Result {
    draw(&path)?;
    println!("drawn: {}", path.file_name().unwrap_or_default().display());
    Ok(())
}

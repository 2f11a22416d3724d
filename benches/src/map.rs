//! Speeds of one layer over a grid of sizes, and the cells that are too slow.

use std::fmt::Write;
use std::fs;

use crate::peak::{VECTOR, peak};

/// One row of a map: a number of inputs, and for each number of outputs the GFLOP/s in each map.
pub type Row<const N: usize> = (usize, Vec<(usize, [f64; N])>);

/// What the cells of a map have in common.
#[derive(Clone, Debug)]
pub struct Map {
    /// Batch, or kernel and image.
    pub name: String,
    /// Multiply-accumulates for one input and one output.
    pub products: usize,
}

/// Prints the maps and the cells that break the rule, and draws the maps to `target/NAME-V.svg` for vectors of `V`.
pub fn report<const N: usize>(name: &str, maps: &[Map; N], rows: &[Row<N>]) {
    let top = peak(30) / 1e9;
    println!("{}", crate::processor());
    println!("vectors of {VECTOR}, peak {top:.1} GFLOP/s");
    for (index, map) in maps.iter().enumerate() {
        println!("\n{}: GFLOP/s, a row for each number of inputs", map.name);
        print!("{:>5}", "");
        rows[0].1.iter().for_each(|(outputs, _)| print!("{outputs:>6}"));
        println!();
        for (inputs, cells) in rows {
            print!("{inputs:>5}");
            cells.iter().for_each(|(_, speeds)| print!("{:>6.1}", speeds[index]));
            println!();
        }
    }
    let broken = broken(maps, rows, top);
    println!(
        "\n{} cells of {} break the rule",
        broken.len(),
        N * rows.iter().map(|(_, cells)| cells.len()).sum::<usize>()
    );
    broken.iter().for_each(|cell| println!("  {cell}"));
    let path = format!("{}/../target/{name}-{VECTOR}.svg", env!("CARGO_MANIFEST_DIR"));
    match fs::write(&path, svg(maps, rows, top)) {
        Ok(()) => println!("drawn: target/{name}-{VECTOR}.svg"),
        Err(error) => println!("not drawn: {error}"),
    }
}

/// The cells that are too slow, in words.
fn broken<const N: usize>(maps: &[Map; N], rows: &[Row<N>], top: f64) -> Vec<String> {
    let mut found = Vec::new();
    for (index, map) in maps.iter().enumerate() {
        for (r, (inputs, cells)) in rows.iter().enumerate() {
            for (c, (outputs, speeds)) in cells.iter().enumerate() {
                let work = map.products * inputs * outputs;
                let speed = speeds[index];
                let near = [(r.wrapping_sub(1), c), (r + 1, c), (r, c.wrapping_sub(1)), (r, c + 1)];
                let best = near
                    .iter()
                    .filter_map(|&(r, c)| rows.get(r)?.1.get(c))
                    .filter(|(o, _)| o.abs_diff(*outputs) <= 8) // a neighbour, not the far side of a gap in the grid
                    .map(|(_, speeds)| speeds[index])
                    .fold(0.0, f64::max);
                let what = format!("{}, {inputs} inputs, {outputs} outputs: {speed:.1} GFLOP/s", map.name);
                if work >= 1024 && speed < best / 2.0 {
                    found.push(format!("{what}, a neighbour {best:.1}"));
                } else if map.products >= 4 && work >= 4096 && speed < top / 4.0 {
                    found.push(format!("{what}, a quarter of the peak is {:.1}", top / 4.0));
                }
            }
        }
    }
    found
}

/// The maps, from black (nothing) to white (the peak).
fn svg<const N: usize>(maps: &[Map; N], rows: &[Row<N>], top: f64) -> String {
    const CELL: usize = 22;
    let (width, height) = (rows[0].1.len() * CELL, (rows.len() + 2) * CELL);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" font-size=\"9\" font-family=\"sans-serif\">",
        width + 60,
        height * N
    );
    for (index, map) in maps.iter().enumerate() {
        let y = index * height;
        let _ = write!(text, "<text x=\"4\" y=\"{}\">{}; peak {top:.0}</text>", y + 12, map.name);
        for (r, (inputs, cells)) in rows.iter().enumerate() {
            let y = y + (r + 1) * CELL;
            let _ = write!(text, "<text x=\"4\" y=\"{}\">{inputs}</text>", y + 14);
            for (c, (outputs, speeds)) in cells.iter().enumerate() {
                let (x, shade) = (40 + c * CELL, (255.0 * (speeds[index] / top).min(1.0)) as u8);
                let ink = if shade > 110 { "black" } else { "white" };
                let _ = write!(
                    text,
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{CELL}\" height=\"{CELL}\" fill=\"rgb({shade},{shade},{shade})\"/>\
                     <text x=\"{}\" y=\"{}\" fill=\"{ink}\">{:.0}</text>",
                    x + 2,
                    y + 14,
                    speeds[index]
                );
                if r == 0 {
                    let _ = write!(text, "<text x=\"{}\" y=\"{}\">{outputs}</text>", x + 2, y - 4);
                }
            }
        }
    }
    text + "</svg>\n"
}

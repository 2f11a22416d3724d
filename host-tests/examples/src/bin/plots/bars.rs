//! Cycles and bytes as bars.

use std::path::Path;

use baregrad::optimizer::Optimizer;
use baregrad::{
    Adam, Conv2d, Dense, Flatten, Image, MaxPool2d, Model, Momentum, Network, Relu, Same, Sgd, Trainer, Workspace,
    floats,
};
use host_tests::memory::{self, Use};
use plotters::prelude::*;

use crate::Result;

/// A bar: its name, and what it is made of, from the left.
type Bar = (String, Vec<f64>);

/// Cycles of each row of the device's table, and its limit.
pub(crate) fn cycles(path: &Path, table: &Path) -> Result {
    let text = std::fs::read_to_string(table)?;
    let number = |cell: &str| cell.trim().replace(',', "").parse::<f64>().ok();
    // The first table: opt-level 3. Its row of a single product is another unit.
    let rows = text.lines().skip_while(|line| !line.starts_with("| `opt-level = 3`")).skip(2);
    let mut bars: Vec<Bar> = Vec::new();
    for line in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.split('|').collect();
        if let [_, name, _, _, cycles, limit, ..] = cells.as_slice()
            && let (Some(cycles), Some(limit)) = (number(cycles), number(limit))
            && limit > 100.0
        {
            bars.push((name.trim().to_string(), vec![100.0 * cycles / limit]));
        }
    }
    if bars.is_empty() {
        return Err(format!("no table in {}", table.display()).into());
    }
    let caption = "Cortex-M4F: cycles in % of the limit (opt-level 3, estimated by the timing table)";
    draw(path, caption, "%", &["cycles"], &bars)
}

/// Bytes of a training on a 32-bit processor, by part.
pub(crate) fn memory(path: &Path) -> Result {
    type Iris = (Dense<4, 16, Relu>, Dense<16, 3>);
    type Digits = (Dense<64, 32, Relu>, Dense<32, 10>);
    type Convolutional = Model<
        Image<8, 8, 1>,
        (
            Conv2d<1, 8, 3, 3, Same, Relu>,
            MaxPool2d<2>,
            Conv2d<8, 16, 3, 3, Same, Relu>,
            MaxPool2d<2>,
            Flatten<64>,
            Dense<64, 10>,
        ),
    >;
    fn parts<N: Network, O: Optimizer, const B: usize, const FLOATS: usize>(name: &str) -> Bar {
        let sizes = [size_of::<N>(), size_of::<N::Slots<O::Slot>>(), size_of::<Workspace<B, FLOATS>>()];
        debug_assert_eq!(sizes.iter().sum::<usize>(), Trainer::<N, O, B, FLOATS>::BYTES);
        (name.to_string(), sizes.map(|bytes| bytes as f64).to_vec())
    }
    let bars = [
        parts::<Iris, Sgd, 16, { floats::<Iris>() }>("4-16-3, SGD, batch 16"),
        parts::<Iris, Adam, 16, { floats::<Iris>() }>("4-16-3, Adam, batch 16"),
        parts::<Digits, Sgd, 1, { floats::<Digits>() }>("64-32-10, SGD, batch 1"),
        parts::<Digits, Sgd, 16, { floats::<Digits>() }>("64-32-10, SGD, batch 16"),
        parts::<Digits, Momentum, 16, { floats::<Digits>() }>("64-32-10, Momentum, batch 16"),
        parts::<Digits, Adam, 16, { floats::<Digits>() }>("64-32-10, Adam, batch 16"),
        parts::<Convolutional, Sgd, 1, { floats::<Convolutional>() }>("two convolutions, SGD, batch 1"),
        parts::<Convolutional, Momentum, 4, { floats::<Convolutional>() }>("two convolutions, Momentum, batch 4"),
    ];
    draw(path, "RAM of a training, without the stack", "bytes", &["weights", "optimizer", "workspace"], &bars)
}

/// RAM of each use of the project's networks, beside that of a training of all layers.
pub(crate) fn networks(path: &Path) -> Result {
    let rows = memory::rows();
    // The first ones are room for the names of the colours.
    let mut bars: Vec<Bar> = vec![(String::new(), vec![0.0; 4]); 3];
    for row in &rows {
        let whole = rows.iter().find(|other| other.network == row.network && other.what == Use::Train);
        let whole = whole.map_or(0, memory::Row::most) as f64;
        let parts = [row.learning, row.activations, row.scratch, row.fixed].map(|bytes| 100.0 * bytes as f64 / whole);
        bars.push((format!("{}: {}", row.network.replace('`', ""), row.what.name()), parts.to_vec()));
    }
    let caption = "RAM of a network, one sample at a time, without the stack";
    let parts = ["weights that learn", "activations", "scratch", "other weights: RAM or flash"];
    draw(path, caption, "% of a training of all layers by plain gradient descent", &parts, &bars)
}

/// Horizontal bars, the first on top.
fn draw(path: &Path, caption: &str, unit: &str, parts: &[&str], bars: &[Bar]) -> Result {
    let area = SVGBackend::new(path, (760, 90 + 30 * bars.len() as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let longest = bars.iter().map(|(_, parts)| parts.iter().sum()).fold(0.0, f64::max);
    let rows = bars.len() as i32;
    let mut chart = ChartBuilder::on(&area)
        .caption(caption, ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(35)
        .y_label_area_size(250)
        .build_cartesian_2d(0.0..longest * 1.15, (0..rows - 1).into_segmented())?;
    let name = |row: &SegmentValue<i32>| match row {
        // The axis also asks beyond its ends.
        SegmentValue::CenterOf(row) => {
            usize::try_from(rows - 1 - row).ok().and_then(|k| bars.get(k)).map_or(String::new(), |bar| bar.0.clone())
        }
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(unit)
        .y_labels(bars.len())
        .y_label_formatter(&name)
        .draw()?;
    for (part, label) in parts.iter().enumerate() {
        let color = Palette99::pick(part).to_rgba();
        let series = (0..rows).zip(bars.iter().rev()).map(|(row, (_, values))| {
            let start: f64 = values[..part].iter().sum();
            let corners = [(start, SegmentValue::Exact(row)), (start + values[part], SegmentValue::Exact(row + 1))];
            let mut bar = Rectangle::new(corners, color.filled());
            bar.set_margin(5, 5, 0, 0);
            bar
        });
        chart
            .draw_series(series)?
            .label(*label)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], color.filled()));
    }
    if parts.len() > 1 {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .draw()?;
    }
    area.present()?;
    Ok(())
}

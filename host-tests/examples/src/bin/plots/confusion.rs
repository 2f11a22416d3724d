//! Which digits of MNIST are taken for which.

use std::path::Path;

use host_tests::mnist::{Mnist, Run};
use plotters::prelude::*;

use crate::Result;

const STEPS: u32 = 10_000;

pub(crate) fn draw(path: &Path, folder: &Path) -> Result {
    let mnist = Mnist::read(folder)?;
    let (train, test) = (mnist.train.dataset(), mnist.test.dataset());
    let mut run = Run::new(0);
    for _ in 0..STEPS {
        run.step(&train)?;
    }
    let matrix = run.confusion(&test)?;
    let accuracy = 100.0 * matrix.correct() as f64 / matrix.samples() as f64;
    let area = SVGBackend::new(path, (520, 540)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("MNIST at 14 × 14 after {STEPS} mini-batches: {accuracy:.2} % right"), ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(35)
        .y_label_area_size(45)
        .build_cartesian_2d((0..9).into_segmented(), (0..9).into_segmented())?;
    let digit = |place: &SegmentValue<i32>| match place {
        SegmentValue::CenterOf(digit) => digit.to_string(),
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_mesh()
        .x_desc("taken for")
        .y_desc("is")
        .x_label_formatter(&digit)
        .y_label_formatter(&digit)
        .draw()?;
    for (is, row) in (0..).zip(matrix.counts) {
        let all: u32 = row.iter().sum();
        for (taken_for, count) in (0..).zip(row) {
            // The root shows the few mistakes beside the many hits.
            let share = (f64::from(count) / f64::from(all.max(1))).sqrt();
            let corners = [
                (SegmentValue::Exact(taken_for), SegmentValue::Exact(is)),
                (SegmentValue::Exact(taken_for + 1), SegmentValue::Exact(is + 1)),
            ];
            chart.draw_series([Rectangle::new(corners, BLUE.mix(share).filled())])?;
            let place = (SegmentValue::CenterOf(taken_for), SegmentValue::CenterOf(is));
            let color = if share > 0.6 { WHITE } else { BLACK };
            let style = ("sans-serif", 12).into_font().color(&color);
            chart.draw_series([EmptyElement::at(place) + Text::new(count.to_string(), (-8, -6), style)])?;
        }
    }
    area.present()?;
    Ok(())
}

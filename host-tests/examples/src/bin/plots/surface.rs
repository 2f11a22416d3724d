//! What the network for XOR makes of the plane, while it learns.

use std::path::Path;

use baregrad::scalar::sigmoid;
use baregrad::{BinaryCrossEntropy, Dataset, Network, Sgd, Uniform};
use firmware_example::xor::{INPUTS, LEARNING_RATE, SEED, TARGETS, XorTrainer};
use plotters::prelude::*;
use rand_pcg::Pcg32;

use crate::Result;

/// Steps after which it is drawn.
const STEPS: [u32; 4] = [0, 50, 100, 400];
/// Points in a row of a picture, from -0.25 to 1.25.
const POINTS: i32 = 20;

pub(crate) fn draw(path: &Path) -> Result {
    let area = SVGBackend::new(path, (840, 240)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut trainer = XorTrainer::NEW;
    trainer.network.initialize(Uniform::weights(-1.0, 1.0), &mut Pcg32::new(SEED, 0));
    let (mut optimizer, mut done) = (Sgd::new(LEARNING_RATE), 0);
    for (steps, panel) in STEPS.into_iter().zip(area.split_evenly((1, STEPS.len()))) {
        while done < steps {
            trainer.step(&Dataset::from_arrays(&INPUTS, &TARGETS), BinaryCrossEntropy, &mut optimizer)?;
            done += 1;
        }
        let mut chart = ChartBuilder::on(&panel)
            .caption(format!("after {steps} steps"), ("sans-serif", 14))
            .margin(6)
            .build_cartesian_2d(0..POINTS, 0..POINTS)?;
        let place = |k: i32| (k as f32 + 0.5) / POINTS as f32 * 1.5 - 0.25;
        let points = (0..POINTS).flat_map(|x| (0..POINTS).map(move |y| (x, y)));
        chart.draw_series(points.map(|(x, y)| {
            let probability = sigmoid(trainer.network.predict(&[place(x), place(y)]).as_array()[0]);
            let mix = |zero: f32, one: f32| (zero + (one - zero) * probability) as u8;
            let color = RGBColor(mix(240.0, 30.0), mix(150.0, 100.0), mix(60.0, 200.0));
            Rectangle::new([(x, y), (x + 1, y + 1)], color.filled())
        }))?;
        let point = |value: f32| ((value + 0.25) / 1.5 * POINTS as f32) as i32;
        chart.draw_series(INPUTS.iter().zip(&TARGETS).map(|([x, y], [target])| {
            let fill = if *target > 0.5 { BLUE } else { YELLOW };
            EmptyElement::at((point(*x), point(*y)))
                + Circle::new((0, 0), 6, fill.filled())
                + Circle::new((0, 0), 6, BLACK.stroke_width(1))
        }))?;
    }
    area.present()?;
    Ok(())
}

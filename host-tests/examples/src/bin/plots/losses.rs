//! The loss of each optimizer on iris.

use std::path::Path;

use baregrad::optimizer::Optimizer;
use baregrad::{
    AdaGrad, Adam, CrossEntropy, Dense, HeUniform, Momentum, Nesterov, Network, Relu, RmsProp, Sgd, StepError, Trainer,
    floats,
};
use firmware_example::iris::TRAIN;
use plotters::prelude::*;
use rand_pcg::Pcg32;

use crate::Result;

const STEPS: u32 = 60;

/// The loss over all samples before each step; always from the same weights.
fn curve<O: Optimizer>(mut optimizer: O) -> std::result::Result<Vec<f32>, StepError> {
    let mut trainer = Box::new(
        Trainer::<(Dense<4, 16, Relu>, Dense<16, 3>), O, 120, { floats::<(Dense<4, 16, Relu>, Dense<16, 3>)>() }>::NEW,
    );
    trainer.network.initialize(HeUniform, &mut Pcg32::new(1, 0));
    (0..STEPS).map(|_| trainer.step(&TRAIN, CrossEntropy, &mut optimizer)).collect()
}

pub(crate) fn draw(path: &Path) -> Result {
    let curves = [
        ("Sgd 0.1", curve(Sgd::new(0.1))?),
        ("Momentum 0.1", curve(Momentum::new(0.1))?),
        ("Nesterov 0.1", curve(Nesterov::new(0.1))?),
        ("AdaGrad 0.1", curve(AdaGrad::new(0.1))?),
        ("RmsProp 0.01", curve(RmsProp::new(0.01))?),
        ("Adam 0.03", curve(Adam::new(0.03))?),
        ("Sgd 0.01", curve(Sgd::new(0.01))?),
    ];
    let area = SVGBackend::new(path, (720, 400)).into_drawing_area();
    area.fill(&WHITE)?;
    let top = curves.iter().map(|(_, curve)| curve[0]).fold(0.0, f32::max);
    let mut chart = ChartBuilder::on(&area)
        .caption("Iris, 4-16-3, all 120 samples a step: loss by optimizer and learning rate", ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(35)
        .y_label_area_size(45)
        .build_cartesian_2d(0..STEPS, 0.0..top * 1.1)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc("step")
        .y_desc("mean cross-entropy")
        .draw()?;
    for (index, (name, curve)) in curves.into_iter().enumerate() {
        let color = Palette99::pick(index).to_rgba();
        chart
            .draw_series(LineSeries::new((0..).zip(curve), color.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK.mix(0.3)).draw()?;
    area.present()?;
    Ok(())
}

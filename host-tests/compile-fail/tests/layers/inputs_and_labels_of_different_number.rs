//! Three samples, two labels.

use baregrad::Dataset;

static INPUTS: [[f32; 2]; 3] = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
static LABELS: [u8; 2] = [0, 1];
static DATA: Dataset<'static, [f32; 2], u8> = Dataset::from_arrays(&INPUTS, &LABELS);

fn main() {}

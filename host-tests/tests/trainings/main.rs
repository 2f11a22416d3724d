//! Trainings on whole data sets: what texts, references and the firmware's programs arrive at, and a training that loses power.

mod convolutional;
mod mlperf_tiny;
mod mnist;
mod power_cuts;
mod programs;
mod reference;
mod texts;

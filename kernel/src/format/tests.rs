//! Every public type has a `Format`: each is named here, and the sources are searched for one that is not.

#![allow(clippy::expect_used, clippy::indexing_slicing)] // a test may panic

extern crate std;

use std::format;
use std::fs;
use std::path::Path;
use std::string::String;
use std::vec::Vec;

use defmt::Format;
use embedded_storage::nor_flash::NorFlash;

use crate::checkpoint::flash;
use crate::*;

type Net = (Dense<4, 8, Relu>, Dense<8, 3>);

/// Names types, and has the compiler look whether each has a `Format`.
macro_rules! all_have_format {
    ($($type:ty),* $(,)?) => {{
        fn has_format<T: Format>() {}
        $(has_format::<$type>();)*
        [$(stringify!($type)),*]
    }};
}

/// Of any flash. There is none here to call it with, but the compiler has looked.
#[allow(dead_code)]
fn of_a_store<F: NorFlash>() {
    all_have_format!(flash::Store<F>);
}

fn types() -> Vec<&'static str> {
    let mut types = all_have_format!(
        activation::Identity,
        activation::Sigmoid,
        activation::Tanh,
        activation::Relu,
        activation::LeakyRelu<20>,
        arch::AdamConstants,
        checkpoint::LoadError,
        checkpoint::SaveError,
        checkpoint::ReadError<u8>,
        checkpoint::WriteError<u8>,
        data::Batch<'static, 'static, u8, u8, u16>,
        data::Batches<'static, 'static, u8, u8, u16>,
        data::DataError,
        data::Dataset<'static, u8, u8>,
        data::GatherBuffer<Features<3>, u8, 4>,
        data::Order<3>,
        data::RandomIndices<3>,
        environment::FloatEnvironmentError,
        fingerprint::Fingerprint,
        graph::Graph<4>,
        graph::GraphError,
        graph::Node<'static>,
        initializer::Fan,
        initializer::Uniform,
        initializer::GlorotUniform,
        initializer::HeUniform,
        initializer::FanInUniform,
        layer::Dense<4, 8, Relu>,
        layer::Backward<layer::Whole<1>>,
        layer::DenseSlots<4, 8, f32>,
        layer::End,
        layer::Forward<layer::Whole<1>>,
        layer::Frozen<Dense<4, 8, Relu>>,
        layer::Initial,
        layer::InputGradient<'static>,
        layer::LayerSummary,
        layer::NonFinite,
        layer::Place,
        layer::Stacked<'static, shape::Features<3>>,
        layer::Tensor,
        layer::Whole<1>,
        loss::BinaryCrossEntropy,
        loss::CrossEntropy,
        loss::HalfMeanSquaredError,
        loss::Huber,
        loss::MeanAbsoluteError,
        loss::MeanSquaredError,
        loss::OneHot<MeanSquaredError>,
        loss::Reduction,
        loss::SumOfSquares,
        loss::TargetError,
        loss::WeightedCrossEntropy<3>,
        matrix::Matrix<2, 3>,
        metrics::ClassOutOfRange,
        metrics::ConfusionMatrix<3>,
        metrics::Evaluation,
        network::Model<shape::Features<4>, Dense<4, 8, Relu>>,
        optimizer::AdaGrad,
        optimizer::Adam,
        optimizer::AdamW,
        optimizer::ClipValue<Sgd>,
        optimizer::Moments,
        optimizer::Momentum,
        optimizer::Nesterov,
        optimizer::RmsProp,
        <RmsProp as optimizer::Optimizer>::Step, // RmsPropStep
        optimizer::Sgd,
        optimizer::SgdMomentum,
        optimizer::StoreGradient,
        optimizer::WeightDecay<Sgd>,
        schedule::Constant,
        schedule::Cosine,
        schedule::EarlyStopping,
        schedule::Exponential,
        schedule::ReduceOnPlateau,
        schedule::StepDecay,
        schedule::Verdict,
        shape::Grid<shape::One, 3>,
        shape::Line<3>,
        shape::One,
        shape::Plane<2, 3>,
        streaming::MinMax<3>,
        streaming::MovingAccuracy,
        streaming::NonFiniteValue,
        streaming::PageHinkley,
        streaming::Standardizer<3>,
        network::Summary<Net>,
        train::Gradients<Net>,
        train::Slices<'static, Net, Adam, CrossEntropy, Dataset<'static, [f32; 4], u8>, 4, { crate::floats::<Net>() }>,
        train::StepError,
        train::Trainer<Net, Adam, 4, { crate::floats::<Net>() }>,
        train::Workspace<4, { crate::floats::<Net>() }>,
    )
    .to_vec();
    types.push("RmsPropStep");
    types.extend(all_have_format!(replay::ReplayBuffer<u8, u8, 3>));
    types.extend(all_have_format!(safetensors::ExportError, safetensors::ImportError, safetensors::Names<'static>,));
    types.extend(all_have_format!(flash::FlashLoadError<u8>, flash::FlashSaveError<u8>, flash::RegionError));
    types.push("flash::Store<F>");
    types
}

/// The names of all public structs and enums in a folder.
fn public_types(folder: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            public_types(&path, names);
            continue;
        }
        let source = fs::read_to_string(&path).expect("text");
        for line in source.lines() {
            if let Some(rest) = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum ")) {
                let end = rest.find(|character: char| !character.is_alphanumeric()).unwrap_or(rest.len());
                names.push(rest[..end].into());
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore)] // reads files
fn every_public_type_is_named_here() {
    let (types, mut names) = (types(), Vec::new());
    public_types(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut names);
    assert!(names.len() > 70, "{names:?}");
    let named = |name: &String| {
        types.iter().any(|entry| {
            let path = entry.split('<').next().unwrap_or(entry);
            path == name || path.ends_with(&format!("::{name}"))
        })
    };
    let missing: Vec<_> = names.iter().filter(|name| !named(name)).collect();
    assert!(missing.is_empty(), "{missing:?} in none of the lists");
}

//! Every public type has a `Format`: the sources are searched for one without. The compiler looks at those that have parameters.

#![allow(clippy::expect_used, clippy::indexing_slicing)] // a test may panic

extern crate std;

use std::borrow::ToOwned;
use std::fs;
use std::path::Path;
use std::string::String;
use std::vec::Vec;

use defmt::Format;
use embedded_storage::nor_flash::NorFlash;

use crate::checkpoint::flash;
use crate::*;

type Net = (Dense<4, 8, Relu>, Dense<8, 3>);

/// Has the compiler look whether each of these types has a `Format`.
macro_rules! all_have_format {
    ($($type:ty),* $(,)?) => {{
        fn has_format<T: Format>() {}
        $(has_format::<$type>();)*
    }};
}

/// Of any flash. There is none here to call it with, but the compiler has looked.
#[allow(dead_code)]
fn of_a_store<F: NorFlash>() {
    all_have_format!(flash::Store<F>);
}

/// A derive asks it of the parameters, and some parameters are no types that have one.
#[test]
fn types_with_parameters_have_a_format() {
    all_have_format!(
        activation::LeakyRelu<20>,
        checkpoint::ReadError<u8>,
        checkpoint::WriteError<u8>,
        data::Batch<'static, 'static, u8, u8, u16>,
        data::Batches<'static, 'static, u8, u8, u16>,
        data::Dataset<'static, u8, u8>,
        data::GatherBuffer<Features<3>, u8, 4>,
        data::Order<3>,
        data::RandomIndices<3>,
        flash::FlashLoadError<u8>,
        flash::FlashSaveError<u8>,
        graph::Graph<4>,
        graph::Node<'static>,
        layer::Dense<4, 8, Relu>,
        layer::Along<layer::Same>,
        layer::Backward<layer::Whole<1>>,
        layer::Centered<2>,
        layer::DenseSlots<4, 8, f32>,
        layer::Conv2d<4, 8, 3, 3>,
        layer::DepthwiseConv1d<4, 3>,
        layer::PooledConv2d<4, 8, 3, 3>,
        optimizer::LayerPowers,
        layer::Flatten<8>,
        layer::Forward<layer::Whole<1>>,
        layer::Frozen<Dense<4, 8, Relu>>,
        layer::GlobalAveragePool,
        layer::InputGradient<'static>,
        layer::BatchNorm<8, Relu>,
        layer::Dropout<50>,
        layer::LayerNorm<8, Relu>,
        layer::LayerNormSlots<8, f32>,
        layer::MaxPool1d<3, layer::Strided<2>>,
        layer::Over<2, 3, layer::Valid>,
        layer::Pool<layer::Average, layer::Global>,
        layer::Residual<Dense<4, 4>, layer::Skip, Relu>,
        layer::ResidualSlots<(), ()>,
        layer::Stacked<'static, shape::Features<3>>,
        layer::Strided<2, 1>,
        layer::Valid<2>,
        layer::Whole<1>,
        loss::OneHot<MeanSquaredError>,
        loss::WeightedCrossEntropy<3>,
        matrix::Matrix<2, 3>,
        metrics::ConfusionMatrix<3>,
        network::Model<shape::Features<4>, Dense<4, 8, Relu>>,
        network::Summary<Net>,
        optimizer::ClipValue<Sgd>,
        optimizer::WeightDecay<Sgd>,
        replay::ReplayBuffer<u8, u8, 3>,
        safetensors::Names<'static>,
        shape::Every<shape::Line<3>, 2, 1>,
        shape::Grid<shape::One, 3>,
        shape::Inside<shape::Plane<3, 3>, 2, 2, 1, 1>,
        shape::Line<3>,
        shape::Plane<2, 3>,
        streaming::MinMax<3>,
        streaming::Standardizer<3>,
        train::Gradients<Net>,
        train::Slices<'static, Net, Adam, CrossEntropy, Dataset<'static, [f32; 4], u8>, 4, { crate::floats::<Net>() }>,
        train::Trainer<Net, Adam, 4, { crate::floats::<Net>() }>,
        train::Workspace<4, { crate::floats::<Net>() }>,
    );
}

/// The text of all sources.
fn text_of(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            text += &text_of(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(&path).expect("text");
        }
    }
    text
}

/// The word at the start of a text.
fn word(text: &str) -> &str {
    text.split(|character: char| !character.is_alphanumeric()).next().unwrap_or("")
}

/// The public types that a text defines, each with whether an attribute of it derives `Format`.
fn public_types(text: &str) -> Vec<(String, bool)> {
    let (mut types, mut derived) = (Vec::new(), false);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum ")) {
            types.push((word(rest).to_owned(), derived));
        }
        // Attributes and comments stand above their type, in lines of their own.
        let is_above = line.starts_with("#[") || line.starts_with("//");
        derived = is_above && (derived || line == "#[cfg_attr(feature = \"defmt\", derive(defmt::Format))]");
    }
    types
}

/// Those that neither derive a `Format` nor have an `impl`.
fn without_format(text: &str) -> Vec<String> {
    // A long head goes on in a second line.
    let text_of_heads = text.replace("\n    for ", " for ");
    let implemented: Vec<&str> = text_of_heads
        .lines()
        .filter(|line| line.starts_with("impl"))
        .filter_map(|line| line.split_once(" Format for ").or_else(|| line.split_once(" defmt::Format for ")))
        .map(|(_, rest)| {
            word(rest.rsplit_once("::").filter(|(path, _)| !path.contains('<')).map_or(rest, |(_, name)| name))
        })
        .collect();
    let missing =
        public_types(text).into_iter().filter(|(name, derived)| !derived && !implemented.contains(&&name[..]));
    missing.map(|(name, _)| name).collect()
}

#[test]
#[cfg_attr(miri, ignore)] // reads files
fn every_public_type_has_a_format() {
    let text = text_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(public_types(&text).len() > 70, "{:?}", public_types(&text));
    assert_eq!(without_format(&text), [""; 0], "derive it, or implement it in `format.rs`");
}

#[test]
fn a_type_without_a_format_is_found() {
    let derived = "#[cfg_attr(feature = \"defmt\", derive(defmt::Format))]\n";
    let missing = |text: &str| without_format(text).concat();
    for text in [
        "pub struct Rule {",
        "pub enum Rule {",
        "#[derive(Clone, Copy)]\npub struct Rule<const N: usize>(f32);",
        "#[derive(defmt::Format)]\npub struct Rule;",
        "pub struct Rule;\nimpl Format for Other {}\nimpl<R> Format for Rules<R> {}",
        "pub struct Rule;\n// impl Format for Rule",
    ] {
        assert_eq!(missing(text), "Rule", "{text}");
    }
    // Another type's does not count.
    assert_eq!(missing(&std::format!("{derived}struct Other;\npub struct Rule;")), "Rule");
    assert_eq!(missing(&std::format!("{derived}pub struct Other;\n\npub struct Rule;")), "Rule");
    for text in [
        std::format!("{derived}pub struct Rule;"),
        std::format!("{derived}/// Settings.\n#[doc(alias = \"R\")]\npub struct Rule<R>(R);"),
        "pub struct Rule;\nimpl<const N: usize> Format for Rule<N> {".to_owned(),
        "pub struct Rule;\nimpl<F: a::B> Format for crate::a::Rule<F> {".to_owned(),
        "pub(crate) struct Rule;\nstruct Other;".to_owned(),
    ] {
        assert_eq!(missing(&text), "", "{text}");
    }
}

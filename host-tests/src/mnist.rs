//! MNIST: the files, the network that the text trains on them at 14 × 14 pixels, and convolutional networks.
//!
//! Y. LeCun, C. Cortes and C. Burges; the data are not part of this repository. A folder with the four files of the set, as
//! distributed (`train-images-idx3-ubyte.gz` and so on, compressed or not, also with `mnist-` in front of the name), is needed.

use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use baregrad::data::RandomIndices;
use baregrad::shape::{Features, SampleOf};
use baregrad::{
    ConfusionMatrix, Dataset, Dense, GlorotUniform, HalfMeanSquaredError, HeUniform, Identity, Image, Model, Network,
    OneHot, Sgd, SgdMomentum, Sigmoid, StepError, Trainer, Uniform, Zero, floats,
};
use catalogue::measured::Convolutional;
use rand_pcg::Pcg32;

use crate::recipe::{self, Rate};

/// Pixels of an image after taking the mean of each 2 × 2 block.
pub const PIXELS: usize = 196;

/// Pixels of an image row by row, in the shape of a network's input, 0 to 1.
pub trait Pixels: Sized {
    /// From 28 rows of 28 bytes.
    fn of(bytes: &[u8]) -> Self;
}

/// 14 × 14: the mean of each 2 × 2 block.
impl Pixels for [f32; PIXELS] {
    fn of(bytes: &[u8]) -> Self {
        shrink(bytes)
    }
}

/// 14 × 14, as an image of one channel.
impl Pixels for [[[f32; 1]; 14]; 14] {
    fn of(bytes: &[u8]) -> Self {
        let pixels = shrink(bytes);
        std::array::from_fn(|y| std::array::from_fn(|x| [pixels[14 * y + x]]))
    }
}

/// All of it, as an image of one channel.
impl Pixels for [[[f32; 1]; 28]; 28] {
    fn of(bytes: &[u8]) -> Self {
        std::array::from_fn(|y| std::array::from_fn(|x| [f32::from(bytes[28 * y + x]) / 255.0]))
    }
}

/// Images with their labels.
pub struct Part<X = [f32; PIXELS]> {
    /// The images.
    pub images: Vec<X>,
    /// Digits.
    pub labels: Vec<u8>,
}

/// The whole set.
pub struct Mnist<X = [f32; PIXELS]> {
    /// 60,000 images.
    pub train: Part<X>,
    /// 10,000 images.
    pub test: Part<X>,
}

/// What is wrong with the files.
#[derive(Debug)]
pub enum MnistError {
    /// None of the names of a file is in the folder.
    Missing(PathBuf),
    /// A file can't be read or decompressed.
    Unreadable(PathBuf, std::io::Error),
    /// A file is not what its name says.
    Corrupt(PathBuf, String),
}

impl fmt::Display for MnistError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "{}: not there, nor with .gz or mnist- in its name", path.display()),
            Self::Unreadable(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Corrupt(path, what) => write!(f, "{}: {what}", path.display()),
        }
    }
}

impl std::error::Error for MnistError {}

impl<X: Pixels> Mnist<X> {
    /// Reads the four files of a folder.
    ///
    /// # Errors
    /// A file that is missing, unreadable or corrupt.
    pub fn read(folder: &Path) -> Result<Self, MnistError> {
        Ok(Self { train: Part::read(folder, "train", 60_000)?, test: Part::read(folder, "t10k", 10_000)? })
    }
}

impl<X: Pixels> Part<X> {
    fn read(folder: &Path, name: &str, count: usize) -> Result<Self, MnistError> {
        let (path, pixels) = read_idx(folder, &format!("{name}-images-idx3-ubyte"), &[count, 28, 28])?;
        let images = pixels.chunks_exact(28 * 28).map(X::of).collect();
        drop(path);
        let (path, labels) = read_idx(folder, &format!("{name}-labels-idx1-ubyte"), &[count])?;
        match labels.iter().find(|&&label| label > 9) {
            Some(label) => Err(MnistError::Corrupt(path, format!("label {label}"))),
            None => Ok(Self { images, labels }),
        }
    }

    /// As a data set.
    pub fn dataset(&self) -> Dataset<'_, X, u8> {
        Dataset::new(&self.images, &self.labels).expect("as many labels as images")
    }
}

/// The mean of each 2 × 2 block, 0 to 1.
fn shrink(pixels: &[u8]) -> [f32; PIXELS] {
    std::array::from_fn(|i| {
        let corner = i / 14 * 2 * 28 + i % 14 * 2;
        let block = [corner, corner + 1, corner + 28, corner + 29];
        block.iter().map(|&at| f32::from(pixels[at])).sum::<f32>() / (4.0 * 255.0)
    })
}

/// The values of an IDX file of unsigned bytes with these dimensions, and its path.
fn read_idx(folder: &Path, name: &str, dimensions: &[usize]) -> Result<(PathBuf, Vec<u8>), MnistError> {
    let names = [name.to_owned(), format!("{name}.gz"), format!("mnist-{name}"), format!("mnist-{name}.gz")];
    let path = names.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    let path = path.ok_or_else(|| MnistError::Missing(folder.join(name)))?;
    let mut bytes = fs::read(&path).map_err(|error| MnistError::Unreadable(path.clone(), error))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        let result = flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked);
        result.map_err(|error| MnistError::Unreadable(path.clone(), error))?;
        bytes = unpacked;
    }
    // Two zero bytes, 8 for unsigned bytes, the number of dimensions; then each dimension as a big-endian u32.
    let mut header = vec![0, 0, 8, dimensions.len() as u8];
    header.extend(dimensions.iter().flat_map(|&dimension| (dimension as u32).to_be_bytes()));
    let values: usize = dimensions.iter().product();
    if !bytes.starts_with(&header) {
        return Err(MnistError::Corrupt(path, format!("not an IDX file of bytes with dimensions {dimensions:?}")));
    }
    if bytes.len() != header.len() + values {
        let found = bytes.len() - header.len();
        return Err(MnistError::Corrupt(path, format!("{found} values instead of {values}")));
    }
    bytes.drain(..header.len());
    Ok((path, bytes))
}

/// The text's network: sigmoid everywhere.
pub type Net = (Dense<PIXELS, 100, Sigmoid>, Dense<100, 50, Sigmoid>, Dense<50, 10, Sigmoid>);
/// Samples in a mini-batch.
pub const BATCH: usize = 64;
/// Learning rate, with half the squared error summed over the outputs and averaged over the mini-batch.
pub const LEARNING_RATE: f32 = 1.0;

/// The text's training run.
pub struct Run {
    trainer: Box<Trainer<Net, Sgd, BATCH, { floats::<Net>() }>>,
    generator: Pcg32,
    indices: RandomIndices<BATCH>,
}

impl Run {
    /// Weights and biases uniform in [-0.5, 0.5].
    pub fn new(seed: u64) -> Self {
        let mut generator = Pcg32::new(seed, 0);
        let mut trainer = Box::new(Trainer::<Net, Sgd, BATCH, { floats::<Net>() }>::NEW);
        trainer.network.initialize(Uniform::weights_and_biases(-0.5, 0.5), &mut generator);
        Self { trainer, generator, indices: RandomIndices::ZERO }
    }

    /// One random mini-batch; gives its loss.
    ///
    /// # Errors
    /// As a training step's.
    pub fn step(&mut self, data: &Dataset<'_, [f32; PIXELS], u8>) -> Result<f32, StepError> {
        self.indices.draw(data.inputs().len(), &mut self.generator)?;
        let batch = data.batch(&self.indices)?;
        self.trainer.step(&batch, OneHot(HalfMeanSquaredError), &mut Sgd::new(LEARNING_RATE))
    }

    /// Predictions for a data set.
    ///
    /// # Errors
    /// As a forward pass's.
    pub fn confusion(&mut self, data: &Dataset<'_, [f32; PIXELS], u8>) -> Result<ConfusionMatrix<10>, StepError> {
        let mut matrix = ConfusionMatrix::NEW;
        self.trainer.confusion_matrix(data, &mut matrix)?;
        Ok(matrix)
    }
}

/// At 14 × 14: 1,898 parameters.
pub type Small = Model<Image<14, 14, 1>, Convolutional<64>>;
/// At 28 × 28.
pub type Large = catalogue::measured::Mnist;

/// Of a set, the percent of test images that a convolutional network gets right after so many epochs of momentum 0.9, in batches of 32, at a rate that
/// falls from 0.05 along a cosine.
///
/// # Errors
/// As a training step's; none with these data.
pub fn convolutional<In, const FEATURES: usize, const FLOATS: usize>(
    mnist: &Mnist<SampleOf<In>>,
    epochs: u32,
    seed: u64,
) -> Result<f64, StepError>
where
    In: baregrad::shape::ArrayShape<Sample: Pixels>,
    Model<In, Convolutional<FEATURES>>: Network<In = In, Out = Features<10>, Activation = Identity>,
{
    let mut generator = Pcg32::new(seed, 0);
    let mut trainer = Box::new(Trainer::<Model<In, Convolutional<FEATURES>>, SgdMomentum, 32, FLOATS>::NEW);
    trainer.network.initialize(HeUniform, &mut generator);
    trainer.network.layers.5.initialize(GlorotUniform, &mut generator);
    recipe::train(&mut trainer, &mnist.train.dataset(), Rate::Cosine(0.05), epochs, &mut generator)?;
    recipe::accuracy(&mut trainer, &mnist.test.dataset())
}

//! What networks are made of: frozen parts, models, tuples of many layers, layers of the user's.

use crate::common::training::assert_slices_are_the_step;
use crate::common::{FLOATS, Random, assert_same_bits, bits, gradient, parameters, random_network, set_parameters};
use baregrad::layer::{Body, InputGradient, Inputs, NonFinite, Pass, Tensors, activate};
use baregrad::optimizer::{Optimizer, Slot};
use baregrad::train::{Gradients, accumulate};
use baregrad::{
    Adam, CrossEntropy, Dataset, Dense, Features, Frozen, Identity, Layer, Matrix, MeanSquaredError, Model, Network,
    Parameters, Recompute, Relu, Sequence, Sgd, StepError, Tanh, Trainer, Workspace, Zero, checkpoint, floats,
};

type Trunk = (Dense<3, 7, Relu>, Dense<7, 5, Tanh>);
type Head = Dense<5, 3>;

static TRUNK: Trunk = (
    Dense::new(Matrix::from_rows([[0.5; 7], [-0.25; 7], [0.125; 7]]), [0.1; 7]),
    Dense::new(Matrix::from_rows([[0.3; 5]; 7]), [-0.2; 5]),
);

/// Names the weights in flash.
struct InFlash;

impl Zero for InFlash {
    const ZERO: Self = Self;
}

impl Body for InFlash {
    type Layers = Trunk;

    fn layers(&self) -> &Trunk {
        &TRUNK
    }
}

/// Steps of a network with a frozen part, at once and in slices, beside `step_frozen` of one that could learn as a whole.
#[test]
fn a_frozen_part_gives_the_bits_of_frozen_layers() {
    type Net = (Frozen<InFlash>, Head);
    const { assert!(size_of::<Net>() == 4 * (5 * 3 + 3), "the trunk takes no RAM") };
    const { assert!(<Net as Parameters>::PARAMETERS == 5 * 3 + 3) };
    let mut random = Random::new(1);
    let inputs: [[f32; 3]; 6] = std::array::from_fn(|_| std::array::from_fn(|_| random.input()));
    let labels: [u8; 6] = std::array::from_fn(|_| random.below(3) as u8);
    let head: Head = random_network(&mut random);

    let mut frozen = Trainer::<Net, Adam, 6, { floats::<Net>() }>::NEW;
    frozen.network.1 = head;
    let mut sliced = Trainer::<Net, Adam, 6, { floats::<Net>() }>::NEW;
    sliced.network.1 = head;
    let mut whole = Trainer::<(Trunk, Head), Adam, 6, { floats::<(Trunk, Head)>() }>::NEW;
    whole.network = (TRUNK, head);
    let mut in_ram = Trainer::<(Frozen<Trunk>, Head), Adam, 6, FLOATS>::NEW;
    in_ram.network = (Frozen(TRUNK), head);
    let (mut first, mut second, mut third, mut fourth) =
        (Adam::new(0.01), Adam::new(0.01), Adam::new(0.01), Adam::new(0.01));
    for count in [6, 1, 4, 6] {
        let data = Dataset::new(&inputs[..count], &labels[..count]).expect("as many labels");
        frozen.workspace.memory = [[f32::NAN; floats::<Net>()]; 6];
        let loss = whole.step_frozen(2, &data, CrossEntropy, &mut first).expect("sound");
        assert_eq!(frozen.step(&data, CrossEntropy, &mut second).map(f32::to_bits), Ok(loss.to_bits()));
        assert_eq!(in_ram.step(&data, CrossEntropy, &mut third).map(f32::to_bits), Ok(loss.to_bits()));
        let polled = crate::common::poll_to_the_end(&mut sliced, &data, CrossEntropy, &mut fourth);
        assert_eq!(polled.map(f32::to_bits), Ok(loss.to_bits()));
    }
    let trained = parameters(&whole.network.1);
    assert_ne!(bits(&trained), bits(&parameters(&head)));
    assert_same_bits(&parameters(&frozen.network), &trained, "in flash");
    assert_same_bits(&parameters(&in_ram.network), &trained, "in RAM");
    assert_same_bits(&parameters(&sliced.network), &trained, "in slices");
    assert_same_bits(&parameters(&in_ram.network.0.0), &parameters(&TRUNK), "frozen");
    let (left, right) = (frozen.network.predict(&inputs[0]), whole.network.predict(&inputs[0]));
    assert_same_bits(left.as_array(), right.as_array(), "prediction");
}

#[test]
fn a_checkpoint_of_a_network_with_a_frozen_part_has_the_others_alone() {
    type Net = (Frozen<InFlash>, Head);
    assert_eq!(checkpoint::weights_bytes::<Net>(), checkpoint::weights_bytes::<Head>());
    let mut bytes = [0; checkpoint::weights_bytes::<Net>()];
    let network: Net = (Frozen(InFlash), random_network(&mut Random::new(2)));
    checkpoint::save_weights(&network, &mut bytes).expect("finite");
    let mut other = Net::ZERO;
    checkpoint::load_weights(&mut other, &bytes).expect("the same architecture");
    assert_same_bits(&parameters(&other), &parameters(&network), "loaded");
    // Frozen layers of other sizes are another architecture, and so is a head alone.
    let mut wider = <(Frozen<(Dense<3, 5, Tanh>,)>, Head)>::ZERO;
    assert!(checkpoint::load_weights(&mut wider, &bytes).is_err());
    let mut head = Head::ZERO;
    assert!(checkpoint::load_weights(&mut head, &bytes).is_err());
}

#[test]
fn a_bad_number_in_a_frozen_part_is_reported_there() {
    type Net = (Dense<3, 3>, Frozen<Trunk>, Dense<5, 3>);
    let mut network = Net::ZERO;
    network.1.0.1.bias[2] = f32::NAN;
    let mut memory = [0.0; FLOATS];
    assert_eq!(network.predict_in(&[0.5; 3], &mut memory), Err(NonFinite { layer: 1 }));
    let mut trainer = Trainer::<(Frozen<Trunk>, Head), Sgd, 1, FLOATS>::NEW;
    trainer.network.0.0.1.bias[2] = f32::NAN;
    let data = Dataset::from_arrays(&[[0.5; 3]], &[0_u8]);
    let refused = trainer.step(&data, CrossEntropy, &mut Sgd::new(0.1));
    assert_eq!(refused, Err(StepError::NonFinitePreActivation { layer: 0 }));
}

/// The sum over all positions of each channel.
struct SumOfPositions;

impl Zero for SumOfPositions {
    const ZERO: Self = Self;
}

impl Tensors<f32> for SumOfPositions {}

impl Parameters for SumOfPositions {
    const KIND: &'static str = "SumOfPositions";
    type Slots<T: Slot> = ();
}

impl<const LENGTH: usize, const N: usize> Layer<Sequence<LENGTH, N>> for SumOfPositions {
    type Out = Features<N>;
    type Activation = Identity;

    fn forward<P: Pass, X: Inputs + ?Sized>(&self, _: P, x: &X, y: &mut [f32], _: &mut [f32]) -> Result<(), NonFinite> {
        for (sample, y) in y.as_chunks_mut::<N>().0.iter_mut().enumerate() {
            *y = [0.0; N];
            for position in x.sample(sample).expect("there").as_chunks::<N>().0 {
                y.iter_mut().zip(position).for_each(|(y, x)| *y += x);
            }
        }
        activate::<Identity>(y)
    }

    fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        _: P,
        _: &X,
        delta: &[f32],
        mut dx: InputGradient<'_>,
        _: &mut [f32],
        _: &mut (),
        _: &O::Step,
    ) {
        for (sample, delta) in delta.chunks(N).enumerate() {
            (0..LENGTH).for_each(|position| dx.give((sample * LENGTH + position) * N, delta));
        }
    }
}

/// A model on sequences: dense layers on each position, a layer of the user's in the middle, a dense layer behind. Its gradient against
/// central differences of its own loss.
#[test]
fn the_gradient_of_a_model_matches_central_differences() {
    type Net = Model<Sequence<4, 3>, ((Dense<3, 5, Tanh>, Dense<5, 4, Tanh>), SumOfPositions, Dense<4, 2>)>;
    let mut random = Random::new(3);
    let mut network: Net = random_network(&mut random);
    let inputs: [[[f32; 3]; 4]; 5] =
        std::array::from_fn(|_| std::array::from_fn(|_| std::array::from_fn(|_| random.input())));
    let targets: [[f32; 2]; 5] = std::array::from_fn(|_| std::array::from_fn(|_| random.input()));
    let data = Dataset::from_arrays(&inputs, &targets);
    let (mut gradients, mut workspace) = (Gradients::<Net>::NEW, Workspace::<5, { floats::<Net>() }>::NEW);
    workspace.memory = [[f32::NAN; floats::<Net>()]; 5];
    accumulate(&mut network, &mut gradients, &mut workspace, &data, &MeanSquaredError, 5).expect("sound");
    let (found, at) = (gradient(&gradients), parameters(&network));
    let mut loss = |index: usize, shift: f32| {
        let mut shifted = at.clone();
        shifted[index] += shift;
        set_parameters(&mut network, &shifted);
        baregrad::train::mean_loss(&network, &mut workspace, &data, &MeanSquaredError).expect("sound")
    };
    for (index, found) in found.iter().enumerate() {
        let difference = (loss(index, 0.01) - loss(index, -0.01)) / 0.02;
        assert!((found - difference).abs() < 2e-3 * (1.0 + found.abs()), "parameter {index}: {found} and {difference}");
    }
}

#[test]
fn a_model_on_features_is_its_layers() {
    type Layers = (Dense<4, 6, Relu>, Dense<6, 3>);
    type Net = Model<Features<4>, Layers>;
    let mut random = Random::new(4);
    let (layers, inputs): (Layers, [[f32; 4]; 3]) =
        (random_network(&mut random), std::array::from_fn(|_| std::array::from_fn(|_| random.input())));
    let data = Dataset::from_arrays(&inputs, &[0_u8, 2, 1]);
    let mut model = Trainer::<Net, Adam, 3, { floats::<Net>() }>::NEW;
    model.network = Model::new(layers);
    let mut tuple = Trainer::<Layers, Adam, 3, { floats::<Layers>() }>::NEW;
    tuple.network = layers;
    let (mut first, mut second) = (Adam::new(0.1), Adam::new(0.1));
    for _ in 0..3 {
        let left = model.step(&data, CrossEntropy, &mut first).expect("sound");
        let right = tuple.step(&data, CrossEntropy, &mut second).expect("sound");
        assert_eq!(left.to_bits(), right.to_bits());
    }
    assert_same_bits(&parameters(&model.network), &parameters(&tuple.network), "trained");
    assert_eq!(Net::FINGERPRINT, Layers::FINGERPRINT);
}

/// Sixteen layers in one tuple, and the same sixteen nested.
#[test]
fn sixteen_layers_flat_and_nested_are_one_network() {
    type D = Dense<3, 3, Tanh>;
    type Flat = (D, D, D, D, D, D, D, D, D, D, D, D, D, D, D, D);
    type Nested = ((D, (D, D), D, D), (D,), ((D, D, D), D, (D, D, (D, D))), (D, (D,)));
    const { assert!(floats::<Flat>() == floats::<Nested>() && floats::<Flat>() == 16 * 3 + 4) };
    const { assert!(Flat::FINGERPRINT == Nested::FINGERPRINT && <Nested as Parameters>::LAYERS == 16) };
    let mut random = Random::new(6);
    let inputs: [[f32; 3]; 4] = std::array::from_fn(|_| std::array::from_fn(|_| random.input()));
    let data = Dataset::from_arrays(&inputs, &[[0.5, -0.5, 0.25]; 4]);
    let mut flat = Trainer::<Flat, Sgd, 4, { floats::<Flat>() }>::NEW;
    flat.network = random_network(&mut random);
    let mut nested = Trainer::<Nested, Sgd, 4, { floats::<Nested>() }>::NEW;
    set_parameters(&mut nested.network, &parameters(&flat.network));
    let before = parameters(&flat.network);
    for _ in 0..3 {
        flat.workspace.memory = [[f32::NAN; floats::<Flat>()]; 4];
        nested.workspace.memory = [[f32::NAN; floats::<Nested>()]; 4];
        let left = flat.step(&data, MeanSquaredError, &mut Sgd::new(0.1)).expect("sound");
        let right = nested.step(&data, MeanSquaredError, &mut Sgd::new(0.1)).expect("sound");
        assert_eq!(left.to_bits(), right.to_bits());
    }
    assert_same_bits(&parameters(&flat.network), &parameters(&nested.network), "trained");
    assert_ne!(bits(&before), bits(&parameters(&flat.network)));
    let (left, right) = (flat.network.predict(&inputs[0]), nested.network.predict(&inputs[0]));
    assert_same_bits(left.as_array(), right.as_array(), "prediction");
}

#[test]
fn a_gradient_given_is_written_or_added_in_its_place() {
    let (mut written, mut added) = ([1.0; 5], [1.0; 5]);
    InputGradient::Write(&mut written).give(1, &[2.0, 3.0]);
    InputGradient::Add(&mut added).give(3, &[2.0, 3.0, 4.0]);
    InputGradient::Unwanted.give(0, &[2.0]);
    assert_eq!((written, added), ([1.0, 2.0, 3.0, 1.0, 1.0], [1.0, 1.0, 1.0, 3.0, 4.0]));
}

/// `y = x²`, of an input that it keeps.
struct Square;

impl Zero for Square {
    const ZERO: Self = Self;
}

impl Tensors<f32> for Square {}

impl Parameters for Square {
    const KIND: &'static str = "Square";
    type Slots<T: Slot> = ();
}

impl<const N: usize> Layer<Features<N>> for Square {
    type Out = Features<N>;
    type Activation = Identity;
    const KEPT: usize = N;

    fn forward<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: &mut [f32],
        memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        for sample in 0..pass.samples() {
            for (index, x) in (sample * N..).zip(x.sample(sample).expect("there")) {
                memory[index] = *x;
                y[index] = x * x;
            }
        }
        activate::<Identity>(y)
    }

    fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        _: P,
        _: &X,
        delta: &[f32],
        mut dx: InputGradient<'_>,
        memory: &mut [f32],
        _: &mut (),
        _: &O::Step,
    ) {
        for (at, (delta, kept)) in delta.iter().zip(memory).enumerate() {
            dx.give(at, &[2.0 * *kept * delta]);
        }
    }
}

#[test]
fn what_a_layer_keeps_is_there_in_steps_of_all_kinds() {
    type Flat = (Dense<3, 4, Tanh>, Square, Dense<4, 5, Tanh>, Square, Dense<5, 2>);
    type Nested = (Dense<3, 4, Tanh>, ((Square, Dense<4, 5, Tanh>), Square), Dense<5, 2>);
    const { assert!(floats::<Flat>() == 4 + (4 + 4) + 5 + (5 + 5) + 2 + 5) };
    let flat = assert_slices_are_the_step::<Flat, { floats::<Flat>() }>(7);
    let nested = assert_slices_are_the_step::<Nested, { floats::<Nested>() }>(7);
    assert_same_bits(&flat, &nested, "nested");
    // What a layer keeps is made again, with an output for nobody where it is the last.
    type Last = (Dense<3, 4, Tanh>, Recompute<(Square, Dense<4, 5, Tanh>, Square)>, Dense<5, 2>);
    type First = (Recompute<(Dense<3, 4, Tanh>, Square)>, Dense<4, 5, Tanh>, Recompute<Square>, Dense<5, 2>);
    let last = assert_slices_are_the_step::<Last, { floats::<Last>() }>(7);
    let first = assert_slices_are_the_step::<First, { floats::<First>() }>(7);
    assert_same_bits(&flat, &last, "made again, the last layer too");
    assert_same_bits(&flat, &first, "made again at the front");
}

#[test]
fn a_model_on_positions_trains_in_slices() {
    type Net = Model<Sequence<4, 3>, ((Dense<3, 5, Relu>, Dense<5, 4, Tanh>), SumOfPositions, Dense<4, 2>)>;
    assert_slices_are_the_step::<Net, { floats::<Net>() }>(10);
}

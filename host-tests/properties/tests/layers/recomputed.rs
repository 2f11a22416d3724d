//! Layers that run forward again train as those that keep all, in every form of step.
//!
//! Oracle: the same network without `Recompute`.

use baregrad::layer::Parameters;
use baregrad::shape::Features;
use baregrad::train::{Gradients, accumulate, apply};
use baregrad::{
    Adam, AveragePool2d, BatchNorm, Conv2d, Dataset, Dense, DepthwiseConv2d, Dropout, GlobalAveragePool, Image,
    LayerNorm, MaxPool2d, MeanSquaredError, Model, Network, Recompute, Relu, Residual, Same, Skip, Strided, Tanh,
    Trainer, Workspace, floats, predict_floats,
};

use crate::blocks::Data;
use crate::common::{Random, assert_same_bits, bits, gradient, parameters, poll_to_the_end, set_parameters};

/// Steps at once, in slices, without the first layers and in two phases, of full and of short batches, in workspaces of NaN; the two networks
/// have the same numbers after each.
fn assert_same<Plain, Less, const P: usize, const L: usize>(seed: u64, saves: bool)
where
    Plain: Network<Out = Features<2>>,
    Less: Network<In = Plain::In, Out = Features<2>, Activation = Plain::Activation>,
{
    assert_eq!(L < P, saves, "{L} floats and {P}");
    assert!(L <= P);
    assert_eq!((Plain::LAYERS, Plain::FINGERPRINT), (Less::LAYERS, Less::FINGERPRINT));
    assert_eq!(predict_floats::<Plain>(), predict_floats::<Less>());
    let mut random = Random::new(seed);
    let mut plain = Trainer::<Plain, Adam, 3, P>::NEW;
    let mut less = Trainer::<Less, Adam, 3, L>::NEW;
    let values: Vec<f32> = (0..Plain::PARAMETERS).map(|_| random.uniform(-0.6, 0.6)).collect();
    set_parameters(&mut plain.network, &values);
    set_parameters(&mut less.network, &values);
    let (mut first, mut second) = (Adam::new(0.02), Adam::new(0.02));
    for (number, samples) in [3, 2, 1, 3].iter().cycle().take(20).enumerate() {
        let data = Data::<Plain>::random(&mut random, *samples);
        let data = Dataset::new(&data.inputs, &data.targets).expect("as many targets");
        plain.workspace.memory = [[f32::NAN; P]; 3];
        less.workspace.memory = [[f32::NAN; L]; 3];
        let frozen = number % Plain::LAYERS;
        let losses = match number % 3 {
            0 => (
                plain.step(&data, MeanSquaredError, &mut first).expect("sound"),
                less.step(&data, MeanSquaredError, &mut second).expect("sound"),
            ),
            1 => (
                plain.step(&data, MeanSquaredError, &mut first).expect("sound"),
                poll_to_the_end(&mut less, &data, MeanSquaredError, &mut second).expect("sound"),
            ),
            _ => (
                plain.step_frozen(frozen, &data, MeanSquaredError, &mut first).expect("sound"),
                less.step_frozen(frozen, &data, MeanSquaredError, &mut second).expect("sound"),
            ),
        };
        let what = format!("step {number} of seed {seed}");
        assert_eq!(losses.0.to_bits(), losses.1.to_bits(), "{what}");
        assert_same_bits(&parameters(&less.network), &parameters(&plain.network), &what);
        assert_same_bits(&state(&less.network), &state(&plain.network), &what);
    }
    assert_ne!(bits(&values), bits(&parameters(&plain.network)), "nothing trained");
    assert_same_gradients::<Plain, Less, P, L>(&mut random, &mut plain.network, &mut less.network);
}

fn assert_same_gradients<Plain, Less, const P: usize, const L: usize>(
    random: &mut Random,
    plain: &mut Plain,
    less: &mut Less,
) where
    Plain: Network<Out = Features<2>>,
    Less: Network<In = Plain::In, Out = Features<2>, Activation = Plain::Activation>,
{
    let data = Data::<Plain>::random(random, 3);
    let data = Dataset::new(&data.inputs, &data.targets).expect("as many targets");
    let (mut of_plain, mut of_less) = (Gradients::<Plain>::NEW, Gradients::<Less>::NEW);
    let mut memory = Workspace::<3, P>::NEW;
    accumulate(plain, &mut of_plain, &mut memory, &data, &MeanSquaredError, 3).expect("sound");
    let mut memory = Workspace::<3, L>::NEW;
    memory.memory = [[f32::NAN; L]; 3];
    accumulate(less, &mut of_less, &mut memory, &data, &MeanSquaredError, 3).expect("sound");
    assert_same_bits(&gradient(&of_less), &gradient(&of_plain), "gradients");
    assert_same_bits(&state(less), &state(plain), "state after gradients");
}

/// All values of state.
fn state<N: Parameters>(network: &N) -> Vec<f32> {
    (0..N::STATE_COUNT).flat_map(|index| network.state_tensor(index).to_vec()).collect()
}

type Stem = Conv2d<2, 4, 3, 3, Strided<2>, Relu>;
type Separable = (DepthwiseConv2d<4, 3, 3, Same, Tanh>, Dense<4, 4, Relu>);
type OnImage<L> = Model<Image<8, 7, 2>, L>;
type Head = (GlobalAveragePool, Dense<4, 2>);

#[test]
fn at_the_front() {
    type Plain = OnImage<((Stem, Separable, Separable), Separable, Head)>;
    type Less = OnImage<(Recompute<(Stem, Separable, Separable)>, Separable, Head)>;
    assert_same::<Plain, Less, { floats::<Plain>() }, { floats::<Less>() }>(1, true);
}

#[test]
fn in_the_middle_and_one_in_another() {
    type Plain = OnImage<(Stem, (Separable, (Separable, Separable)), (Separable, Separable), Head)>;
    type Less = OnImage<(
        Stem,
        Recompute<(Separable, Recompute<(Separable, Separable)>)>,
        Recompute<(Separable, Separable)>,
        Head,
    )>;
    assert_same::<Plain, Less, { floats::<Plain>() }, { floats::<Less>() }>(2, true);
}

#[test]
fn at_the_end() {
    type Plain = (Dense<3, 9, Relu>, (Dense<9, 4, Tanh>, Dense<4, 30, Tanh>, Dense<30, 3>, Dense<3, 2>));
    type Less =
        (Dense<3, 9, Relu>, Recompute<(Dense<9, 4, Tanh>, Recompute<(Dense<4, 30, Tanh>, Dense<30, 3>)>, Dense<3, 2>)>);
    type Whole = (Dense<3, 9, Relu>, Recompute<(Dense<9, 4, Tanh>, Dense<4, 30, Tanh>, Dense<30, 3>, Dense<3, 2>)>);
    assert_same::<Plain, Less, { floats::<Plain>() }, { floats::<Less>() }>(3, false);
    assert_same::<Plain, Whole, { floats::<Plain>() }, { floats::<Whole>() }>(3, false);
}

/// The statistics of a batch and the values that are dropped are those of the first forward pass, and move once.
#[test]
fn of_layers_that_have_state() {
    type Normed = (Conv2d<2, 4, 3, 3>, BatchNorm<4, Relu>, Dropout<30>, DepthwiseConv2d<4, 3, 3>, BatchNorm<4, Tanh>);
    type Plain = OnImage<(Normed, (Dense<4, 4>, BatchNorm<4, Relu>), Head)>;
    type Less = OnImage<(Recompute<Normed>, (Dense<4, 4>, BatchNorm<4, Relu>), Head)>;
    assert_same::<Plain, Less, { floats::<Plain>() }, { floats::<Less>() }>(4, true);
}

/// A residual at the end of such layers makes its output for nobody; one inside and one around them keep what they kept.
#[test]
fn of_residuals_and_pools() {
    type Block = Residual<(Conv2d<4, 4, 3, 3, Same, Relu>, Conv2d<4, 4, 3, 3>), Skip, Relu>;
    type Pooled = (MaxPool2d<2, 2>, LayerNorm<4>);
    type Plain = OnImage<((Stem, Block, Block), (Block, Pooled), AveragePool2d<2, 2>, Head)>;
    type Less = OnImage<(
        Recompute<(Stem, Block, Block)>,
        Recompute<(Residual<Recompute<(Conv2d<4, 4, 3, 3, Same, Relu>, Conv2d<4, 4, 3, 3>)>, Skip, Relu>, Pooled)>,
        AveragePool2d<2, 2>,
        Head,
    )>;
    assert_same::<Plain, Less, { floats::<Plain>() }, { floats::<Less>() }>(5, true);
}

/// It saves nothing there, and changes nothing.
#[test]
fn of_a_single_layer() {
    type Plain = (Dense<3, 5, Tanh>, Dense<5, 4, Relu>, Dense<4, 2>);
    type Less = (Recompute<Dense<3, 5, Tanh>>, Recompute<Dense<5, 4, Relu>>, Recompute<(Dense<4, 2>,)>);
    assert_same::<Plain, Less, { floats::<Plain>() }, { floats::<Less>() }>(6, false);
}

/// Updates by gradients that were stored come to the same.
#[test]
fn an_update_by_stored_gradients_sees_its_parameters() {
    type Net = (Recompute<(Dense<3, 5, Tanh>, Dense<5, 4, Relu>)>, Dense<4, 2>);
    let mut random = Random::new(7);
    let mut trainer = Trainer::<Net, Adam, 3, { floats::<Net>() }>::NEW;
    let values: Vec<f32> = (0..Net::PARAMETERS).map(|_| random.uniform(-0.6, 0.6)).collect();
    set_parameters(&mut trainer.network, &values);
    let mut other = trainer.network;
    let data = Data::<Net>::random(&mut random, 3);
    let data = data.dataset();
    trainer.step(&data, MeanSquaredError, &mut Adam::new(0.02)).expect("sound");
    let (mut gradients, mut memory) = (Gradients::<Net>::NEW, Workspace::<3, { floats::<Net>() }>::NEW);
    accumulate(&mut other, &mut gradients, &mut memory, &data, &MeanSquaredError, 3).expect("sound");
    let mut slots = Trainer::<Net, Adam, 3, { floats::<Net>() }>::NEW.slots;
    apply(&mut other, &mut slots, &mut gradients, &mut Adam::new(0.02)).expect("sound");
    assert_same_bits(&parameters(&other), &parameters(&trainer.network), "parameters");
}

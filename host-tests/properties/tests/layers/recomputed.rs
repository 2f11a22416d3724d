//! Layers that run forward again train as those that keep all, in every form of step.
//!
//! Oracle: the same network without `Recompute`.

use baregrad::layer::{Parameters, Tensors};
use baregrad::shape::Features;
use baregrad::train::{Gradients, accumulate, apply};
use baregrad::{
    Adam, AveragePool2d, BatchNorm, Conv2d, Dataset, Dense, DepthwiseConv2d, Dropout, Frozen, GlobalAveragePool, Image,
    LayerNorm, MaxPool2d, MeanSquaredError, Model, Network, PooledConv2d, Recompute, Relu, Residual, Same, Skip,
    StepError, Strided, Tanh, Trainer, Workspace, floats, predict_floats,
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
    for (number, samples) in [3, 2, 1, 3].iter().cycle().take(3 * Plain::LAYERS).enumerate() {
        let data = Data::<Plain>::random(&mut random, *samples);
        let data = Dataset::new(&data.inputs, &data.targets).expect("as many targets");
        plain.workspace.memory = [[f32::NAN; P]; 3];
        less.workspace.memory = [[f32::NAN; L]; 3];
        let frozen = (number / 3) % Plain::LAYERS;
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
fn layers_at_the_front_train_as_without_it_in_less_memory() {
    type Plain = OnImage<((Stem, Separable, Separable), Separable, Head)>;
    type Less = OnImage<(Recompute<(Stem, Separable, Separable)>, Separable, Head)>;
    assert_same::<Plain, Less, { floats::<Plain>() }, { floats::<Less>() }>(1, true);
}

#[test]
fn layers_in_the_middle_and_in_another_train_as_without_it_in_less_memory() {
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
fn layers_at_the_end_train_as_without_it_in_the_same_memory() {
    type Plain = (Dense<3, 9, Relu>, (Dense<9, 4, Tanh>, Dense<4, 30, Tanh>, Dense<30, 3>, Dense<3, 2>));
    type Less =
        (Dense<3, 9, Relu>, Recompute<(Dense<9, 4, Tanh>, Recompute<(Dense<4, 30, Tanh>, Dense<30, 3>)>, Dense<3, 2>)>);
    type Whole = (Dense<3, 9, Relu>, Recompute<(Dense<9, 4, Tanh>, Dense<4, 30, Tanh>, Dense<30, 3>, Dense<3, 2>)>);
    assert_same::<Plain, Less, { floats::<Plain>() }, { floats::<Less>() }>(3, false);
    assert_same::<Plain, Whole, { floats::<Plain>() }, { floats::<Whole>() }>(3, false);
}

/// The statistics of a batch and the values that are dropped are those of the first forward pass, and move once.
#[test]
fn state_moves_as_without_it() {
    type Normed = (Conv2d<2, 4, 3, 3>, BatchNorm<4, Relu>, Dropout<30>, DepthwiseConv2d<4, 3, 3>, BatchNorm<4, Tanh>);
    type Plain = OnImage<(Normed, (Dense<4, 4>, BatchNorm<4, Relu>), Head)>;
    type Less = OnImage<(Recompute<Normed>, (Dense<4, 4>, BatchNorm<4, Relu>), Head)>;
    assert_same::<Plain, Less, { floats::<Plain>() }, { floats::<Less>() }>(4, true);
}

/// A residual at the end of such layers, in front of others, and around them.
#[test]
fn residuals_and_pools_train_as_without_it_in_less_memory() {
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
    // Where it saves nothing it takes nothing: the sum is not made again.
    type Kept = OnImage<((Stem, Block, Block), Head)>;
    type Again = OnImage<(Recompute<(Stem, Block, Block)>, Head)>;
    assert_same::<Kept, Again, { floats::<Kept>() }, { floats::<Again>() }>(10, false);
}

/// Which place counts is found again.
#[test]
fn pooled_convolutions_train_as_without_it() {
    type Layers = (PooledConv2d<2, 6, 2, 2, 2, 1>, PooledConv2d<6, 4, 1, 2, 1, 2, Tanh>);
    type Plain = OnImage<(Layers, Separable, Head)>;
    type Less = OnImage<(Recompute<Layers>, Separable, Head)>;
    assert_same::<Plain, Less, { floats::<Plain>() }, { floats::<Less>() }>(11, false);
}

/// Of nine outputs five are kept, and no more memory is needed at any time.
#[test]
fn blocks_each_by_itself_train_as_without_it_in_less_memory() {
    type Depthwise = DepthwiseConv2d<4, 3, 3, Same, Tanh>;
    type Plain = OnImage<(Stem, Separable, Separable, Separable, Depthwise, Dense<4, 4, Relu>, Head)>;
    type Less = OnImage<(
        Recompute<(Stem, Separable)>,
        Recompute<Separable>,
        Recompute<Separable>,
        Depthwise,
        Dense<4, 4, Relu>,
        Head,
    )>;
    const MAP: usize = 4 * 4 * 4;
    const { assert!(floats::<Plain>() >= 9 * MAP && floats::<Less>() < 6 * MAP + 32) };
    assert_same::<Plain, Less, { floats::<Plain>() }, { floats::<Less>() }>(12, true);
}

/// It saves nothing there, and changes nothing.
#[test]
fn single_layers_train_as_without_it_in_the_same_memory() {
    type Plain = (Dense<3, 5, Tanh>, Dense<5, 4, Relu>, Dense<4, 2>);
    type Less = (Recompute<Dense<3, 5, Tanh>>, Recompute<Dense<5, 4, Relu>>, Recompute<(Dense<4, 2>,)>);
    assert_same::<Plain, Less, { floats::<Plain>() }, { floats::<Less>() }>(6, false);
}

/// As the shortcut it adds to the gradient of the body; frozen layers and a model may be inside; and it may be all of a network.
#[test]
fn layers_of_every_place_train_as_without_it_in_less_memory() {
    type Frozen8 = Frozen<(Dense<3, 8, Relu>, Dense<8, 5, Tanh>)>;
    type Branches<S> = Residual<(Dense<5, 4, Relu>, Dense<4, 6>), S, Tanh>;
    type Shortcut = (Dense<5, 7, Tanh>, Dense<7, 6>);
    type OfModel = Model<Features<6>, (Dense<6, 9, Relu>, Dense<9, 4, Tanh>)>;
    type Plain = (Frozen8, Dense<5, 5, Relu>, Branches<Shortcut>, OfModel, Dense<4, 2>);
    type Less = Recompute<(
        Recompute<(Frozen8, Dense<5, 5, Relu>)>,
        Branches<Recompute<Shortcut>>,
        Recompute<OfModel>,
        Recompute<Dense<4, 2>>,
    )>;
    assert_same::<Plain, Less, { floats::<Plain>() }, { floats::<Less>() }>(8, true);
}

/// The layer in which a value is not finite has the number that it has without it, in a step at once and in slices.
#[test]
fn errors_name_the_layer_inside() {
    type Net = (Dense<3, 4>, Recompute<(Dense<4, 4>, (Dense<4, 4>, Dense<4, 4>))>, Dense<4, 2>);
    for layer in 0..Net::LAYERS {
        let mut trainer = Trainer::<Net, Adam, 3, { floats::<Net>() }>::NEW;
        trainer.network.tensor_mut(2 * layer + 1).fill(f32::MAX);
        trainer.network.tensor_mut(2 * layer).fill(f32::MAX);
        if layer > 0 {
            trainer.network.tensor_mut(2 * layer - 1).fill(1.0);
        }
        let mut data = Data::<Net>::random(&mut Random::new(9), 3);
        data.inputs.iter_mut().for_each(|input| *input = [1.0; 3]);
        let error = Err(StepError::NonFinitePreActivation { layer });
        let mut adam = Adam::new(0.02);
        assert_eq!(trainer.step(&data.dataset(), MeanSquaredError, &mut adam), error);
        assert_eq!(poll_to_the_end(&mut trainer, &data.dataset(), MeanSquaredError, &mut adam), error);
    }
}

/// Updates by gradients that were stored come to the same.
#[test]
fn stored_gradients_update_its_parameters() {
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

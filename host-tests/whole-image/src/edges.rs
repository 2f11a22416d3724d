//! What surrounds the arithmetic: data sets, orders, metrics, checkpoints, the texts of errors.
//!
//! Every place where an index, a length or a division comes from outside, so where a panic could hide.

use core::fmt::{self, Display, Write};
use core::hint::black_box;

use baregrad::checkpoint::flash::{FlashLoadError, FlashSaveError, RegionError, Store, place_bytes};
use baregrad::checkpoint::{self, LoadError, ReadError, SaveError, State, WriteError};
use baregrad::data::{DataError, Index, RandomIndices, Samples, shuffle_with};
use baregrad::fingerprint::{Fingerprint, chain};
use baregrad::graph::GraphError;
use baregrad::initializer::uniform;
use baregrad::layer::{
    ChannelOrder, Initial, InputGradient, Layer, NonFinite, Parameters, Pass, Place, Stacked, Taps, Tensor, Tensors,
    Whole, activate, step_of_layer,
};
use baregrad::loss::{Loss, TargetError};
use baregrad::matrix::{Vector, argmax, softmax};
use baregrad::metrics::{ClassOutOfRange, rank};
use baregrad::network::{Network, OnInput};
use baregrad::optimizer::{LayerPowers, Moments, Optimizer, Slot, StoreGradient};
use baregrad::replay::ReplayBuffer;
use baregrad::safetensors::{self, Dimensions, ExportError, ImportError, Names};
use baregrad::schedule::{Cosine, EarlyStopping, ReduceOnPlateau, StepDecay};
use baregrad::setting::{Domain, SettingError};
use baregrad::shape::{Features, Image, SampleOf, Sequence, Values};
use baregrad::streaming::{MinMax, MovingAccuracy, NonFiniteValue, PageHinkley, Standardizer, StreamError, one_hot};
use baregrad::train::Slices;
use baregrad::{
    Adam, AdamW, BatchNorm, ClipValue, ConfusionMatrix, Conv2d, CrossEntropy, Dataset, Dense, DepthwiseConv2d, Dropout,
    Flatten, FloatEnvironmentError, Frozen, GatherBuffer, Gradients, HardSwish, HeUniform, Matrix, Model, Momentum,
    Order, Recompute, Relu, Residual, Sgd, StepError, Tanh, Trainer, Uniform, Valid, WeightDecay, Workspace, Zero,
    floats, predict_floats, train,
};
use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use nalgebra::SMatrix;
use rand_pcg::Pcg32;

type Classifier = (Dense<3, 5, Relu>, Dense<5, 3>);
type Convolutional = Model<
    Image<4, 4, 2>,
    (Conv2d<2, 2, 3, 3>, DepthwiseConv2d<2, 3, 3, Valid>, BatchNorm<2, Relu>, Flatten<8>, HardSwish, Dense<8, 2>),
>;
type Judge = (Dense<3, 5, Tanh>, Dense<5, 4, Tanh>, Dense<4, 1>);
type Extra = (u32, [u64; 2], bool, (Order<9>, StepDecay), (Cosine, ReduceOnPlateau, EarlyStopping));

/// Calls everything once.
#[inline(never)]
pub fn edges() {
    let mut trainer = Trainer::<Classifier, Adam, 4, { floats::<Classifier>() }>::NEW;
    trainer.network.initialize(HeUniform, &mut Pcg32::new(black_box(1), 0));
    data(&mut trainer);
    judge();
    layers();
    crate::windows::windows();
    metrics();
    matrices();
    streams();
    parts();
    weights(&mut trainer.network);
    in_flash(&mut trainer.network);
    as_tensors(&mut trainer.network);
    as_tensors(&mut black_box(Convolutional::ZERO));
    let rule = black_box(Adam::new(0.1));
    training(rule);
    training(black_box(AdamW::new(0.1)));
    training(black_box(WeightDecay::new(0.1, Momentum::new(0.1))));
    training(black_box(ClipValue::new(0.1, Sgd::new(0.1))));
    black_box(&trainer);
}

/// Positions, frozen layers, and the passes of a layer by themselves.
fn layers() {
    type Net = Model<Sequence<4, 3>, (Frozen<(Dense<3, 5, Relu>,)>, (Dense<5, 2, Tanh>, Dense<2, 2>))>;
    let (mut net, mut slots) = (black_box(Net::ZERO), <Net as Parameters>::Slots::<()>::ZERO);
    net.layers.0 = Frozen(black_box((Dense::ZERO,)));
    black_box(Model::<Sequence<4, 3>, _>::new(net.layers).predict(black_box(&[[0.5; 3]; 4])));
    let (pass, step) = (Whole::<2>::new(unknown()), black_box(Sgd::new(0.1)).begin_step());
    let (mut x, mut y) = (black_box([0.5; 24]), [0.5; 16]);
    let mut memory = [0.5; 2 * floats::<Net>()];
    let memory = black_box(&mut memory[..]);
    black_box(net.forward_pass(pass, &Stacked::<Sequence<4, 3>>::new(&x), &mut y, memory).is_ok());
    net.backward_pass::<_, Sgd, _>(pass, &Stacked::<Sequence<4, 3>>::new(&x), &y, memory, &mut slots, &step);
    black_box(net.predict_pass(x.first_chunk::<12>().map_or(&[], |x| x), memory).1.is_ok());
    let mut dense = black_box(Dense::<3, 2, Relu>::ZERO);
    let mut slots = <Dense<3, 2, Relu> as Parameters>::Slots::<()>::ZERO;
    let mut gradient = black_box([0.5; 24]);
    for write in [false, true] {
        let dx = if black_box(write) { InputGradient::Write(&mut gradient) } else { InputGradient::Add(&mut gradient) };
        let inputs = Stacked::<Sequence<4, 3>>::new(&x);
        Layer::<Sequence<4, 3>>::backward::<_, Sgd, _>(&mut dense, pass, &inputs, &y, dx, memory, &mut slots, &step);
    }
    InputGradient::Add(&mut x).give(unknown(), &gradient);
    black_box(activate::<Tanh>(&mut y).is_ok());
    let place = Place { before: unknown(), layers: unknown(), slices_before: unknown(), slices: unknown() };
    black_box((
        pass.forward_part(unknown(), unknown(), unknown() == 0),
        (pass.trains(), pass.behind(unknown()), Whole::<2>::inference(unknown())),
        pass.backward_part(place),
        pass.slices(unknown()),
        pass.samples(),
    ));
    type Kept = (Dense<3, 5>, Recompute<BatchNorm<5>>, Residual<(Dropout<50>, BatchNorm<5>)>, Dense<5, 2>);
    let mut kept = black_box(Model::<Sequence<4, 3>, Kept>::ZERO);
    black_box((kept.state_tensor(unknown()), Model::<Sequence<4, 3>, Kept>::describe_state(unknown())));
    black_box(kept.state_tensor_mut(unknown()));
    black_box((x, gradient));
}

/// Uses a value.
fn see<T>(value: T) {
    black_box(value);
}

/// A number that the compiler doesn't know.
fn unknown() -> usize {
    black_box(2)
}

fn data(trainer: &mut Trainer<Classifier, Adam, 4, { floats::<Classifier>() }>) {
    let (inputs, labels) = ([[0.5; 3]; 9], [1_u8; 9]);
    let (inputs, labels) = (black_box(&inputs[..]), black_box(&labels[..]));
    let mut order = black_box(Order::<9>::IDENTITY);
    let mut generator = Pcg32::new(black_box(1), 0);
    order.shuffle(&mut generator);
    order.shuffle_with(|| black_box(1));
    shuffle_with(black_box(&mut [1, 2, 3][..]), || black_box(1));
    let mut drawn = RandomIndices::<4>::NEW;
    black_box(drawn.draw(unknown(), &mut generator).is_ok());
    black_box(drawn.draw_with(unknown(), || black_box(1)).is_ok());
    let result = Dataset::new(inputs, labels).and_then(|data| {
        train_on(trainer, &data);
        black_box((data.inputs(), data.targets(), data.is_empty()));
        for chunk in data.chunks(unknown())? {
            train_on(trainer, &chunk);
        }
        for batch in data.batches(&order, unknown())? {
            train_on(trainer, &batch);
        }
        // Indices that may be out of range.
        train_on(trainer, &data.batch(black_box(order.as_slice()))?);
        train_on(trainer, &data.batch(&drawn)?);
        let mut gathered = GatherBuffer::<Features<3>, u8, 4>::NEW;
        train_on(trainer, gathered.gather(&data, |from, to| *to = *from)?);
        Ok(())
    });
    black_box(result.is_ok());
}

#[inline(never)]
fn train_on<D: Samples<Input = [f32; 3], Target: Index>>(
    trainer: &mut Trainer<Classifier, Adam, 4, { floats::<Classifier>() }>,
    samples: &D,
) {
    let mut optimizer = black_box(Adam::new(0.1));
    black_box(trainer.step(samples, CrossEntropy, &mut optimizer).is_ok());
    poll(trainer.step_in_slices(samples, CrossEntropy, &mut optimizer));
    black_box(trainer.step_frozen(unknown(), samples, CrossEntropy, &mut optimizer).is_ok());
    black_box(trainer.mean_loss(samples, CrossEntropy).is_ok());
    black_box(
        trainer.evaluate(samples, CrossEntropy, unknown()).map(|all| (all.accuracy(), all.top_k_accuracy())).ok(),
    );
    let mut matrix = ConfusionMatrix::<3>::NEW;
    black_box(trainer.confusion_matrix(samples, &mut matrix).is_ok());
    let mut gradients = Gradients::<Classifier>::NEW;
    black_box(trainer.accumulate(&mut gradients, samples, CrossEntropy, unknown()).is_ok());
    black_box(trainer.accumulate_all(&mut gradients, samples, CrossEntropy).is_ok());
    gradients.visit(&mut |piece| see(piece));
    gradients.visit_mut(&mut |piece| see(piece));
    black_box((gradients.norm(), gradients.clip_norm(black_box(1.0)).is_ok()));
    black_box(trainer.apply(&mut gradients, &mut optimizer).is_ok());
    gradients.restart();
    black_box((trainer.check().is_ok(), matrix));
    let Trainer { network, workspace, .. } = trainer;
    let visit = |index: usize, output: &[f32; 3], target: &D::Target| {
        black_box((index, output, target.index()));
    };
    black_box(train::for_each_output(network, workspace, samples, visit).is_ok());
}

/// A few slices of a step, or all.
fn poll<N, O, L, D, const B: usize, const FLOATS: usize>(mut step: Slices<'_, N, O, L, D, B, FLOATS>)
where
    N: Network,
    O: Optimizer,
    D: Samples<Input = SampleOf<N::In>>,
    L: Loss<N::Out, N::Activation, D::Target>,
{
    for _ in 0..step.remaining() {
        black_box(step.poll().is_ok());
    }
    black_box((step.poll().is_ok(), step.is_updating()));
}

/// A network of one output, and the functions of `train` without a `Trainer`.
fn judge() {
    let mut network = Judge::ZERO;
    let mut slots = <Judge as Parameters>::Slots::<()>::ZERO;
    let mut workspace = Workspace::<2, { floats::<Judge>() }>::NEW;
    let data = Dataset::from_arrays(black_box(&[[0.5; 3]; 2]), black_box(&[[1.0]; 2]));
    let loss = baregrad::BinaryCrossEntropy;
    let step = train::step(&mut network, &mut slots, &mut workspace, &data, &loss, &mut Sgd::new(0.1));
    let mut sgd = Sgd::new(0.1);
    poll(train::step_in_slices(&mut network, &mut slots, &mut workspace, &data, loss, &mut sgd));
    let mut matrix = ConfusionMatrix::<2>::NEW;
    let counted = train::binary_confusion_matrix(&network, &mut workspace, &data, black_box(0.5), &mut matrix);
    black_box((step.is_ok(), counted.is_ok(), train::check::<Judge, Sgd>(&network, &slots).is_ok()));
    black_box([matrix.true_negatives(), matrix.false_positives(), matrix.false_negatives(), matrix.true_positives()]);
    let mut trainer = Trainer::<Judge, Sgd, 2, { floats::<Judge>() }> { network, slots, workspace };
    black_box(trainer.binary_confusion_matrix(&data, black_box(0.5), &mut matrix).is_ok());
    let mut memory = [0.0; predict_floats::<Judge>()];
    black_box(trainer.network.predict_in(black_box(&[0.5; 3]), &mut memory).is_ok());
    show(&Trainer::<Judge, Adam, 4, { floats::<Judge>() }>::summary());
    show(&Judge::summary());
}

fn metrics() {
    let mut matrix = black_box(ConfusionMatrix::<3>::NEW);
    black_box(matrix.record(unknown(), unknown()).is_ok());
    black_box((matrix.samples(), matrix.correct(), matrix.accuracy()));
    show(&matrix);
    black_box(rank(black_box(&[0.5, 0.25][..]), unknown()));
    let mut replay = black_box(ReplayBuffer::<[f32; 3], u8, 5>::recent(black_box(9)));
    for _ in 0..unknown() {
        replay.offer(black_box([0.5; 3]), black_box(1), &mut Pcg32::new(black_box(1), 0));
        black_box(replay.offer_with(black_box([0.5; 3]), black_box(1), || black_box(1)));
    }
    black_box(replay.dataset().map(|data| see(data.inputs())).is_ok());
    let (mut drawn, mut gradients) = (black_box(RandomIndices::<4>::NEW), Gradients::<Classifier>::NEW);
    let mut state = (&mut replay, &mut drawn, &mut matrix, black_box(&mut gradients));
    state.save(&mut |piece| see(piece));
    black_box(&mut state).load(&mut |piece| see(piece));
}

fn streams() {
    let sample = black_box([0.5; 3]);
    let mut standardizer = black_box(Standardizer::<3>::NEW);
    black_box(standardizer.observe(&sample).is_ok());
    see((standardizer.count(), *standardizer.mean(), standardizer.variance(), standardizer.standardize(&sample)));
    let mut range = black_box(MinMax::<3>::NEW);
    black_box(range.observe(&sample).is_ok());
    see((range.least().copied(), range.largest().copied(), range.scale(&sample)));
    let mut accuracy = black_box(MovingAccuracy::new(0.5));
    black_box(accuracy.record(black_box(true)).is_ok());
    see(accuracy.accuracy());
    let mut alarm = black_box(PageHinkley::new(0.5, 1.0));
    black_box(alarm.observe(black_box(0.5)).is_ok());
    see(alarm.mean());
    alarm.restart();
    black_box(one_hot::<3>(unknown()).is_ok());
    show(black_box(&NonFiniteValue { index: 1 }));
    show(black_box(&StreamError::from(SettingError { setting: black_box("fading"), domain: Domain::PositiveUpToOne })));
    show(black_box(&StreamError::from(NonFiniteValue { index: 1 })));
    let mut bytes = |piece: &[u8]| see(piece);
    (standardizer, range, accuracy, alarm).save(&mut bytes);
    black_box((standardizer, range, accuracy, alarm)).load(&mut |piece| see(piece));
}

fn matrices() {
    let mut matrix = Matrix::<2, 3>::from_rows(black_box([[0.5; 3]; 2]));
    black_box((matrix.get(unknown(), unknown()), matrix.as_slice().len()));
    black_box(matrix.as_mut_slice());
    let theirs = black_box(SMatrix::<f32, 2, 3>::from(matrix));
    see(Matrix::from(theirs));
    let vector = black_box(Vector::<4>::from_rows([[0.5; 4]]));
    black_box((vector.as_array(), vector.argmax(), vector.softmax(), argmax(black_box(&[0.5; 3][..]))));
    black_box(softmax(black_box(&mut [0.5; 3])));
    black_box(<[f32; 3]>::first_of(black_box(matrix.as_slice())).map(Values::values));
    black_box(<[[[f32; 1]; 3]; 2]>::first_of_mut(black_box(matrix.as_mut_slice())).map(Values::values_mut));
    black_box(uniform(black_box(-1.0), black_box(1.0), black_box(7)));
}

/// The small parts that others are made of.
fn parts() {
    let fingerprint = Fingerprint::of(black_box("Dense")).name(black_box("x")).number(unknown()).part(black_box(1));
    black_box(chain(fingerprint.value(), black_box(1), unknown()));
    let mut store = StoreGradient::NEW;
    black_box((store.begin_step(), store.is_stored()));
    store.restart();
    let powers = black_box(LayerPowers::new(0.9, 0.999));
    black_box((powers.beta1_power(), powers.beta2_power(), powers.is_finite()));
    black_box(step_of_layer::<Adam>(black_box(Some(&powers)), &black_box(Adam::new(0.1)).begin_step()));
    black_box((Moments::ZERO.is_finite(), black_box(300_u16).index(), black_box(u32::MAX).index()));
    black_box(NonFinite { layer: unknown() }.behind(unknown()));
    let mut layer = Dense::<3, 2, Relu>::new(Matrix::from_rows(black_box([[0.5; 2]; 3])), black_box([0.5; 2]));
    layer.initialize_with(HeUniform, || black_box(1));
    let domain = black_box(Domain::BelowOne);
    black_box((domain.contains(black_box(0.5)), domain.check("momentum", black_box(0.5)).is_ok()));
    layer.initialize_with(Uniform::weights_and_biases(black_box(-1.0), black_box(1.0)), || black_box(1));
    layer.for_each_tensor_mut(&mut |piece| see(piece));
    <Judge as OnInput>::describe_layers(&mut |layer| see(layer));
    <Judge as Layer<Features<3>>>::describe(&mut |layer| see(layer));
    black_box(layer.predict(black_box(&[0.5; 3])));
    let mut graph = baregrad::Graph::<4>::NEW;
    black_box(graph.leaf(black_box(0.5)).and_then(|node| graph.value(node)).is_ok());
    black_box(graph.nodes());
    graph.clear();
}

fn weights(network: &mut Classifier) {
    let mut buffer = [0; 512];
    let buffer = black_box(&mut buffer[..]);
    black_box((checkpoint::weights_bytes::<Classifier>(), checkpoint::save_weights(network, buffer).is_ok()));
    black_box(checkpoint::load_weights(network, buffer).is_ok());
    black_box(checkpoint::stated_bytes(buffer).is_ok());
    black_box(checkpoint::write_weights(network, &mut sink).is_ok());
    black_box(checkpoint::read_weights(network, unknown(), &mut source).is_ok());
}

/// A file from anywhere, by names from anywhere, in either layout.
fn as_tensors<N: OnInput>(network: &mut N) {
    let mut buffer = [0; 512];
    let buffer = black_box(&mut buffer[..]);
    let lists = [Names::PyTorch(black_box(&["a", "b"])), Names::Keras(black_box(&["a", "b"]))];
    for names in [Names::SEQUENTIAL, Names::Sequential { prefix: "net." }].into_iter().chain(lists) {
        let names = black_box(names);
        black_box(safetensors::file_bytes::<N>(&names));
        black_box(safetensors::save(network, &names, buffer).is_ok());
        black_box(
            safetensors::write(network, &names, &mut |piece| {
                sink(piece).map_err(|_| black_box(ExportError::WrongTensors))
            })
            .is_ok(),
        );
        black_box(safetensors::load(network, &names, buffer).is_ok());
    }
    let taps = black_box(Taps::OnImage { height: unknown(), width: unknown() });
    let tensors = [
        Tensor::weights("weight", unknown(), unknown()),
        Tensor::pointwise("weight", unknown(), unknown()),
        Tensor::kernel("weight", taps, unknown(), unknown()),
        Tensor::depthwise("weight", black_box(Taps::OnSequence { length: unknown() }), unknown()),
        Tensor::bias("bias", unknown(), unknown()),
        Tensor::vector("bias", unknown(), Initial::Zeros),
        Tensor::last_axis("bias", unknown(), Initial::Ones),
    ];
    black_box((taps.count(), tensors.map(|tensor| tensor.len()), N::describe_tensor(unknown())));
    let dimensions = black_box(Dimensions::of(black_box(&[1, 2])));
    show(&dimensions);
    black_box((dimensions.sizes().len(), black_box(ChannelOrder::Kept).then(black_box(ChannelOrder::Undeclared))));
}

/// A flash of which nothing is known.
struct Chip;

impl ErrorType for Chip {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Chip {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        black_box((offset, bytes));
        black_box(Ok(()))
    }

    fn capacity(&self) -> usize {
        black_box(1 << 20)
    }
}

impl NorFlash for Chip {
    const WRITE_SIZE: usize = 8;
    const ERASE_SIZE: usize = 2048;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        black_box((from, to));
        black_box(Ok(()))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        black_box((offset, bytes));
        black_box(Ok(()))
    }
}

fn in_flash(network: &mut Classifier) {
    const BYTES: usize = checkpoint::training_bytes::<Classifier, Adam, Extra>();
    black_box(place_bytes::<Chip>(unknown()));
    let Ok(mut store) = Store::new(Chip, black_box(0)..black_box(1 << 16), black_box(BYTES)) else { return };
    black_box((store.save_weights(network).is_ok(), store.load_weights(network).is_ok()));
    let mut trainer = black_box(Trainer::<Classifier, Adam, 1, { floats::<Classifier>() }>::NEW);
    let (mut rule, mut extra) = (black_box(Adam::new(0.1)), black_box(3_u32));
    black_box(trainer.save_to_flash(&rule, &extra, &mut store).is_ok());
    black_box(trainer.load_from_flash(&mut rule, &mut extra, &mut store).is_ok());
    let Trainer { network, slots, .. } = &mut trainer;
    black_box(store.save_training(network, slots, &rule, &extra).is_ok());
    black_box(store.load_training(network, slots, &mut rule, &mut extra).is_ok());
    black_box((store.erase().is_ok(), store.places(), store.finds_checkpoint()));
    black_box(store.release());
}

#[inline(never)]
fn training<O: Optimizer<Slot: State> + State>(mut rule: O) {
    let mut buffer = [0; 1024];
    let buffer = black_box(&mut buffer[..]);
    let mut trainer = black_box(Trainer::<Classifier, O, 1, { floats::<Classifier>() }>::NEW);
    let mut extra: Extra = (
        black_box(1),
        black_box([2; 2]),
        black_box(true),
        (Order::IDENTITY, StepDecay { learning_rate: 0.1, factor: 0.5, every: 3 }),
        (
            Cosine { learning_rate: 0.1, floor: 0.0, warm_up: 2, steps: 9 },
            ReduceOnPlateau::new(0.1),
            EarlyStopping::new(3),
        ),
    );
    let extra = black_box(&mut extra);
    black_box(checkpoint::training_bytes::<Classifier, O, Extra>());
    black_box(trainer.save(&rule, extra, buffer).is_ok());
    black_box(trainer.load(&mut rule, extra, buffer).is_ok());
    let Trainer { network, slots, .. } = &mut trainer;
    black_box(checkpoint::save_training(network, slots, &rule, extra, buffer).is_ok());
    black_box(checkpoint::load_training(network, slots, &mut rule, extra, buffer).is_ok());
    black_box(checkpoint::write_training(network, slots, &rule, extra, &mut sink).is_ok());
    black_box(checkpoint::read_training(network, slots, &mut rule, extra, unknown(), &mut source).is_ok());
}

fn sink(piece: &[u8]) -> Result<(), u8> {
    black_box(piece);
    black_box(Ok(()))
}

fn source(offset: usize, piece: &mut [u8]) -> Result<(), u8> {
    black_box((offset, piece));
    black_box(Ok(()))
}

/// The text of every error: which one it is, the compiler doesn't know.
#[inline(never)]
pub fn texts() {
    show(black_box(&StepError::NoSamples));
    show(black_box(&DataError::Empty));
    show(black_box(&ClassOutOfRange { class: 3, classes: 2 }));
    show(black_box(&NonFinite { layer: 1 }));
    show(black_box(&TargetError::NonFinite));
    show(black_box(&SettingError { setting: black_box("limit"), domain: Domain::Positive }));
    show(black_box(&GraphError::NoGradient));
    show(black_box(&FloatEnvironmentError::Fuses));
    show(black_box(&SaveError::WrongLength));
    show(black_box(&LoadError::Truncated { expected: 32 }));
    show(black_box(&RegionError::BeyondFlash));
    show(black_box(&ImportError::NoHeader));
    show(black_box(&ExportError::WrongTensors));
    show(black_box(&FlashSaveError::Flash(0_u8)));
    show(black_box(&FlashLoadError::Flash(0_u8)));
    show(black_box(&WriteError::Sink(0_u8)));
    show(black_box(&ReadError::Source(0_u8)));
}

fn show(value: &dyn Display) {
    struct Nowhere;
    impl Write for Nowhere {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            black_box(text);
            black_box(Ok(()))
        }
    }
    black_box(write!(Nowhere, "{value}").is_ok());
}

//! The scalar 2-2-1 network by hand: nine numbers and nine derivatives, trained one sample at a time on two measures of two irises.
//!
//! Sepal length and width; setosa is 0, versicolor 1. Of the first 100 rows 0..35 and 50..85 train, the rest is the test.

use baregrad::{
    ConfusionMatrix, Dataset, Dense, Features, Gradients, HalfMeanSquaredError, Network, Sgd, Sigmoid, Trainer,
    Uniform, Zero, floats, scalar,
};
use rand_pcg::Pcg32;

use super::{SEEDS, bits, iris, parameters, standardise};

type Net = (Dense<2, 2, Sigmoid>, Dense<2, 1>);
type NetTrainer = Trainer<Net, Sgd, 1, { floats::<Net>() }>;

const EPOCHS: usize = 1000;
const RATE: f32 = 0.1;

/// Inputs and targets.
type Rows = (Vec<[f32; 2]>, Vec<[f32; 1]>);

/// Training and test rows; standardised by the training rows' mean and deviation if asked for.
fn rows(standardised: bool) -> (Rows, Rows) {
    let (mut train, mut test) = (Rows::default(), Rows::default());
    for (index, (measures, kind)) in iris().into_iter().take(100).enumerate() {
        let part = if index % 50 < 35 { &mut train } else { &mut test };
        part.0.push([measures[0], measures[1]]);
        part.1.push([f32::from(kind)]);
    }
    if standardised {
        let like = train.0.clone();
        standardise(&mut train.0, &like);
        standardise(&mut test.0, &like);
    }
    (train, test)
}

/// Predictions at threshold 0.5.
fn confusion<N>(network: &N, test: &Rows) -> ConfusionMatrix<2>
where
    N: Network<In = Features<2>, Out = Features<1>>,
{
    let mut matrix = ConfusionMatrix::<2>::NEW;
    for (x, y) in test.0.iter().zip(&test.1) {
        let predicted = usize::from(network.predict(x).as_array()[0] > 0.5);
        matrix.record(y[0] as usize, predicted).unwrap();
    }
    matrix
}

/// The network as a text's scalars: `w11` leads from input 1 to hidden node 1, `w12` from input 1 to hidden node 2.
#[derive(Clone, Copy, Debug)]
struct ByHand {
    w11: f32,
    w12: f32,
    w21: f32,
    w22: f32,
    b1: f32,
    b2: f32,
    v1: f32,
    v2: f32,
    c: f32,
}

impl ByHand {
    fn of(network: &Net) -> Self {
        let (hidden, output) = network;
        let ([[w11, w12], [w21, w22]], [b1, b2]) = (hidden.weights.rows, hidden.bias);
        let ([[v1], [v2]], [c]) = (output.weights.rows, output.bias);
        Self { w11, w12, w21, w22, b1, b2, v1, v2, c }
    }

    /// In the library's storage order.
    fn values(&self) -> [f32; 9] {
        [self.w11, self.w12, self.w21, self.w22, self.b1, self.b2, self.v1, self.v2, self.c]
    }

    /// The nine partial derivatives of `E = ½(a - y)²`, with `a = c + h₁v₁ + h₂v₂` and `hⱼ = σ(bⱼ + x₁w₁ⱼ + x₂w₂ⱼ)`.
    fn derivatives(&self, x: [f32; 2], y: f32) -> Self {
        let [x1, x2] = x;
        let h1 = scalar::sigmoid(self.b1 + x1 * self.w11 + x2 * self.w21);
        let h2 = scalar::sigmoid(self.b2 + x1 * self.w12 + x2 * self.w22);
        let a = self.c + h1 * self.v1 + h2 * self.v2;
        Self {
            w11: x1 * ((a - y) * self.v1 * (h1 * (1.0 - h1))),
            w12: x1 * ((a - y) * self.v2 * (h2 * (1.0 - h2))),
            w21: x2 * ((a - y) * self.v1 * (h1 * (1.0 - h1))),
            w22: x2 * ((a - y) * self.v2 * (h2 * (1.0 - h2))),
            b1: (a - y) * self.v1 * (h1 * (1.0 - h1)),
            b2: (a - y) * self.v2 * (h2 * (1.0 - h2)),
            v1: h1 * (a - y),
            v2: h2 * (a - y),
            c: a - y,
        }
    }

    fn step(&mut self, x: [f32; 2], y: f32, rate: f32) {
        let d = self.derivatives(x, y);
        self.w11 -= rate * d.w11;
        self.w12 -= rate * d.w12;
        self.w21 -= rate * d.w21;
        self.w22 -= rate * d.w22;
        self.b1 -= rate * d.b1;
        self.b2 -= rate * d.b2;
        self.v1 -= rate * d.v1;
        self.v2 -= rate * d.v2;
        self.c -= rate * d.c;
    }
}

/// Rate 0.1, 1000 epochs, one sample a step, in the order of the rows.
fn train<N, const FLOATS: usize>(trainer: &mut Trainer<N, Sgd, 1, FLOATS>, (inputs, targets): &Rows)
where
    N: Network<In = Features<2>, Out = Features<1>>,
{
    let data = Dataset::new(inputs, targets).unwrap();
    let mut optimizer = Sgd::new(RATE);
    for _ in 0..EPOCHS {
        for sample in data.chunks(1).unwrap() {
            trainer.step(&sample, HalfMeanSquaredError, &mut optimizer).unwrap();
        }
    }
}

/// Small weights, uniform in [-0.1, 0.1), and biases 0: the output is then at most 0.2, below the threshold, for every flower.
fn start(seed: u64) -> NetTrainer {
    let mut trainer = NetTrainer::NEW;
    trainer.network.initialize(Uniform::weights(-0.1, 0.1), &mut Pcg32::new(seed, 0));
    trainer
}

#[test]
fn iris_nine_derivatives_by_hand_are_the_gradients_of_the_library() {
    for seed in SEEDS {
        let (rows, _) = rows(false);
        let data = Dataset::new(&rows.0, &rows.1).unwrap();
        let mut trainer = start(seed);
        let mut optimizer = Sgd::new(RATE);
        let mut gradients = Gradients::<Net>::ZERO;
        for (index, sample) in data.chunks(1).unwrap().enumerate() {
            let by_hand = ByHand::of(&trainer.network).derivatives(rows.0[index], rows.1[index][0]);
            trainer.accumulate(&mut gradients, &sample, HalfMeanSquaredError, 1).unwrap();
            let mut library = Vec::new();
            gradients.visit(&mut |piece| library.extend_from_slice(piece));
            if (seed, index) == (0, 0) {
                println!("nine derivatives at the first flower");
                println!("  by hand {:?}", by_hand.values());
                println!("  library {library:?}");
            }
            assert_eq!(bits(&by_hand.values()), bits(&library), "seed {seed}, flower {index}");
            trainer.apply(&mut gradients, &mut optimizer).unwrap();
        }
    }
}

#[test]
fn iris_network_by_hand_calls_everything_negative_before_training_and_gets_28_of_30_after() {
    for standardised in [false, true] {
        let (rows, test) = rows(standardised);
        assert_eq!((rows.0.len(), test.0.len()), (70, 30));
        for seed in SEEDS {
            let mut trainer = start(seed);
            let mut by_hand = ByHand::of(&trainer.network);
            let before = confusion(&trainer.network, &test);
            train(&mut trainer, &rows);
            let after = confusion(&trainer.network, &test);
            let inputs = if standardised { "standardised" } else { "raw" };
            println!("2-2-1 by hand, {inputs} inputs, seed {seed}: {} -> {}", line(&before), line(&after));
            assert_eq!(before.counts, [[15, 0], [15, 0]]);
            assert!(after.correct() >= 28);

            // 70,000 steps of the nine scalar formulas end in the very same nine numbers.
            for _ in 0..EPOCHS {
                for (x, y) in rows.0.iter().zip(&rows.1) {
                    by_hand.step(*x, y[0], RATE);
                }
            }
            assert_eq!(bits(&by_hand.values()), bits(&parameters(&trainer.network)));
        }
    }
}

/// The toolkit's layers: fully connected and sigmoid, twice.
type Toolkit = (Dense<2, 2, Sigmoid>, Dense<2, 1, Sigmoid>);

/// Test flowers right after training from weights and biases uniform in ±`limit`.
fn toolkit(seed: u64, limit: f32, (rows, test): &(Rows, Rows)) -> ConfusionMatrix<2> {
    let mut trainer = Trainer::<Toolkit, Sgd, 1, { floats::<Toolkit>() }>::NEW;
    trainer.network.initialize(Uniform::weights_and_biases(-limit, limit), &mut Pcg32::new(seed, 0));
    train(&mut trainer, rows);
    confusion(&trainer.network, test)
}

#[test]
fn iris_with_the_layered_toolkit_gets_29_of_30() {
    for standardised in [false, true] {
        for seed in SEEDS {
            let after = toolkit(seed, 0.5, &rows(standardised));
            let inputs = if standardised { "standardised" } else { "raw" };
            println!("2-2-1 toolkit, {inputs} inputs, seed {seed}: {}", line(&after));
            assert!(after.correct() >= 29);
        }
    }
}

// Raw centimetres do, then, for small weights. With large ones the hidden nodes can start saturated (0.9·7 cm): such a
// network learns the mean alone.
#[test]
fn iris_in_raw_centimetres_can_fail_from_large_weights_where_standardised_does_not() {
    let fail = |standardised| {
        let rows = rows(standardised);
        (0..20).filter(|&seed| toolkit(seed, 1.0, &rows).correct() < 28).count()
    };
    let (raw, standardised) = (fail(false), fail(true));
    println!("2-2-1 toolkit, weights in ±1, fewer than 28 right: {raw} of 20 seeds raw, {standardised} standardised");
    assert!(raw > 0);
    assert_eq!(standardised, 0);
}

fn line(matrix: &ConfusionMatrix<2>) -> String {
    let (tn, fp) = (matrix.true_negatives(), matrix.false_positives());
    let (fn_, tp) = (matrix.false_negatives(), matrix.true_positives());
    format!("TN {tn:>2} FP {fp:>2} FN {fn_:>2} TP {tp:>2}, {} of 30 right", matrix.correct())
}

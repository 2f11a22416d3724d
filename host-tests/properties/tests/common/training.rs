//! Training by the library beside training by the plain loops, and in slices beside at once.

use baregrad::shape::{SampleOf, Values};
use baregrad::{Adam, Dataset, Features, MeanSquaredError, Network, Trainer, Zero};
use host_tests::textbook as book;

use super::{
    Data, FLOATS, Random, Rule, TestLoss, assert_same_bits, bits, book_network, book_state, parameters,
    poll_to_the_end, random_network, set_parameters,
};

/// Trains by both, three steps with each of these numbers of samples, and compares everything after each step.
pub(crate) fn assert_training_equals_the_plain_loops<N, O, L, const IN: usize, const OUT: usize, const B: usize>(
    seed: u64,
    batches: &[usize],
) where
    N: Network<In = Features<IN>, Out = Features<OUT>>,
    O: Rule,
    L: TestLoss<N::Activation, OUT>,
{
    let mut random = Random::new(seed);
    let mut trainer = Box::new(Trainer::<N, O, B, FLOATS>::NEW);
    trainer.network = random_network(&mut random);
    let mut plain = book_network(&trainer.network);
    let before = plain.parameters();
    let mut optimizer = O::START;
    let mut plain_optimizer = O::book(N::PARAMETERS);
    for (step, &samples) in batches.iter().flat_map(|samples| [samples; 3]).enumerate() {
        let what = format!("{} {:?} {optimizer:?}, seed {seed}, step {step}", N::summary_line(), L::BOOK);
        let data = Data::<IN, _>::random::<N::Activation, L, OUT>(&mut random, samples);
        // Whatever a pass reads before it has written it shows.
        trainer.workspace.memory = [[f32::NAN; FLOATS]; B];
        let loss = trainer.step(&data.dataset(), L::LOSS, &mut optimizer).expect(&what);
        let plain_loss =
            book::step(&mut plain, &mut plain_optimizer, &data.book_inputs, &data.book_targets, book::loss(L::BOOK));
        assert_same_bits(&[loss], &[plain_loss], &format!("loss of {what}"));
        assert_same_bits(&parameters(&trainer.network), &plain.parameters(), &format!("parameters of {what}"));
        let state = optimizer.state::<N>(&trainer.slots);
        assert_same_bits(&state, &book_state(&plain_optimizer), &format!("optimizer state of {what}"));
    }
    assert_ne!(before, plain.parameters(), "seed {seed} trained nothing");
}

/// Steps at once and steps in slices, of full and of short batches, in workspaces of NaN; the parameters at their end.
pub(crate) fn assert_slices_are_the_step<N: Network<Out = Features<2>>, const F: usize>(seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    let (mut whole, mut sliced) = (Trainer::<N, Adam, 5, F>::NEW, Trainer::<N, Adam, 5, F>::NEW);
    let values: Vec<f32> = (0..N::PARAMETERS).map(|_| random.uniform(-0.6, 0.6)).collect();
    set_parameters(&mut whole.network, &values);
    set_parameters(&mut sliced.network, &values);
    let (mut first, mut second) = (Adam::new(0.02), Adam::new(0.02));
    for count in [5, 2, 1, 5] {
        let inputs: Vec<SampleOf<N::In>> = (0..count)
            .map(|_| {
                let mut sample = <SampleOf<N::In> as Zero>::ZERO;
                let values = Values::values_mut(&mut sample);
                values.fill_with(|| random.input());
                sample
            })
            .collect();
        let targets: Vec<[f32; 2]> = (0..count).map(|_| [random.input(), random.input()]).collect();
        let data = Dataset::new(&inputs, &targets).expect("as many targets");
        whole.workspace.memory = [[f32::NAN; F]; 5];
        let loss = whole.step(&data, MeanSquaredError, &mut first).expect("sound");
        let polled = poll_to_the_end(&mut sliced, &data, MeanSquaredError, &mut second);
        assert_eq!(polled.map(f32::to_bits), Ok(loss.to_bits()), "{count} samples");
        assert_same_bits(&parameters(&sliced.network), &parameters(&whole.network), "in slices");
    }
    assert_ne!(bits(&values), bits(&parameters(&whole.network)), "nothing trained");
    parameters(&whole.network)
}

/// The sizes of a network in one line.
pub(crate) trait SummaryLine: Network {
    fn summary_line() -> String {
        let mut line = String::new();
        Self::describe_layers(&mut |layer| {
            line += &format!("{}→{} {}, ", layer.inputs, layer.outputs, layer.activation);
        });
        line
    }
}
impl<N: Network> SummaryLine for N {}

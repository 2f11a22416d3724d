//! Training by the library beside training by the plain loops.

use baregrad::{Features, Network, Trainer};
use host_tests::textbook as book;

use super::{
    Data, FLOATS, Random, Rule, TestLoss, assert_same_bits, book_network, book_state, parameters, random_network,
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

//! A step in slices against the step in one go, bit for bit; and what an abandoned one leaves.
//!
//! The oracle is `Trainer::step`, which other tests hold against the textbook's loops. All that a checkpoint keeps of a training is
//! compared: weights, slots, and the optimizer's own numbers.

use std::task::Poll;

use crate::common::{Data, FLOATS, Random, TestLoss, parameters, poll_to_the_end, random_network};
use baregrad::checkpoint::{State, training_bytes};
use baregrad::optimizer::Optimizer;
use baregrad::{
    Adam, BinaryCrossEntropy, CrossEntropy, Dense, Features, Identity, LeakyRelu, MeanSquaredError, Network, Relu, Sgd,
    Sigmoid, StepError, SumOfSquares, Tanh, Trainer, floats,
};
use catalogue::optimizers::{Formula, SavedRule, VisitOptimizers, each_optimizer};

/// Everything that training changes.
fn everything<N: Network, O: Optimizer<Slot: State> + State, const B: usize, const F: usize>(
    trainer: &Trainer<N, O, B, F>,
    optimizer: &O,
) -> Vec<u8> {
    let mut bytes = vec![0; training_bytes::<N, O, ()>()];
    trainer.save(optimizer, &(), &mut bytes).expect("a finite training");
    bytes
}

/// Trains by both, with each of these numbers of samples, and compares after each step.
fn assert_slices_give_the_bits_of_a_step<N, O, L, const IN: usize, const OUT: usize, const B: usize>(
    start: O,
    batches: &[usize],
) where
    N: Network<In = Features<IN>, Out = Features<OUT>> + Copy,
    O: Optimizer<Slot: State> + State + Copy,
    L: TestLoss<N::Activation, OUT>,
{
    let mut random = Random::new((IN + 31 * OUT) as u64);
    let (mut whole, mut sliced) =
        (Box::new(Trainer::<N, O, B, FLOATS>::NEW), Box::new(Trainer::<N, O, B, FLOATS>::NEW));
    whole.network = random_network(&mut random);
    sliced.network = whole.network;
    let (mut whole_rule, mut sliced_rule) = (start, start);
    let untrained = everything(&whole, &whole_rule);
    for &samples in batches {
        let data = Data::<IN, _>::random::<N::Activation, L, OUT>(&mut random, samples);
        let loss = whole.step(&data.dataset(), L::LOSS, &mut whole_rule).expect("sound data");
        let polled = poll_to_the_end(&mut sliced, &data.dataset(), L::LOSS, &mut sliced_rule);
        assert_eq!(polled.map(f32::to_bits), Ok(loss.to_bits()), "loss of {samples} samples");
        assert!(everything(&whole, &whole_rule) == everything(&sliced, &sliced_rule), "a step over {samples} samples");
    }
    assert!(everything(&sliced, &sliced_rule) != untrained, "nothing was trained");
}

/// 6, 9 and 11 rows: tiles with a remainder of 2, 1 and 3 rows. 8: none.
type Three = (Dense<6, 9, Tanh>, Dense<9, 11, Relu>, Dense<11, 3>);
type Five =
    (Dense<8, 7, Sigmoid>, Dense<7, 2, LeakyRelu>, Dense<2, 12, Identity>, Dense<12, 4, Tanh>, Dense<4, 2, Sigmoid>);

#[test]
fn slices_of_one_layer_give_the_bits_of_a_step() {
    assert_slices_give_the_bits_of_a_step::<(Dense<1, 1>,), Sgd, MeanSquaredError, 1, 1, 1>(Sgd::new(0.1), &[1, 1]);
    assert_slices_give_the_bits_of_a_step::<Dense<5, 3>, _, CrossEntropy, 5, 3, 7>(Adam::new(0.1), &[7, 1, 3]);
}

#[test]
fn slices_of_three_layers_give_the_bits_of_a_step_for_every_optimizer() {
    struct Slices;
    impl VisitOptimizers for Slices {
        fn optimizer<O: SavedRule>(&mut self, _: &'static str, start: O, _: Formula) {
            assert_slices_give_the_bits_of_a_step::<Three, _, CrossEntropy, 6, 3, 7>(start, &[7, 7, 1, 5, 7]);
        }
    }
    each_optimizer(&mut Slices);
}

#[test]
fn slices_of_five_layers_give_the_bits_of_a_step() {
    assert_slices_give_the_bits_of_a_step::<Five, _, SumOfSquares, 8, 2, 16>(Sgd::new(0.01), &[16, 1, 2, 15]);
    assert_slices_give_the_bits_of_a_step::<Five, _, MeanSquaredError, 8, 2, 16>(Adam::new(0.01), &[16, 1, 2, 15]);
}

#[test]
fn slices_of_nested_networks_give_the_bits_of_a_step() {
    type Front = ((Dense<6, 9, Tanh>, Dense<9, 11, Relu>), Dense<11, 3>);
    type Back = (Dense<6, 9, Tanh>, (Dense<9, 11, Relu>, Dense<11, 3>));
    type Single = ((Dense<6, 9, Tanh>,), ((Dense<9, 11, Relu>,), (Dense<11, 3>,)));
    assert_slices_give_the_bits_of_a_step::<Front, _, BinaryCrossEntropy, 6, 3, 5>(Adam::new(0.01), &[5, 2]);
    assert_slices_give_the_bits_of_a_step::<Back, _, BinaryCrossEntropy, 6, 3, 5>(Adam::new(0.01), &[5, 2]);
    assert_slices_give_the_bits_of_a_step::<Single, _, BinaryCrossEntropy, 6, 3, 5>(Adam::new(0.01), &[5, 2]);
}

#[test]
fn a_step_has_a_slice_for_each_sample_in_each_layer_and_each_tile_of_rows() {
    assert_eq!(<Dense<1, 9> as Network>::SLICES, 1);
    assert_eq!(<Dense<3, 9> as Network>::SLICES, 1);
    assert_eq!(<Dense<4, 9> as Network>::SLICES, 2);
    assert_eq!(Three::SLICES, (1 + 1) + (2 + 1) + (2 + 1));
    let mut trainer = Trainer::<Three, Sgd, 7, { floats::<Three>() }>::NEW;
    let data = Data::<6, u8>::random::<Identity, CrossEntropy, 3>(&mut Random::new(1), 5);
    let (data, mut sgd) = (data.dataset(), Sgd::new(0.1));
    assert_eq!(trainer.step_in_slices(&data, CrossEntropy, &mut sgd).remaining(), 3 * 5 + 8);
}

#[test]
fn a_step_polled_again_says_the_same_and_does_nothing() {
    let mut trainer = Trainer::<Three, Adam, 7, { floats::<Three>() }>::NEW;
    trainer.network = random_network(&mut Random::new(2));
    let data = Data::<6, u8>::random::<Identity, CrossEntropy, 3>(&mut Random::new(3), 5);
    let (data, mut adam) = (data.dataset(), Adam::new(0.1));
    let mut twin = Trainer::<Three, Adam, 7, { floats::<Three>() }>::NEW;
    twin.network = trainer.network;
    let mut step = trainer.step_in_slices(&data, CrossEntropy, &mut adam);
    let loss = loop {
        if let Poll::Ready(loss) = step.poll().expect("sound data") {
            break loss;
        }
    };
    assert_eq!((step.poll(), step.poll(), step.remaining()), (Ok(Poll::Ready(loss)), Ok(Poll::Ready(loss)), 0));
    assert!(step.is_updating());
    let mut twin_adam = Adam::new(0.1);
    twin.step(&data, CrossEntropy, &mut twin_adam).expect("sound data");
    assert!(everything(&trainer, &adam) == everything(&twin, &twin_adam));
}

/// A trainer on its way, and its batch.
fn on_its_way() -> (Box<Trainer<Three, Adam, 7, { floats::<Three>() }>>, Adam, Data<6, u8>) {
    let mut random = Random::new(4);
    let mut trainer = Box::new(Trainer::<Three, Adam, 7, { floats::<Three>() }>::NEW);
    trainer.network = random_network(&mut random);
    let mut adam = Adam::new(0.1);
    let data = Data::random::<Identity, CrossEntropy, 3>(&mut random, 7);
    for _ in 0..3 {
        trainer.step(&data.dataset(), CrossEntropy, &mut adam).expect("sound data");
    }
    (trainer, adam, data)
}

#[test]
fn a_step_dropped_before_its_update_has_changed_nothing() {
    for polls in 0..3 * 7 {
        let (mut trainer, mut adam, data) = on_its_way();
        let before = everything(&trainer, &adam);
        let data = data.dataset();
        let mut step = trainer.step_in_slices(&data, CrossEntropy, &mut adam);
        for _ in 0..polls {
            assert_eq!(step.poll(), Ok(Poll::Pending));
        }
        assert!(!step.is_updating(), "after {polls} polls");
        assert!(everything(&trainer, &adam) == before, "dropped after {polls} polls");
        // And the next step is as if there had been none before.
        trainer.step(&data, CrossEntropy, &mut adam).expect("sound data");
        let (mut spared, mut spared_adam, _) = on_its_way();
        spared.step(&data, CrossEntropy, &mut spared_adam).expect("sound data");
        assert!(everything(&trainer, &adam) == everything(&spared, &spared_adam), "the step after {polls} polls");
    }
}

#[test]
fn a_step_dropped_in_its_update_leaves_rows_of_before_and_of_after() {
    let (mut whole, mut whole_adam, data) = on_its_way();
    let before = parameters(&whole.network);
    whole.step(&data.dataset(), CrossEntropy, &mut whole_adam).expect("sound data");
    let after = parameters(&whole.network);
    let mut updated_before = 0;
    for slices in 0..Three::SLICES {
        let (mut trainer, mut adam, data) = on_its_way();
        let data = data.dataset();
        let mut step = trainer.step_in_slices(&data, CrossEntropy, &mut adam);
        for _ in 0..3 * 7 + slices {
            assert_eq!(step.poll(), Ok(Poll::Pending));
        }
        assert!(step.is_updating(), "in slice {slices}");
        assert_eq!(adam, whole_adam, "the step is counted");
        let left = parameters(&trainer.network);
        let mut updated = 0;
        for ((left, before), after) in left.iter().zip(&before).zip(&after) {
            assert!([before.to_bits(), after.to_bits()].contains(&left.to_bits()), "{left:e} is neither");
            updated += usize::from(left.to_bits() != before.to_bits());
        }
        assert!(slices == 0 || updated > updated_before, "slice {} of the update changed nothing", slices - 1);
        // Four rows of at most 11 columns.
        assert!(updated <= updated_before + 4 * 11, "slice {slices} changed {updated} - {updated_before} parameters");
        updated_before = updated;
    }
}

#[test]
fn a_refused_step_says_so_at_the_sample_and_ever_after() {
    for bad in 0..7 {
        let (mut trainer, mut adam, mut data) = on_its_way();
        let before = everything(&trainer, &adam);
        data.inputs[bad][2] = f32::NAN;
        let data = data.dataset();
        let mut step = trainer.step_in_slices(&data, CrossEntropy, &mut adam);
        for _ in 0..bad {
            assert_eq!(step.poll(), Ok(Poll::Pending));
        }
        let error = Err(StepError::NonFiniteInput { sample: bad });
        assert_eq!((step.poll(), step.poll(), step.remaining()), (error, error, 0));
        assert!(!step.is_updating());
        assert!(everything(&trainer, &adam) == before, "refused at sample {bad}");
    }
}

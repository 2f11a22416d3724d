//! A recording replayed on the desk against the training that it was made from.
//!
//! The oracle is the training that went on where the recording was made; the file goes through text and bytes in between.

use std::fmt::Write;

use baregrad::checkpoint::LoadError;
use baregrad::data::Samples;
use baregrad::{Adam, CrossEntropy, HeUniform, Network, Order, StepError};
use firmware_example::iris::{IrisTrainer, TRAIN};
use firmware_example::weights_crc;
use host_tests::replay::{ReplayError, replay};
use rand_pcg::Pcg32;

/// Trains an epoch, saves, trains another and records it: the checkpoint, the CSV, and the CRC of the final weights.
fn recorded() -> (Vec<u8>, String, u32) {
    let mut generator = Pcg32::new(3, 0);
    let mut trainer = Box::new(IrisTrainer::NEW);
    trainer.network.initialize(HeUniform, &mut generator);
    let mut adam = Adam::new(0.01);
    let mut order = Order::<120>::IDENTITY;
    let mut checkpoint = vec![0; 4096];
    let mut csv = String::from("batch,sepal_length,sepal_width,petal_length,petal_width,label\n");
    for epoch in 0..2 {
        order.shuffle(&mut generator);
        // 16 does not divide 120: the last batch is a short one.
        for (number, batch) in TRAIN.batches(&order, 16).expect("sound order").enumerate() {
            if epoch == 1 {
                for sample in 0..batch.len() {
                    let (x, label) = (batch.input(sample).expect("there"), batch.target(sample).expect("there"));
                    writeln!(csv, "{number},{},{},{},{},{label}", x[0], x[1], x[2], x[3]).expect("a String takes it");
                }
            }
            trainer.step(&batch, CrossEntropy, &mut adam).expect("sound data");
        }
        if epoch == 0 {
            let length = trainer.save(&adam, &(), &mut checkpoint).expect("finite weights");
            checkpoint.truncate(length);
        }
    }
    (checkpoint, csv, weights_crc(&trainer.network))
}

#[test]
fn a_replayed_recording_ends_with_the_crc_of_the_training() {
    let (checkpoint, csv, crc) = recorded();
    let replayed = replay(&checkpoint, &csv).expect("a sound recording");
    assert_eq!((replayed.steps, replayed.crc), (8, crc));
    // One digit more or less is another training.
    let (before, last) = csv.trim_end().rsplit_once('\n').expect("lines");
    let changed = format!("{before}\n{}", last.replacen('.', ".1", 1));
    assert_ne!(replay(&checkpoint, &changed).expect("still sound").crc, crc);
}

#[test]
fn an_unsound_recording_is_refused_and_says_where() {
    let (mut checkpoint, csv, _) = recorded();
    let line = |text: &str| replay(&checkpoint, &format!("header\n{text}\n"));
    assert_eq!(line("0,1,2,3,4"), Err(ReplayError::Line(2)));
    assert_eq!(line("0,1,2,x,4,1"), Err(ReplayError::Line(2)));
    let refused = |error| Err(ReplayError::Batch("7".to_owned(), error));
    assert_eq!(line("7,1,2,NaN,4,1"), refused(StepError::NonFiniteInput { sample: 0 }));
    assert_eq!(line("7,1,2,3,4,5"), refused(StepError::LabelOutOfRange { sample: 0, label: 5, classes: 3 }));
    *checkpoint.last_mut().expect("bytes") ^= 1;
    assert_eq!(replay(&checkpoint, &csv), Err(ReplayError::Checkpoint(LoadError::ChecksumMismatch)));
}

//! A recording replayed on the desk against the training that it was made from.
//!
//! The oracle is the training that went on where the recording was made; the file goes through text and bytes in between. The
//! firmware's program `record` has its recording from the same code; `firmware-example/run.sh record` replays that one.

use baregrad::checkpoint::LoadError;
use baregrad::{Order, StepError};
use firmware_example::iris::IrisTrainer;
use firmware_example::{record, weights_crc};
use host_tests::replay::{ReplayError, replay};

/// The firmware's recorded training, here: the checkpoint, the CSV, and the CRC of the final weights.
fn recorded() -> (Vec<u8>, String, u32) {
    let (mut trainer, mut order) = (Box::new(IrisTrainer::NEW), Order::IDENTITY);
    let (mut checkpoint, mut csv) = (Vec::new(), String::new());
    let mut keep = |bytes: &[u8]| {
        checkpoint.extend_from_slice(bytes);
        Ok(())
    };
    record::train(&mut trainer, &mut order, &mut keep, &mut csv).expect("sound data");
    (checkpoint, csv, weights_crc(&trainer.network))
}

#[test]
fn a_replayed_recording_ends_with_the_crc_of_the_training() {
    let (checkpoint, csv, crc) = recorded();
    let replayed = replay(&checkpoint, &csv).expect("a sound recording");
    assert_eq!((replayed.steps, replayed.crc), (record::STEPS_RECORDED as usize, crc));
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

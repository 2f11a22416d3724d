//! Learns iris: 120 flowers train, 30 test, batches of 16, Adam.
//!
//! You will see loss and accuracy every few epochs, the confusion matrix of the test flowers, the memory used, and the CRC-32 of
//! the final weights, which is the same on every machine. Ends well only with at least 28 of 30 and the expected CRC.
#![no_std]
#![no_main]

use core::hint::black_box;

use baregrad::{Adam, Network, Order};
use cortex_m_rt::entry;
use defmt::{error, info};
use firmware_example::iris::{self, BATCH, EPOCHS, IrisTrainer};
use firmware_example::{board, report};
use static_cell::ConstStaticCell;

static TRAINER: ConstStaticCell<IrisTrainer> = ConstStaticCell::new(IrisTrainer::NEW);
static ORDER: ConstStaticCell<Order<120>> = ConstStaticCell::new(Order::IDENTITY);

#[entry]
fn main() -> ! {
    info!("iris: 4-16-3, ReLU, softmax cross-entropy, Adam, {=u32} epochs in batches of {=usize}", EPOCHS, BATCH);
    let trainer = TRAINER.take();
    let result = iris::train(trainer, ORDER.take(), |progress| {
        info!(
            "epoch {=u32}  loss {=f32}  train {=usize}/120  test {=usize}/30",
            progress.epoch, progress.loss, progress.train_right, progress.test_right
        );
    });
    let learned = match result {
        Ok(progress) => progress.test_right >= 28,
        Err(error) => {
            error!("iris: training stopped: {}", error);
            false
        }
    };
    match iris::confusion(trainer) {
        Ok(matrix) => {
            info!("test set, a row for each actual kind, in it a column for each predicted kind:");
            for (kind, counts) in ["setosa    ", "versicolor", "virginica "].iter().zip(matrix.counts) {
                info!("    {=str}  {=[?]}", kind, counts[..]);
            }
        }
        Err(error) => error!("iris: {}", error),
    }
    let flower = [5.1, 3.5, 1.4, 0.2];
    let class = trainer.network.predict(&iris::standardise(flower)).argmax();
    info!("a flower of {=[?]} cm is of kind {=usize}", flower[..], class);
    report::memory(trainer);
    let same = report::crc("iris", &trainer.network);
    let mut optimizer = Adam::new(iris::LEARNING_RATE);
    let step = match iris::TRAIN.batch(&[0_u16; BATCH][..]) {
        Ok(batch) => report::stack_of(|| iris::step(trainer, &batch, &mut optimizer)),
        Err(_) => None,
    };
    let predict = report::stack_of(|| trainer.network.predict(black_box(&flower)));
    let measured = report::stack(step, predict, 1024);
    board::exit(learned && same && measured)
}

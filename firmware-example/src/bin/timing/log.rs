//! The table: a line for each network, and how many counts differ.

use defmt::{Display2Format, error, info};
use firmware_example::board;
use instruction_counter::{Counter, Machine};

use crate::measure::{INPUTS, Measured, Range};

/// Which memory the image is linked for says on which machine it runs.
const MACHINE: Machine = if cfg!(feature = "mps2_an386") { Machine::MPS2_AN386 } else { Machine::NETDUINOPLUS2 };

/// The counter of instructions; where it can't count the program ends.
pub(crate) fn start() -> Counter {
    let counter =
        cortex_m::Peripherals::take().map(|peripherals| Counter::start_on(MACHINE, peripherals.SYST, |_, _| {}));
    match counter {
        Some(Ok(counter)) => counter,
        Some(Err(error)) => {
            error!("timing: {}", Display2Format(&error));
            board::exit(false)
        }
        None => board::exit(false),
    }
}

/// What has been printed.
pub(crate) struct Log {
    pub(crate) networks: u32,
    differ: u32,
}

impl Log {
    /// The head of the table, and whether a loop that now and then takes one instruction more showed.
    pub(crate) fn begin(counter: &mut Counter) -> (Self, bool) {
        info!("instructions of each step that was made, and of each prediction, for {=u32} inputs", INPUTS);
        (Self { networks: 0, differ: 0 }, one_instruction_shows(counter))
    }

    /// The end of the table: whether no count differed.
    pub(crate) fn end(&self) -> bool {
        info!("timing: {=u32} networks, of which {=u32} differ", self.networks, self.differ);
        self.differ == 0
    }

    /// A line of the table.
    pub(crate) fn row(&mut self, name: &str, measured: Measured) {
        let Measured { step, predict, slice, slices, made, refused } = measured;
        let constant = [step, predict, slice, slices].iter().all(|range| range.is_constant()) && made == INPUTS;
        info!(
            "step {=u64} to {=u64}  prediction {=u64} to {=u64}  longest slice {=u64} to {=u64}, all slices {=u64} to {=u64}  \
            refused {=u32}  {=str}{=str}",
            step.min,
            step.max,
            predict.min,
            predict.max,
            slice.min,
            slice.max,
            slices.min,
            slices.max,
            refused,
            name,
            if constant { "" } else { "  DIFFERS" }
        );
        self.networks += 1;
        self.differ += u32::from(!constant);
    }
}

/// The same table for a loop that now and then takes one instruction more: whether it shows.
fn one_instruction_shows(counter: &mut Counter) -> bool {
    let mut range = Range::NONE;
    for input in 0..INPUTS {
        range.add(counter.of_known_loop(input % 100 == 7));
    }
    info!("loop {=u64} to {=u64}  with one instruction more for one input in a hundred", range.min, range.max);
    range == Range { min: 100, max: 101 }
}

//! `train_while_serving` as an application of RTIC: the idle task learns iris in slices, a hardware task predicts with the last finished
//! weights.
//!
//! RTIC keeps what the two share; the idle task locks it only while a finished version replaces the one before, and the hardware task,
//! which nothing of lower priority interrupts, predicts by it where it lies. You will see what `train_while_serving` shows.
//!
//! Instructions are counted by QEMU's `-icount shift=6`, as `run.sh serving_rtic` makes it.
#![no_std]
#![no_main]

/// What RTIC wants to know of the microcontroller where its own interrupts are not used: no need for its whole description.
mod device {
    /// Bits of an interrupt's priority on an STM32F405.
    pub(crate) const NVIC_PRIO_BITS: u8 = 4;
}

#[rtic::app(device = crate::device, peripherals = false)]
mod app {
    use baregrad::Order;
    use defmt::info;
    use firmware_example::board;
    use firmware_example::iris::IrisTrainer;
    use firmware_example::serving::{self, Clock, PERIOD, Served, Version};

    #[shared]
    struct Shared {
        /// The two versions: one in the trainer, at work, and this one.
        newest: Option<Version>,
        served: Served,
    }

    #[local]
    struct Local {
        clock: Clock,
    }

    #[init]
    fn init(context: init::Context) -> (Shared, Local) {
        info!("serving_rtic: iris in slices, a prediction every {=u32} ticks", PERIOD);
        let clock = Clock::start(context.core.SYST);
        (Shared { newest: None, served: Served::NONE }, Local { clock })
    }

    #[idle(shared = [newest, served], local = [clock, trainer: IrisTrainer = IrisTrainer::NEW, order: Order<120> = Order::IDENTITY])]
    fn idle(context: idle::Context) -> ! {
        let idle::SharedResources { mut newest, mut served, .. } = context.shared;
        let idle::LocalResources { clock, trainer, order, .. } = context.local;
        let success = serving::run(
            trainer,
            order,
            clock,
            |version| newest.lock(|newest| *newest = Some(*version)),
            || served.lock(|served| *served),
        );
        board::exit(success)
    }

    #[task(binds = SysTick, priority = 1, shared = [newest, served])]
    fn sense(context: sense::Context) {
        let latency = Clock::since_period_end();
        let sense::SharedResources { newest, served, .. } = context.shared;
        (newest, served).lock(|newest, served| {
            if let Some(version) = newest {
                served.count(version.predicts_as_whole(), latency);
            }
        });
    }
}

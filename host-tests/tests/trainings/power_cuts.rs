//! Power fails at every instant of a save: the next boot finds the state before it or the one after it, whole, and goes on to the same bits.
//!
//! The flash is [`SimFlash`], which tears the word or the page in hand in several ways, and then reads what it is or, with error correction,
//! fails to read it. Oracle: the same training without a cut. The counts are printed past the test runner's capture.

use std::io::Write;

use baregrad::checkpoint::flash::{FlashLoadError, FlashSaveError, Store};
use baregrad::loss::Loss;
use baregrad::{Features, MeanSquaredError, Network};
use host_tests::course::{Convolutional, Course, Large, Small};
use host_tests::flash::{SimError, SimFlash, Tear, drawn_place};
use rand_core::Rng;
use rand_pcg::Pcg32;

const TEARS: [Tear; 12] = [
    Tear::Nothing,
    Tear::Everything,
    Tear::FirstHalf,
    Tear::SecondHalf,
    Tear::Bits(1),
    Tear::Bits(2),
    Tear::Bits(3),
    Tear::MostBits(4),
    Tear::MostBits(5),
    Tear::FewBits(6),
    Tear::FewBits(7),
    Tear::Garbage(8),
];

/// What a test has tried and seen.
#[derive(Default)]
struct Count {
    cut_points: u64,
    found_old: u64,
    found_new: u64,
}

impl Count {
    fn report(&self, what: &str) {
        let Self { cut_points, found_old, found_new } = self;
        let boots = found_old + found_new;
        report(&format!("{what}: {cut_points} cut points, {boots} boots: {found_old} old states, {found_new} new"));
    }
}

/// Prints a line that `cargo test` does not hold back.
fn report(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A device: its flash, and where its power fails.
struct Device<const WORD: usize, const PAGE: usize> {
    flash: SimFlash<WORD, PAGE>,
    bytes: usize,
}

impl<const WORD: usize, const PAGE: usize> Device<WORD, PAGE> {
    fn new(pages: usize, bytes: usize) -> Self {
        Self { flash: SimFlash::new(pages), bytes }
    }

    fn with_error_correction(mut self) -> Self {
        self.flash.ecc = true;
        self
    }

    fn store(&mut self) -> Store<&mut SimFlash<WORD, PAGE>> {
        let end = self.flash.bytes.len() as u32;
        Store::new(&mut self.flash, 0..end, self.bytes).expect("a region of two places")
    }

    /// A save in which power fails at a step from now. False if it was done before that.
    fn save_cut<N, const OUT: usize>(&mut self, course: &Course<N>, step: u64, tear: Tear) -> bool
    where
        N: Network<Out = Features<OUT>>,
        MeanSquaredError: Loss<N::Out, N::Activation, [f32; OUT]>,
    {
        self.flash.cut = Some((self.flash.steps + step, tear));
        let result = course.save_to(&mut self.store());
        let cut = self.flash.is_dead();
        match result {
            Ok(_) => assert!(!cut, "a save is done only with power"),
            Err(error) => assert!(cut && error == FlashSaveError::Flash(SimError::NoPower), "{error:?}"),
        }
        self.flash.power_up();
        cut
    }

    /// What a fresh program finds.
    fn boot<N, const OUT: usize>(&mut self) -> Option<Course<N>>
    where
        N: Network<Out = Features<OUT>>,
        MeanSquaredError: Loss<N::Out, N::Activation, [f32; OUT]>,
    {
        let mut course = Course::new(99);
        let before = course.bytes();
        let writes = self.flash.steps;
        let result = course.load_from(&mut self.store());
        assert_eq!(self.flash.steps, writes, "a load writes nothing");
        match result {
            Ok(_) => Some(course),
            Err(error) => {
                // As the boot code of the README has it: whether there is anything to lose.
                assert!(matches!(error, FlashLoadError::Empty | FlashLoadError::Damaged), "{error:?}");
                assert!(!self.store().finds_checkpoint(), "a whole one lies there");
                let erased = self.flash.bytes.iter().all(|byte| *byte == 0xFF) && !self.flash.torn.contains(&true);
                assert_eq!(error == FlashLoadError::Empty, erased);
                assert_eq!(course.bytes(), before, "a load that fails changes nothing");
                None
            }
        }
    }
}

/// Cuts the save after `saves` others at every step in every way, without error correction and with it.
fn every_cut<N, const OUT: usize, const WORD: usize, const PAGE: usize>(
    pages: usize,
    saves: u32,
    tears: &[Tear],
    count: &mut Count,
) where
    N: Network<Out = Features<OUT>>,
    MeanSquaredError: Loss<N::Out, N::Activation, [f32; OUT]>,
{
    let plain = Device::<WORD, PAGE>::new(pages, Course::<N>::BYTES);
    let corrected = Device::<WORD, PAGE>::new(pages, Course::<N>::BYTES).with_error_correction();
    for mut base in [plain, corrected] {
        let mut course = Course::<N>::new(1);
        for _ in 0..saves {
            course.train(2);
            course.save_to(&mut base.store()).expect("a save with power");
        }
        let old = (saves > 0).then(|| course.bytes());
        cut_everywhere::<N, OUT, WORD, PAGE>(&base, course, old, tears, count);
    }
}

/// Cuts a save of the next state over what the device holds.
fn cut_everywhere<N, const OUT: usize, const WORD: usize, const PAGE: usize>(
    base: &Device<WORD, PAGE>,
    mut course: Course<N>,
    old: Option<Vec<u8>>,
    tears: &[Tear],
    count: &mut Count,
) where
    N: Network<Out = Features<OUT>>,
    MeanSquaredError: Loss<N::Out, N::Activation, [f32; OUT]>,
{
    course.train(3);
    // What the states before and after the save become without a cut.
    let old_later = old.as_ref().map(|old| later::<N, OUT>(old));
    let (new, new_later) = (course.bytes(), later::<N, OUT>(&course.bytes()));

    let (mut steps, mut found_old, mut found_new) = (0, 0, 0);
    loop {
        let mut done = false;
        for &tear in tears {
            let mut device = Device { flash: base.flash.clone(), ..*base };
            done = !device.save_cut(&course, steps, tear);
            let what = format!("cut in step {steps} by {tear:?}");
            let expected = match device.boot::<N, OUT>() {
                Some(mut found) => {
                    let bytes = found.bytes();
                    let is_new = bytes == new;
                    assert!(is_new || Some(&bytes) == old.as_ref(), "{what}: neither the old state nor the new");
                    assert!(is_new || !done, "{what}: a save that is done is found");
                    *(if is_new { &mut found_new } else { &mut found_old }) += 1;
                    found.train(3);
                    let expected = if is_new { Some(&new_later) } else { old_later.as_ref() };
                    assert_eq!(Some(&found.bytes()), expected, "{what}: trained on");
                    // And the next save, over whatever the cut has left.
                    found.save_to(&mut device.store()).expect("a save with power");
                    found.bytes()
                }
                None => {
                    assert!(old.is_none() && !done, "{what}: nothing is found");
                    found_old += 1;
                    course.save_to(&mut device.store()).expect("a save with power");
                    new.clone()
                }
            };
            let again = device.boot::<N, OUT>().map(|course| course.bytes());
            assert_eq!(again, Some(expected), "{what}: the save after it");
        }
        if done {
            break;
        }
        steps += 1;
    }
    assert!(found_old > 0 && found_new > 0, "cuts before and after the commit");
    count.cut_points += steps;
    count.found_old += found_old;
    count.found_new += found_new;
}

/// A state three steps later.
fn later<N, const OUT: usize>(bytes: &[u8]) -> Vec<u8>
where
    N: Network<Out = Features<OUT>>,
    MeanSquaredError: Loss<N::Out, N::Activation, [f32; OUT]>,
{
    let mut course = Course::<N>::new(5);
    course.load(bytes).expect("a checkpoint");
    course.train(3);
    course.bytes()
}

#[test]
fn every_cut_with_pages_of_2_kb_leaves_the_old_state_or_the_new() {
    let mut count = Count::default();
    // The first save of all, the second, and one that goes over an older checkpoint; in two places and in three.
    for saves in [0, 1, 2, 5] {
        every_cut::<Small, 1, 1, 2048>(2, saves, &TEARS, &mut count);
        every_cut::<Small, 1, 4, 2048>(2, saves, &TEARS, &mut count);
        every_cut::<Small, 1, 8, 2048>(2, saves, &TEARS, &mut count);
        every_cut::<Small, 1, 16, 2048>(2, saves, &TEARS, &mut count);
        every_cut::<Small, 1, 32, 2048>(2, saves, &TEARS, &mut count);
        every_cut::<Small, 1, 32, 2048>(3, saves, &TEARS, &mut count);
    }
    count.report("one page of 2 KB a place");
}

#[test]
fn every_cut_with_two_pages_of_2_kb_a_place_leaves_the_old_state_or_the_new() {
    let tears = [Tear::Nothing, Tear::Everything, Tear::Bits(1), Tear::MostBits(2), Tear::Garbage(3)];
    let mut count = Count::default();
    every_cut::<Large, 2, 1, 2048>(4, 2, &tears[2..4], &mut count);
    every_cut::<Large, 2, 4, 2048>(4, 2, &tears, &mut count);
    every_cut::<Large, 2, 8, 2048>(4, 2, &tears, &mut count);
    // Five pages are two places, the last page is idle; seven are three.
    every_cut::<Large, 2, 8, 2048>(5, 3, &tears, &mut count);
    every_cut::<Large, 2, 8, 2048>(7, 4, &tears, &mut count);
    every_cut::<Large, 2, 16, 2048>(4, 0, &tears, &mut count);
    every_cut::<Large, 2, 16, 2048>(4, 3, &tears, &mut count);
    every_cut::<Large, 2, 32, 2048>(4, 0, &tears, &mut count);
    every_cut::<Large, 2, 32, 2048>(4, 3, &tears, &mut count);
    count.report("two pages of 2 KB a place");
}

#[test]
fn every_cut_with_pages_of_128_kb_leaves_the_old_state_or_the_new() {
    let mut count = Count::default();
    for saves in [0, 3] {
        every_cut::<Small, 1, 1, 131_072>(2, saves, &TEARS[..5], &mut count);
        every_cut::<Small, 1, 4, 131_072>(2, saves, &TEARS, &mut count);
        every_cut::<Small, 1, 8, 131_072>(2, saves, &TEARS, &mut count);
    }
    every_cut::<Large, 2, 8, 131_072>(2, 3, &TEARS[..5], &mut count);
    count.report("one page of 128 KB a place");
}

#[test]
fn every_cut_in_a_save_of_convolutions_leaves_the_old_state_or_the_new() {
    let mut count = Count::default();
    for saves in [0, 2] {
        every_cut::<Convolutional, 1, 4, 2048>(2, saves, &TEARS, &mut count);
        every_cut::<Convolutional, 1, 8, 2048>(3, saves, &TEARS, &mut count);
    }
    count.report("convolutions, one page of 2 KB a place");
}

#[test]
fn every_cut_where_sequence_numbers_wrap_leaves_the_old_state_or_the_new() {
    let mut count = Count::default();
    for last in [u32::MAX - 1, u32::MAX, 0] {
        let (mut older, mut course) = (Course::<Small>::new(1), Course::<Small>::new(1));
        older.train(1);
        course.train(2);
        let places = [(last, course.bytes(), 0), (last.wrapping_sub(1), older.bytes(), 1)];
        let bytes = places.map(|(sequence, state, place)| drawn_place(sequence, &state, 2048, place, 2));
        let flash = SimFlash::<8, 2048>::with_bytes(bytes.concat());
        let old = Some(course.bytes());
        cut_everywhere(&Device { flash, bytes: Course::<Small>::BYTES }, course, old, &TEARS, &mut count);
    }
    count.report("where sequence numbers wrap");
}

#[test]
fn a_second_cut_in_the_save_after_the_first_does_no_harm() {
    two_cuts(Device::new(2, Course::<Small>::BYTES));
}

#[test]
fn a_second_cut_in_the_save_after_the_first_does_no_harm_with_error_correction() {
    two_cuts(Device::new(2, Course::<Small>::BYTES).with_error_correction());
}

fn two_cuts(mut base: Device<8, 2048>) {
    let tears = [Tear::Everything, Tear::Bits(9), Tear::MostBits(10), Tear::Garbage(11)];
    let mut course = Course::<Small>::new(1);
    for _ in 0..3 {
        course.train(1);
        course.save_to(&mut base.store()).expect("a save with power");
    }
    course.train(1);
    let mut pairs = 0u32;
    for first in 0.. {
        let mut one = Device { flash: base.flash.clone(), ..base };
        if !one.save_cut(&course, first, tears[first as usize % tears.len()]) {
            break;
        }
        let mut found = one.boot::<Small, 1>().expect("a state");
        let before = found.bytes();
        found.train(1);
        for second in 0.. {
            let mut done = false;
            for tear in tears {
                let mut two = Device { flash: one.flash.clone(), ..one };
                done = !two.save_cut(&found, second, tear);
                let state = two.boot::<Small, 1>().expect("a state").bytes();
                assert!(state == found.bytes() || !done && state == before, "cuts in steps {first} and {second}");
                // A third, with power.
                course.save_to(&mut two.store()).expect("a save with power");
                assert_eq!(two.boot::<Small, 1>().expect("a state").bytes(), course.bytes());
                pairs += 1;
            }
            if done {
                break;
            }
        }
    }
    assert!(pairs > 1000);
    report(&format!("two cuts in a row: {pairs} pairs"));
}

#[test]
fn a_long_life_with_a_cut_in_every_other_save_never_goes_back_two_states() {
    for (places, ecc) in [(2, false), (2, true), (3, false), (3, true), (5, false), (5, true)] {
        let mut random = Pcg32::new(places as u64, 0);
        let mut device = Device::<4, 2048>::new(places, Course::<Small>::BYTES);
        device.flash.ecc = ecc;
        let mut course = Course::<Small>::new(2);
        course.save_to(&mut device.store()).expect("a save with power");
        let mut cuts = 0;
        for life in 0..2000 {
            let old = course.bytes();
            course.train(1);
            let seed = random.next_u64();
            let tear = [Tear::Bits(seed), Tear::MostBits(seed), Tear::FewBits(seed), Tear::Garbage(seed)][life % 4];
            // 65 steps are a whole save.
            let cut = device.save_cut(&course, u64::from(random.next_u32() % 130), tear);
            cuts += u32::from(cut);
            let found = device.boot::<Small, 1>().expect("a state");
            let bytes = found.bytes();
            assert!(bytes == course.bytes() || cut && bytes == old, "life {life}, places {places}");
            course = found;
        }
        assert!(cuts > 800, "{cuts}");
        report(&format!("{places} places, error correction {ecc}: 2000 saves, {cuts} of them cut"));
    }
}

#[test]
fn two_cuts_in_the_first_saves_leave_a_device_that_starts_anew_or_goes_on() {
    let tears = [Tear::Everything, Tear::SecondHalf, Tear::Bits(9), Tear::Garbage(11)];
    for ecc in [false, true] {
        let (mut first, mut boots) = (0, 0u32);
        loop {
            let mut device = Device::<8, 2048>::new(2, Course::<Small>::BYTES);
            device.flash.ecc = ecc;
            let mut course = Course::<Small>::new(1);
            course.train(1);
            if !device.save_cut(&course, first, tears[first as usize % tears.len()]) {
                break;
            }
            let mut course = device.boot::<Small, 1>().unwrap_or(course);
            let before = course.bytes();
            course.train(1);
            for second in 0.. {
                let mut device = Device { flash: device.flash.clone(), ..device };
                let done = !device.save_cut(&course, second, tears[second as usize % tears.len()]);
                let found = device.boot::<Small, 1>().map(|course| course.bytes());
                assert!(found.is_none() && !done || found == Some(course.bytes()) || found.as_ref() == Some(&before));
                boots += 1;
                if done {
                    assert_eq!(found, Some(course.bytes()));
                    break;
                }
            }
            first += 1;
        }
        assert!(boots > 1000);
    }
}

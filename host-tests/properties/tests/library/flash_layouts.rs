//! Checkpoints that were saved in another layout: the newest is found, or an error says why not; never an older one, never `Empty`.
//!
//! Oracle: the states in the order in which they were saved.

use std::ops::Range;

use baregrad::checkpoint::flash::{FlashLoadError, FlashSaveError, Store, place_bytes};
use host_tests::course::{Course, Large, Small};
use host_tests::flash::{SimError, SimFlash, Tear};

use crate::flash::courses;

/// Pages of so many bytes, the region, and room for a checkpoint.
#[derive(Clone, Debug)]
struct Layout {
    page: usize,
    region: Range<u32>,
    bytes: usize,
}

/// Bytes of the flash.
const FLASH: usize = 16 * 1024;

fn layouts() -> Vec<Layout> {
    let pages = [(512, [180, 3000]), (1024, [180, 4000]), (2048, [180, 2500]), (4096, [180, 4033])];
    let regions = [0..FLASH as u32, 0..12 * 1024, 0..8 * 1024, 4 * 1024..FLASH as u32];
    let mut layouts = Vec::new();
    for (page, rooms) in pages {
        for bytes in rooms {
            for region in regions.clone() {
                let layout = Layout { page, region, bytes };
                if layout.places() >= 2 {
                    layouts.push(layout);
                }
            }
        }
    }
    layouts
}

impl Layout {
    fn place_bytes(&self) -> usize {
        (self.bytes + 64).div_ceil(self.page) * self.page
    }

    fn places(&self) -> usize {
        self.region.len() / self.place_bytes()
    }

    fn with<R>(&self, bytes: &mut Vec<u8>, use_it: impl Fn(&mut dyn Stored) -> R) -> R {
        match self.page {
            512 => self.with_pages::<512, R>(bytes, use_it),
            1024 => self.with_pages::<1024, R>(bytes, use_it),
            2048 => self.with_pages::<2048, R>(bytes, use_it),
            _ => self.with_pages::<4096, R>(bytes, use_it),
        }
    }

    fn with_pages<const PAGE: usize, R>(&self, bytes: &mut Vec<u8>, use_it: impl Fn(&mut dyn Stored) -> R) -> R {
        let mut flash = SimFlash::<8, PAGE>::with_bytes(std::mem::take(bytes));
        let mut store = Store::new(&mut flash, self.region.clone(), self.bytes).expect("a region of two places");
        assert_eq!(store.places() as usize, self.places());
        assert_eq!(place_bytes::<SimFlash<8, PAGE>>(self.bytes), self.place_bytes());
        let result = use_it(&mut store);
        *bytes = flash.bytes;
        result
    }

    fn save(&self, bytes: &mut Vec<u8>, course: &Course<Small>) -> Result<u32, FlashSaveError<SimError>> {
        self.with(bytes, |store| store.save(course))
    }

    fn load(&self, bytes: &mut Vec<u8>) -> Result<(u32, Vec<u8>), FlashLoadError<SimError>> {
        self.with(bytes, |store| {
            let mut course = Course::new(77);
            store.load(&mut course).map(|sequence| (sequence, course.bytes()))
        })
    }

    /// Whether a head of this layout is in a region after some saves.
    fn is_seen_in(&self, region: &Range<u32>, saves: usize) -> bool {
        let heads = (0..self.places().min(saves)).map(|place| self.region.start + (place * self.place_bytes()) as u32);
        heads.into_iter().any(|at| region.contains(&at))
    }
}

/// A store of any page size.
trait Stored {
    fn save(&mut self, course: &Course<Small>) -> Result<u32, FlashSaveError<SimError>>;
    fn load(&mut self, course: &mut Course<Small>) -> Result<u32, FlashLoadError<SimError>>;
}

impl<const PAGE: usize> Stored for Store<&mut SimFlash<8, PAGE>> {
    fn save(&mut self, course: &Course<Small>) -> Result<u32, FlashSaveError<SimError>> {
        course.save_to(self)
    }

    fn load(&mut self, course: &mut Course<Small>) -> Result<u32, FlashLoadError<SimError>> {
        course.load_from(self)
    }
}

#[test]
fn a_store_of_any_layout_finds_the_newest_state_of_any_other_and_goes_on_from_it() {
    let states = courses(16);
    let mut pairs = 0;
    for first in layouts() {
        for second in layouts() {
            let mut bytes = vec![0xFF; FLASH];
            for saves in 1..=first.places().min(8) + 3 {
                let newest = (saves as u32 - 1, states[saves - 1].bytes());
                assert_eq!(first.save(&mut bytes, &states[saves - 1]), Ok(newest.0));
                let what = format!("{first:?}, {saves} saves, {second:?}");
                if !first.is_seen_in(&second.region, saves) {
                    // The regions share no head: nothing can be known of it.
                    assert!(second.load(&mut bytes).is_err(), "{what}");
                    continue;
                }
                pairs += 1;
                assert_eq!(second.load(&mut bytes), Ok(newest), "{what}");
                let mut bytes = bytes.clone();
                // Three saves, each found.
                for (state, number) in states[saves..].iter().zip(saves as u32..).take(3) {
                    assert_eq!(second.save(&mut bytes, state), Ok(number), "{what}");
                    assert_eq!(second.load(&mut bytes), Ok((number, state.bytes())), "{what}");
                    // And back: the first save goes where the first layout can see it, if it has a choice there.
                    let starts =
                        (0..second.places()).map(|place| second.region.start + (place * second.place_bytes()) as u32);
                    if number == saves as u32 && starts.filter(|at| first.region.contains(at)).count() >= 2 {
                        assert_eq!(first.load(&mut bytes), Ok((number, state.bytes())), "{what}, and back");
                    }
                }
            }
        }
    }
    assert!(pairs > 4000, "{pairs}");
}

#[test]
fn a_store_of_another_layout_finds_the_newest_state_after_a_cut() {
    const PAGE: usize = 2048;
    let states = courses(6);
    let first = Layout { page: PAGE, region: 0..FLASH as u32, bytes: 180 };
    for saves in 1..=3 {
        let mut base = SimFlash::<8, PAGE>::new(FLASH / PAGE);
        for state in &states[..saves] {
            let mut store = Store::new(&mut base, first.region.clone(), first.bytes).expect("eight places");
            state.save_to(&mut store).expect("a save with power");
        }
        for cut in 0.. {
            let mut flash = base.clone();
            flash.cut = Some((flash.steps + cut, Tear::FirstHalf));
            let mut store = Store::new(&mut flash, first.region.clone(), first.bytes).expect("eight places");
            let done = states[saves].save_to(&mut store).is_ok();
            for second in layouts() {
                if !first.is_seen_in(&second.region, saves) {
                    continue;
                }
                let found = second.load(&mut flash.bytes.clone()).map(|(_, state)| state);
                let (old, new) = (states[saves - 1].bytes(), states[saves].bytes());
                assert!(found == Ok(new) || !done && found == Ok(old), "cut {cut}, {second:?}: {found:?}");
            }
            if done {
                break;
            }
        }
    }
}

#[test]
fn a_flash_that_lacks_a_part_of_the_newest_layout_is_an_error_of_its_own() {
    let states = courses(9);
    let first = Layout { page: 2048, region: 0..FLASH as u32, bytes: 180 };
    let mut bytes = vec![0xFF; FLASH];
    for state in &states[..8] {
        first.save(&mut bytes, state).expect("it fits");
    }
    // The last of eight places is gone, and with it the newest.
    for page in [512, 1024, 2048] {
        let second = Layout { page, region: 0..FLASH as u32 - 2048, bytes: 180 };
        let mut shorter = bytes[..FLASH - 2048].to_vec();
        let before = shorter.clone();
        assert_eq!(second.load(&mut shorter), Err(FlashLoadError::OtherLayout { places: 8, place_bytes: 2048 }));
        assert_eq!(second.save(&mut shorter, &states[8]), Err(FlashSaveError::OtherLayout));
        assert!(shorter == before, "what is refused changes nothing");
    }
    // So is one that begins later: the addresses of its driver are others.
    let mut later = bytes[2048..].to_vec();
    let second = Layout { page: 2048, region: 0..FLASH as u32 - 2048, bytes: 180 };
    assert_eq!(second.load(&mut later), Err(FlashLoadError::OtherLayout { places: 8, place_bytes: 2048 }));
    // Going on is the user's decision.
    let mut flash = SimFlash::<8, 2048>::with_bytes(later);
    let mut store = Store::new(&mut flash, second.region, second.bytes).expect("seven places");
    store.erase().expect("a sound flash");
    assert_eq!(states[8].save_to(&mut store), Ok(0));
}

#[test]
fn what_lies_outside_of_a_region_is_taken_only_if_it_belongs_to_the_same_layout() {
    let states = courses(6);
    let first = Layout { page: 2048, region: 0..FLASH as u32, bytes: 180 };
    let mut bytes = vec![0xFF; FLASH];
    for state in &states[..2] {
        first.save(&mut bytes, state).expect("it fits");
    }
    // The upper half is now another store's, which has saved more often.
    let upper = Layout { page: 2048, region: FLASH as u32 / 2..FLASH as u32, bytes: 180 };
    for state in &states[2..] {
        upper.save(&mut bytes, state).expect("it fits");
    }
    let lower = Layout { page: 2048, region: 0..FLASH as u32 / 2, bytes: 180 };
    assert_eq!(lower.load(&mut bytes), Ok((1, states[1].bytes())));
    assert_eq!(upper.load(&mut bytes), Ok((3, states[5].bytes())));
}

#[test]
fn a_save_that_would_have_to_erase_the_newest_state_of_another_layout_is_refused() {
    let (mut flash, mut course) = (SimFlash::<8, 2048>::new(6), Course::<Large>::new(1));
    for _ in 0..2 {
        course.train(1);
        let mut store = Store::new(&mut flash, 0..6 * 2048, Course::<Large>::BYTES).expect("three places");
        course.save_to(&mut store).expect("it fits");
    }
    let (bytes, steps) = (flash.bytes.clone(), flash.steps);
    // The newest lies in pages 2 and 3; the new places are pages 0 to 2 and 3 to 5.
    let mut store = Store::new(&mut flash, 0..6 * 2048, 3 * 2048 - 64).expect("two places");
    let mut found = Course::<Large>::new(77);
    assert_eq!(found.load_from(&mut store), Ok(1));
    assert_eq!(found.bytes(), course.bytes());
    assert_eq!(found.save_to(&mut store), Err(FlashSaveError::OtherLayout));
    assert!(flash.bytes == bytes && flash.steps == steps, "what is refused changes nothing");
    // One save more in the old layout, and it lies in pages 4 and 5.
    let mut store = Store::new(&mut flash, 0..6 * 2048, Course::<Large>::BYTES).expect("three places");
    course.save_to(&mut store).expect("it fits");
    let mut store = Store::new(&mut flash, 0..6 * 2048, 3 * 2048 - 64).expect("two places");
    assert_eq!(found.save_to(&mut store), Ok(3));
    assert_eq!(store.places(), 2);
}

/// The search back may pass more heads than the region has room for: those of a larger region are outside of it.
#[test]
fn the_newest_whole_state_is_found_behind_any_number_of_damaged_ones() {
    const PLACE: usize = 3 * 128;
    const PLACES: usize = 16;
    type Flash = SimFlash<4, 128>;
    fn store(flash: &mut Flash, places: usize) -> Store<&mut Flash> {
        Store::new(flash, 0..(places * PLACE) as u32, Course::<Small>::BYTES).expect("two places and more")
    }
    let mut flash = Flash::new(3 * PLACES);
    let courses = courses(PLACES as u32);
    let states: Vec<Vec<u8>> = courses.iter().map(Course::bytes).collect();
    for course in &courses {
        course.save_to(&mut store(&mut flash, PLACES)).expect("a sound flash");
    }
    for newest in (0..PLACES).rev() {
        let mut course = Course::<Small>::new(1);
        let found = course.load_from(&mut store(&mut flash, 2));
        assert_eq!((found, course.bytes()), (Ok(newest as u32), states[newest].clone()));
        flash.bytes[newest * PLACE + 64 + 40] ^= 1;
    }
}

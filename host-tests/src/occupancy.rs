//! The minutes of an office room, in the order of time: five measures, and whether somebody was there.

/// A minute.
#[derive(Clone, Copy, Debug)]
pub struct Minute {
    /// Day of February 2015.
    pub day: u8,
    /// Temperature in °C, relative humidity in %, light in lux, CO2 in ppm, humidity ratio in kg/kg.
    pub measures: [f32; 5],
    /// 1 if the room was occupied.
    pub occupied: u8,
}

/// All 20,560 minutes, day after day.
pub fn minutes() -> Vec<Minute> {
    let text = include_str!("../data/occupancy.csv");
    let mut rows: Vec<(u16, Minute)> = text.lines().skip(1).map(row).collect();
    rows.sort_by_key(|(minute, row)| (row.day, *minute));
    rows.into_iter().map(|(_, row)| row).collect()
}

/// `split,day,minute,` five measures, label.
fn row(line: &str) -> (u16, Minute) {
    let fields: Vec<&str> = line.split(',').collect();
    let measures = std::array::from_fn(|k| fields[3 + k].parse().expect("a number"));
    let (day, occupied) = (fields[1].parse().expect("a day"), fields[8].parse().expect("0 or 1"));
    (fields[2].parse().expect("a minute"), Minute { day, measures, occupied })
}

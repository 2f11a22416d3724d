//! The processor that a figure is from.

use std::fs;

/// Its name, family and model where Linux says them, and how many there are. A name alone may be that of very different ones.
pub fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
        pairs.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim())
    };
    let name = value("model name").unwrap_or(std::env::consts::ARCH);
    let kind = match (value("cpu family"), value("model")) {
        (Some(family), Some(model)) => format!(", family {family}, model {model}"),
        _ => String::new(),
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{name}{kind}, {cores} cores")
}

//! The tables of what the device does, and their places in a text.

use std::collections::HashMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::compare::Figures;
use crate::table;

/// Counts at an opt-level: of a program, in a unit.
pub(super) type Counts = HashMap<(&'static str, &'static str), u64>;

/// What a row may take at opt-level s, in limits, if it says nothing else.
const FACTOR_S: f64 = 2.0;

/// A row of what is counted, a program.
pub(super) struct Row {
    pub(super) program: &'static str,
    what: &'static str,
    /// Instructions or bytes at most.
    at_most: Option<f64>,
    /// Cycles at most, or bytes at opt-level s.
    and_at_most: Option<f64>,
    /// For how many samples or products; what is printed is for one.
    by: Option<f64>,
    /// What it may take at opt-level s, in limits.
    factor_s: f64,
}

impl Row {
    fn new([program, what, at_most, and_at_most, by, factor_s]: [&'static str; 6]) -> Self {
        let number = |cell: &str| (!cell.is_empty()).then(|| cell.parse().expect("a number in the table"));
        Self {
            program,
            what,
            at_most: number(at_most),
            and_at_most: number(and_at_most),
            by: number(by),
            factor_s: number(factor_s).unwrap_or(FACTOR_S),
        }
    }

    /// Microseconds say something of all but what is counted by its products.
    pub(super) fn has_clock(&self) -> bool {
        !self.is_by_product()
    }

    fn is_by_product(&self) -> bool {
        self.what.ends_with("per multiply-accumulate")
    }

    /// What it took, in a line.
    pub(super) fn line(&self, opt_level: &str, instructions: u64, cycles: u64) -> String {
        let by = self.by.unwrap_or(1.0);
        let each = if self.is_by_product() { format!(", {:.2} each", cycles as f64 / by) } else { String::new() };
        format!("{} at {opt_level}: {instructions} instructions, {cycles} cycles{each}", self.program)
    }

    fn of(&self, counts: &Counts, unit: &'static str) -> Option<f64> {
        counts.get(&(self.program, unit)).map(|&count| count as f64 / self.by.unwrap_or(1.0))
    }
}

/// The predictions and steps.
pub(super) fn rows() -> Vec<Row> {
    table::rows(include_str!("../../tables/device.table")).into_iter().map(Row::new).collect()
}

fn ram() -> Vec<Row> {
    table::rows(include_str!("../../tables/ram.table")).into_iter().map(Row::new).collect()
}

/// The programs whose code is looked at.
pub(super) fn code() -> Vec<Row> {
    table::rows(include_str!("../../tables/code.table")).into_iter().map(Row::new).collect()
}

/// All that is counted, each row with its limits, at opt-level 3 and at s.
pub(super) fn table(counts: &[Counts; 2]) -> String {
    let mut text = String::new();
    for (title, counts, is_small) in [("3", &counts[0], false), ("\"s\"", &counts[1], true)] {
        let _ = write!(text, "\n| `opt-level = {title}` | instructions | at most | cycles | at most | |\n");
        text += "| --- | ---: | ---: | ---: | ---: | --- |\n";
        for row in rows() {
            let factor = if is_small { row.factor_s } else { 1.0 };
            let limit = |at_most: Option<f64>| at_most.map(|limit| limit * factor);
            let instructions = Cell { value: row.of(counts, "instructions"), at_most: limit(row.at_most) };
            let cycles = Cell { value: row.of(counts, "cycles"), at_most: limit(row.and_at_most) };
            text += &line(row.what, &instructions, &cycles, row.is_by_product());
        }
    }
    text += "\n| bytes | | at most | | | |\n| --- | ---: | ---: | --- | --- | --- |\n";
    let nothing = Cell { value: None, at_most: None };
    let mut bytes = |row: &Row, counts: &Counts, unit, level, at_most| {
        text +=
            &line(&format!("{}, `{level}`", row.what), &Cell { value: row.of(counts, unit), at_most }, &nothing, false);
    };
    for (counts, level) in counts.iter().zip(["3", "s"]) {
        for row in ram() {
            bytes(&row, counts, "bytes of RAM", level, row.at_most);
        }
    }
    for row in code() {
        bytes(&row, &counts[0], "bytes of code", "3", row.at_most);
        bytes(&row, &counts[1], "bytes of code", "s", row.and_at_most);
    }
    text
}

/// A count with its limit.
struct Cell {
    value: Option<f64>,
    at_most: Option<f64>,
}

impl Cell {
    /// Whether it is over its limit; nothing to compare is neither over nor not.
    fn over(&self) -> Option<bool> {
        Some(self.value? > self.at_most?)
    }
}

fn line(what: &str, count: &Cell, cycles: &Cell, fractions: bool) -> String {
    let number = |number: Option<f64>| match number {
        None => "–".to_owned(),
        Some(number) if fractions => format!("{number:.2}"),
        Some(number) => grouped(number),
    };
    let verdict = match (count.over(), cycles.over()) {
        (Some(true), _) | (_, Some(true)) => "over",
        (None, None) => "–",
        _ => "ok",
    };
    let cells = [count.value, count.at_most, cycles.value, cycles.at_most].map(number).join(" | ");
    format!("| {what} | {cells} | {verdict} |\n")
}

/// A whole number with commas between its thousands.
fn grouped(number: f64) -> String {
    let digits = (number.round() as u64).to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Estimates for real clocks: by cycles for the Cortex-M4F, by instructions of an image of its own for a Cortex-M0+.
pub(super) fn clocks(counts: &Counts, soft: &Counts) -> String {
    let number = |number: f64| if number < 100.0 { format!("{number:.1}") } else { format!("{number:.0}") };
    let mut text = "| microseconds, estimated | nRF52840, M4F, 64 MHz | STM32F405, M4F, 168 MHz \
        | Cortex-M0+, 48 MHz: instructions | at least |\n| --- | ---: | ---: | ---: | ---: |\n"
        .to_owned();
    for row in rows() {
        let (Some(cycles), Some(soft)) = (row.of(counts, "cycles"), row.of(soft, "instructions")) else { continue };
        let (nrf, stm, m0) = (number(cycles / 64.0), number(cycles / 168.0), number(soft / 48.0));
        let _ = writeln!(text, "| {} | {nrf} | {stm} | {soft:.0} | {m0} |", row.what);
    }
    text
}

/// What is guarded: instructions, RAM, stack and code, at opt-level 3 and at s. Rows of a layer say nothing of a stack.
pub(super) fn figures(counts: &[Counts; 2]) -> Figures {
    let units =
        [(rows(), "instructions"), (ram(), "bytes of RAM"), (rows(), "bytes of stack"), (code(), "bytes of code")];
    let figures = units.iter().flat_map(|(rows, unit)| {
        rows.iter().map(move |row| {
            let found = counts.iter().filter_map(|counts| counts.get(&(row.program, *unit)).copied());
            (format!("{} {unit}", row.program), found.collect::<Vec<_>>())
        })
    });
    Figures(figures.filter(|(_, found)| !found.is_empty()).collect())
}

/// A text with something else between its lines `<!-- name -->` and `<!-- end of name -->`.
pub(super) fn put(text: &str, name: &str, between: &str) -> Result<String> {
    let (before, rest) =
        text.split_once(&format!("<!-- {name} -->\n")).with_context(|| format!("no place for {name}"))?;
    let end = format!("<!-- end of {name} -->\n");
    let (_, after) = rest.split_once(&end).with_context(|| format!("no end of {name}"))?;
    Ok(format!("{before}<!-- {name} -->\n{between}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(value: impl Into<Option<f64>>, at_most: impl Into<Option<f64>>) -> Cell {
        Cell { value: value.into(), at_most: at_most.into() }
    }

    #[test]
    fn rows_say_whether_they_are_within_their_limits() {
        let nothing = || cell(None, None);
        for (count, cycles, fractions, expected) in [
            (cell(541.0, 700.0), cell(899.0, 900.0), false, "| it | 541 | 700 | 899 | 900 | ok |\n"),
            (
                cell(13744.2, 14000.0),
                cell(18050.0, 15000.0),
                false,
                "| it | 13,744 | 14,000 | 18,050 | 15,000 | over |\n",
            ),
            (cell(1000.0, 999.0), nothing(), false, "| it | 1,000 | 999 | – | – | over |\n"),
            (cell(2.326, None), cell(3.499, 3.5), true, "| it | 2.33 | – | 3.50 | 3.50 | ok |\n"),
            (cell(12676.0, None), nothing(), false, "| it | 12,676 | – | – | – | – |\n"),
        ] {
            assert_eq!(line("it", &count, &cycles, fractions), expected);
        }
        assert_eq!(grouped(1234567.0), "1,234,567");
    }

    #[test]
    fn a_table_is_put_between_its_marks() {
        let text = "a\n<!-- table -->\nold\n<!-- end of table -->\nb\n";
        assert_eq!(put(text, "table", "new\n").unwrap(), "a\n<!-- table -->\nnew\n<!-- end of table -->\nb\n");
        assert!(put(text, "clocks", "new\n").is_err());
    }
}

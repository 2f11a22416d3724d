//! Counts beside the committed ones.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};

/// The command that accepts what was found.
const ACCEPT: &str = "cargo xtask count --write";

/// Names with their counts, a file of lines `name | number | number …`.
#[derive(Debug, PartialEq)]
pub(super) struct Figures(pub(super) Vec<(String, Vec<u64>)>);

impl Figures {
    fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let figures = lines.map(|line| {
            let mut cells = line.split('|').map(str::trim);
            let name = cells.next().unwrap_or_default().to_owned();
            let counts =
                cells.map(str::parse).collect::<Result<_, _>>().with_context(|| format!("no count: {line}"))?;
            Ok((name, counts))
        });
        figures.collect::<Result<_>>().map(Self)
    }

    /// The lines of the file, with a comment before them if there is one.
    pub(super) fn text(&self, comment: &str) -> String {
        let mut text = if comment.is_empty() { String::new() } else { format!("# {comment}\n") };
        for (name, counts) in &self.0 {
            let _ = write!(text, "{name:<36}");
            for count in counts {
                let _ = write!(text, " | {count:>9}");
            }
            text.push('\n');
        }
        text
    }

    fn of(&self, name: &str) -> Option<&Vec<u64>> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, counts)| counts)
    }
}

/// Compares counts with those of a file, and prints what differs.
///
/// # Errors
/// A count is more than 2 % above the expected one, or a name or a column is on one side only. A count more than 2 % below is only said.
pub(super) fn check(found: &Figures, file: &str) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{file} can't be read; `{ACCEPT}` makes it"))?;
    let expected = Figures::parse(&text).with_context(|| format!("{file} is damaged; `{ACCEPT}` makes it anew"))?;
    let comparison = compare(found, &expected);
    print!("{}", comparison.text);
    ensure!(!comparison.failed, "the counts are not those of {file}");
    Ok(())
}

#[derive(Default)]
struct Comparison {
    text: String,
    failed: bool,
    fell: bool,
}

impl Comparison {
    fn say(&mut self, line: &str) {
        self.text += line;
        self.text.push('\n');
    }

    fn fail(&mut self, line: &str) {
        self.failed = true;
        self.say(line);
    }

    fn count(&mut self, name: &str, new: u64, old: u64) {
        let change = 100.0 * (new as f64 / old.max(1) as f64 - 1.0);
        // Whole numbers: 102 of 100 is not above 2 %, whatever a division makes of it.
        if new * 100 > old * 102 {
            self.fail(&format!("grew: {name}: {new}, expected {old} ({change:+.1} %)"));
        } else if new * 100 < old * 98 {
            self.fell = true;
            self.say(&format!("fell: {name}: {new}, expected {old} ({change:+.1} %)"));
        }
    }
}

fn compare(found: &Figures, expected: &Figures) -> Comparison {
    let mut comparison = Comparison::default();
    let mut compared = 0;
    for (name, new) in &found.0 {
        match expected.of(name) {
            None => comparison.fail(&format!("new: {name}: {new:?}")),
            Some(old) if old.len() != new.len() => {
                comparison.fail(&format!("another number of columns: {name}: {new:?}"));
            }
            Some(old) => {
                for (column, (&new, &old)) in new.iter().zip(old).enumerate() {
                    compared += 1;
                    comparison.count(&format!("{name}, column {}", column + 1), new, old);
                }
            }
        }
    }
    for (name, old) in &expected.0 {
        if found.of(name).is_none() {
            comparison.fail(&format!("missing: {name}: {old:?}"));
        }
    }
    if compared == 0 {
        comparison.fail("nothing was compared");
    }
    if comparison.failed {
        comparison.say(&format!("To accept the new counts: {ACCEPT}"));
    } else if comparison.fell {
        comparison.say(&format!("Commit what was gained: {ACCEPT}"));
    } else {
        comparison.say(&format!("{compared} counts are within 2 % of the expected ones"));
    }
    comparison
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: &str = "# a comment\nstep instructions | 1000 | 2000\nstep bytes | 50 | 60\n";

    /// What is said of other counts, and whether that is a failure.
    fn compared(found: &str) -> (String, bool) {
        let comparison = compare(&Figures::parse(found).unwrap(), &Figures::parse(EXPECTED).unwrap());
        (comparison.text, comparison.failed)
    }

    #[test]
    fn counts_may_grow_by_two_percent() {
        let (text, failed) = compared("step instructions | 1020 | 1960\nstep bytes | 51 | 60\n");
        assert_eq!((text.as_str(), failed), ("4 counts are within 2 % of the expected ones\n", false));
    }

    #[test]
    fn growth_fails_and_names_the_command() {
        let (text, failed) = compared("step instructions | 1000 | 2041\nstep bytes | 50 | 60\n");
        assert!(failed);
        assert!(text.starts_with("grew: step instructions, column 2: 2041, expected 2000 (+2.0 %)\n"), "{text}");
        assert!(text.contains("cargo xtask count --write"), "{text}");
    }

    #[test]
    fn a_fall_is_said_and_no_failure() {
        let (text, failed) = compared("step instructions | 900 | 2000\nstep bytes | 50 | 60\n");
        assert!(!failed);
        assert!(text.starts_with("fell: step instructions, column 1: 900, expected 1000 (-10.0 %)\nCommit"), "{text}");
    }

    #[test]
    fn names_and_columns_on_one_side_fail() {
        for (found, said) in [
            ("step instructions | 1000 | 2000\n", "missing: step bytes"),
            ("step instructions | 1000 | 2000\nstep bytes | 50 | 60\nmore | 1 | 1\n", "new: more"),
            ("step instructions | 1000 | 2000\nstep bytes | 50\n", "another number of columns: step bytes"),
            ("", "nothing was compared"),
        ] {
            let (text, failed) = compared(found);
            assert!(failed && text.contains(said), "{text}");
        }
    }

    #[test]
    fn the_file_is_read_as_it_was_written() {
        let figures = Figures(vec![("step instructions".to_owned(), vec![417, 1000])]);
        let text = figures.text("made by hand");
        assert_eq!(text, format!("# made by hand\nstep instructions{:19} |       417 |      1000\n", ""));
        assert_eq!(Figures::parse(&text).unwrap(), figures);
        assert!(Figures::parse("step | many\n").is_err());
    }
}

//! What a row printed, and what it must print.

use std::fs;

use anyhow::{Context, Result};

use super::row::Row;

/// The lines before the last one, which is `end` and their number; else the output was cut off.
pub(crate) fn complete(output: &str) -> Option<&str> {
    let start = output.trim_end_matches('\n').rfind('\n')? + 1;
    let (lines, end) = output.split_at(start);
    let number: usize = end.trim_end().strip_prefix("end ")?.parse().ok()?;
    (number == lines.lines().count()).then_some(lines)
}

/// The lines that the row must print.
pub(crate) fn expected(row: &Row, miri_full: bool) -> Result<String> {
    if row.flushes_subnormals() {
        return Ok("float_environment FlushesSubnormals\n".to_owned());
    }
    let text = lines_of("same_bits")?;
    let printed = |line: &&str| match row.machine {
        "microbit" => !line.starts_with("Digits/"),
        "miri" => !line.starts_with("Digits/") && (miri_full || is_of_miris_parts(line)),
        _ => true,
    };
    let mut lines: String = text.lines().filter(printed).flat_map(|line| [line, "\n"]).collect();
    if row.machine != "miri" || miri_full {
        lines += &lines_of("same_bits_more")?;
    }
    Ok(lines)
}

fn lines_of(name: &str) -> Result<String> {
    let file = format!("firmware-example/{name}.expected");
    fs::read_to_string(&file).with_context(|| format!("{file} can't be read"))
}

/// Whether a line is of the parts that Miri runs.
fn is_of_miris_parts(line: &str) -> bool {
    let case: Vec<&str> = line.split('/').collect();
    let words: Vec<&str> = line.split(' ').collect();
    matches!(case[..], ["Xor", _, "MeanSquaredError", _, ..] | ["Iris", _, "CrossEntropy", _, ..])
        || matches!(words[..], ["scalar", _, ..])
        || matches!(words[..], [_, what, ..] if what.starts_with("diverges"))
}

/// The number of equal lines, of expected ones, and the verdict.
pub(crate) fn compare(expected: &str, got: &str) -> (String, String) {
    let (wanted, lines) = (expected.lines().count(), got.lines().count());
    let equal = expected.lines().zip(got.lines()).filter(|(want, have)| want == have).count();
    let different = got.lines().enumerate().find(|&(i, line)| expected.lines().nth(i) != Some(line));
    let verdict = match different {
        _ if wanted == 0 => "FAILED: nothing is expected".to_owned(),
        _ if equal == wanted && lines == wanted => "ok".to_owned(),
        Some((i, line)) => format!("DIFFERS; line {} is \"{line}\"", i + 1),
        None => "DIFFERS".to_owned(),
    };
    (format!("{equal}/{wanted}"), verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_cut_off_is_noticed() {
        assert_eq!(complete("a\nb\nend 2\n"), Some("a\nb\n"));
        for cut in ["", "a\n", "a\nend 2\n", "a\nb\n", "end 1\n", "a\nend 1\nb\n", "a\nend\n"] {
            assert_eq!(complete(cut), None, "{cut}");
        }
    }

    #[test]
    fn a_difference_is_found_and_named() {
        let verdict = |got| compare("a\nb\n", got);
        assert_eq!(verdict("a\nb\n"), ("2/2".to_owned(), "ok".to_owned()));
        assert_eq!(verdict("a\nc\n"), ("1/2".to_owned(), "DIFFERS; line 2 is \"c\"".to_owned()));
        assert_eq!(verdict("a\n"), ("1/2".to_owned(), "DIFFERS".to_owned()));
        assert_eq!(verdict("a\nb\nc\n"), ("2/2".to_owned(), "DIFFERS; line 3 is \"c\"".to_owned()));
        assert_eq!(compare("", "").1, "FAILED: nothing is expected");
    }

    #[test]
    fn miri_runs_a_part() {
        for (line, part) in [
            ("Xor/Relu/MeanSquaredError/Sgd/1 start 0", true),
            ("Xor/Relu/Huber/Sgd/1 start 0", false),
            ("Iris/Relu/CrossEntropy/Sgd/1 start 0", true),
            ("Iris/Relu/WeightedCrossEntropy/Sgd/1 start 0", false),
            ("scalar exp 0", true),
            ("Xor diverges-NonFinitePreActivation 00000005", true),
        ] {
            assert_eq!(is_of_miris_parts(line), part, "{line}");
        }
    }
}

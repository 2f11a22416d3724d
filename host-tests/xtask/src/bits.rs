//! `cargo xtask bits`: many small networks are trained on every processor of tables/bits.table, and the bits of each stage compared.
//!
//! What is missing is installed first, and said first. A row that this computer can't run says so and is counted apart. Logs and
//! outputs stay in target/same-bits/rows; a log says how long each building and running took. Variables: `JOBS`, how many rows
//! are built at a time (the number of processors, at most 4); `RUN_TIMEOUT`, the limit for one run in seconds (300);
//! `MIRI_FULL=1` lets Miri run all cases that a small processor runs (some 5 minutes), not three parts of them.

mod job;
mod needs;
mod output;
mod row;

use std::cmp::Reverse;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, ensure};

use crate::tools;
use job::Outcome;
use row::Row;

/// What the user can set.
struct Settings {
    /// Where everything goes.
    base: PathBuf,
    jobs: usize,
    run_timeout: u64,
    miri_full: bool,
}

impl Settings {
    fn from_environment() -> Result<Self> {
        Ok(Self {
            base: tools::target_folder().join("same-bits"),
            jobs: number("JOBS", tools::processors().min(4))?.max(1),
            run_timeout: number("RUN_TIMEOUT", 300)?,
            miri_full: std::env::var_os("MIRI_FULL").is_some_and(|value| !value.is_empty()),
        })
    }

    /// A file of a row.
    fn file(&self, row: &Row, kind: &str) -> PathBuf {
        self.base.join("rows").join(format!("{}.{kind}", row.name))
    }
}

fn number<T: std::str::FromStr>(variable: &str, default: T) -> Result<T> {
    let Ok(text) = std::env::var(variable) else { return Ok(default) };
    text.parse().ok().with_context(|| format!("{variable}={text} is no number"))
}

/// Does the rows of these names, or all.
pub(crate) fn run(names: &[&str]) -> Result<()> {
    let all = Row::all();
    if names == ["list"] {
        all.iter().for_each(|row| println!("{}", row.name));
        return Ok(());
    }
    let wanted = if names.is_empty() || names == ["all"] { all } else { Row::named(all, names)? };
    let settings = Settings::from_environment()?;
    fs::create_dir_all(settings.base.join("rows"))?;

    let mut runnable = Vec::new();
    for row in &wanted {
        for kind in ["result", "log", "out", "raw", "image"] {
            // Most are not there.
            let _ = fs::remove_file(settings.file(row, kind));
        }
        match needs::ensure(row) {
            Ok(()) => runnable.push(*row),
            Err(obstacle) => Outcome::cannot_run(&obstacle).report(row, &settings)?,
        }
    }
    // Miri, by far the slowest, begins at once, so that it doesn't run alone at the end; then what is built in several parts.
    runnable.sort_by_key(|row| (row.machine != "miri", Reverse(row.parts(false).len())));
    do_all(&runnable, &settings);
    table(&wanted, &settings)
}

/// Does rows, several at a time.
fn do_all(rows: &[Row], settings: &Settings) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for slot in 0..settings.jobs {
            let next = &next;
            scope.spawn(move || {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = job::run(row, settings, slot).report(row, settings) {
                        eprintln!("bits: {}: {error:#}", row.name);
                    }
                }
            });
        }
    });
}

/// Prints the table. Well only if each row is ok or can't be run here, and at least one is ok.
fn table(rows: &[Row], settings: &Settings) -> Result<()> {
    let (mut ok, mut bad, mut cannot) = (0, 0, 0);
    println!("\n{}", line("target", "core", "how it was run", "s", "stages", "result"));
    for row in rows {
        let line = fs::read_to_string(settings.file(row, "result"))
            .unwrap_or_else(|_| format!("{} | FAILED: it left no result", row.name));
        println!("{line}");
        match line.rsplit("| ").next() {
            Some("ok") => ok += 1,
            Some(verdict) if verdict.starts_with("cannot run") => cannot += 1,
            _ => bad += 1,
        }
    }
    println!("{} rows: {ok} ok, {bad} different or failed, {cannot} can't be run here", rows.len());
    ensure!(bad == 0, "logs and outputs: {}", settings.base.join("rows").display());
    ensure!(ok > 0, "no row was run");
    Ok(())
}

/// A line of the table.
fn line(name: &str, core: &str, how: &str, seconds: &str, stages: &str, verdict: &str) -> String {
    format!("{name:<16} | {core:<28} | {how:<32} | {seconds:>4} | {stages:<7} | {verdict}")
}

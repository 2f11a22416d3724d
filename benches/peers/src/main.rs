//! `baregrad` beside other libraries at the same work, in one run: `cargo xtask peers`.
//!
//!     peers [--seconds SECONDS] [PART OF A ROW'S NAME]
//!
//! Everybody does short runs in turn, `baregrad` first, until SECONDS (4) are over, so that whatever else the machine does hits all
//! alike; the best run of each counts. A row ends with its limit and `ok` or `over`. With the variable `BENCH_PYTHON` naming a
//! Python that has NumPy, that is measured too, and PyTorch if it is there.
//!
//! Ends as a failure if somebody's result says that the work was not the same.

mod burn;
mod candle;
mod dfdx;
// Compiled as a part of this program, as in a user's own. Generic code that a library instantiates for others to call is compiled
// less freely.
#[path = "../../src/products.rs"]
mod layer;
#[path = "../../src/ours.rs"]
mod ours;
mod peer;
mod products;
mod python;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use benches::work::{self, Plan, Work};
use benches::{Contender, Outcome};
// Time of the processor, in all threads of this process: what others do on the machine doesn't count, however long a run lasts.
use cpu_time::ProcessTime as Clock;

use crate::python::Python;

/// At most this fraction of a peer's time.
struct Limit {
    work: &'static str,
    fraction: f64,
    peer: &'static str,
}

const LIMITS: &[Limit] = &[
    Limit { work: "XOR 2-3-1 SGD, batch 1", fraction: 0.03, peer: "dfdx" },
    Limit { work: "XOR 2-3-1 SGD, batch 4", fraction: 0.03, peer: "dfdx" },
    Limit { work: "iris 4-16-3 Adam, batch 1", fraction: 0.025, peer: "dfdx" },
    Limit { work: "iris 4-16-3 Adam, batch 16", fraction: 0.15, peer: "dfdx" },
    Limit { work: "digits 64-32-10 SGD, batch 1", fraction: 0.05, peer: "dfdx" },
    Limit { work: "digits 64-32-10 SGD, batch 32", fraction: 0.3, peer: "dfdx" },
    Limit { work: "196-100-50-10 SGD, batch 1", fraction: 0.1, peer: "dfdx" },
    Limit { work: "196-100-50-10 SGD, batch 64", fraction: 0.85, peer: "NumPy" },
    Limit { work: "predict 196-100-50-10", fraction: 0.4, peer: "candle" },
    Limit { work: "MNIST, random mini-batches of 64", fraction: 0.6, peer: "NumPy" },
    Limit { work: "MNIST 28x28 convolutions SGD, batch 32", fraction: 0.5, peer: "PyTorch" },
];

/// Columns of the table after our own.
const PEERS: [&str; 5] = ["dfdx", "burn", "candle", "NumPy", "PyTorch"];

/// Mini-batches of the text's MNIST run; a run here is a twentieth of it.
const MNIST_STEPS: f64 = 40_000.0;

fn main() -> ExitCode {
    let (mut seconds, mut filter) = (4.0, String::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--seconds" {
            seconds = arguments.next().and_then(|value| value.parse().ok()).expect("a number of seconds");
        } else {
            filter = argument;
        }
    }
    // Whoever starts a pool of threads reads this. Set here it would come too late for some, and be unsound.
    if std::env::var("RAYON_NUM_THREADS").as_deref() != Ok("1") {
        eprintln!("set RAYON_NUM_THREADS=1: one thread each is what is compared");
        return ExitCode::from(2);
    }
    let python = Python::start();
    let peers = ["dfdx", "burn", "candle-core", "nalgebra", "matrixmultiply"].map(|name| (name, locked_version(name)));
    println!(
        "{}.\nBeside {}, {}.\n",
        benches::processor(),
        peers.map(|(name, version)| format!("{name} {version}")).join(", "),
        python.versions()
    );

    println!("Microseconds for each step, prediction or epoch, and in brackets our time as a fraction of theirs.\n");
    println!("| work | baregrad | {} | limit | |", PEERS.join(" | "));
    println!("| --- | --- |{} --- | --- |", " --- |".repeat(PEERS.len()));
    let mut same = true;
    let chosen = |name: &str| name.contains(&filter);
    for work in work::ALL.iter().filter(|work| chosen(work.name)) {
        same &= row(work, &python, Duration::from_secs_f64(seconds));
    }
    if chosen("products") {
        products::table(Duration::from_secs_f64(seconds));
    }
    if same { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Measures and prints one row; whether all did the same work.
fn row(work: &'static Work, python: &Python, budget: Duration) -> bool {
    let mut contenders = vec![("baregrad", ours::contender(work))];
    contenders.extend(dfdx::contender(work).map(|dfdx| ("dfdx", dfdx)));
    contenders.push(("burn", burn::contender(work)));
    contenders.push(("candle", candle::contender(work)));
    for library in python.libraries().filter(|library| can(library, work)) {
        contenders.push((library, python.contender(library, work)));
    }
    let mut best = vec![f64::INFINITY; contenders.len()];
    let mut values = vec![f32::NAN; contenders.len()];
    let start = Instant::now();
    let mut rounds = 0;
    while rounds < 3 || start.elapsed() < budget {
        for (index, (_, contender)) in contenders.iter_mut().enumerate() {
            let outcome = contender.run();
            best[index] = best[index].min(outcome.time.as_secs_f64() / work.count() as f64);
            values[index] = outcome.value;
        }
        rounds += 1;
    }

    let ours = best[0];
    let theirs = |name: &str| contenders.iter().position(|(other, _)| *other == name).map(|index| best[index]);
    let mut line = format!("| {} | **{}** |", work.name, microseconds(ours));
    for name in PEERS {
        line += &theirs(name).map_or_else(
            || if can(name, work) { " not measured |" } else { " – |" }.to_owned(),
            |theirs| format!(" {} ({}) |", microseconds(theirs), fraction(ours / theirs)),
        );
    }
    let limit = LIMITS.iter().find(|limit| limit.work == work.name);
    line += &limit.map_or_else(
        || " | |".to_owned(),
        |Limit { fraction, peer, .. }| {
            let verdict = theirs(peer).map(|theirs| if ours <= fraction * theirs { "ok" } else { "over" });
            format!(" ≤ {fraction} × {peer} | {} |", verdict.unwrap_or("not measured"))
        },
    );
    println!("{line}");
    if let Plan::Drawn(_) = work.plan {
        let total =
            |time: Option<f64>| time.map_or("not measured".to_owned(), |time| format!("{:.1} s", time * MNIST_STEPS));
        let peers = PEERS.map(|name| total(theirs(name))).join(" | ");
        println!("| the same, for 40,000 | **{}** | {peers} | | |", total(Some(ours)));
    }

    let mut same = true;
    for ((name, _), &value) in contenders.iter().zip(&values).skip(1) {
        // Python draws its own random numbers, and looks for itself whether the loss has fallen.
        let its_own_order =
            matches!(work.plan, Plan::Epochs(_) | Plan::Drawn(_)) && ["NumPy", "PyTorch"].contains(name);
        // Everybody rounds differently, and hundreds of steps make more of it.
        let near = (value - values[0]).abs() <= 0.02 * values[0].abs() + 1e-4;
        if !its_own_order && !near {
            eprintln!("{}: {name} ends with {value}, baregrad with {}: not the same work", work.name, values[0]);
            same = false;
        }
    }
    same
}

/// Whether a library has what the network is made of, on stable Rust.
fn can(library: &str, work: &Work) -> bool {
    !work.is_convolutional() || !["dfdx", "NumPy"].contains(&library)
}

fn microseconds(seconds: f64) -> String {
    let value = seconds * 1e6;
    if value < 1.0 {
        format!("{value:.3}")
    } else if value < 100.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.0}")
    }
}

fn fraction(value: f64) -> String {
    if value < 0.1 { format!("{value:.4}") } else { format!("{value:.2}") }
}

/// The version of a package in the lock file that this program was built with.
fn locked_version(name: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let entry = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).map_or("?", |(_, rest)| rest);
    entry.split('"').next().unwrap_or("?")
}

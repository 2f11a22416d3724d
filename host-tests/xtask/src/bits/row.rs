//! A row: a processor and a build.

use anyhow::{Result, ensure};

use crate::table;

/// A line of tables/bits.table, which explains the columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) target: &'static str,
    pub(crate) machine: &'static str,
    pub(crate) core: &'static str,
    pub(crate) flags: &'static str,
    pub(crate) profile: &'static str,
}

impl Row {
    pub(crate) fn all() -> Vec<Self> {
        table::rows(include_str!("../../tables/bits.table"))
            .into_iter()
            .map(|[name, target, machine, core, flags, profile]| Self { name, target, machine, core, flags, profile })
            .collect()
    }

    /// Those of these names, in the table's order.
    pub(crate) fn named(all: Vec<Self>, names: &[&str]) -> Result<Vec<Self>> {
        for name in names {
            ensure!(all.iter().any(|row| row.name == *name), "no row {name}; `cargo xtask bits list` names them");
        }
        Ok(all.into_iter().filter(|row| names.contains(&row.name)).collect())
    }

    /// The library's feature that the row has.
    pub(crate) fn feature(&self) -> Option<&'static str> {
        self.name.ends_with("-dispatch").then_some("dispatch")
    }

    /// Built with Helium floats, so that the self-test stops it.
    pub(crate) fn flushes_subnormals(&self) -> bool {
        self.name.starts_with("cortex-m55-mve")
    }

    /// The program that is the machine, where that is one of QEMU's.
    pub(crate) fn qemu(&self) -> Option<&'static str> {
        match self.machine {
            "native" | "node" | "miri" => None,
            "aarch64-virt" => Some("qemu-system-aarch64"),
            "riscv32-virt" => Some("qemu-system-riscv32"),
            _ => Some("qemu-system-arm"),
        }
    }

    /// The machine's name in QEMU.
    pub(crate) fn qemu_machine(&self) -> &'static str {
        if self.machine.ends_with("-virt") { "virt" } else { self.machine }
    }

    /// How it is run, in the table's words.
    pub(crate) fn how(&self) -> String {
        match (self.machine, self.qemu()) {
            (_, Some(qemu)) => format!("{qemu} -M {}", self.qemu_machine()),
            ("node", _) => "Node.js".to_owned(),
            ("miri", _) => "Miri".to_owned(),
            _ => "this computer".to_owned(),
        }
    }

    /// The parts of the program that are built and run one after another; "" is all of it.
    pub(crate) fn parts(&self, miri_full: bool) -> &'static [&'static str] {
        match self.machine {
            // The self-test runs none of them.
            _ if self.flushes_subnormals() => &["0..1"],
            // The first has 256 KB of flash; the second has 4 MB, of which a debug build would need 7.
            "microbit" | "mps2-an386" => &["0..4", "4..8", "8..10", "10..12", "12..13", "13..14"],
            // 1 MB of flash.
            "netduinoplus2" => &["0..12", "12..14"],
            // It starts in a RAM of 512 KB.
            "mps3-an547" => &["0..5", "5..10", "10..12", "12..13", "13..14"],
            "miri" if miri_full => &["0..14"],
            // Slow: one loss on values, one on labels, and the functions.
            "miri" => &["0..1", "6..7", "10..11"],
            _ => &[""],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn each_row_is_there_once_and_its_machine_has_a_memory_layout() {
        let rows = Row::all();
        assert!(rows.len() >= 29);
        for row in &rows {
            assert_eq!(rows.iter().filter(|other| other.name == row.name).count(), 1, "{}", row.name);
            assert!(!row.target.is_empty() && !row.core.is_empty(), "{}", row.name);
            let layout = format!("{}/firmware-example/same-bits/memory/{}.x", crate::tools::ROOT, row.machine);
            assert!(row.qemu().is_none() || Path::new(&layout).is_file(), "{layout}");
        }
        assert!(Row::named(rows.clone(), &["nothing"]).is_err());
        assert_eq!(Row::named(rows, &["big-endian", "native"]).unwrap()[0].name, "native");
    }

    #[test]
    fn parts_leave_nothing_out() {
        for row in Row::all().iter().filter(|row| !row.flushes_subnormals()) {
            let borders: Vec<&str> = row.parts(true).iter().flat_map(|part| part.split("..")).collect();
            if borders != [""] {
                assert_eq!((borders[0], borders[borders.len() - 1]), ("0", "14"), "{}", row.name);
                assert!(borders[1..borders.len() - 1].chunks(2).all(|pair| pair[0] == pair[1]), "{}", row.name);
            }
        }
    }
}

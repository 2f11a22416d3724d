//! Tables in text files: a row a line, cells between `|`, comments behind `#`.

/// The rows of a table, each with `N` cells; cells that a row leaves out at its end are empty.
///
/// # Panics
/// If a row has more cells: these files are part of this program.
pub(crate) fn rows<const N: usize>(text: &str) -> Vec<[&str; N]> {
    text.lines()
        .map(|line| line.split('#').next().unwrap_or("").trim())
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut cells = [""; N];
            let mut columns = cells.iter_mut();
            for cell in line.split('|') {
                *columns.next().unwrap_or_else(|| panic!("more than {N} cells: {line}")) = cell.trim();
            }
            cells
        })
        .collect()
}

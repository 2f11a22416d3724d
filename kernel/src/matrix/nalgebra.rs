//! Matrices of `nalgebra` from ours and back (feature `nalgebra`).
//!
//! Ours are row-major, those of `nalgebra` column-major: an element keeps its row and column, and its bits, and moves in memory. So a batch
//! with a sample per row is an `SMatrix` with a sample per row. A vector of ours is a `RowSVector`.

use nalgebra::{ArrayStorage, SMatrix};

use super::Matrix;

/// Row `r`, column `c` of one is row `r`, column `c` of the other.
impl<const ROWS: usize, const COLS: usize> From<Matrix<ROWS, COLS>> for SMatrix<f32, ROWS, COLS> {
    fn from(matrix: Matrix<ROWS, COLS>) -> Self {
        let mut columns = [[0.0; ROWS]; COLS];
        transpose(&matrix.rows, &mut columns);
        Self::from_array_storage(ArrayStorage(columns))
    }
}

/// Row `r`, column `c` of one is row `r`, column `c` of the other.
impl<const ROWS: usize, const COLS: usize> From<SMatrix<f32, ROWS, COLS>> for Matrix<ROWS, COLS> {
    fn from(matrix: SMatrix<f32, ROWS, COLS>) -> Self {
        let mut rows = [[0.0; COLS]; ROWS];
        transpose(&matrix.data.0, &mut rows);
        Self::from_rows(rows)
    }
}

fn transpose<const ROWS: usize, const COLS: usize>(from: &[[f32; COLS]; ROWS], to: &mut [[f32; ROWS]; COLS]) {
    for (index, line) in (0..ROWS).zip(from) {
        for (across, value) in to.iter_mut().zip(line) {
            if let Some(place) = across.get_mut(index) {
                *place = *value;
            }
        }
    }
}

//! Matrices of `nalgebra` from ours and back: an element keeps row, column and bits.

use baregrad::{Dense, Matrix, Network, Vector};
use nalgebra::{RowSVector, SMatrix};

#[test]
fn elements_keep_their_row_column_and_bits_in_both_directions() {
    let values = [[0.0, -0.0, f32::from_bits(1)], [f32::INFINITY, f32::from_bits(0x7FC0_1234), -1.5]];
    let ours = Matrix::from_rows(values);
    let theirs = SMatrix::<f32, 2, 3>::from(ours);
    for (row, expected) in values.iter().enumerate() {
        for (column, expected) in expected.iter().enumerate() {
            assert_eq!(theirs[(row, column)].to_bits(), expected.to_bits());
        }
    }
    // Column-major there, row-major here.
    assert_eq!(theirs.as_slice()[1].to_bits(), values[1][0].to_bits());
    let back = Matrix::from(theirs);
    assert!(back.as_slice().iter().zip(ours.as_slice()).all(|(left, right)| left.to_bits() == right.to_bits()));
}

#[test]
fn a_layer_computed_by_nalgebra_is_the_layer() {
    let layer = Dense::<2, 3>::new(Matrix::from_rows([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), [10.0, 20.0, 30.0]);
    let weights: SMatrix<f32, 2, 3> = layer.weights.into();
    let output: RowSVector<f32, 3> = RowSVector::from([1.0, -2.0]) * weights + RowSVector::from(layer.bias);
    // Small whole numbers, so any order of the sums gives the same.
    assert_eq!(Vector::from(output), layer.predict(&[1.0, -2.0]));
}

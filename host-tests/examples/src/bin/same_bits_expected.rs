//! Prints `firmware-example/same_bits.expected`: a CRC-32 for every stage of every case, by the textbook's plain loops.

fn main() {
    print!("{}", host_tests::same_bits::expected(false));
}

//! Prints `firmware-example/same_bits.expected`: a CRC-32 for every stage of every case, by the textbook's plain loops. With the argument
//! `more` it prints `same_bits_more.expected`: the cases of all that came later.

use host_tests::same_bits::{expected, expected_of_further_rows};

fn main() {
    let more = std::env::args().any(|argument| argument == "more");
    print!("{}", if more { expected_of_further_rows() } else { expected(false) });
}

//! Prints what the library's self-test says of this build, on the computer that it is built for.

fn main() {
    match baregrad::float_environment() {
        Ok(()) => println!("Ok"),
        Err(error) => println!("{error:?}"),
    }
}

//! Calls every public function of the library once, on this computer: `cargo xtask miri` has Miri watch it.

fn main() {
    whole_image::everything();
    whole_image::edges();
    whole_image::texts();
    println!("every function was called");
}

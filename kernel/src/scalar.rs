//! stub
pub use crate::arch::sqrt;
/// stub
pub fn exp(x: f32) -> f32 {
    libm::expf(x)
}
/// stub
pub fn tanh(x: f32) -> f32 {
    libm::tanhf(x)
}
/// stub
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-x))
}
/// stub
pub fn ln(x: f32) -> f32 {
    libm::logf(x)
}
/// stub
pub fn ln_1p(e: f32) -> f32 {
    let u = 1.0 + e;
    let accurate = ln(u) * (e / (u - 1.0));
    if u == 1.0 { e } else { accurate }
}

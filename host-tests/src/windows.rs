//! Windows and pools in the plainest loops: what the library's layers must equal, bit for bit.
//!
//! Nothing here is of the library. A window is the list of the positions inside, written out.

#![allow(clippy::needless_range_loop)] // indices as the formulas write them

pub use catalogue::networks::Window;

/// The positions under the taps of the kernel along one axis, place by place, those outside left out.
pub fn axis(window: Window, size: usize, kernel: usize, stride: usize) -> Vec<Vec<usize>> {
    let places = taps(window, size, kernel, stride).into_iter();
    places.map(|taps| taps.into_iter().map(|(_, position)| position).collect()).collect()
}

/// The taps of the kernel along one axis, each with the position under it, place by place, those outside left out.
pub fn taps(window: Window, size: usize, kernel: usize, stride: usize) -> Vec<Vec<(usize, usize)>> {
    let (size, kernel, stride) = (size as isize, kernel as isize, stride as isize);
    let (places, before) = match window {
        Window::Same => (size, (kernel - 1) / 2),
        Window::Strided => {
            let places = (size + stride - 1) / stride;
            (places, ((places - 1) * stride + kernel - size).max(0) / 2)
        }
        Window::Centered => ((size + 2 * (kernel / 2) - kernel) / stride + 1, kernel / 2),
        Window::Valid => ((size - kernel) / stride + 1, 0),
    };
    (0..places)
        .map(|place| {
            let taps = (0..kernel).map(|tap| (tap as usize, place * stride + tap - before));
            taps.filter(|(_, position)| (0..size).contains(position))
                .map(|(tap, position)| (tap, position as usize))
                .collect()
        })
        .collect()
}

/// The positions of each window of an image, row by row: places down `rows` and across `columns`, of an image of `width` columns.
pub fn windows(rows: &[Vec<usize>], columns: &[Vec<usize>], width: usize) -> Vec<Vec<usize>> {
    let mut windows = Vec::new();
    for rows in rows {
        for columns in columns {
            let mut window = Vec::new();
            for row in rows {
                for column in columns {
                    window.push(row * width + column);
                }
            }
            windows.push(window);
        }
    }
    windows
}

/// What a pool makes of its windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// The first greatest.
    Maximum,
    /// The mean of the positions inside.
    Average,
}

/// The first greatest position of a window.
pub(crate) fn first_greatest(window: &[usize], channels: usize, channel: usize, x: &[f32]) -> usize {
    let mut greatest = window[0];
    for position in window {
        if x[position * channels + channel] > x[greatest * channels + channel] {
            greatest = *position;
        }
    }
    greatest
}

/// A pool over one sample.
pub fn pool(kind: Pool, windows: &[Vec<usize>], channels: usize, x: &[f32]) -> Vec<f32> {
    let mut y = Vec::new();
    for window in windows {
        for channel in 0..channels {
            y.push(match kind {
                Pool::Maximum => x[first_greatest(window, channels, channel, x) * channels + channel],
                Pool::Average => {
                    let mut sum = x[window[0] * channels + channel];
                    for position in &window[1..] {
                        sum += x[position * channels + channel];
                    }
                    sum / window.len() as f32
                }
            });
        }
    }
    y
}

/// The gradient of the input of a pool over one sample, from the gradient `delta` of its output.
pub fn pool_gradient(kind: Pool, windows: &[Vec<usize>], channels: usize, x: &[f32], delta: &[f32]) -> Vec<f32> {
    let mut gradient = Vec::new();
    for position in 0..x.len() / channels {
        for channel in 0..channels {
            let mut terms = Vec::new();
            for w in 0..windows.len() {
                if windows[w].contains(&position) {
                    let delta = delta[w * channels + channel];
                    terms.push(match kind {
                        Pool::Maximum if first_greatest(&windows[w], channels, channel, x) == position => delta,
                        Pool::Maximum => 0.0,
                        Pool::Average => delta / windows[w].len() as f32,
                    });
                }
            }
            gradient.push(terms.into_iter().reduce(|sum, term| sum + term).unwrap_or(0.0));
        }
    }
    gradient
}

/// A pool over one sample in `f64`, straight from the definition: what central differences are taken of.
pub fn precise_pool(kind: Pool, windows: &[Vec<usize>], channels: usize, x: &[f64]) -> Vec<f64> {
    let values = |window: &[usize], channel| -> Vec<f64> {
        window.iter().map(|position| x[position * channels + channel]).collect()
    };
    let of = |values: Vec<f64>| match kind {
        Pool::Maximum => values.into_iter().fold(f64::NEG_INFINITY, f64::max),
        Pool::Average => values.iter().sum::<f64>() / values.len() as f64,
    };
    windows.iter().flat_map(|window| (0..channels).map(move |channel| of(values(window, channel)))).collect()
}

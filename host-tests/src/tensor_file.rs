//! `.safetensors` files put together by hand, from the description of the format.

/// A file of a header and data.
pub fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

/// A tensor of `F32` as a header has it.
pub fn entry(name: &str, shape: &[usize], begin: usize, end: usize) -> String {
    format!(r#""{name}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{begin},{end}]}}"#)
}

/// A header of these entries.
pub fn header(entries: &[String]) -> String {
    format!("{{{}}}", entries.join(","))
}

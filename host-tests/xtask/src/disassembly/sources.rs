//! The text of Rust files: what the library has, and what an image names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Where rows name what the image takes from there.
pub(crate) const TABLE: &str = "host-tests/catalogue/src";

/// The text of a folder's Rust files and of those in its folders, but for folders of the name `except`.
pub(crate) fn text_of_folder(folder: &Path, except: Option<&str>) -> Result<String> {
    let mut text = String::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{} can't be read", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            if except.is_none_or(|name| !path.ends_with(name)) {
                text += &text_of_folder(&path, except)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(&path)?;
        }
    }
    Ok(text)
}

/// The name of a public function, where one begins on this line.
pub(crate) fn public_function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ")?;
    function(line.strip_prefix("const ").unwrap_or(line))
}

/// The name of a function, where one begins on this line.
pub(crate) fn function(line: &str) -> Option<&str> {
    line.strip_prefix("fn ")?.split(|letter| !is_of_word(letter)).next()
}

/// The type for which this line begins an `impl` of one of these traits.
pub(crate) fn implementor<'a>(line: &'a str, traits: &[&str]) -> Option<&'a str> {
    let (head, tail) = line.strip_prefix("impl")?.split_once(" for ")?;
    // Behind the type parameters of the `impl`.
    let its_trait = head.rsplit_once("> ").map_or(head, |(_, name)| name).trim_start();
    let its_trait = its_trait.split('<').next()?;
    let name = tail.split(|letter| !is_of_word(letter)).next()?;
    // One letter is a type parameter.
    (traits.contains(&its_trait) && name.len() > 1).then_some(name)
}

/// Each of these names is a word of the image's text.
pub(crate) fn ensure_all_named<'a>(names: impl Iterator<Item = &'a str>, text: &str, image: &str) -> Result<()> {
    let words: BTreeSet<&str> = text.split(|letter| !is_of_word(letter)).collect();
    let names: BTreeSet<&str> = names.collect();
    ensure!(!names.is_empty(), "the library's source has none of the functions looked for");
    let missing: Vec<&str> = names.difference(&words).copied().collect();
    ensure!(missing.is_empty(), "{image} doesn't use: {}", missing.join(" "));
    Ok(())
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_folders_are_read_but_the_excepted_one() {
        let kernel = Path::new(crate::tools::ROOT).join("kernel/src");
        let (all, without) =
            (text_of_folder(&kernel, None).unwrap(), text_of_folder(&kernel, Some("optimizer")).unwrap());
        assert!(all.contains("Optimizer for Adam") && all.contains("for Huber"));
        assert!(!without.contains("Optimizer for Adam") && without.contains("for Huber"));
    }

    #[test]
    fn functions_and_types_are_found() {
        assert_eq!(public_function("pub const fn check<N: Network>() {}"), Some("check"));
        assert_eq!(public_function("pub fn exp(x: f32) -> f32 {"), Some("exp"));
        assert_eq!(public_function("fn private() {"), None);
        assert_eq!(public_function("pub(crate) fn internal() {"), None);
        let implementor = |line| implementor(line, &["Activation", "Loss"]);
        assert_eq!(implementor("impl Activation for Relu {"), Some("Relu"));
        assert_eq!(implementor("impl<const N: usize> Loss<[f32; N]> for Huber<N> {"), Some("Huber"));
        assert_eq!(implementor("impl<A: Pointwise> Activation for A {"), None);
        assert_eq!(implementor("impl Layer for Dense {"), None);
    }

    #[test]
    fn what_an_image_lacks_is_named() {
        let check = |text| ensure_all_named(["exp", "ln"].into_iter(), text, "the image");
        assert!(check("exp(1.0) + scalar::ln(2.0)").is_ok());
        assert_eq!(check("exp(1.0) + ln_1p(2.0)").unwrap_err().to_string(), "the image doesn't use: ln");
    }
}

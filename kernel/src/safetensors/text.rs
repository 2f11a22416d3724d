//! Strings of JSON: their escapes, and the bytes that they stand for.

/// A character that is written as an escape, and what follows it.
pub(super) struct Escape<'a> {
    character: char,
    pub(super) rest: &'a [u8],
}

impl<'a> Escape<'a> {
    /// Reads an escape of JSON at the start of some bytes; `None` where there is none, or half of a surrogate pair.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let [b'\\', kind, rest @ ..] = bytes else { return None };
        let character = match kind {
            b'"' | b'\\' | b'/' => char::from(*kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return Self::of_unit(rest),
            _ => return None,
        };
        Some(Self { character, rest })
    }

    /// Reads the four digits behind `\u`, and where they are the first half of a pair, the second half.
    fn of_unit(digits: &'a [u8]) -> Option<Self> {
        let (first, rest) = unit(digits)?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first).map(|character| Self { character, rest });
        }
        let [b'\\', b'u', second @ ..] = rest else { return None };
        let (second, rest) = unit(second)?;
        if !(0xDC00..0xE000).contains(&second) {
            return None;
        }
        let character = char::from_u32(0x1_0000 + ((first & 0x3FF) << 10) + (second & 0x3FF))?;
        Some(Self { character, rest })
    }
}

/// Four hexadecimal digits, and what follows them.
fn unit(digits: &[u8]) -> Option<(u32, &[u8])> {
    let (four, rest) = digits.split_first_chunk::<4>()?;
    let mut unit = 0;
    for digit in four {
        unit = unit << 4 | char::from(*digit).to_digit(16)?;
    }
    Some((unit, rest))
}

/// The bytes that a JSON string stands for, in UTF-8; it has been found to be sound.
pub(super) fn unescaped(json: &[u8]) -> impl Iterator<Item = u8> + Clone {
    let (mut rest, mut character, mut left) = (json, [0; 4], 0u8);
    core::iter::from_fn(move || {
        if left == 0 {
            match rest {
                [b'\\', ..] => {
                    let escape = Escape::of(rest)?;
                    rest = escape.rest;
                    character = [0; 4];
                    left = escape.character.encode_utf8(&mut character).len() as u8;
                }
                [first, after @ ..] => {
                    rest = after;
                    return Some(*first);
                }
                [] => return None,
            }
        }
        let [first, second, third, fourth] = character;
        character = [second, third, fourth, 0];
        left = left.saturating_sub(1);
        Some(first)
    })
}

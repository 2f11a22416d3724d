//! The header of a `.safetensors` file: as much of JSON as it may hold.

use super::dimensions::Dimensions;
use super::error::ImportError;
use super::names::Name;
use super::number::Kind;
use super::text::{Escape, unescaped};

/// Bytes before the header.
pub(super) const LENGTH_BYTES: usize = 8;
/// The longest header that the format allows.
const MOST: u64 = 100_000_000;
pub(super) const METADATA: &str = "__metadata__";

/// Header and data of a file. The header is sound JSON of the right form.
pub(super) struct Header<'a> {
    text: &'a [u8],
    data: &'a [u8],
}

/// What the header says of a tensor.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    /// As it stands between the quotation marks.
    pub(super) name: &'a [u8],
    /// Where its name begins in the file.
    pub(super) at: usize,
    /// `None`: a type that can't be read.
    pub(super) kind: Option<Kind>,
    /// A single `I64`, as PyTorch's `num_batches_tracked` is.
    pub(super) is_count: bool,
    pub(super) shape: Dimensions,
    begin: u64,
    end: u64,
}

impl<'a> Header<'a> {
    /// Splits a file, and goes through the header once.
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, ImportError> {
        let Some((length, rest)) = bytes.split_first_chunk::<LENGTH_BYTES>() else { return Err(ImportError::NoHeader) };
        let length = u64::from_le_bytes(*length);
        let split = usize::try_from(length).ok().filter(|_| length <= MOST).and_then(|at| rest.split_at_checked(at));
        let Some((text, data)) = split else { return Err(ImportError::HeaderTooLong { length }) };
        if core::str::from_utf8(text).is_err() {
            return Err(ImportError::HeaderNotUtf8);
        }
        let header = Self { text, data };
        // The keys of the metadata need to be compared only once.
        for entry in (Entries { compare_keys: true, ..header.entries() }) {
            entry?;
        }
        Ok(header)
    }

    /// The tensors in the order of the header.
    pub(super) fn entries(&self) -> Entries<'a> {
        let scanner = Scanner { rest: self.text, length: self.text.len() };
        Entries { scanner, next: Next::First, has_metadata: false, compare_keys: false }
    }

    /// The tensor of a name.
    pub(super) fn find(&self, name: &Name<'_>) -> Result<Option<Entry<'a>>, ImportError> {
        for entry in self.entries() {
            let entry = entry?;
            if name.is(entry.name) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The bytes of a tensor, or `None` where its offsets are not inside the file.
    pub(super) fn bytes(&self, entry: &Entry<'_>) -> Option<&'a [u8]> {
        self.data.get(usize::try_from(entry.begin).ok()?..usize::try_from(entry.end).ok()?)
    }

    /// Shows the numbers of a tensor.
    pub(super) fn for_each_number(&self, entry: &Entry<'_>, visit: &mut impl FnMut(f32)) {
        if let (Some(bytes), Some(kind)) = (self.bytes(entry), entry.kind) {
            kind.for_each(bytes, visit);
        }
    }

    /// Whether each byte of the data belongs to one tensor. Their offsets have been found to be inside the file.
    pub(super) fn check_coverage(&self) -> Result<(), ImportError> {
        let (mut covered, mut before) = (0u64, 0usize); // not by `enumerate`, which counts with a check where overflow is checked
        for entry in self.entries() {
            let entry = entry?;
            covered = covered.saturating_add(entry.end.saturating_sub(entry.begin));
            for earlier in self.entries().take(before) {
                let earlier = earlier?;
                if earlier.begin < entry.end && entry.begin < earlier.end {
                    return Err(ImportError::OverlappingTensor { at: entry.at });
                }
            }
            before = before.saturating_add(1);
        }
        match (self.data.len() as u64).saturating_sub(covered) {
            0 => Ok(()),
            bytes => Err(ImportError::UnusedBytes { bytes }),
        }
    }
}

/// Iterates over the tensors of a header; ends after an error.
pub(super) struct Entries<'a> {
    scanner: Scanner<'a>,
    next: Next,
    has_metadata: bool,
    /// Whether keys of the metadata that come twice are looked for.
    compare_keys: bool,
}

/// What has to come next.
#[derive(Clone, Copy)]
enum Next {
    /// The opening brace.
    First,
    /// A comma, or the closing brace.
    More,
    Nothing,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let result = self.step();
        if !matches!(result, Ok(Some(_))) {
            self.next = Next::Nothing;
        }
        result.transpose()
    }
}

impl<'a> Entries<'a> {
    fn step(&mut self) -> Result<Option<Entry<'a>>, ImportError> {
        let Self { scanner, next, has_metadata, compare_keys } = self;
        loop {
            let is_over = match next {
                Next::First => {
                    // Nothing may stand before it, not even a space.
                    scanner.take(b'{')?;
                    scanner.take_if(b'}')
                }
                Next::More => !scanner.comma_or(b'}')?,
                Next::Nothing => return Ok(None),
            };
            if is_over {
                return scanner.finish().map(|()| None);
            }
            *next = Next::More;
            scanner.space();
            let at = scanner.position();
            let name = scanner.string()?;
            scanner.take_after_space(b':')?;
            if !unescaped(name).eq(METADATA.bytes()) {
                return scanner.entry(name, at).map(Some);
            }
            if core::mem::replace(has_metadata, true) {
                return Err(ImportError::RepeatedKey { at });
            }
            scanner.metadata(*compare_keys)?;
        }
    }
}

/// Takes a header apart from its start on.
#[derive(Clone, Copy)]
struct Scanner<'a> {
    rest: &'a [u8],
    /// Bytes of the whole header.
    length: usize,
}

impl<'a> Scanner<'a> {
    /// Where in the file it stands.
    fn position(&self) -> usize {
        self.length.wrapping_sub(self.rest.len()).wrapping_add(LENGTH_BYTES)
    }

    fn malformed(&self) -> ImportError {
        ImportError::MalformedHeader { at: self.position() }
    }

    fn space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), ImportError> {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(self.malformed()),
        }
    }

    fn take_after_space(&mut self, byte: u8) -> Result<(), ImportError> {
        self.space();
        self.take(byte)
    }

    fn take_if(&mut self, byte: u8) -> bool {
        self.take_after_space(byte).is_ok()
    }

    /// Takes a comma, or the end of a list: whether it was the comma.
    fn comma_or(&mut self, end: u8) -> Result<bool, ImportError> {
        if self.take_if(end) {
            return Ok(false);
        }
        self.take(b',').map(|()| true)
    }

    /// Nothing but spaces may be left.
    fn finish(&mut self) -> Result<(), ImportError> {
        self.space();
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed()) }
    }

    /// Takes a string; gives what stands between the quotation marks, which [`unescaped`] can read.
    #[inline(never)]
    fn string(&mut self) -> Result<&'a [u8], ImportError> {
        self.take_after_space(b'"')?;
        let start = self.rest;
        loop {
            match self.rest {
                [b'"', rest @ ..] => {
                    let (string, _) =
                        start.split_at_checked(start.len().wrapping_sub(self.rest.len())).unwrap_or((&[], &[]));
                    self.rest = rest;
                    return Ok(string);
                }
                [b'\\', ..] => match Escape::of(self.rest) {
                    Some(Escape { rest, .. }) => self.rest = rest,
                    None => return Err(self.malformed()),
                },
                [0x20..=0xFF, rest @ ..] => self.rest = rest,
                _ => return Err(self.malformed()),
            }
        }
    }

    /// Takes a whole number; `u64::MAX` stands for all above it, which no file has.
    #[inline(never)]
    fn number(&mut self) -> Result<u64, ImportError> {
        self.space();
        let mut number = 0u64;
        match self.rest {
            [b'0', b'0'..=b'9', ..] => return Err(self.malformed()),
            [b'0'..=b'9', ..] => {}
            _ => return Err(self.malformed()),
        }
        while let [digit @ b'0'..=b'9', rest @ ..] = self.rest {
            number = number.saturating_mul(10).saturating_add(u64::from(digit & 0x0F));
            self.rest = rest;
        }
        Ok(number)
    }

    /// Takes what stands behind the name of a tensor.
    #[inline(never)]
    fn entry(&mut self, name: &'a [u8], at: usize) -> Result<Entry<'a>, ImportError> {
        let (mut kind, mut shape, mut offsets, mut is_i64) = (None, None, None, false);
        self.take_after_space(b'{')?;
        loop {
            let before = self.malformed();
            self.space();
            let at = self.position();
            let key = unescaped(self.string()?);
            self.take_after_space(b':')?;
            let once = |is_there| if is_there { Err(ImportError::RepeatedKey { at }) } else { Ok(()) };
            if key.clone().eq("dtype".bytes()) {
                once(kind.is_some())?;
                let name = unescaped(self.string()?);
                is_i64 = name.clone().eq("I64".bytes());
                kind = Some(Kind::of(name));
            } else if key.clone().eq("shape".bytes()) {
                once(shape.is_some())?;
                shape = Some(self.shape()?);
            } else if key.eq("data_offsets".bytes()) {
                once(offsets.is_some())?;
                self.take_after_space(b'[')?;
                let begin = self.number()?;
                self.take_after_space(b',')?;
                offsets = Some((begin, self.number()?));
                self.take_after_space(b']')?;
            } else {
                return Err(before);
            }
            if !self.comma_or(b'}')? {
                break;
            }
        }
        match (kind, shape, offsets) {
            (Some(kind), Some(shape), Some((begin, end))) => {
                let is_count = is_i64 && shape == Dimensions::NONE && end.wrapping_sub(begin) == 8;
                Ok(Entry { name, at, kind, is_count, shape, begin, end })
            }
            _ => Err(self.malformed()),
        }
    }

    fn shape(&mut self) -> Result<Dimensions, ImportError> {
        let mut shape = Dimensions::NONE;
        self.take_after_space(b'[')?;
        if self.take_if(b']') {
            return Ok(shape);
        }
        loop {
            shape.push(self.number()?);
            if !self.comma_or(b']')? {
                return Ok(shape);
            }
        }
    }

    /// Takes strings with names, of which nothing is kept.
    fn metadata(&mut self, compare_keys: bool) -> Result<(), ImportError> {
        self.take_after_space(b'{')?;
        if self.take_if(b'}') {
            return Ok(());
        }
        let first = *self;
        loop {
            self.space();
            let at = self.position();
            let key = self.string()?;
            if compare_keys && first.has_key_before(at, key)? {
                return Err(ImportError::RepeatedKey { at });
            }
            self.take_after_space(b':')?;
            self.string()?;
            if !self.comma_or(b'}')? {
                return Ok(());
            }
        }
    }

    /// Whether one of the keys from here on, before the place `end`, is this one, however it is written.
    fn has_key_before(mut self, end: usize, key: &[u8]) -> Result<bool, ImportError> {
        loop {
            self.space();
            if self.position() >= end {
                return Ok(false);
            }
            if unescaped(self.string()?).eq(unescaped(key)) {
                return Ok(true);
            }
            self.take_after_space(b':')?;
            self.string()?;
            self.take_after_space(b',')?;
        }
    }
}

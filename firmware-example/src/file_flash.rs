//! A stand-in for flash, because the emulator's can't be written: a file of the computer, through semihosting.
//!
//! It has the pages and words of the STM32F405's upper half (128 KB, 4 bytes) and the rules of NOR flash: a page is erased to ones, a word is
//! written once between erases. On a board the driver of the microcontroller's own flash takes its place.

use core::ffi::CStr;

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use semihosting::fs::File;
use semihosting::io::{Read, Seek, SeekFrom, Write};

/// Bytes of a page.
const PAGE: usize = 128 * 1024;
/// Bytes that are read and written at once when a page is erased or looked at.
const PIECE: usize = 1024;

/// Two pages of flash in a file.
#[derive(Debug)]
pub struct FileFlash(File);

/// Why the stand-in failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, defmt::Format)]
pub enum FileFlashError {
    /// The file can't be made, read or written.
    File,
    /// Offset and length break the rules of the trait.
    Arguments(#[defmt(Debug2Format)] NorFlashErrorKind),
    /// A word was written twice between erases.
    WrittenTwice,
}

impl NorFlashError for FileFlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Arguments(kind) => *kind,
            Self::File | Self::WrittenTwice => NorFlashErrorKind::Other,
        }
    }
}

impl FileFlash {
    /// Bytes of the whole.
    pub const BYTES: u32 = 2 * PAGE as u32;

    /// Opens the file; makes an erased one where there is none.
    ///
    /// # Errors
    /// [`FileFlashError::File`].
    pub fn open(path: &CStr) -> Result<Self, FileFlashError> {
        match File::options().read(true).write(true).open(path) {
            Ok(file) => Ok(Self(file)),
            Err(_) => {
                let create = File::options().read(true).write(true).create(true).truncate(true).open(path);
                let mut flash = Self(create.map_err(|_| FileFlashError::File)?);
                flash.fill_with_ones(0, Self::BYTES as usize)?;
                Ok(flash)
            }
        }
    }

    fn fill_with_ones(&mut self, from: u32, bytes: usize) -> Result<(), FileFlashError> {
        self.seek(from)?;
        for _ in 0..bytes / PIECE {
            self.0.write_all(&[0xFF; PIECE]).map_err(|_| FileFlashError::File)?;
        }
        Ok(())
    }

    fn seek(&mut self, offset: u32) -> Result<(), FileFlashError> {
        self.0.seek(SeekFrom::Start(offset.into())).map(|_| ()).map_err(|_| FileFlashError::File)
    }
}

impl ErrorType for FileFlash {
    type Error = FileFlashError;
}

impl ReadNorFlash for FileFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FileFlashError> {
        check_read(self, offset, bytes.len()).map_err(FileFlashError::Arguments)?;
        self.seek(offset)?;
        self.0.read_exact(bytes).map_err(|_| FileFlashError::File)
    }

    fn capacity(&self) -> usize {
        Self::BYTES as usize
    }
}

impl NorFlash for FileFlash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FileFlashError> {
        check_erase(self, from, to).map_err(FileFlashError::Arguments)?;
        self.fill_with_ones(from, (to - from) as usize)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FileFlashError> {
        check_write(self, offset, bytes.len()).map_err(FileFlashError::Arguments)?;
        let mut at = offset;
        for piece in bytes.chunks(PIECE) {
            let mut before = [0; PIECE];
            let before = &mut before[..piece.len()];
            self.read(at, before)?;
            if before.iter().any(|byte| *byte != 0xFF) {
                return Err(FileFlashError::WrittenTwice);
            }
            self.seek(at)?;
            self.0.write_all(piece).map_err(|_| FileFlashError::File)?;
            at += piece.len() as u32;
        }
        Ok(())
    }
}

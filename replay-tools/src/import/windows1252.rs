//! Decodes windows-1252, the encoding of most old European exports. Every byte is a character, so this
//! never fails; the five that the code page leaves open stay control characters, as browsers have it.

use std::io::{self, BufRead, Read};

pub(super) struct Windows1252<R> {
    bytes: R,
    text: Vec<u8>,
    used: usize,
    chunk_bytes: usize,
}

impl<R: BufRead> Windows1252<R> {
    pub(super) const fn new(bytes: R, chunk_bytes: usize) -> Self {
        Self { bytes, text: Vec::new(), used: 0, chunk_bytes }
    }
}

impl<R: BufRead> BufRead for Windows1252<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used == self.text.len() {
            self.text.clear();
            self.used = 0;
            let chunk = self.bytes.fill_buf()?;
            let chunk = &chunk[..chunk.len().min(self.chunk_bytes)];
            let mut utf8 = [0; 4];
            for byte in chunk {
                self.text.extend_from_slice(character(*byte).encode_utf8(&mut utf8).as_bytes());
            }
            let consumed = chunk.len();
            self.bytes.consume(consumed);
        }
        Ok(&self.text[self.used..])
    }

    fn consume(&mut self, amount: usize) {
        self.used = self.used.saturating_add(amount).min(self.text.len());
    }
}

impl<R: BufRead> Read for Windows1252<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let text = self.fill_buf()?;
        let n = text.len().min(out.len());
        out[..n].copy_from_slice(&text[..n]);
        self.consume(n);
        Ok(n)
    }
}

fn character(byte: u8) -> char {
    const FROM_80_TO_9F: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => FROM_80_TO_9F[usize::from(byte & 0x1f)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_a_character_and_chunks_do_not_matter() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut text = String::new();
        Windows1252::new(bytes.as_slice(), 7).read_to_string(&mut text).unwrap();
        assert_eq!(text.chars().count(), 256);
        assert!(text.contains("€\u{81}‚ƒ") && text.ends_with("üýþÿ"));
    }
}

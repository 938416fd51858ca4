//! From bytes to UTF-8 text. The encodings are those of the WHATWG, by their names. Where the mapping names
//! none, a byte order mark tells it, else valid UTF-8, else the letters themselves; a guess is noted.
//!
//! UTF-8 passes as it is, so that a damaged row can be named.

use std::io::{self, BufRead, Read};
use std::sync::{Arc, OnceLock};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::balance::{Note, Reason};

/// Bytes after the first letter beyond ASCII that decide which encoding it is.
const SAMPLE_BYTES: usize = 256 * 1024;
/// Bytes at the beginning that decide whether it is UTF-16 without a byte order mark.
const HEAD_BYTES: usize = 4 * 1024;
const CHUNK_BYTES: usize = 128 * 1024;

/// The encoding of a label of the WHATWG, such as `windows-1252`, `latin1` or `shift_jis`.
pub(super) fn of_label(label: &str) -> Option<&'static Encoding> {
    // What calls itself ASCII and is not is better told by its damaged rows than read as windows-1252.
    if matches!(label.trim().to_ascii_lowercase().as_str(), "ascii" | "us-ascii") {
        return Some(UTF_8);
    }
    Encoding::for_label_no_replacement(label.as_bytes())
}

/// Which encoding a text turned out to have; empty while it is all ASCII.
#[derive(Debug, Clone, Default)]
pub(super) struct Finding(Arc<OnceLock<(&'static Encoding, Option<Note>)>>);

impl Finding {
    pub(super) fn encoding(&self) -> Option<&'static Encoding> {
        self.0.get().map(|(encoding, _)| *encoding)
    }

    /// The note about the encoding, if it is worth one.
    pub(super) fn note(&self) -> Option<Note> {
        self.0.get().and_then(|(_, note)| note.clone())
    }

    fn set(&self, encoding: &'static Encoding, note: Option<String>) {
        // A text has one encoding: the first finding stands.
        self.0.get_or_init(|| (encoding, note.map(|text| Note::new(Reason::GuessedEncoding, text))));
    }
}

/// A text as UTF-8.
pub(super) struct Decoded {
    bytes: Peeked,
    state: State,
    named: Option<&'static Encoding>,
    finding: Finding,
    text: Vec<u8>,
    used: usize,
    /// Bytes ahead that are known to be ASCII.
    ascii: usize,
}

enum State {
    /// Nothing was read yet.
    Fresh,
    /// All was ASCII so far.
    Ascii,
    Utf8,
    Other(Box<Decoder>),
    Over,
}

impl Decoded {
    pub(super) fn new(bytes: Box<dyn Read + Send>, named: Option<&'static Encoding>) -> Self {
        Self {
            bytes: Peeked { bytes, room: Vec::new(), begin: 0, end: 0 },
            state: State::Fresh,
            named,
            finding: Finding::default(),
            text: Vec::new(),
            used: 0,
            ascii: 0,
        }
    }

    pub(super) fn finding(&self) -> Finding {
        self.finding.clone()
    }

    fn begin(&mut self) -> io::Result<()> {
        let head = self.bytes.peek(HEAD_BYTES)?;
        self.state = if let Some((marked, mark_bytes)) = Encoding::for_bom(head) {
            self.bytes.consume(mark_bytes);
            let note = self.named.filter(|named| *named != marked).map(|named| {
                format!(
                    "source.encoding says {}, the byte order mark of the file {}, which was taken",
                    named.name(),
                    marked.name()
                )
            });
            self.finding.set(marked, note);
            state_of(marked)
        } else if let Some(named) = self.named.or_else(|| declared(head)) {
            self.finding.set(named, None);
            state_of(named)
        } else if let Some(wide) = utf16_without_mark(head) {
            self.finding.set(wide, Some(guessed(wide)));
            state_of(wide)
        } else {
            State::Ascii
        };
        Ok(())
    }

    /// The first letter beyond ASCII is next.
    fn decide(&mut self) -> io::Result<()> {
        let sample = self.bytes.peek(SAMPLE_BYTES)?;
        let found = if is_mostly_utf8(sample) {
            UTF_8
        } else {
            let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
            detector.feed(sample, sample.len() < SAMPLE_BYTES);
            detector.guess(None, Utf8Detection::Deny)
        };
        self.finding.set(found, (found != UTF_8).then(|| guessed(found)));
        self.state = state_of(found);
        Ok(())
    }

    fn decode(&mut self) -> io::Result<()> {
        let State::Other(decoder) = &mut self.state else { return Ok(()) };
        self.text.resize(CHUNK_BYTES, 0);
        self.used = 0;
        loop {
            let bytes = self.bytes.peek(1)?;
            let last = bytes.is_empty();
            let (result, read, written, _) = decoder.decode_to_utf8(bytes, &mut self.text, last);
            self.bytes.consume(read);
            if last && result == CoderResult::InputEmpty {
                self.state = State::Over;
                self.text.truncate(written);
                return Ok(());
            }
            if written > 0 {
                self.text.truncate(written);
                return Ok(());
            }
        }
    }
}

fn state_of(encoding: &'static Encoding) -> State {
    if encoding == UTF_8 {
        State::Utf8
    } else {
        State::Other(Box::new(encoding.new_decoder_without_bom_handling()))
    }
}

fn guessed(encoding: &'static Encoding) -> String {
    let name = encoding.name();
    format!(
        "the mapping names no encoding; {name} was found out from the bytes. Check it, and set source.encoding"
    )
}

/// The encoding that an XML document declares.
fn declared(head: &[u8]) -> Option<&'static Encoding> {
    let declaration = head.strip_prefix(b"<?xml")?.split(|byte| *byte == b'>').next()?;
    let declaration = std::str::from_utf8(declaration).ok()?;
    let (_, value) = declaration.split_once("encoding")?;
    of_label(value.trim_start().strip_prefix('=')?.trim_start().split(['"', '\'']).nth(1)?)
}

/// Text in Latin letters has a zero in every second byte, and nowhere else.
fn utf16_without_mark(head: &[u8]) -> Option<&'static Encoding> {
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let many = head.len() / 4;
    match (even, odd) {
        (0, odd) if odd > many => Some(UTF_16LE),
        (even, 0) if even > many => Some(UTF_16BE),
        _ => None,
    }
}

/// Valid UTF-8, or so much of it that the rest is damage.
fn is_mostly_utf8(sample: &[u8]) -> bool {
    let (mut letters, mut damaged) = (0_usize, 0_usize);
    for chunk in sample.utf8_chunks() {
        letters = letters.saturating_add(chunk.valid().chars().filter(|c| !c.is_ascii()).count());
        damaged = damaged.saturating_add(usize::from(!chunk.invalid().is_empty()));
    }
    // The sample may end within a letter.
    letters > damaged || (letters == 0 && damaged == 1 && sample.len() == SAMPLE_BYTES && ends_within(sample))
}

fn ends_within(sample: &[u8]) -> bool {
    std::str::from_utf8(sample).is_err_and(|e| e.error_len().is_none())
}

impl BufRead for Decoded {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if matches!(self.state, State::Fresh) {
            self.begin()?;
        }
        if matches!(self.state, State::Ascii) {
            if self.ascii == 0 {
                self.ascii = Encoding::ascii_valid_up_to(self.bytes.peek(1)?);
            }
            if self.ascii > 0 {
                return Ok(&self.bytes.peek(1)?[..self.ascii]);
            }
            if self.bytes.peek(1)?.is_empty() {
                return Ok(&[]);
            }
            self.decide()?;
        }
        if matches!(self.state, State::Utf8) {
            return self.bytes.peek(1);
        }
        if self.used == self.text.len() {
            self.text.clear();
            self.used = 0;
            self.decode()?;
        }
        Ok(&self.text[self.used..])
    }

    fn consume(&mut self, amount: usize) {
        match self.state {
            State::Ascii => {
                self.ascii = self.ascii.saturating_sub(amount);
                self.bytes.consume(amount);
            }
            State::Utf8 => self.bytes.consume(amount),
            State::Other(_) | State::Over | State::Fresh => {
                self.used = self.used.saturating_add(amount).min(self.text.len());
            }
        }
    }
}

impl Read for Decoded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let text = self.fill_buf()?;
        let n = text.len().min(out.len());
        out[..n].copy_from_slice(&text[..n]);
        self.consume(n);
        Ok(n)
    }
}

/// Bytes that can be looked at before they are read.
struct Peeked {
    bytes: Box<dyn Read + Send>,
    room: Vec<u8>,
    begin: usize,
    end: usize,
}

impl Peeked {
    /// At least so many bytes, where the text has them.
    fn peek(&mut self, bytes: usize) -> io::Result<&[u8]> {
        while self.end.saturating_sub(self.begin) < bytes {
            if self.begin > 0 {
                self.room.copy_within(self.begin..self.end, 0);
                self.end = self.end.saturating_sub(self.begin);
                self.begin = 0;
            }
            let room = bytes.max(CHUNK_BYTES);
            if self.room.len() < room {
                self.room.resize(room, 0);
            }
            match self.bytes.read(&mut self.room[self.end..]) {
                Ok(0) => break,
                Ok(n) => self.end = self.end.saturating_add(n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(&self.room[self.begin..self.end])
    }

    fn consume(&mut self, amount: usize) {
        self.begin = self.begin.saturating_add(amount).min(self.end);
    }
}

/// The fault of a decoded text: letters that the encoding does not have, or UTF-8 read as something else.
pub(super) fn fault_of(text: &str, encoding: Option<&'static Encoding>) -> Option<&'static str> {
    if text.is_ascii() {
        return None;
    }
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Some("holds replacement characters, for bytes that the encoding does not have");
    }
    let encoding = encoding.filter(|e| *e != UTF_8 && e.is_single_byte())?;
    let runs = text.split(|c: char| c.is_ascii()).filter(|run| !run.is_empty());
    let doubly = |run: &str| {
        let (bytes, _, unmappable) = encoding.encode(run);
        !unmappable && std::str::from_utf8(&bytes).is_ok_and(|letters| letters.chars().all(is_western))
    };
    runs.into_iter().any(doubly).then_some("holds UTF-8 that was read in the encoding of the file")
}

/// True for the letters that a western text in UTF-8 has beyond ASCII; any other pair of bytes may be two letters.
const fn is_western(c: char) -> bool {
    matches!(c, '\u{a0}'..='\u{ff}' | '\u{152}'..='\u{153}' | '\u{2010}'..='\u{203a}' | '€')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Drops(io::Cursor<Vec<u8>>);

    impl Read for Drops {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let one = out.len().min(1);
            self.0.read(&mut out[..one])
        }
    }

    fn decoded(bytes: &[u8], named: Option<&str>) -> (String, Option<&'static str>, bool) {
        let named = named.map(|label| of_label(label).unwrap());
        let mut whole = Decoded::new(Box::new(io::Cursor::new(bytes.to_vec())), named);
        let mut dropped = Decoded::new(Box::new(Drops(io::Cursor::new(bytes.to_vec()))), named);
        let (mut text, mut again) = (String::new(), String::new());
        whole.read_to_string(&mut text).unwrap();
        dropped.read_to_string(&mut again).unwrap();
        assert_eq!(text, again);
        let finding = whole.finding();
        (text, finding.encoding().map(Encoding::name), finding.note().is_some())
    }

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    fn big(unit: u16) -> [u8; 2] {
        unit.to_be_bytes()
    }

    fn little(unit: u16) -> [u8; 2] {
        let [a, b] = unit.to_be_bytes();
        [b, a]
    }

    #[test]
    fn a_named_encoding_is_taken_and_every_label_of_the_whatwg_is_known() {
        assert_eq!(
            decoded(b"Bj\xf6rn \x80", Some("latin1")),
            ("Björn €".into(), Some("windows-1252"), false)
        );
        assert_eq!(decoded(b"\xcf\xf0\xe8\xe2\xe5\xf2", Some("cp1251")).0, "Привет");
        assert_eq!(decoded(b"\x83e\x83X\x83g", Some("shift_jis")).0, "テスト");
        assert_eq!(decoded(&utf16("Åsa", big), Some("utf-16be")).0, "Åsa");
        assert_eq!(of_label("us-ascii"), Some(UTF_8));
        assert!(of_label("klingon").is_none() && of_label("iso-2022-kr").is_none());
    }

    #[test]
    fn an_encoding_that_nobody_names_is_found_out_and_a_guess_is_said() {
        assert_eq!(decoded(b"plain", None), ("plain".into(), None, false));
        assert_eq!(decoded("id\n\u{e9}t\u{e9}".as_bytes(), None), ("id\nété".into(), Some("UTF-8"), false));
        assert_eq!(decoded("\u{feff}été".as_bytes(), None), ("été".into(), Some("UTF-8"), false));
        let french = "Le t\u{e9}l\u{e9}phone est cass\u{e9}, la fen\u{ea}tre aussi. D\u{e9}j\u{e0} vu \u{e0} l'h\u{f4}tel.";
        let bytes: Vec<u8> = french.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        assert_eq!(decoded(&bytes, None), (french.into(), Some("windows-1252"), true));
        for (unit, mark, name) in
            [(little as fn(u16) -> [u8; 2], [0xff, 0xfe], "UTF-16LE"), (big, [0xfe, 0xff], "UTF-16BE")]
        {
            let bytes = utf16("id,name\n1,Åsa\n", unit);
            assert_eq!(decoded(&bytes, None), ("id,name\n1,Åsa\n".into(), Some(name), true));
            let marked = [mark.as_slice(), &bytes].concat();
            assert_eq!(decoded(&marked, None), ("id,name\n1,Åsa\n".into(), Some(name), false));
            assert!(decoded(&marked, Some("latin1")).2, "a mark against the mapping is said");
        }
    }

    #[test]
    fn a_document_of_xml_declares_its_encoding() {
        let text = b"<?xml version=\"1.0\" encoding='ISO-8859-1' ?><a>\xe9</a>";
        let (text, found, said) = decoded(text, None);
        assert!(text.ends_with("<a>é</a>"));
        assert_eq!((found, said), (Some("windows-1252"), false));
    }

    #[test]
    fn an_encoding_shows_at_the_first_letter_however_late() {
        let bytes = [b"x".repeat(CHUNK_BYTES * 3).as_slice(), "é".as_bytes(), b"y"].concat();
        let (text, found, said) = decoded(&bytes, None);
        assert!(text.ends_with("éy") && text.len() == bytes.len());
        assert_eq!((found, said), (Some("UTF-8"), false));
    }

    #[test]
    fn damaged_and_doubly_encoded_letters_are_told() {
        let latin = of_label("latin1");
        assert_eq!(fault_of("été, CAFÉ» déjà Ÿ", latin), None);
        assert!(fault_of("Ã©tÃ©", latin).unwrap().contains("UTF-8"));
        assert_eq!(fault_of("Ã©", Some(UTF_8)), None);
        assert_eq!(fault_of("Её", of_label("cp1251")), None);
        assert!(fault_of("a\u{fffd}", Some(UTF_8)).unwrap().contains("replacement"));
        // An odd byte at the end of UTF-16.
        assert!(decoded(b"a\0b", Some("utf-16le")).0.ends_with('\u{fffd}'));
    }
}

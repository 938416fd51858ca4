//! Finds the records of a JSON export, each as the bytes that it stands in: lines, or the elements of a list
//! within a document. A document is never loaded, a record that is too long is passed over without being held.

use std::io::{self, BufRead, Read as _};

use super::bounds::ROW_BYTES_MAX;
use super::json_paths::Step;

/// Brackets within each other that are followed to their end.
const BRACKETS_MAX: usize = 512;
/// Bytes of a key on the way to the records.
const KEY_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Record,
    TooLong,
    End,
}

/// Why nothing more can be read.
#[derive(Debug)]
pub(super) enum Stop {
    Io(io::Error),
    /// The damage near this line.
    Damaged(u64, String),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Records that are lines.
pub(super) struct Lines {
    text: Box<dyn BufRead + Send>,
    pub(super) record: Vec<u8>,
    pub(super) line: u64,
}

impl Lines {
    pub(super) fn new(text: Box<dyn BufRead + Send>) -> Self {
        Self { text, record: Vec::new(), line: 0 }
    }

    pub(super) fn next(&mut self) -> io::Result<Next> {
        loop {
            self.record.clear();
            self.line = self.line.saturating_add(1);
            let n = (&mut self.text).take(ROW_BYTES_MAX as u64).read_until(b'\n', &mut self.record)?;
            if n == 0 {
                return Ok(Next::End);
            }
            if n == ROW_BYTES_MAX && !self.record.ends_with(b"\n") {
                skip_line(&mut self.text)?;
                return Ok(Next::TooLong);
            }
            if !self.record.trim_ascii().is_empty() {
                return Ok(Next::Record);
            }
        }
    }
}

/// Passes over what is left of a line.
fn skip_line(text: &mut impl BufRead) -> io::Result<()> {
    loop {
        let chunk = text.fill_buf()?;
        let (len, line_end) = (chunk.len(), memchr::memchr(b'\n', chunk));
        match line_end {
            Some(place) => {
                text.consume(place.saturating_add(1));
                return Ok(());
            }
            None if len == 0 => return Ok(()),
            None => text.consume(len),
        }
    }
}

/// Records within documents. Several documents may follow one another.
pub(super) struct Document {
    text: Box<dyn BufRead + Send>,
    pub(super) record: Vec<u8>,
    pub(super) line: u64,
    place: Place,
    /// The way to the records; without one, the elements of a list, or each document.
    path: Option<Vec<Step>>,
    /// The steps of the document that is read.
    steps: Vec<Step>,
    /// Of every container on the way: is a comma due before what follows?
    open: Vec<bool>,
    /// The list of the records was met.
    met: bool,
    value: Value,
}

impl Document {
    pub(super) fn new(text: Box<dyn BufRead + Send>, path: Option<Vec<Step>>) -> Self {
        Self {
            text,
            record: Vec::new(),
            line: 1,
            place: Place { line: 1, after_cr: false },
            path,
            steps: Vec::new(),
            open: Vec::new(),
            met: false,
            value: Value::default(),
        }
    }

    /// The next record, its bytes in `record`.
    pub(super) fn next(&mut self) -> Result<Next, Stop> {
        loop {
            let byte = self.after_blanks()?;
            let Some(container) = self.open.len().checked_sub(1) else {
                let Some(byte) = byte else {
                    return if self.met || self.path.is_none() {
                        Ok(Next::End)
                    } else {
                        Err(Stop::Damaged(1, "nothing in it is where source.records says".to_owned()))
                    };
                };
                self.steps = self.path.clone().unwrap_or_else(|| match byte {
                    b'[' => vec![Step::Each],
                    _ => Vec::new(),
                });
                if let Some(next) = self.enter(0, byte)? {
                    return Ok(next);
                }
                continue;
            };
            let Some(byte) = byte else { return Err(self.damaged("it ends within a list or an object")) };
            let key = match &self.steps[container] {
                Step::Each | Step::Where(..) => None,
                Step::Key(key) => Some(key.clone()),
            };
            match byte {
                b']' if key.is_none() => self.leave()?,
                b'}' if key.is_some() => self.leave()?,
                b',' if self.open[container] => {
                    self.bump()?;
                    self.open[container] = false;
                }
                _ if self.open[container] => {
                    return Err(self.damaged("a comma or a closing bracket is missing"));
                }
                _ => {
                    self.open[container] = true;
                    let ours = match key {
                        None => true,
                        Some(wanted) => self.key()? == wanted,
                    };
                    let Some(byte) = self.after_blanks()? else {
                        return Err(self.damaged("it ends within a list or an object"));
                    };
                    if !ours {
                        self.value(false)?;
                    } else if let Some(next) = self.enter(self.open.len(), byte)? {
                        return Ok(next);
                    }
                }
            }
        }
    }

    /// A value on the way to the records begins, or a record.
    fn enter(&mut self, step: usize, byte: u8) -> Result<Option<Next>, Stop> {
        let opens = match self.steps.get(step) {
            None => {
                self.met = true;
                self.line = self.place.line;
                return self.value(true).map(Some);
            }
            Some(Step::Each | Step::Where(..)) => b'[',
            Some(Step::Key(_)) => b'{',
        };
        if byte == opens {
            self.bump()?;
            self.open.push(false);
            // A list without elements holds no records, and is one.
            self.met |= self.open.len() == self.steps.len();
            return Ok(None);
        }
        if byte == b'n' {
            self.value(false)?;
            return Ok(None);
        }
        let wanted = if opens == b'[' { "a list" } else { "an object" };
        Err(self.damaged(&format!("source.records leads through {wanted}, but something else stands there")))
    }

    fn leave(&mut self) -> Result<(), Stop> {
        self.bump()?;
        self.open.pop();
        Ok(())
    }

    /// A key, and the colon after it.
    fn key(&mut self) -> Result<String, Stop> {
        if self.text.fill_buf()?.first() != Some(&b'"') {
            return Err(self.damaged("a key is missing"));
        }
        let before = std::mem::take(&mut self.record);
        let found = self.value(true);
        let key = std::mem::replace(&mut self.record, before);
        if found? == Next::TooLong || key.len() > KEY_BYTES_MAX {
            return Err(self.damaged(&format!("a key has more than {KEY_BYTES_MAX} bytes")));
        }
        let key = serde_json::from_slice(&key).map_err(|e| self.damaged(&format!("a key is none: {e}")))?;
        if self.after_blanks()? != Some(b':') {
            return Err(self.damaged("a colon is missing after a key"));
        }
        self.bump()?;
        Ok(key)
    }

    /// Reads one value to its end, and holds it where that is wanted.
    fn value(&mut self, keep: bool) -> Result<Next, Stop> {
        self.record.clear();
        self.value.begin();
        let mut too_long = false;
        loop {
            let chunk = self.text.fill_buf()?;
            if chunk.is_empty() {
                if self.value.may_end() {
                    return Ok(if too_long { Next::TooLong } else { Next::Record });
                }
                return Err(self.damaged("it ends within a value"));
            }
            let (mut taken, mut seen) = (0_usize, Seen::Within);
            for byte in chunk {
                seen = self.value.see(*byte);
                taken = taken.saturating_add(usize::from(matches!(seen, Seen::Within | Seen::Ends)));
                if seen != Seen::Within {
                    break;
                }
            }
            let chunk = &chunk[..taken];
            self.place.pass(chunk);
            if keep && !too_long {
                too_long = self.record.len().saturating_add(taken) > ROW_BYTES_MAX;
                if too_long {
                    self.record = Vec::new();
                } else {
                    self.record.extend_from_slice(chunk);
                }
            }
            self.text.consume(taken);
            match seen {
                Seen::Within => {}
                Seen::Ends | Seen::EndedBefore => {
                    return Ok(if too_long { Next::TooLong } else { Next::Record });
                }
                Seen::Wrong(problem) => return Err(self.damaged(problem)),
            }
        }
    }

    /// The first byte that is no blank; what comes before it is passed over.
    fn after_blanks(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.text.fill_buf()?.first().copied() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.bump()?,
                byte => return Ok(byte),
            }
        }
    }

    /// Passes over one byte.
    fn bump(&mut self) -> io::Result<()> {
        let byte = self.text.fill_buf()?.first().copied();
        self.place.pass(byte.as_slice());
        self.text.consume(byte.as_slice().len());
        Ok(())
    }

    fn damaged(&self, problem: &str) -> Stop {
        Stop::Damaged(self.place.line, problem.to_owned())
    }
}

/// The line that is read, as an editor counts it.
struct Place {
    line: u64,
    after_cr: bool,
}

impl Place {
    fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let line_end = *byte == b'\r' || (*byte == b'\n' && !self.after_cr);
            self.line = self.line.saturating_add(u64::from(line_end));
            self.after_cr = *byte == b'\r';
        }
    }
}

/// Where in a value we are.
#[derive(Default)]
struct Value {
    /// The brackets that close those that are open.
    brackets: Vec<u8>,
    begun: bool,
    in_text: bool,
    escaped: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Within,
    /// The value ends with this byte.
    Ends,
    /// It ended with the byte before, as numbers do.
    EndedBefore,
    Wrong(&'static str),
}

impl Value {
    fn begin(&mut self) {
        self.brackets.clear();
        (self.begun, self.in_text, self.escaped) = (false, false, false);
    }

    /// A number, or a word, at the end of the text.
    fn may_end(&self) -> bool {
        self.begun && self.brackets.is_empty() && !self.in_text
    }

    fn see(&mut self, byte: u8) -> Seen {
        if self.in_text {
            self.in_text = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return if self.in_text || !self.brackets.is_empty() { Seen::Within } else { Seen::Ends };
        }
        match byte {
            b'"' => self.in_text = true,
            b'[' | b'{' if self.brackets.len() >= BRACKETS_MAX => {
                return Seen::Wrong("hundreds of lists or objects stand within each other");
            }
            b'[' => self.brackets.push(b']'),
            b'{' => self.brackets.push(b'}'),
            b']' | b'}' => {
                return match self.brackets.pop() {
                    Some(closes) if closes != byte => Seen::Wrong("a bracket closes another one"),
                    Some(_) if self.brackets.is_empty() => Seen::Ends,
                    Some(_) => Seen::Within,
                    None if self.begun => Seen::EndedBefore,
                    None => Seen::Wrong("a value is missing"),
                };
            }
            b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' if self.brackets.is_empty() => {
                return if self.begun { Seen::EndedBefore } else { Seen::Wrong("a value is missing") };
            }
            _ => {}
        }
        self.begun = true;
        Seen::Within
    }
}

#[cfg(test)]
mod tests {
    use super::super::json_paths;
    use super::*;

    type Line = (u64, String);

    /// Line and text of each record, and how it ended.
    fn read(text: &str, path: Option<&str>) -> (Vec<Line>, Option<Line>) {
        let path = path.map(|path| json_paths::steps(path).unwrap());
        // A buffer of a few bytes shows every edge.
        let text = io::BufReader::with_capacity(3, io::Cursor::new(text.as_bytes().to_vec()));
        let mut document = Document::new(Box::new(text), path);
        let mut records = Vec::new();
        loop {
            match document.next() {
                Ok(Next::Record) => {
                    records.push((document.line, String::from_utf8(document.record.clone()).unwrap()));
                }
                Ok(Next::TooLong) => panic!("nothing is long here"),
                Ok(Next::End) => return (records, None),
                Err(Stop::Damaged(line, problem)) => return (records, Some((line, problem))),
                Err(Stop::Io(e)) => panic!("{e}"),
            }
        }
    }

    fn texts(text: &str, path: Option<&str>) -> Vec<String> {
        let (records, stop) = read(text, path);
        assert_eq!(stop, None);
        records.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn records_are_the_elements_of_a_list_or_whole_documents() {
        assert_eq!(texts("[{\"a\": [1, \"]}\\\"\"]}, 2,3 ]", None), ["{\"a\": [1, \"]}\\\"\"]}", "2", "3"]);
        assert_eq!(texts("{\"a\":1}\n{\"b\":2}", None), ["{\"a\":1}", "{\"b\":2}"]);
        assert_eq!(texts("[] ", None), [""; 0]);
        assert_eq!(texts("", None), [""; 0]);
    }

    #[test]
    fn records_under_a_path_are_found_behind_everything_else() {
        let text = "{\"count\": 2, \"users\": [{\"tickets\": [9]}], \"tickets\": [1, 2], \"next\": null}";
        assert_eq!(texts(text, Some("tickets[]")), ["1", "2"]);
        let pages = "[{\"data\":{\"t\":[1]}},{\"data\":null},{\"data\":{\"t\":[2,3]}}]";
        assert_eq!(texts(pages, Some("[].data.t[]")), ["1", "2", "3"]);
        assert_eq!(texts("{\"tickets\":[]}", Some("tickets[]")), [""; 0]);
        assert!(read(text, Some("issues[]")).1.unwrap().1.contains("source.records"));
        assert!(read(text, Some("count[]")).1.unwrap().1.contains("a list"));
    }

    #[test]
    fn damage_is_told_with_its_line() {
        for (text, line) in [
            ("[\n{\"a\": 1},\r\n{\"a\": ", 3),
            ("[1\n2]", 2),
            ("[\n[1}]", 2),
            ("[1,\n,2]", 2),
            ("[1\r]]", 2),
            ("[\n\"a", 2),
        ] {
            let (_, stop) = read(text, None);
            assert_eq!(stop.as_ref().map(|stop| stop.0), Some(line), "{text:?} {stop:?}");
        }
        assert!(read("{\"tickets\" [1]}", Some("tickets[]")).1.unwrap().1.contains("colon"));
        assert!(read(&"[".repeat(2000), None).1.unwrap().1.contains("hundreds"));
        assert_eq!(read("[1,\n\n2]", None).0, [(1, "1".to_owned()), (3, "2".to_owned())]);
    }
}

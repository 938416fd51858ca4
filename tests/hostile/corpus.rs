//! What once broke something, as text: `corpus/*.txt`, a message a line, `#` begins a remark.
//!
//! A line is `<subject> <payload>`. In both, `{tenant}` is the desk, `{ticket}`, `{ticket1}` and `{ticket2}` are
//! tickets of it that have the tag `tag-1`, `{id}` is a fresh UUID. A payload that begins with `hex:` is protobuf.
//! `{repeat N TEXT}!` in a payload is the text so many times.

use crate::desks::UnderAttack;
use crate::message::Message;
use guichet_test_support::mutate::Dice;

/// All of it.
pub(crate) fn found(desk: &UnderAttack, dice: &mut Dice) -> Vec<Message> {
    let mut paths: Vec<_> = std::fs::read_dir("tests/hostile/corpus")
        .expect("tests run in the folder of their package")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let texts: Vec<String> = paths.iter().map(|p| std::fs::read_to_string(p).expect("a text")).collect();
    let lines = texts.iter().flat_map(|text| text.lines()).map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| read(line, desk, dice))
        .collect()
}

fn read(line: &str, desk: &UnderAttack, dice: &mut Dice) -> Message {
    let mut text = line.replace("{tenant}", &desk.tenant);
    for (name, n) in [("{ticket}", 0), ("{ticket1}", 1), ("{ticket2}", 2)] {
        text = text.replace(name, &desk.known(n).to_string());
    }
    while text.contains("{id}") {
        text = text.replacen("{id}", &dice.uuid().to_string(), 1);
    }
    while let Some((before, (times, what), after)) = repetition(&text) {
        text = format!("{before}{}{after}", what.repeat(times));
    }
    let (subject, payload) = text.split_once(' ').unwrap_or((&text, ""));
    match payload.strip_prefix("hex:") {
        Some(hex) => Message::new("found before", subject.to_owned(), unhex(hex)).protobuf(),
        None => Message::new("found before", subject.to_owned(), payload.as_bytes().to_vec()),
    }
}

type Repetition<'a> = (&'a str, (usize, &'a str), &'a str);

fn repetition(text: &str) -> Option<Repetition<'_>> {
    let (before, rest) = text.split_once("{repeat ")?;
    let (times, rest) = rest.split_once(' ')?;
    let (what, after) = rest.split_once("}!")?;
    Some((before, (times.parse().ok()?, what), after))
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.bytes().filter_map(|b| u8::try_from(char::from(b).to_digit(16)?).ok()).collect();
    digits.chunks_exact(2).map(|pair| (pair[0] << 4) | pair[1]).collect()
}

//! The limits of imported facts: those of the commands that would have led to them. Only sizes, ranges and NUL: which
//! words another system let through is not ours to judge.

use super::at_most;
use crate::command::limits;
use crate::event::Personal;
use crate::rejection::FieldError;
use crate::text::{CategoryPath, Label, Note, Tag};

type Checked = Result<(), FieldError>;

/// A sealed one was refused before.
pub(crate) fn plain(text: &Personal) -> &str {
    match text {
        Personal::Plain(text) => text,
        Personal::Sealed(_) => "",
    }
}

pub(crate) fn characters(field: &str, text: &str, max: usize) -> Checked {
    // Bytes first: nobody counts the letters of a text that is short.
    if text.len() > max && text.chars().count() > max {
        return Err(FieldError::new(field, format!("must have at most {max} characters")));
    }
    no_nul(field, text)
}

pub(crate) fn bytes(field: &str, text: &str, max: usize) -> Checked {
    if text.len() > max {
        return Err(FieldError::new(field, format!("must have at most {max} bytes")));
    }
    no_nul(field, text)
}

/// The one character that no store and no reader takes as a text.
fn no_nul(field: &str, text: &str) -> Checked {
    if text.contains('\0') { Err(FieldError::new(field, "must not hold a NUL character")) } else { Ok(()) }
}

pub(crate) fn label(field: &str, text: Option<&str>) -> Checked {
    text.map_or(Ok(()), |text| characters(field, text, Label::CHARACTERS))
}

pub(crate) fn labels(field: &str, names: &[String], max: usize) -> Checked {
    at_most(field, names.len(), max)?;
    let mut names = names.iter().enumerate();
    names.try_for_each(|(n, name)| label(&format!("{field}[{n}]"), Some(name)))
}

pub(crate) fn note(field: &str, text: Option<&str>) -> Checked {
    text.map_or(Ok(()), |text| bytes(field, text, Note::BYTES))
}

pub(crate) fn category(field: &str, path: Option<&str>) -> Checked {
    path.map_or(Ok(()), |path| characters(field, path, CategoryPath::CHARACTERS))
}

pub(crate) fn tags(field: &str, tags: &[String]) -> Checked {
    at_most(field, tags.len(), limits::TAGS)?;
    let mut tags = tags.iter().enumerate();
    tags.try_for_each(|(n, tag)| characters(&format!("{field}[{n}]"), tag, Tag::CHARACTERS))
}

pub(crate) fn steps(steps: &[String]) -> Checked {
    at_most("steps", steps.len(), limits::STEPS)?;
    let mut steps = steps.iter().enumerate();
    steps.try_for_each(|(n, step)| bytes(&format!("steps[{n}]"), step, Note::BYTES))
}

//! The tables of those who ask, answer and write.

use std::collections::BTreeMap;

use guichet_schemas::words::{AuthorKind, RequesterKind, Visibility};

use super::Fault;
use super::check::{vocabulary, words};
use super::columns::Interner;
use super::shape::{Comment, Part, Requester};
use crate::classify;
use crate::grammar::{self, Unknown};

pub(super) fn requester(r: grammar::Requester, columns: &mut Interner) -> Result<Requester, Fault> {
    let kinds = grammar::Words { map: r.kinds, ..grammar::Words::default() };
    Ok(Requester {
        id: columns.slot("requester.id", r.id)?,
        name: columns.optional("requester.name", r.name)?,
        email: columns.optional("requester.email", r.email)?,
        phone: columns.optional("requester.phone", r.phone)?,
        kind: columns.optional("requester.kind", r.kind)?,
        kinds: vocabulary(
            "requester.kinds",
            Some(kinds),
            Unknown::Note,
            RequesterKind::parse,
            classify::requester_kind,
            RequesterKind::ALL,
        )?,
    })
}

pub(super) fn comment(
    c: Option<grammar::Comment>,
    of_row: Option<String>,
    columns: &mut Interner,
) -> Result<Comment, Fault> {
    let author_kinds = |map| {
        let words = grammar::Words { map, ..grammar::Words::default() };
        let (parse, common) = (AuthorKind::parse, classify::author_kind);
        vocabulary("comment.author_kinds", Some(words), Unknown::Note, parse, common, AuthorKind::ALL)
    };
    let visibilities = |map| {
        let words = grammar::Words { map, ..grammar::Words::default() };
        let (parse, common) = (Visibility::parse, classify::visibility);
        vocabulary("comment.visibilities", Some(words), Unknown::Note, parse, common, Visibility::ALL)
    };
    let Some(c) = c else {
        return Ok(Comment {
            text: columns.optional("row.comment", of_row)?,
            author: None,
            author_kind: None,
            author_kinds: author_kinds(BTreeMap::new())?,
            visibility: None,
            visibilities: visibilities(BTreeMap::new())?,
            default_visibility: Visibility::Internal,
            complete: false,
            parts: None,
        });
    };
    let text = match (c.text, of_row) {
        (Some(text), None) => Some(columns.slot("comment.text", text)?),
        (None, Some(text)) => Some(columns.slot("row.comment", text)?),
        (Some(_), Some(_)) => return Err(Fault::new("comment.text", "is row.comment: write one of them")),
        (None, None) => return Err(Fault::new("comment.text", "is missing: which column holds the comment")),
    };
    let word = c.default_visibility.as_deref().map(|word| {
        Visibility::parse(word).ok_or_else(|| {
            Fault::new(
                "comment.default_visibility",
                format!("is {word:?}; it must be one of {}", words(Visibility::ALL)),
            )
        })
    });
    // Nobody outside may read what the source may have kept inside.
    let default_visibility = word.transpose()?.unwrap_or(Visibility::Internal);
    let may_be_public = c.visibility.is_some() || default_visibility == Visibility::Public;
    Ok(Comment {
        text,
        author: columns.optional("comment.author", c.author)?,
        author_kind: columns.optional("comment.author_kind", c.author_kind)?,
        author_kinds: author_kinds(c.author_kinds)?,
        visibility: columns.optional("comment.visibility", c.visibility)?,
        visibilities: visibilities(c.visibilities)?,
        default_visibility,
        complete: c.complete.unwrap_or(may_be_public),
        parts: parts(c.parts, c.separator)?,
    })
}

fn parts(
    names: Option<Vec<String>>,
    separator: Option<String>,
) -> Result<Option<(Vec<Part>, String)>, Fault> {
    let Some(names) = names else {
        return match separator {
            None => Ok(None),
            Some(_) => Err(Fault::new("comment.separator", "parts what comment.parts names")),
        };
    };
    let parts = names.iter().map(|name| match name.as_str() {
        "at" => Ok(Part::At),
        "author" => Ok(Part::Author),
        "text" => Ok(Part::Text),
        _ => Err(Fault::new("comment.parts", format!("names {name:?}; a part is one of at, author, text"))),
    });
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    if parts.last() != Some(&Part::Text) || (1..parts.len()).any(|i| parts[..i].contains(&parts[i])) {
        return Err(Fault::new("comment.parts", "must name each part once, and end with text"));
    }
    let separator = separator.unwrap_or_else(|| ";".to_owned());
    if separator.is_empty() {
        return Err(Fault::new("comment.separator", "must be a text"));
    }
    Ok(Some((parts, separator)))
}

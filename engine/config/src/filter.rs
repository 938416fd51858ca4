//! Filters over events, in CEL: which events a configured figure counts.
//!
//! A filter is checked when it is read: only known fields, every operation on types that it is for, only words that
//! there are, and no more than so many operations. There is no loop, no clock, and no operation that could fail, so a
//! filter that was read always ends in yes or no.

mod events;
mod field;
mod kinds;

use std::panic;
use std::sync::{Arc, LazyLock};

use cel::common::types::{CelBool, CelInt, CelString};
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::parser::{Expression, Parser};
use cel::{Context, Env, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use self::field::{EVENTS, Fact, Facts, Field};

/// Bytes of a filter.
const TEXT_MAX: usize = 1_000;
/// Brackets within brackets. The parser calls itself for each, so it must not be asked for more than a stack holds.
const NESTED_MAX: usize = 16;
/// Prefix operators one behind the other: the parser calls itself for each of these, too.
const PREFIXES_MAX: usize = 8;
/// Operations, fields and values of a filter: what it costs at most for each event.
const OPERATIONS_MAX: usize = 64;

/// Without it, each evaluation would build the library of functions again.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// A filter that was read. Written and compared as its text.
///
/// ```
/// use guichet_config::{Fact, Facts, Field, Filter};
/// struct Reopened;
/// impl Facts for Reopened {
///     fn fact(&self, field: Field) -> Fact<'_> {
///         match field {
///             Field::Event => Fact::Text("TicketReopened"),
///             Field::Reopens => Fact::Count(1),
///             _ => Fact::Text(""),
///         }
///     }
/// }
/// let filter = Filter::parse("event == 'TicketReopened' && reopens == 1").unwrap();
/// assert!(filter.holds(&Reopened));
/// let refused = Filter::parse("event == 'TicketReopend'").unwrap_err();
/// assert!(refused.starts_with("there is no event \"TicketReopend\""), "{refused}");
/// ```
#[derive(Debug, Clone)]
pub struct Filter {
    text: Arc<str>,
    expression: Arc<Expression>,
    /// The events that it can hold of; `None`: any.
    events: Option<Arc<[String]>>,
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Filter {}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("is empty; true counts every event".to_owned());
        }
        if text.len() > TEXT_MAX {
            return Err(format!("is longer than {TEXT_MAX} bytes"));
        }
        shallow(text)?;
        let expression = parse(text)?;
        kinds::check(&expression, OPERATIONS_MAX)?;
        let events = events::of(&expression).map(|events| events.into_iter().collect());
        Ok(Self { text: text.into(), expression: Arc::new(expression), events })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it can hold of some events only.
    pub(crate) const fn names_events(&self) -> bool {
        self.events.is_some()
    }

    /// Whether it holds of an event.
    #[must_use]
    pub fn holds(&self, facts: &dyn Facts) -> bool {
        if let (Some(events), Fact::Text(event)) = (&self.events, facts.fact(Field::Event))
            && !events.iter().any(|known| known == event)
        {
            return false;
        }
        let resolver = Resolver(facts);
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(&resolver);
        let found = Value::resolve(&self.expression, &context);
        debug_assert!(matches!(found, Ok(Value::Bool(_))), "{} gave {found:?}", self.text);
        matches!(found, Ok(Value::Bool(true)))
    }
}

/// A generated parser of a grammar: what it takes for impossible is no reason for us to end.
fn parse(text: &str) -> Result<Expression, String> {
    let parsed = panic::catch_unwind(|| Parser::new().parse(text));
    match parsed {
        Ok(Ok(expression)) => Ok(expression),
        Ok(Err(errors)) => {
            let first = errors.errors.first();
            let said =
                first.map_or_else(String::new, |error| format!(": {}, in column {}", error.msg, error.pos.1));
            Err(format!("is no expression in CEL{said}"))
        }
        Err(_) => Err("is no expression in CEL: the parser gave up".to_owned()),
    }
}

fn shallow(text: &str) -> Result<(), String> {
    let (mut depth, mut prefixes) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth = depth.saturating_add(1),
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        prefixes = match byte {
            b'!' | b'-' | b'?' | b':' => prefixes.saturating_add(1),
            byte if byte.is_ascii_whitespace() => prefixes,
            _ => 0,
        };
        if depth > NESTED_MAX || prefixes > PREFIXES_MAX {
            return Err(format!(
                "has more than {NESTED_MAX} brackets within brackets, or {PREFIXES_MAX} prefixes in a row"
            ));
        }
    }
    Ok(())
}

struct Resolver<'a>(&'a dyn Facts);

impl VariableResolver for Resolver<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        Some(match self.0.fact(Field::parse(variable)?) {
            Fact::Text(text) => CowVal::owned(CelString::from(text)),
            Fact::Count(count) => CowVal::owned(CelInt::from(count)),
            Fact::Flag(flag) => CowVal::owned(CelBool::from(flag)),
        })
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;

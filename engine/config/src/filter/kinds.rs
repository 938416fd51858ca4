//! Whether a filter always ends in yes or no: every operation is for the kinds that it gets.

use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};
use cel::parser::Expression;

use super::field::{Field, Kind};

/// Checks a whole filter.
pub(super) fn check(filter: &Expression, operations_max: usize) -> Result<(), String> {
    let mut check = Check { left: operations_max, max: operations_max };
    match check.kind(filter)? {
        Kind::Flag => Ok(()),
        Kind::Text | Kind::Count => Err("must be yes or no, such as event == 'TicketResolved'".to_owned()),
    }
}

struct Check {
    left: usize,
    max: usize,
}

impl Check {
    fn kind(&mut self, of: &Expression) -> Result<Kind, String> {
        self.spend()?;
        match &of.expr {
            Expr::Ident(name) => field(name).map(Field::kind),
            Expr::Literal(literal) => literal_kind(literal),
            Expr::Call(call) => self.call(call),
            Expr::Select(_) => Err("has no fields of fields; the fields are flat names".to_owned()),
            Expr::Comprehension(_) => {
                Err("has no loops: all, exists, exists_one, map and filter are not taken".to_owned())
            }
            Expr::List(_) => Err("has lists only behind in".to_owned()),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                Err("has no maps and no structures".to_owned())
            }
        }
    }

    fn spend(&mut self) -> Result<(), String> {
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            format!("costs too much: operations, fields and values are at most {} together", self.max)
        })?;
        Ok(())
    }

    fn call(&mut self, call: &CallExpr) -> Result<Kind, String> {
        let name = call.func_name.as_str();
        match (&call.target, call.args.as_slice()) {
            (None, [of]) if name == operators::LOGICAL_NOT => self.expect(of, Kind::Flag, "!"),
            (None, [of]) if name == operators::NEGATE && is_number(of) => {
                self.kind(of)?;
                Ok(Kind::Count)
            }
            (None, [a, b]) if name == operators::LOGICAL_AND || name == operators::LOGICAL_OR => {
                let shown = shown(name);
                self.expect(a, Kind::Flag, shown)?;
                self.expect(b, Kind::Flag, shown)
            }
            (None, [a, b]) if name == operators::EQUALS || name == operators::NOT_EQUALS => {
                self.same(a, b, name)?;
                words(a, b)?;
                words(b, a)?;
                Ok(Kind::Flag)
            }
            (None, [a, b]) if is_order(name) => match self.same(a, b, name)? {
                Kind::Count | Kind::Text => Ok(Kind::Flag),
                Kind::Flag => Err(format!("{} compares numbers or texts", shown(name))),
            },
            (None, [a, list]) if name == operators::IN => self.member(a, list),
            (None, [test, a, b]) if name == operators::CONDITIONAL => {
                self.expect(test, Kind::Flag, "? :")?;
                self.same(a, b, name)
            }
            (Some(of), [text]) if matches!(name, "startsWith" | "endsWith" | "contains") => {
                self.expect(of, Kind::Text, name)?;
                self.expect(text, Kind::Text, name)?;
                Ok(Kind::Flag)
            }
            (Some(_) | None, _) => Err(format!(
                "{} is not taken here; there are && || ! == != < <= > >= in ? : and .startsWith .endsWith .contains",
                shown(name)
            )),
        }
    }

    fn expect(&mut self, of: &Expression, kind: Kind, name: &str) -> Result<Kind, String> {
        let found = self.kind(of)?;
        if found == kind {
            return Ok(kind);
        }
        Err(format!("{name} is for {}, not for {}", told(kind), told(found)))
    }

    fn same(&mut self, a: &Expression, b: &Expression, name: &str) -> Result<Kind, String> {
        let (a, b) = (self.kind(a)?, self.kind(b)?);
        if a == b {
            return Ok(a);
        }
        Err(format!("{} has {} on one side and {} on the other", shown(name), told(a), told(b)))
    }

    fn member(&mut self, of: &Expression, list: &Expression) -> Result<Kind, String> {
        let kind = self.kind(of)?;
        let Expr::List(list) = &list.expr else {
            return Err("in is followed by a list such as ['a', 'b']".to_owned());
        };
        for one in &list.elements {
            if !matches!(one.expr, Expr::Literal(_)) && !is_negative(one) {
                return Err("a list holds values only".to_owned());
            }
            let found = self.kind(one)?;
            if found != kind {
                return Err(format!("in looks for {} among {}", told(kind), told(found)));
            }
            words(of, one)?;
        }
        Ok(Kind::Flag)
    }
}

fn field(name: &str) -> Result<Field, String> {
    Field::parse(name).ok_or_else(|| {
        let known: Vec<_> = Field::ALL.iter().map(|field| field.as_str()).collect();
        format!("there is no field {name:?}; there are {}", known.join(", "))
    })
}

fn literal_kind(literal: &LiteralValue) -> Result<Kind, String> {
    match literal {
        LiteralValue::Boolean(_) => Ok(Kind::Flag),
        LiteralValue::Int(_) => Ok(Kind::Count),
        LiteralValue::String(_) => Ok(Kind::Text),
        LiteralValue::Bytes(_) | LiteralValue::Double(_) | LiteralValue::Null | LiteralValue::UInt(_) => {
            Err("has texts, whole numbers, true and false as values, and no others".to_owned())
        }
    }
}

/// A word that a field never has would make a figure that is always 0, and nobody would see why.
fn words(of: &Expression, value: &Expression) -> Result<(), String> {
    let (Expr::Ident(name), Expr::Literal(LiteralValue::String(word))) = (&of.expr, &value.expr) else {
        return Ok(());
    };
    let Some(known) = Field::parse(name).and_then(Field::words) else { return Ok(()) };
    if known.contains(&word.inner()) {
        return Ok(());
    }
    let known: Vec<_> = known.into_iter().filter(|known| !known.is_empty()).collect();
    Err(format!("there is no {name} {:?}; there are {}", word.inner(), known.join(", ")))
}

fn is_number(of: &Expression) -> bool {
    matches!(of.expr, Expr::Literal(LiteralValue::Int(_)))
}

fn is_negative(of: &Expression) -> bool {
    matches!(&of.expr, Expr::Call(call) if call.func_name == operators::NEGATE && call.args.iter().all(is_number))
}

fn is_order(name: &str) -> bool {
    [operators::LESS, operators::LESS_EQUALS, operators::GREATER, operators::GREATER_EQUALS].contains(&name)
}

/// An operator as it is written.
fn shown(name: &str) -> &str {
    name.trim_matches(['_', '@'])
}

const fn told(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "a text",
        Kind::Count => "a number",
        Kind::Flag => "yes or no",
    }
}

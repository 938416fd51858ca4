//! Of which events a filter can hold at all. Most name theirs, and the rest of a history is passed over unevaluated.

use std::collections::BTreeSet;

use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};
use cel::parser::Expression;

use super::field::Field;

/// `None`: of any.
pub(super) fn of(filter: &Expression) -> Option<BTreeSet<String>> {
    let Expr::Call(CallExpr { func_name, target: None, args }) = &filter.expr else { return None };
    let [a, b] = args.as_slice() else { return None };
    match func_name.as_str() {
        operators::LOGICAL_AND => match (of(a), of(b)) {
            (Some(a), Some(b)) => Some(a.intersection(&b).cloned().collect()),
            (one, None) | (None, one) => one,
        },
        operators::LOGICAL_OR => Some(of(a)?.union(&of(b)?).cloned().collect()),
        operators::EQUALS if is_event(a) => text(b).map(|event| [event].into()),
        operators::EQUALS if is_event(b) => text(a).map(|event| [event].into()),
        operators::IN if is_event(a) => {
            let Expr::List(list) = &b.expr else { return None };
            list.elements.iter().map(text).collect()
        }
        _ => None,
    }
}

fn is_event(of: &Expression) -> bool {
    matches!(&of.expr, Expr::Ident(name) if name == Field::Event.as_str())
}

fn text(of: &Expression) -> Option<String> {
    let Expr::Literal(LiteralValue::String(text)) = &of.expr else { return None };
    Some(text.inner().to_owned())
}

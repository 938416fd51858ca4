//! What a question says of the events that it wants, as far as the head of a record can tell. Whoever asks looks at each
//! row again: what is passed over here is certain, what is shown is not.

use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::scalar::ScalarValue;
use guichet_history::HistoryError;
use guichet_history::source::History;
use guichet_schemas::codec::Head;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::StreamKind;

/// Bounds of the events that are wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bounds {
    position: Range,
    /// Milliseconds, as in [`Bounds::occurred`].
    recorded: Range,
    occurred: Range,
    types: Option<Vec<String>>,
    tickets: Option<Vec<String>>,
}

/// Both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    from: i64,
    to: i64,
}

impl Range {
    const ALL: Self = Self { from: i64::MIN, to: i64::MAX };

    fn narrow(&mut self, operator: Operator, value: i64) {
        match operator {
            Operator::Eq => (self.from, self.to) = (self.from.max(value), self.to.min(value)),
            Operator::Gt => self.from = self.from.max(value.saturating_add(1)),
            Operator::GtEq => self.from = self.from.max(value),
            Operator::Lt => self.to = self.to.min(value.saturating_sub(1)),
            Operator::LtEq => self.to = self.to.min(value),
            _ => {}
        }
    }

    const fn holds(self, value: i64) -> bool {
        self.from <= value && value <= self.to
    }
}

impl Bounds {
    /// What follows from filters that must all hold.
    pub(crate) fn of(filters: &[Expr]) -> Self {
        let mut bounds = Self {
            position: Range::ALL,
            recorded: Range::ALL,
            occurred: Range::ALL,
            types: None,
            tickets: None,
        };
        filters.iter().for_each(|filter| bounds.take(filter));
        bounds
    }

    fn take(&mut self, filter: &Expr) {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                self.take(left);
                self.take(right);
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (&**left, &**right) {
                (Expr::Column(column), Expr::Literal(value, _)) => self.compare(&column.name, *op, value),
                (Expr::Literal(value, _), Expr::Column(column)) => {
                    if let Some(op) = op.swap() {
                        self.compare(&column.name, op, value);
                    }
                }
                _ => {}
            },
            Expr::InList(InList { expr, list, negated: false }) => {
                if let Expr::Column(column) = &**expr {
                    let texts = list.iter().map(|item| match item {
                        Expr::Literal(value, _) => text(value),
                        _ => None,
                    });
                    self.one_of(&column.name, texts.collect());
                }
            }
            _ => {}
        }
    }

    fn compare(&mut self, column: &str, operator: Operator, value: &ScalarValue) {
        match column {
            "position" => {
                if let ScalarValue::Int64(Some(position)) = value {
                    self.position.narrow(operator, *position);
                }
            }
            "recorded_at" | "occurred_at" => {
                let of = if column == "recorded_at" { &mut self.recorded } else { &mut self.occurred };
                if let ScalarValue::TimestampMicrosecond(Some(micros), _) = value {
                    let ms = micros.div_euclid(1000);
                    // Between two milliseconds there is nothing: an event is after the one, or it is not.
                    let between = micros.rem_euclid(1000) != 0;
                    match operator {
                        Operator::GtEq if between => of.narrow(Operator::Gt, ms),
                        Operator::Lt if between => of.narrow(Operator::LtEq, ms),
                        Operator::Eq if between => {}
                        _ => of.narrow(operator, ms),
                    }
                }
            }
            "type" | "ticket_id" if operator == Operator::Eq => {
                self.one_of(column, text(value).map(|text| vec![text]));
            }
            _ => {}
        }
    }

    fn one_of(&mut self, column: &str, texts: Option<Vec<String>>) {
        let of = match column {
            "type" => &mut self.types,
            "ticket_id" => &mut self.tickets,
            _ => return,
        };
        if let Some(texts) = texts {
            match of {
                Some(known) => known.retain(|text| texts.contains(text)),
                None => *of = Some(texts),
            }
        }
    }

    /// The positions between which all that is wanted lies.
    pub(crate) fn positions(&self, history: &History) -> Result<(u64, u64), HistoryError> {
        let mut first = u64::try_from(self.position.from).unwrap_or(0).max(1);
        let mut last = u64::try_from(self.position.to).unwrap_or(0);
        // recorded_at never goes back.
        if self.recorded.from > Range::ALL.from {
            first = first.max(history.position_at(Timestamp(self.recorded.from))?);
        }
        if self.recorded.to < Range::ALL.to {
            let behind = history.position_at(Timestamp(self.recorded.to.saturating_add(1)))?;
            last = last.min(behind.saturating_sub(1));
        }
        Ok((first, last))
    }

    /// False for an event that is not wanted, whatever else is asked of it.
    pub(crate) fn may_take(&self, head: &Head<'_>) -> bool {
        let among = |texts: &Option<Vec<String>>, text: &str| {
            texts.as_ref().is_none_or(|texts| texts.iter().any(|one| one == text))
        };
        self.occurred.holds(head.occurred_at)
            && among(&self.types, head.r#type)
            && (self.tickets.is_none()
                || head.stream_kind == StreamKind::Ticket.to_wire() && among(&self.tickets, head.stream_id))
    }
}

fn text(value: &ScalarValue) -> Option<String> {
    value.try_as_str().flatten().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{col, lit};

    use super::*;

    fn micros(micros: i64) -> Expr {
        lit(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())))
    }

    #[test]
    fn bounds_hold_what_the_filters_say_and_never_less() {
        let bounds = Bounds::of(&[
            col("position").gt(lit(5_i64)).and(lit(9_i64).gt_eq(col("position"))),
            col("type").in_list(vec![lit("TicketCreated"), lit("TicketClosed")], false),
            col("type").eq(lit("TicketClosed")),
            col("version").eq(lit(1_i64)),
        ]);
        assert_eq!((bounds.position.from, bounds.position.to), (6, 9));
        assert_eq!(bounds.types.as_deref(), Some(&["TicketClosed".to_owned()][..]));
        assert_eq!((bounds.tickets, bounds.occurred), (None, Range::ALL));
    }

    #[test]
    fn an_alternative_or_a_negation_bounds_nothing() {
        let either = col("position").eq(lit(1_i64)).or(col("type").eq(lit("TicketClosed")));
        let not = col("type").in_list(vec![lit("TicketClosed")], true);
        assert_eq!(Bounds::of(&[either, not, col("type").not_eq(lit("x"))]), Bounds::of(&[]));
    }

    #[test]
    fn an_instant_between_two_milliseconds_excludes_the_earlier() {
        let of = |filter: Expr| Bounds::of(&[filter]).occurred;
        assert_eq!(of(col("occurred_at").gt_eq(micros(1500))).from, 2);
        assert_eq!(of(col("occurred_at").gt(micros(1500))).from, 2);
        assert_eq!(of(col("occurred_at").lt(micros(1500))).to, 1);
        assert_eq!(of(col("occurred_at").lt(micros(1000))).to, 0);
        assert_eq!(of(col("occurred_at").lt_eq(micros(1500))).to, 1);
    }
}

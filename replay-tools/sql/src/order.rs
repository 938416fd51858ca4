//! Whether an answer shows in which order the events were read. Where it does not, parts of the log are read at once.

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};

/// Aggregates that keep the order of what they are given.
const IN_ORDER: [&str; 5] = ["array_agg", "string_agg", "first_value", "last_value", "nth_value"];

/// True where nobody can tell in which order a plan read its tables: everything is sorted, or counted, before it is cut.
pub(crate) fn is_settled(plan: &LogicalPlan) -> bool {
    !asks_within(plan) && settled(plan)
}

fn settled(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(aggregate) => {
            aggregate.aggr_expr.iter().all(is_free_of_order) && plan.inputs().into_iter().all(is_uncut)
        }
        LogicalPlan::Sort(sort) => sort.fetch.is_none() && plan.inputs().into_iter().all(is_uncut),
        LogicalPlan::TableScan(scan) => scan.table_name.table() != "events",
        other => {
            let inputs = other.inputs();
            !inputs.is_empty() && inputs.into_iter().all(settled)
        }
    }
}

/// True where no part of a plan takes some rows of more, or numbers them.
fn is_uncut(plan: &LogicalPlan) -> bool {
    let cuts = plan.exists(|node| {
        Ok(match node {
            LogicalPlan::Limit(_) | LogicalPlan::Window(_) | LogicalPlan::Distinct(_) => true,
            LogicalPlan::Sort(sort) => sort.fetch.is_some(),
            LogicalPlan::Aggregate(aggregate) => !aggregate.aggr_expr.iter().all(is_free_of_order),
            _ => false,
        })
    });
    matches!(cuts, Ok(false))
}

fn is_free_of_order(expr: &Expr) -> bool {
    let keeps = expr.exists(|expr| {
        Ok(matches!(expr, Expr::AggregateFunction(function) if IN_ORDER.contains(&function.func.name())))
    });
    matches!(keeps, Ok(false))
}

/// True where a plan has a question within a question: what that reads is not looked at here.
fn asks_within(plan: &LogicalPlan) -> bool {
    let mut found = false;
    let walked = plan.apply(|node| {
        for expr in node.expressions() {
            found |= expr.exists(|expr| {
                Ok(matches!(expr, Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_)))
            })?;
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found || walked.is_err()
}

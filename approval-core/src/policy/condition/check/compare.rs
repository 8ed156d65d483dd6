//! Comparisons.

use cel::{
    IdedExpr,
    common::ast::{CallExpr, Expr, operators},
};

use super::{Checker, Kind};

impl Checker<'_> {
    /// `==`, `<` and their kin.
    pub(super) fn comparison(&mut self, call: &CallExpr, left: Kind, right: Kind) -> Kind {
        let is_equality = matches!(call.func_name.as_str(), operators::EQUALS | operators::NOT_EQUALS);
        let nulls = left == Kind::Null || right == Kind::Null;
        if is_equality && nulls {
            return Kind::Bool;
        }
        if !left.compares_with(right) {
            self.fault_somewhere(
                format!("compares {} with {}", left.name(), right.name()),
                "both sides must be of one kind",
            );
        } else if !(is_equality || left.is_ordered() && right.is_ordered()) {
            let kind = if left.is_ordered() { right } else { left };
            self.fault_somewhere(
                format!("asks whether {} is less or more", kind.name()),
                "compare it with == or !=",
            );
        }
        if left == Kind::Risk || right == Kind::Risk {
            for side in &call.args {
                self.risk_word(side);
            }
        }
        Kind::Bool
    }

    /// `x in list`. Words in a list of levels of risk are checked, so the list stands in the condition.
    pub(super) fn membership(&mut self, call: &CallExpr, left: Kind, right: Kind) -> Kind {
        if !right.may_be(Kind::List) && right != Kind::Map {
            self.fault_somewhere(
                format!("looks for something in {}", right.name()),
                "write a list, as in [\"a\", \"b\"]",
            );
        }
        if !matches!(left, Kind::Risk | Kind::Amount) {
            return Kind::Bool;
        }
        let Some(IdedExpr { expr: Expr::List(list), .. }) = call.args.last() else {
            self.fault_somewhere(
                format!("looks for {} in a list that is not spelled out", left.name()),
                "write the list here, or compare with ==",
            );
            return Kind::Bool;
        };
        if list.elements.is_empty() {
            self.fault_somewhere(
                "looks for something in an empty list".to_owned(),
                "write what may be in it",
            );
        }
        if left == Kind::Risk {
            for element in &list.elements {
                self.risk_word(element);
            }
        }
        Kind::Bool
    }
}

//! Comparisons.

use cel::{
    IdedExpr,
    common::ast::{CallExpr, Expr, operators},
};

use super::{Checker, Kind};

/// The sign that says the same with its sides exchanged.
fn mirrored(sign: &str) -> Option<&'static str> {
    Some(match sign {
        operators::EQUALS => operators::EQUALS,
        operators::NOT_EQUALS => operators::NOT_EQUALS,
        operators::LESS => operators::GREATER,
        operators::LESS_EQUALS => operators::GREATER_EQUALS,
        operators::GREATER => operators::LESS,
        operators::GREATER_EQUALS => operators::LESS_EQUALS,
        _ => return None,
    })
}

impl Checker<'_> {
    /// `==`, `<` and their kin. Levels of risk and amounts know how to compare themselves with words and numbers, which do
    /// not know them: they come first.
    pub(super) fn comparison(&mut self, call: &mut CallExpr, left: Kind, right: Kind) -> Kind {
        let is_special = |kind| matches!(kind, Kind::Risk | Kind::Amount);
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
        if is_special(right)
            && !is_special(left)
            && let Some(sign) = mirrored(&call.func_name)
        {
            call.args.reverse();
            sign.clone_into(&mut call.func_name);
        }
        Kind::Bool
    }

    /// `x in list`. A list asks its words whether they equal a risk, which they never do: the risk is asked instead.
    pub(super) fn membership(&mut self, expression: &mut IdedExpr, left: Kind, right: Kind) -> Kind {
        if !right.may_be(Kind::List) && right != Kind::Map {
            self.fault_somewhere(
                format!("looks for something in {}", right.name()),
                "write a list, as in [\"a\", \"b\"]",
            );
        }
        if !matches!(left, Kind::Risk | Kind::Amount) {
            return Kind::Bool;
        }
        let Expr::Call(call) = &mut expression.expr else { return Kind::Bool };
        let mut sides = std::mem::take(&mut call.args).into_iter();
        let (Some(one), Some(IdedExpr { expr: Expr::List(list), .. })) = (sides.next(), sides.next()) else {
            self.fault_somewhere(
                format!("looks for {} in a list that is not spelled out", left.name()),
                "write the list here, or compare with ==",
            );
            return Kind::Bool;
        };
        let id = expression.id;
        let node = |func_name: &str, args| {
            let func_name = func_name.to_owned();
            IdedExpr { id, expr: Expr::Call(CallExpr { func_name, target: None, args }) }
        };
        let mut any: Option<IdedExpr> = None;
        for element in list.elements {
            if left == Kind::Risk {
                self.risk_word(&element);
            }
            let equal = node(operators::EQUALS, vec![one.clone(), element]);
            any = Some(match any {
                Some(before) => node(operators::LOGICAL_OR, vec![before, equal]),
                None => equal,
            });
        }
        match any {
            Some(any) => *expression = any,
            None => self.fault_somewhere(
                "looks for something in an empty list".to_owned(),
                "write what may be in it",
            ),
        }
        Kind::Bool
    }
}

//! `risk` in conditions: a level that is ordered as risks are, and compares with its word.

use std::{any::Any, cmp::Ordering};

use cel::{
    ExecutionError,
    common::{
        traits::Comparer,
        types::{CelString, Type},
        value::{StaticVal, Val},
    },
};

use crate::model::Risk;

static RISK: Type = Type::new_unspecified_type("risk");

#[derive(Clone, Copy, Debug)]
pub(super) struct RiskLevel(pub(super) Risk);

impl Val for RiskLevel {
    fn get_type(&self) -> &Type {
        &RISK
    }

    fn cel_type() -> &'static Type {
        &RISK
    }

    fn as_comparer(&self) -> Option<&dyn Comparer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        level(other) == Some(self.0)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for RiskLevel {}

impl Comparer for RiskLevel {
    fn compare(&self, other: &dyn Val) -> Result<Ordering, ExecutionError> {
        level(other).map(|other| self.0.cmp(&other)).ok_or_else(|| {
            ExecutionError::function_error("risk", "is compared with what is no level of risk")
        })
    }
}

fn level(value: &dyn Val) -> Option<Risk> {
    match (value.downcast_ref::<RiskLevel>(), value.downcast_ref::<CelString<'_>>()) {
        (Some(level), _) => Some(level.0),
        (None, Some(word)) => word.inner().parse().ok(),
        (None, None) => None,
    }
}

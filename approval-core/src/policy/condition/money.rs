//! Amounts of money in conditions: exact decimals.

use std::{any::Any, cmp::Ordering};

use cel::{
    ExecutionError,
    common::{
        traits::{Adder, Comparer, Divider, Multiplier, Subtractor},
        types::{CelDouble, CelInt, CelUInt, Type},
        value::{CowVal, StaticVal, Val},
    },
};
use rust_decimal::Decimal;

static AMOUNT: Type = Type::new_unspecified_type("amount");

/// An amount in US dollars.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amount(pub(super) Decimal);

impl Val for Amount {
    fn get_type(&self) -> &Type {
        &AMOUNT
    }

    fn cel_type() -> &'static Type {
        &AMOUNT
    }

    fn as_adder<'b, 'v>(&'b self) -> Option<&'b (dyn Adder + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_subtractor<'b, 'v>(&'b self) -> Option<&'b (dyn Subtractor + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_multiplier<'b, 'v>(&'b self) -> Option<&'b (dyn Multiplier + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_divider<'b, 'v>(&'b self) -> Option<&'b (dyn Divider + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_comparer(&self) -> Option<&dyn Comparer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        number(other) == Some(self.0)
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

impl StaticVal for Amount {}

impl Comparer for Amount {
    fn compare(&self, other: &dyn Val) -> Result<Ordering, ExecutionError> {
        number(other)
            .map(|other| self.0.cmp(&other))
            .ok_or_else(|| ExecutionError::function_error("amount", "is compared with what is no number"))
    }
}

impl Amount {
    fn with<'b, 'v>(
        &self,
        other: &(dyn Val + 'v),
        sign: &str,
        compute: impl FnOnce(Decimal, Decimal) -> Option<Decimal>,
    ) -> Result<CowVal<'b, 'v>, ExecutionError> {
        number(other)
            .and_then(|other| compute(self.0, other))
            .map(|result| CowVal::owned(Self(result)))
            .ok_or_else(|| ExecutionError::function_error("amount", format!("`{sign}` cannot be computed")))
    }
}

impl Adder for Amount {
    fn add<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.with(other, "+", Decimal::checked_add)
    }
}

impl Subtractor for Amount {
    fn sub<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.with(other, "-", Decimal::checked_sub)
    }
}

impl Multiplier for Amount {
    fn mul<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.with(other, "*", Decimal::checked_mul)
    }
}

impl Divider for Amount {
    fn div<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.with(other, "/", Decimal::checked_div)
    }
}

/// The number that a value is, as it was written: 100.1 in a condition is 100.1, not the nearest double.
fn number(value: &dyn Val) -> Option<Decimal> {
    if let Some(amount) = value.downcast_ref::<Amount>() {
        Some(amount.0)
    } else if let Some(whole) = value.downcast_ref::<CelInt>() {
        Some((*whole.inner()).into())
    } else if let Some(whole) = value.downcast_ref::<CelUInt>() {
        Some((*whole.inner()).into())
    } else if let Some(double) = value.downcast_ref::<CelDouble>() {
        Decimal::from_str_exact(&double.inner().to_string()).ok()
    } else {
        None
    }
}

//! Amounts of money.

use std::{borrow::Cow, cmp::Ordering, fmt, str::FromStr};

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::error::Invalid;

/// An amount in a currency, exact. In JSON the amount is a decimal string: `{"amount":"12.50","currency":"USD"}`.
///
/// ```
/// use approval_core::Money;
/// let cost: Money = "12.50 USD".parse()?;
/// assert_eq!(cost.to_string(), "12.50 USD");
/// # Ok::<(), approval_core::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

/// Three upper-case letters of ISO 4217.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// As it stands in JSON: for parameters that approvers may edit.
impl JsonSchema for Currency {
    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$" })
    }
}

/// As it stands in JSON: for parameters that approvers may edit.
impl JsonSchema for Money {
    fn schema_name() -> Cow<'static, str> {
        "Money".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "properties": {
                "amount": Self::amount_schema(generator),
                "currency": generator.subschema_for::<Currency>(),
            },
            "required": ["amount", "currency"],
        })
    }
}

impl Currency {
    /// US dollars.
    pub const USD: Self = Self(*b"USD");
}

impl Money {
    /// What an amount looks like in JSON.
    pub(super) fn amount_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": r"^-?[0-9]{1,28}(\.[0-9]{1,28})?$" })
    }

    /// `amount` in `currency`.
    #[must_use]
    pub const fn new(amount: Decimal, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// The exact amount.
    #[must_use]
    pub const fn amount(&self) -> Decimal {
        self.amount
    }

    /// The amount without its sign: what thresholds and limits compare, so that money that is given back (a credit) counts as
    /// much as money that is spent.
    ///
    /// ```
    /// use approval_core::Money;
    /// let credit: Money = "-100000 USD".parse()?;
    /// assert_eq!(credit.magnitude().to_string(), "100000 USD");
    /// # Ok::<(), approval_core::Invalid>(())
    /// ```
    #[must_use]
    pub fn magnitude(&self) -> Self {
        Self { amount: self.amount.abs(), currency: self.currency }
    }

    /// Whether it is less than nothing.
    #[must_use]
    pub const fn is_negative(&self) -> bool {
        self.amount.is_sign_negative() && !self.amount.is_zero()
    }

    /// The currency.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }
}

/// Amounts in one currency are ordered. In two currencies neither is less, equal or more, so that a limit in euros says
/// nothing about a price in yen: write rules as "allow what is at most the limit".
///
/// ```
/// use approval_core::Money;
/// let limit: Money = "50 EUR".parse()?;
/// assert!("49.99 EUR".parse::<Money>()? <= limit);
/// assert!(!("1 JPY".parse::<Money>()? <= limit));
/// # Ok::<(), approval_core::Invalid>(())
/// ```
impl PartialOrd for Money {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self.currency == other.currency).then(|| self.amount.cmp(&other.amount))
    }
}

impl FromStr for Currency {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(Invalid::new("currency", text, "is not three capital letters")
                .hint("write a code of ISO 4217 such as USD")),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.to_string()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl FromStr for Money {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let bad = || {
            Invalid::new("amount of money", text, "is not a number and a currency")
                .hint("write it as 12.50 USD")
        };
        let (amount, currency) = text.trim().split_once(' ').ok_or_else(bad)?;
        Ok(Self { amount: amount.parse().map_err(|_| bad())?, currency: currency.trim().parse()? })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_the_amount_as_text() {
        let cost: Money = "0.10 EUR".parse().unwrap();
        let json = serde_json::to_string(&cost).unwrap();
        assert_eq!(json, r#"{"amount":"0.10","currency":"EUR"}"#);
        assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), cost);
    }

    #[test]
    fn only_one_currency_is_ordered() {
        let money = |text: &str| text.parse::<Money>().unwrap();
        assert!(money("50.00 EUR") <= money("50 EUR") && money("50.01 EUR") > money("50 EUR"));
        assert_eq!(money("1 USD").partial_cmp(&money("2 EUR")), None);
        assert_eq!(money("1 USD").partial_cmp(&money("1 EUR")), None);
    }

    #[test]
    fn what_is_not_money_is_refused() {
        for text in ["12", "USD", "12 usd", "x USD", "1e999 USD", ""] {
            assert!(text.parse::<Money>().is_err(), "{text:?}");
        }
    }
}

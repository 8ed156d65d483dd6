//! The fields of each kind.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::model::{Currency, Money};

/// An e-mail is sent: kind `send_email`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SendEmail {
    /// To whom; in arguments that were written elsewhere also a single address.
    #[serde(deserialize_with = "one_or_more")]
    pub to: Vec<String>,
    /// What it is about.
    pub subject: String,
    /// What it says, or how it begins.
    pub preview: String,
    /// Names of the files that go along: of those that are [attached](crate::Action::attach) to the request, too, where
    /// people shall see them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<String>,
}

/// Data is deleted: kind `delete_data`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeleteData {
    /// What sort of thing, such as `customer`.
    pub resource_type: String,
    /// Which one.
    #[serde(deserialize_with = "text_or_number")]
    pub resource_id: String,
    /// What people should know before they say yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// Something is bought: kind `purchase`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Purchase {
    /// For how much; in JSON a decimal string, or a number in arguments that were written elsewhere.
    #[schemars(schema_with = "Money::amount_schema")]
    pub amount: Decimal,
    /// In which currency.
    pub currency: Currency,
    /// Of whom.
    pub vendor: String,
    /// What.
    pub description: String,
}

impl Purchase {
    /// A purchase for this price, which may be read from a text: `"12.50 EUR".parse()?`.
    #[must_use]
    pub fn new(price: Money, vendor: impl Into<String>, description: impl Into<String>) -> Self {
        let (amount, currency) = (price.amount(), price.currency());
        Self { amount, currency, vendor: vendor.into(), description: description.into() }
    }

    /// Amount and currency.
    #[must_use]
    pub const fn price(&self) -> Money {
        Money::new(self.amount, self.currency)
    }
}

/// A setting is changed: kind `config_change`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigChange {
    /// Which one.
    pub setting_name: String,
    /// What it is now.
    pub old_value: Value,
    /// What it is to be.
    pub new_value: Value,
}

/// Anything else: kind `custom`, which is that of every action of which nothing is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Custom {
    /// In a few words.
    pub title: String,
    /// In more words.
    pub description: String,
    /// Whatever else there is.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Texts {
        One(String),
        More(Vec<String>),
    }
    Ok(match Texts::deserialize(deserializer)? {
        Texts::One(text) => vec![text],
        Texts::More(texts) => texts,
    })
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(String),
        Positive(u64),
        Negative(i64),
    }
    Ok(match Id::deserialize(deserializer)? {
        Id::Text(text) => text,
        Id::Positive(number) => number.to_string(),
        Id::Negative(number) => number.to_string(),
    })
}

//! A plain question to people, answered with a value.

use serde::{Deserialize, Serialize};

use super::Text;

/// A choice that an answer may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerOption {
    /// The value, as JSON text, that choosing it gives.
    pub value: Text,
    /// What people read.
    pub title: Text,
}

/// What is asked, and what counts as an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question. Agent text: shown as data.
    pub text: Text,
    /// JSON Schema (draft 2020-12) of the answer.
    pub schema: Text,
    /// Choices, if the answer is one of a few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<AnswerOption>,
    /// How many equal answers decide. At least 1.
    pub agree: u32,
}

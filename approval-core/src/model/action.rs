//! What an agent wants to do.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::error::Invalid;

/// A short text that many requests share.
pub type Text = Arc<str>;

macro_rules! level {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every level, lowest first.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it in files and in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(Invalid::new($what, text, "is unknown").hint(concat!("write one of", $(" ", $text),+))),
                }
            }
        }
    };
}

level! {
    /// How bad it would be if the action were wrong.
    Risk, "risk" {
        /// Reads what everybody may read.
        Minimal = "minimal",
        /// Easily undone.
        Low = "low",
        /// Undone with some effort. The default.
        Medium = "medium",
        /// Hard to undo, or costs money.
        High = "high",
        /// Cannot be undone.
        Critical = "critical",
    }
}

level! {
    /// How soon an approver should look.
    Priority, "priority" {
        /// When there is time.
        Low = "low",
        /// In the course of the work.
        Medium = "medium",
        /// Soon.
        High = "high",
        /// Now, at any hour.
        Critical = "critical",
    }
}

impl Risk {
    /// The priority of a request that names none.
    #[must_use]
    pub const fn priority(self) -> Priority {
        match self {
            Self::Minimal | Self::Low => Priority::Low,
            Self::Medium => Priority::Medium,
            Self::High => Priority::High,
            Self::Critical => Priority::Critical,
        }
    }
}

/// The dotted name of an action, such as `payments.refund`: lower-case letters, digits and underscores between dots.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ActionName(Text);

/// Longest name of an action, in bytes.
pub const ACTION_NAME_LIMIT: usize = 128;

impl ActionName {
    /// Reads a name.
    ///
    /// # Errors
    /// When it is empty, longer than 128 bytes, or has a part that is empty or has other characters than `a-z 0-9 _`.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        let plain = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        if text.len() <= ACTION_NAME_LIMIT && text.split('.').all(plain) {
            Ok(Self(text.into()))
        } else {
            Err(Invalid::new("action name", text, "is not lower-case words between dots")
                .hint("write it as payments.refund"))
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as shared text.
    #[must_use]
    pub fn text(&self) -> Text {
        Arc::clone(&self.0)
    }
}

impl fmt::Display for ActionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ActionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActionName({})", self.0)
    }
}

impl FromStr for ActionName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::new(text)
    }
}

impl TryFrom<String> for ActionName {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::new(&text)
    }
}

impl From<ActionName> for String {
    fn from(name: ActionName) -> Self {
        name.0.as_ref().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_and_read_back() {
        assert!(Risk::Minimal < Risk::Critical && Priority::Low < Priority::Critical);
        for risk in Risk::ALL {
            assert_eq!(risk.to_string().parse::<Risk>().unwrap(), *risk);
        }
        assert!(
            "severe".parse::<Risk>().unwrap_err().to_string().contains("minimal low medium high critical")
        );
    }

    #[test]
    fn action_names_are_plain() {
        assert!(ActionName::new("payments.refund").is_ok());
        for bad in ["", ".", "a..b", "A.b", "a b", "a.b.", "päy", &"a".repeat(129)] {
            assert!(ActionName::new(bad).is_err(), "{bad:?}");
        }
    }
}

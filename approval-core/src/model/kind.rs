//! Sorts of actions that people know, with their fields.

mod fields;
mod read;
#[cfg(test)]
mod tests;

use super::{CanonicalJson, Request};

pub use fields::{ConfigChange, Custom, DeleteData, Purchase, SendEmail};

/// An action of a sort that people know, with the fields that it has: for channels that draw a purchase otherwise than an
/// e-mail, and for agents that ask about one in a line ([`Action::purchase`](crate::Action::purchase) and its like).
///
/// The kind of an action is an open word ([`ActionInfo::kind`](super::ActionInfo::kind)); these five have fields. The
/// structs can be parameters of a guarded function, too:
///
/// ```no_run
/// use approval_core::{ApprovalError, ApprovalManager, guarded_action, model::DeleteData};
///
/// #[guarded_action(name = "customers.delete", kind = "delete_data", manager = approvals, approvers("user:ann@example.com"))]
/// async fn delete(approvals: &ApprovalManager, data: DeleteData) -> Result<(), ApprovalError> {
///     Ok(())
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ActionKind {
    /// `send_email`
    SendEmail(SendEmail),
    /// `delete_data`
    DeleteData(DeleteData),
    /// `purchase`
    Purchase(Purchase),
    /// `config_change`
    ConfigChange(ConfigChange),
    /// `custom`
    Custom(Custom),
}

/// What stands for a value that is kept secret from people.
pub const REDACTED: &str = "[redacted]";

impl ActionKind {
    /// The words of all kinds that have fields.
    pub const NAMES: &'static [&'static str] =
        &["send_email", "delete_data", "purchase", "config_change", "custom"];

    /// The fields of a request's kind, as they stand after the last edit. `None` where the kind has none, or the arguments
    /// do not have them: draw the plain arguments then.
    ///
    /// All of it is read from the arguments, which the digest binds: from their own members, or from those of the one
    /// argument that has them all. The arguments may hold more, so a page that shows this still shows all of them. A secret
    /// text reads as [`REDACTED`]; where another field is secret, there is no kind.
    #[must_use]
    pub fn of(request: &Request) -> Option<Self> {
        if request.question.is_some() {
            return None;
        }
        Self::read(&request.action.kind, &request.revision.arguments)
    }

    /// The fields of a kind in these arguments.
    fn read(kind: &str, arguments: &CanonicalJson) -> Option<Self> {
        if !Self::NAMES.contains(&kind) {
            return None;
        }
        let arguments = read::exact(arguments)?;
        match kind {
            "send_email" => read::fields(&arguments).map(Self::SendEmail),
            "delete_data" => read::fields(&arguments).map(Self::DeleteData),
            "purchase" => read::fields(&arguments).map(Self::Purchase),
            "config_change" => read::fields(&arguments).map(Self::ConfigChange),
            _ => read::fields(&arguments).map(Self::Custom),
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SendEmail(_) => "send_email",
            Self::DeleteData(_) => "delete_data",
            Self::Purchase(_) => "purchase",
            Self::ConfigChange(_) => "config_change",
            Self::Custom(_) => "custom",
        }
    }
}

macro_rules! from {
    ($($kind:ident),+) => {
        $(impl From<$kind> for ActionKind {
            fn from(fields: $kind) -> Self {
                Self::$kind(fields)
            }
        })+
    };
}

from!(SendEmail, DeleteData, Purchase, ConfigChange, Custom);

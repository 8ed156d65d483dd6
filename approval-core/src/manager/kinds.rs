//! Calls of the kinds that people know, in a line.

use serde::Serialize;

use super::{Action, ActionSpec};
use crate::{
    error::Invalid,
    model::{ActionKind, ConfigChange, Custom, DeleteData, Purchase, SendEmail},
};

impl Action {
    /// Sends an e-mail: the action `email.send`. Say who decides with [`Action::describe`], or leave it to the policy.
    ///
    /// ```
    /// use approval_core::{Action, model::{Attachment, SendEmail}};
    ///
    /// let offer = SendEmail {
    ///     to: vec!["bob@example.com".to_owned()],
    ///     subject: "Our offer".to_owned(),
    ///     preview: "Dear Bob, as agreed …".to_owned(),
    ///     attachments: vec!["offer.txt".to_owned()],
    /// };
    /// let action = Action::send_email(offer)?
    ///     .attach(Attachment::text("offer.txt", "ten chairs, 900 EUR"))?
    ///     .describe(|action| action.approvers(["user:ann@example.com"]))?;
    /// # Ok::<(), approval_core::Invalid>(())
    /// ```
    ///
    /// # Errors
    /// When the fields cannot be encoded.
    pub fn send_email(email: SendEmail) -> Result<Self, Invalid> {
        Self::new("email.send")?.kind_fields(email)
    }

    /// Deletes data: the action `data.delete`.
    ///
    /// # Errors
    /// When the fields cannot be encoded.
    pub fn delete_data(data: DeleteData) -> Result<Self, Invalid> {
        Self::new("data.delete")?.kind_fields(data)
    }

    /// Buys something: the action `payments.purchase`. Its price is its cost.
    ///
    /// # Errors
    /// When the fields cannot be encoded.
    pub fn purchase(purchase: Purchase) -> Result<Self, Invalid> {
        Self::new("payments.purchase")?.kind_fields(purchase)
    }

    /// Changes a setting: the action `config.change`.
    ///
    /// # Errors
    /// When the fields cannot be encoded.
    pub fn change_config(change: ConfigChange) -> Result<Self, Invalid> {
        Self::new("config.change")?.kind_fields(change)
    }

    /// Does anything else: the action `name`.
    ///
    /// # Errors
    /// When it is no name of an action, or the fields cannot be encoded.
    pub fn custom(name: &str, custom: Custom) -> Result<Self, Invalid> {
        Self::new(name)?.kind_fields(custom)
    }

    /// Makes the call one of this kind, under the name that it has: the fields become its arguments; description and cost
    /// follow from them, unless something else was said about them before.
    ///
    /// ```
    /// use approval_core::{Action, model::DeleteData};
    ///
    /// let (resource_type, resource_id) = ("customer".to_owned(), "cust-9".to_owned());
    /// let action = Action::new("crm.forget")?.kind_fields(DeleteData { resource_type, resource_id, warning: None })?;
    /// # Ok::<(), approval_core::Invalid>(())
    /// ```
    ///
    /// # Errors
    /// When the fields cannot be encoded.
    pub fn kind_fields(self, kind: impl Into<ActionKind>) -> Result<Self, Invalid> {
        let kind = kind.into();
        let call = self.describe(|spec| Ok(described(spec, &kind)))?;
        match &kind {
            ActionKind::SendEmail(fields) => call.fields(fields),
            ActionKind::DeleteData(fields) => call.fields(fields),
            ActionKind::Purchase(fields) => call.fields(fields),
            ActionKind::ConfigChange(fields) => call.fields(fields),
            ActionKind::Custom(fields) => call.fields(fields),
        }
    }

    fn fields<T: Serialize>(self, fields: &T) -> Result<Self, Invalid> {
        self.arguments(fields)
    }
}

fn described(spec: ActionSpec, kind: &ActionKind) -> ActionSpec {
    let description = match kind {
        ActionKind::SendEmail(_) => "Send an e-mail to {to}: {subject}",
        ActionKind::DeleteData(_) => "Delete {resource_type} {resource_id}",
        ActionKind::Purchase(_) => "Buy from {vendor} for {amount} {currency}: {description}",
        ActionKind::ConfigChange(_) => "Change {setting_name} from {old_value} to {new_value}",
        ActionKind::Custom(_) => "{title}",
    };
    let mut spec = spec.kind(kind.name());
    if spec.info.description.is_empty() {
        spec = spec.description(description);
    }
    if let ActionKind::Purchase(purchase) = kind
        && spec.info.cost.is_none()
    {
        spec = spec.cost(&format!("{{amount}} {}", purchase.currency));
    }
    spec
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_said_before_stays() {
        let purchase = || Purchase::new("12.50 EUR".parse().unwrap(), "ACME", "paper");
        let plain = Action::purchase(purchase()).unwrap();
        let info = &plain.spec().info;
        assert_eq!((info.name.as_str(), &*info.kind), ("payments.purchase", "purchase"));
        assert_eq!(info.cost.as_deref(), Some("{amount} EUR"));
        assert_eq!(
            plain.arguments.to_value().unwrap(),
            json!({"amount": "12.50", "currency": "EUR", "vendor": "ACME", "description": "paper"})
        );
        let described = Action::new("shop.order")
            .unwrap()
            .describe(|action| Ok(action.description("Order {description}").cost("1 USD")))
            .unwrap()
            .kind_fields(purchase())
            .unwrap();
        let info = &described.spec().info;
        assert_eq!((info.name.as_str(), &*info.kind), ("shop.order", "purchase"));
        assert_eq!((&*info.description, info.cost.as_deref()), ("Order {description}", Some("1 USD")));
    }
}

//! The fields of actions whose kind people know. All arguments follow below in any case.

use approval_core::model::{ActionKind, ConfigChange, Custom, DeleteData, Purchase, SendEmail};

use super::super::text::{Page, Style};
use super::super::view::View;
use super::{enclosed, field};

/// What the kind of the action has to say. How many lines of the screen its longer texts take.
pub(super) fn fields(page: &mut Page, view: &View, width: Option<usize>) -> usize {
    match &view.kind {
        Some(ActionKind::SendEmail(email)) => send_email(page, email, view, width),
        Some(ActionKind::DeleteData(data)) => delete_data(page, data, width),
        Some(ActionKind::Purchase(purchase)) => self::purchase(page, purchase, width),
        Some(ActionKind::ConfigChange(change)) => config_change(page, change),
        Some(ActionKind::Custom(custom)) => self::custom(page, custom, width),
        // One that this terminal does not know yet: its arguments are there.
        None | Some(_) => 0,
    }
}

fn send_email(page: &mut Page, email: &SendEmail, view: &View, width: Option<usize>) -> usize {
    if email.to.is_empty() {
        field(page, "e-mail to", Style::Warning, "nobody");
    }
    for (index, to) in email.to.iter().enumerate() {
        field(page, if index == 0 { "e-mail to" } else { "" }, Style::Plain, to);
    }
    let rows = text(page, "subject", Style::Plain, &email.subject, width)
        + text(page, "text", Style::Plain, &email.preview, width);
    for name in &email.attachments {
        let (style, remark) = if view.attachments.iter().any(|one| one.name == *name) {
            (Style::Plain, "attached below")
        } else {
            (Style::Warning, "not attached here")
        };
        field(page, "file", style, &format!("{} ({remark})", serde_json::Value::from(&**name)));
    }
    rows
}

fn delete_data(page: &mut Page, data: &DeleteData, width: Option<usize>) -> usize {
    text(page, "deletes", Style::Warning, &data.resource_type, width)
        + text(page, "which", Style::Warning, &data.resource_id, width)
        + data.warning.as_ref().map_or(0, |warning| text(page, "warning", Style::Danger, warning, width))
}

fn purchase(page: &mut Page, purchase: &Purchase, width: Option<usize>) -> usize {
    field(page, "price", Style::Warning, &purchase.price().to_string());
    text(page, "vendor", Style::Plain, &purchase.vendor, width)
        + text(page, "for", Style::Plain, &purchase.description, width)
}

/// As JSON, so that it is clear which of the values is a text, and where one ends.
fn config_change(page: &mut Page, change: &ConfigChange) -> usize {
    field(page, "setting", Style::Plain, &change.setting_name);
    field(page, "change", Style::Warning, &format!("{} -> {}", change.old_value, change.new_value));
    0
}

fn custom(page: &mut Page, custom: &Custom, width: Option<usize>) -> usize {
    let rows = text(page, "title", Style::Plain, &custom.title, width)
        + text(page, "details", Style::Plain, &custom.description, width);
    // In the order of their names, as the arguments below: the map itself keeps another one where some crate asks for that.
    let metadata: std::collections::BTreeMap<_, _> = custom.metadata.iter().collect();
    for (name, value) in metadata {
        field(page, "with", Style::Plain, &format!("{} = {value}", serde_json::Value::from(&**name)));
    }
    rows
}

/// A text on its line, or below it if it has several.
fn text(page: &mut Page, label: &str, style: Style, text: &str, width: Option<usize>) -> usize {
    if text.contains(['\n', '\r']) {
        field(page, label, style, &format!("{} bytes", text.len()));
        enclosed::quoted(page, text, width)
    } else {
        field(page, label, style, text);
        0
    }
}

#[cfg(test)]
mod tests {
    use approval_core::model::visible::{is_hidden, visible_line};
    use serde_json::json;

    use super::super::super::sample::{now, view};
    use super::super::super::text::Look;
    use super::super::super::view::Attached;
    use super::super::request;
    use super::*;

    fn shown(kind: impl Into<ActionKind>, attached: &[&str]) -> String {
        let attachments = attached.iter().map(|name| Attached {
            name: (*name).to_owned(),
            what: "application/pdf, 1 byte".to_owned(),
            text: None,
        });
        let view = View { kind: Some(kind.into()), attachments: attachments.collect(), ..view() };
        request(&view, now(), None).paint(Look { colour: false, width: None })
    }

    fn email(to: &[&str], subject: &str, preview: &str) -> SendEmail {
        SendEmail {
            to: to.iter().copied().map(str::to_owned).collect(),
            subject: subject.to_owned(),
            preview: preview.to_owned(),
            attachments: vec!["a.pdf".to_owned(), "b.pdf".to_owned()],
        }
    }

    /// What stands between the description and the risk.
    fn drawn(text: &str) -> Vec<&str> {
        text.lines().skip(2).take_while(|line| !line.starts_with("  risk")).collect()
    }

    #[test]
    fn each_kind_is_drawn_in_its_way_and_all_arguments_follow() {
        let purchase = Purchase::new("1200.00 USD".parse().unwrap(), "ACME", "ten chairs");
        let delete = DeleteData {
            resource_type: "customer".to_owned(),
            resource_id: "cust-9".to_owned(),
            warning: Some("cannot be undone".to_owned()),
        };
        let change = ConfigChange {
            setting_name: "payments.limit".to_owned(),
            old_value: json!("3 -> 4"),
            new_value: json!({"at_most": 5}),
        };
        let custom = Custom {
            title: "Restart".to_owned(),
            description: "the server".to_owned(),
            metadata: json!({"zone": "b", "at": 3}).as_object().unwrap().clone(),
        };
        let email = email(&["bob@example.com", "cat@example.com"], "Offer", "Dear Bob,\nhello");
        let cases: [(String, &[&str]); 5] = [
            (
                shown(purchase, &[]),
                &["  price       1200.00 USD", "  vendor      ACME", "  for         ten chairs"],
            ),
            (
                shown(delete, &[]),
                &["  deletes     customer", "  which       cust-9", "  warning     cannot be undone"],
            ),
            (
                shown(change, &[]),
                &["  setting     payments.limit", "  change      \"3 -> 4\" -> {\"at_most\":5}"],
            ),
            (
                shown(custom, &[]),
                &[
                    "  title       Restart",
                    "  details     the server",
                    "  with        \"at\" = 3",
                    "  with        \"zone\" = \"b\"",
                ],
            ),
            (
                shown(email, &["a.pdf"]),
                &[
                    "  e-mail to   bob@example.com",
                    "              cat@example.com",
                    "  subject     Offer",
                    "  text        15 bytes",
                    "  | \"Dear Bob,\\n",
                    "  |     hello\"",
                    "  file        \"a.pdf\" (attached below)",
                    "  file        \"b.pdf\" (not attached here)",
                ],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(drawn(&text), expected, "{text}");
            assert!(text.contains("\n  arguments ") && text.contains("\"cents\": 120000"), "{text}");
        }
        let text = shown(self::email(&[], "a", "b"), &[]);
        assert!(text.contains("  e-mail to   nobody\n"), "{text}");
    }

    #[test]
    fn hostile_fields_are_neutral_and_whole() {
        let hostile = "\u{1b}[2J\u{202e}x\u{200b}\n  risk        minimal\r\u{9b}31m";
        let text = hostile.to_owned();
        let all: Vec<ActionKind> = vec![
            email(&[hostile], hostile, hostile).into(),
            SendEmail { attachments: vec![text.clone()], ..email(&[], "", "") }.into(),
            DeleteData {
                resource_type: text.clone(),
                resource_id: text.clone(),
                warning: Some(text.clone()),
            }
            .into(),
            Purchase::new("1 USD".parse().unwrap(), hostile, hostile).into(),
            ConfigChange { setting_name: text.clone(), old_value: json!(text), new_value: json!([text]) }
                .into(),
            Custom {
                title: text.clone(),
                description: text.clone(),
                metadata: json!({text.as_str(): text}).as_object().unwrap().clone(),
            }
            .into(),
        ];
        for kind in all {
            let output = shown(kind, &[]);
            assert!(!output.lines().any(|line| line.chars().any(is_hidden)), "{output:?}");
            let risks = output.lines().filter(|line| line.starts_with("  risk")).count();
            assert_eq!(risks, 1, "{output}");
            let joined: String = output.lines().map(|line| line.trim_matches([' ', '|'])).collect();
            let squeezed = |text: &str| text.replace(' ', "");
            let quoted = squeezed(&visible_line(&json!(hostile).to_string()));
            let plain = squeezed(&visible_line(hostile));
            let joined = squeezed(&joined);
            assert!(joined.contains(&quoted) || joined.contains(&plain), "{output}");
        }
    }
}

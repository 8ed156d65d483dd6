//! What people in the room read.

use std::fmt::Write as _;

use approval_core::{
    model::visible::{visible, visible_line},
    notify::Notice,
};
use serde_json::Value;

use super::Fault;

/// Everything about a request, with nothing hidden.
pub(super) fn page(notice: &Notice, fault: Option<Fault>) -> String {
    let shown = |text: &str| match fault {
        Some(Fault::ShowsTextAsItIs) => text.to_owned(),
        Some(Fault::CutsLongTexts) => visible(text).chars().take(500).collect(),
        _ => visible(text).into_owned(),
    };
    let request = &notice.request;
    let mut page = format!("{} by {}", request.action.name, request.requester);
    let mut line = |name: &str, text: &str| writeln!(page, "\n{name}: {}", shown(text)).unwrap();
    line("status", request.status.as_str());
    line("risk", request.risk.as_str());
    if let Some(person) = &request.on_behalf_of {
        line("on behalf of", person.as_str());
    }
    if let Some(intent) = request.intent.as_ref().filter(|_| fault != Some(Fault::HidesTheIntent)) {
        line("it says", intent);
    }
    line("what", &request.revision.description);
    if let Some(cost) = &request.revision.cost {
        line("cost", &cost.to_string());
    }
    if let Some(question) = &request.question {
        line("question", &question.text);
        for option in question.options.iter().filter(|_| fault != Some(Fault::HidesOptions)) {
            line(&visible_line(&option.title), &option.value);
        }
    }
    if request.question.is_some() {
        return page;
    }
    if let Some(preview) = request.preview().filter(|_| fault != Some(Fault::HidesThePreview)) {
        line("preview", &preview.in_words(request.revision.number));
    }
    for attached in request.attachments().iter().filter(|_| fault != Some(Fault::HidesAttachments)) {
        let place = attached.address().unwrap_or("here");
        let sha256 = attached.sha256().map(ToString::to_string).unwrap_or_default();
        line("attached", &format!("{} {} {place} {sha256}", attached.name(), attached.media_type()));
    }
    let value: Value = serde_json::from_str(request.revision.arguments.as_str()).unwrap();
    let mut arguments = String::new();
    flat(&value, fault, &mut arguments);
    line("arguments", &arguments);
    page
}

/// JSON with its escapes undone, so that it reads as it will run.
fn flat(value: &Value, fault: Option<Fault>, out: &mut String) {
    match value {
        Value::Object(members) if members.contains_key("$redacted") => {
            let said = if fault == Some(Fault::HidesRedaction) { "?" } else { "(redacted)" };
            out.push_str(said);
        }
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            write!(out, "{key} = ").unwrap();
            flat(value, fault, out);
            out.push('\n');
        }),
        Value::Array(items) => items.iter().for_each(|item| flat(item, fault, out)),
        Value::String(text) => out.push_str(text),
        other => write!(out, "{other}").unwrap(),
    }
}

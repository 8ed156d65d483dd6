//! From a request to lines of text. Whole: whatever the size, every argument is printed.

use std::fmt::Write as _;

use approval_core::clock::Timestamp;
use approval_core::model::visible::{Suspicion, suspicious_words};

mod enclosed;
mod kind;

use super::form;
use super::json;
use super::text::{Line, Page, Style};
use super::view::{Matter, Severity, View};

/// Columns of the field names on the left.
const LABEL: usize = 12;
/// A request of more lines than this has scrolled the beginning off a common screen.
const LONG: usize = 20;

/// The whole request as seen at `now`; `width` is that of the terminal, if there is one.
pub(super) fn request(view: &View, now: Timestamp, width: Option<usize>) -> Page {
    let mut page = Page::default();
    page.push(heading(view));
    field(&mut page, what(view), Style::Plain, &view.description);
    let drawn = kind::fields(&mut page, view, width);
    let severity = style(view.risk.1);
    field(&mut page, "risk", severity, &view.risk.0);
    field(&mut page, "priority", Style::Plain, &view.priority);
    if let Some(cost) = &view.cost {
        field(&mut page, "cost", Style::Plain, cost);
    }
    let previewed = enclosed::preview(&mut page, view, width);
    field(&mut page, "agent", Style::Plain, &view.agent);
    field(&mut page, "acting for", Style::Plain, view.on_behalf_of.as_deref().unwrap_or("nobody named"));
    if let Some(intent) = &view.intent {
        field(&mut page, "it says", Style::Plain, intent);
    }
    if let Some(follows) = &view.follows {
        field(&mut page, "follows", Style::Warning, follows);
    }
    field(&mut page, "deadline", Style::Plain, &deadline(view, now));
    page.append(votes(view));
    for (who, text) in &view.remarks {
        field(&mut page, "remark", Style::Plain, &format!("{who}: {text}"));
    }
    let form = match &view.matter {
        Matter::Question { schema, .. } => form::in_words(schema),
        Matter::Action => None,
    };
    let rows = if let Some(form) = form {
        // The arguments of a question are the question, which stands above, and this.
        field(&mut page, "answer", Style::Plain, &form);
        0
    } else {
        arguments(&mut page, view, width)
    };
    let rows = rows + drawn + previewed + enclosed::attachments(&mut page, view, width);
    for warning in deceptive_words(view) {
        field(&mut page, "beware", Style::Danger, &warning);
    }
    listed(&mut page, "redacted", Style::Warning, &view.redacted, "not shown here");
    listed(&mut page, "not bound", Style::Warning, &view.unbound, "not covered by an approval");
    let editable: Vec<_> = view.editable.iter().map(|field| field.path.clone()).collect();
    listed(&mut page, "editable", Style::Plain, &editable, "");
    for (number, option) in (1..).zip(&view.options) {
        let mut text = format!("{number}) {}: {}", option.name, option.title);
        if !option.description.is_empty() {
            // Writing to a string cannot fail.
            let _written = write!(text, " ({})", option.description);
        }
        field(&mut page, if number == 1 { "options" } else { "" }, Style::Plain, &text);
    }
    if let Matter::Question { choices, .. } = &view.matter {
        for (number, (title, value)) in (1..).zip(choices) {
            let text = format!("{number}) {title} = {value}");
            field(&mut page, if number == 1 { "answers" } else { "" }, Style::Plain, &text);
        }
    }
    if let Some(run) = &view.run {
        field(&mut page, "run", Style::Label, run);
    }
    field(&mut page, "request", Style::Label, &view.id.to_string());
    let editor = view.editor.as_ref().map(|editor| format!(", edited by {editor}")).unwrap_or_default();
    field(&mut page, "revision", Style::Label, &format!("{}{editor}, {}", view.revision, view.digest));
    if rows > LONG {
        page.push(Line::of([
            (Style::Warning, "That was long: scroll up and read it from "),
            (Style::Heading, &title(view)),
            (Style::Warning, &format!(" on; its risk is {}.", view.risk.0)),
        ]));
    }
    page
}

/// All arguments, and how many lines of the screen they take.
fn arguments(page: &mut Page, view: &View, width: Option<usize>) -> usize {
    let lines = json::lines(&view.arguments);
    let rows = rows(&lines, width);
    let size = size(view.arguments.len(), rows);
    field(page, "arguments", Style::Plain, &format!("{size}, shown whole"));
    for line in lines {
        page.push(Line::new(Style::Plain, &line.text).margin("  | ").hang(line.hang));
    }
    rows
}

/// Words that may not be what they look like, each once.
fn deceptive_words(view: &View) -> Vec<String> {
    let intent = view.intent.as_deref().unwrap_or_default();
    let follows = view.follows.as_deref().unwrap_or_default();
    let mut warnings: Vec<String> = [&*view.description, &view.agent, intent, follows, &view.arguments]
        .into_iter()
        .chain(enclosed::texts(view))
        .flat_map(suspicious_words)
        .map(|found| match found.suspicion {
            Suspicion::LooksLike(other) => {
                format!("{} is not {other}: its letters are of another alphabet", found.word)
            }
            _ => format!("{} mixes letters of several alphabets", found.word),
        })
        .collect();
    warnings.sort_unstable();
    warnings.dedup();
    warnings
}

/// How far the votes are.
pub(super) fn votes(view: &View) -> Page {
    let mut page = Page::default();
    for line in &view.votes {
        field(&mut page, "votes", Style::Plain, line);
    }
    page
}

/// One line that names a request.
pub(super) fn title(view: &View) -> String {
    match view.matter {
        Matter::Action => format!("{} for {}", view.action, view.agent),
        Matter::Question { .. } => format!("a question of {}", view.agent),
    }
}

fn heading(view: &View) -> Line {
    let kind = match view.matter {
        Matter::Action => "Approval wanted: ",
        Matter::Question { .. } => "Answer wanted: ",
    };
    Line::of([(style(view.risk.1), kind), (Style::Heading, &view.action)])
}

const fn what(view: &View) -> &'static str {
    match view.matter {
        Matter::Action => "what",
        Matter::Question { .. } => "question",
    }
}

const fn style(severity: Severity) -> Style {
    match severity {
        Severity::Low => Style::Good,
        Severity::Medium => Style::Warning,
        Severity::High => Style::Danger,
    }
}

fn field(page: &mut Page, label: &str, style: Style, text: &str) {
    page.push(Line::of([(Style::Label, &format!("  {label:LABEL$}")), (style, text)]).hang(LABEL + 2));
}

fn listed(page: &mut Page, label: &str, style: Style, names: &[String], remark: &str) {
    if names.is_empty() {
        return;
    }
    let names = names.join(", ");
    let text = if remark.is_empty() { names } else { format!("{names} ({remark})") };
    field(page, label, style, &text);
}

fn deadline(view: &View, now: Timestamp) -> String {
    let Some((at, then)) = &view.deadline else { return "none".to_owned() };
    format!("{} ({}), then {then}", at.strftime("%Y-%m-%d %H:%M:%S UTC"), remaining(*at, now))
}

/// Time left in the two largest units.
fn remaining(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.duration_since(now).as_secs();
    if seconds <= 0 {
        return "past".to_owned();
    }
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("in {seconds} s"),
        (0, 0, minutes) => format!("in {minutes} min {} s", seconds % 60),
        (0, hours, _) => format!("in {hours} h {} min", minutes % 60),
        (days, hours, _) => format!("in {days} d {} h", hours % 24),
    }
}

/// How many lines of the screen the arguments take, at least.
fn rows(arguments: &[json::Line], width: Option<usize>) -> usize {
    let width = width.unwrap_or(80).max(1);
    arguments.iter().map(|line| line.text.len().div_ceil(width).max(1)).sum()
}

fn size(bytes: usize, rows: usize) -> String {
    let lines = if rows == 1 { "1 line".to_owned() } else { format!("about {rows} lines") };
    match bytes {
        0..1_024 => format!("{bytes} bytes, {lines}"),
        1_024..1_048_576 => format!("{} KiB, {lines}", bytes / 1_024),
        _ => format!("{} MiB, {lines}", bytes / 1_048_576),
    }
}

#[cfg(test)]
mod tests;

//! What comes along with the arguments.

use serde_json::Value;

use super::super::json;
use super::super::text::{Line, Page, Style};
use super::super::view::{Previewed, View};
use super::{field, rows};

/// What the action would do. How many lines of the screen its text takes, if it has several.
pub(super) fn preview(page: &mut Page, view: &View, width: Option<usize>) -> usize {
    let Some(Previewed { text, failed, cautions }) = &view.preview else { return 0 };
    let (style, prefix) = if *failed { (Style::Warning, "failed: ") } else { (Style::Plain, "") };
    let rows = if text.contains(['\n', '\r']) {
        field(page, "preview", style, &format!("{prefix}{} bytes", text.len()));
        quoted(page, text, width)
    } else {
        field(page, "preview", style, &format!("{prefix}{text}"));
        0
    };
    for caution in cautions {
        field(page, "beware", Style::Warning, caution);
    }
    rows
}

/// Every file that came along, and whole what is text in it. How many lines of the screen the texts take.
pub(super) fn attachments(page: &mut Page, view: &View, width: Option<usize>) -> usize {
    let mut total = 0;
    for attached in &view.attachments {
        // Quoted, so that a name cannot go on like what stands behind it.
        let name = Value::from(&*attached.name);
        field(page, "attached", Style::Plain, &format!("{name} {}", attached.what));
        let Some(text) = &attached.text else { continue };
        total += quoted(page, text, width);
    }
    total
}

/// A text as JSON, so that it is distinguished from what the terminal says, and no run of blank lines pushes anything off the screen.
pub(super) fn quoted(page: &mut Page, text: &str, width: Option<usize>) -> usize {
    let lines = json::lines(&Value::from(text).to_string());
    let rows = rows(&lines, width);
    for line in lines {
        page.push(Line::new(Style::Plain, &line.text).margin("  | ").hang(line.hang));
    }
    rows
}

/// What others wrote in it.
pub(super) fn texts(view: &View) -> impl Iterator<Item = &str> {
    let preview = view.preview.iter().map(|one| &*one.text);
    let attached = view
        .attachments
        .iter()
        .flat_map(|one| [Some(&*one.name), Some(&*one.what), one.text.as_deref()].into_iter().flatten());
    preview.chain(attached)
}

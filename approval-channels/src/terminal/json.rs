//! JSON for reading: one member a line, and long texts broken where they have line breaks.
//!
//! Works on the text and never on parsed numbers, which may be rounded.

/// A line of pretty-printed JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The text, with its indentation.
    pub(super) text: String,
    /// Columns to indent what it wraps to.
    pub(super) hang: usize,
}

/// Columns of each level.
const INDENT: usize = 2;
/// Columns that the rest of a long member stands further to the right.
const HANG: usize = 4;
/// Levels that are indented; what lies deeper stays where it is, or the screen would be all margin.
const DEEPEST: usize = 16;

/// Lays out compact JSON. Without the white space between its tokens the result is the text again.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut layout = Layout::default();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => layout.string(&mut chars),
            '{' | '[' => {
                layout.push(c);
                match chars.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => layout.push(end),
                    None => layout.open(),
                }
            }
            '}' | ']' => layout.close(c),
            ',' => {
                layout.push(c);
                layout.line();
            }
            ':' => {
                layout.push(c);
                layout.push(' ');
            }
            ' ' | '\n' | '\r' | '\t' => {}
            other => layout.push(other),
        }
    }
    layout.lines.push(layout.line);
    layout.lines
}

#[derive(Debug)]
struct Layout {
    lines: Vec<Line>,
    line: Line,
    depth: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self { lines: Vec::new(), line: Line { text: String::new(), hang: HANG }, depth: 0 }
    }
}

impl Layout {
    fn push(&mut self, c: char) {
        self.line.text.push(c);
    }

    fn begin(&mut self, columns: usize, hang: usize) {
        let next = Line { text: " ".repeat(columns), hang };
        self.lines.push(std::mem::replace(&mut self.line, next));
    }

    fn line(&mut self) {
        let columns = self.depth.min(DEEPEST) * INDENT;
        self.begin(columns, columns + HANG);
    }

    fn open(&mut self) {
        self.depth += 1;
        self.line();
    }

    fn close(&mut self, bracket: char) {
        self.depth = self.depth.saturating_sub(1);
        self.line();
        self.push(bracket);
    }

    /// A string up to its end, broken after every run of escaped line breaks that has text behind it.
    ///
    /// A run stays together, so that a thousand blank lines in an argument do not push anything off the screen.
    fn string(&mut self, chars: &mut impl Iterator<Item = char>) {
        self.push('"');
        let mut after_break = false;
        while let Some(c) = chars.next() {
            let escaped = if c == '\\' { chars.next() } else { None };
            let is_break = matches!(escaped, Some('n' | 'r'));
            if after_break && !is_break && c != '"' {
                let hang = self.line.hang;
                self.begin(hang, hang);
            }
            self.push(c);
            if let Some(escaped) = escaped {
                self.push(escaped);
            }
            if c == '"' {
                return;
            }
            after_break = is_break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn joined(text: &str) -> String {
        lines(text).iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    fn of(value: &Value) -> String {
        joined(&value.to_string())
    }

    #[test]
    fn members_stand_on_their_own_lines() {
        assert_eq!(
            of(&json!({"a": 1, "b": [true, null]})),
            "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    null\n  ]\n}"
        );
        assert_eq!(of(&json!({"a": {}, "b": []})), "{\n  \"a\": {},\n  \"b\": []\n}");
        assert_eq!(of(&json!(7)), "7");
    }

    #[test]
    fn it_is_laid_out_as_serde_json_does() {
        let value = json!({"a": [1, 2.5, -3, "x,y:{z}[\"q\"]\\"], "b": {"c": [], "d": {}, "e": [[["deep"]]]}, "f": "{}"});
        assert_eq!(of(&value), serde_json::to_string_pretty(&value).unwrap());
    }

    #[test]
    fn a_text_is_broken_at_its_line_breaks() {
        assert_eq!(
            of(&json!({"body": "Dear Ann,\n\nhello\nBob\n"})),
            "{\n  \"body\": \"Dear Ann,\\n\\n\n      hello\\n\n      Bob\\n\"\n}"
        );
    }

    #[test]
    fn an_escaped_backslash_before_n_is_no_line_break() {
        assert_eq!(of(&json!("C:\\new")), "\"C:\\\\new\"");
    }

    #[test]
    fn a_thousand_blank_lines_stay_together() {
        let value = json!(format!("top{}bottom", "\n".repeat(1_000)));
        assert_eq!(lines(&value.to_string()).len(), 2);
    }

    #[test]
    fn numbers_are_printed_as_they_stand() {
        assert_eq!(joined("[123456789012345678901234567890]"), "[\n  123456789012345678901234567890\n]");
    }

    #[test]
    fn nothing_is_lost_however_deep() {
        let text = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
        let lines = lines(&text);
        let kept: String = lines.iter().flat_map(|line| line.text.chars()).filter(|c| *c != ' ').collect();
        assert_eq!(kept, text);
        assert!(lines.iter().all(|line| line.text.len() < 80));
    }
}

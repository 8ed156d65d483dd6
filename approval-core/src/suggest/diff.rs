//! Texts with lines put in, and what that looks like as a unified diff.

/// Unchanged lines around a change.
const CONTEXT: usize = 3;

/// Lines that come before a line of the text (counted from 0), in the order of those lines.
type Insertions = [(usize, Vec<String>)];

/// A line of the text, with its line break if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Same(String),
    Removed(String),
    Added(String),
}

/// The text with the lines put in.
pub(super) fn applied(text: &str, insertions: &Insertions) -> String {
    let kept = |line: &Line| match line {
        Line::Same(text) | Line::Added(text) => Some(text.clone()),
        Line::Removed(_) => None,
    };
    lines(text, insertions).iter().filter_map(kept).collect()
}

fn lines(text: &str, insertions: &Insertions) -> Vec<Line> {
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut all = Vec::new();
    let old: Vec<&str> = text.split_inclusive('\n').collect();
    for place in 0..=old.len() {
        let added: Vec<Line> = insertions
            .iter()
            .filter(|(at, _)| *at == place)
            .flat_map(|(_, lines)| lines)
            .map(|line| Line::Added(format!("{line}{line_break}")))
            .collect();
        // A last line without a line break gets one before something can follow it.
        if !added.is_empty()
            && let Some(Line::Same(last)) = all.last().cloned()
            && !last.ends_with('\n')
        {
            all.pop();
            all.extend([Line::Removed(last.clone()), Line::Added(format!("{last}{line_break}"))]);
        }
        all.extend(added);
        all.extend(old.get(place).map(|line| Line::Same((*line).to_owned())));
    }
    all
}

/// The unified diff; empty if nothing is put in.
pub(super) fn unified(file: &str, text: &str, insertions: &Insertions) -> String {
    let lines = lines(text, insertions);
    let changed: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !matches!(line, Line::Same(_)))
        .map(|(place, _)| place)
        .collect();
    let mut hunks: Vec<(usize, usize)> = Vec::new();
    for place in changed {
        let (begin, end) = (place.saturating_sub(CONTEXT), (place + 1 + CONTEXT).min(lines.len()));
        match hunks.last_mut() {
            Some(last) if begin <= last.1 => last.1 = end,
            _ => hunks.push((begin, end)),
        }
    }
    let mut out = String::new();
    if !hunks.is_empty() {
        out = format!("--- {file}\n+++ {file}\n");
    }
    for (begin, end) in hunks {
        let before = lines.get(..begin).unwrap_or_default();
        let hunk = lines.get(begin..end).unwrap_or_default();
        let old = |lines: &[Line]| lines.iter().filter(|line| !matches!(line, Line::Added(_))).count();
        let new = |lines: &[Line]| lines.iter().filter(|line| !matches!(line, Line::Removed(_))).count();
        let range = |before: usize, count: usize| {
            // A range without lines is named by the line before it.
            if count == 0 { format!("{before},0") } else { format!("{},{count}", before + 1) }
        };
        let ranges = (range(old(before), old(hunk)), range(new(before), new(hunk)));
        out.extend(["@@ -", &ranges.0, " +", &ranges.1, " @@\n"]);
        for line in hunk {
            let (sign, text) = match line {
                Line::Same(text) => (' ', text),
                Line::Removed(text) => ('-', text),
                Line::Added(text) => ('+', text),
            };
            out.push(sign);
            out.push_str(text);
            if !text.ends_with('\n') {
                out.push_str("\n\\ No newline at end of file\n");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(at: usize, lines: &[&str]) -> (usize, Vec<String>) {
        (at, lines.iter().map(|line| (*line).to_owned()).collect())
    }

    #[test]
    fn lines_are_put_in_with_what_is_around_them() {
        let text = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let insertions = [put(1, &["a", "b"]), put(8, &["c"])];
        assert_eq!(applied(text, &insertions), "1\na\nb\n2\n3\n4\n5\n6\n7\n8\nc\n9\n");
        assert_eq!(
            unified("f", text, &insertions),
            "--- f\n+++ f\n@@ -1,4 +1,6 @@\n 1\n+a\n+b\n 2\n 3\n 4\n@@ -6,4 +8,5 @@\n 6\n 7\n 8\n+c\n 9\n"
        );
        // What is near is told together.
        assert_eq!(unified("f", text, &[put(1, &["a"]), put(7, &["c"])]).matches("@@ -").count(), 1);
        assert_eq!(unified("f", text, &[]), "");
    }

    #[test]
    fn a_last_line_without_a_line_break_gets_one_and_others_keep_theirs() {
        let insertions = [put(2, &["c"])];
        assert_eq!(applied("a\nb", &insertions), "a\nb\nc\n");
        assert_eq!(
            unified("f", "a\nb", &insertions),
            "--- f\n+++ f\n@@ -1,2 +1,3 @@\n a\n-b\n\\ No newline at end of file\n+b\n+c\n"
        );
        assert_eq!(applied("a\r\nb\r\n", &[put(1, &["x"])]), "a\r\nx\r\nb\r\n");
        assert_eq!(applied("", &[put(0, &["x"])]), "x\n");
        assert!(unified("f", "", &[put(0, &["x"])]).contains("@@ -0,0 +1,1 @@\n+x\n"));
    }
}

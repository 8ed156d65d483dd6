//! Wrapping to a width counted in terminal columns. Nothing is ever cut.

use unicode_width::UnicodeWidthChar;

/// Narrower than this, lines are left to the terminal itself: margins alone would fill it.
const NARROWEST: usize = 16;

/// Writes one line, and the lines that it wraps to.
#[derive(Debug)]
pub(super) struct Wrapper<'a> {
    out: &'a mut String,
    width: Option<usize>,
    margin: &'static str,
    hang: usize,
    column: usize,
    start: usize,
}

impl<'a> Wrapper<'a> {
    /// Begins a line with its margin.
    pub(super) fn new(out: &'a mut String, width: Option<usize>, margin: &'static str, hang: usize) -> Self {
        out.push_str(margin);
        let column = columns(margin);
        // A hang of half the screen or more would turn long text into a thin strip.
        let hang = width.map_or(hang, |width| hang.min(width / 2));
        Self { out, width: width.filter(|w| *w >= NARROWEST), margin, hang, column, start: column }
    }

    /// Writes something that takes no room, such as a colour.
    pub(super) fn invisible(&mut self, code: &str) {
        self.out.push_str(code);
    }

    /// Writes text, breaking after spaces where it can and inside a word where it must.
    pub(super) fn text(&mut self, text: &str) {
        let Some(width) = self.width else {
            self.out.push_str(text);
            return;
        };
        for word in text.split_inclusive(' ') {
            let needed = columns(word.trim_end_matches(' '));
            let room = width.saturating_sub(self.column);
            let whole_line = width.saturating_sub(columns(self.margin) + self.hang);
            if needed > room && needed <= whole_line {
                self.wrap();
            }
            for c in word.chars() {
                let wide = c.width().unwrap_or(0);
                if wide > 0 && self.column + wide > width && self.column > self.start {
                    self.wrap();
                }
                self.out.push(c);
                self.column += wide;
            }
        }
    }

    fn wrap(&mut self) {
        self.out.push('\n');
        self.out.push_str(self.margin);
        self.out.extend(std::iter::repeat_n(' ', self.hang));
        self.column = columns(self.margin) + self.hang;
        self.start = self.column;
    }
}

/// Columns that text takes on a terminal.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(width: usize, margin: &'static str, hang: usize, text: &str) -> String {
        let mut out = String::new();
        Wrapper::new(&mut out, Some(width), margin, hang).text(text);
        out
    }

    #[test]
    fn breaks_between_words() {
        assert_eq!(wrapped(16, "", 2, "one two three four five"), "one two three \n  four five");
    }

    #[test]
    fn breaks_inside_a_word_that_fits_no_line() {
        assert_eq!(
            wrapped(16, "| ", 0, &"x".repeat(30)),
            format!("| {}\n| {}\n| xx", "x".repeat(14), "x".repeat(14))
        );
    }

    #[test]
    fn a_wide_character_takes_two_columns() {
        assert_eq!(wrapped(16, "", 0, &"\u{6f22}".repeat(9)), format!("{}\n\u{6f22}", "\u{6f22}".repeat(8)));
    }

    #[test]
    fn every_wrapped_line_begins_with_the_margin() {
        let text = wrapped(20, "| ", 4, &"lorem ipsum ".repeat(20));
        assert!(text.lines().count() > 10);
        assert!(text.lines().all(|line| line.starts_with("| ")), "{text}");
    }

    #[test]
    fn no_visible_line_is_wider_than_the_terminal_and_nothing_is_lost() {
        let source: String = (0..5_000u32)
            .map(|i| if i % 7 == 0 { ' ' } else { char::from(b'a' + u8::try_from(i % 26).unwrap()) })
            .collect();
        for width in [16, 17, 40, 79, 80, 200] {
            let text = wrapped(width, "| ", 3, &source);
            assert!(text.lines().all(|line| columns(line.trim_end()) <= width));
            let kept: String = text
                .lines()
                .flat_map(|l| l.strip_prefix("| ").unwrap().chars())
                .filter(|c| *c != ' ')
                .collect();
            assert_eq!(kept, source.replace(' ', ""));
        }
    }

    #[test]
    fn a_run_of_spaces_cannot_push_text_to_the_first_column() {
        let text = wrapped(20, "| ", 0, &format!("{}> y", " ".repeat(400)));
        assert!(text.lines().all(|line| line.starts_with("| ") && columns(line) <= 20), "{text}");
        assert_eq!(text.matches(' ').count(), 400 + 1 + text.lines().count());
    }

    #[test]
    fn a_terminal_too_narrow_to_wrap_on_gets_long_lines() {
        assert_eq!(wrapped(5, "| ", 8, "one two three"), "| one two three");
    }
}

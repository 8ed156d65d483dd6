//! Styled text, safe by construction: a [`Span`] cannot hold a character that a terminal would act upon.

use approval_core::model::visible::visible_line;

use super::wrap::Wrapper;

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Running text, also everything that the agent supplied.
    Plain,
    /// The first line of a request.
    Heading,
    /// The name of a field.
    Label,
    /// How to answer.
    Hint,
    /// Something went well.
    Good,
    /// Something deserves a second look.
    Warning,
    /// Something dangerous, or refused.
    Danger,
}

impl Style {
    /// The "select graphic rendition" parameters of ECMA-48, or nothing for plain text.
    const fn sgr(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Heading => Some("1"),
            Self::Label => Some("2"),
            Self::Hint => Some("36"),
            Self::Good => Some("32"),
            Self::Warning => Some("33"),
            Self::Danger => Some("1;31"),
        }
    }
}

/// A run of text in one style, on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    style: Style,
    text: String,
}

impl Span {
    /// The text with every control, bidirectional and invisible character made visible.
    ///
    /// There is no other constructor, so whatever is printed went through here.
    pub(super) fn new(style: Style, text: &str) -> Self {
        Self { style, text: visible_line(text).into() }
    }
}

/// One line before wrapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Set at the start of the line and of every line that it wraps to, so that wrapped text of an agent never begins
    /// where the terminal's own words begin.
    margin: &'static str,
    /// Further columns that wrapped lines are indented by.
    hang: usize,
    spans: Vec<Span>,
}

impl Line {
    /// A line in one style.
    pub(super) fn new(style: Style, text: &str) -> Self {
        Self { margin: "", hang: 2, spans: vec![Span::new(style, text)] }
    }

    /// A line of several styles.
    pub(super) fn of<const N: usize>(spans: [(Style, &str); N]) -> Self {
        let spans = spans.into_iter().map(|(style, text)| Span::new(style, text)).collect();
        Self { margin: "", hang: 2, spans }
    }

    /// Indents the lines that this one wraps to by so many columns.
    pub(super) const fn hang(mut self, columns: usize) -> Self {
        self.hang = columns;
        self
    }

    /// Starts this line, and every line that it wraps to, with these characters.
    pub(super) const fn margin(mut self, margin: &'static str) -> Self {
        self.margin = margin;
        self
    }
}

/// How text is put on this terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// Whether colours are used.
    pub(super) colour: bool,
    /// Columns after which lines wrap; `None` leaves lines as long as they are.
    pub(super) width: Option<usize>,
}

/// Lines to be printed together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page(Vec<Line>);

impl Page {
    /// A page of one line.
    pub(super) fn line(style: Style, text: &str) -> Self {
        Self(vec![Line::new(style, text)])
    }

    /// Adds a line below.
    pub(super) fn push(&mut self, line: Line) {
        self.0.push(line);
    }

    /// Adds a page below.
    pub(super) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The bytes for the terminal, ending with a line break unless the page is empty.
    pub(super) fn paint(&self, look: Look) -> String {
        let mut out = String::new();
        for line in &self.0 {
            let mut wrapper = Wrapper::new(&mut out, look.width, line.margin, line.hang);
            for span in &line.spans {
                match span.style.sgr().filter(|_| look.colour) {
                    Some(sgr) => {
                        wrapper.invisible(&format!("\u{1b}[{sgr}m"));
                        wrapper.text(&span.text);
                        wrapper.invisible("\u{1b}[0m");
                    }
                    None => wrapper.text(&span.text),
                }
            }
            out.push('\n');
        }
        out
    }
}

impl FromIterator<Line> for Page {
    fn from_iter<I: IntoIterator<Item = Line>>(lines: I) -> Self {
        Self(lines.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Look = Look { colour: false, width: None };

    #[test]
    fn colours_appear_only_when_asked_for() {
        let page = Page(vec![Line::of([(Style::Label, "risk "), (Style::Danger, "high")])]);
        assert_eq!(page.paint(PLAIN), "risk high\n");
        assert_eq!(
            page.paint(Look { colour: true, ..PLAIN }),
            "\u{1b}[2mrisk \u{1b}[0m\u{1b}[1;31mhigh\u{1b}[0m\n"
        );
    }

    #[test]
    fn a_span_never_holds_what_a_terminal_acts_upon() {
        let painted =
            Page::line(Style::Plain, "a\u{1b}[2Jb\rc\nd\u{8}\u{9b}31m\u{202e}\u{200b}").paint(PLAIN);
        let body = painted.strip_suffix('\n').unwrap();
        assert!(body.chars().all(|c| !c.is_control() && c != '\u{202e}' && c != '\u{200b}'), "{body:?}");
    }

    #[test]
    fn colour_survives_wrapping() {
        let page = Page(vec![Line::new(Style::Hint, "aaaaaaaa bbbbbbbb").hang(0)]);
        assert_eq!(
            page.paint(Look { colour: true, width: Some(16) }),
            "\u{1b}[36maaaaaaaa \nbbbbbbbb\u{1b}[0m\n"
        );
    }
}

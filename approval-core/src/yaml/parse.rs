//! From text to the tree.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span as Range};

use super::{
    mistake::{Noted, Place},
    node::{Node, Scalar, Style, Value},
};

/// Largest file that is read, in bytes.
pub const SIZE_LIMIT: usize = 1024 * 1024;
/// How deep maps and lists may stand in each other.
pub const DEPTH_LIMIT: usize = 32;
/// How many values a file may have.
pub const NODE_LIMIT: usize = 100_000;

/// How many entries a list of names may have that is looked through for each call or kept with each request, such as approvers or
/// actions of a rule.
pub const LIST_LIMIT: usize = 1_000;

/// What was found: the tree, if the text is YAML at all, and what is wrong with it.
pub(super) struct Parsed {
    pub(super) root: Option<Node>,
    pub(super) mistakes: Noted,
}

/// A list or a map that is not complete yet.
enum Open {
    List(Start, Vec<Node>),
    Map { start: Start, entries: Vec<(Node, Node)>, lines: HashMap<String, usize>, key: Option<Node> },
}

/// Where a list or a map begins.
#[derive(Clone, Copy)]
struct Start {
    place: Place,
    at: Option<usize>,
}

struct Builder<'a> {
    lines: &'a [&'a str],
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    mistakes: Noted,
}

/// Reads the tree.
pub(super) fn parse(text: &str, lines: &[&str]) -> Parsed {
    let mut builder = Builder { lines, open: Vec::new(), root: None, nodes: 0, mistakes: Noted::default() };
    if text.len() > SIZE_LIMIT {
        builder.wrong(
            Place::default(),
            &format!("is {} bytes long, which is more than {SIZE_LIMIT}", text.len()),
            "settings are written by people; move data elsewhere",
        );
        return Parsed { root: None, mistakes: builder.mistakes };
    }
    let mut documents = 0;
    for next in Parser::new_from_str(text) {
        let (event, range) = match next {
            Ok(next) => next,
            Err(error) => {
                builder.scan_error(&error);
                return Parsed { root: None, mistakes: builder.mistakes };
            }
        };
        if let Event::DocumentStart(..) = event {
            documents += 1;
            if documents > 1 {
                let place = builder.place(&range);
                builder.wrong(place, "begins a second document", "keep everything in one document");
                break;
            }
            continue;
        }
        if !builder.event(event, &range) || builder.mistakes.is_full() {
            return Parsed { root: None, mistakes: builder.mistakes };
        }
    }
    Parsed { root: builder.root, mistakes: builder.mistakes }
}

impl Builder<'_> {
    fn wrong(&mut self, place: Place, message: &str, hint: &str) {
        let hint = (!hint.is_empty()).then_some(hint);
        self.mistakes.add(place, "", message, hint, source(self.lines, place.line));
    }

    /// A range on one line, or the part of it on its first line.
    fn place(&self, range: &Range) -> Place {
        let (start, end) = (range.start, range.end);
        let line = start.line();
        let length = if end.line() == line {
            end.col().saturating_sub(start.col())
        } else {
            let whole =
                self.lines.get(line.saturating_sub(1)).map_or(0, |text| text.trim_end().chars().count());
            whole.saturating_sub(start.col())
        };
        Place { line, column: start.col() + 1, length }
    }

    fn scan_error(&mut self, error: &ScanError) {
        let marker = error.marker();
        let place = Place { line: marker.line(), column: marker.col() + 1, length: 1 };
        let line = source(self.lines, place.line);
        let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
        let (message, hint) = if indent.contains('\t') {
            ("is indented by a tab, which YAML does not allow".to_owned(), "indent by spaces")
        } else {
            (
                format!("is not YAML: {}", error.info()),
                "check the indentation, and put quotes around text that has `: `, ` #` or begins with a sign",
            )
        };
        self.wrong(place, &message, hint);
    }

    /// Takes in an event. `false`: it makes no sense to go on.
    fn event(&mut self, event: Event<'_>, range: &Range) -> bool {
        let place = self.place(range);
        let at = range.start.byte_offset();
        let start = Start { place: Place { length: 0, ..place }, at };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.plain_node(anchor, tag.is_some(), place);
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                self.add(Node { place, at, value: Value::Scalar(Scalar { text: text.into_owned(), style }) })
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.plain_node(anchor, tag.is_some(), place);
                self.begin(place, Open::List(start, Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.plain_node(anchor, tag.is_some(), place);
                let open = Open::Map { start, entries: Vec::new(), lines: HashMap::new(), key: None };
                self.begin(start.place, open)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(Start { place, at }, items)) => {
                    self.add(Node { place, at, value: Value::List(items) })
                }
                Some(Open::Map { start: Start { place, at }, entries, .. }) => {
                    self.add(Node { place, at, value: Value::Map(entries) })
                }
                None => true,
            },
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.wrong(place, "is an alias, which is not read here", "write the value out");
                let scalar = Scalar { text: String::new(), style: Style::Quoted };
                self.add(Node { place, at, value: Value::Scalar(scalar) })
            }
            Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(..)
            | Event::DocumentEnd
            | Event::Anchor(..)
            | _ => true,
        }
    }

    fn plain_node(&mut self, anchor: usize, tagged: bool, place: Place) {
        if anchor != 0 {
            self.wrong(
                place,
                "has an anchor, which is not read here",
                "write the value out where it is needed",
            );
        }
        if tagged {
            self.wrong(place, "has a tag, which is not read here", "leave out what begins with `!`");
        }
    }

    fn begin(&mut self, place: Place, open: Open) -> bool {
        if self.open.len() >= DEPTH_LIMIT {
            self.wrong(place, &format!("is nested deeper than {DEPTH_LIMIT} levels"), "");
            return false;
        }
        self.open.push(open);
        true
    }

    fn add(&mut self, node: Node) -> bool {
        self.nodes += 1;
        if self.nodes > NODE_LIMIT {
            self.wrong(
                node.place,
                &format!("is one value more than the {NODE_LIMIT} that a file may have"),
                "",
            );
            return false;
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Map { entries, lines, key, .. }) => match key.take() {
                None => {
                    let wrong = match &node.value {
                        Value::Scalar(scalar) if scalar.is_empty() => {
                            Some("is a key without a name".to_owned())
                        }
                        Value::Scalar(scalar) => {
                            lines.insert(scalar.text.clone(), node.place.line).map(|first| {
                                format!(
                                    "`{}` stands here a second time; the first is on line {first}",
                                    scalar.text
                                )
                            })
                        }
                        Value::List(_) | Value::Map(_) => Some("is a key, but no text".to_owned()),
                    };
                    let place = node.place;
                    *key = Some(node);
                    if let Some(wrong) = wrong {
                        self.wrong(place, &wrong, "");
                    }
                }
                Some(key) => entries.push((key, node)),
            },
        }
        true
    }
}

/// The text of a line, counted from 1; empty if there is none.
fn source<'l>(lines: &[&'l str], line: usize) -> &'l str {
    line.checked_sub(1).and_then(|line| lines.get(line)).copied().unwrap_or_default()
}

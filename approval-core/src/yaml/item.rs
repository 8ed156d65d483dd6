//! Walking the tree of a document, and noting what is wrong.

use std::{
    cell::{Cell, RefCell},
    fmt::Display,
    sync::Arc,
};

use super::{
    mistake::{Mistakes, Noted, Place},
    node::{Node, Scalar, Style, Value},
    parse, suggest,
};

/// A YAML text, the tree of what stands in it, and the mistakes found so far.
#[derive(Debug)]
pub struct Document {
    name: Arc<str>,
    text: String,
    root: Node,
    mistakes: RefCell<Noted>,
    /// How many letters may still be compared for suggestions.
    suggesting: Cell<usize>,
}

/// A value in a document, and the way to it.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    document: &'a Document,
    pub(super) node: &'a Node,
    path: String,
}

/// The values of a map whose keys are known.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    item: Item<'a>,
    entries: &'a [(Node, Node)],
}

/// An entry of a map with any keys.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The key. It is always a single value.
    pub key: Item<'a>,
    /// What stands under it.
    pub value: Item<'a>,
}

impl Document {
    /// Reads a text. `name` is what messages call the file.
    ///
    /// # Errors
    /// When it is no YAML, too large or too deep. Other mistakes are reported by [`Document::finish`].
    pub fn parse(name: &str, text: &str) -> Result<Self, Mistakes> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines: Vec<&str> = text.lines().collect();
        let parsed = parse::parse(text, &lines);
        let name: Arc<str> = name.into();
        let empty = || Node {
            place: Place { line: 1, column: 1, length: 0 },
            at: None,
            value: Value::Scalar(Scalar { text: String::new(), style: Style::Plain }),
        };
        match parsed.root {
            None if !parsed.mistakes.is_empty() => Err(parsed.mistakes.into_mistakes(name)),
            root => Ok(Self {
                name,
                text: text.to_owned(),
                root: root.unwrap_or_else(empty),
                mistakes: RefCell::new(parsed.mistakes),
                suggesting: Cell::new(suggest::LETTERS_LIMIT),
            }),
        }
    }

    /// The value that everything stands in.
    #[must_use]
    pub fn root(&self) -> Item<'_> {
        Item { document: self, node: &self.root, path: String::new() }
    }

    /// What messages call the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether nothing wrong was found yet.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.mistakes.borrow().is_empty()
    }

    /// Whether as many mistakes were found as are listed ([`MISTAKE_LIMIT`](super::MISTAKE_LIMIT)): going on finds nothing that
    /// is reported.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.mistakes.borrow().is_full()
    }

    /// Notes a mistake at a place that was kept.
    pub fn wrong_at(&self, place: Place, path: &str, message: impl Display, hint: Option<&str>) {
        let mut mistakes = self.mistakes.borrow_mut();
        if mistakes.is_full() {
            return;
        }
        let line = place.line.checked_sub(1).and_then(|line| self.text.lines().nth(line)).unwrap_or_default();
        mistakes.add(place, path, &message.to_string(), hint, line);
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// All mistakes, in the order of the file.
    pub fn finish(self) -> Result<(), Mistakes> {
        let noted = self.mistakes.into_inner();
        if noted.is_empty() {
            return Ok(());
        }
        let Mistakes { file, mut mistakes, more } = noted.into_mistakes(self.name);
        mistakes.sort_by(|one, other| {
            (one.place, &one.path, &one.message).cmp(&(other.place, &other.path, &other.message))
        });
        mistakes.dedup();
        // What is no value at all (an alias) is not reported a second time as a wrong one.
        let misread: Vec<Place> = mistakes
            .iter()
            .filter(|one| one.path.is_empty() && one.place.length > 0)
            .map(|one| one.place)
            .collect();
        mistakes.retain(|one| one.path.is_empty() || !misread.contains(&one.place));
        Err(Mistakes { file, mistakes, more })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl<'a> Item<'a> {
    /// What it is about, such as `policy.rules[2].when`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where it stands.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.node.place
    }

    /// The document that it stands in.
    #[must_use]
    pub const fn document(&self) -> &'a Document {
        self.document
    }

    /// Notes a mistake here.
    pub fn wrong(&self, message: impl Display) {
        self.document.wrong_at(self.place(), &self.path, message, None);
    }

    /// Notes a mistake here, with what to do instead.
    pub fn wrong_with(&self, message: impl Display, hint: impl Display) {
        self.document.wrong_at(self.place(), &self.path, message, Some(&hint.to_string()));
    }

    /// The one of `known` that is nearest to `given`, for the hint of a mistake: see [`nearest`](super::nearest). `None` too
    /// where the mistake would not be listed any more, and where much was compared for other mistakes of the document.
    #[must_use]
    pub fn nearest<'k>(&self, given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
        if self.document.is_full() {
            return None;
        }
        let mut left = self.document.suggesting.get();
        let found = suggest::nearest_within(given, known, &mut left);
        self.document.suggesting.set(left);
        found
    }

    /// Whether nothing is written here (or `null`, or `~`).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(&self.node.value, Value::Scalar(scalar) if scalar.is_empty())
    }

    /// Whether it is this word, without quotes.
    #[must_use]
    pub fn is_word(&self, word: &str) -> bool {
        matches!(&self.node.value, Value::Scalar(scalar) if scalar.style == Style::Plain && scalar.text == word)
    }

    /// Whether it is the word `none`: what the key stands for is left out on purpose.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.is_word("none")
    }

    /// Whether it is a list or a map without entries.
    #[must_use]
    pub const fn has_nothing(&self) -> bool {
        match &self.node.value {
            Value::List(items) => items.is_empty(),
            Value::Map(entries) => entries.is_empty(),
            Value::Scalar(_) => false,
        }
    }

    /// Whether it is a map.
    #[must_use]
    pub const fn is_map(&self) -> bool {
        matches!(self.node.value, Value::Map(_))
    }

    /// Whether it is a list.
    #[must_use]
    pub const fn is_list(&self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// A map that has these keys and no others. `None`: it is none, and that is noted. Unknown keys are noted too.
    #[must_use]
    pub fn map(&self, known: &[&str]) -> Option<Fields<'a>> {
        let Value::Map(entries) = &self.node.value else {
            self.wrong_with(
                format!("is {}, not a map", self.node.kind()),
                format!("keys: {}", known.join(", ")),
            );
            return None;
        };
        for (key, _) in entries {
            let Value::Scalar(scalar) = &key.value else { continue };
            if self.document.is_full() {
                break;
            }
            if !known.contains(&scalar.text.as_str()) && !scalar.is_empty() {
                let hint = suggest::hint(&scalar.text, known);
                self.document.wrong_at(
                    key.place,
                    &self.path,
                    format!("unknown key `{}`", scalar.text),
                    Some(&hint),
                );
            }
        }
        Some(Fields { item: self.clone(), entries })
    }

    /// The entries of a map with any keys, in the order of the file.
    #[must_use]
    pub fn entries(&self) -> Option<Vec<Entry<'a>>> {
        let Value::Map(entries) = &self.node.value else {
            self.wrong(format!("is {}, not a map", self.node.kind()));
            return None;
        };
        let entry = |(key, value): &'a (Node, Node)| {
            let Value::Scalar(scalar) = &key.value else { return None };
            let path = join(&self.path, in_path(&scalar.text));
            let key = Item { document: self.document, node: key, path: path.clone() };
            Some(Entry { key, value: Item { document: self.document, node: value, path } })
        };
        Some(entries.iter().filter_map(entry).collect())
    }

    /// The items of a list.
    #[must_use]
    pub fn list(&self) -> Option<Vec<Self>> {
        let Value::List(items) = &self.node.value else {
            self.wrong_with(
                format!("is {}, not a list", self.node.kind()),
                "write [a, b], or each on a line after `- `",
            );
            return None;
        };
        Some(items.iter().enumerate().map(|(number, node)| self.entry(number, node)).collect())
    }

    /// An entry of the list that this is.
    fn entry(&self, number: usize, node: &'a Node) -> Self {
        let path = if is_long(&self.path) { self.path.clone() } else { format!("{}[{number}]", self.path) };
        Self { document: self.document, node, path }
    }

    /// The items of a list of at most `limit`. What is more is noted at the first one too many, with what to do `instead`, and
    /// left out. `None`: it is no list, and that is noted.
    #[must_use]
    pub fn list_up_to(&self, limit: usize, instead: &str) -> Option<Vec<Self>> {
        if let Value::List(items) = &self.node.value
            && let Some(more) = items.get(limit)
        {
            self.entry(limit, more).wrong_with(
                format!(
                    "is one more than the {limit} entries that this list may have; there are {}",
                    items.len()
                ),
                instead,
            );
            let first = items.iter().take(limit).enumerate();
            return Some(first.map(|(number, node)| self.entry(number, node)).collect());
        }
        self.list()
    }

    /// The items of a list, or the one thing that stands here instead.
    #[must_use]
    pub fn one_or_many(&self) -> Vec<Self> {
        if self.is_list() { self.list().unwrap_or_default() } else { vec![self.clone()] }
    }

    /// The items of a list of at most `limit`, or the one thing that stands here instead: see
    /// [`list_up_to`](Self::list_up_to).
    #[must_use]
    pub fn up_to(&self, limit: usize, instead: &str) -> Vec<Self> {
        if self.is_list() { self.list_up_to(limit, instead).unwrap_or_default() } else { vec![self.clone()] }
    }
}

impl<'a> Fields<'a> {
    /// The map itself.
    #[must_use]
    pub const fn item(&self) -> &Item<'a> {
        &self.item
    }

    /// What stands under a key, if it is there.
    #[must_use]
    pub fn optional(&self, key: &str) -> Option<Item<'a>> {
        let node = self.entries.iter().find_map(|(name, node)| {
            matches!(&name.value, Value::Scalar(scalar) if scalar.text == key).then_some(node)
        })?;
        Some(Item { document: self.item.document, node, path: join(&self.item.path, key) })
    }

    /// What stands under a key, unless it is the word `none`.
    #[must_use]
    pub fn given(&self, key: &str) -> Option<Item<'a>> {
        self.optional(key).filter(|item| !item.is_none())
    }

    /// What stands under `key`, or under `key.inner` in the map below it. Nothing is noted.
    pub(crate) fn below(&self, path: &str) -> Option<Item<'a>> {
        let Some((key, inner)) = path.split_once('.') else { return self.optional(path) };
        let item = self.optional(key)?;
        let Value::Map(entries) = &item.node.value else { return None };
        Fields { item: item.clone(), entries }.optional(inner)
    }

    /// What stands under a key. `None`: it is missing, and that is noted.
    #[must_use]
    pub fn required(&self, key: &str) -> Option<Item<'a>> {
        let found = self.optional(key);
        if found.is_none() {
            self.item.wrong(format!("`{key}` is missing"));
        }
        found
    }

    /// The key itself as it stands in the file, for mistakes about it.
    #[must_use]
    pub fn key(&self, key: &str) -> Option<Item<'a>> {
        let node = self.entries.iter().find_map(|(name, _)| {
            matches!(&name.value, Value::Scalar(scalar) if scalar.text == key).then_some(name)
        })?;
        Some(Item { document: self.item.document, node, path: join(&self.item.path, key) })
    }

    /// The text of an entry of the topmost map as it stands in the file: from its key to the key of the next entry. Comments at
    /// the beginning of a line that stand before the next key belong to that one.
    pub(crate) fn text_of(&self, key: &str) -> Option<&'a str> {
        let text = self.item.document.text();
        let mut keys = self.entries.iter().map(|(name, _)| name);
        let own = keys.find(|name| matches!(&name.value, Value::Scalar(scalar) if scalar.text == key))?;
        let to = match keys.next() {
            Some(next) => next.at?,
            None => text.len(),
        };
        let mut entry = text.get(own.at?..to)?;
        // In braces, what begins a line with `#` may be part of a quoted text.
        if !text.get(self.item.node.at?..)?.starts_with('{') {
            while let Some((before, last)) = entry.trim_end().rsplit_once('\n')
                && last.starts_with('#')
            {
                entry = before;
            }
        }
        Some(entry.trim_end())
    }

    /// The keys that are there, in the order of the file.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.entries.iter().filter_map(|(key, _)| match &key.value {
            Value::Scalar(scalar) => Some(scalar.text.as_str()),
            Value::List(_) | Value::Map(_) => None,
        })
    }
}

/// Longest part of a path that a file may make up, in characters.
const PATH_PART_LIMIT: usize = 100;

/// Longest path that grows, in bytes: what stands deeper has the path of what it stands in.
const PATH_LIMIT: usize = 400;

const fn is_long(path: &str) -> bool {
    path.len() > PATH_LIMIT
}

/// A key of the file as it stands in paths.
fn in_path(key: &str) -> &str {
    key.char_indices().nth(PATH_PART_LIMIT).and_then(|(end, _)| key.get(..end)).unwrap_or(key)
}

fn join(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        long if is_long(long) => long.to_owned(),
        path => format!("{path}.{key}"),
    }
}

//! Text in a form in which nothing hides.
//!
//! A person who decides must see what will run. Some characters are not seen: controls, invisible and zero-width characters,
//! variation selectors and tags (which can smuggle whole messages). Some make other text appear elsewhere than it
//! stands: bidirectional controls, carriage returns, escape sequences. Some pass for another: the many kinds of space.
//! Every such character is replaced by its number, as in `⟨U+202E⟩`.
//!
//! Letters that merely look like others are left alone, and [flagged](suspicious_words) instead.
//!
//! Sources: Boucher and Anderson, "Trojan Source: Invisible Vulnerabilities" (2021); Unicode Technical Report #36
//! (security considerations); Unicode Technical Standard #39 (security mechanisms), sections 4 and 5; Unicode Standard,
//! section 5.21 (default-ignorable code points).

mod scripts;

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_script::{Script, UnicodeScript as _};

pub use scripts::{Suspicion, SuspiciousWord, mixed_script, suspicious_words};

/// How many combining marks may sit on one character; more would cover the lines around (UTS #39, section 5.4).
const MAX_MARKS: usize = 4;

/// The bracket that opens a shown number, and what follows it there.
const OPENING: char = '⟨';
const NUMBER_PREFIX: &str = "U+";

/// The text with everything made visible that could hide, except line feeds and tabs.
///
/// Besides [hidden characters](is_hidden): combining marks that strike or cover the character before, that have no
/// character to sit on, or that are more than four on one character; and an opening bracket `⟨` before `U+`, so that
/// what looks like a shown number is always one.
///
/// ```
/// use approval_core::model::visible::visible;
///
/// assert_eq!(visible("pay\u{200b}pal"), "pay⟨U+200B⟩pal");
/// assert_eq!(visible("two\nlines"), "two\nlines");
/// ```
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    shown(text, Lines::Kept, Numbers::Escaped)
}

/// Like [`visible`], and with line feeds and tabs made visible too: for what must stay on one line.
#[must_use]
pub fn visible_line(text: &str) -> Cow<'_, str> {
    shown(text, Lines::Shown, Numbers::Escaped)
}

/// Like [`visible`], for output whose parts were made visible before: numbers that are shown already stay as they are. So it may
/// be applied to everything that a program prints, and more than once.
///
/// ```
/// use approval_core::model::visible::{neutral, visible};
///
/// let part = visible("pay\u{200b}pal");
/// assert_eq!(neutral(&part), part);
/// assert_eq!(neutral("a\u{1b}[2J"), "a⟨U+001B⟩[2J");
/// ```
#[must_use]
pub fn neutral(text: &str) -> Cow<'_, str> {
    shown(text, Lines::Kept, Numbers::Kept)
}

/// Like [`neutral`], and with line feeds and tabs made visible too.
#[must_use]
pub fn neutral_line(text: &str) -> Cow<'_, str> {
    shown(text, Lines::Shown, Numbers::Kept)
}

/// Whether nothing hides in a text of one line: [`visible_line`] would show it as it is. Names of people, agents and actions must
/// be so, or two of them could look alike.
///
/// ```
/// use approval_core::model::visible::hides_nothing;
///
/// assert!(hides_nothing("agent:worker-3"));
/// assert!(!hides_nothing("agent:worker\u{3164}"));
/// ```
#[must_use]
pub fn hides_nothing(text: &str) -> bool {
    matches!(visible_line(text), Cow::Borrowed(_))
}

/// What becomes of line feeds and tabs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    Kept,
    Shown,
}

/// What becomes of text that looks like a shown number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    Kept,
    Escaped,
}

/// Whether a character is not seen, moves other text, or passes for a common space.
///
/// That is: controls (C0, C1, delete), format characters (bidirectional controls, zero-width characters, soft hyphen,
/// tags), variation selectors and all other default-ignorables, every space but U+0020, line and paragraph separators,
/// characters for private use, unassigned code points and noncharacters, and the few assigned characters whose glyph
/// is empty (blank letters, Braille blank) or that only join their neighbours. Line feed and tab count as hidden.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    match character {
        ' '..='~' => false,
        other => {
            is_ignorable(other) || is_empty_glyph(other) || is_joiner(other) || has_hidden_category(other)
        }
    }
}

/// Default-ignorable, but letters and marks by category.
fn is_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{34f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Braille blank, object replacement, musical null notehead, Khitan filler, Egyptian full and half blank.
fn is_empty_glyph(character: char) -> bool {
    matches!(character, '\u{2800}' | '\u{fffc}' | '\u{1d159}' | '\u{16fe4}' | '\u{13441}'..='\u{13442}')
}

/// Marks without a glyph that join two letters of a rare script, and nothing elsewhere: Tifinagh and Brahmi.
fn is_joiner(character: char) -> bool {
    matches!(character, '\u{2d7f}' | '\u{1107f}')
}

/// Marks that stack the next consonant below the one before, and are not drawn themselves (`Indic_Syllabic_Category` =
/// `Invisible_Stacker`): of Myanmar, Khmer and others. They have their place between two letters of a script of theirs.
fn is_stacker(character: char) -> bool {
    matches!(
        character,
        '\u{1039}'
            | '\u{17d2}'
            | '\u{1a60}'
            | '\u{aaf6}'
            | '\u{10a3f}'
            | '\u{11133}'
            | '\u{113d0}'
            | '\u{1193e}'
            | '\u{11a47}'
            | '\u{11a99}'
            | '\u{11d45}'
            | '\u{11d97}'
            | '\u{11f42}'
    )
}

fn has_hidden_category(character: char) -> bool {
    matches!(
        get_general_category(character),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::PrivateUse
            | GeneralCategory::SpaceSeparator
            | GeneralCategory::Surrogate
            | GeneralCategory::Unassigned
    )
}

fn is_plain_ascii(byte: u8, keep_lines: bool) -> bool {
    matches!(byte, b' '..=b'~') || (keep_lines && matches!(byte, b'\n' | b'\t'))
}

fn shown(text: &str, lines: Lines, numbers: Numbers) -> Cow<'_, str> {
    let keep_lines = lines == Lines::Kept;
    if text.bytes().all(|byte| is_plain_ascii(byte, keep_lines)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut marks = Marks::default();
    let mut changed = false;
    for (at, character) in text.char_indices() {
        let kept = keep_lines && matches!(character, '\n' | '\t');
        let hidden = !kept && is_hidden(character);
        let imitated = numbers == Numbers::Escaped && imitates_number(text, at, character);
        if hidden || marks.refuse(character, hidden || kept) || imitated {
            push_number(&mut out, character);
            changed = true;
        } else {
            out.push(character);
        }
    }
    if changed { Cow::Owned(out) } else { Cow::Borrowed(text) }
}

fn push_number(out: &mut String, character: char) {
    // Writing to a `String` does not fail.
    let written = write!(out, "{OPENING}{NUMBER_PREFIX}{:04X}⟩", u32::from(character));
    debug_assert!(written.is_ok());
}

fn imitates_number(text: &str, at: usize, character: char) -> bool {
    character == OPENING
        && text.get(at + OPENING.len_utf8()..).is_some_and(|rest| rest.starts_with(NUMBER_PREFIX))
}

/// Watches the combining marks on one character.
#[derive(Default)]
struct Marks {
    /// Whether there is a character to sit on.
    has_base: bool,
    count: usize,
    /// The script of that character.
    script: Option<Script>,
    /// Whether the last mark was a stacker.
    stacked: bool,
}

impl Marks {
    /// Takes the next character, and tells whether it is a mark that must not be drawn as one.
    fn refuse(&mut self, character: char, blank: bool) -> bool {
        if !is_mark(character) {
            *self = Self {
                has_base: !blank && character != ' ',
                count: 0,
                script: (!character.is_ascii()).then(|| character.script()),
                stacked: false,
            };
            return false;
        }
        self.count += 1;
        let stacker = is_stacker(character);
        let misplaced = stacker && (self.stacked || self.script != Some(character.script()));
        self.stacked = stacker;
        misplaced || !self.has_base || self.count > MAX_MARKS || covers(character)
    }
}

fn is_mark(character: char) -> bool {
    !character.is_ascii()
        && matches!(
            get_general_category(character),
            GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark
        )
}

/// Marks drawn across or around their character: canonical combining class 1 (overlay), and enclosing marks.
fn covers(mark: char) -> bool {
    matches!(
        mark,
        '\u{334}'..='\u{338}'
            | '\u{1cd4}'
            | '\u{1ce2}'..='\u{1ce8}'
            | '\u{20d2}'..='\u{20d3}'
            | '\u{20d8}'..='\u{20da}'
            | '\u{20e5}'..='\u{20e6}'
            | '\u{20ea}'..='\u{20eb}'
            | '\u{10a39}'
            | '\u{16af0}'..='\u{16af4}'
            | '\u{1bc9e}'
            | '\u{1d167}'..='\u{1d169}'
    ) || get_general_category(mark) == GeneralCategory::EnclosingMark
}

#[cfg(test)]
mod tests;

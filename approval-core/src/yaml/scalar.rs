//! Single values: text, numbers, lengths of time.

use std::{
    ops::{Range, RangeInclusive},
    str::FromStr,
};

use rust_decimal::Decimal;

use super::{
    duration::parse_duration,
    item::Item,
    mistake::Place,
    node::{Scalar, Style, Value},
};
use crate::{clock::Span, error::Invalid};

impl<'a> Item<'a> {
    /// A single value, whatever it is. `None`: there is a list, a map or nothing, and that is noted.
    fn scalar(&self, wanted: &str) -> Option<&'a Scalar> {
        match &self.node.value {
            Value::Scalar(scalar) if scalar.is_empty() => {
                self.wrong_with("has no value", format!("write {wanted}, or leave the key out"));
                None
            }
            Value::Scalar(scalar) => Some(scalar),
            Value::List(_) | Value::Map(_) => {
                self.wrong_with(format!("is {}", self.node.kind()), format!("write {wanted}"));
                None
            }
        }
    }

    /// A text. Words such as `yes` and numbers are text too.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        self.scalar("a text").map(|scalar| scalar.text.as_str())
    }

    /// A text that is not blank.
    #[must_use]
    pub fn words(&self) -> Option<&'a str> {
        let text = self.text()?;
        if text.trim().is_empty() {
            self.wrong_with("is blank", "write a text");
            return None;
        }
        Some(text)
    }

    /// A value that is read from text, such as a principal.
    #[must_use]
    pub fn parse<T: FromStr<Err = Invalid>>(&self) -> Option<T> {
        self.read("a text", str::parse)
    }

    /// A value that `read` makes of the text. `wanted` says what to write: "a date such as 2026-12-24".
    pub fn read<T>(&self, wanted: &str, read: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<T> {
        match read(&self.scalar(wanted)?.text) {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.document().wrong_at(self.place(), self.path(), invalid.message(), invalid.advice());
                None
            }
        }
    }

    /// `true` or `false`.
    #[must_use]
    pub fn bool(&self) -> Option<bool> {
        let scalar = self.scalar("true or false")?;
        match (scalar.style, scalar.text.as_str()) {
            (Style::Plain, "true") => Some(true),
            (Style::Plain, "false") => Some(false),
            _ => {
                self.wrong_with(
                    format!("`{}` is neither true nor false", scalar.text),
                    "write true or false, without quotes",
                );
                None
            }
        }
    }

    /// A whole number within bounds.
    #[must_use]
    pub fn whole(&self, within: RangeInclusive<u32>) -> Option<u32> {
        let (low, high) = (within.start(), within.end());
        let form = format!("write a whole number from {low} to {high}");
        let scalar = self.scalar("a whole number")?;
        let digits = scalar.text.bytes().all(|byte| byte.is_ascii_digit());
        match scalar.text.parse::<u32>().ok().filter(|number| within.contains(number)) {
            Some(number) if scalar.style == Style::Plain && digits => Some(number),
            _ if scalar.style != Style::Plain && digits => {
                self.wrong_with(format!("`{}` is text, since it stands in quotes", scalar.text), form);
                None
            }
            _ => {
                let why = if digits { "is out of bounds" } else { "is no whole number" };
                self.wrong_with(format!("`{}` {why}", scalar.text), form);
                None
            }
        }
    }

    /// A decimal number, with or without quotes: exactly as it is written.
    #[must_use]
    pub fn decimal(&self) -> Option<Decimal> {
        self.read("a number such as 12.50", |text| {
            Decimal::from_str_exact(text)
                .map_err(|_| Invalid::new("number", text, "cannot be read").hint("write digits, as in 12.50"))
        })
    }

    /// A length of time such as `15m`.
    #[must_use]
    pub fn duration(&self) -> Option<Span> {
        self.read("a length of time such as 15m", parse_duration)
    }

    /// A length of time above zero.
    #[must_use]
    pub fn positive_duration(&self) -> Option<Span> {
        self.duration().filter(|span| {
            let positive = *span > Span::ZERO;
            if !positive {
                self.wrong_with("is no time at all", "write a longer one, such as 15m");
            }
            positive
        })
    }

    /// The place of a part of the text, given in bytes. The whole value where it cannot be determined.
    #[must_use]
    pub fn place_of(&self, part: Range<usize>) -> Place {
        let Value::Scalar(scalar) = &self.node.value else { return self.place() };
        let whole = self.place();
        let (Some(before), Some(marked)) = (scalar.text.get(..part.start), scalar.text.get(part)) else {
            return whole;
        };
        let row = before.matches('\n').count();
        // A block is said to begin with its first line that is not blank.
        let blank = scalar.text.chars().take_while(|c| *c == '\n').count();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        let content = scalar.text.lines().nth(row).unwrap_or_default();
        let length = marked.lines().next().unwrap_or_default().chars().count();
        let lines: Vec<&str> = self.document().text().lines().collect();
        // Found again in the source: on the line of the value itself, or, for a block, on one below.
        for skip in 0..=2 {
            let line = whole.line + row.saturating_sub(blank) + skip;
            let Some(source) = lines.get(line.saturating_sub(1)) else { continue };
            let from = if line == whole.line { whole.column.saturating_sub(1) } else { 0 };
            let tail: String = source.chars().skip(from).collect();
            if let Some(found) = tail.find(content).filter(|_| !content.is_empty()) {
                let shift = tail.get(..found).unwrap_or_default().chars().count();
                return Place { line, column: from + shift + column + 1, length };
            }
            if scalar.style != Style::Block {
                break;
            }
        }
        whole
    }
}

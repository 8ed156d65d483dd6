//! Costs such as `{cents} / 100 USD`: arithmetic over placeholders and a currency.
//!
//! The expression is evaluated exactly when the action is called; here it is only checked.

use syn::LitStr;

use super::currency;
use super::path::FieldPath;
use super::template;
use crate::suggest;

/// Deep nesting is refused rather than followed.
const DEEPEST: usize = 32;

/// A cost whose grammar is checked.
pub(crate) struct Cost {
    /// The text, with placeholders as the library reads them.
    pub(crate) canonical: String,
    /// The parameters that it computes with.
    pub(crate) placeholders: Vec<FieldPath>,
}

/// Reads a cost.
pub(crate) fn parse(literal: &LitStr) -> syn::Result<Cost> {
    let text = literal.value();
    let read = || {
        let (expression, currency) = split_currency(&text)?;
        let mut parser = Parser {
            rest: expression.trim_start(),
            literal,
            canonical: String::new(),
            placeholders: Vec::new(),
        };
        parser.sum(0)?;
        if let Some(unexpected) = parser.rest.chars().next() {
            return Err(format!("`{unexpected}` is unexpected here: {FORM}"));
        }
        let Parser { mut canonical, placeholders, .. } = parser;
        canonical.extend([" ", currency]);
        Ok(Cost { canonical, placeholders })
    };
    read().map_err(|message| syn::Error::new(literal.span(), message))
}

const FORM: &str = "a cost is arithmetic (`+ - * /`, parentheses) over numbers and `{parameters}`, then a currency, such as \"{cents} / 100 USD\"";

/// The expression, and the currency behind it.
fn split_currency(text: &str) -> Result<(&str, &str), String> {
    let trimmed = text.trim_end();
    let start = trimmed.rfind(|c: char| !c.is_alphabetic()).map_or(0, |at| {
        at + trimmed.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
    });
    let (expression, code) = trimmed.split_at(start);
    if code.is_empty() {
        return Err(format!("the currency is missing: {FORM}"));
    }
    if !currency::CODES.contains(&code) {
        let near = suggest::nearest(code, currency::CODES.iter());
        let hint = near.map_or_else(
            || ": write its code of three letters, such as `USD`".to_owned(),
            |near| format!("; did you mean `{near}`?"),
        );
        return Err(format!("`{code}` is not a currency of ISO 4217{hint}"));
    }
    if expression.trim().is_empty() {
        return Err(format!("the amount in front of `{code}` is missing: {FORM}"));
    }
    Ok((expression, code))
}

struct Parser<'a> {
    rest: &'a str,
    literal: &'a LitStr,
    canonical: String,
    placeholders: Vec<FieldPath>,
}

impl Parser<'_> {
    /// `product (('+' | '-') product)*`
    fn sum(&mut self, depth: usize) -> Result<(), String> {
        self.product(depth)?;
        while self.take('+') || self.take('-') {
            self.product(depth)?;
        }
        Ok(())
    }

    /// `operand (('*' | '/') operand)*`
    fn product(&mut self, depth: usize) -> Result<(), String> {
        self.operand(depth)?;
        loop {
            if self.take('*') {
                self.operand(depth)?;
            } else if self.take('/') {
                if self.operand(depth)? == Operand::Zero {
                    return Err(format!("nothing can be divided by zero: {FORM}"));
                }
            } else {
                return Ok(());
            }
        }
    }

    fn operand(&mut self, depth: usize) -> Result<Operand, String> {
        if self.take('(') {
            if depth == DEEPEST {
                return Err(format!(
                    "more than {DEEPEST} nested parentheses: compute the cost in the caller"
                ));
            }
            self.sum(depth + 1)?;
            return if self.take(')') {
                Ok(Operand::Other)
            } else {
                Err("this `(` is never closed: write `)` behind its last number".to_owned())
            };
        }
        if self.take('{') {
            let Some((inside, after)) = self.rest.split_once('}') else {
                return Err("this `{` is never closed: write `{cents}`".to_owned());
            };
            let path = template::placeholder(inside, self.literal)?;
            self.canonical.extend(["{", &path.canonical(), "}"]);
            self.placeholders.push(path);
            self.rest = after.trim_start();
            return Ok(Operand::Other);
        }
        self.number()
    }

    fn number(&mut self) -> Result<Operand, String> {
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'))
            .unwrap_or(self.rest.len());
        let (number, after) = self.rest.split_at(end);
        let digits: String = number.chars().filter(|c| *c != '_').collect();
        let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if number.is_empty() {
            return Err(match self.rest.chars().next() {
                Some(c) if c.is_alphabetic() || c == '_' => {
                    let word: String =
                        self.rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    format!("write a parameter in braces: `{{{word}}}`")
                }
                Some(c) => format!("a number or `{{parameter}}` is expected where `{c}` stands: {FORM}"),
                None => format!("a number or `{{parameter}}` is missing at the end: {FORM}"),
            });
        }
        if !(all_digits(whole) && all_digits(fraction)) {
            return Err(format!("`{number}` is not a decimal number, such as `100` or `0.25`"));
        }
        self.rest = after.trim_start();
        self.canonical.push_str(&digits);
        let zero = digits.bytes().all(|byte| byte == b'0' || byte == b'.');
        Ok(if zero { Operand::Zero } else { Operand::Other })
    }

    fn take(&mut self, c: char) -> bool {
        let Some(after) = self.rest.strip_prefix(c) else { return false };
        self.rest = after.trim_start();
        match c {
            '+' | '-' | '*' | '/' => self.canonical.extend([' ', c, ' ']),
            '{' => {}
            _ => self.canonical.push(c),
        }
        true
    }
}

#[derive(PartialEq, Eq)]
enum Operand {
    Zero,
    Other,
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        parse(&LitStr::new(text, Span::call_site()))
            .map(|cost| cost.placeholders.iter().map(FieldPath::to_string).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn reads_arithmetic_and_a_currency() {
        for (text, paths) in [
            ("{cents} / 100 USD", vec!["cents"]),
            ("{cents}/100USD", vec!["cents"]),
            ("5 EUR", vec![]),
            ("0.25 * ({args.n} + 1_000) - {fee} JPY", vec!["args.n", "fee"]),
            ("{a} * {b.0} CHF ", vec!["a", "b.0"]),
        ] {
            assert_eq!(read(text).unwrap(), paths, "{text}");
        }
    }

    #[test]
    fn the_library_gets_one_spelling() {
        let literal = LitStr::new(" 1_000*( {pair.0}+2 )/4EUR ", Span::call_site());
        assert_eq!(parse(&literal).ok().unwrap().canonical, "1000 * ({pair[0]} + 2) / 4 EUR");
    }

    #[test]
    fn says_what_is_wrong() {
        let deep = format!("{}1{} USD", "(".repeat(40), ")".repeat(40));
        for (text, part) in [
            ("", "currency is missing"),
            ("{cents} / 100", "currency is missing"),
            ("USD", "the amount in front of `USD` is missing"),
            ("{cents} USX", "not a currency"),
            ("{cents} usd", "did you mean `USD`?"),
            ("cents / 100 USD", "in braces: `{cents}`"),
            ("{cents} / USD", "missing at the end"),
            ("{cents} / 0 USD", "nothing can be divided by zero"),
            ("{cents} / 0.00 USD", "nothing can be divided by zero"),
            ("{cents} 100 USD", "`1` is unexpected"),
            ("({cents} USD", "`(` is never closed"),
            ("{cents USD", "`{` is never closed"),
            ("1.2.3 USD", "`1.2.3` is not a decimal number"),
            ("1. USD", "is not a decimal number"),
            ("-5 USD", "where `-` stands"),
            ("{cents} % 2 USD", "`%` is unexpected"),
            ("{} USD", "names no parameter"),
            ("\u{20ac} 5", "currency is missing"),
            (&deep, "nested parentheses"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

//! Regular expressions of conditions: written in the file, compiled when it is loaded, and bounded.

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

/// Sizes that a compiled pattern may have, in bytes, and how many steps it then takes to look at 16 bytes of text.
const SIZES: [(usize, u64); 3] = [(16 * 1024, 1), (64 * 1024, 8), (256 * 1024, 32)];
/// How deep a pattern may nest.
const NEST_LIMIT: u32 = 32;

/// A regular expression and what looking with it costs.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    regex: Regex,
    bytes: usize,
    weight: u64,
}

/// Patterns by their text.
pub(super) type Patterns = HashMap<String, Pattern>;

impl Pattern {
    /// Compiles it.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        let mut why = String::new();
        for (size, weight) in SIZES {
            let built = RegexBuilder::new(text).size_limit(size).nest_limit(NEST_LIMIT).build();
            match built {
                Ok(regex) => return Ok(Self { regex, bytes: size, weight }),
                Err(regex::Error::CompiledTooBig(_)) => {
                    why = format!(
                        "takes more than {} KB when it is compiled; repeat less, and write [a-z] rather than \\w where that is meant",
                        size / 1024
                    );
                }
                Err(error) => {
                    return Err(format!("is no regular expression: {}", last_line(&error.to_string())));
                }
            }
        }
        Err(why)
    }

    /// How many steps it takes to look at a text.
    pub(super) fn steps(&self, text: &str) -> u64 {
        let blocks = u64::try_from(text.len() / 16).unwrap_or(u64::MAX);
        blocks.saturating_add(1).saturating_mul(self.weight)
    }

    /// How much memory it takes at most, in bytes.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// The errors of `regex` show the pattern over several lines, and what is wrong in the last.
fn last_line(message: &str) -> &str {
    message.lines().last().unwrap_or(message).trim_start_matches("error: ")
}

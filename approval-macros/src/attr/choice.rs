//! Attributes that take one of a few words.

use proc_macro2::Ident;
use quote::format_ident;
use syn::LitStr;

use crate::suggest;

/// A set of words, each standing for one value.
pub(crate) trait Choice: Copy + Sized + 'static {
    /// What the word says something about, with its article: "a risk".
    const WHAT: &'static str;
    /// The words and what they stand for.
    const WORDS: &'static [(&'static str, Self)];
}

/// Reads one of the words of `C`.
pub(crate) fn parse<C: Choice>(literal: &LitStr) -> syn::Result<C> {
    let text = literal.value();
    let words = || C::WORDS.iter().map(|(word, _)| *word);
    C::WORDS.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice).ok_or_else(|| {
        let known: Vec<&str> = words().collect();
        let hint = suggest::hint(&text, known.iter());
        syn::Error::new(
            literal.span(),
            format!("`{text}` is not {}: use {}{hint}", C::WHAT, suggest::one_of(words())),
        )
    })
}

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident, $what:literal: $($word:literal => $variant:ident,)+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum $name { $($variant,)+ }

        impl Choice for $name {
            const WHAT: &'static str = $what;
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant),)+];
        }
    };
}

choice! {
    /// How much harm the action can do.
    Risk, "a risk":
    "minimal" => Minimal,
    "low" => Low,
    "medium" => Medium,
    "high" => High,
    "critical" => Critical,
}

choice! {
    /// How soon people should look.
    Priority, "a priority":
    "low" => Low,
    "medium" => Medium,
    "high" => High,
    "critical" => Critical,
}

choice! {
    /// What happens when no person decided in time.
    OnTimeout, "a way to end":
    "reject" => Reject,
    "escalate" => Escalate,
    "approve" => Approve,
}

choice! {
    /// Whether the caller waits.
    Mode, "a mode":
    "wait" => Wait,
    "suspend" => Suspend,
}

impl Risk {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, risk)| *risk == self).map_or("", |(word, _)| word)
    }

    /// The variant's name in generated code.
    pub(crate) fn variant(self) -> Ident {
        format_ident!("{self:?}")
    }
}

impl Priority {
    /// The variant's name in generated code.
    pub(crate) fn variant(self) -> Ident {
        format_ident!("{self:?}")
    }
}

impl OnTimeout {
    /// The variant's name in generated code.
    pub(crate) fn variant(self) -> Ident {
        format_ident!("{self:?}")
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    fn literal(text: &str) -> LitStr {
        LitStr::new(text, Span::call_site())
    }

    #[test]
    fn every_word_reads_as_its_variant() {
        for (word, risk) in Risk::WORDS {
            assert_eq!(parse::<Risk>(&literal(word)).unwrap(), *risk);
            assert_eq!(risk.variant().to_string().to_lowercase(), *word);
        }
    }

    #[test]
    fn another_word_lists_the_words() {
        let error = parse::<Risk>(&literal("hihg")).unwrap_err().to_string();
        assert_eq!(
            error,
            "`hihg` is not a risk: use `minimal`, `low`, `medium`, `high` or `critical`; did you mean `high`?"
        );
        assert!(parse::<Priority>(&literal("minimal")).is_err());
        assert!(parse::<Mode>(&literal("Wait")).unwrap_err().to_string().contains("did you mean `wait`?"));
    }
}

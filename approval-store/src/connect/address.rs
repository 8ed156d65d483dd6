//! Recognises the address of a database in a text, however malformed.
//!
//! An address may hold a password. A text that looks like one is never used as the path of a file, and is never shown.

use std::{borrow::Cow, path::Path};

use approval_core::model::visible::is_hidden;

/// Shown in place of an address.
pub(crate) const HIDDEN: &str = "[address of a database, not shown]";

/// What to do about an address in the place of a path.
pub(crate) const HINT: &str = "this looks like the address of a database, not like the path of a file; give it as \
     postgres://user:password@host/database, without quotes, spaces or line breaks, and with %40, %2F or %3F for an @, / or ? \
     that belongs to the password";

/// How often a text is decoded: `%2540` is an @ that was encoded twice.
const DECODINGS: usize = 4;

/// Keys after which a password stands, in any notation.
const PASSWORD_KEYS: [&str; 5] = ["password", "passwd", "passphrase", "pwd", "passfile"];

/// Keys of the connection settings of libpq that may begin a key=value form.
const CONNECTION_KEYS: [&str; 8] =
    ["host", "hostaddr", "dbname", "database", "user", "username", "service", "sslmode"];

/// Whether a text looks like the address of a database rather than like a path: a URL or what is left of one, a
/// name with a password before an `@`, or settings in the form `host=… password=…`. Quotes, white space, invisible
/// characters, upper case and percent-encoding make no difference.
///
/// ```
/// use approval_store::looks_like_address;
///
/// assert!(looks_like_address("'postgres://ann:secret@db/app'"));
/// assert!(looks_like_address("host=db password=secret"));
/// assert!(!looks_like_address("/var/lib/approvals.db"));
/// ```
#[must_use]
pub fn looks_like_address(text: &str) -> bool {
    let mut form = Cow::Borrowed(text);
    for _ in 0..DECODINGS {
        if is_address(&form) {
            return true;
        }
        match decoded(&form) {
            Some(next) => form = Cow::Owned(next),
            None => return false,
        }
    }
    is_address(&form)
}

/// The path as text, unless it looks like an address.
pub(crate) fn shown(path: &Path) -> Cow<'_, str> {
    let text = path.to_string_lossy();
    if looks_like_address(&text) { Cow::Borrowed(HIDDEN) } else { text }
}

fn is_address(text: &str) -> bool {
    let lower = text.to_lowercase();
    let flat: String = lower.chars().filter(|c| !is_decoration(*c)).collect();
    flat.contains("://")
        || ["postgres:", "postgresql:"].iter().any(|scheme| flat.contains(scheme))
        || ["postgres//", "postgresql//"].iter().any(|scheme| flat.starts_with(scheme))
        || has_credentials(&flat)
        || PASSWORD_KEYS.iter().any(|key| is_followed_by(&flat, key, |c| matches!(c, '=' | ':')))
        || CONNECTION_KEYS.iter().any(|key| has_setting(&lower, key))
}

/// White space, quotes, and what is not seen.
fn is_decoration(character: char) -> bool {
    character.is_whitespace()
        || is_hidden(character)
        || matches!(
            character,
            '\'' | '"' | '`' | '´' | '‘' | '’' | '‚' | '‛' | '“' | '”' | '„' | '‟' | '«' | '»'
        )
}

/// `user:password@…`, or `…@host:5432`. The colon of a drive is none of these.
fn has_credentials(flat: &str) -> bool {
    let mut characters = flat.chars();
    let drive = characters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && characters.next() == Some(':')
        && characters.next().is_some_and(|c| matches!(c, '\\' | '/'));
    let rest = if drive { flat.get(2..).unwrap_or(flat) } else { flat };
    let Some((before, after)) = rest.split_once('@') else { return false };
    let is_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | '@');
    before.contains([':', '：'])
        || after
            .trim_start_matches(is_host)
            .strip_prefix(':')
            .is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit()))
}

fn is_followed_by(text: &str, key: &str, by: impl Fn(char) -> bool) -> bool {
    text.match_indices(key).any(|(at, _)| {
        text.get(at..).and_then(|rest| rest.strip_prefix(key)).is_some_and(|rest| rest.starts_with(&by))
    })
}

/// `key = value`, where the key is a word of its own.
fn has_setting(lower: &str, key: &str) -> bool {
    lower.match_indices(key).any(|(at, _)| {
        let (before, rest) = lower.split_at_checked(at).unwrap_or(("", lower));
        let first = before
            .chars()
            .next_back()
            .is_none_or(|c| is_decoration(c) || matches!(c, '?' | '&' | ';' | ',' | '{' | '('));
        let after = rest.strip_prefix(key).unwrap_or("");
        first && after.trim_start_matches(is_decoration).starts_with('=')
    })
}

/// The text with its `%..` decoded; `None` if there are none.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    let mut changed = false;
    while let Some((first, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        let code = match (*first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        if let Some(byte) = code {
            bytes.push(byte);
            changed = true;
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    changed.then(|| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESSES: [&str; 7] = [
        "postgres://ann:s3cret@db.example.com/app",
        "postgresql://ann:s3cret@db.example.com:5433/app?schema=x",
        "POSTGRES://ann:s3cret@db",
        "postgres:ann:s3cret@db",
        "postgres:/ann:s3cret@db/app",
        "postgres//ann:s3cret@db/app",
        "//ann:s3cret@db/app",
    ];

    #[test]
    fn an_address_is_recognised_whatever_surrounds_it() {
        for address in ADDRESSES {
            for (before, after) in [
                ("", ""),
                ("'", "'"),
                ("\"", "\""),
                ("“", "”"),
                (" ", ""),
                ("\t", "\n"),
                ("\u{feff}", ""),
                ("\u{200b}", ""),
                ("\u{a0}", ""),
                ("sqlite:", ""),
                ("./", ""),
                ("jdbc:", ""),
                ("url=", ""),
                ("<", ">"),
            ] {
                let text = format!("{before}{address}{after}");
                assert!(looks_like_address(&text), "{text:?}");
            }
        }
    }

    #[test]
    fn an_address_is_recognised_encoded_and_broken() {
        for text in [
            "postgres%3A%2F%2Fann%3As3cret%40db%2Fapp",
            "postgres%253A//ann%253As3cret%2540db",
            "post\ngres://ann:s3cret@db",
            "postgres:\n//ann:s3cret@db",
            "postgres ://ann:s3cret@db",
            "ann:s3cret@db/app",
            "s3cret@db.example.com:5432/app",
            "host=db user=ann password=s3cret",
            "HOST = db",
            "user=ann\tdbname=app",
            "app.db?password=s3cret",
            "PGPASSWORD=s3cret",
            "password: s3cret",
            "dbname='app' user='ann'",
            "https://ann:s3cret@db",
            "service=app",
        ] {
            assert!(looks_like_address(text), "{text:?}");
        }
    }

    #[test]
    fn a_path_is_none() {
        for text in [
            "approvals.db",
            "/var/lib/approvals/a b.db",
            "./odd:name?.db",
            r"C:\data\ann@corp\approvals.db",
            "C:/data/ann@corp.db",
            "/home/ann@corp/approvals.db",
            "postgres/approvals.db",
            "data/user=1/host=b/approvals.db",
            "100%.db",
            "superuser.db",
            "",
        ] {
            assert!(!looks_like_address(text), "{text:?}");
        }
    }

    #[test]
    fn a_path_that_looks_like_an_address_is_not_shown() {
        assert_eq!(shown(Path::new("a/b.db")), "a/b.db");
        assert_eq!(shown(Path::new("'postgres://ann:s3cret@db'")), HIDDEN);
    }
}

//! Everything that a command prints passes here: nothing hides in it, and no address of a database with a password is in it.

use std::{
    borrow::Cow,
    error::Error,
    ffi::OsString,
    fmt::Write as _,
    io::{self, Write},
};

use approval_core::{
    Principal,
    clock::Timestamp,
    model::{
        ActionName,
        visible::{neutral, neutral_line, visible_line},
    },
};
use approval_store::{StoreUrl, is_plain_path, is_secret_option, looks_like_address};
use serde::Serialize;

/// Shown in place of what may be the address of a database, or a part of one.
const HIDDEN: &str = "[not shown: it may be the address of a database]";

/// Texts of the command line that are not known to be harmless: messages may repeat them.
pub(crate) struct Addresses(Vec<String>);

impl Addresses {
    pub(crate) fn of(arguments: &[OsString]) -> Self {
        let mut found = Vec::new();
        let mut before = String::new();
        for argument in arguments {
            let whole = argument.to_string_lossy().into_owned();
            let (option, value) = match whole.split_once('=') {
                Some((option, value)) if is_option(option) => (option.to_owned(), value.to_owned()),
                _ => (before, whole.clone()),
            };
            let secret = is_secret_option(&option);
            if secret || !(is_declared(&option, &value) || is_harmless(&value)) {
                // Of an address no part is shown either, however it is taken apart.
                let all = secret || looks_like_address(&value);
                let parts = value.split([',', ';', '|', '#']).map(str::trim).map(str::to_owned);
                let parts = parts.chain([value.clone(), whole.clone()]);
                found.extend(parts.filter(|part| may_be_secret(part) && (all || !is_harmless(part))));
            }
            before = whole;
        }
        let mut all: Vec<String> = found.iter().flat_map(|text| forms(text)).collect();
        // A longer one may have a shorter one in it.
        all.sort_by_key(|text| std::cmp::Reverse(text.len()));
        all.dedup();
        Self(all)
    }

    fn hide(&self, text: &str) -> String {
        let hidden = self.0.iter().fold(text.to_owned(), |text, address| text.replace(address, HIDDEN));
        let end = |c: char| c.is_whitespace() || matches!(c, '\'' | '"');
        hidden
            .split_inclusive(end)
            .map(|word| if has_credentials(word) { masked(word, end) } else { Cow::Borrowed(word) })
            .collect()
    }
}

/// `--name`, as options of this command are written.
fn is_option(text: &str) -> bool {
    text.strip_prefix("--")
        .is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
}

/// Whether the value of an option is by its form what the option takes, and so no address: arguments of a sample call, which are to be
/// shown, actions and principals.
fn is_declared(option: &str, value: &str) -> bool {
    match option {
        "--args" => serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(value).is_ok(),
        "--action" => ActionName::new(value).is_ok(),
        "--agent" | "--approvers" | "--by" | "--on-behalf-of" => {
            value.split(',').all(|one| Principal::new(one).is_ok())
        }
        _ => false,
    }
}

/// Less is a sign or a word of a message rather than a secret.
fn may_be_secret(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphanumeric()).count() >= 3
}

/// What is known to hold no password: a plain path or word, an option without its value, an agent, a moment, an address in the form
/// in which stores are shown.
fn is_harmless(text: &str) -> bool {
    is_plain_path(text)
        || is_option(text)
        || text.split_once(':').is_some_and(|(kind, name)| {
            kind.eq_ignore_ascii_case("agent")
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        })
        || text.parse::<Timestamp>().is_ok()
        || text.parse::<StoreUrl>().is_ok_and(|url| {
            let shown = url.to_string();
            shown == text || shown.strip_prefix(text).is_some_and(|rest| rest.starts_with('?'))
        })
}

/// How a message may repeat a text.
fn forms(text: &str) -> Vec<String> {
    let quoted = format!("{text:?}");
    let inside =
        quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&quoted).to_owned();
    let json = serde_json::to_string(text).unwrap_or_else(|_| quoted.clone());
    vec![
        text.to_owned(),
        text.trim().to_owned(),
        inside,
        json.trim_matches('"').to_owned(),
        visible_line(text).into_owned(),
        neutral_line(text).into_owned(),
        neutral(text).into_owned(),
    ]
}

/// `scheme://user:password@…`, wherever it comes from.
fn has_credentials(word: &str) -> bool {
    word.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}

/// The mark, and what ended the word.
fn masked(word: &str, end: impl Fn(char) -> bool) -> Cow<'static, str> {
    match word.chars().next_back().filter(|last| end(*last)) {
        Some(last) => Cow::Owned(format!("{HIDDEN}{last}")),
        None => Cow::Borrowed(HIDDEN),
    }
}

/// Writes what a command had to say.
pub(crate) fn write(told: &[u8], addresses: &Addresses, to: &mut dyn Write) -> io::Result<()> {
    let text = addresses.hide(&String::from_utf8_lossy(told));
    to.write_all(neutral(&text).as_bytes())?;
    to.flush()
}

/// A text of several lines, in each of which nothing hides.
#[derive(Debug)]
pub(crate) struct Lines(pub(crate) String);

impl std::fmt::Display for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Lines {}

/// An error on one line, unless it is made of lines.
pub(crate) fn error(error: &(dyn Error + Send + Sync + 'static)) -> String {
    let text = error.to_string();
    if error.is::<Lines>() { text } else { neutral_line(&text).into_owned() }
}

/// As JSON, with everything that could hide written as `\u….`: a program reads the same, and a terminal shows it.
pub(crate) fn json(value: &impl Serialize) -> io::Result<String> {
    escaped(&serde_json::to_string(value)?)
}

/// Like [`json`], on many lines.
pub(crate) fn pretty_json(value: &impl Serialize) -> io::Result<String> {
    escaped(&serde_json::to_string_pretty(value)?)
}

/// Outside of strings JSON is printable ASCII and line feeds, so what is escaped stands in a string.
fn escaped(json: &str) -> io::Result<String> {
    let mut out = String::with_capacity(json.len());
    let mut buffer = [0; 4];
    for character in json.chars() {
        // A mark alone is shown by its number too.
        if character == '\n' || neutral(character.encode_utf8(&mut buffer)) == *character.to_string() {
            out.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}").map_err(io::Error::other)?;
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(arguments: &[&str], text: &str) -> String {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let mut out = Vec::new();
        write(text.as_bytes(), &Addresses::of(&arguments), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn addresses_of_the_command_line_are_not_repeated() {
        for argument in [
            "postgres://ann:s3cret@db/app",
            "'postgres://ann:s3cret@db/app'",
            " postgres:s3cret",
            "--store=postgres://ann:s3cret@db/app",
            "host=db password=s3cret",
            "post\ngres://ann:s3cret@db",
            "action,postgres://ann:s3cret@db",
            "ann;s3cret@h",
            "postgres://h/d#s3cret",
            "ann,s3cret,tcp(h:1)",
            "tcp(ann:s3cret)/d",
            r#"{"password":"s3cret"}"#,
            "ｐａｓｓｗｏｒｄ＝s3cret",
            "--password=s3cret",
            "--db-pass=s3cret",
            "pgpassword s3cret",
            "s3cret token",
        ] {
            for text in [
                format!("{argument}: no such file"),
                format!("unexpected argument '{argument}' found"),
                format!("{argument:?} is neither"),
                format!("error: {}", visible_line(argument)),
            ] {
                let shown = hidden(&["approvals", argument], &text);
                assert!(!shown.contains("s3cret") && shown.contains(HIDDEN), "{shown}");
            }
        }
        let text = "the server of postgres://ann:s3cret@db said \"no\"\n";
        assert_eq!(hidden(&[], text), format!("the server of {HIDDEN} said \"no\"\n"));
        let text = "copied to postgres://db:5432/app?schema=approvals\n";
        for given in
            ["postgres://db:5432/app?schema=approvals", "postgres://db:5432/app", "postgres://ann@db/app"]
        {
            assert_eq!(hidden(&[given], text), text);
        }
        assert!(!hidden(&["--password", "s3cret"], "unexpected argument 's3cret'").contains("s3cret"));
    }

    #[test]
    fn what_is_known_to_be_harmless_is_shown() {
        for (arguments, text) in [
            (&["policy", "test", "a.yaml"][..], "a.yaml: no mistakes"),
            (&["--args", r#"{"url":"a:b@c","cents":9900}"#], r#"{"url":"a:b@c","cents":9900}"#),
            (&["--approvers=user:ann@example.com,group:x"], "asks user:ann@example.com, group:x"),
            (&["--from", "2026-01-31T18:00:00Z"], "from 2026-01-31T18:00:00Z"),
            (&["--store", "/var/lib/a b.db"], "there is no file /var/lib/a b.db"),
            (&["--x", "="], "a = b"),
            (&["--action", "password.reset"], "password.reset is asked about"),
        ] {
            assert_eq!(hidden(arguments, text), text);
        }
        let text = hidden(&["--by", r#"{"pw":"s3cret"}"#], r#"invalid value '{"pw":"s3cret"}'"#);
        assert!(!text.contains("s3cret"), "{text}");
    }

    #[test]
    fn people_and_agents_that_options_name_are_shown() {
        for arguments in [
            &["--on-behalf-of", "user:ann@example.com"][..],
            &["--on-behalf-of=user:ann@example.com"],
            &["--approvers", "user:ann@example.com,group:ops"],
            &["--by", "user:ann@example.com", "--agent", "agent:a@b"],
        ] {
            let text = "needs 1 of user:ann@example.com, for agent:a@b\n";
            assert_eq!(hidden(arguments, text), text, "{arguments:?}");
        }
        for (arguments, text) in [
            (&["user:s3cret@db"][..], "user:s3cret@db"),
            (&["--by", "user:ann@example.com", "user:s3cret@db"], "user:s3cret@db"),
            (&["--store", "user:s3cret@db"], "user:s3cret@db"),
            (&["--by", "postgres:s3cret@db"], "postgres:s3cret@db"),
            (&["--by", "user:ann,ann:s3cret@db"], "ann:s3cret@db"),
            (&["--by=ann:s3cret@db"], "ann:s3cret@db"),
        ] {
            assert!(!hidden(arguments, text).contains("s3cret"), "{arguments:?}");
        }
    }

    #[test]
    fn nothing_hides_in_what_is_printed() {
        assert_eq!(hidden(&[], "a\u{1b}[2J\u{202e}b\u{3164}\n"), "a⟨U+001B⟩[2J⟨U+202E⟩b⟨U+3164⟩\n");
        assert_eq!(error(&io::Error::other("a\nb\u{9b}")), "a⟨U+000A⟩b⟨U+009B⟩");
    }

    #[test]
    fn json_means_the_same() {
        let value = serde_json::json!({ "a\u{202e}": "b\u{e0041}\n\u{7f}", "c": "Grüße" });
        let text = json(&value).unwrap();
        assert_eq!(text, r#"{"a\u202e":"b\udb40\udc41\n\u007f","c":"Grüße"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&pretty_json(&value).unwrap()).unwrap(), value);
    }
}

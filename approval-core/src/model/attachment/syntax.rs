//! What names, media types and addresses look like.

use crate::{error::Invalid, model::Text};

/// Longest name, in bytes: what common file systems take.
const NAME_LIMIT: usize = 255;
/// Longest media type, in bytes: twice 127 of RFC 6838, section 4.2, and room for parameters.
const MEDIA_TYPE_LIMIT: usize = 400;
/// Longest address, in bytes.
const ADDRESS_LIMIT: usize = 2_000;

/// A name that leads to no other folder, wherever a person saves the file.
pub(super) fn name(text: &str) -> Result<Text, Invalid> {
    let why = if text.trim().is_empty() {
        "is empty"
    } else if text.len() > NAME_LIMIT {
        "is longer than 255 bytes"
    } else if text.contains(['/', '\\']) || matches!(text, "." | "..") {
        "is a path"
    } else if text.contains(char::is_control) {
        "has control characters"
    } else {
        return Ok(text.into());
    };
    Err(Invalid::new("name of an attachment", text, why).hint("give the name of a file, such as invoice.pdf"))
}

/// `type "/" subtype *( OWS ";" OWS name "=" value )`, RFC 9110, section 8.3.1.
pub(super) fn media_type(text: &str) -> Result<Text, Invalid> {
    let bad = |why| {
        Invalid::new("media type of an attachment", text, why)
            .hint("write it as application/pdf or text/plain")
    };
    if text.len() > MEDIA_TYPE_LIMIT {
        return Err(bad("is longer than 400 bytes"));
    }
    let (essence, parameters) =
        text.split_once(';').map_or((text, None), |(essence, more)| (essence, Some(more)));
    let essence = if parameters.is_some() { essence.trim_end_matches([' ', '\t']) } else { essence };
    let is_type = essence.split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
    if !is_type {
        return Err(bad("is not a type and a subtype with a slash between"));
    }
    match parameters.map_or(Some(()), read_parameters) {
        Some(()) => Ok(text.into()),
        None => Err(bad("has a parameter that is not `name=value`")),
    }
}

/// What stands behind the first semicolon.
fn read_parameters(mut rest: &str) -> Option<()> {
    loop {
        let (name, value) = rest.trim_start_matches([' ', '\t']).split_once('=')?;
        if !is_token(name) {
            return None;
        }
        rest = if let Some(quoted) = value.strip_prefix('"') {
            behind_quote(quoted)?
        } else {
            let end = value.find([';', ' ', '\t']).unwrap_or(value.len());
            let (value, rest) = value.split_at_checked(end)?;
            if !is_token(value) {
                return None;
            }
            rest
        };
        rest = rest.trim_start_matches([' ', '\t']);
        if rest.is_empty() {
            return Some(());
        }
        rest = rest.strip_prefix(';')?;
    }
}

/// What follows the end of a quoted string, RFC 9110, section 5.6.4. ASCII alone: older text is obsolete there.
fn behind_quote(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            '"' => return Some(chars.as_str()),
            '\\' => chars.next()?,
            other => other,
        };
        if !matches!(c, '\t' | ' '..='~') {
            return None;
        }
    }
    None
}

/// A token of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(fits)
}

/// Whether people read what has this type as text.
pub(super) fn is_text(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let named = [
        "application/json",
        "application/xml",
        "application/yaml",
        "application/toml",
        "application/sql",
        "application/javascript",
    ];
    essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || named.contains(&essence.as_str())
}

/// An address that every program reads alike: RFC 3986 in ASCII, `http` or `https`, and no user in front of the host, since
/// `https://bank.example@evil.example` leads to the latter.
pub(super) fn address(text: &str) -> Result<Text, Invalid> {
    let bad = |why| {
        Invalid::new("address of an attachment", text, why)
            .hint("write it as https://example.com/invoice.pdf")
    };
    let scheme = |scheme: &str| {
        text.get(..scheme.len())
            .filter(|start| start.eq_ignore_ascii_case(scheme))
            .and_then(|_| text.get(scheme.len()..))
    };
    let Some(rest) = scheme("https://").or_else(|| scheme("http://")) else {
        return Err(bad("does not begin with https:// or http://"));
    };
    if text.len() > ADDRESS_LIMIT {
        return Err(bad("is longer than 2,000 bytes"));
    }
    // What RFC 3986 knows no use for; a backslash, which browsers take for a slash, is among it.
    let strange = |b: u8| !b.is_ascii_graphic() || b"\"<>\\^`{|}".contains(&b);
    if text.bytes().any(strange) {
        return Err(bad("has characters that must be percent-encoded"));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(bad("has a user in front of the host"));
    }
    if authority.is_empty() || authority.starts_with(':') {
        return Err(bad("names no host"));
    }
    Ok(text.into())
}

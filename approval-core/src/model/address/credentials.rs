//! Words that name a credential, and whether what stands beside them may be one: `pgpassword s3cret`, `s3cret (token)`.
//!
//! The line is drawn so: a word that is alone in its part of a path is the name of a file or a folder (`/run/secrets/app.db`), and so
//! is one that is joined to words of such names (`passwords-app`). Beside anything else it may name a secret, and nothing of the
//! text is shown. Apart from the secret by a space or another sign that no file name needs, it is not even used as a path, unless
//! the text is one for certain ([`is_meant_as_path`]).

use unicode_normalization::UnicodeNormalization as _;

use super::{form::folded, signs::without_drive};
use crate::model::visible::is_hidden;

/// These name a credential wherever they stand in a word.
const PARTS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passfile",
    "secret",
    "credential",
    "token",
    "apikey",
    "passkey",
    "accesskey",
    "accountkey",
    "sharedkey",
    // German.
    "passwort",
    "kennwort",
    // Spanish.
    "contraseña",
    "contrasena",
    // French.
    "motdepasse",
    // Portuguese.
    "senha",
    "palavrapasse",
    // Dutch.
    "wachtwoord",
    // Danish, Norwegian and Swedish.
    "adgangskode",
    "passord", // typos:ignore
    "lösenord",
    // Finnish.
    "salasana",
    // Polish and Czech.
    "hasło",
    "heslo",
    // Turkish.
    "şifre",
    // Russian and Ukrainian, with their endings.
    "парол",
    // Chinese.
    "密码",
    "密碼",
    "口令",
    // Japanese.
    "パスワード",
    "暗証番号",
    // Korean.
    "비밀번호",
    "암호",
];

/// These do as whole words, or behind an [owner](OWNERS).
const WORDS: &[&str] = &[
    "pass",
    "pwd",
    "pw",
    "psw",
    "pswd",
    "passe",
    "clave",
    "auth",
    "authn",
    "authz",
    "oauth",
    "authorization",
    "authentication",
    "bearer",
    "jwt",
    "cred",
    "psk",
    "otp",
    "totp",
    "mfa",
    "pin",
    // SQL: `identified by`.
    "identified",
    // Behind what it is a key of.
    KEY,
];

/// A word that ends so names a credential, whatever it belongs to: `redispass`, `kafkapwd`.
const LAST_PARTS: &[&str] = &["pass", "pwd", "pswd"];

/// Words that end so by chance.
const NOT_LAST_PARTS: &[&str] = &[
    "allpass",
    "bandpass",
    "bypass",
    "compass",
    "encompass",
    "gyrocompass",
    "highpass",
    "lowpass",
    "multipass",
    "overpass",
    "surpass",
    "trespass",
    "underpass",
];

/// The scheme of a header, in front of a name and a password in Base64.
const BASIC: &str = "basic";

/// Too common a word to say anything alone, unless a `=` or `:` follows.
const KEY: &str = "key";

/// A key of these is a credential.
const KEYS_OF: &[&str] = &[
    "access",
    "account",
    "api",
    "client",
    "deploy",
    "encryption",
    "license",
    "master",
    "private",
    "secret",
    "service",
    "shared",
    "ssh",
    "storage",
];

/// What words of credentials are joined to, without a sign in between: `pgpass`, `dbpwd`.
const OWNERS: &[&str] = &[
    "admin",
    "app",
    "approval",
    "approvals",
    "database",
    "db",
    "default",
    "env",
    "ftp",
    "ldap",
    "mail",
    "mariadb",
    "my",
    "mysql",
    "pg",
    "postgres",
    "psql",
    "root",
    "smtp",
    "sql",
    "ssh",
    "user",
];

/// Words of names of files and folders.
const NAMES: &[&str] = &[
    "access",
    "api",
    "app",
    "approval",
    "approvals",
    "apps",
    "backup",
    "client",
    "config",
    "data",
    "files",
    "ldap",
    "manager",
    "mariadb",
    "master",
    "mysql",
    "oauth2",
    "pg",
    "policy",
    "postgres",
    "private",
    "prod",
    "production",
    "proxy",
    "public",
    "seals",
    "server",
    "service",
    "shared",
    "smtp",
    "ssh",
    "storage",
    "store",
];

/// How names of files end.
const ENDINGS: &[&str] = &[
    "cfg", "conf", "crt", "csv", "db", "json", "jsonl", "key", "log", "pem", "pub", "sqlite", "sqlite3",
    "toml", "yaml", "yml",
];

/// Whether something stands beside a word that names a credential, apart from it: before or behind a space, a comma or another
/// sign that joins no words. Or whether there are options of a command in the text, such as `-ps3cret`.
pub(super) fn stand_apart(text: &str) -> bool {
    has_option(text) || has_basic(text) || stand_apart_where(text, |gap| gap.contains(['=', ':']))
}

/// Whether something stands behind the word `key`, apart from it: perhaps the name of a folder, perhaps a secret.
pub(super) fn stands_behind_a_key(text: &str) -> bool {
    stand_apart_where(text, is_apart)
}

fn has_option(text: &str) -> bool {
    let is_option =
        |word: &str| word.strip_prefix('-').is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
    folded(text).split_whitespace().skip(1).any(is_option)
}

/// `Basic YW5uOnMzY3JldA==`
fn has_basic(text: &str) -> bool {
    let folded = folded(text);
    let mut words = folded.split(|c: char| c.is_whitespace() || is_hidden(c)).filter(|word| !word.is_empty());
    let is_base64 = |word: &str| {
        word.len() >= 4
            && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '='))
    };
    words.by_ref().any(|word| word.trim_matches(|c: char| !c.is_alphanumeric()) == BASIC)
        && words.next().is_some_and(is_base64)
}

/// `of_key`: whether a gap makes the word `key` in front of it one that names a credential.
fn stand_apart_where(text: &str, of_key: impl Fn(&str) -> bool) -> bool {
    forms(text).iter().any(|(text, least)| {
        let mut before = None;
        let mut first = true;
        let mut groups = groups(text).peekable();
        while let Some(group) = groups.next() {
            let gap = groups.peek().map_or("", |next| next.gap);
            let credential = group.names_credential(&mut before, *least);
            let key = before == Some(KEY) && of_key(gap);
            if credential && (!first && is_apart(group.gap) || is_apart(gap)) || key {
                return true;
            }
            first = false;
        }
        false
    })
}

/// Whether a word that names a credential is joined to another one that is not known from names of files:
/// `password-s3cret`, `s3cretToken`.
pub(super) fn are_joined(text: &str) -> bool {
    forms(text).iter().any(|(text, least)| {
        let mut before = None;
        groups(text)
            .any(|group| group.names_credential(&mut before, *least) && !group.words().all(is_of_a_name))
    })
}

/// Whether a text is a path although a word in it names a credential: it ends as names of files do, or it begins as a path and
/// the word is in the name of a folder.
pub(super) fn is_meant_as_path(text: &str) -> bool {
    let text = folded(text);
    let windows = without_drive(&text).len() < text.len()
        || ["\\", ".\\", "..\\"].iter().any(|start| text.starts_with(start));
    let file = text.rsplit(|c| c == '/' || windows && c == '\\').next().unwrap_or(&text);
    let ends = file
        .rsplit_once('.')
        .is_some_and(|(name, ending)| name.chars().any(char::is_alphanumeric) && ENDINGS.contains(&ending));
    let begins = windows || ["/", "./", "../", "~/"].iter().any(|start| text.starts_with(start));
    ends || begins && !stand_apart(file)
}

/// Whether an option of this name takes a credential: `--pg-password`.
pub(super) fn is_named_by(option: &str) -> bool {
    let mut before = None;
    groups(option).any(|group| group.names_credential(&mut before, 1))
}

/// The forms in which words are looked for, with the fewest letters of a word that is looked for as a whole: the text in small letters;
/// and with its humps taken apart (`userAuth`), where a short word may be chance.
fn forms(text: &str) -> [(String, usize); 2] {
    let seen: String = text.nfkc().filter(|c| c.is_whitespace() || !is_hidden(*c)).collect();
    let mut apart = String::with_capacity(seen.len() + 8);
    let mut small = false;
    for character in seen.chars() {
        if small && character.is_uppercase() {
            apart.push('_');
        }
        small = character.is_lowercase() || character.is_numeric();
        apart.push(character);
    }
    [(seen, 1), (apart, 4)].map(|(text, least)| {
        let text = folded(&text);
        (without_drive(&text).to_owned(), least)
    })
}

/// Words that `- _ . ~` join, and what is in front of them.
struct Group<'a> {
    gap: &'a str,
    text: &'a str,
}

impl<'a> Group<'a> {
    fn words(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.text.split(is_joiner).filter(|word| !word.is_empty())
    }

    /// Whether one of its words names a credential. `before` is the word in front, and afterwards the last one.
    fn names_credential(&self, before: &mut Option<&'a str>, least: usize) -> bool {
        let mut found = false;
        for word in self.words() {
            found |= names_credential(*before, word, least);
            *before = Some(word);
        }
        found
    }
}

fn groups(text: &str) -> impl Iterator<Item = Group<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (gap, from) = rest.split_at_checked(rest.find(char::is_alphanumeric)?)?;
        let end = from.find(|c: char| !c.is_alphanumeric() && !is_joiner(c)).unwrap_or(from.len());
        let (text, after) = from.split_at_checked(end)?;
        rest = after;
        Some(Group { gap, text })
    })
}

const fn is_joiner(character: char) -> bool {
    matches!(character, '-' | '_' | '.' | '~')
}

/// Whether a gap has more in it than paths need.
fn is_apart(gap: &str) -> bool {
    gap.chars().any(|c| !is_joiner(c) && !matches!(c, '/' | '\\'))
}

fn names_credential(before: Option<&str>, word: &str, least: usize) -> bool {
    let key = singular(word) == KEY;
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    PARTS.iter().any(|part| word.contains(part))
        || ends_as_credential(word)
        || if key { before.is_some_and(|owner| KEYS_OF.contains(&owner)) } else { is_whole(word, least) }
}

fn ends_as_credential(word: &str) -> bool {
    LAST_PARTS.iter().any(|end| word.len() > end.len() && word.ends_with(end))
        && !NOT_LAST_PARTS.contains(&word)
}

/// Whether a word is one of the whole words, perhaps behind an owner, and perhaps several of what it names.
fn is_whole(word: &str, least: usize) -> bool {
    let plain = |word: &str| WORDS.contains(&word) || PARTS.contains(&word);
    let whole = |word: &str| plain(word) || plain(singular(word));
    word.chars().count() >= least && whole(word)
        || OWNERS
            .iter()
            .filter_map(|owner| word.strip_prefix(owner))
            .any(|rest| singular(rest) != KEY && whole(rest))
        || KEYS_OF.iter().filter_map(|owner| word.strip_prefix(owner)).any(|rest| singular(rest) == KEY)
}

fn singular(word: &str) -> &str {
    word.strip_suffix('s').unwrap_or(word)
}

/// Whether a word is known from names of files and folders, or names a credential and says nothing else.
fn is_of_a_name(word: &str) -> bool {
    is_whole(word, 1) || NAMES.contains(&word) || ENDINGS.contains(&word)
}

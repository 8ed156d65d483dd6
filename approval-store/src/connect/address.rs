//! Recognises the address of a database in a text, however malformed, and tells what may be shown.
//!
//! An address may hold a password. A text that has a sign of one is never used as the path of a file. Shown is only what is known
//! to be harmless.

mod form;
mod signs;

use std::{borrow::Cow, path::Path};

pub(super) use signs::SCHEMES;

/// Shown in place of an address.
pub(crate) const HIDDEN: &str = "[address of a database, not shown]";

/// Shown in place of a path that may hold a secret for all that is known.
pub(crate) const ODD: &str =
    "[path not shown: it has other characters than letters, digits, spaces and - _ . ~]";

/// What to do about an address in the place of a path.
pub(crate) const HINT: &str = "this looks like the address or the settings of a database, not like the path of a file; give it as \
     postgres://user:password@host/database, without quotes, spaces or line breaks, and with %40, %2F or %3F for an @, / or ? \
     that belongs to the password";

/// How often a text is decoded: `%2540` is an @ that was encoded twice.
const DECODINGS: usize = 4;

/// Whether a text looks like the address of a database rather than like a path: a URL or what is left of one, a
/// name with a password before an `@`, settings in the form `host=… password=…`, a line of a password file, an option with a
/// password. Quotes, white space, invisible characters, upper case, full-width letters and escapes (`%3A`, `&#58;`, `\u003a`) make
/// no difference.
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
        if signs::has_sign(&form) {
            return true;
        }
        match form::decoded(&form) {
            Some(next) => form = Cow::Owned(next),
            None => return false,
        }
    }
    // What is encoded more often than that is meant to be overlooked.
    signs::has_sign(&form) || form::decoded(&form).is_some()
}

/// Whether a text is a path that may be shown: of letters, digits, spaces and `-_.~/\`, perhaps with a drive in front, and without
/// any sign of an address. A password that stands alone is such a text too.
///
/// ```
/// use approval_store::is_plain_path;
///
/// assert!(is_plain_path("/var/lib/approvals.db"));
/// assert!(!is_plain_path("ann;secret@db"));
/// assert!(!is_plain_path("--password secret"));
/// ```
#[must_use]
pub fn is_plain_path(text: &str) -> bool {
    let folded = form::folded(text);
    let mut characters = folded.chars();
    let rest = match (characters.next(), characters.next(), characters.next()) {
        (Some(drive), Some(':'), Some('/' | '\\')) if drive.is_ascii_alphabetic() => {
            folded.get(2..).unwrap_or(&folded)
        }
        _ => &folded,
    };
    !rest.starts_with('-')
        && rest.chars().all(|c| is_plain(c) || matches!(c, ' ' | '~' | '/' | '\\'))
        && !signs::names_secret(text)
        && !looks_like_address(text)
}

/// Whether what follows this option on a command line is a secret, by the name of the option: `--password`.
#[must_use]
pub fn is_secret_option(text: &str) -> bool {
    signs::is_secret_option(text)
}

/// Whether the name of a host or a database may be shown.
#[cfg(feature = "postgres")]
pub(crate) fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(is_plain) && form::folded(name) == name.to_lowercase()
}

fn is_plain(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '-' | '_' | '.')
}

/// The path as text, if it is known to be harmless.
pub(crate) fn shown(path: &Path) -> Cow<'_, str> {
    let text = path.to_string_lossy();
    match (is_plain_path(&text), looks_like_address(&text)) {
        (true, _) => text,
        (false, true) => Cow::Borrowed(HIDDEN),
        (false, false) => Cow::Borrowed(ODD),
    }
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
            // Characters that pass for others.
            "ｐｏｓｔｇｒｅｓ：／／ａｎｎ：ｓ３ｃｒｅｔ＠ｈ",
            "ann：s3cret@db",
            "ann∶s3cret﹫db",
            "ｐａｓｓｗｏｒｄ＝s3cret",
            "𝐩𝐚𝐬𝐬𝐰𝐨𝐫𝐝=s3cret",
            // Other keys of secrets.
            "pass=s3cret",
            "x.db?passcode=s3cret",
            "pw: s3cret",
            "a;secret=s3cret",
            "./x token=s3cret",
            "API_KEY=s3cret",
            // Lines of a password file.
            "db:5432:app:ann:s3cret",
            "*:*:*:ann:s3cret",
            r"db\:1:5432:app:ann:s3cret",
            // Other notations.
            "tcp(ann:s3cret)/d",
            "unix(/run/x:s3cret)/d",
            "ann;s3cret@db",
            "ann|s3cret@db",
            "postgres&#58;//ann;s3cret",
            "postgres&#x3a;&#x2f;&#x2f;s3cret",
            "postgres&colon;&sol;&sol;s3cret",
            "postgres%3A//s3cret",
            "postgres%3a%2f%2fs3cret",
            "postgres=3A//s3cret",
            r"postgres\u003a\u002f\u002fs3cret",
            "postgres;//s3cret",
            "./postgres.//s3cret",
            "pgsql://s3cret",
            "Data Source=h;Initial Catalog=d;s3cret",
            "Server=h;Uid=ann;Pwd=s3cret",
            "./x;Server = h;s3cret",
            r#"{"password":"s3cret"}"#,
            r#"{"host":"h","x":"s3cret"}"#,
            r#"["ann:s3cret"]"#,
            "--password s3cret",
            "--password=s3cret",
            "psql -h db --password s3cret",
            "jdbc:postgresql:d?s3cret",
            "jdbc:s3cret",
            "mysql:ann/s3cret",
            "export DATABASE_URL=s3cret",
            "$env:DATABASE_URL = 's3cret'",
            "DATABASE_URL=s3cret",
            "set PG=s3cret",
            "a%25252525253As3cret",
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
            "compass/tokens/secrets.db",
            "./a=b.db",
            "data/postgres 15/x (1).db",
            "/backup/2026-01-31T18:00:00.db",
            r"C:\users\xenia\approvals.db",
        ] {
            assert!(!looks_like_address(text), "{text:?}");
        }
    }

    #[test]
    fn only_plain_paths_are_shown() {
        for text in [
            "a/b.db",
            "/var/lib/a b.db",
            "~/x-1_2.db",
            "../größe.db",
            "gro\u{308}ße.db",
            r"C:\data\approvals.db",
            "compass/tokens/secrets.db",
            "password.db",
            "",
        ] {
            assert_eq!(shown(Path::new(text)), text);
        }
        for text in ADDRESSES {
            assert_eq!(shown(Path::new(text)), HIDDEN);
        }
        for text in [
            "./odd:name?.db",
            "/home/ann@corp/approvals.db",
            "data/user=1/x.db",
            "a#s3cret.db",
            "a|s3cret",
            "a;s3cret",
            "a&s3cret",
            "a\u{202e}b.db",
            "a\u{200b}b.db",
            "a\nb.db",
            "-s3cret",
            "password s3cret",
            "ann password s3cret",
            "Passcode\ts3cret",
            "100%.db",
        ] {
            assert!(!looks_like_address(text), "{text}");
            assert_eq!(shown(Path::new(text)), ODD, "{text}");
        }
    }

    #[test]
    fn options_with_secrets_are_known() {
        for text in ["--password", "--db-pass", "-token", "--API-KEY", "--client-secret"] {
            assert!(is_secret_option(text), "{text}");
        }
        for text in ["--store", "--by", "password", "-p"] {
            assert!(!is_secret_option(text), "{text}");
        }
    }
}

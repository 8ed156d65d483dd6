//! Recognises the address of a database, or a credential, in a text, however malformed, and tells what may be shown.
//!
//! An address may hold a password. A text that has a sign of one is never used as the path of a file. Shown is only what is known
//! to be harmless: every error, log line and `Debug` that names a path which was given goes through [`shown_path`].

mod credentials;
mod form;
mod signs;

use std::{borrow::Cow, path::Path};

/// Shown in place of an address.
const HIDDEN: &str = "[address of a database or credential, not shown]";

/// Shown in place of a path that may hold a secret for all that is known.
const ODD: &str = "[path not shown: it has other characters than letters, digits, spaces and - _ . ~]";

/// Shown in place of a path with a word such as `password` beside another one.
const NAMED: &str = "[path not shown: a word or option in it may name a credential, as password or token do; what stands beside it may be one]";

/// What to do about an address or a credential in the place of a path.
pub const NO_PATH: &str = "this looks like the address or the settings of a database, or like a credential, not like the path of a file; give an address as \
     postgres://user:password@host/database, without quotes, spaces or line breaks, and with %40, %2F or %3F for an @, / or ? \
     that belongs to the password; the name of a file with a word such as password or token beside another one must end in .db, .yaml, .pem or \
     the like";

/// How often a text is decoded: `%2540` is an @ that was encoded twice.
const DECODINGS: usize = 4;

/// The text and what it says decoded, as often as it can be, and whether even the last form can be decoded: what is encoded that
/// often is meant to be overlooked.
fn forms(text: &str) -> (Vec<Cow<'_, str>>, bool) {
    let mut forms = vec![Cow::Borrowed(text)];
    let mut next = form::decoded(text);
    while let Some(decoded) = next.take_if(|_| forms.len() <= DECODINGS) {
        next = form::decoded(&decoded);
        forms.push(Cow::Owned(decoded));
    }
    (forms, next.is_some())
}

/// Whether a text looks like the address of a database rather than like a path: a URL or what is left of one, a
/// name with a password before an `@`, settings in the form `host=… password=…`, a line of a password file, an option with a
/// password. Or like a credential: something before or behind a word that names one (`pgpassword s3cret`, `s3cret,token`), unless the text is a
/// path for certain: it ends as names of files do, or it begins as a path and the word is in the name of a folder. Quotes, white space,
/// invisible characters, upper case, full-width letters and escapes (`%3A`, `&#58;`, `\u003a`) make no difference.
///
/// ```
/// use approval_core::model::address::looks_like_address;
///
/// assert!(looks_like_address("'postgres://ann:secret@db/app'"));
/// assert!(looks_like_address("host=db password=secret"));
/// assert!(looks_like_address("mytoken s3cret"));
/// assert!(!looks_like_address("/var/lib/approvals.db"));
/// assert!(!looks_like_address("/home/ann/Secret Project/approvals.db"));
/// ```
#[must_use]
pub fn looks_like_address(text: &str) -> bool {
    let (forms, further) = forms(text);
    further || forms.iter().any(|form| signs::has_sign(form))
}

/// Whether a text is a path that may be shown: of letters, digits, spaces and `-_.~/\`, perhaps with a drive in front, and without
/// any sign of an address or a credential. A password that stands alone is such a text too.
///
/// ```
/// use approval_core::model::address::is_plain_path;
///
/// assert!(is_plain_path("/var/lib/approvals.db"));
/// assert!(is_plain_path("/run/secrets/store.db"));
/// assert!(!is_plain_path("ann;secret@db"));
/// assert!(!is_plain_path("--password secret"));
/// assert!(!is_plain_path("./password-s3cret"));
/// ```
#[must_use]
pub fn is_plain_path(text: &str) -> bool {
    has_plain_characters(text) && !names_credential(text) && !looks_like_address(text)
}

fn has_plain_characters(text: &str) -> bool {
    let folded = form::folded(text);
    let rest = signs::without_drive(&folded);
    !rest.starts_with('-') && rest.chars().all(|c| is_plain(c) || matches!(c, ' ' | '~' | '/' | '\\'))
}

/// Whether a word names a credential, and another stands beside it.
fn names_credential(text: &str) -> bool {
    let (forms, _) = forms(text);
    forms.iter().any(|form| {
        credentials::stand_apart(form)
            || credentials::stands_behind_a_key(form)
            || credentials::are_joined(form)
    })
}

/// Whether what follows this option on a command line is a secret, by the name of the option: `--password`.
#[must_use]
pub fn is_secret_option(text: &str) -> bool {
    signs::is_secret_option(text)
}

/// Whether the name of a host or a database may be shown.
#[must_use]
pub fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(is_plain) && form::folded(name) == name.to_lowercase()
}

/// What the URL of a store, a database or a driver begins with, in front of a colon, if `scheme` is known. An error may repeat it: a known
/// word is no part of a password.
#[must_use]
pub fn known_scheme(scheme: &str) -> Option<&'static str> {
    signs::SCHEMES.into_iter().find(|known| *known == scheme)
}

fn is_plain(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '-' | '_' | '.')
}

/// The path as text, if it [is plain](is_plain_path); else why it is not shown.
///
/// ```
/// use approval_core::model::address::shown_path;
/// use std::path::Path;
///
/// assert_eq!(shown_path(Path::new("/etc/approvals.yaml")), "/etc/approvals.yaml");
/// assert!(!shown_path(Path::new("postgres://ann:s3cret@db/app")).contains("s3cret"));
/// ```
#[must_use]
pub fn shown_path(path: &Path) -> Cow<'_, str> {
    let text = path.to_string_lossy();
    if looks_like_address(&text) {
        Cow::Borrowed(HIDDEN)
    } else if names_credential(&text) {
        Cow::Borrowed(NAMED)
    } else if !has_plain_characters(&text) {
        Cow::Borrowed(ODD)
    } else {
        text
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
            "./x key=s3cret",
            "x key: s3cret",
            // Options of a command.
            "mysql -uann -ps3cret app",
            "psql -h db -W s3cret",
            "./x -p s3cret",
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
            // Words that name credentials, alone or in paths that are paths for certain.
            "passwords",
            "~/.pgpass",
            r"C:\secrets\approvals",
            "/run/secrets/approvals",
            "/var/lib/passwords-app/store.db",
            "/home/ann/Secret Project/approvals.db",
            "/home/ann/Secret Project/approvals",
            "Secret Project.db",
            "/data - copy/x -old.db",
            "key s3cret",
            "./auth tokens.yaml",
            "password-s3cret",
            "./data/key=1/x",
            "data/key=1/x.db",
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
            "~/.pgpass",
            "/var/run/secrets/kubernetes.io/serviceaccount/token",
            "/run/secrets/approvals.db",
            "/run/secrets/postgres_password",
            "keys/signing key.pem",
            "data - copy/approvals.db",
            r"C:\secrets\approvals.db",
            "/var/lib/passwords-app/store.db",
            "auth-service/approvalsToken.db",
            "private-keys/signing-key.pem",
            "compass author/monkey bypass.db",
            "compass bypass/trespass surpass",
            "passenger list/lowpass.db",
            "lowpass filters/x.db",
            "Basic Project/approvals.db",
            "basic-setup.db",
            "oauth2-proxy/approvals.yaml",
            "données/データ.db",
            "",
        ] {
            assert_eq!(shown_path(Path::new(text)), text);
        }
        for text in ADDRESSES {
            assert_eq!(shown_path(Path::new(text)), HIDDEN);
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
            "100%.db",
        ] {
            assert!(!looks_like_address(text), "{text}");
            assert_eq!(shown_path(Path::new(text)), ODD, "{text}");
        }
    }

    /// Words that name a credential, as people and programs write them.
    const CREDENTIALS: &[&str] = &[
        "password",
        "PASSWORD",
        "pgpassword",
        "PGPASSWORD",
        "PgPassword",
        "db_password",
        "db-password",
        "dbPassword",
        "pAsSwOrD",
        "passwords",
        "pass1",
        "license key",
        "passwd",
        "passphrase",
        "Passcode",
        "Kennwort",
        "pass",
        "PGPASS",
        "mypass",
        "pwd",
        "dbPwd",
        "pw",
        "secret",
        "mysecret",
        "clientSecret",
        "client-secret-value",
        "token",
        "accessToken",
        "TOKEN_V2",
        "credential",
        "Credentials",
        "creds",
        "auth",
        "userAuth",
        "auth.header",
        "Bearer",
        "apikey",
        "api-key",
        "API_KEY",
        "apiKey",
        "api key",
        "IDENTIFIED BY",
        "redispass",
        "mongopass",
        "svcpass",
        "hostpass",
        "SVC_PASS2",
        "kafkapwd",
        "pwd1",
        "creds2",
        "oauth",
        "oauth2",
        "authn",
        "jwt",
        "psw",
        "pswd",
        "passkey",
        "sharedaccesskey",
        "SharedAccessKey",
        "AccountKey",
        "accountkey",
        "mot de passe",
        "mot_de_passe",
        "senha",
        "clave",
        "Senhas",
        "wachtwoord",
        "adgangskode",
        "lo\u{308}senord",
        "hasło",
        "şifre",
        "пароль",
        "ПАРОЛЯ",
        "密码",
        "パスワード",
        "ﾊﾟｽﾜｰﾄﾞ",
        "비밀번호",
    ];

    #[test]
    fn what_stands_beside_a_word_for_a_credential_is_no_path() {
        for word in CREDENTIALS {
            for gap in [
                " ", "\t", "\n", "  ", ",", ", ", ";", " = ", "=", ": ", ":", " - ", "\u{a0}", "\"", " '",
                " /", r"\ ", "%20", "&#32;", "(",
            ] {
                for text in [
                    format!("{word}{gap}s3cret"),
                    format!("s3cret{gap}{word}"),
                    format!("./{word}{gap}s3cret"),
                    format!("/data/{word}{gap}s3cret"),
                    format!("ann {word}{gap}s3cret x"),
                    format!("\u{200b}{word}\u{200b}{gap}s3cret"),
                ] {
                    // A folder, for all that is known.
                    let folder = gap == " /" && text.starts_with(['.', '/']);
                    assert!(looks_like_address(&text) || folder, "{text:?}");
                    assert!(!shown_path(Path::new(&text)).contains("s3cret"), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn a_header_with_a_name_and_a_password_is_no_path() {
        for text in [
            "Basic YW5uOnMzY3JldA",
            "basic  YW5uOnMzY3JldA==",
            "Authorization: Basic YW5uOnMzY3JldA",
            "\"Basic\" YW5uOnMzY3JldA",
        ] {
            assert!(looks_like_address(text), "{text}");
            assert!(!shown_path(Path::new(text)).contains("YW5u"), "{text}");
        }
    }

    #[test]
    fn what_is_joined_to_a_word_for_a_credential_is_used_and_not_shown() {
        for text in [
            "password-s3cret",
            "s3cret_token",
            "./passwordS3cret",
            "/data/passwords3cret.db",
            "s3cretToken",
            "api_key.s3cret",
            "pgpass~s3cret",
            r"C:\secrets-s3cret\x.db",
            "token-20260131.db",
            r"passw\u006frd-s3cret",
            "/home/ann/Secret Project/s3cret.db",
            "Secret s3cret.db",
            "./auth s3cret.yaml",
            "/home/password s3cret/x",
            "app-pass1234",
            "svcpass-s3cret",
            "token-s3cretpass.db",
            "senha-s3cret",
            "пароль-s3cret",
            "key s3cret",
            "./x -ps3cret.db",
        ] {
            assert!(!looks_like_address(text), "{text}");
            assert_eq!(shown_path(Path::new(text)), NAMED, "{text}");
        }
    }

    #[test]
    fn options_with_secrets_are_known() {
        for text in [
            "--pg-pass",
            "--bearer",
            "--access-key",
            "--clientSecret",
            "--password",
            "--db-pass",
            "-token",
            "--API-KEY",
            "--client-secret",
        ] {
            assert!(is_secret_option(text), "{text}");
        }
        for text in ["--store", "--by", "--key", "--author", "password", "-p"] {
            assert!(!is_secret_option(text), "{text}");
        }
    }
}

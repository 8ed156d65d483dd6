//! Principals such as `user:ann@example.com`, checked as far as an expansion can.

use syn::LitStr;

use crate::suggest;

/// Longest principal, in bytes.
const LONGEST: usize = 320;
/// Kinds that vote, or stand for people who do.
const APPROVERS: [&str; 4] = ["user", "group", "on_call", "role"];

/// A person who may vote, or several: a group, who is on call, a role.
#[derive(Clone)]
pub(crate) struct Approver {
    /// The whole identity, `kind:id`.
    pub(crate) id: String,
    /// Whether it stands for several people.
    pub(crate) is_group: bool,
    /// The literal.
    pub(crate) literal: LitStr,
}

/// Reads an approver.
pub(crate) fn parse(literal: &LitStr) -> syn::Result<Approver> {
    // One person has one spelling: as the principal will be read when the program runs.
    let id = literal.value().trim().to_lowercase();
    check(&id)
        .map(|is_group| Approver { id, is_group, literal: literal.clone() })
        .map_err(|message| syn::Error::new(literal.span(), message))
}

/// Whether `text` may stand for several people; the error says what is wrong.
fn check(text: &str) -> Result<bool, String> {
    let Some((kind, id)) = text.split_once(':') else {
        let person = if text.is_empty() { "ann@example.com" } else { text };
        return Err(format!(
            "`{text}` does not say who this is: write \"user:{person}\" or \"group:{person}\""
        ));
    };
    if kind == "agent" || kind == "service" {
        return Err(format!("`{text}` cannot approve: only people vote, so name a `user:…` or a `group:…`"));
    }
    if !APPROVERS.contains(&kind) {
        let hint = suggest::hint(kind, APPROVERS.iter());
        return Err(format!(
            "`{kind}` is not a kind of approver: use `user`, `group`, `on_call` or `role`{hint}"
        ));
    }
    if id.is_empty() {
        let example = match kind {
            "group" => "finance",
            "on_call" => "payments",
            "role" => "operator",
            _ => "ann@example.com",
        };
        return Err(format!(
            "`{text}` does not say who this is: write the name behind the colon, such as \"{kind}:{example}\""
        ));
    }
    if text.len() > LONGEST {
        return Err(format!("a name of a principal has at most {LONGEST} bytes: shorten it"));
    }
    if let Some(wrong) = id.chars().find(|c| !(c.is_alphanumeric() || "@._+-/:".contains(*c))) {
        return Err(format!(
            "`{}` is not allowed in the name of a principal: use letters, digits and `@._+-/:`",
            wrong.escape_debug()
        ));
    }
    Ok(kind != "user")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_groups_approve() {
        assert_eq!(check("user:ann@example.com"), Ok(false));
        for several in ["group:finance", "on_call:payments", "role:operator"] {
            assert_eq!(check(several), Ok(true), "{several}");
        }
    }

    #[test]
    fn nobody_else_does() {
        for (text, part) in [
            ("ann@example.com", "write \"user:ann@example.com\""),
            ("", "\"user:ann@example.com\""),
            ("agent:worker-3", "only people vote"),
            ("service:ci", "only people vote"),
            ("usr:ann", "did you mean `user`?"),
            ("team:x", "use `user`, `group`, `on_call` or `role`"),
            ("on_call:", "such as \"on_call:payments\""),
            ("user:", "such as \"user:ann@example.com\""),
            ("user:ann smith", "` ` is not allowed"),
            ("user:ann\u{0}", "`\\0` is not allowed"),
            ("user:a\u{200b}nn", "`\\u{200b}` is not allowed"),
            (&format!("user:{}", "a".repeat(320)), "at most 320 bytes"),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

//! Descriptions with placeholders: `Refund {cents} cents to {args.customer}`.

use syn::LitStr;

use super::path::FieldPath;

/// A description whose placeholders are known.
pub(crate) struct Template {
    /// The text as written.
    pub(crate) literal: LitStr,
    /// What its placeholders name, in order.
    pub(crate) placeholders: Vec<FieldPath>,
}

/// Reads a template. `{{` and `}}` stand for braces.
pub(crate) fn parse(literal: &LitStr) -> syn::Result<Template> {
    let text = literal.value();
    let placeholders = placeholders(&text)
        .and_then(|paths| {
            paths.into_iter().map(|path| placeholder(path, literal)).collect::<Result<Vec<_>, _>>()
        })
        .map_err(|message| syn::Error::new(literal.span(), message))?;
    if text.trim().is_empty() {
        return Err(syn::Error::new(literal.span(), "the description is empty: say what the action will do"));
    }
    Ok(Template { literal: literal.clone(), placeholders })
}

/// Reads what stands between the braces of one placeholder.
pub(crate) fn placeholder(inside: &str, literal: &LitStr) -> Result<FieldPath, String> {
    let path = inside.trim();
    if path.is_empty() {
        return Err("`{}` names no parameter: write it between the braces, such as `{cents}`".to_owned());
    }
    if let Some((path, format)) = path.split_once(':') {
        return Err(format!("placeholders take no format: write `{{{path}}}` without `:{format}`"));
    }
    if path == "self" || path.starts_with("self.") {
        return Err(format!(
            "`{{{path}}}`: `self` is not bound to the approval, so it cannot be shown; use a parameter"
        ));
    }
    FieldPath::from_text(path, literal.span()).map_err(|_| {
        format!("`{{{path}}}` is not a placeholder: it names a parameter or a field of one, such as `{{args.customer}}`")
    })
}

/// The texts between braces, in order.
fn placeholders(text: &str) -> Result<Vec<&str>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (_, from) = rest.split_at(at);
        if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
            rest = after;
        } else if let Some(after) = from.strip_prefix('{') {
            let Some((inside, after)) = after.split_once('}').filter(|(inside, _)| !inside.contains('{'))
            else {
                return Err("this `{` is never closed: write `{name}`, or `{{` for a brace".to_owned());
            };
            found.push(inside);
            rest = after;
        } else {
            return Err("this `}` closes nothing: write `}}` for a brace".to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        parse(&LitStr::new(text, Span::call_site()))
            .map(|template| template.placeholders.iter().map(FieldPath::to_string).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn finds_placeholders_and_skips_doubled_braces() {
        assert_eq!(read("Refund {cents} to {args.customer}").unwrap(), ["cents", "args.customer"]);
        assert_eq!(read("{{literal}} {x}").unwrap(), ["x"]);
        assert_eq!(read("a { x } b {pair.0}").unwrap(), ["x", "pair.0"]);
        assert_eq!(read("nothing").unwrap(), [""; 0]);
        assert_eq!(read("{{{x}}}").unwrap(), ["x"]);
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, part) in [
            ("", "is empty"),
            ("  ", "is empty"),
            ("{", "never closed"),
            ("{a {b}", "never closed"),
            ("a }", "closes nothing"),
            ("{}", "names no parameter"),
            ("{x:?}", "take no format"),
            ("{self.x}", "`self` is not bound"),
            ("{a + b}", "is not a placeholder"),
            ("{a.b()}", "is not a placeholder"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

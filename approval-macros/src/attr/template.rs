//! Descriptions with placeholders: `Refund {cents} cents to {args.customer}`.

use syn::LitStr;

use super::path::FieldPath;

/// A description whose placeholders are known.
pub(crate) struct Template {
    /// The text, with placeholders as the library reads them.
    pub(crate) canonical: String,
    /// What its placeholders name, in order.
    pub(crate) placeholders: Vec<FieldPath>,
}

/// Reads a template. `{{` and `}}` stand for braces.
pub(crate) fn parse(literal: &LitStr) -> syn::Result<Template> {
    let text = literal.value();
    if text.trim().is_empty() {
        return Err(syn::Error::new(literal.span(), "the description is empty: say what the action will do"));
    }
    read(&text, literal).map_err(|message| syn::Error::new(literal.span(), message))
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

fn read(text: &str, literal: &LitStr) -> Result<Template, String> {
    let mut template = Template { canonical: String::with_capacity(text.len()), placeholders: Vec::new() };
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        template.canonical.push_str(before);
        if let Some(after) = from.strip_prefix("{{") {
            template.canonical.push_str("{{");
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            template.canonical.push_str("}}");
            rest = after;
        } else if let Some(after) = from.strip_prefix('{') {
            let Some((inside, after)) = after.split_once('}').filter(|(inside, _)| !inside.contains('{'))
            else {
                return Err("this `{` is never closed: write `{name}`, or `{{` for a brace".to_owned());
            };
            let path = placeholder(inside, literal)?;
            template.canonical.extend(["{", &path.canonical(), "}"]);
            template.placeholders.push(path);
            rest = after;
        } else {
            return Err("this `}` closes nothing: write `}}` for a brace".to_owned());
        }
    }
    template.canonical.push_str(rest);
    Ok(template)
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    fn paths(text: &str) -> Result<Vec<String>, String> {
        parse(&LitStr::new(text, Span::call_site()))
            .map(|template| template.placeholders.iter().map(FieldPath::to_string).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn finds_placeholders_and_skips_doubled_braces() {
        assert_eq!(paths("Refund {cents} to {args.customer}").unwrap(), ["cents", "args.customer"]);
        assert_eq!(paths("{{literal}} {x}").unwrap(), ["x"]);
        assert_eq!(paths("a { x } b {pair.0}").unwrap(), ["x", "pair.0"]);
        assert_eq!(paths("nothing").unwrap(), [""; 0]);
        assert_eq!(paths("{{{x}}}").unwrap(), ["x"]);
    }

    #[test]
    fn elements_are_rewritten_and_the_rest_is_kept() {
        let literal = LitStr::new("{{x}} costs { pair.0 } \u{20ac}", Span::call_site());
        assert_eq!(parse(&literal).ok().unwrap().canonical, "{{x}} costs {pair[0]} \u{20ac}");
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
            let error = paths(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

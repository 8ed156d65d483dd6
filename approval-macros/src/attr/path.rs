//! Field paths such as `cents`, `args.customer` or `pair.0`.

use std::fmt;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Index, Member, Token};

/// A parameter, or a field inside one.
#[derive(Clone)]
pub(crate) struct FieldPath {
    /// The parameter.
    pub(crate) root: Ident,
    /// The fields below it, outermost first.
    pub(crate) members: Vec<Member>,
    /// Where the path is written.
    pub(crate) span: Span,
}

impl FieldPath {
    /// The parameter's name as it is bound: without `r#`.
    pub(crate) fn root_name(&self) -> String {
        self.root.unraw().to_string()
    }

    /// Whether `other` is this path or lies below it.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.segments(), other.segments());
        theirs.starts_with(&mine)
    }

    /// The expression that names the value: `args.customer`.
    pub(crate) fn expression(&self) -> TokenStream {
        let Self { root, members, span } = self;
        let mut expression = root.to_token_stream();
        for member in members {
            expression.extend(quote_spanned!(*span=> .));
            member.to_tokens(&mut expression);
        }
        expression
    }

    /// Names in order: `["args", "customer"]`.
    pub(crate) fn segments(&self) -> Vec<String> {
        let members = self.members.iter().map(|member| match member {
            Member::Named(ident) => ident.unraw().to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        });
        std::iter::once(self.root_name()).chain(members).collect()
    }

    /// The path as the library reads it when the program runs: `args.customer`, `pair[0]`.
    pub(crate) fn canonical(&self) -> String {
        // Marks that belong to the letter before them stand in names, but not in bare keys.
        let key = |name: String, dot: &str| {
            if name.chars().all(|c| c.is_alphanumeric() || c == '_') {
                format!("{dot}{name}")
            } else {
                format!("[\"{name}\"]")
            }
        };
        let members = self.members.iter().map(|member| match member {
            Member::Named(ident) => key(ident.unraw().to_string(), "."),
            Member::Unnamed(index) => format!("[{}]", index.index),
        });
        std::iter::once(key(self.root_name(), "")).chain(members).collect()
    }

    /// Reads a path out of a string literal whose tokens stand at `span`.
    pub(crate) fn from_text(text: &str, span: Span) -> Result<Self, String> {
        let mut parts = text.split('.').map(str::trim);
        let root = parts.next().unwrap_or_default();
        let root = ident(root, span).ok_or_else(|| not_a_path(text))?;
        let mut members = Vec::new();
        // The compiler would offer to replace the whole literal by the right name of a field.
        let inside = Span::mixed_site().located_at(span);
        for part in parts {
            members.push(member(part, inside).ok_or_else(|| not_a_path(text))?);
        }
        Ok(Self { root, members, span })
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.segments().join("."))
    }
}

impl Parse for FieldPath {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(Token![self]) {
            return Err(
                input.error("`self` is not bound to the approval, so its fields cannot be named here: name a parameter, or leave this out")
            );
        }
        let root: Ident = input.parse().map_err(|error| {
            syn::Error::new(
                error.span(),
                "expected a parameter or a field of one, such as `cents` or `args.customer`",
            )
        })?;
        let mut span = root.span();
        let mut members = Vec::new();
        while let Some(dot) = input.parse::<Option<Token![.]>>()? {
            // `pair.0.1` reaches the macro as `pair` `.` `0.1`.
            if let Some(float) = input.parse::<Option<syn::LitFloat>>()? {
                for digits in float.to_string().split('.') {
                    let index = member(digits, float.span()).ok_or_else(|| {
                        syn::Error::new(float.span(), "expected the index of a field, such as `pair.0`")
                    })?;
                    members.push(index);
                }
                span = span.join(float.span()).unwrap_or(span);
                continue;
            }
            let member: Member = input.parse().map_err(|_| {
                syn::Error::new(
                    dot.span,
                    "expected the name of a field after the dot, such as `args.customer`",
                )
            })?;
            span = span.join(member_span(&member)).unwrap_or(span);
            members.push(member);
        }
        Ok(Self { root, members, span })
    }
}

fn not_a_path(text: &str) -> String {
    format!("`{text}` is not a parameter or a field of one, such as `cents` or `args.customer`")
}

fn member_span(member: &Member) -> Span {
    match member {
        Member::Named(ident) => ident.span(),
        Member::Unnamed(index) => index.span,
    }
}

fn ident(text: &str, span: Span) -> Option<Ident> {
    let mut ident = syn::parse_str::<Ident>(text).ok()?;
    ident.set_span(span);
    Some(ident)
}

fn member(text: &str, span: Span) -> Option<Member> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(|index| Member::Unnamed(Index { index, span }));
    }
    ident(text, span).map(Member::Named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> syn::Result<FieldPath> {
        syn::parse_str(text)
    }

    #[test]
    fn tokens_and_text_read_alike() {
        for text in ["cents", "args.customer", "pair.0", "pair.0.1", "a.b.0.c", "r#type.r#fn"] {
            let from_tokens = tokens(text).unwrap();
            let from_text = FieldPath::from_text(text, Span::call_site()).unwrap();
            assert_eq!(from_tokens.segments(), from_text.segments(), "{text}");
            assert_eq!(from_tokens.to_string(), text.replace("r#", ""));
        }
    }

    #[test]
    fn expressions_keep_raw_names() {
        assert_eq!(tokens("r#type.r#fn.0").unwrap().expression().to_string(), "r#type . r#fn . 0");
    }

    #[test]
    fn the_library_reads_elements_in_brackets() {
        assert_eq!(tokens("r#type.0.1.name").unwrap().canonical(), "type[0][1].name");
        assert_eq!(tokens("args.क्ष").unwrap().canonical(), "args[\"क्ष\"]");
    }

    #[test]
    fn refuses_what_is_not_a_path() {
        for text in ["", "1", "a.", "a..b", "a b", "a[0]", "a.b()", "fn", "a.-1"] {
            assert!(FieldPath::from_text(text, Span::call_site()).is_err(), "{text}");
        }
        assert!(tokens("self.x").err().unwrap().to_string().contains("`self` is not bound"));
        assert!(tokens("a.").err().unwrap().to_string().contains("after the dot"));
    }

    #[test]
    fn a_path_covers_itself_and_what_lies_below() {
        let args = tokens("args").unwrap();
        let token = tokens("args.token").unwrap();
        let other = tokens("arguments.token").unwrap();
        assert!(args.covers(&token) && args.covers(&args));
        assert!(!token.covers(&args) && !args.covers(&other));
    }
}

//! `#[derive(RejectOptions)]`: an enum as the reasons to choose from when rejecting.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Expr, ExprLit, Fields, Lit, LitStr, Meta, Path, Token, Variant};

use crate::attr::{absolute_path, each_item_in, name, once, string, unknown};
use crate::error::Errors;
use crate::expand::hidden_module;

/// One reason.
struct Reason<'a> {
    variant: &'a Ident,
    cfg: Vec<&'a Attribute>,
    name: String,
    name_span: Span,
    title: String,
    description: String,
}

/// Expands the derive on `item`.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::default();
    let root = root(&input.attrs, &mut errors);
    let reasons = reasons(&input, &mut errors);
    refuse_repeated(&reasons, &mut errors);
    if !errors.is_empty() {
        return errors.to_compile_errors();
    }
    implementation(&input.ident, root.as_ref(), &reasons)
}

fn implementation(ident: &Ident, root: Option<&Path>, reasons: &[Reason<'_>]) -> TokenStream {
    let m = hidden_module(root);
    let mut options = TokenStream::new();
    let mut names = TokenStream::new();
    let mut variants = TokenStream::new();
    for Reason { variant, cfg, name, title, description, .. } in reasons {
        options.extend(quote_spanned!(Span::mixed_site()=>
            #(#cfg)* #m::reject_option(#name, #title, #description),
        ));
        names.extend(quote_spanned!(Span::mixed_site()=> #(#cfg)* Self::#variant => #name,));
        variants.extend(quote_spanned!(Span::mixed_site()=>
            #(#cfg)* #name => ::core::option::Option::Some(Self::#variant),
        ));
    }
    quote_spanned!(Span::mixed_site()=>
        #[automatically_derived]
        impl #m::RejectOptions for #ident {
            fn options() -> ::std::vec::Vec<#m::RejectOption> {
                ::std::vec::Vec::from([#options])
            }

            fn name(&self) -> &'static str {
                match self { #names }
            }

            fn from_name(name: &str) -> ::core::option::Option<Self> {
                match name {
                    #variants
                    _ => ::core::option::Option::None,
                }
            }
        }
    )
}

fn reasons<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Vec<Reason<'a>> {
    let Data::Enum(data) = &input.data else {
        errors.at(
            input.ident.span(),
            "the reasons are the variants of an enum: derive `RejectOptions` on an `enum` without fields",
        );
        return Vec::new();
    };
    if !input.generics.params.is_empty() {
        errors.over(&input.generics, "reasons are plain names: take the generic parameters away");
    }
    if data.variants.is_empty() {
        errors.at(input.ident.span(), "this enum offers no reason: add a variant");
    }
    data.variants.iter().map(|variant| reason(variant, errors)).collect()
}

fn reason<'a>(variant: &'a Variant, errors: &mut Errors) -> Reason<'a> {
    if !matches!(variant.fields, Fields::Unit) {
        errors.over(
            &variant.fields,
            format!("a reason carries no data, since people only choose it: write `{}` alone", variant.ident),
        );
    }
    let mut written: [Option<LitStr>; 3] = [None, None, None];
    for attribute in variant.attrs.iter().filter(|attribute| attribute.path().is_ident("reject")) {
        let Meta::List(list) = &attribute.meta else {
            errors.over(attribute, "write what the reason is called: `#[reject(title = \"Too much\")]`");
            continue;
        };
        each_item_in(list.tokens.clone(), errors, |input, _| {
            const KEYS: [&str; 3] = ["name", "title", "description"];
            let key: Ident = input.call(Ident::parse_any)?;
            let word = key.to_string();
            let slot = KEYS.iter().position(|known| *known == word).and_then(|at| written.get_mut(at));
            let Some(slot) = slot else { return Err(unknown(&key, "`reject`", &word, &KEYS)) };
            input.parse::<Token![=]>()?;
            once(slot, string(input, "\"Too much\"")?, &key)
        });
    }
    let [name, title, description] = written;
    let name_span = name.as_ref().map_or(variant.ident.span(), LitStr::span);
    let name = match name {
        Some(literal) => errors.ok(name::parse_word(&literal, "a reject option")).unwrap_or_default(),
        None => name::snake_case(&variant.ident.unraw().to_string()),
    };
    if title.as_ref().is_some_and(|title| title.value().trim().is_empty()) {
        errors.over(
            &title,
            "the title is empty, but people choose a reason by it: write one, or leave `title` out",
        );
    }
    Reason {
        variant: &variant.ident,
        cfg: variant.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect(),
        title: title.map_or_else(|| spoken(&name), |title| title.value()),
        description: description.map_or_else(|| documentation(&variant.attrs), |text| text.value()),
        name,
        name_span,
    }
}

/// `too_much` as `Too much`.
fn spoken(name: &str) -> String {
    let mut letters = name.chars().map(|c| if c == '_' { ' ' } else { c });
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The doc comment: lines of a paragraph joined by spaces, paragraphs by line ends.
fn documentation(attrs: &[Attribute]) -> String {
    let mut paragraphs = vec![Vec::new()];
    for attribute in attrs.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        let Meta::NameValue(meta) = &attribute.meta else { continue };
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &meta.value else { continue };
        for line in text.value().lines().map(str::trim) {
            match paragraphs.last_mut() {
                Some(paragraph) if !line.is_empty() => paragraph.push(line.to_owned()),
                _ => paragraphs.push(Vec::new()),
            }
        }
        if text.value().trim().is_empty() {
            paragraphs.push(Vec::new());
        }
    }
    let paragraphs: Vec<String> =
        paragraphs.iter().filter(|lines| !lines.is_empty()).map(|lines| lines.join(" ")).collect();
    paragraphs.join("\n")
}

fn refuse_repeated(reasons: &[Reason<'_>], errors: &mut Errors) {
    for (index, reason) in reasons.iter().enumerate() {
        if let Some(earlier) = reasons.iter().take(index).find(|earlier| earlier.name == reason.name)
            && !reason.name.is_empty()
        {
            errors.at(
                reason.name_span,
                format!(
                    "`{}` is called `{}` already: give one of them another `name`",
                    earlier.variant, reason.name
                ),
            );
        }
    }
}

/// `#[reject(crate = ::path)]` on the enum.
fn root(attrs: &[Attribute], errors: &mut Errors) -> Option<Path> {
    let mut root = None;
    for attribute in attrs.iter().filter(|attribute| attribute.path().is_ident("reject")) {
        let Meta::List(list) = &attribute.meta else {
            errors.over(
                attribute,
                "`#[reject(…)]` stands on a variant; on the enum it takes only `crate = ::path`",
            );
            continue;
        };
        each_item_in(list.tokens.clone(), errors, |input, _| {
            let key: Ident = input.call(Ident::parse_any)?;
            if key != "crate" {
                return Err(syn::Error::new(
                    key.span(),
                    format!("`{key}` is said of one reason: put it on the variant"),
                ));
            }
            input.parse::<Token![=]>()?;
            once(&mut root, absolute_path(input)?, &key)
        });
    }
    root
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn messages(item: TokenStream) -> Vec<String> {
        let input: DeriveInput = syn::parse2(item).unwrap();
        let mut errors = Errors::default();
        root(&input.attrs, &mut errors);
        let reasons = reasons(&input, &mut errors);
        refuse_repeated(&reasons, &mut errors);
        errors.messages()
    }

    #[test]
    fn names_titles_and_descriptions_come_from_the_variant() {
        let input: DeriveInput = syn::parse2(quote! {
            enum Reasons {
                /// The amount is more
                /// than was paid.
                ///
                /// Ask again with less.
                TooMuch,
                #[reject(name = "other_person", title = "Wrong customer", description = "Somebody else paid.")]
                #[cfg(feature = "x")]
                WrongCustomer,
                r#Later,
            }
        })
        .unwrap();
        let mut errors = Errors::default();
        let reasons = reasons(&input, &mut errors);
        let texts: Vec<[&str; 3]> =
            reasons.iter().map(|reason| [&*reason.name, &*reason.title, &*reason.description]).collect();
        assert_eq!(
            texts,
            [
                ["too_much", "Too much", "The amount is more than was paid.\nAsk again with less."],
                ["other_person", "Wrong customer", "Somebody else paid."],
                ["later", "Later", ""],
            ]
        );
        assert_eq!(reasons[1].cfg.len(), 1);
        assert!(errors.is_empty());
    }

    #[test]
    fn the_derive_writes_names_both_ways() {
        crate::expand::tests::snapshot(
            "reject_options",
            derive(quote! {
                #[reject(crate = crate::approvals)]
                enum Reasons {
                    /// More than was paid.
                    TooMuch,
                    #[cfg(feature = "x")]
                    #[reject(name = "other_person", title = "Wrong customer")]
                    WrongCustomer,
                }
            }),
        );
    }

    #[test]
    fn what_people_cannot_choose_is_refused() {
        for (item, part) in [
            ("struct R;", "variants of an enum"),
            ("union R { a: u8 }", "variants of an enum"),
            ("enum R {}", "offers no reason"),
            ("enum R<const N: u8> { A }", "generic"),
            ("enum R { A(u8) }", "write `A` alone"),
            ("enum R { A { b: u8 } }", "write `A` alone"),
            ("enum R { #[reject(name = \"A b\")] A }", "is not a name of a reject option"),
            ("enum R { #[reject(titel = \"x\")] A }", "did you mean `title`?"),
            ("enum R { #[reject(title = \"x\", title = \"y\")] A }", "given twice"),
            ("enum R { #[reject(title = \" \")] A }", "title is empty"),
            ("enum R { #[reject] A }", "write what the reason is called"),
            ("enum R { AB, #[reject(name = \"ab\")] C }", "`AB` is called `ab` already"),
            ("#[reject(title = \"x\")] enum R { A }", "put it on the variant"),
            ("#[reject(crate = core)] enum R { A }", "`crate = ::core`"),
        ] {
            let messages = messages(item.parse().unwrap());
            assert!(messages.len() == 1 && messages[0].contains(part), "{item}: {messages:?}");
        }
    }
}

//! Reads the keys; every mistake is reported at its own token.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Path, Token, Type, token};

use super::key::{self, Form, Key};
use super::path::FieldPath;
use super::stream::{each_item, each_item_in, parenthesised, positive, string};
use super::{Attributes, Spanned, Timeout, choice, cost, duration, name, once, people, template, window};
use crate::error::Errors;
use crate::suggest;

/// Reads the tokens between the parentheses of the attribute.
pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Attributes {
    let mut attributes = Attributes::default();
    let parser = |input: ParseStream<'_>| {
        each_item(input, errors, |input, errors| entry(input, &mut attributes, errors));
        Ok(())
    };
    if let Err(error) = parser.parse2(tokens) {
        errors.push(error);
    }
    attributes
}

/// One key with what follows it.
fn entry(input: ParseStream<'_>, attributes: &mut Attributes, errors: &mut Errors) -> syn::Result<()> {
    let ident = input.call(Ident::parse_any).map_err(|error| {
        syn::Error::new(error.span(), "expected a key, such as `name = \"payments.refund\"`")
    })?;
    let word = ident.to_string();
    let Some(key) = key::find(&word) else {
        // A misspelled key is not also a missing one.
        attributes
            .given
            .extend(suggest::nearest(&word, key::names().iter()).and_then(key::find).map(|key| key.name));
        return Err(unknown_key(&ident, &word));
    };
    if key.example.is_empty() {
        return Err(syn::Error::new(
            ident.span(),
            format!(
                "`{word}` is not said here: the agent is a matter of the running program, so set it on the manager's builder or in the context around the call"
            ),
        ));
    }
    attributes.given.push(key.name);
    check_form(input, key, &ident)?;
    match key.form {
        Form::Flag => flag(key, &ident, attributes),
        Form::Switch => {
            let value = switch(input, key)?;
            once(&mut attributes.allow_self_approval, value, &ident)
        }
        Form::Value => {
            input.parse::<Token![=]>()?;
            value(input, key, &ident, attributes)
        }
        Form::List => {
            let tokens = parenthesised(input, &ident)?;
            list(tokens, key, &ident, attributes, errors)
        }
    }
}

fn unknown_key(ident: &Ident, word: &str) -> syn::Error {
    let names = key::names();
    let hint = match word {
        "approver" | "require_approval" => "; did you mean `approvers`?".to_owned(),
        "skip_all" => {
            ": name each parameter in `skip(…)`, so that a new one is not left out unseen".to_owned()
        }
        "expires" | "deadline" => "; did you mean `timeout`?".to_owned(),
        _ => suggest::hint(word, names.iter()),
    };
    let hint = if hint.is_empty() { format!(": it knows {}", suggest::one_of(names)) } else { hint };
    syn::Error::new(ident.span(), format!("`guarded_action` does not know `{word}`{hint}"))
}

/// Refuses `idempotent = true`, `name("x")`, `approvers = "x"` with the right form.
fn check_form(input: ParseStream<'_>, key: Key, ident: &Ident) -> syn::Result<()> {
    let given = if input.peek(Token![=]) {
        Form::Value
    } else if input.peek(token::Paren) {
        Form::List
    } else {
        Form::Flag
    };
    let fits = match key.form {
        Form::Switch => given != Form::List,
        Form::Flag | Form::Value | Form::List => given == key.form,
    };
    if fits {
        return Ok(());
    }
    let Key { name, example, .. } = key;
    let message = match key.form {
        Form::Flag => format!("`{name}` takes no value: write `{name}` alone, or leave it out"),
        Form::Value | Form::List if given == Form::Flag => {
            format!("`{name}` lacks its value: write `{example}`")
        }
        Form::Switch => format!("`{name}` is written alone, or with `=`: `{example}`"),
        Form::Value => format!("`{name}` is written with `=`: `{example}`"),
        Form::List => format!("`{name}` is a list in parentheses: `{example}`"),
    };
    Err(syn::Error::new(ident.span(), message))
}

/// What follows a switch: nothing, or `= true` or `= false`.
fn switch(input: ParseStream<'_>, key: Key) -> syn::Result<bool> {
    if !input.peek(Token![=]) {
        return Ok(true);
    }
    input.parse::<Token![=]>()?;
    let span = input.span();
    let value: syn::LitBool = input
        .parse()
        .map_err(|_| syn::Error::new(span, format!("expected `true` or `false`, as in `{}`", key.example)))?;
    Ok(value.value)
}

fn flag(key: Key, ident: &Ident, attributes: &mut Attributes) -> syn::Result<()> {
    let slot = match key.name {
        "credits" => &mut attributes.credits,
        "idempotent" => &mut attributes.idempotent,
        "replay" => &mut attributes.replay,
        _ => &mut attributes.cancel_on_drop,
    };
    once(slot, ident.span(), ident)
}

fn list(
    tokens: TokenStream,
    key: Key,
    ident: &Ident,
    attributes: &mut Attributes,
    errors: &mut Errors,
) -> syn::Result<()> {
    match key.name {
        "approvers" => {
            attributes.requirements.extend(people::approvers(ident, tokens, errors));
            return once(&mut attributes.approvers, ident.clone(), ident);
        }
        "require" => {
            attributes.require.get_or_insert_with(|| ident.clone());
            attributes.requirements.extend(people::require(ident, tokens, errors));
            return Ok(());
        }
        "escalate" => {
            attributes.escalations.extend(people::escalate(ident, tokens, errors));
            return Ok(());
        }
        "remind" => {
            let Some(remind) = people::remind(ident, tokens, errors) else { return Ok(()) };
            return once(&mut attributes.remind, remind, ident);
        }
        _ => {}
    }
    let before = errors.len();
    let paths = paths(tokens, key, errors);
    if paths.is_empty() && errors.len() == before {
        errors.at(ident.span(), format!("`{ident}` names no parameter: write `{}`", key.example));
    }
    let slot = match key.name {
        "editable" => &mut attributes.editable,
        "redact" => &mut attributes.redact,
        _ => &mut attributes.skip,
    };
    once(slot, paths, ident)
}

fn paths(tokens: TokenStream, key: Key, errors: &mut Errors) -> Vec<FieldPath> {
    let mut paths: Vec<FieldPath> = Vec::new();
    each_item_in(tokens, errors, |input, _| {
        let path: FieldPath = input.parse()?;
        if let Some(earlier) = paths.iter().find(|earlier| earlier.covers(&path)) {
            let name = key.name;
            let message = if earlier.segments() == path.segments() {
                format!("`{path}` is named twice in `{name}`: keep one")
            } else {
                format!("`{path}` is part of `{earlier}`, which `{name}` already names: leave it out")
            };
            return Err(syn::Error::new_spanned(path.expression(), message));
        }
        paths.push(path);
        Ok(())
    });
    paths
}

fn value(input: ParseStream<'_>, key: Key, ident: &Ident, attributes: &mut Attributes) -> syn::Result<()> {
    let example = key.example.split_once("= ").map_or("", |(_, example)| example);
    match key.name {
        "manager" => return expression(input, &mut attributes.manager, ident),
        "key" => return expression(input, &mut attributes.key, ident),
        "attachments" => return expression(input, &mut attributes.attachments, ident),
        "preview" => return expression(input, &mut attributes.preview, ident),
        "refuse_with" => {
            let path = function_path(
                input,
                "`refuse_with` takes the path of a function `fn(ApprovalError) -> ReturnType`, such as `refuse_with = refused`",
            )?;
            return once(&mut attributes.refuse_with, path, ident);
        }
        "failed_if" => {
            let path = function_path(
                input,
                "`failed_if` takes the path of a function `fn(&Value) -> bool` about what the body returns, such as `failed_if = is_error`",
            )?;
            return once(&mut attributes.failed_if, path, ident);
        }
        "reject_options" => return once(&mut attributes.reject_options, reasons(input)?, ident),
        "crate" => return once(&mut attributes.root, absolute_path(input)?, ident),
        "version" => return once(&mut attributes.version, positive(input, "a version")?, ident),
        "veto" => return once(&mut attributes.veto, positive(input, "a number of rejections")?, ident),
        _ => {}
    }
    let literal = string(input, example)?;
    let span = literal.span();
    match key.name {
        "name" => once(&mut attributes.name, Spanned { value: name::parse_action(&literal)?, span }, ident),
        "kind" => {
            name::parse_word(&literal, "a kind")?;
            once(&mut attributes.kind, literal, ident)
        }
        "description" => once(&mut attributes.description, template::parse(&literal)?, ident),
        "cost" => once(&mut attributes.cost, cost::parse(&literal)?, ident),
        "risk" => once(&mut attributes.risk, Spanned { value: choice::parse(&literal)?, span }, ident),
        "priority" => {
            once(&mut attributes.priority, Spanned { value: choice::parse(&literal)?, span }, ident)
        }
        "on_timeout" => {
            once(&mut attributes.on_timeout, Spanned { value: choice::parse(&literal)?, span }, ident)
        }
        "run_window" => once(&mut attributes.run_window, window::parse(&literal)?, ident),
        "mode" => once(&mut attributes.mode, Spanned { value: choice::parse(&literal)?, span }, ident),
        "timeout" if literal.value() == "never" => {
            once(&mut attributes.timeout, Spanned { value: Timeout::Never, span }, ident)
        }
        "timeout" => {
            let value = Timeout::After(duration::parse_positive(&literal)?);
            once(&mut attributes.timeout, Spanned { value, span }, ident)
        }
        "preview_timeout" => once(
            &mut attributes.preview_timeout,
            Spanned { value: duration::parse_positive(&literal)?, span },
            ident,
        ),
        "wait" => once(&mut attributes.wait, Spanned { value: duration::parse(&literal)?, span }, ident),
        _ => once(
            &mut attributes.grant_ttl,
            Spanned { value: duration::parse_positive(&literal)?, span },
            ident,
        ),
    }
}

fn expression(input: ParseStream<'_>, slot: &mut Option<Expr>, ident: &Ident) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new(ident.span(), format!("an expression is missing after `{ident} =`")));
    }
    once(slot, input.parse()?, ident)
}

/// A function that is named; a closure has no name to show.
fn function_path(input: ParseStream<'_>, expected: &str) -> syn::Result<Path> {
    match input.parse::<Expr>()? {
        Expr::Path(path) if path.qself.is_none() && path.attrs.is_empty() => Ok(path.path),
        other => Err(syn::Error::new_spanned(other, expected)),
    }
}

/// `reject_options` names an enum.
fn reasons(input: ParseStream<'_>) -> syn::Result<Type> {
    let span = input.span();
    input.parse().map_err(|_| {
        syn::Error::new(
            span,
            "expected an enum that derives `RejectOptions`, such as `reject_options = RefundRejected`",
        )
    })
}

/// A path that means the same in every module.
pub(crate) fn absolute_path(input: ParseStream<'_>) -> syn::Result<Path> {
    let path = input.call(Path::parse_mod_style)?;
    let starts_at_crate = path.segments.first().is_some_and(|segment| segment.ident == "crate");
    if path.leading_colon.is_some() || starts_at_crate {
        return Ok(path);
    }
    let text: String = path.to_token_stream().to_string().replace(' ', "");
    Err(syn::Error::new_spanned(
        &path,
        format!(
            "`{text}` could mean another path in each module: write it from the root, `crate = ::{text}`"
        ),
    ))
}

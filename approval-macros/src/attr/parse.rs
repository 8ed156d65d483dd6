//! Reads the keys; every mistake is reported at its own token.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, LitStr, Path, Token, Type, token};

use super::key::{self, Expression, Flag, Form, Function, Key, List, Number, Paths, Switch, Text, Value};
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
    if key::NOT_HERE.contains(&word.as_str()) {
        return Err(syn::Error::new(
            ident.span(),
            format!(
                "`{word}` is not said here: the agent is a matter of the running program, so set it on the manager's builder or in the context around the call"
            ),
        ));
    }
    let Some(key) = key::find(&word) else {
        // A misspelled key is not also a missing one.
        attributes
            .given
            .extend(suggest::nearest(&word, key::names().iter()).and_then(key::find).map(|key| key.name));
        return Err(unknown_key(&ident, &word));
    };
    attributes.given.push(key.name);
    check_form(input, key, &ident)?;
    match key.form {
        Form::Flag(flag) => set(flag, &ident, attributes),
        Form::Switch(Switch::AllowSelfApproval) => {
            let value = switch(input, key)?;
            once(&mut attributes.allow_self_approval, value, &ident)
        }
        Form::Value(form) => {
            input.parse::<Token![=]>()?;
            value(input, key, form, &ident, attributes)
        }
        Form::List(form) => {
            let tokens = parenthesised(input, &ident)?;
            list(tokens, key, form, &ident, attributes, errors)
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
    let (equals, list) = (input.peek(Token![=]), input.peek(token::Paren));
    let fits = match key.form {
        Form::Flag(_) => !equals && !list,
        Form::Value(_) => equals,
        Form::Switch(_) => !list,
        Form::List(_) => list,
    };
    if fits {
        return Ok(());
    }
    let Key { name, example, .. } = key;
    let message = match key.form {
        Form::Flag(_) => format!("`{name}` takes no value: write `{name}` alone, or leave it out"),
        Form::Value(_) | Form::List(_) if !equals && !list => {
            format!("`{name}` lacks its value: write `{example}`")
        }
        Form::Switch(_) => format!("`{name}` is written alone, or with `=`: `{example}`"),
        Form::Value(_) => format!("`{name}` is written with `=`: `{example}`"),
        Form::List(_) => format!("`{name}` is a list in parentheses: `{example}`"),
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

fn set(flag: Flag, ident: &Ident, attributes: &mut Attributes) -> syn::Result<()> {
    let slot = match flag {
        Flag::CancelOnDrop => &mut attributes.cancel_on_drop,
        Flag::Credits => &mut attributes.credits,
        Flag::Idempotent => &mut attributes.idempotent,
        Flag::Replay => &mut attributes.replay,
    };
    once(slot, ident.span(), ident)
}

fn list(
    tokens: TokenStream,
    key: Key,
    list: List,
    ident: &Ident,
    attributes: &mut Attributes,
    errors: &mut Errors,
) -> syn::Result<()> {
    match list {
        List::Approvers => {
            attributes.requirements.extend(people::approvers(ident, tokens, errors));
            once(&mut attributes.approvers, ident.clone(), ident)
        }
        List::Require => {
            attributes.require.get_or_insert_with(|| ident.clone());
            attributes.requirements.extend(people::require(ident, tokens, errors));
            Ok(())
        }
        List::Escalate => {
            attributes.escalations.extend(people::escalate(ident, tokens, errors));
            Ok(())
        }
        List::Remind => match people::remind(ident, tokens, errors) {
            Some(remind) => once(&mut attributes.remind, remind, ident),
            None => Ok(()),
        },
        List::Paths(of) => {
            let before = errors.len();
            let paths = paths(tokens, key, errors);
            if paths.is_empty() && errors.len() == before {
                errors.at(ident.span(), format!("`{ident}` names no parameter: write `{}`", key.example));
            }
            let slot = match of {
                Paths::Editable => &mut attributes.editable,
                Paths::Redact => &mut attributes.redact,
                Paths::Skip => &mut attributes.skip,
            };
            once(slot, paths, ident)
        }
    }
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

fn value(
    input: ParseStream<'_>,
    key: Key,
    value: Value,
    ident: &Ident,
    attributes: &mut Attributes,
) -> syn::Result<()> {
    match value {
        Value::Crate => once(&mut attributes.root, absolute_path(input)?, ident),
        Value::Expression(of) => {
            let slot = match of {
                Expression::Attachments => &mut attributes.attachments,
                Expression::Key => &mut attributes.key,
                Expression::Manager => &mut attributes.manager,
                Expression::Preview => &mut attributes.preview,
            };
            expression(input, slot, ident)
        }
        Value::Function(of) => {
            let (slot, expected) = match of {
                Function::FailedIf => (
                    &mut attributes.failed_if,
                    "`failed_if` takes the path of a function `fn(&Value) -> bool` about what the body returns, such as `failed_if = is_error`",
                ),
                Function::RefuseWith => (
                    &mut attributes.refuse_with,
                    "`refuse_with` takes the path of a function `fn(ApprovalError) -> ReturnType`, such as `refuse_with = refused`",
                ),
            };
            once(slot, function_path(input, expected)?, ident)
        }
        Value::Number(Number::Version) => once(&mut attributes.version, positive(input, "a version")?, ident),
        Value::Number(Number::Veto) => {
            once(&mut attributes.veto, positive(input, "a number of rejections")?, ident)
        }
        Value::RejectOptions => once(&mut attributes.reject_options, reasons(input)?, ident),
        Value::Text(of) => {
            let example = key.example.split_once("= ").map_or("", |(_, example)| example);
            text(&string(input, example)?, of, ident, attributes)
        }
    }
}

fn text(literal: &LitStr, text: Text, ident: &Ident, attributes: &mut Attributes) -> syn::Result<()> {
    let span = literal.span();
    match text {
        Text::Cost => once(&mut attributes.cost, cost::parse(literal)?, ident),
        Text::Description => once(&mut attributes.description, template::parse(literal)?, ident),
        Text::GrantTtl => {
            let value = duration::parse_positive(literal)?;
            once(&mut attributes.grant_ttl, Spanned { value, span }, ident)
        }
        Text::Kind => {
            name::parse_word(literal, "a kind")?;
            once(&mut attributes.kind, literal.clone(), ident)
        }
        Text::Mode => once(&mut attributes.mode, Spanned { value: choice::parse(literal)?, span }, ident),
        Text::Name => {
            once(&mut attributes.name, Spanned { value: name::parse_action(literal)?, span }, ident)
        }
        Text::OnTimeout => {
            once(&mut attributes.on_timeout, Spanned { value: choice::parse(literal)?, span }, ident)
        }
        Text::PreviewTimeout => {
            let value = duration::parse_positive(literal)?;
            once(&mut attributes.preview_timeout, Spanned { value, span }, ident)
        }
        Text::Priority => {
            once(&mut attributes.priority, Spanned { value: choice::parse(literal)?, span }, ident)
        }
        Text::Risk => once(&mut attributes.risk, Spanned { value: choice::parse(literal)?, span }, ident),
        Text::RunWindow => once(&mut attributes.run_window, window::parse(literal)?, ident),
        Text::Timeout => {
            let value = if literal.value() == "never" {
                Timeout::Never
            } else {
                Timeout::After(duration::parse_positive(literal)?)
            };
            once(&mut attributes.timeout, Spanned { value, span }, ident)
        }
        Text::Wait => once(&mut attributes.wait, Spanned { value: duration::parse(literal)?, span }, ident),
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

//! Keys against the parameters that they name.

use crate::attr::Attributes;
use crate::attr::path::FieldPath;
use crate::error::Errors;
use crate::function::parameter::{Parameter, Parameters};
use crate::suggest;

pub(super) fn check(attributes: &Attributes, parameters: &Parameters, errors: &mut Errors) {
    let editable = attributes.editable.as_deref().unwrap_or_default();
    let redact = attributes.redact.as_deref().unwrap_or_default();
    let skip = attributes.skip.as_deref().unwrap_or_default();

    for path in editable {
        let Some(parameter) = resolve(path, parameters, errors) else { continue };
        check_editable(path, parameter, errors);
    }
    for path in redact.iter().chain(skip) {
        resolve(path, parameters, errors);
    }
    conflicts(editable, "editable", redact, "redact", "people cannot edit what they do not see", errors);
    conflicts(editable, "editable", skip, "skip", "what is skipped is no part of the approval", errors);
    conflicts(redact, "redact", skip, "skip", "what is skipped is not shown anyway", errors);

    let description = attributes.description.as_ref().map(|text| (&text.placeholders, "description"));
    let cost = attributes.cost.as_ref().map(|cost| (&cost.placeholders, "cost"));
    for (placeholders, key) in description.into_iter().chain(cost) {
        for path in placeholders {
            let Some(parameter) = resolve(path, parameters, errors) else { continue };
            check_placeholder(path, parameter, key, redact, skip, errors);
        }
    }
}

/// The parameter that `path` starts at, or an error at the path.
fn resolve<'a>(path: &FieldPath, parameters: &'a Parameters, errors: &mut Errors) -> Option<&'a Parameter> {
    let root = path.root_name();
    if let Some((parameter, _)) = parameters.find(&root) {
        return Some(parameter);
    }
    if parameters.grant.as_ref().is_some_and(|grant| grant.binding.ident == root) {
        errors.over(
            path.expression(),
            format!(
                "`{root}` is the grant: it exists only once people have approved, so name another parameter"
            ),
        );
        return None;
    }
    let names = parameters.names();
    let hint = suggest::nearest(&root, names.iter()).map_or_else(
        || {
            if names.is_empty() {
                return ": it has none".to_owned();
            }
            format!(": there is {}", suggest::one_of(names.iter().map(String::as_str)))
        },
        |near| format!("; did you mean `{near}`?"),
    );
    errors.over(path.expression(), format!("`{root}` is not a parameter of this function{hint}"));
    None
}

fn check_editable(path: &FieldPath, parameter: &Parameter, errors: &mut Errors) {
    if parameter.reference.is_some() {
        errors.over(
            path.expression(),
            format!(
                "`{}` is borrowed, so an edited value cannot take its place: take it by value (`String` for `&str`)",
                path.root_name()
            ),
        );
    }
}

fn conflicts(
    left: &[FieldPath],
    left_key: &str,
    right: &[FieldPath],
    right_key: &str,
    why: &str,
    errors: &mut Errors,
) {
    for path in right {
        if let Some(other) = left.iter().find(|other| other.covers(path) || path.covers(other)) {
            let named = if other.segments() == path.segments() {
                format!("`{path}` stands in `{left_key}` and in `{right_key}`")
            } else {
                format!("`{path}` in `{right_key}` overlaps `{other}` in `{left_key}`")
            };
            errors.over(path.expression(), format!("{named}: {why}; leave one of them out"));
        }
    }
}

fn check_placeholder(
    path: &FieldPath,
    parameter: &Parameter,
    key: &str,
    redact: &[FieldPath],
    skip: &[FieldPath],
    errors: &mut Errors,
) {
    if redact.iter().any(|hidden| hidden.covers(path)) {
        errors.over(
            path.expression(),
            format!("`{{{path}}}` is redacted, so `{key}` cannot show it: leave one of them out"),
        );
    }
    if skip.iter().any(|hidden| hidden.covers(path)) {
        errors.over(
            path.expression(),
            format!("`{{{path}}}` is skipped, so it is not stored and `{key}` cannot show it: leave one of them out"),
        );
    }
    if !parameter.cfg.is_empty() {
        errors.over(
            path.expression(),
            format!("`{{{path}}}` exists only under a `cfg`, but `{key}` is there always: leave it out"),
        );
    }
}

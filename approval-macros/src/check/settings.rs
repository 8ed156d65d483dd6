//! Keys against keys.

use std::time::Duration;

use proc_macro2::Span;
use syn::ext::IdentExt;

use crate::attr::choice::{Mode, OnTimeout, Risk};
use crate::attr::{Attributes, Timeout, duration, name};
use crate::error::Errors;
use crate::function::Function;

/// How long people have if nothing is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_hours(1);

pub(super) fn check(attributes: &Attributes, function: &Function, errors: &mut Errors) {
    if !attributes.is_given("name") {
        let proposal = name::snake_case(&function.sig.ident.unraw().to_string());
        errors.at(
            Span::call_site(),
            format!("the action needs a name, by which people and policies know it: `name = \"{proposal}\"`"),
        );
    }
    requirements(attributes, errors);
    timeouts(attributes, errors);
    escalations(attributes, errors);
    suspend(attributes, errors);
    if let (Some(credits), false) = (attributes.credits, attributes.is_given("cost")) {
        errors.at(credits, "there is no cost that may be below zero: add `cost = …`, or leave out `credits`");
    }
    if let (Some(limit), false) = (&attributes.preview_timeout, attributes.is_given("preview")) {
        errors.at(
            limit.span,
            "there is no preview to limit: add `preview = …`, or leave out `preview_timeout`",
        );
    }
}

fn requirements(attributes: &Attributes, errors: &mut Errors) {
    if let (Some(_), Some(require)) = (&attributes.approvers, &attributes.require) {
        errors.over(
            require,
            "`require` beside `approvers`: turn `approvers(…)` into `require(1, …)`, so that it is plain that both must be met",
        );
    }
}

fn timeouts(attributes: &Attributes, errors: &mut Errors) {
    let Some(on_timeout) = &attributes.on_timeout else { return };
    if attributes.timeout.is_some_and(|timeout| timeout.value == Timeout::Never) {
        errors.at(
            on_timeout.span,
            "`on_timeout` never happens with `timeout = \"never\"`: leave one of them out",
        );
    }
    let risk = attributes.risk.map_or(Risk::Medium, |risk| risk.value);
    if on_timeout.value == OnTimeout::Approve && risk > Risk::Low {
        let default = if attributes.risk.is_some() { "" } else { ", the default" };
        let risk = risk.word();
        errors.at(
            on_timeout.span,
            format!(
                "only what has `risk = \"minimal\"` or `\"low\"` may be approved by the clock, and the risk here is `{risk}`{default}: use `\"reject\"` or `\"escalate\"`"
            ),
        );
    }
    if on_timeout.value == OnTimeout::Escalate && !attributes.is_given("escalate") {
        errors.at(
            on_timeout.span,
            "`on_timeout = \"escalate\"` needs people to escalate to: add `escalate(after = \"10m\", to(\"group:oncall\"))`",
        );
    }
}

fn escalations(attributes: &Attributes, errors: &mut Errors) {
    let deadline = match attributes.timeout.map(|timeout| timeout.value) {
        None => Some(DEFAULT_TIMEOUT),
        Some(Timeout::After(timeout)) => Some(timeout),
        Some(Timeout::Never) => None,
    };
    let fires_at_deadline = attributes.on_timeout.is_some_and(|end| end.value == OnTimeout::Escalate);
    let requirements = attributes.requirements.len();
    for stage in &attributes.escalations {
        if let Some(deadline) =
            deadline.filter(|deadline| !fires_at_deadline && stage.after.value >= *deadline)
        {
            errors.at(
                stage.after.span,
                format!(
                    "this stage comes too late: people have {}{}; shorten the delay, or set `on_timeout = \"escalate\"`",
                    duration::display(deadline),
                    if attributes.timeout.is_none() { ", since no `timeout` is given" } else { "" },
                ),
            );
        }
        match stage.requirement {
            None if requirements > 1 => errors.at(
                stage.span,
                format!(
                    "say which of the {requirements} requirements this stage widens, counted from 1: `requirement = 1`"
                ),
            ),
            Some(number) if usize::try_from(number.value).is_ok_and(|number| number > requirements.max(1)) => {
                errors.at(
                    number.span,
                    format!("there is no requirement {}: this attribute has {}, counted from 1", number.value, requirements.max(1)),
                );
            }
            _ => {}
        }
    }
    if let (Some(remind), Some(deadline)) = (&attributes.remind, deadline)
        && remind.every.value >= deadline
    {
        errors.at(
            remind.every.span,
            format!(
                "no person is ever reminded, since people have only {}: shorten this, or give them a longer `timeout`",
                duration::display(deadline)
            ),
        );
    }
}

fn suspend(attributes: &Attributes, errors: &mut Errors) {
    let suspends = attributes.mode.is_some_and(|mode| mode.value == Mode::Suspend);
    if let (Some(wait), false, false) = (&attributes.wait, attributes.is_given("key"), suspends) {
        errors.at(
            wait.span,
            "`wait` needs a `key`, by which the same call is known when it is made again: `key = args.order_id`; without one each repeat opens another request, and what is approved after the wait never runs",
        );
    }
    let Some(mode) = attributes.mode.filter(|mode| mode.value == Mode::Suspend) else { return };
    if !attributes.is_given("key") {
        errors.at(
            mode.span,
            "`mode = \"suspend\"` needs a `key`, by which the same call is known when it is made again: `key = args.order_id`",
        );
    }
    if let Some(wait) = &attributes.wait {
        errors.at(wait.span, "a suspended call does not wait: leave out `wait`, or `mode = \"suspend\"`");
    }
    if let Some(span) = attributes.cancel_on_drop {
        errors.at(
            span,
            "a suspended call returns at once, so there is no waiting future to drop: leave out `cancel_on_drop`",
        );
    }
}

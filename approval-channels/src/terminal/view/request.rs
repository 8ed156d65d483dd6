//! From a request of the core to what the terminal shows of it.

use approval_core::lifecycle::may_stand;
use approval_core::model::canonical::FieldPath;
use approval_core::model::{
    ActionKind, Attachment, Ballot, Follows, Gate, OnTimeout, Outcome, Preview, PreviewOutcome, Request, Vote,
};
use approval_core::{Invalid, Principal, Risk};
use serde_json::Value;

use super::{Attached, Choice, Editable, Matter, Previewed, Severity, View};

impl View {
    /// The request as it stands.
    ///
    /// # Errors
    /// When a part of it cannot be read, so that it cannot be shown as it is: then no person is to decide about it here.
    pub(in crate::terminal) fn of(request: &Request) -> Result<Self, String> {
        let revision = &request.revision;
        let action = &request.action;
        // Only for looking up what is edited; what is shown is the text, in which every number is exact.
        let arguments = revision.arguments.to_nearest_value();
        let arguments = arguments.map_err(|error| unreadable(request, "its arguments", &error))?;
        Ok(Self {
            id: request.id,
            digest: revision.digest,
            revision: revision.number,
            editor: revision.editor.as_ref().map(Principal::to_string),
            matter: matter(request)?,
            action: format!("{} version {}", action.name, action.version),
            kind: ActionKind::of(request),
            description: request
                .question
                .as_ref()
                .map_or(&revision.description, |question| &question.text)
                .to_string(),
            agent: request.requester.to_string(),
            on_behalf_of: request.on_behalf_of.as_ref().map(Principal::to_string),
            run: request.run.as_deref().map(str::to_owned),
            intent: request.intent.as_deref().map(str::to_owned),
            follows: request.enclosed.as_deref().and_then(|one| one.follows.as_deref()).map(follows),
            risk: (request.risk.to_string(), severity(request.risk)),
            priority: request.priority.to_string(),
            cost: revision.cost.map(|cost| cost.to_string()),
            deadline: request.deadline.map(|at| (at, fallback(request.gate.on_timeout).to_owned())),
            arguments: revision.arguments.as_str().to_owned(),
            preview: request.preview().map(|preview| previewed(preview, revision.number)),
            attachments: request.attachments().iter().map(attached).collect(),
            editable: editable(request, &arguments)?,
            redacted: action.redacted.iter().map(|path| path.as_ref().to_owned()).collect(),
            unbound: action.unbound.iter().map(|name| name.as_ref().to_owned()).collect(),
            options: options(&request.gate),
            may_stand: may_stand(request),
            votes: votes(request),
            remarks: remarks(request),
        })
    }
}

fn unreadable(request: &Request, what: &str, why: &dyn std::fmt::Display) -> String {
    format!("request {} cannot be shown: {what} cannot be read: {why}", request.id)
}

/// How a request ended, as half a sentence: who decided what, and why.
pub(in crate::terminal) fn ending(request: &Request) -> String {
    let Some(decision) = &request.decision else { return "it is open".to_owned() };
    let by: Vec<_> = decision.by.iter().map(Principal::as_str).collect();
    let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
    let mut text = match decision.outcome {
        Outcome::Approved if decision.by_timeout => "approved by its timeout rule, without a vote".to_owned(),
        Outcome::Approved if request.question.is_some() => format!("answered{by}"),
        Outcome::Approved => format!("approved{by}"),
        Outcome::Rejected if decision.unreachable => {
            format!("rejected{by}, without whom it can no longer be approved")
        }
        Outcome::Rejected => format!("rejected{by}"),
        Outcome::Expired => "expired, no person decided in time".to_owned(),
        Outcome::Cancelled if decision.by_halt => format!("cancelled by a halt{by}"),
        Outcome::Cancelled if decision.by_definition => "replaced, since the action changed".to_owned(),
        Outcome::Cancelled => format!("cancelled{by}"),
    };
    for why in [&decision.option, &decision.reason].into_iter().flatten() {
        text.push_str(": ");
        text.push_str(why);
    }
    text
}

/// Which request this one follows, and how that ended.
fn follows(earlier: &Follows) -> String {
    let mut text = format!("{}, {}", earlier.request, earlier.ended.replace('_', " "));
    if !earlier.by.is_empty() {
        let by: Vec<_> = earlier.by.iter().map(Principal::as_str).collect();
        text.push_str(" by ");
        text.push_str(&by.join(", "));
    }
    if let Some(why) = &earlier.why {
        text.push_str(": ");
        text.push_str(why);
    }
    if !earlier.description.is_empty() {
        text.push_str("; it was: ");
        text.push_str(&earlier.description);
    }
    text
}

fn matter(request: &Request) -> Result<Matter, String> {
    let Some(question) = &request.question else { return Ok(Matter::Action) };
    let json = |text: &str, what: &str| {
        serde_json::from_str::<Value>(text).map_err(|error| unreadable(request, what, &error))
    };
    let schema = json(&question.schema, "the type of its answer")?;
    let prepared = question.options.iter();
    let prepared =
        prepared.map(|option| Ok((option.title.to_string(), json(&option.value, "a prepared answer")?)));
    let mut choices = prepared.collect::<Result<Vec<_>, String>>()?;
    if choices.is_empty() {
        choices = enumerated(&schema);
    }
    Ok(Matter::Question { schema, choices })
}

/// The answers of a schema that lists them all: by `enum`, or by `oneOf` with a `const` each.
fn enumerated(schema: &Value) -> Vec<(String, Value)> {
    let list = |keyword| schema.get(keyword).and_then(Value::as_array);
    let title = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if let Some(values) = list("enum") {
        return values.iter().map(|value| (title(value), value.clone())).collect();
    }
    let constant = |one: &Value| one.get("const").map(|value| (title(value), value.clone()));
    list("oneOf").and_then(|all| all.iter().map(constant).collect()).unwrap_or_default()
}

const fn severity(risk: Risk) -> Severity {
    match risk {
        Risk::Minimal | Risk::Low => Severity::Low,
        Risk::Medium => Severity::Medium,
        Risk::High | Risk::Critical => Severity::High,
    }
}

const fn fallback(on_timeout: OnTimeout) -> &'static str {
    match on_timeout {
        OnTimeout::Reject => "it expires and nothing runs",
        OnTimeout::Escalate => "more people are asked, and after that it expires",
        OnTimeout::Approve => "it is approved if no person has rejected it and no question is unanswered",
    }
}

fn editable(request: &Request, arguments: &Value) -> Result<Vec<Editable>, String> {
    let fields = request.gate.editable.iter().map(|field| {
        let path: FieldPath = field
            .path
            .parse()
            .map_err(|error: Invalid| unreadable(request, "the name of what may be edited", &error))?;
        let value = path.get(arguments).first().map(|value| (*value).clone());
        Ok(Editable { path: field.path.to_string(), value })
    });
    fields.collect()
}

fn previewed(preview: &Preview, revision: u32) -> Previewed {
    let (text, failed) = match &preview.outcome {
        PreviewOutcome::Computed(text) => (text, false),
        PreviewOutcome::Failed(why) => (why, true),
    };
    Previewed { text: text.as_ref().to_owned(), failed, cautions: preview.cautions(revision) }
}

fn attached(attachment: &Attachment) -> Attached {
    let place = match (attachment.bytes(), attachment.address()) {
        (Some([_]), _) => "1 byte".to_owned(),
        (Some(bytes), _) => format!("{} bytes", bytes.len()),
        (None, Some(address)) => format!("at {address}"),
        (None, None) => "neither enclosed nor at an address".to_owned(),
    };
    let digest = attachment
        .sha256()
        .map_or_else(|| "without a digest: what lies there may change".to_owned(), ToString::to_string);
    Attached {
        name: attachment.name().to_owned(),
        what: format!("{}, {place}, {digest}", attachment.media_type()),
        text: attachment.as_text().map(str::to_owned),
    }
}

fn options(gate: &Gate) -> Vec<Choice> {
    gate.reject_options
        .iter()
        .map(|option| Choice {
            name: option.name.to_string(),
            title: option.title.to_string(),
            description: option.description.to_string(),
        })
        .collect()
}

/// What is needed, and what there is.
fn votes(request: &Request) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, requirement) in request.gate.requirements.iter().enumerate() {
        let widened = request.widened.iter().filter(|widening| widening.requirement == index);
        let of: Vec<_> = requirement
            .of
            .iter()
            .chain(widened.flat_map(|widening| &widening.to))
            .map(Principal::as_str)
            .collect();
        let added = match requirement.matching {
            0 => "",
            _ => " for the edited arguments; votes for the above count here too",
        };
        lines.push(format!("needs {} of {}{added}", requirement.count, of.join(", ")));
    }
    lines.extend(request.delegations.iter().map(|seat| format!("{} stands in for {}", seat.to, seat.from)));
    lines.extend(request.votes.iter().map(vote));
    lines
}

fn vote(vote: &Vote) -> String {
    let mut text = match &vote.ballot {
        Ballot::Approve => format!("approved by {}", vote.voter),
        Ballot::Reject { option: None } => format!("rejected by {}", vote.voter),
        Ballot::Reject { option: Some(option) } => format!("rejected by {} for {option}", vote.voter),
        Ballot::Answer(answer) => format!("answered by {}: {}", vote.voter, answer.as_str()),
    };
    if let Some(note) = &vote.note {
        text.push_str(": ");
        text.push_str(note);
    }
    if vote.void {
        text.push_str(" (does not count any more)");
    }
    text
}

fn remarks(request: &Request) -> Vec<(String, String)> {
    let agent = request.requester.to_string();
    let asked = request.info.iter().flat_map(|info| {
        let answer =
            info.answer.as_ref().map(|answer| (info.at, agent.clone(), format!("answers: {answer}")));
        [Some((info.at, info.by.to_string(), format!("asks: {}", info.question))), answer]
            .into_iter()
            .flatten()
    });
    let said =
        request.comments.iter().map(|comment| (comment.at, comment.by.to_string(), comment.text.to_string()));
    let mut remarks: Vec<_> = asked.chain(said).collect();
    // Stable: an answer stays behind its question.
    remarks.sort_by_key(|(at, ..)| *at);
    remarks.into_iter().map(|(_, who, text)| (who, text)).collect()
}

#[cfg(test)]
mod tests;

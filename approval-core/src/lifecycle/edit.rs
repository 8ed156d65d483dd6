//! Approving with changed arguments.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Edit, Refusal, Transition,
    case::Case,
    claim::intact,
    create, decide, delegate,
    eligibility::Seating,
    hours, limits,
    place::{self, Found},
    quorum, ruling, schema, stand_in,
    tighten::tighten,
    validity, vote,
};
use crate::{
    clock::{Span, after, to_micros},
    error::{Internal, Invalid},
    model::{
        ArgumentsDigest, Ballot, CanonicalJson, DeclaredSeats, Editable, EscalationStage, EventKind, Gate,
        NoticeKind, Principal, Request, Requirement, Revision, Text, Vote,
        canonical::{FieldPath, Step, parse_canonical},
    },
};

/// A person changes arguments and approves the result.
pub(super) fn approve_edited(
    case: &Case<'_>,
    digest: ArgumentsDigest,
    edits: &[Edit],
    note: Option<&Text>,
) -> Result<Transition, Refusal> {
    case.open()?;
    let editor = case.voter()?;
    case.saw(digest)?;
    let note = limits::perhaps("note", note, limits::NOTE_LIMIT)?;
    let (arguments, digest) = edited_arguments(case.request, edits)?;
    let (description, cost) = create::describe(&case.request.action, &arguments)?;
    let by = ruling::of_edit(case, digest)?;

    let mut change = case.change_by(editor);
    change.not_after(case.request.deadline);
    stand_in::record(&mut change, editor, case.facts)?;
    let request = &mut change.request;
    let from = request.revision.digest;
    let number = request.revision.number.checked_add(1);
    let number = number.ok_or(Internal::new("the arguments of a request have no room for a revision"))?;
    request.revision =
        Revision { number, arguments, digest, description, cost, editor: Some(editor.clone()) };
    if let Some(by) = by {
        tighten_request(request, by, case)?;
    }
    for vote in request.votes.iter_mut().filter(|vote| !vote.ballot.is_reject()) {
        vote.void = true;
    }
    quorum::approvers(request, case.facts.people)?;
    Seating::new(request, case.facts.people)
        .voter(editor)
        .map_err(|why| Refusal::NotAnApprover { who: editor.clone(), why })?;

    change.tell(EventKind::Edited { revision: number, from, basis: case.facts.basis.cloned() })?;
    change.tell(EventKind::Voted { ballot: Ballot::Approve, note: note.clone() })?;
    let via = case.command.via.clone();
    let vote = Vote {
        voter: editor.clone(),
        ballot: Ballot::Approve,
        digest,
        note,
        via,
        at: case.now,
        standing: None,
        void: false,
    };
    vote::put(&mut change.request, vote, case);
    let asked = Seating::new(&change.request, case.facts.people).audience();
    let others: Vec<Principal> = asked.into_iter().filter(|person| *person != editor).cloned().collect();
    for person in others {
        let timing = hours::timing(&change.request, &person, case.facts.people);
        change.notify_at(NoticeKind::Edited, person, timing);
    }
    decide::decide_by_votes(&mut change, case.facts)?;
    Ok(change.finish())
}

/// What was required stays required, and what a call with the new arguments would have to meet is required besides: a
/// matching of its own. Of all other settings the stricter counts. People then have the shorter time, counted from now, but
/// never longer than before.
fn tighten_request(request: &mut Request, by: &Gate, case: &Case<'_>) -> Result<(), Refusal> {
    let gate = both(request, by)?;
    validity::gate(&gate, request.risk, false)?;
    if gate.timeout != request.gate.timeout
        && let Some(timeout) = gate.timeout
    {
        let shorter = to_micros(after(case.now, timeout));
        request.deadline = Some(request.deadline.map_or(shorter, |deadline| deadline.min(shorter)));
    }
    let narrower = gate.delegation != request.gate.delegation;
    request.gate = Arc::new(gate);
    if narrower {
        // Seats were handed on as the rule of before let them be.
        let people = case.facts.people;
        let mut kept = request.delegations.clone();
        kept.retain(|one| {
            let (from, to) = (people.canonical(&one.from), people.canonical(&one.to));
            delegate::permitted(request, people, from, to)
        });
        request.delegations = kept;
    }
    Ok(())
}

/// Both gates, each matched on its own, unless the one of before implies the other.
fn both(request: &Request, edited: &Gate) -> Result<Gate, Refusal> {
    let before = &*request.gate;
    let mut base = before.clone();
    let implied = quorum::matchings(before).any(|group| {
        let places: Vec<usize> = group.into_iter().map(|(place, _)| place).collect();
        implies(request, &places, edited)
    });
    if !implied {
        let last = before.requirements.iter().map(|one| one.matching).max().unwrap_or(0);
        limits::room(
            "rule that edits led to",
            usize::try_from(last).unwrap_or(usize::MAX),
            limits::EDIT_RULES_LIMIT,
        )?;
        // Far from the end: there is room for few.
        let matching = last.saturating_add(1);
        let own = DeclaredSeats {
            requirements: before.requirements.clone(),
            escalation: before.escalation.clone(),
        };
        // Of a request that is not distinguished from its rule, the rule counts as the action's own.
        base.declared.get_or_insert_with(|| Arc::new(own));
        let first = before.requirements.len();
        base.requirements
            .extend(edited.requirements.iter().map(|one| Requirement { matching, ..one.clone() }));
        // A stage for no requirement of its gate stays one: the check of the whole gate refuses it.
        base.escalation.extend(edited.escalation.iter().map(|stage| EscalationStage {
            requirement: stage.requirement.saturating_add(first),
            ..stage.clone()
        }));
    }
    // Without its requirements no stage of it comes along either.
    let settings = Gate { requirements: Vec::new(), ..edited.clone() };
    Ok(tighten(&base, &settings))
}

/// Whether people who meet the requirements of these places meet what the edited gate asks for in every case: each that is
/// asked for is among what is required, with as many seats and no fewer people, now and by its stages.
fn implies(request: &Request, places: &[usize], edited: &Gate) -> bool {
    let before = &*request.gate;
    let mut left: Vec<(usize, &Requirement)> =
        places.iter().filter_map(|place| Some((*place, before.requirements.get(*place)?))).collect();
    // The highest count first, so that it is not left without one that is high enough.
    let mut asked: Vec<(usize, &Requirement)> = edited.requirements.iter().enumerate().collect();
    asked.sort_by_key(|(_, one)| (std::cmp::Reverse(one.count), one.may_share));
    asked.into_iter().all(|(number, wanted)| {
        let covers = |(place, one): &(usize, &Requirement)| {
            one.count >= wanted.count
                && (wanted.may_share || !one.may_share)
                && names(one) == names(wanted)
                && one.outside_hours == wanted.outside_hours
                && stages(before, *place) == stages(edited, number)
                // Another rule knows nothing of people who were let in under the one of before.
                && (before.rule == edited.rule || !request.widened.iter().any(|one| one.requirement == *place))
        };
        let found = left
            .iter()
            .enumerate()
            .filter(|(_, one)| covers(one))
            .max_by_key(|(_, (_, one))| (one.may_share, std::cmp::Reverse(one.count)))
            .map(|(at, _)| at);
        found.map(|at| left.remove(at)).is_some()
    })
}

fn names(requirement: &Requirement) -> BTreeSet<&Principal> {
    requirement.of.iter().collect()
}

/// When a requirement is widened, and by whom.
fn stages(gate: &Gate, requirement: usize) -> Vec<(Span, BTreeSet<&Principal>)> {
    let stages = gate.escalation.iter().filter(|stage| stage.requirement == requirement);
    stages.map(|stage| (stage.after, stage.to.iter().collect())).collect()
}

/// What the action itself asks for, to ask the policy about a call with edited arguments. In everything but its seats as
/// strict as the request is.
#[must_use]
pub fn gate_before_rules(request: &Request) -> Arc<Gate> {
    match &request.gate.declared {
        None => Arc::clone(&request.gate),
        Some(own) => Arc::new(Gate {
            requirements: own.requirements.clone(),
            escalation: own.escalation.clone(),
            declared: None,
            ..Gate::clone(&request.gate)
        }),
    }
}

/// The arguments as they would be after these edits, and their digest.
///
/// # Errors
/// [`Refusal::Invalid`] when there is no edit, one is about an argument that the gate does not list as editable or that
/// is redacted, a value does not fit the schema of its parameter, or nothing changes.
pub fn edited_arguments(
    request: &Request,
    edits: &[Edit],
) -> Result<(CanonicalJson, ArgumentsDigest), Refusal> {
    if request.question.is_some() {
        return Err(bad("question", "has no arguments to edit", "answer it, or reject it"));
    }
    if edits.is_empty() {
        return Err(bad("", "changes nothing", "vote without an edit"));
    }
    // What the edit leaves as it is must be what people saw.
    intact(request)?;
    let mut arguments = request.revision.arguments.clone();
    let mut checks: Vec<(Step, &Text)> = Vec::new();
    let mut paths: Vec<FieldPath> = Vec::with_capacity(edits.len());
    for edit in edits {
        let path: FieldPath = edit
            .path
            .parse()
            .map_err(|e| Invalid::new("edit", &*edit.path, format!("names no argument: {e}")))?;
        if paths.iter().any(|other| covers(other, &path) || covers(&path, other)) {
            return Err(bad(&edit.path, "is edited twice", "give one value for it"));
        }
        let listed = listed(&request.gate.editable, &path).ok_or_else(|| not_editable(request, edit))?;
        arguments = replace(&arguments, &path, edit, listed.exactly)?;
        if let (Some(schema), Some(parameter)) = (&listed.editable.schema, path.steps().first()) {
            checks.push((parameter.clone(), schema));
        }
        paths.push(path);
    }
    for (parameter, schema) in checks {
        let value = part(&arguments, &[parameter]).ok_or_else(|| bad("", "is gone", "give it a value"))?;
        schema::check("edited argument", schema, &value)?;
    }
    let digest = request.digest_with(&arguments);
    if digest == request.revision.digest {
        return Err(bad(
            edits.first().map_or("", |edit| &*edit.path),
            "has that value already",
            "vote without an edit",
        ));
    }
    Ok((arguments, digest))
}

fn bad(path: &str, why: &str, hint: &str) -> Refusal {
    Invalid::new("edit", path, why).hint(hint).into()
}

fn not_editable(request: &Request, edit: &Edit) -> Refusal {
    let paths: Vec<&str> = request.gate.editable.iter().map(|one| &*one.path).collect();
    let hint = match paths.as_slice() {
        [] => "reject it, and say what would be right".to_owned(),
        some => format!("these may be edited: {}", some.join(", ")),
    };
    Invalid::new("edit", &*edit.path, "is of an argument that may not be edited").hint(hint).into()
}

/// The entry that lets a path be edited.
struct Listed<'a> {
    editable: &'a Editable,
    /// Whether it is the path itself, and nothing around it.
    exactly: bool,
}

fn listed<'a>(editable: &'a [Editable], path: &FieldPath) -> Option<Listed<'a>> {
    let entries = editable.iter().filter_map(|one| {
        // What cannot be read lets nothing be edited.
        let outer: FieldPath = one.path.parse().ok()?;
        covers(&outer, path)
            .then(|| Listed { editable: one, exactly: outer.steps().len() == path.steps().len() })
    });
    entries.max_by_key(|entry| entry.exactly)
}

/// Whether `inner` is `outer` or lies in it.
pub(super) fn covers(outer: &FieldPath, inner: &FieldPath) -> bool {
    let same = |(outer, inner): (&Step, &Step)| outer == inner || *outer == Step::Every;
    outer.steps().len() <= inner.steps().len() && outer.steps().iter().zip(inner.steps()).all(same)
}

/// Puts the new value in its place, on the text, so that nothing else changes.
fn replace(
    arguments: &CanonicalJson,
    path: &FieldPath,
    edit: &Edit,
    may_add: bool,
) -> Result<CanonicalJson, Refusal> {
    let text = arguments.as_str();
    let secret =
        || bad(&edit.path, "is redacted, and cannot be edited", "reject it, and say what would be right");
    if edit.value.is_redacted() || (arguments.is_redacted() && edit.value.as_str().contains("$redacted\":")) {
        return Err(bad(&edit.path, "has a value that looks redacted", "give the value itself"));
    }
    let (range, member) = match place::find(arguments, path.steps()) {
        Found::Value(range) if place::holds_placeholder(arguments, &range) => return Err(secret()),
        Found::Value(range) => (range, None),
        Found::NoKey { at, others } if may_add => (at..at, Some(others)),
        Found::Redacted => return Err(secret()),
        Found::NoKey { .. } | Found::Nothing => {
            return Err(bad(&edit.path, "leads to no argument", "name one that the request has"));
        }
    };
    let mut new = String::with_capacity(text.len() + edit.value.as_str().len());
    let (Some(before), Some(after)) = (text.get(..range.start), text.get(range.end..)) else {
        return Err(Internal::new("an edited argument was found outside of the text").into());
    };
    new.push_str(before);
    if let (Some(_), Some(Step::Key(key))) = (member, path.steps().last()) {
        new.push_str(&serde_json::Value::from(&**key).to_string());
        new.push(':');
    }
    new.push_str(edit.value.as_str());
    if member == Some(true) {
        new.push(',');
    }
    new.push_str(after);
    let read =
        if arguments.is_redacted() { CanonicalJson::parse_redacted(&new) } else { parse_canonical(&new) };
    read.map_err(|e| Invalid::new("edit", &*edit.path, format!("gives no arguments: {e}")).into())
}

/// A part of the arguments, for itself.
fn part(arguments: &CanonicalJson, steps: &[Step]) -> Option<CanonicalJson> {
    match place::find(arguments, steps) {
        Found::Value(range) => parse_canonical(arguments.as_str().get(range)?).ok(),
        Found::NoKey { .. } | Found::Redacted | Found::Nothing => None,
    }
}

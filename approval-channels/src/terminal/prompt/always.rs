//! "Approve, and do not ask again": reading what a person does not want to be asked about any more, and saying it in words.

use approval_core::clock::Span;
use approval_core::model::{
    STANDING_LONGEST, StandingArguments, StandingBehalf, StandingReach, StandingTerms,
};

use super::{Answer, Said, number, unclear};
use crate::terminal::view::{Matter, View};

/// How it is written: nothing but this, and both choices in full, so that nothing is ever given away by leaving something out.
pub(super) const USAGE: &str = "always run|agent|action exactly|any [everyone] [for TIME] [times NUMBER]";

/// Whether calls to come may be approved along with this one.
pub(super) const fn offered(view: &View) -> bool {
    view.may_stand && matches!(view.matter, Matter::Action)
}

/// The meaning of the words, for the help.
pub(super) const MEANING: &str = "approve it, and do not ask again about calls of this action: in this run, of this agent, or of \
     every agent (action); with exactly these arguments, or with any; on behalf of the same person as this call, or of \
     anyone (everyone); for TIME (30m, 2h, 7d at most; 24h unless given), at \
     most so many times; a rejection ends it";

/// Reads what follows the word `always`.
pub(super) fn read(rest: &str, view: &View) -> Said {
    if !offered(view) {
        return unclear("calls like this one are asked about every time");
    }
    match terms(rest, view) {
        Ok(terms) => Said::Answer(Answer::Always(terms)),
        Err(why) => Said::Unclear(format!("{why}; write: {USAGE}")),
    }
}

fn terms(rest: &str, view: &View) -> Result<StandingTerms, String> {
    let mut words = rest.split([' ', '\t']).filter(|word| !word.is_empty());
    let reach = match words.next() {
        Some("run") if view.run.is_none() => {
            return Err("this call belongs to no run: choose this agent, or this action".to_owned());
        }
        Some("run") => StandingReach::Run,
        Some("agent") => StandingReach::Agent,
        Some("action") => StandingReach::Action,
        _ => return Err("whose calls? Those of this run, agent or action".to_owned()),
    };
    let arguments = match words.next() {
        Some("exactly") => StandingArguments::Exactly,
        Some("any") => StandingArguments::Any,
        _ => return Err("with which arguments? With exactly these, or with any".to_owned()),
    };
    let mut terms = StandingTerms::new(reach, arguments);
    let mut said = (false, false);
    let mut words = words.peekable();
    if words.next_if_eq(&"everyone").is_some() {
        terms = terms.for_everyone();
    }
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_default();
        match word {
            "for" if !std::mem::replace(&mut said.0, true) => {
                terms.lasts =
                    span(value).ok_or("the time is written as 30m, 2h or 7d, and 7 days at most")?;
            }
            "times" if !std::mem::replace(&mut said.1, true) => {
                let times = number(value).and_then(|index| u32::try_from(index).ok()?.checked_add(1));
                terms.calls = Some(times.ok_or("how many times is a whole number above zero")?);
            }
            _ => return Err(format!("{word} is not understood")),
        }
    }
    Ok(terms)
}

/// A time such as `30m`; no sign, no leading zero.
fn span(text: &str) -> Option<Span> {
    let count =
        |unit| number(text.strip_suffix(unit)?).and_then(|index| i64::try_from(index).ok()?.checked_add(1));
    let minutes = match (count('m'), count('h'), count('d')) {
        (Some(minutes), ..) => minutes,
        (_, Some(hours), _) => hours.checked_mul(60)?,
        (.., Some(days)) => days.checked_mul(24 * 60)?,
        (None, None, None) => return None,
    };
    let longest = STANDING_LONGEST.as_mins();
    (minutes <= longest).then(|| Span::from_mins(minutes))
}

/// What is not asked about any more, as half a sentence.
pub(in crate::terminal) fn in_words(
    terms: &StandingTerms,
    action: &str,
    agent: &str,
    run: Option<&str>,
    person: Option<&str>,
) -> String {
    let whose = match (terms.reach, run) {
        (StandingReach::Run, Some(run)) => format!("by {agent} in run {run}"),
        (StandingReach::Run | StandingReach::Agent, _) => format!("by {agent}"),
        (StandingReach::Action, _) => "by every agent".to_owned(),
    };
    let behalf = match (terms.behalf, person) {
        (StandingBehalf::Everyone, _) => " on behalf of anyone".to_owned(),
        (StandingBehalf::Same, Some(person)) => format!(" on behalf of {person}"),
        (StandingBehalf::Same, None) => String::new(),
    };
    let arguments = match &terms.arguments {
        StandingArguments::Exactly => "exactly these arguments",
        StandingArguments::Matching(_) => "arguments like these",
        StandingArguments::Any => "any arguments",
    };
    let calls = match terms.calls {
        None => "calls".to_owned(),
        Some(1) => "1 call".to_owned(),
        Some(calls) => format!("{calls} calls"),
    };
    let minutes = terms.lasts.as_mins();
    let time = match (minutes % 60, minutes / 60) {
        (0, 1) => "hour".to_owned(),
        (0, hours) => format!("{hours} hours"),
        _ if minutes == 1 => "minute".to_owned(),
        _ => format!("{minutes} minutes"),
    };
    format!("{calls} of {action} {whose}{behalf} with {arguments}, for the next {time}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::sample::{question, view};

    fn offering() -> View {
        View { may_stand: true, run: Some("run-7".to_owned()), ..view() }
    }

    fn read_terms(rest: &str) -> Option<StandingTerms> {
        match read(rest, &offering()) {
            Said::Answer(Answer::Always(terms)) => Some(terms),
            _ => None,
        }
    }

    #[test]
    fn whose_calls_and_which_arguments_are_spelled_out() {
        let reaches =
            [("run", StandingReach::Run), ("agent", StandingReach::Agent), ("action", StandingReach::Action)];
        let arguments = [("exactly", StandingArguments::Exactly), ("any", StandingArguments::Any)];
        for (whose, reach) in reaches {
            for (with, arguments) in arguments.clone() {
                let expected = StandingTerms::new(reach, arguments);
                assert_eq!(read_terms(&format!("{whose} {with}")), Some(expected.clone()));
                let limited = expected.lasting(Span::from_hours(2)).at_most(5);
                assert_eq!(read_terms(&format!("{whose} {with} for 2h times 5")), Some(limited.clone()));
                assert_eq!(read_terms(&format!("{whose}  {with} times 5 for 120m")), Some(limited));
            }
        }
        assert_eq!(read_terms("agent any").unwrap().lasts, Span::from_hours(24), "a day unless said");
        assert_eq!(read_terms("agent any for 7d").unwrap().lasts, STANDING_LONGEST);
    }

    #[test]
    fn what_is_left_out_or_too_much_gives_nothing_away() {
        for rest in [
            "",
            "any",
            "exactly",
            "agent",
            "run",
            "any agent",
            "everything any",
            "agent all",
            "agent any forever",
            "agent any for",
            "agent any for 8d",
            "agent any for 169h",
            "agent any for 0h",
            "agent any for -1h",
            "agent any for 99999999999999999999d",
            "agent any for 2",
            "agent any for 2w",
            "agent any for 2h for 3h",
            "agent any times",
            "agent any times 0",
            "agent any times -1",
            "agent any times 4294967296",
            "agent any times 2 times 3",
            "agent any please",
            "agent everyone any",
            "agent any for 2h everyone",
            "agent any everyone everyone",
            "Agent Any",
        ] {
            assert_eq!(read_terms(rest), None, "{rest}");
        }
    }

    #[test]
    fn it_is_not_offered_where_it_may_not_be_given() {
        let unclear = |view: &View, rest: &str| matches!(read(rest, view), Said::Unclear(_));
        assert!(unclear(&view(), "agent any"));
        let asked = View { may_stand: true, ..question(serde_json::json!({"type": "string"})) };
        assert!(unclear(&asked, "agent any"));
        let no_run = View { run: None, ..offering() };
        assert!(unclear(&no_run, "run any") && !unclear(&no_run, "agent any"));
    }

    #[test]
    fn what_is_given_is_said_in_words() {
        let told_for = |rest: &str, person| {
            in_words(&read_terms(rest).unwrap(), "payments.refund", "agent:worker-3", Some("run-7"), person)
        };
        let told = |rest: &str| told_for(rest, None);
        assert_eq!(
            told_for("agent any", Some("user:bob@example.com")),
            "calls of payments.refund by agent:worker-3 on behalf of user:bob@example.com with any arguments, for the next 24 hours"
        );
        assert_eq!(
            told_for("agent any everyone times 2", Some("user:bob@example.com")),
            "2 calls of payments.refund by agent:worker-3 on behalf of anyone with any arguments, for the next 24 hours"
        );
        assert_eq!(
            told("run exactly times 1 for 1h"),
            "1 call of payments.refund by agent:worker-3 in run run-7 with exactly these arguments, for the next hour"
        );
        assert_eq!(
            told("agent any"),
            "calls of payments.refund by agent:worker-3 with any arguments, for the next 24 hours"
        );
        assert_eq!(
            told("action any times 20 for 90m"),
            "20 calls of payments.refund by every agent with any arguments, for the next 90 minutes"
        );
    }
}

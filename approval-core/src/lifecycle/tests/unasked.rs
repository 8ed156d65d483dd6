//! How a call goes on that the policy lets run.

use crate::{
    lifecycle::{Held, PolicyAnswer, Unasked, Way, held},
    model::Text,
};

#[test]
fn a_key_a_window_and_people_to_tell_need_a_request_and_a_proof_needs_people() {
    for bits in 0_u8..16 {
        let [needs_proof, has_key, has_window, informs] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
        let way = Unasked { needs_proof, has_key, has_window, informs }.way();
        let expected = match bits {
            0 => Way::AtOnce,
            _ if bits % 2 == 1 => Way::AskPeople,
            _ => Way::ByRequest,
        };
        assert_eq!(way, expected, "{bits}");
    }
}

#[test]
fn a_held_call_runs_only_if_it_would_still_run_at_once() {
    let (rule, reason): (Text, Text) = ("second".into(), "no".into());
    let runs = PolicyAnswer::Runs { rule: &rule, inform: &[], run_windows: &[] };
    let asks = PolicyAnswer::Asks { rule: &rule, gate: None, whole: false };
    let denies = PolicyAnswer::Denies { rule: &rule, reason: &reason };
    for way in [Way::AtOnce, Way::ByRequest, Way::AskPeople] {
        let expected = if way == Way::AtOnce { Held::Runs(&rule) } else { Held::Asks(&rule) };
        assert_eq!(held(&runs, way), expected, "{way:?}");
        assert_eq!(held(&asks, way), Held::Asks(&rule), "{way:?}");
        assert_eq!(held(&denies, way), Held::Denied { rule: &rule, reason: &reason }, "{way:?}");
    }
}

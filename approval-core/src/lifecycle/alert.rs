//! When people do not answer any more.

use crate::{
    clock::{Timestamp, after},
    model::{Figures, Text, TimeoutSpike, TimeoutWatch},
};

/// Whether the figures of one action are a spike of time-outs, given those of the time before.
#[must_use]
pub fn timeout_spike(
    watch: &TimeoutWatch,
    action: &Text,
    recent: &Figures,
    usual: &Figures,
    now: Timestamp,
) -> Option<TimeoutSpike> {
    let (timeouts, of) = (recent.timeouts(), recent.answerable());
    let (usual_timeouts, usual_of) = (usual.timeouts(), usual.answerable());
    // As products, so that nothing is rounded: timeouts / of against usual_timeouts / usual_of.
    // Held at the end, where nothing is counted any more.
    let wide = |a: u64, b: u64, c: u64| u128::from(a).saturating_mul(b.into()).saturating_mul(c.into());
    let many = timeouts > 0 && timeouts >= watch.at_least;
    let a_large_part = wide(timeouts, 100, 1) >= wide(of, watch.percent, 1);
    let more_than_usual = wide(timeouts, usual_of, 1) >= wide(usual_timeouts, of, watch.times);
    (many && a_large_part && more_than_usual).then(|| TimeoutSpike {
        action: action.clone(),
        at: now,
        window: watch.window,
        timeouts,
        of,
        usual_timeouts,
        usual_of,
    })
}

/// Whether a spike is reported, given the last one that was reported for the action: once a window is enough.
#[must_use]
pub fn is_told_again(last: &TimeoutSpike, spike: &TimeoutSpike) -> bool {
    after(last.at, spike.window) <= spike.at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Span;

    fn figures(approved: u64, expired: u64) -> Figures {
        Figures { approved, expired, ..Figures::default() }
    }

    fn is_spike(recent: (u64, u64), usual: (u64, u64)) -> bool {
        let watch = TimeoutWatch::default();
        let (recent, usual) = (figures(recent.0, recent.1), figures(usual.0, usual.1));
        timeout_spike(&watch, &"a".into(), &recent, &usual, Timestamp::UNIX_EPOCH).is_some()
    }

    #[test]
    fn a_spike_is_many_a_large_part_and_more_than_usual() {
        assert!(is_spike((0, 5), (0, 0)), "nothing to compare with");
        assert!(!is_spike((0, 4), (0, 0)), "too few");
        assert!(is_spike((20, 5), (100, 0)), "a fifth");
        assert!(!is_spike((21, 5), (100, 0)), "less than a fifth");
        assert!(is_spike((7, 3 + 3), (85, 15)), "6 of 13 is more than 3 times 15 of 100");
        assert!(is_spike((11, 9), (85, 15)), "exactly 3 times the usual part");
        assert!(!is_spike((12, 9), (85, 15)), "less than that");
        assert!(!is_spike((0, 10), (0, 10)), "they never answer");
        assert!(!is_spike((10, 0), (10, 0)), "none passed");
    }

    #[test]
    fn it_is_told_again_after_a_window() {
        let spike = |at: Timestamp| TimeoutSpike {
            action: "a".into(),
            at,
            window: Span::from_hours(1),
            timeouts: 5,
            of: 5,
            usual_timeouts: 0,
            usual_of: 0,
        };
        let (first, hour) = (Timestamp::UNIX_EPOCH, Span::from_hours(1));
        assert!(!is_told_again(&spike(first), &spike(after(first, hour - Span::from_micros(1)))));
        assert!(is_told_again(&spike(first), &spike(after(first, hour))));
    }

    #[test]
    fn it_says_what_was_seen() {
        let watch = TimeoutWatch { at_least: 0, ..TimeoutWatch::default() };
        let recent = Figures { rejected: 1, approved_by_timeout: 2, expired: 1, ..Figures::default() };
        let now = Timestamp::UNIX_EPOCH;
        let spike = timeout_spike(&watch, &"mail.send".into(), &recent, &figures(9, 1), now).unwrap();
        assert_eq!((spike.timeouts, spike.of, spike.usual_timeouts, spike.usual_of), (3, 4, 1, 10));
        let text = spike.to_string();
        assert!(
            text.contains("3 of 4 requests for mail.send within 1h") && text.contains("1 of 10"),
            "{text}"
        );
        assert!(timeout_spike(&watch, &"a".into(), &figures(0, 0), &figures(0, 0), now).is_none());
    }
}

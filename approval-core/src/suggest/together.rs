//! Finding those of many that pass a costly check together.

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Together<C, T> {
    /// Candidates that pass together, in their order.
    pub(super) accepted: Vec<C>,
    /// The others in their order, and why not.
    pub(super) refused: Vec<(C, String)>,
    /// What the check made of those accepted. `None`: there are none.
    pub(super) made: Option<T>,
}

/// Takes candidates in their order, and leaves those out with which the check fails. Where it passes for all, it is made once;
/// where it fails, once for each half of them, and so on: fewer than twice as often as there are candidates, and never more
/// than `checks` times. Candidates that are left then are refused with `unchecked`.
pub(super) fn together<C, T>(
    candidates: Vec<C>,
    checks: usize,
    unchecked: &str,
    check: impl FnMut(&[C]) -> Result<T, String>,
) -> Together<C, T> {
    let found = Together { accepted: Vec::new(), refused: Vec::new(), made: None };
    let mut search = Search { found, left: checks, unchecked, check };
    search.add(candidates);
    search.found
}

struct Search<'a, C, T, F> {
    found: Together<C, T>,
    /// How often the check may still be made.
    left: usize,
    unchecked: &'a str,
    check: F,
}

impl<C, T, F: FnMut(&[C]) -> Result<T, String>> Search<'_, C, T, F> {
    fn add(&mut self, mut candidates: Vec<C>) {
        if candidates.is_empty() {
            return;
        }
        let Some(left) = self.left.checked_sub(1) else {
            self.found.refused.extend(candidates.into_iter().map(|one| (one, self.unchecked.to_owned())));
            return;
        };
        self.left = left;
        let before = self.found.accepted.len();
        self.found.accepted.append(&mut candidates);
        match (self.check)(&self.found.accepted) {
            Ok(made) => self.found.made = Some(made),
            Err(why) => {
                let mut first = self.found.accepted.split_off(before);
                let second = first.split_off(first.len() / 2);
                if first.is_empty() {
                    self.found.refused.extend(second.into_iter().map(|one| (one, why.clone())));
                } else {
                    self.add(first);
                    self.add(second);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Numbers without those that `bad` names, and how often they were checked.
    fn without(bad: &[u32], count: u32, checks: usize) -> (Together<u32, Vec<u32>>, usize) {
        let made = Cell::new(0);
        let found = together((0..count).collect(), checks, "not checked", |numbers| {
            made.set(made.get() + 1);
            match numbers.iter().find(|number| bad.contains(number)) {
                Some(number) => Err(format!("{number} is bad")),
                None => Ok(numbers.to_vec()),
            }
        });
        (found, made.get())
    }

    #[test]
    fn thousands_that_pass_are_checked_once() {
        let (found, checks) = without(&[], 5_000, 400);
        assert_eq!(found.accepted, (0..5_000).collect::<Vec<_>>());
        assert_eq!((found.made.as_ref(), found.refused.len(), checks), (Some(&found.accepted), 0, 1));
        let (none, checks) = without(&[], 0, 400);
        assert_eq!((none.accepted.len(), none.made, checks), (0, None, 0));
    }

    #[test]
    fn those_that_fail_are_left_out_each_for_its_own_reason() {
        for bad in [&[0][..], &[99], &[7, 8, 9], &[0, 31, 50, 98, 99]] {
            let (found, checks) = without(bad, 100, 400);
            let good: Vec<u32> = (0..100).filter(|number| !bad.contains(number)).collect();
            let reasons: Vec<(u32, String)> =
                bad.iter().map(|number| (*number, format!("{number} is bad"))).collect();
            assert_eq!((&found.accepted, &found.refused), (&good, &reasons));
            assert_eq!(found.made, Some(good));
            assert!(checks < 80, "{checks} for {bad:?}");
        }
        let all: Vec<u32> = (0..100).collect();
        let (found, checks) = without(&all, 100, 400);
        assert_eq!((found.accepted.len(), found.refused.len(), found.made, checks), (0, 100, None, 199));
    }

    #[test]
    fn of_two_that_exclude_each_other_the_first_is_taken() {
        let check = |words: &[&'static str]| {
            let twice =
                words.iter().enumerate().find(|(at, word)| words.iter().take(*at).any(|one| one == *word));
            twice.map_or(Ok(()), |(_, word)| Err(format!("{word} twice")))
        };
        let found = together(vec!["a", "b", "a", "c", "b"], 400, "not checked", check);
        assert_eq!(found.accepted, ["a", "b", "c"]);
        assert_eq!(found.refused, [("a", "a twice".to_owned()), ("b", "b twice".to_owned())]);
    }

    #[test]
    fn what_is_left_when_the_checks_are_used_up_is_refused() {
        let all: Vec<u32> = (0..1_000).collect();
        for checks in [0, 1, 2, 10, 200] {
            let (found, made) = without(&all, 1_000, checks);
            assert_eq!((made, found.accepted.len(), found.refused.len()), (checks, 0, 1_000));
            let order: Vec<u32> = found.refused.iter().map(|(number, _)| *number).collect();
            assert_eq!(order, all);
            assert!(found.refused.iter().any(|(_, why)| why == "not checked"), "{checks}");
        }
        // What passed before stays.
        let (found, made) = without(&[750], 1_000, 3);
        assert_eq!((made, found.accepted.len()), (3, 500));
        assert_eq!(found.made, Some((0..500).collect()));
        assert!(found.refused.iter().all(|(_, why)| why == "not checked"));
    }
}

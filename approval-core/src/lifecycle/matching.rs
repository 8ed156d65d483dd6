//! Filling seats with people, each of whom fills one: a maximum bipartite matching by augmenting paths (Kuhn).

/// The seats of one requirement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seats {
    /// How many.
    pub(super) count: u32,
    /// Whether people who fill seats elsewhere may fill these too.
    pub(super) may_share: bool,
}

/// A seat that stays empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    /// Of which requirement: the first that cannot be met together with those before it.
    pub(super) requirement: usize,
    /// How many of its seats can be filled.
    pub(super) filled: u32,
}

/// Fills all seats. `fits` tells whether a person (index) may fill seats of a requirement (index).
///
/// Gives the people who fill seats, in ascending order; earlier people are preferred to later ones.
///
/// # Errors
/// Where seats stay empty.
pub(super) fn fill(
    requirements: &[Seats],
    people: usize,
    fits: impl Fn(usize, usize) -> bool,
) -> Result<Vec<usize>, Missing> {
    if let [only] = requirements {
        let needed = wide(only.count);
        let chosen: Vec<usize> = (0..people).filter(|person| fits(0, *person)).take(needed).collect();
        return if chosen.len() == needed { Ok(chosen) } else { Err(missing(0, chosen.len())) };
    }
    let whole = Table::filled(requirements, people, &fits);
    if whole.is_full() {
        return Ok(whole.people());
    }
    // To name one: the first requirement that fails when they are added one by one.
    for number in 0..requirements.len() {
        let part = Table::filled(requirements.get(..=number).unwrap_or_default(), people, &fits);
        if !part.is_full() {
            return Err(missing(number, part.filled_last()));
        }
    }
    Err(missing(0, 0))
}

/// Held at the end where a machine counts no further: so many people do not exist, and the seats stay empty.
fn wide(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// The number is one for a message, and may be held at the end.
fn missing(requirement: usize, filled: usize) -> Missing {
    Missing { requirement, filled: u32::try_from(filled).unwrap_or(u32::MAX) }
}

/// Who sits where.
struct Table<'a> {
    requirements: &'a [Seats],
    /// The people in the seats of each requirement.
    seated: Vec<Vec<usize>>,
}

impl<'a> Table<'a> {
    /// Seats people in their order until all seats are filled.
    fn filled(requirements: &'a [Seats], people: usize, fits: &impl Fn(usize, usize) -> bool) -> Self {
        let mut table = Self { requirements, seated: vec![Vec::new(); requirements.len()] };
        for person in 0..people {
            if table.is_full() {
                break;
            }
            table.share(person, fits);
            table.place(person, fits, &mut vec![false; requirements.len()]);
        }
        table
    }

    /// Seats a person wherever sharing is allowed.
    fn share(&mut self, person: usize, fits: &impl Fn(usize, usize) -> bool) {
        for (number, (seats, seated)) in self.requirements.iter().zip(&mut self.seated).enumerate() {
            if seats.may_share && seated.len() < wide(seats.count) && fits(number, person) {
                seated.push(person);
            }
        }
    }

    /// Seats a person in one seat, moving others on where that makes room. No person who sits loses a seat.
    fn place(&mut self, person: usize, fits: &impl Fn(usize, usize) -> bool, visited: &mut [bool]) -> bool {
        for (number, seats) in self.requirements.iter().enumerate() {
            let Some(seen) = visited.get_mut(number) else { continue };
            if seats.may_share || *seen || !fits(number, person) {
                continue;
            }
            *seen = true;
            let Some(seated) = self.seated.get_mut(number) else { continue };
            if seated.len() < wide(seats.count) {
                seated.push(person);
                return true;
            }
            for chair in 0..seated.len() {
                let other = self.chair(number, chair).map(|other| *other);
                if other.is_some_and(|other| self.place(other, fits, visited))
                    && let Some(chair) = self.chair(number, chair)
                {
                    *chair = person;
                    return true;
                }
            }
        }
        false
    }

    fn chair(&mut self, requirement: usize, chair: usize) -> Option<&mut usize> {
        self.seated.get_mut(requirement)?.get_mut(chair)
    }

    fn is_full(&self) -> bool {
        self.requirements.iter().zip(&self.seated).all(|(seats, seated)| seated.len() >= wide(seats.count))
    }

    /// How many seats of the last requirement are filled, all seats before it being filled.
    fn filled_last(&self) -> usize {
        let Some((last, before)) = self.requirements.split_last() else { return 0 };
        if last.may_share {
            return self.seated.last().map_or(0, Vec::len);
        }
        let exclusive = |seats: &&Seats| !seats.may_share;
        let needed: usize = before.iter().filter(exclusive).map(|seats| wide(seats.count)).sum();
        let each = self.requirements.iter().zip(&self.seated);
        let filled: usize = each.filter(|(seats, _)| !seats.may_share).map(|(_, seated)| seated.len()).sum();
        filled.saturating_sub(needed)
    }

    fn people(&self) -> Vec<usize> {
        let mut people: Vec<usize> = self.seated.iter().flatten().copied().collect();
        people.sort_unstable();
        people.dedup();
        people
    }
}

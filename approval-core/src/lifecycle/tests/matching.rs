use crate::lifecycle::matching::{Missing, Seats, fill};

fn seats(counts: &[(u32, bool)]) -> Vec<Seats> {
    counts.iter().map(|(count, may_share)| Seats { count: *count, may_share: *may_share }).collect()
}

/// Fills seats where row `r` of `fits` has an `x` for everybody who fits there.
fn attempt(counts: &[(u32, bool)], fits: &[&str]) -> Result<Vec<usize>, Missing> {
    let people = fits.first().map_or(0, |row| row.len());
    fill(&seats(counts), people, |requirement, person| fits[requirement].as_bytes()[person] == b'x')
}

#[test]
fn earlier_people_are_preferred() {
    assert_eq!(attempt(&[(2, false)], &["xxx"]), Ok(vec![0, 1]));
    assert_eq!(attempt(&[(2, false)], &["x.x"]), Ok(vec![0, 2]));
    assert_eq!(attempt(&[(1, false), (1, false)], &["xxx", "xxx"]), Ok(vec![0, 1]));
}

#[test]
fn people_move_on_to_make_room() {
    assert_eq!(attempt(&[(1, false), (1, false)], &["xx", "x."]), Ok(vec![0, 1]));
    assert_eq!(attempt(&[(1, false), (1, false), (1, false)], &["xx.", ".xx", "x.."]), Ok(vec![0, 1, 2]));
    assert_eq!(attempt(&[(2, false), (2, false)], &["xxxx", "xx.."]), Ok(vec![0, 1, 2, 3]));
    assert_eq!(
        attempt(&[(1, false), (2, false), (1, false)], &["xx..", "xxx.", "..xx"]),
        Ok(vec![0, 1, 2, 3])
    );
}

#[test]
fn shared_seats_take_people_who_sit_elsewhere() {
    assert_eq!(attempt(&[(1, false), (1, true)], &["x", "x"]), Ok(vec![0]));
    assert_eq!(attempt(&[(1, true), (1, true)], &["x", "x"]), Ok(vec![0]));
    assert_eq!(attempt(&[(1, false), (2, true)], &["x.", "xx"]), Ok(vec![0, 1]));
    assert_eq!(attempt(&[(1, false), (1, true)], &["x.", ".x"]), Ok(vec![0, 1]));
    assert_eq!(attempt(&[(1, false), (1, true)], &["x..", ".xx"]), Ok(vec![0, 1]), "no more than needed");
    assert_eq!(attempt(&[(1, false), (1, true)], &["..x", "xx."]), Ok(vec![0, 2]), "no more than needed");
}

#[test]
fn the_first_requirement_that_fails_is_named() {
    let missing = |requirement, filled| Err(Missing { requirement, filled });
    assert_eq!(attempt(&[(2, false)], &["x.."]), missing(0, 1));
    assert_eq!(attempt(&[(1, false), (1, false)], &["x", "x"]), missing(1, 0));
    assert_eq!(attempt(&[(1, false), (3, false)], &["xx", "xx"]), missing(1, 1));
    assert_eq!(attempt(&[(1, false), (2, true)], &["x.", "x."]), missing(1, 1));
    assert_eq!(attempt(&[(1, true), (1, false), (2, false)], &["xx", "x.", "xx"]), missing(2, 1));
    assert_eq!(attempt(&[(2, false), (1, false)], &["x.", "xx"]), missing(0, 1));
    assert_eq!(attempt(&[(u32::MAX, false), (1, false)], &["x", "x"]), missing(0, 1));
    assert_eq!(fill(&seats(&[(1, false)]), 0, |_, _| true), missing(0, 0));
}

#[test]
fn no_requirement_needs_nobody() {
    assert_eq!(fill(&[], 3, |_, _| true), Ok(vec![]));
}

/// Tries every way to seat people, one seat after the other.
fn possible(
    seats: &[usize],
    people: usize,
    fits: &dyn Fn(usize, usize) -> bool,
    used: &mut Vec<usize>,
) -> bool {
    let Some((first, rest)) = seats.split_first() else { return true };
    (0..people).any(|person| {
        if used.contains(&person) || !fits(*first, person) {
            return false;
        }
        used.push(person);
        let done = possible(rest, people, fits, used);
        used.pop();
        done
    })
}

#[test]
fn it_finds_a_way_exactly_where_there_is_one() {
    // Every way in which up to 4 people fit into 3 requirements.
    for counts in [[1, 1, 1], [2, 1, 1], [1, 2, 1], [1, 1, 2]] {
        for mask in 0..(1_u32 << 12) {
            let fits = |requirement: usize, person: usize| mask >> (requirement * 4 + person) & 1 == 1;
            let all = seats(&counts.map(|count| (count, false)));
            let single: Vec<usize> =
                counts.iter().enumerate().flat_map(|(at, count)| vec![at; *count as usize]).collect();
            let way = possible(&single, 4, &fits, &mut Vec::new());
            let found = fill(&all, 4, fits);
            assert_eq!(found.is_ok(), way, "{counts:?} {mask:b}");
            if let Ok(people) = found {
                assert_eq!(people.len(), single.len());
                assert!(people.is_sorted_by(|a, b| a < b));
            }
        }
    }
}

//! How a call goes on that the policy lets run.

use crate::lifecycle::{Unasked, Way};

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

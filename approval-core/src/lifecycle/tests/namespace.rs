use super::*;

#[test]
fn a_manager_sees_requests_of_its_own_namespace_alone() {
    let request = World::new(gate([need(1, "ann")])).request;
    assert!(is_within(&request, "default"));
    for other in ["", "Default", "default2", "other"] {
        assert!(!is_within(&request, other), "{other}");
    }
}

#[test]
fn an_agent_sees_requests_that_it_asked_itself_alone() {
    let request = World::new(gate([need(1, "ann")])).request;
    assert!(is_asked_by(&request, &agent()));
    for other in [p("agent:worker2"), p("user:worker"), user("ann")] {
        assert!(!is_asked_by(&request, &other), "{other}");
    }
}

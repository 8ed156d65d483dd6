use approval_core::{ApprovalError, ApprovalManager, guarded_action};
use serde::Serialize;

use crate::support::{approving, arguments, requests};

#[derive(Serialize)]
struct Order {
    id: u64,
    lines: (String, u8),
}

struct NotForPeople;

#[guarded_action(name = "parameters.destructured", manager = approvals)]
async fn destructured(
    approvals: &ApprovalManager,
    Order { id, lines: (mut name, ref count) }: Order,
    [first, .., last]: [u8; 3],
    whole @ Order { id: second, .. }: &Order,
    &copied: &u8,
    _: NotForPeople,
) -> Result<String, ApprovalError> {
    name.push('!');
    Ok(format!("{id} {name} {count} {first}{last} {second} {} {copied}", whole.id))
}

#[guarded_action(name = "parameters.configured", manager = approvals)]
async fn configured(
    approvals: &ApprovalManager,
    #[cfg(test)] here: u8,
    #[cfg(not(test))] elsewhere: NotForPeople,
    #[cfg_attr(test, allow(unused_variables))] unused: u8,
) -> Result<u8, ApprovalError> {
    #[cfg(test)]
    return Ok(here);
    #[cfg(not(test))]
    return Ok(0);
}

#[guarded_action(name = "parameters.skipped", manager = approvals, skip(client, order.lines.0), key = order.id)]
async fn skipped(
    approvals: &ApprovalManager,
    client: &NotForPeople,
    order: Order,
    r#type: &str,
) -> Result<String, ApprovalError> {
    let NotForPeople = client;
    Ok(format!("{} {}", order.lines.0, r#type))
}

#[guarded_action(name = "parameters.mutable", manager = approvals)]
async fn mutable(
    approvals: &ApprovalManager,
    mut count: u8,
    list: &mut Vec<u8>,
    _unused: u8,
) -> Result<u8, ApprovalError> {
    count += 1;
    list.push(count);
    Ok(count)
}

#[tokio::test]
async fn every_name_that_the_body_can_read_is_bound() {
    let manager = approving();
    let order = |id| Order { id, lines: ("x".into(), 2) };
    let text = destructured(&manager, order(1), [7, 8, 9], &order(2), &4, NotForPeople).await.unwrap();
    assert_eq!(text, "1 x! 2 79 2 2 4");
    assert_eq!(
        arguments(&manager).await,
        [
            r#"{"copied":4,"count":2,"first":7,"id":1,"last":9,"name":"x","second":2,"whole":{"id":2,"lines":["x",2]}}"#
        ]
    );
    assert_eq!(requests(&manager).await[0].action.unbound, ["approvals".into(), "_".into()]);
}

#[tokio::test]
async fn parameters_exist_under_their_cfg() {
    let manager = approving();
    assert_eq!(configured(&manager, 3, 4).await.unwrap(), 3);
    assert_eq!(arguments(&manager).await, [r#"{"here":3,"unused":4}"#]);
}

#[tokio::test]
async fn what_is_skipped_is_not_bound_and_that_is_said() {
    let manager = approving();
    let order = Order { id: 9, lines: ("secret".into(), 2) };
    assert_eq!(skipped(&manager, &NotForPeople, order, "t").await.unwrap(), "secret t");
    assert_eq!(arguments(&manager).await, [r#"{"order":{"id":9,"lines":[null,2]},"type":"t"}"#]);
    let request = &requests(&manager).await[0];
    assert!(request.key.is_some());
    assert_eq!(request.action.unbound, ["client", "approvals", "order.lines[0]"].map(Into::into));
}

#[tokio::test]
async fn mutable_parameters_change_in_the_body_alone() {
    let (manager, mut list) = (approving(), vec![1]);
    assert_eq!(mutable(&manager, 4, &mut list, 0).await.unwrap(), 5);
    assert_eq!(list, [1, 5]);
    assert_eq!(arguments(&manager).await, [r#"{"_unused":0,"count":4,"list":[1]}"#]);
}

//! A channel made of one function keeps every promise, and the suite finds out every faulty channel.

#[cfg(test)]
mod room;

use approval_testkit::channel_suite::Case;
use futures_util::future::join_all;
use room::{Fault, Rooms};

approval_testkit::channel_conformance!(Rooms(None));

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_found_by_its_case() {
    let runs = Fault::ALL.iter().map(|fault| async move {
        let case = Case::named(fault.found_by()).expect("there is such a case");
        match case.run(&Rooms(Some(*fault))).await {
            Err(failure) => {
                assert_eq!(failure.case, fault.found_by());
                None
            }
            Ok(verdict) => Some(format!("{fault:?} passed {} ({verdict:?})", fault.found_by())),
        }
    });
    let missed: Vec<_> = join_all(runs).await.into_iter().flatten().collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

//! A copy may be killed at any moment.

use std::sync::Arc;

use approval_core::{audit::Sealer, store::Store};

use crate::{
    cut::{Cut, Last},
    scene::{Place, Scene, empty, everything, sealing, verified},
};

async fn cut_at_every_write_it_goes_on(place: Place) {
    let scene = Scene::new(Place::Memory).await;
    let wanted = everything(&*scene.store).await;
    let writes = {
        let (target, _folder) = empty(place, &scene.clock).await;
        let counted = Cut::counting(&target);
        scene.transfer(&(Arc::clone(&counted) as Arc<dyn Store>)).copy().await.unwrap();
        counted.writes()
    };
    assert!(writes > 15, "{writes}");
    for last in [Last::Lost, Last::Lands] {
        for at in 0..writes {
            let (target, _folder) = empty(place, &scene.clock).await;
            let line = Cut::after(&target, at, last);
            let error = scene.transfer(&(Arc::clone(&line) as Arc<dyn Store>)).copy().await.unwrap_err();
            assert!(line.is_cut() && error.can_resume(), "write {at}, {last:?}: {error}");
            let copied = scene.transfer(&target).copy().await;
            let copied = copied.unwrap_or_else(|error| panic!("write {at}, {last:?}: {error}"));
            assert_eq!(everything(&*target).await, wanted, "write {at}, {last:?}");
            // The last write of all may have landed.
            assert!(!copied.before || (at + 1 == writes && last == Last::Lands), "write {at}, {last:?}");
            verified(&*target, &scene.signer, &scene.held).await;
            Sealer::new(Arc::clone(&target), sealing(&scene.signer)).seal().await.unwrap();
            assert_eq!(verified(&*target, &scene.signer, &scene.held).await.unsealed, 0, "write {at}");
        }
    }
}

#[tokio::test]
async fn cut_at_every_write_to_memory_it_goes_on() {
    cut_at_every_write_it_goes_on(Place::Memory).await;
}

#[tokio::test]
async fn cut_at_every_write_to_sqlite_it_goes_on() {
    cut_at_every_write_it_goes_on(Place::Sqlite).await;
}

#[tokio::test]
async fn cut_again_and_again_it_comes_to_its_end() {
    let scene = Scene::new(Place::Memory).await;
    let wanted = everything(&*scene.store).await;
    for (writes, last) in [(3, Last::Lost), (2, Last::Lands), (7, Last::Lands)] {
        let (target, _folder) = empty(Place::Sqlite, &scene.clock).await;
        let mut runs = 0;
        loop {
            runs += 1;
            assert!(runs < 200, "it does not come to an end");
            let line: Arc<dyn Store> = Cut::after(&target, writes, last);
            if scene.transfer(&line).copy().await.is_ok() {
                break;
            }
        }
        assert!(runs > 2, "{runs}");
        assert_eq!(everything(&*target).await, wanted);
        verified(&*target, &scene.signer, &scene.held).await;
    }
}

#[tokio::test]
async fn of_two_copies_at_once_the_later_one_goes_on() {
    let scene = Scene::new(Place::Memory).await;
    let (target, _folder) = empty(Place::Sqlite, &scene.clock).await;
    let (one, other) = (scene.transfer(&target), scene.transfer(&target));
    let (one, other) = tokio::join!(one.copy(), other.copy());
    for done in [one, other] {
        assert!(done.as_ref().err().is_none_or(|error| error.can_resume()), "{done:?}");
    }
    scene.transfer(&target).copy().await.unwrap();
    assert_eq!(everything(&*target).await, everything(&*scene.store).await);
}

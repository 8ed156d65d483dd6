//! Clusters against the real server.

use approval_test_cluster::{Cluster, Error, Mode, Settings};

#[test]
fn every_database_is_fresh_and_gone_afterwards() {
    let cluster = Cluster::shared();
    let (one, two) = (cluster.database().unwrap(), cluster.database().unwrap());
    one.psql("create table matter as select 7 as id; select pg_sleep(0)").unwrap();
    assert_eq!(one.psql("select id from matter").unwrap(), "7");
    assert!(two.psql("select id from matter").is_err(), "a database of its own");
    assert_eq!(one.psql("select current_database()").unwrap(), one.name());

    let count = |name: &str| {
        cluster.psql(&format!("select count(*) from pg_database where datname = '{name}'")).unwrap()
    };
    let name = two.name().to_owned();
    assert_eq!(count(&name), "1");
    drop(two);
    assert_eq!(count(&name), "0");
}

#[test]
fn urls_are_understood_by_the_driver() {
    let database = Cluster::shared().database().unwrap();
    for url in [database.url(), database.socket_url()] {
        let config: tokio_postgres::Config = url.parse().unwrap();
        assert_eq!(config.get_user(), Some("postgres"), "{url}");
        assert_eq!(config.get_dbname(), Some(database.name()), "{url}");
        assert_eq!(config.get_ports(), [Cluster::shared().port()], "{url}");
    }
    let config: tokio_postgres::Config = database.socket_url().parse().unwrap();
    let [tokio_postgres::config::Host::Unix(folder)] = config.get_hosts() else { panic!("{config:?}") };
    assert!(folder.join(format!(".s.PGSQL.{}", Cluster::shared().port())).exists(), "{folder:?}");
}

#[test]
fn a_failed_statement_ends_the_run_and_is_told() {
    let database = Cluster::shared().database().unwrap();
    let Err(Error::Failed { said, log, .. }) =
        database.psql("create table a (id int); select nonsense; create table b (id int)")
    else {
        panic!("accepted");
    };
    assert!(said.contains("column \"nonsense\" does not exist"), "{said}");
    assert!(log.contains("nonsense"), "{log}");
    assert_eq!(database.psql("select to_regclass('a'), to_regclass('b')").unwrap(), "a|");
}

#[test]
fn stopped_started_and_removed() {
    let cluster = Cluster::start(Settings::default().max_connections(17)).unwrap();
    assert_eq!(cluster.psql("show max_connections").unwrap(), "17");
    assert_eq!(cluster.psql("show fsync").unwrap(), "off");
    let (data, pid) = (cluster.data().to_owned(), cluster.pid().unwrap());
    cluster.stop(Mode::Fast).unwrap();
    assert_eq!(cluster.pid(), None);
    assert!(cluster.psql("select 1").is_err());
    cluster.start_again().unwrap();
    assert_ne!(cluster.pid().unwrap(), pid);
    assert_eq!(cluster.psql("select 1").unwrap(), "1");
    drop(cluster);
    assert!(!data.exists());
}

use super::*;

/// What a later program might add. Its last step fails on purpose.
const LATER: &[&str] = &[
    MIGRATIONS[0],
    MIGRATIONS[1],
    MIGRATIONS[2],
    "ALTER TABLE records ADD COLUMN note TEXT; UPDATE records SET note = 'was version ' || version;",
    "CREATE INDEX records_note ON records (note);",
];
const BROKEN: &[&str] = &[MIGRATIONS[0], MIGRATIONS[1], MIGRATIONS[2], LATER[3], "CREATE TABLE records (a)"];

/// A file as version `version` of a program with these steps left it, with one record in it.
fn older(steps: &[&str], version: usize) -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate_by(&mut connection, &steps[..version]).unwrap();
    connection
        .execute("INSERT INTO records (name, version, value, updated_at) VALUES ('halt', 3, x'00', 0)", [])
        .unwrap();
    connection
}

fn tables(connection: &Connection) -> Vec<String> {
    let mut statement = connection
        .prepare("SELECT coalesce(sql, name) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")
        .unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn version(connection: &Connection) -> i64 {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[test]
fn every_older_file_becomes_the_same_as_a_new_one_and_keeps_its_rows() {
    let mut new = Connection::open_in_memory().unwrap();
    migrate_by(&mut new, LATER).unwrap();
    for from in 1..=LATER.len() {
        let mut old = older(LATER, from);
        migrate_by(&mut old, LATER).unwrap();
        assert_eq!(tables(&old), tables(&new), "from version {from}");
        assert_eq!(version(&old), 5);
        let kept: i64 =
            old.query_row("SELECT version FROM records WHERE name = 'halt'", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 3);
    }
    let mut old = older(LATER, 1);
    migrate_by(&mut old, LATER).unwrap();
    let note: String = old.query_row("SELECT note FROM records", [], |row| row.get(0)).unwrap();
    assert_eq!(note, "was version 3", "the second step saw the rows of the first version");
}

#[test]
fn a_step_that_fails_leaves_the_file_as_it_was() {
    let mut old = older(LATER, 1);
    let before = tables(&old);
    assert!(migrate_by(&mut old, BROKEN).unwrap_err().to_string().contains("brought up to date"));
    assert_eq!((tables(&old), version(&old)), (before, 1));
    migrate_by(&mut old, LATER).unwrap();
}

#[test]
fn a_newer_file_is_refused_and_left_alone() {
    let mut newer = older(LATER, 5);
    let before = tables(&newer);
    let error = migrate(&mut newer).unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 5, known: 3 }), "{error}");
    assert_eq!((tables(&newer), version(&newer)), (before, 5));
}

#[test]
fn another_programs_database_is_refused() {
    let mut other = Connection::open_in_memory().unwrap();
    other.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    assert!(check(&other).unwrap_err().to_string().contains("another program"));
    assert!(migrate(&mut other).unwrap_err().to_string().contains("another program"));
    assert_eq!(tables(&other), ["CREATE TABLE bookmarks (url TEXT)"]);
    let versioned = Connection::open_in_memory().unwrap();
    versioned.pragma_update(None, "application_id", 7).unwrap();
    assert!(check(&versioned).is_err());
}

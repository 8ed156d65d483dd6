use super::*;

fn name(text: &str) -> String {
    text.parse::<StoreUrl>().unwrap().to_string()
}

fn refused(text: &str) -> String {
    text.parse::<StoreUrl>().unwrap_err().to_string()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn memory_is_one_of_its_own_each_time() {
    let store = block_on(connect("memory:")).unwrap();
    assert_eq!((store.info().name, store.info().durable), ("memory", false));
    assert_eq!(name("MEMORY:"), "memory:");
    assert!(refused("memory:shared").contains("memory: alone"));
    let error = block_on("memory:".parse::<StoreUrl>().unwrap().connect_existing()).unwrap_err();
    assert!(error.to_string().contains("one in memory is empty"), "{error}");
}

#[test]
fn what_names_no_store_is_explained() {
    for text in ["", "mysql://ann:s3cret@db/x", "redis:", "localhost:5432"] {
        let message = refused(text);
        assert!(message.contains("memory:, sqlite:PATH, a path alone, or postgres://"), "{message}");
        assert!(!message.contains("s3cret"), "{message}");
    }
    assert!(refused("mysql://ann:s3cret@db/x").contains("\"mysql\""));
    assert!(refused("file:approvals.db").contains("sqlite:PATH"));
    assert!(refused("sqlite:").contains("names no file"));
    assert!(refused("sqlite::memory:").contains("given as memory:"));
    assert!(refused("sqlite://approvals.db").contains("sqlite:///ABSOLUTE/PATH"));
    assert!(refused("sqlite:approvals.db?mode=ro").contains("no settings"));
}

#[test]
fn an_address_is_never_taken_for_a_path_nor_shown() {
    for text in [
        "'postgres://ann:s3cret@db/x'",
        "\"postgres://ann:s3cret@db/x\"",
        " postgres://ann:s3cret@db/x",
        "\u{feff}postgres://ann:s3cret@db/x",
        "sqlite:postgres://ann:s3cret@db/x",
        "sqlite:'postgres://ann:s3cret@db/x'",
        "sqlite:///postgres://ann:s3cret@db/x",
        "./postgres://ann:s3cret@db/x",
        "postgres%3A//ann:s3cret@db/x",
        "post\ngres://ann:s3cret@db/x",
        "host=db user=ann password=s3cret",
        "dbname=app password=s3cret",
        "password = s3cret",
        "host=db\npassword=s3cret",
        "sqlite:host=db password=s3cret",
        "app.db?password=s3cret",
        "sqlite:app.db?password=s3cret",
        "//ann:s3cret@db/x",
        "postgres//ann:s3cret@db/x",
        "s3cret@db.example.com:5432/x",
        "s3cret://db/x",
        "ann:s3cret@db/x",
        "mysql://ann:s3cret@db/x",
        "file:s3cret",
        "ｐｏｓｔｇｒｅｓ：//ａnn：s3cret＠db",
        "db:5432:app:ann:s3cret",
        "*:*:*:ann:s3cret",
        "tcp(ann:s3cret)/d",
        "postgres&#58;//ann;s3cret",
        "postgres%3A//ann;s3cret",
        "Data Source=h;User=ann;Password=s3cret",
        "Server=h;Uid=ann;Pwd=s3cret",
        r#"{"password":"s3cret"}"#,
        "--password s3cret",
        "jdbc:postgresql://h/d?user=ann&pass=s3cret",
        "export DATABASE_URL=postgres://ann:s3cret@db",
        "sqlite:token=s3cret",
        "pgpassword s3cret",
        "sqlite:PGPASS s3cret",
        "mysecret\ts3cret",
        "IDENTIFIED BY s3cret",
        "s3cret, password",
        "./apiKey s3cret",
        "sqlite:/var/lib/s3cret token",
    ] {
        let error = text.parse::<StoreUrl>().unwrap_err();
        let message = format!("{error} {error:?}");
        assert!(!message.contains("s3cret") && !message.contains("ann"), "{text:?}: {message}");
    }
    assert!(refused("host=db").contains("postgres://user:password@host"));
    assert!(refused("Secret Project").contains("must end in .db"));
    assert!(refused("approvals.db\n").contains("line break"));
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::*;

    #[test]
    fn a_path_may_be_written_in_three_ways() {
        assert_eq!(name("sqlite:approvals.db"), "sqlite:approvals.db");
        assert_eq!(name("approvals.db"), "sqlite:approvals.db");
        assert_eq!(name("sqlite:/var/lib/a b.db"), "sqlite:/var/lib/a b.db");
        assert_eq!(name("SQLite:///var/lib/a.db"), "sqlite:/var/lib/a.db");
        assert_eq!("./odd:name?.db".parse::<StoreUrl>().unwrap(), StoreUrl::file("./odd:name?.db"));
        assert!(name("./odd:name?.db").starts_with("sqlite:[path not shown"));
        assert_eq!(name(r"C:\approvals.db"), r"sqlite:C:\approvals.db");
        assert_eq!("a/b.db".parse::<StoreUrl>().unwrap(), StoreUrl::file("a/b.db"));
        assert_eq!(StoreUrl::file("a/b.db").path(), Some(std::path::Path::new("a/b.db")));
    }

    #[test]
    fn an_address_given_as_a_path_makes_no_file_and_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "postgres:ann:s3cret@db",
            "host=db password=s3cret",
            " postgres:s3cret",
            "'postgres:s3cret'",
            "password s3cret",
            "s3cret token",
        ] {
            let path = folder.path().join(name);
            let url = StoreUrl::file(&path);
            assert!(!format!("{url} {url:?}").contains("s3cret"), "{url}");
            let builder = SqliteStore::builder(&path);
            assert!(!format!("{builder:?}").contains("s3cret"), "{builder:?}");
            for error in [
                builder.open().unwrap_err(),
                block_on(url.connect()).unwrap_err(),
                block_on(url.connect_existing()).unwrap_err(),
            ] {
                assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_path_that_may_hold_a_secret_is_used_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        for name in
            ["a#s3cret", "a|s3cret", "a;s3cret.db", "-s3cret", "password-s3cret", "pgpassword s3cret.db"]
        {
            let path = folder.path().join("missing").join(name);
            let url = StoreUrl::file(&path);
            let builder = SqliteStore::builder(&path);
            let shown = format!("{url} {url:?} {builder:?}");
            let errors = [builder.open().unwrap_err(), block_on(url.connect_existing()).unwrap_err()];
            let shown = format!("{shown} {errors:?} {} {}", errors[0], errors[1]);
            let hidden = !shown.contains("s3cret") && shown.contains("[path not shown");
            assert!(hidden || name.starts_with('-'), "{shown}");
            let path = folder.path().join(name);
            block_on(async {
                let url = StoreUrl::file(&path);
                let store = url.connect().await.unwrap();
                assert!(name.starts_with('-') || !format!("{store:?}").contains("s3cret"), "{store:?}");
                store.close().await.unwrap();
                url.connect_existing().await.unwrap().close().await.unwrap();
            });
            assert!(path.exists(), "{name}");
        }
    }

    #[test]
    fn the_file_is_made_unless_it_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("approvals.db");
        for text in [format!("sqlite:{}", path.display()), format!("sqlite://{}", path.display())] {
            let url: StoreUrl = text.parse().unwrap();
            let error = block_on(url.connect_existing()).unwrap_err().to_string();
            assert!(error.contains("there is no file") && !path.exists(), "{error}");
            block_on(async {
                let store = connect(&text).await.unwrap();
                assert_eq!(store.info().name, "sqlite");
                store.close().await.unwrap();
                let store = url.connect_existing().await.unwrap();
                store.close().await.unwrap();
            });
            std::fs::remove_file(&path).unwrap();
        }
    }
}

#[cfg(not(feature = "sqlite"))]
#[test]
fn the_missing_feature_is_named() {
    assert!(refused("sqlite:a.db").contains("feature `sqlite`"));
    assert!(refused("a.db").contains("feature `sqlite`"));
}

#[cfg(not(feature = "postgres"))]
#[test]
fn the_missing_feature_is_named_without_the_password() {
    let message = refused("postgres://ann:s3cret@db/x");
    assert!(message.contains("feature `postgres`") && !message.contains("s3cret"), "{message}");
}

#[cfg(feature = "postgres")]
mod postgres {
    use approval_test_cluster::Cluster;

    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        let url: StoreUrl = "postgresql://ann:s3cret@db.example.com/app?schema=x".parse().unwrap();
        assert_eq!(url.to_string(), "postgres://db.example.com:5432/app?schema=x");
        assert_eq!(format!("{url:?}"), "StoreUrl(postgres://db.example.com:5432/app?schema=x)");
        assert_eq!(url.path(), None);
        for text in [
            "postgres://ann:s3cret@",
            "POSTGRES://ann:s3cret@h:many/d",
            "postgres:ann:s3cret",
            "postgres://ann;s3cret@h",
            "postgres://ann;s3cret@h/d",
            "postgres://s3cret@h",
            "postgres://h/d s3cret",
            "postgres://h/d#s3cret",
            "postgres://h/d|s3cret",
        ] {
            let message = refused(text);
            assert!(
                message.contains("postgres://user:password@host") && !message.contains("s3cret"),
                "{message}"
            );
        }
        // Nobody listens on port 1.
        let error = block_on(connect("postgres://ann:s3cret@127.0.0.1:1/app")).unwrap_err();
        assert!(error.to_string().contains("cannot be reached"), "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }

    #[test]
    fn what_the_server_says_does_not_repeat_the_user_or_a_setting() {
        let database = Cluster::shared().database().unwrap();
        let (base, _) = database.url().split_once("postgres@").unwrap();
        let rest = database.url().split_once('@').unwrap().1;
        for text in [
            format!("{base}s3cret@{rest}"),
            format!("{base}ann:pw@{rest}?user=s3cret"),
            format!("{base}postgres@{rest}?options=s3cret"),
            format!("{base}postgres@{rest}?options=-c%20s3cret%3D1"),
        ] {
            let error = block_on(connect(&text)).unwrap_err();
            assert!(error.to_string().contains("does not let this address in"), "{error}");
            let error: &dyn std::error::Error = &error;
            let whole = std::iter::successors(Some(error), |error| error.source());
            let shown = whole.map(|error| format!("{error} {error:?}")).collect::<Vec<_>>().join(" ");
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        let url = database.url().rsplit_once('/').unwrap().0.to_owned() + "/no_such_database";
        let error = block_on(connect(&url)).unwrap_err().to_string();
        assert!(error.contains("no_such_database"), "{error}");
    }

    #[test]
    fn the_tables_are_made_unless_they_must_be_there() {
        let database = Cluster::shared().database().unwrap();
        let text = format!("{}?schema=one", database.url());
        let schemas = || database.psql("select count(*) from pg_namespace where nspname = 'one'").unwrap();
        let url: StoreUrl = text.parse().unwrap();
        let error = block_on(url.connect_existing()).unwrap_err().to_string();
        assert!(error.contains("no store in the schema one"), "{error}");
        assert_eq!(schemas(), "0");
        block_on(async {
            let store = connect(&text).await.unwrap();
            assert_eq!((store.info().name, schemas().as_str()), ("postgres", "1"));
            store.close().await.unwrap();
            url.connect_existing().await.unwrap().close().await.unwrap();
        });
    }
}

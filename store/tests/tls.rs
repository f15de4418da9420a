//! TLS to PostgreSQL, with an authority of one's own and a client's certificate: by the URL, as libpq's clients write it.

use berth_domain::time::Time;
use berth_store::{Options, Phase, Store};
use berth_test_servers::Postgres;
use berth_test_servers::tls::Tls;

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_speaks_with_who_shows_a_certificate_and_trusts_its_authority() {
    let (tls, folder, foreign) = (Tls::new(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    tls.write_client(folder.path());
    Tls::new().write_client(foreign.path());
    let server = Postgres::start_tls(&tls);
    let url = |authority: &std::path::Path, identity: &std::path::Path| {
        let (ca, client) = (authority.display(), identity.display());
        format!(
            "{}?sslmode=verify-full&sslrootcert={ca}/ca.pem&sslcert={client}/client.pem&sslkey={client}/client.key",
            server.url()
        )
    };
    let known = Store::connect(&url(folder.path(), folder.path()), Options::default()).await.unwrap();
    known.migrate(Phase::Contract, Time::from_micros(1_795_400_799_000_000)).await.unwrap();
    known.close().await;
    for (who, url) in [
        ("shows another's certificate", url(folder.path(), foreign.path())),
        ("trusts another authority", url(foreign.path(), folder.path())),
        ("speaks no TLS", format!("{}?sslmode=disable", server.url())),
    ] {
        let refused = match Store::connect(&url, Options::default()).await {
            Ok(store) => store.ping().await.is_err(),
            Err(_) => true,
        };
        assert!(refused, "who {who} is let in");
    }
}

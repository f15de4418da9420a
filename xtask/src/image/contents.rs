//! What is in the image: the program and what it is made of, certificates of the usual authorities, and the few files that a
//! program expects.

use std::fmt::Write as _;
use std::io;

use base64::Engine as _;
use tar::{Builder, EntryType, Header};

use super::sbom;

/// Whom it runs as: nobody who exists elsewhere.
pub(super) const USER: &str = "65532:65532";
/// Where the program is.
pub(super) const PROGRAM: &str = "/berth";
/// Where the certificates are.
pub(super) const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The image's one layer, as a tar archive.
pub(super) fn layer(program: &[u8], sbom: &[u8]) -> io::Result<Vec<u8>> {
    let mut layer = Builder::new(Vec::with_capacity(program.len() + (1 << 20)));
    for path in ["etc/", "etc/ssl/", "etc/ssl/certs/", "usr/", "usr/share/", "usr/share/sbom/", "tmp/"] {
        let mode = if path == "tmp/" { 0o1777 } else { 0o755 };
        let mut header = header(mode, 0);
        header.set_entry_type(EntryType::Directory);
        layer.append_data(&mut header, path, io::empty())?;
    }
    let certificates = certificates();
    let files: [(&str, u32, &[u8]); 6] = [
        ("etc/group", 0o644, b"berth:x:65532:\n"),
        ("etc/nsswitch.conf", 0o644, b"hosts: files dns\n"),
        ("etc/passwd", 0o644, b"berth:x:65532:65532:berth:/tmp:/nowhere\n"),
        (CERTIFICATES.trim_start_matches('/'), 0o644, certificates.as_bytes()),
        (sbom::PATH.trim_start_matches('/'), 0o644, sbom),
        (PROGRAM.trim_start_matches('/'), 0o755, program),
    ];
    for (path, mode, bytes) in files {
        layer.append_data(&mut header(mode, bytes.len() as u64), path, bytes)?;
    }
    layer.into_inner()
}

/// Of nobody in particular, and of no time.
fn header(mode: u32, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// The authorities that Mozilla trusts, as a file of certificates.
fn certificates() -> String {
    let mut text = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded = base64::engine::general_purpose::STANDARD.encode(certificate);
        for line in encoded.as_bytes().chunks(64) {
            // Base64 is ASCII.
            writeln!(text, "{}", String::from_utf8_lossy(line)).ok();
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn the_layer_has_the_program_and_whom_to_trust_and_nothing_of_this_machine() {
        let bytes = layer(b"program", b"bill").unwrap();
        assert_eq!(bytes, layer(b"program", b"bill").unwrap());
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut found = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (0, 0, 0));
            let mode = header.mode().unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found.push((entry.path().unwrap().display().to_string(), mode, text));
        }
        let of = |path: &str| found.iter().find(|(known, ..)| known == path).unwrap();
        assert_eq!((of("berth").1, of("berth").2.as_str()), (0o755, "program"));
        assert_eq!(of("tmp/").1, 0o1777);
        assert_eq!(of(sbom::PATH.trim_start_matches('/')).2, "bill");
        let trusted = &of("etc/ssl/certs/ca-certificates.crt").2;
        assert!(trusted.matches("BEGIN CERTIFICATE").count() > 100, "{}", trusted.len());
    }
}

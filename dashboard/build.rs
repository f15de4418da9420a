//! Writes the table of the page's files, each with its bytes and compressed forms, from `dist`. Without a built page the
//! table has one page that says how to get the rest, so that a build without Node works.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What files are, by the ends of their names; others are not part of a page.
const KINDS: [(&str, &str); 4] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("svg", "image/svg+xml"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let home = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo names no folder")?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no folder for what is built")?);
    // The folder is always there: one that is missing would have cargo build this crate every time.
    println!("cargo:rerun-if-changed=dist");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src-rs/missing.html");
    let dist = home.join("dist");
    let is_built = dist.join("index.html").is_file();
    let mut files = Vec::new();
    if is_built {
        walk(&dist, &mut files)?;
        files.sort();
    }
    let mut table = format!("const IS_BUILT: bool = {is_built};\n\nstatic FILES: &[File] = &[\n");
    for file in &files {
        let name = file.strip_prefix(&dist)?.to_string_lossy().replace('\\', "/");
        row(&mut table, file, &name)?;
    }
    if !is_built {
        row(&mut table, &home.join("src-rs/missing.html"), "index.html")?;
    }
    table.push_str("];\n");
    fs::write(out.join("files.rs"), table)?;
    Ok(())
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, found)?;
        } else if kind(&path).is_some() {
            found.push(path);
        }
    }
    Ok(())
}

fn kind(path: &Path) -> Option<&'static str> {
    let end = path.extension()?.to_str()?;
    KINDS.into_iter().find_map(|(known, kind)| (known == end).then_some(kind))
}

fn row(table: &mut String, file: &Path, name: &str) -> Result<(), Box<dyn Error>> {
    let kind = kind(file).ok_or("a file of no known kind")?;
    let packed = |end: &str| {
        let path = PathBuf::from(format!("{}.{end}", file.display()));
        if path.is_file() { format!("Some(include_bytes!({path:?}))") } else { "None".to_owned() }
    };
    // Whatever the tool that builds the page puts there has its contents' hash in its name.
    let is_immutable = name.starts_with("assets/");
    writeln!(
        table,
        "File {{ path: {path:?}, kind: {kind:?}, whole: include_bytes!({file:?}), brotli: {brotli}, gzip: {gzip}, \
         tag: \"\\\"{tag:016x}\\\"\", is_immutable: {is_immutable} }},",
        path = format!("/{name}"),
        brotli = packed("br"),
        gzip = packed("gz"),
        tag = hash(&fs::read(file)?),
    )?;
    Ok(())
}

/// FNV-1a: a tag tells one build from another, and keeps no secret.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

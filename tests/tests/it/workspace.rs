//! The shape of the workspace: who may import whom, who may name what, under which licences.

use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// For each crate, the crates of the workspace that it may import.
const ARROWS: [(&str, &[&str]); 7] = [
    ("heliosdb-crdt", &[]),
    ("heliosdb-storage", &["heliosdb-crdt"]),
    ("heliosdb-sql", &["heliosdb-storage", "heliosdb-crdt"]),
    ("heliosdb-sync", &["heliosdb-storage", "heliosdb-crdt"]),
    ("heliosdb-edge", &["heliosdb-crdt", "heliosdb-storage", "heliosdb-sql", "heliosdb-sync"]),
    ("heliosdb-tests", &["heliosdb-edge"]),
    ("heliosdb-bench", &["heliosdb-edge"]),
];

/// Crates that only one place may name.
const ONE_PLACE: [(&str, &str); 5] = [
    ("redb", "storage/src/base"),
    ("pgwire", "server/src/pg/"),
    ("axum", "sync/src/transport/"),
    ("hyper", "sync/src/transport/"),
    ("tokio_tungstenite", "sync/src/transport/"),
];

const LICENCES: [&str; 11] = [
    "Apache-2.0",
    "MIT",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Unicode-3.0",
    "Zlib",
    "0BSD",
    "Unlicense",
    "CC0-1.0",
    "BSL-1.0",
];

/// Crates under a licence that is not permissive but does not reach beyond their own files, used as they are.
const FILE_LEVEL_COPYLEFT: [(&str, &str); 1] = [("x509-certificate", "MPL-2.0")]; // pgwire's, for SCRAM.

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).other_options(["--locked".into()]).exec().unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn imports_follow_the_arrows() {
    let metadata = metadata();
    let members = metadata.workspace_packages();
    assert_eq!(members.len(), ARROWS.len(), "a crate came or went: say in ARROWS what it may import");
    for package in members {
        let (_, allowed) = ARROWS.iter().find(|(name, _)| *name == package.name.as_str()).expect("a known crate");
        for dependency in &package.dependencies {
            let ours = dependency.name.starts_with("heliosdb-");
            let counts = dependency.kind != DependencyKind::Development;
            assert!(
                !ours || !counts || allowed.contains(&dependency.name.as_str()),
                "{} may not import {}",
                package.name,
                dependency.name
            );
        }
    }
}

#[test]
fn a_crate_that_one_place_owns_is_named_nowhere_else() {
    let mut sources = Vec::new();
    for folder in ["crdt", "storage", "sql", "sync", "server"] {
        collect(&root().join(folder).join("src"), &mut sources);
    }
    assert!(sources.len() > 20, "the sources were found");
    for (name, place) in ONE_PLACE {
        let path = format!("{name}::");
        let mut seen = 0;
        for source in &sources {
            let relative = source.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(source).unwrap();
            let named = text.lines().any(|line| {
                let code = line.trim_start();
                !code.starts_with("//")
                    && code
                        .match_indices(&path)
                        .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
            });
            if named {
                seen += 1;
                assert!(relative.starts_with(place), "{relative} names {name}, which belongs to {place}");
            }
        }
        assert!(seen > 0, "{name} is named nowhere: this check has lost its object");
    }
}

fn collect(folder: &Path, sources: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
}

#[test]
fn dependencies_are_permissively_licensed() {
    let metadata = metadata();
    assert!(metadata.packages.len() > 50, "the dependencies were found");
    for package in &metadata.packages {
        let licence = package.license.clone().unwrap_or_default().replace('/', " OR ").replace(['(', ')'], "");
        let is_known = FILE_LEVEL_COPYLEFT.contains(&(package.name.as_str(), licence.as_str()));
        let fine = is_known
            || licence.split(" OR ").any(|choice| {
                choice.split(" AND ").all(|part| {
                    let name = part.split(" WITH ").next().unwrap_or_default().trim();
                    LICENCES.contains(&name)
                })
            });
        assert!(fine, "{} {} is under {licence:?}", package.name, package.version);
    }
}

//! The data folder: whose it is, and its control socket.
//!
//! `node.json` says what the folder was made for. It is written at the first start and makes a start with another mode or
//! tenant an error instead of a surprise.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;

use crate::config::{Config, Mode};
use crate::node::NodeError;

/// The name of the control socket in the data folder.
pub const CONTROL_SOCKET: &str = "control.sock";
/// The file that says whose folder it is.
const NODE_FILE: &str = "node.json";
/// Random bytes of a made-up node id.
const RANDOM_ID_BYTES: usize = 4;

/// What `node.json` holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodeFile {
    /// `edge` or `cloud`.
    pub mode: String,
    /// The node's name.
    pub node_id: String,
    /// The tenant.
    pub tenant: String,
}

/// Makes the data folder if it is not there. Only its owner can open what is in it.
pub fn create(path: &Path) -> Result<(), NodeError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| NodeError::Folder { path: path.to_owned(), what: error.to_string() })
}

/// What the folder was made for; None if it is new.
pub fn read(path: &Path) -> Result<Option<NodeFile>, NodeError> {
    let file = path.join(NODE_FILE);
    let refuse = |what: String| NodeError::Folder { path: file.clone(), what };
    match fs::read(&file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| refuse(format!("damaged: {error}"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refuse(error.to_string())),
    }
}

/// Claims the folder for the node: checks that it is the node's, or makes it so. The caller has the store open, so nobody
/// else does the same at the same time.
pub fn claim(config: &Config, enrolled: bool) -> Result<NodeFile, NodeError> {
    let path = config.data_dir.as_path();
    let refuse = |what: String| NodeError::Folder { path: path.to_owned(), what };
    let known = read(path)?;
    if let Some(known) = &known {
        if known.mode != config.mode.name() {
            return Err(refuse(format!(
                "it belongs to a node in {} mode; start it with --mode {0}, or give this node a folder of its own",
                known.mode
            )));
        }
        if known.tenant != config.tenant {
            return Err(refuse(format!("it belongs to the tenant \"{}\", not \"{}\"", known.tenant, config.tenant)));
        }
    }
    let node_id = match (&config.node_id, &known) {
        (Some(wanted), Some(known)) if enrolled && *wanted != known.node_id => {
            return Err(refuse(format!(
                "it is enrolled as \"{}\", so node_id cannot become \"{wanted}\"",
                known.node_id
            )));
        }
        (Some(wanted), _) => wanted.clone(),
        (None, Some(known)) => known.node_id.clone(),
        (None, None) => made_up_id(config.mode).map_err(|error| refuse(error.to_string()))?,
    };
    let claimed = NodeFile { mode: config.mode.name().to_owned(), node_id, tenant: config.tenant.clone() };
    if known.as_ref() != Some(&claimed) {
        write(path, &claimed).map_err(|error| refuse(error.to_string()))?;
    }
    Ok(claimed)
}

/// Random rather than the host's name: two containers or cloned machines must not share one.
fn made_up_id(mode: Mode) -> Result<String, getrandom::Error> {
    let mut random = [0; RANDOM_ID_BYTES];
    getrandom::fill(&mut random)?;
    Ok(format!("{}-{:08x}", mode.name(), u32::from_be_bytes(random)))
}

/// Replaces the file so that a crash leaves the old or the new one.
fn write(path: &Path, content: &NodeFile) -> io::Result<()> {
    let new = path.join("node.json.new");
    let mut file = fs::File::create(&new)?;
    file.write_all(&serde_json::to_vec_pretty(content)?)?;
    file.sync_all()?;
    fs::rename(&new, path.join(NODE_FILE))?;
    fs::File::open(path)?.sync_all()
}

/// Listens on the folder's control socket, which only the owner may open from the moment it is there.
pub fn listen(path: &Path) -> Result<UnixListener, NodeError> {
    let socket = path.join(CONTROL_SOCKET);
    bind(path, &socket).map_err(|error| NodeError::Folder { path: socket, what: error.to_string() })
}

fn bind(path: &Path, socket: &Path) -> io::Result<UnixListener> {
    // The socket is made in a folder that nobody else can enter and moved when its mode is right. The caller has the
    // store open, so a socket that is there was left by a process that is gone.
    let private = path.join("control.new");
    match fs::remove_dir_all(&private) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::DirBuilder::new().mode(0o700).create(&private)?;
    let made = private.join("s");
    let listener = UnixListener::bind(&made)?;
    fs::set_permissions(&made, fs::Permissions::from_mode(0o600))?;
    fs::rename(&made, socket)?;
    fs::remove_dir(&private)?;
    Ok(listener)
}

/// Takes the control socket away; a process that ends without doing so leaves it to the next start.
pub fn remove_socket(path: &Path) {
    // Nothing is lost if it stays.
    let _ = fs::remove_file(socket_path(path));
}

/// The control socket of a data folder.
pub fn socket_path(path: &Path) -> PathBuf {
    path.join(CONTROL_SOCKET)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(path: &Path, mode: Mode, node_id: Option<&str>) -> Config {
        let node_id = node_id.map(str::to_owned);
        Config { data_dir: path.to_owned(), mode, node_id, ..Config::default() }
    }

    #[test]
    fn a_made_up_id_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let first = claim(&config(folder.path(), Mode::Edge, None), false).unwrap();
        assert!(first.node_id.starts_with("edge-"));
        assert_eq!(claim(&config(folder.path(), Mode::Edge, None), false).unwrap(), first);
    }

    #[test]
    fn a_folder_keeps_its_mode_tenant_and_enrolled_name() {
        let folder = tempfile::tempdir().unwrap();
        claim(&config(folder.path(), Mode::Cloud, Some("hq")), false).unwrap();
        assert!(claim(&config(folder.path(), Mode::Edge, None), false).is_err());
        let other = Config { tenant: "other".to_owned(), ..config(folder.path(), Mode::Cloud, None) };
        assert!(claim(&other, false).is_err());
        assert!(claim(&config(folder.path(), Mode::Cloud, Some("hq2")), true).is_err());
        assert_eq!(claim(&config(folder.path(), Mode::Cloud, Some("hq2")), false).unwrap().node_id, "hq2");
        assert_eq!(claim(&config(folder.path(), Mode::Cloud, None), true).unwrap().node_id, "hq2");
    }
}

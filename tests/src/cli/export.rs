//! `export`: every broker's log directories, with Kafka's own names and bytes, below one folder.

use super::args::Args;
use super::run::Run;
use super::{Answer, BadInput, bad, load};
use std::fs;
use std::path::{Component, Path, PathBuf};

pub(super) fn call(rest: &[String]) -> Result<Answer, BadInput> {
    let args = Args::read(rest, &["FILE", "DIR"], &load::OPTIONS, &[])?;
    let (scenario, end) = load::scenario(&args)?;
    let folder = Path::new(args.at(1));
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return bad(format!("{}: is not empty. Name a folder that does not exist yet.", folder.display()));
    }
    let cluster = Run::to(&scenario, end).cluster;
    let (mut files, mut size) = (0_u64, 0_u64);
    for broker in &scenario.cluster.brokers {
        let home = folder.join(broker.to_string());
        write(&home, None)?;
        for (name, bytes) in cluster.disk_files(*broker) {
            write(&below(&home, &name)?, Some(&bytes))?;
            files += 1;
            size += bytes.len() as u64;
        }
    }
    let stdout =
        format!("{}: {} brokers, {files} files, {size} bytes, as they were at {end}\n", folder.display(), scenario.cluster.brokers.len());
    Ok(Answer { stdout, ..Answer::default() })
}

/// A file below a broker's folder, and never beside it.
fn below(home: &Path, name: &str) -> Result<PathBuf, BadInput> {
    let name = Path::new(name);
    match name.components().all(|part| matches!(part, Component::Normal(_))) {
        true => Ok(home.join(name)),
        false => bad(format!("{}: leads out of the broker's folder and was not written.", name.display())),
    }
}

/// A folder, or a file with the folders above it.
fn write(path: &Path, bytes: Option<&[u8]>) -> Result<(), BadInput> {
    let failed = |error: std::io::Error| BadInput(format!("{}: cannot be written: {error}.", path.display()));
    match bytes {
        None => fs::create_dir_all(path).map_err(failed),
        Some(bytes) => {
            path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
            fs::write(path, bytes).map_err(failed)
        }
    }
}

//! Debian's packages, for machines that reach package registries only.
//!
//! The one way xtask changes something outside the checkout and its cache; it happens only when nothing else provides
//! what is missing, and only as root or through a sudo that does not ask.

use crate::paths;
use crate::shell::Call;
use crate::trouble::Outcome;

pub(crate) fn available() -> bool {
    paths::program("apt-get").is_some() && paths::program("dpkg-query").is_some()
}

/// Installs those that are missing. `purpose` ends the sentence "needed for …".
pub(crate) fn install(packages: &[&str], purpose: &str) -> Outcome {
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    println!("Installing {list} ({purpose}).");
    let remedy = format!("install {list} yourself, as root ({purpose}), then repeat");
    // Package lists may be missing or old; when they cannot be renewed, the install below says what is wrong.
    if let Err(trouble) = privileged("apt-get").words("update -q").run(&remedy) {
        println!("{trouble}");
    }
    // sudo would drop a variable that is merely set here.
    let install = privileged("env").words("DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends");
    install.words(&list).run(&remedy)
}

/// A call with root's rights: as we are, or through a sudo that does not ask. Who we are does not tell what we may do (a container
/// can give the rights without the name), so without sudo the program is simply called; it says itself when it may not.
pub(crate) fn privileged(program: &str) -> Call {
    let root = Call::new("id").arg("-u").answer().as_deref() == Some("0");
    if !root && Call::new("sudo").words("-n true").succeeds() { Call::new("sudo").arg("-n").arg(program) } else { Call::new(program) }
}

fn installed(package: &str) -> bool {
    let status = Call::new("dpkg-query").words("--show --showformat=${db:Status-Status}").arg(package).answer();
    status.as_deref() == Some("installed")
}

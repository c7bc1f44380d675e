//! Has the linker say where it lays each constant: a release parts them by who reads them (`xtask/src/texts.mjs`).

use std::env;
use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let out = env::var("OUT_DIR").expect("cargo names a folder for what this makes");
    let profile = Path::new(&out).ancestors().nth(3).expect("that folder lies in the profile's");
    if env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo:rustc-link-arg-bins=--Map={}", profile.join("playground_web.map").display());
    }
}

//! Programs of others that tests need: Python with packages, Node with packages, Go, and a browser with
//! what drives it. Fetched once into
//! `~/.cache/guichet`, outside the checkout, in exactly these versions.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::needs::missing;

/// Where Debian keeps the sources of Go packages.
const DEBIAN_GO: &str = "/usr/share/gocode";

/// Python with these packages, in a venv of its own; `None`, loudly, where that is not possible.
pub fn python(packages: &[&str]) -> Option<PathBuf> {
    or_missing(&format!("python3 with venv and {}", packages.join(", ")), venv(packages))
}

fn venv(packages: &[&str]) -> Result<PathBuf, String> {
    let version = output(Command::new("python3").arg("-VV"))?;
    let venv = prepared("venv", &[packages.join(" "), version].concat(), |venv| {
        output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        output(Command::new(venv.join("bin/python")).args(pip).args(packages)).map(drop)
    })?;
    Ok(venv.join("bin/python"))
}

/// What drives a browser.
pub struct Browser {
    /// The browser itself.
    pub chromium: PathBuf,
    /// The folder with `node_modules`.
    pub node_modules: PathBuf,
}

/// Chromium, and Node with these packages; `None`, loudly, where one of them is not to be had.
pub fn browser(packages: &[&str]) -> Option<Browser> {
    let chromium = or_missing("chromium on the PATH (apt-get install chromium)", on_path("chromium"))?;
    let node_modules =
        or_missing(&format!("node and npm with {}", packages.join(", ")), installed(packages))?;
    Some(Browser { chromium, node_modules })
}

fn installed(packages: &[&str]) -> Result<PathBuf, String> {
    output(Command::new("node").arg("--version"))?;
    prepared("node", &packages.join(" "), |folder| {
        fs::create_dir_all(folder).map_err(|e| e.to_string())?;
        let npm = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--prefix"];
        output(Command::new("npm").args(npm).arg(folder).args(packages)).map(drop)
    })
}

/// The packages that `package-lock.json` in a folder names, as a folder `node_modules` of the cache.
pub fn node_modules(of: &Path) -> Option<PathBuf> {
    or_missing(&format!("node and npm with the packages of {}", of.display()), locked(of))
}

fn locked(of: &Path) -> Result<PathBuf, String> {
    output(Command::new("node").arg("--version"))?;
    let files = ["package.json", "package-lock.json"];
    let lock = fs::read_to_string(of.join(files[1])).map_err(|e| e.to_string())?;
    let folder = prepared("node", &lock, |folder| {
        fs::create_dir_all(folder).map_err(|e| e.to_string())?;
        for file in files {
            fs::copy(of.join(file), folder.join(file)).map_err(|e| e.to_string())?;
        }
        let npm = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"];
        output(Command::new("npm").args(npm).current_dir(folder)).map(drop)
    })?;
    Ok(folder.join("node_modules"))
}

/// Builds a Go program with the sources that Debian has, without modules and without a network.
pub fn go(source: &Path, program: &Path) -> Option<()> {
    let mut go = Command::new("go");
    go.env("GO111MODULE", "off").env("GOPATH", DEBIAN_GO).args(["build", "-o"]).arg(program).arg(source);
    or_missing(
        "golang-go, golang-github-nats-io-go-nats-dev and golang-golang-x-mod-dev of Debian",
        output(&mut go).map(drop),
    )
}

/// The folder of programs of a Python of at least 3.12 with these packages; `None`, loudly but also in CI, where there
/// is none: Debian's is older, and what these packages check others check too.
pub fn newer_python(packages: &[&str]) -> Option<PathBuf> {
    let named = ["python3.14", "python3.13", "python3.12"].map(PathBuf::from);
    let home = std::env::home_dir().unwrap_or_default().join(".pyenv/versions");
    let installed =
        fs::read_dir(home).into_iter().flatten().flatten().map(|dir| dir.path().join("bin/python"));
    let mut versions = named.into_iter().chain(installed).filter_map(|python| {
        let version = output(
            Command::new(&python)
                .args(["-c", "import sys; print(sys.version_info[:2] >= (3, 12), sys.version)"]),
        )
        .ok()?;
        version.starts_with("True").then_some((python, version))
    });
    let made = versions.next().ok_or_else(|| "there is none".to_owned()).and_then(|(python, version)| {
        prepared("venv", &[packages.join(" "), version].concat(), |venv| {
            output(Command::new(&python).args(["-m", "venv", "--clear"]).arg(venv))?;
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
            output(Command::new(venv.join("bin/python")).args(pip).args(packages)).map(drop)
        })
    });
    match made {
        Ok(venv) => Some(venv.join("bin")),
        Err(why) => {
            eprintln!("LEFT OUT, NOT TESTED: Python 3.12 or newer with {}: {why}", packages.join(", "));
            None
        }
    }
}

fn on_path(program: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file());
    found.ok_or_else(|| "it is not there".to_owned())
}

/// A folder of the cache, made once; whoever comes at the same time waits.
fn prepared(
    kind: &str,
    of: &str,
    make: impl FnOnce(&PathBuf) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let hash = Sha256::digest(of);
    let name: String = hash[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    let cache = std::env::home_dir().ok_or("there is no home folder")?.join(".cache/guichet");
    fs::create_dir_all(&cache).map_err(|e| e.to_string())?;
    let lock = File::create(cache.join(format!("{kind}.lock"))).map_err(|e| e.to_string())?;
    lock.lock().map_err(|e| e.to_string())?;
    let folder = cache.join(format!("{kind}-{name}"));
    let complete = folder.join("complete");
    if !complete.exists() {
        make(&folder)?;
        File::create(&complete).map_err(|e| e.to_string())?;
    }
    Ok(folder)
}

fn or_missing<T>(what: &str, found: Result<T, String>) -> Option<T> {
    found.inspect_err(|why| missing(&format!("this needs {what}: {why}"))).ok()
}

fn output(command: &mut Command) -> Result<String, String> {
    let ran = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if ran.status.success() {
        return Ok(text(&ran.stdout));
    }
    Err(format!("{command:?} ended with {}: {}{}", ran.status, text(&ran.stdout), text(&ran.stderr)))
}

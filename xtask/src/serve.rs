//! `cargo xtask serve`: builds the site and serves it on this machine only.
//!
//! A static server of our own: the release build exactly as a web host would send it, without the live-reload script
//! that trunk's server would add against the page's content policy.

use crate::site::Kit;
use crate::trouble::{Outcome, Trouble};
use crate::{paths, site};
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

const DEFAULT_PORT: u16 = 8080;
/// How many ports after the wanted one are tried.
const PORTS_TRIED: u16 = 50;
/// Longer request heads are refused; browsers send a few hundred bytes.
const LONGEST_HEAD: u64 = 16 * 1024;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    port: u16,
    watch: bool,
}

impl Options {
    pub(crate) fn parse(arguments: &[String]) -> Outcome<Self> {
        let mut options = Self { port: DEFAULT_PORT, watch: false };
        let mut rest = arguments.iter().map(String::as_str);
        while let Some(argument) = rest.next() {
            match argument.split_once('=').unwrap_or((argument, "")) {
                ("--watch", "") => options.watch = true,
                ("--port", "") => options.port = port(rest.next().unwrap_or_default())?,
                ("--port", value) => options.port = port(value)?,
                _ => return Err(Trouble::new(format!("`serve` does not take `{argument}`"), "use --port N or --watch")),
            }
        }
        Ok(options)
    }
}

pub(crate) fn serve(options: &Options) -> Outcome {
    let kit = Kit::ready()?;
    if options.watch {
        return watch(&kit, options.port);
    }
    kit.build()?;
    site::built()?;
    let listener = listen(options.port)?;
    println!("\nKafka Playground runs at {}  (Ctrl-C ends it)", address(&listener)?);
    answer_all(&listener, &paths::dist());
    Ok(())
}

/// Serves a folder in the background, on any free port, for as long as this process lives; returns the URL.
pub(crate) fn in_background(folder: PathBuf) -> Outcome<String> {
    let listener = listen(0)?;
    let url = address(&listener)?;
    std::thread::spawn(move || answer_all(&listener, &folder));
    Ok(url)
}

/// Trunk rebuilds at every change; its live-reload script would break the content policy, so the page is reloaded by hand.
fn watch(kit: &Kit, port: u16) -> Outcome {
    let free = address(&listen(port)?)?;
    let port = free.trim_end_matches('/').rsplit(':').next().unwrap_or_default();
    println!("Rebuilding at every change; reload the page to see it.");
    let serve = kit.trunk().words("serve --release --no-autoreload=true --address 127.0.0.1 --port").arg(port);
    serve.run("mend what trunk reports above")
}

fn port(text: &str) -> Outcome<u16> {
    text.parse().map_err(|_| Trouble::new(format!("`{text}` is no port"), "use a number from 1 to 65535"))
}

fn listen(wanted: u16) -> Outcome<TcpListener> {
    let last = wanted.saturating_add(PORTS_TRIED);
    for port in wanted..=last {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => return Err(Trouble::io(format!("cannot listen on port {port}"), &error)),
        }
    }
    Err(Trouble::new(format!("the ports {wanted} to {last} are all taken"), "name another with --port"))
}

fn address(listener: &TcpListener) -> Outcome<String> {
    let address = listener.local_addr().map_err(|error| Trouble::io("cannot tell the port", &error))?;
    Ok(format!("http://{address}/"))
}

fn answer_all(listener: &TcpListener, folder: &Path) {
    for stream in listener.incoming().flatten() {
        let folder = folder.to_path_buf();
        // A browser that hangs up early is no trouble of ours.
        std::thread::spawn(move || answer(&stream, &folder).ok());
    }
}

fn answer(stream: &TcpStream, folder: &Path) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut head = BufReader::new(stream.take(LONGEST_HEAD));
    let mut request = String::new();
    head.read_line(&mut request)?;
    // The rest of the head must be read: closing with unread bytes resets the connection.
    let mut line = String::new();
    while head.read_line(&mut line)? > 2 {
        line.clear();
    }
    let reply = reply(&request, folder);
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        reply.status,
        reply.kind,
        reply.body.len()
    )?;
    if !request.starts_with("HEAD ") {
        stream.write_all(&reply.body)?;
    }
    stream.flush()
}

struct Reply {
    status: &'static str,
    kind: &'static str,
    body: Vec<u8>,
}

impl Reply {
    fn refused(status: &'static str) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", body: status.into() }
    }
}

fn reply(request: &str, folder: &Path) -> Reply {
    let mut words = request.split_whitespace();
    let (Some("GET" | "HEAD"), Some(target)) = (words.next(), words.next()) else {
        return Reply::refused("405 Method Not Allowed");
    };
    let Some(file) = file_for(target, folder) else {
        return Reply::refused("400 Bad Request");
    };
    match fs::read(&file) {
        Ok(body) => Reply { status: "200 OK", kind: media_type(&file), body },
        Err(_) => Reply::refused("404 Not Found"),
    }
}

/// The file a request means; nothing for a path that would leave the folder.
fn file_for(target: &str, folder: &Path) -> Option<PathBuf> {
    let path = decoded(target.split(['?', '#']).next()?)?;
    let relative = Path::new(path.strip_prefix('/')?);
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let file = folder.join(relative);
    Some(if file.is_dir() { file.join("index.html") } else { file })
}

/// Percent-decoded.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        bytes.push(if byte == b'%' { u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()? } else { byte });
    }
    String::from_utf8(bytes).ok()
}

/// Modules and streamed wasm run only with the right type.
fn media_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "webmanifest") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("toml" | "txt" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &str) -> Outcome<Options> {
        Options::parse(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read_in_both_spellings() {
        assert_eq!(options("").unwrap(), Options { port: 8080, watch: false });
        assert_eq!(options("--port 9000 --watch").unwrap(), Options { port: 9000, watch: true });
        assert_eq!(options("--port=9000").unwrap(), Options { port: 9000, watch: false });
        for wrong in ["--port", "--port x", "--port 70000", "--open"] {
            assert!(options(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_request_leaves_the_folder() {
        let folder = Path::new("/site");
        for path in ["/../etc/passwd", "/%2e%2e/etc/passwd", "/a/../../b", "//etc/passwd", "/..%2fb", "b", "/%zz", "/%e0"] {
            assert_eq!(file_for(path, folder), None, "{path}");
        }
        assert_eq!(file_for("/a%20b.js?x=/../#y", folder), Some("/site/a b.js".into()));
    }

    #[test]
    fn a_folder_means_its_index() {
        assert_eq!(file_for("/", paths::root()), Some(paths::root().join("index.html")));
    }

    #[test]
    fn only_reading_is_allowed() {
        let folder = paths::root();
        assert_eq!(reply("POST / HTTP/1.1", folder).status, "405 Method Not Allowed");
        assert_eq!(reply("GET /absent HTTP/1.1", folder).status, "404 Not Found");
        assert_eq!(reply("GET /index.html HTTP/1.1", folder).kind, "text/html; charset=utf-8");
    }

    #[test]
    fn a_taken_port_leads_to_the_next() {
        let first = listen(0).unwrap();
        let taken = first.local_addr().unwrap().port();
        let second = listen(taken).unwrap();
        assert!(second.local_addr().unwrap().port() > taken);
    }

    #[test]
    fn what_is_served_arrives_whole() {
        let url = in_background(paths::root().to_path_buf()).unwrap();
        let mut stream = TcpStream::connect(url.trim_start_matches("http://").trim_end_matches('/')).unwrap();
        stream.write_all(b"GET /LICENSE-MIT HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("Cache-Control: no-store"));
        assert!(answer.ends_with(&fs::read_to_string(paths::root().join("LICENSE-MIT")).unwrap()));
    }
}

//! The program from outside. That this test is here also has `cargo test` build the program, which the integration tests
//! start and kill.

use std::process::Command;

#[test]
fn the_program_tells_its_version_and_refuses_an_origin_that_is_not_on_this_machine() {
    let run = |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_okta-connector")).args(args).output().expect("it runs");
    let version = run(&["--version"]);
    assert_eq!(String::from_utf8_lossy(&version.stdout).trim(), concat!("okta-connector ", env!("CARGO_PKG_VERSION")));
    let data = tempfile::tempdir().expect("a directory");
    let data = data.path().to_str().expect("a path");
    let refused = run(&["serve", "--port", "0", "--data", data, "--allow-okta-origin", "http://example.com"]);
    assert!(!refused.status.success());
}

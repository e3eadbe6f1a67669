fn main() {
    let output = std::process::Command::new("python3").arg("attack.py").output().unwrap();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        println!("cargo:warning={line}");
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

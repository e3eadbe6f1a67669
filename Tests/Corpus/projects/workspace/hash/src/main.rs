use std::io::Read;

fn main() {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).expect("standard input can be read");
    println!("{:016x} {}", library::hash(&bytes), simdutf8::basic::from_utf8(&bytes).is_ok());
}

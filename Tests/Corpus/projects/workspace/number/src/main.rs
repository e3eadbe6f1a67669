fn main() {
    let mut buffer = zmij::Buffer::new();
    for argument in std::env::args().skip(1) {
        let number: f64 = argument.parse().unwrap_or(f64::NAN);
        println!("{}", buffer.format(number));
    }
}

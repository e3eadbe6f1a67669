fn main() {
    let number: f64 = "one and a half";
    println!("{}", zmij::Buffer::new().format(number));
}

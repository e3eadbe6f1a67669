fn main() {
    println!("compiled from this source");
}

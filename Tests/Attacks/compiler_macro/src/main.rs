attack_macro::attack!();

fn main() {}

print("attack")

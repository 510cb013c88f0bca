"""How the weights of the learned engine are made, from synthetic speech alone. Run the package to do it all."""

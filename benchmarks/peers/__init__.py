"""The same training in other libraries, each as its users write it."""

"""What is computed: layers, and the networks they compose."""

"""What is run to find out: a few designs, each shared by many claims."""

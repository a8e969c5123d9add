"""What it will need, said before anything is booked."""
